"""One chat of one adapter, beyond what the screen's tests see of it."""

import math
from dataclasses import replace

import pytest

from bridge.events import ChatKind, ChatRef
from bridge.flow.pacing import Pacer
from bridge.line import Line
from bridge.testing.adapter import ROOMY, FakeAdapter
from bridge.verbs import verbs


@pytest.mark.parametrize(
    ("interval", "lull"),
    [(1.1, 0.275), (0.08, 0.02), (0.001, 0.02), (60.0, 0.5), (math.inf, 0.5)],
)
def test_an_answer_is_looked_at_more_often_than_it_is_shown(interval: float, lull: float) -> None:
    caps = replace(ROOMY, edit_interval=interval)
    chat = ChatRef("fake", "fake", "room", kind=ChatKind.PRIVATE)
    assert Line(verbs(FakeAdapter(caps)), chat, Pacer()).lull == pytest.approx(lull)
