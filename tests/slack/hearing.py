"""Calling the bridge by its name, and what it heard of that, each once."""

from bridge.events import Inbound
from tests.platforms.worlds import eventually
from tests.slack.emulator import Emulator
from tests.slack.world import Listening


def named(slack: Emulator, text: str) -> str:
    return f"{slack.bot.mention} {text}"


def texts(events: list[Inbound]) -> list[str]:
    """Each once, as the inbox takes them."""
    return list(dict.fromkeys(event.text for event in events))


async def heard_once(ear: Listening, *wanted: str) -> None:
    await eventually(lambda: texts(ear.sink.events)[-1:] == [wanted[-1]])
    await ear.settled()
    assert texts(ear.sink.events) == [*wanted]
