"""An emulated Slack, and clients of it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from adapters.slack.speak import Speaker
from bridge.lent import MenuItem
from bridge.testing.transcript import FakeHost
from tests.platforms.budgets import Clock
from tests.slack.emulator import Channel, Emulator, Person, Seat, serve
from tests.slack.emulator.clients import Raw, raw
from tests.slack.speaking import Answer, answer, speaking
from tests.slack.world import Listening, listening

MENU = {"": [MenuItem("new", "begin anew"), MenuItem("help", "what I know")]}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[Emulator]:
    """A Slack whose clock is moved by hand."""
    async with serve(Emulator(clock=clock)) as emulator:
        yield emulator


@pytest.fixture
async def api(slack: Emulator) -> AsyncIterator[Raw]:
    async with raw(slack) as api:
        yield api


@pytest.fixture
def ann(slack: Emulator) -> Person:
    return slack.person("Ann")


@pytest.fixture
def dm(ann: Person) -> Seat:
    return ann.dm()


@pytest.fixture
def general(slack: Emulator, ann: Person) -> Channel:
    return slack.channel("general", ann)


@pytest.fixture
async def speaker(slack: Emulator) -> AsyncIterator[Speaker]:
    async with speaking(slack) as speaker:
        yield speaker


@pytest.fixture
async def said(slack: Emulator, speaker: Speaker, dm: Seat, ann: Person) -> Answer:
    """An answer in direct messages of which nothing was shown yet."""
    return await answer(slack, speaker, dm.channel, ann)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture(params=["socket", "http"])
async def brisk(request: pytest.FixtureRequest) -> AsyncIterator[Emulator]:
    """A Slack of either transport that delivers again without a pause."""
    async with serve(Emulator(mode=request.param)) as emulator:
        emulator.deliveries.pauses = (0.0,) * 1_000
        yield emulator


@pytest.fixture
def host() -> FakeHost:
    return FakeHost(menus=MENU)


@pytest.fixture
async def ear(slack: Emulator, host: FakeHost) -> AsyncIterator[Listening]:
    async with listening(slack, host=host) as ear:
        yield ear


@pytest.fixture
def bob(slack: Emulator, general: Channel) -> Person:
    bob = slack.person("Bob")
    general.members[bob.id] = bob
    return bob
