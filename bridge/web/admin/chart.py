"""Charts of the last hours, drawn by hand: nothing is loaded, and no style is inline. Pure.

Words stand outside of the drawing, which is stretched to the width there is.
"""

import math
from collections.abc import Sequence

from bridge.view.pulse import Pulse, Slot
from bridge.web.admin.html import Html, tag
from bridge.web.admin.parts import when

WIDE, HIGH = 720, 120  # units of the drawing, not pixels


def throughput(pulse: Pulse) -> Html:
    """How many messages were answered, and how many not, as bars."""
    top = ceiling(max((it.answered + it.failed for it in pulse.slots), default=0))
    wide = WIDE / max(1, len(pulse.slots))
    bars: list[str] = []
    for number, slot in enumerate(pulse.slots):
        left, good = number * wide, HIGH * slot.answered / top
        bars += _bar("answered", left, wide, HIGH - good, good, slot)
        bad = HIGH * slot.failed / top
        bars += _bar("failed", left, wide, HIGH - good - bad, bad, slot)
    said = f"{pulse.whole.answered} answered, {pulse.whole.failed} not"
    return _figure("Messages", pulse, f"{top:g}", said, bars, ("answered", "failed"))


def latency(pulse: Pulse) -> Html:
    """How long answers took, as two lines."""
    top = ceiling(max((it.slow or 0.0 for it in pulse.slots), default=0.0))
    median = _line("median", [it.median for it in pulse.slots], top)
    slow = _line("slow", [it.slow for it in pulse.slots], top)
    whole = pulse.whole
    said = (
        "no answers"
        if whole.median is None
        else f"half within {whole.median:.1f} s, 95 of 100 within {whole.slow or 0.0:.1f} s"
    )
    names = ("median", "slow")
    return _figure("Time to the whole answer", pulse, f"{top:g} s", said, [*slow, *median], names)


def ceiling(most: float) -> float:
    """The end of a scale: 1, 2 or 5 times a power of ten, and never nothing."""
    if most <= 1:
        return 1
    size: float = 10.0 ** math.floor(math.log10(most))
    return next(step * size for step in (1, 2, 5, 10) if step * size >= most)


_NAMES = {
    "answered": "answered",
    "failed": "not answered",
    "median": "half of them",
    "slow": "95 of 100",
}


def _figure(
    title: str, pulse: Pulse, top: str, said: str, shapes: Sequence[str], names: Sequence[str]
) -> Html:
    drawing = tag(
        "svg",
        *shapes,
        viewBox=f"0 0 {WIDE} {HIGH}",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"{title}: {said}",
    )
    key = [tag("li", _NAMES[each], class_=each) for each in names]
    return tag(
        "figure",
        tag("figcaption", tag("strong", title), tag("ul", *key, class_="key")),
        tag("span", top, class_="top"),
        drawing,
        tag("p", when(pulse.slots[0].begins), tag("span", "now"), class_="axis"),
    )


def _bar(kind: str, left: float, wide: float, top: float, high: float, slot: Slot) -> list[str]:
    if high <= 0:
        return []
    told = f"{slot.begins:%H:%M} UTC: {slot.answered} answered, {slot.failed} not"
    shape = {"x": _n(left + wide * 0.1), "y": _n(top), "width": _n(wide * 0.8), "height": _n(high)}
    return [tag("rect", tag("title", told), class_=kind, **shape)]


def _line(kind: str, seconds: Sequence[float | None], top: float) -> list[str]:
    """A line through what there is; a lone point gets a length, so that it is seen."""
    wide = WIDE / max(1, len(seconds))
    pieces: list[str] = []
    before = False
    for number, its in enumerate(seconds):
        if its is None:
            before = False
            continue
        x, y = wide * (number + 0.5), HIGH * (1 - min(its / top, 1.0))
        pieces.append(f"L{_n(x)} {_n(y)}" if before else f"M{_n(x - wide / 2)} {_n(y)}H{_n(x)}")
        before = True
    return [tag("path", d=" ".join(pieces), class_=kind)] if pieces else []


def _n(number: float) -> str:
    return f"{number:.1f}"
