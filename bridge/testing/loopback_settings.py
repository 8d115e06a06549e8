"""The keys of a loopback table, for daemons that a test starts."""

from pydantic import HttpUrl

from bridge.platform import AdapterSettings, Platform


class LoopbackSettings(AdapterSettings):
    """A platform that lives in a test process.

    url: of the test's `Loopback`.
    max_text: the longest message, in code points.
    edit_interval: seconds between two edits, in any chat.
    """

    url: HttpUrl
    max_text: int = 4000
    edit_interval: float = 0.02


PLATFORM = Platform(
    settings=LoopbackSettings, adapter="bridge.testing.loopback_adapter:LoopbackAdapter"
)
