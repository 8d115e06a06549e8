"""What is drawn of the whole bridge: its parts, the last hours, what runs now. Pure."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from bridge.pausing import PAUSE, RESUME
from bridge.store.overview import Ran
from bridge.view.pulse import LIVE, Pulse
from bridge.view.talks import who
from bridge.web.admin import chart
from bridge.web.admin.asked import link
from bridge.web.admin.html import Html, join, tag
from bridge.web.admin.parts import button, hidden, live, mark, name, pairs, table, when

SPANS = {"1h": timedelta(hours=1), "6h": timedelta(hours=6), "24h": timedelta(hours=24)}
USUAL = "6h"


def drawn(pulse: Pulse, parts: Mapping[str, str | None], span: str, csrf: str) -> list[Html]:
    """The page. parts: each with its trouble, None where all is well."""
    return [
        live("health", _health(parts), _paused(pulse)),
        live("sums", _sums(pulse, span), kind="tiles"),
        live("charts", _spans(span), chart.throughput(pulse), chart.latency(pulse), _reach(pulse)),
        live("running", _running(pulse), title="Running now"),
        live("parts", _parts(parts), title="Parts"),
        live("pause", _pause(pulse, csrf)),
    ]


def _health(parts: Mapping[str, str | None]) -> Html:
    wrong = [part for part, trouble in parts.items() if trouble]
    if not wrong:
        return tag("p", "Everything works.", class_="health good", role="status")
    said = "1 part is in trouble: " if len(wrong) == 1 else f"{len(wrong)} parts are in trouble: "
    return tag("p", said, ", ".join(wrong), class_="health bad", role="status")


def _paused(pulse: Pulse) -> Html:
    if pulse.paused is None:
        return Html("")
    by, since = name(pulse.paused.by), when(pulse.paused.at)
    said = ("Paused by ", by, " since ", since, ": questions wait, and none is asked.")
    return tag("p", *said, class_="health busy", role="status")


def _pause(pulse: Pulse, csrf: str) -> Html:
    """For a bridge that should do no more harm, or cost no more, until somebody has looked."""
    if pulse.paused is None:
        ask = "Let all questions wait until you resume?"
        deed = button("Pause", name="wish", value=PAUSE, confirm=ask)
        hint = " Questions are kept, and asked when you resume; answers under way come to an end."
    else:
        deed, hint = button("Resume", name="wish", value=RESUME), " All that waits is asked then."
    return tag("form", hidden(csrf), deed, hint, method="post", action="/admin/pause")


def _sums(pulse: Pulse, span: str) -> Html:
    hours = f"in {span.removesuffix('h')} h"
    whole = pulse.whole
    return pairs(
        [
            ("running now", f"{pulse.open:,}"),
            (f"answered {hours}", f"{whole.answered:,}"),
            (f"not answered {hours}", f"{whole.failed:,}"),
            ("half within", _seconds(whole.median)),
            ("95 of 100 within", _seconds(whole.slow)),
            (f"tokens {hours}", f"{pulse.tokens:,}"),
            ("to be looked at", tag("a", f"{pulse.left:,}", href=link("/unanswered"))),
        ]
    )


def _seconds(its: float | None) -> str:
    return "–" if its is None else f"{its:.1f} s"


def _spans(chosen: str) -> Html:
    links = [
        tag(
            "a",
            each.removesuffix("h") + " h",
            href=link("", span=each),
            aria_current="true" if each == chosen else None,
        )
        for each in SPANS
    ]
    return tag("nav", *links, class_="spans", aria_label="How far back")


def _reach(pulse: Pulse) -> Html:
    if pulse.reaches <= pulse.slots[0].begins:
        return Html("")
    return tag("p", "So much has happened that this is complete only since ", when(pulse.reaches))


def _running(pulse: Pulse) -> Html:
    rows = [_row(each) for each in pulse.live]
    listed = table(("turn", "state", "since", "who", "lane"), rows, nothing="Nothing just now.")
    if pulse.open <= LIVE:
        return listed
    return join(listed, tag("p", f"The oldest {LIVE} of {pulse.open:,}."))


def _row(it: Ran) -> Sequence[str]:
    tries = f", {it.retries} tries failed" if it.retries else ""
    return (
        it.reference,
        join(mark("busy", it.state), tries),
        when(it.created_at),
        to_talk(it.lane, name(who(it.said))),
        lane(it.lane),
    )


def lane(of: str) -> Html:
    """What a conversation is called here, and on the command line."""
    return tag("span", name(_own(of)), class_="lane")


def to_talk(of: str, *label: str) -> Html:
    """The way to the conversation of a lane."""
    return tag("a", *label, href=link("/conversations/one", lane=_own(of)))


def _own(lane: str) -> str:
    return lane.removesuffix("!")  # the express lane is part of it


def _parts(parts: Mapping[str, str | None]) -> Html:
    rows = [
        (part, join(mark("bad", "in trouble"), " ", trouble) if trouble else mark("good", "works"))
        for part, trouble in parts.items()
    ]
    return table(("part", "state"), rows, nothing="There are none.")
