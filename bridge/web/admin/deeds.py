"""What is drawn of what operators did. Pure."""

from collections.abc import Sequence

from bridge.store.operator_log import Deed
from bridge.web.admin.asked import link
from bridge.web.admin.html import Html
from bridge.web.admin.parts import live, name, on, table, when

PAGE = 100


def listed(found: Sequence[tuple[int, Deed]]) -> list[Html]:
    """The list, the newest first."""
    rows = [(when(it.at), name(it.who), it.what, name(it.detail)) for _, it in found]
    listing = table(("when", "who", "what", "of"), rows, nothing="Nobody did anything yet.")
    further = on(link("/log", before=found[-1][0]), "Older ones") if len(found) >= PAGE else ""
    return [live("list", listing, further)]
