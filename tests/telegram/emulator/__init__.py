"""A Telegram Bot API over real HTTP, for tests and benchmarks, with faults on demand.

    async with serve(Emulator()) as emulator:
        ann = emulator.person(1, "Ann").chat()
        await ann.say("hi")          # the bot polls emulator.url with emulator.token
        await ann.final("bye")       # what it answered
        assert not emulator.violations

It follows the server's published source where there is one, knows nothing of our adapter, and
has every request checked against aiogram's models of the Bot API.
"""

from tests.platforms.faults import BAD_GATEWAY, Drop, Gate
from tests.platforms.journal import Call
from tests.platforms.port import serve
from tests.telegram.emulator.chats import Chat
from tests.telegram.emulator.emulator import TOKEN, Emulator
from tests.telegram.emulator.faults import Fault
from tests.telegram.emulator.limits import Limits
from tests.telegram.emulator.model import Draft, Message, Revision
from tests.telegram.emulator.people import Channel, Group, Person, Private, Seat, Topic

__all__ = [
    "BAD_GATEWAY",
    "TOKEN",
    "Call",
    "Channel",
    "Chat",
    "Draft",
    "Drop",
    "Emulator",
    "Fault",
    "Gate",
    "Group",
    "Limits",
    "Message",
    "Person",
    "Private",
    "Revision",
    "Seat",
    "Topic",
    "serve",
]
