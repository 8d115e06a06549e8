"""What is drawn of turns that ended without an answer, and what can be done with them. Pure."""

from collections.abc import Sequence

from bridge.store.overview import Ran
from bridge.view.talks import who
from bridge.view.unanswered import Wish
from bridge.web.admin.asked import link
from bridge.web.admin.html import Html, tag
from bridge.web.admin.overview import lane, to_talk
from bridge.web.admin.parts import button, hidden, live, mark, name, on, table, when

PAGE = 50  # turns
DEED = {Wish.REQUEUE: "asked again", Wish.DROP: "dropped"}


def listed(found: Sequence[Ran], total: int, csrf: str) -> list[Html]:
    """The list, as a form: boxes to tick, and what is to become of those."""
    if not found:
        return [live("list", tag("p", "Every message was answered.", class_="nothing"))]
    heads = ("", "turn", "state", "ended", "who", "why", "lane")
    rows = table(heads, [_row(it) for it in found], nothing="")
    every = tag("input", type="checkbox", id="all", data_all="id")
    all_of_them = tag("label", every, tag("span", "all of these"))
    deeds = tag(
        "p",
        all_of_them,
        button("Ask again", name="wish", value=Wish.REQUEUE),
        button("Drop", name="wish", value=Wish.DROP, confirm="Strike these off the list?"),
        class_="deeds",
    )
    form = tag("form", hidden(csrf), deeds, rows, method="post", action="/admin/unanswered")
    further = on(link("/unanswered", before=found[-1].id), "Older ones")
    count = tag("p", f"{total:,} in all, the newest first.")
    return [live("list", count, form, further if len(found) >= PAGE else "")]


def _row(it: Ran) -> Sequence[str]:
    box = tag("input", type="checkbox", name="id", value=str(it.id), aria_label=it.reference)
    return (
        tag("label", box, class_="tick"),
        it.reference,
        mark("bad", it.state),
        when(it.ended_at),
        to_talk(it.lane, name(who(it.said)), " (", name(it.said.chat.account), ")"),
        it.error or "nobody was there to read the answer",
        lane(it.lane),
    )
