"""A Slack over real HTTP and WebSockets, for tests and benchmarks, with faults on demand.

    async with serve(Emulator()) as emulator:
        dm = emulator.person("Ann").dm()
        message = await dm.say("hi")     # the app listens at emulator.url, with emulator.token
        await dm.in_thread(message).final("bye")     # what it answered
        assert emulator.pings == [] == emulator.open_streams

It follows Slack's documentation where it says something, and what was observed elsewhere; it
knows nothing of our adapter.
"""

from tests.platforms.budgets import Clock
from tests.platforms.faults import BAD_GATEWAY, Drop, Gate
from tests.platforms.journal import Call
from tests.platforms.port import serve
from tests.slack.emulator.channels import Channel, Ping
from tests.slack.emulator.deliveries import Delivery
from tests.slack.emulator.emulator import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Emulator
from tests.slack.emulator.faults import Fault
from tests.slack.emulator.installs import Installation, Landed
from tests.slack.emulator.interactions import Invocation
from tests.slack.emulator.limits import Limits
from tests.slack.emulator.model import Enterprise, Message, Revision, User, Workspace
from tests.slack.emulator.people import Person, Seat

__all__ = [
    "APP_TOKEN",
    "BAD_GATEWAY",
    "BOT_TOKEN",
    "SIGNING_SECRET",
    "Call",
    "Channel",
    "Clock",
    "Delivery",
    "Drop",
    "Emulator",
    "Enterprise",
    "Fault",
    "Gate",
    "Installation",
    "Invocation",
    "Landed",
    "Limits",
    "Message",
    "Person",
    "Ping",
    "Revision",
    "Seat",
    "User",
    "Workspace",
    "serve",
]
