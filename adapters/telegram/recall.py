"""Finding a message of ours of which we never heard that it was sent.

A bot cannot read what stands in a chat, but it can ask about one message: to stop a live location
that is none is refused in one way for a message of ours, in another for somebody else's, and in a
third where there is none. The server refuses before it looks at anything but whose message it is
and what is in it (TDLib's `edit_message_live_location`), so nothing changes, buttons stay, and no
edit is counted.

Numbers grow by one with each message: in a supergroup by those of its own, in a bot's private
chats and basic groups by those of all of them together. So a lost message has a number above its
question and what was said before it, and none that a message has which we know.
"""

import asyncio
import math
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

from adapters.telegram.bots import RawBot
from adapters.telegram.faults import NotModified, as_bridge_errors
from bridge.adapter import Around, Turnstile
from bridge.errors import Gone, Permanent, Unauthorised
from bridge.events import ChatKind, ChatRef, Inbound, MessageRef

MOST = 40  # questions about one lost message
# Numbers above all we know of that are asked about: what was sent last may be there, of each answer
# under way one message, and what has not reached us yet.
BEYOND = 2
MOST_BEYOND = 24
_REMEMBERED = 1000  # posts

# Of a supergroup or channel, -100 before at least ten digits; a basic group's is shorter
# (https://core.telegram.org/api/bots/ids).
_LAST_BASIC_GROUP = -1_000_000_000_000

# What the server says, in lower case.
_OURS = "no live location in the message"
_NOT_OURS = ("message can't be edited", "message to edit not found", "message_id_invalid")


class Lost:
    """Looks for one message at a time.

    After a crash many answers are looked for. As soon as the first of them is posted anew, its
    number is above all that was lost, which spares the others most of their questions.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._given: deque[tuple[float, str, str]] = deque(maxlen=_REMEMBERED)

    def note(self, message: MessageRef, began: float) -> None:
        """Telegram has numbered a message that we began to send then, on the loop's clock."""
        if not message.chat.via:
            self._given.append((began, message.chat.chat, message.id))

    async def search(
        self, bot: RawBot, event: Inbound, around: Around, turnstile: Turnstile, by: float
    ) -> str | None:
        """See `bridge.adapter.Probes`."""
        async with self._turn:
            for number in guesses(event, around):
                if number >= self._ceiling(event.chat.chat, by):
                    return None
                async with turnstile():
                    ours = await is_ours(bot, event.chat, number)
                if ours:
                    return str(number)
        return None

    def _ceiling(self, here: str, by: float) -> float:
        """The lowest number that was given to what was sent since then."""
        young = ((chat, number) for began, chat, number in self._given if began >= by)
        return min(_numbers(young, here), default=math.inf)


def guesses(event: Inbound, around: Around) -> list[int]:
    """The numbers a lost answer to `event` may have, lowest first.

    None in a business account, whose owner's messages we could not tell from ours.
    """
    here = event.chat.chat
    if event.chat.via:
        return []
    posted = set(_numbers(around.posted, here))
    heard = set(_numbers(_messages(around.since), here))
    earlier = _numbers(_messages((event.event_id, *around.before)), here)
    above = _numbers(((here, it) for it in around.above), here)
    # Where several conversations are held, another's message may have been lost earlier.
    others = (it for it in around.posted if _is_shared(event.chat) and it[0] == here)
    floor = max((*earlier, *above, *_numbers(others, here)), default=0)
    if not floor:
        return []
    known = posted | heard
    top = max((floor, *known)) + min(BEYOND + around.open, MOST_BEYOND)
    numbers = range(floor + 1, top + 1)
    return list(islice((number for number in numbers if number not in known), MOST))


async def is_ours(bot: RawBot, chat: ChatRef, number: int) -> bool:
    """Raises `Permanent` where the server says neither yes nor no; and what it always may."""
    try:
        with as_bridge_errors():
            await bot.call("stopMessageLiveLocation", chat_id=int(chat.chat), message_id=number)
    except NotModified:
        return False  # a location, so none of our answers
    except Unauthorised as error:
        # The library calls an unknown method a wrong token; if it is that, the next call tells.
        raise Permanent("this server cannot be asked about messages", code=error.code) from error
    except Permanent as error:
        return _verdict(error)
    return False


def _verdict(error: Permanent) -> bool:
    said = error.message.lower()
    if isinstance(error, Gone) and any(part in said for part in _NOT_OURS):
        return False
    if _OURS in said:
        return True
    raise error


def _messages(event_ids: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The messages that events were, as `normalise` names them.

    Presses of buttons have none; those of business accounts are numbered elsewhere.
    """
    for event_id in event_ids:
        match event_id.split("/"):
            case ["message", chat, number]:
                yield chat, number


def _numbers(messages: Iterable[tuple[str, str]], here: str) -> Iterator[int]:
    """Of those that are numbered together with the messages of a chat."""
    for chat, message_id in messages:
        if message_id.isdecimal() and (chat == here or (_is_counted(chat) and _is_counted(here))):
            yield int(message_id)


def _is_counted(chat: str) -> bool:
    """Its messages are counted by the bot, not by the chat."""
    return int(chat) > _LAST_BASIC_GROUP


def _is_shared(chat: ChatRef) -> bool:
    """Several conversations may be held there."""
    return chat.kind is not ChatKind.PRIVATE or bool(chat.thread)
