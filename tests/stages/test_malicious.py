"""Answers and questions that were made to do harm, or to take for ever."""

import time

import pytest

from bridge.adapter import Capabilities
from bridge.config import AgentSettings
from bridge.render import Renderer
from bridge.store.sessions import Session
from bridge.text.reply import Answer, Reply, State
from tests.engine.test_verdict import turn

SESSION = Session("lane", "default", "uid", "c1")
CAPS = Capabilities(
    max_text=4096, edit_interval=1, edit_interval_group=3, utf16=True, max_spans=100
)
TOO_LONG = 2.0  # seconds of computing; what is measured takes a twentieth of it


@pytest.mark.parametrize("state", [State.STREAMING, State.COMPLETE])
@pytest.mark.parametrize(
    "markdown",
    [
        "**a** " * 10_000,
        "`a` " * 10_000,
        "[a](https://x.org) " * 10_000,
        "![a](https://x.org/a.png) " * 10_000,
        "&amp;" * 10_000,
        "[" * 20_000,
        "[a](" * 10_000,
        "**_" * 10_000,
        "`` ` " * 5_000,
        "```\n" * 10_000,
        ">" * 10_000 + "x",
        "|a" * 10_000 + "\n" + "|-" * 10_000,
        "<https://x" * 5_000,
        "_a" * 20_000,
    ],
)
def test_ten_thousand_entities_take_no_time(markdown: str, state: State) -> None:
    render = Renderer(
        {"default": AgentSettings(bot_id="1")}, {"fake": CAPS}, takes_files=["fake"], most_files=4
    )
    reply = Reply((Answer("m", markdown),), state=state)
    before = time.process_time()
    pages = render(turn(), SESSION, reply)
    assert time.process_time() - before < TOO_LONG
    assert all(len(page.text.encode("utf-16-le")) // 2 <= CAPS.max_text for page in pages)
    assert sum(page.file is not None for page in pages) <= 4
