"""The time somewhere, and asking the user for what only they can give."""

from dataclasses import replace

import pytest

from bridge.events import Wanted
from bridge.tools import Caller, ToolFailure
from bridge.tools.builtin import ask_contact, ask_location, current_time


async def test_the_time_is_told_where_it_was_asked_for(caller: Caller) -> None:
    assert await current_time(caller, "Europe/Berlin") == {
        "time": "2026-11-20T10:30:00+01:00",
        "weekday": "Friday",
        "timezone": "Europe/Berlin",
    }


@pytest.mark.parametrize(("theirs", "zone"), [("Asia/Shanghai", "Asia/Shanghai"), ("", "UTC")])
async def test_without_a_zone_it_is_the_users(caller: Caller, theirs: str, zone: str) -> None:
    told = await current_time(replace(caller, timezone=theirs))
    assert told["timezone"] == zone


@pytest.mark.parametrize(
    "zone", ["Mars/Olympus", "../../etc/passwd", "Europe", "/etc/passwd", "x\0"]
)
async def test_a_zone_that_there_is_not_is_refused(caller: Caller, zone: str) -> None:
    with pytest.raises(ToolFailure, match="no time zone"):
        await current_time(caller, zone)


async def test_the_user_is_asked_in_their_language(caller: Caller) -> None:
    asked = await ask_location(replace(caller, language="zh-CN"))
    [button] = asked.buttons
    assert (button.label, button.wants) == ("发送我的位置", Wanted.LOCATION)
    [button] = (await ask_contact(caller)).buttons
    assert (button.label, button.wants) == ("Share my phone number", Wanted.CONTACT)
