"""One chat of one adapter, beyond what the screen's tests see of it."""

import asyncio
from dataclasses import replace

from bridge.events import ChatKind, ChatRef, Page
from bridge.flow.pacing import Pacer
from bridge.line import Line
from bridge.testing.adapter import ROOMY, FakeAdapter
from bridge.verbs import verbs


async def test_an_answer_grows_unread_until_it_may_be_shown_again() -> None:
    caps = replace(ROOMY, edit_interval=0.2)
    chat = ChatRef("fake", "fake", "room", kind=ChatKind.PRIVATE)
    line = Line(verbs(FakeAdapter(caps)), chat, Pacer())
    now = asyncio.get_running_loop().time
    began = now()
    await line.send(Page("Hi"), "key")
    await line.lull(asyncio.Event().wait())
    assert now() - began >= 0.19
