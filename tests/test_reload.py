"""What a changed configuration changes: named by its keys, taken over by whoever can."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

from adapters.telegram.adapter import TelegramAdapter
from adapters.telegram.settings import TelegramSettings
from bridge.access import Rules
from bridge.config import (
    AccessSettings,
    AgentSettings,
    CozeSettings,
    LogSettings,
    RetentionSettings,
    Settings,
)
from bridge.platform import AdapterSettings
from bridge.reload import Reload, differences, parts_of
from bridge.testing.adapter import BareAdapter

ROOT = Path(__file__).parent.parent


def settings(
    *,
    agents: Mapping[str, AgentSettings] | None = None,
    adapters: Mapping[str, AdapterSettings] | None = None,
    **sections: Any,
) -> Settings:
    wanted = {"default": AgentSettings(bot_id="1")} if agents is None else agents
    return Settings(**{"coze": CozeSettings(), **sections}, agents=wanted, adapters=adapters or {})


def telegram(pace: float, *, token: str = "1:a") -> TelegramSettings:
    return TelegramSettings(platform="telegram", token=SecretStr(token), edit_interval_private=pace)


class Running:
    """A bridge whose configuration somebody edits, as far as it can be reloaded."""

    def __init__(self, started: Settings) -> None:
        self.rules = Rules(started.access, started.agents)
        self.telegram = TelegramAdapter("shop", telegram(1.1), host=None)  # type: ignore[arg-type]
        parts = parts_of(self.rules, {"shop": self.telegram, "fixed": BareAdapter()})
        self.file = started
        self._reload = Reload(started, lambda: self.file, parts)

    def reload(self, wanted: Settings) -> tuple[list[str], list[str]]:
        """Which keys changed, and which need a restart."""
        self.file = wanted
        with structlog.testing.capture_logs() as events:
            self._reload()
        (done,) = (event for event in events if event["event"] == "reload.done")
        return done["changed"], done["needs_restart"]


# What is different


def test_nothing_is_different_in_the_same() -> None:
    assert list(differences(settings(), settings())) == []


def test_differences_are_named_by_their_keys_and_never_by_a_secret() -> None:
    before = settings(adapters={"shop": telegram(1.1)})
    after = settings(adapters={"shop": telegram(2.0, token="1:b")})
    assert list(differences(before, after)) == [
        "adapters.shop.edit_interval_private",
        "adapters.shop.token",
    ]


def test_a_table_that_comes_or_goes_is_one_difference() -> None:
    shop = settings(adapters={"shop": telegram(1.1)})
    assert list(differences(shop, settings())) == ["adapters.shop"]
    assert list(differences(settings(), shop)) == ["adapters.shop"]


def test_a_table_of_another_platform_is_one_difference() -> None:
    before = settings(adapters={"shop": telegram(1.1)})
    after = settings(adapters={"shop": AdapterSettings(platform="web")})
    assert list(differences(before, after)) == ["adapters.shop"]


# What becomes of it


def test_limits_of_agents_change_and_the_rest_of_them_does_not() -> None:
    running = Running(settings())
    more = AgentSettings(bot_id="2", tokens_per_day=5)
    changed, fixed = running.reload(settings(agents={"default": more}))
    assert (changed, fixed) == (["agents.default.tokens_per_day"], ["agents.default.bot_id"])
    assert running.rules.agents["default"].tokens_per_day == 5


def test_an_agent_that_is_gone_from_the_file_keeps_its_limits_until_the_restart() -> None:
    running = Running(settings(agents={"default": AgentSettings(), "other": AgentSettings()}))
    access = AccessSettings(messages_per_minute=3)
    changed, fixed = running.reload(
        settings(agents={"default": AgentSettings(), "new": AgentSettings()}, access=access)
    )
    assert (changed, fixed) == (["access.messages_per_minute"], ["agents.new", "agents.other"])
    assert set(running.rules.agents) == {"default", "other"}


def test_the_pace_of_a_bot_changes_and_its_token_does_not() -> None:
    running = Running(settings(adapters={"shop": telegram(1.1)}))
    wanted = settings(adapters={"shop": telegram(2.5, token="1:b")})
    changed, fixed = running.reload(wanted)
    assert (changed, fixed) == (["adapters.shop.edit_interval_private"], ["adapters.shop.token"])
    assert running.telegram.caps.edit_interval == 2.5


def test_a_pace_that_nobody_changed_is_left_alone() -> None:
    running = Running(settings(adapters={"fixed": AdapterSettings(agent="a")}))
    changed, fixed = running.reload(settings(adapters={"fixed": AdapterSettings(agent="b")}))
    assert (changed, fixed) == ([], ["adapters.fixed.agent"])


def test_what_was_taken_over_is_not_news_the_next_time_but_what_waits_is() -> None:
    running = Running(settings())
    wanted = settings(
        access=AccessSettings(messages_per_minute=3), retention=RetentionSettings(usage=7)
    )
    assert running.reload(wanted) == (["access.messages_per_minute"], ["retention.usage"])
    assert running.reload(wanted) == ([], ["retention.usage"])


def test_what_is_taken_back_needs_no_restart_any_more() -> None:
    running = Running(settings())
    assert running.reload(settings(log=LogSettings(format="json")))[1] == ["log.format"]
    assert running.reload(settings())[1] == []


def test_what_can_change_is_described_and_nothing_else() -> None:
    shop = TelegramAdapter("*", telegram(1.1), host=None)  # type: ignore[arg-type]
    parts = parts_of(Rules(AccessSettings(), {}), {"*": shop})
    page = (ROOT / "docs/deployment.md").read_text("utf-8")
    table = page.partition("| changes at once")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([^`]+)`", table)) == {key for part in parts for key in part.keys}


# The signal of a terminal

IN_A_TERMINAL = """
import asyncio, fcntl, termios
from bridge.reload import on_hangup

async def main():
    stop = asyncio.Event()
    with on_hangup(lambda: open("reloaded", "w").close(), stop):
        open("ready", "w").close()
        await asyncio.wait_for(stop.wait(), 60)
    open("stopped", "w").close()

fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that it is told when the terminal is closed
asyncio.run(main())
"""


@pytest.mark.parametrize(("closes", "left"), [(True, "stopped"), (False, "reloaded")])
def test_only_a_terminal_that_is_closed_ends_it(closes: bool, left: str, tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", IN_A_TERMINAL],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        while not (tmp_path / "ready").exists():
            assert process.poll() is None
        if closes:
            os.close(ours)
            assert process.wait(60) == 0
        else:
            process.send_signal(1)
            while not (tmp_path / "reloaded").exists():
                assert process.poll() is None
        done = {path.name for path in tmp_path.iterdir()} - {"ready"}
        assert done == {left}
    finally:
        process.kill()
        process.wait()
        if not closes:
            os.close(ours)
