"""Messages that may stand twice on Telegram after a kill.

The process dies between posting a message and storing its id. A single bridge finds such a
message again (`test_telegram_kill`); these are for those who are killed in other ways too, or
whose replicas go on meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from telegram_world import TelegramWorld

from tests.telegram.emulator import Call, Message

STORING = 0.25  # seconds in which the id of a posted message is stored, on a loaded machine
SOCKET = 0.25  # seconds a request of a killed process may still lie in a socket


@dataclass(frozen=True)
class Account:
    """What stands in a chat, without the messages that a kill explains."""

    messages: list[Message]
    excused: list[Message]


def account(world: TelegramWorld, number: int, kills: Sequence[float]) -> Account:
    """Set those messages apart that were being posted at a kill and never touched again."""
    messages = world.chat(number).answers
    posts = {call.message: call for call in world.calls("sendMessage", chat=number)}
    excused = [
        message
        for place, message in enumerate(messages)
        if message.edits == 0
        and was_under_way(posts[message.id], kills)
        and any(later.text.startswith(begun(message)) for later in messages[place + 1 :])
    ]
    return Account([message for message in messages if message not in excused], excused)


def begun(message: Message) -> str:
    """The words a half answer has so far."""
    return message.text.rstrip(" …")


def was_under_way(call: Call, kills: Sequence[float]) -> bool:
    """Whether the process was killed between the call and the storing of what it brought.

    A call that Telegram saw shortly after a kill was in a socket when the process died: the next
    process takes longer to begin.
    """
    answered = call.at if call.answered is None else call.answered
    return any(call.at - SOCKET <= kill <= answered + STORING for kill in kills)
