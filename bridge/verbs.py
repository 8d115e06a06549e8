"""What one adapter can do beyond the least, looked for once.

To ask whether something fits a protocol takes 10 us on Python 3.11, and an edit would ask thrice.
"""

from dataclasses import dataclass

from bridge.adapter import (
    Adapter,
    Expires,
    Meters,
    Probes,
    Recalls,
    Retracts,
    SendsFiles,
    ShowsDrafts,
    ShowsTyping,
)


@dataclass(frozen=True, slots=True)
class Verbs:
    """An adapter, and the optional verbs that are about messages; None where it has not got one."""

    adapter: Adapter
    shows_typing: ShowsTyping | None
    shows_drafts: ShowsDrafts | None
    retracts: Retracts | None
    meters: Meters | None
    expires: Expires | None
    recalls: Recalls | None
    probes: Probes | None
    sends_files: SendsFiles | None


def verbs(adapter: Adapter) -> Verbs:
    """Look what an adapter can do."""
    return Verbs(
        adapter,
        shows_typing=adapter if isinstance(adapter, ShowsTyping) else None,
        shows_drafts=adapter if isinstance(adapter, ShowsDrafts) else None,
        retracts=adapter if isinstance(adapter, Retracts) else None,
        meters=adapter if isinstance(adapter, Meters) else None,
        expires=adapter if isinstance(adapter, Expires) else None,
        recalls=adapter if isinstance(adapter, Recalls) else None,
        probes=adapter if isinstance(adapter, Probes) else None,
        sends_files=adapter if isinstance(adapter, SendsFiles) else None,
    )
