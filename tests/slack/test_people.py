"""Who people are is asked seldom, and nobody waits for it."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from pydantic import SecretStr

from adapters.slack.people import AT_ONCE, FRESH, People, described
from adapters.slack.workspaces import OneWorkspace, Workspace
from bridge.events import User
from bridge.testing.clock import Clock
from tests.platforms.worlds import eventually
from tests.slack.emulator import Emulator, Fault, Person, serve


@pytest.fixture
async def slack() -> AsyncIterator[Emulator]:
    async with serve(Emulator()) as emulator:
        yield emulator


@pytest.fixture
async def workspace(slack: Emulator) -> AsyncIterator[Workspace]:
    async with aiohttp.ClientSession() as session:
        one = OneWorkspace(SecretStr(slack.token), f"{slack.url}/api/", session)
        yield await one.of("")


@pytest.fixture
async def people(clock: Clock) -> AsyncIterator[People]:
    people = People(patience=0.2, clock=clock.monotonic)
    yield people
    await people.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def user(person: Person) -> User:
    return User(f"{person.team.id}/{person.id}")


def asked(slack: Emulator) -> int:
    return len(slack.journal.of("users.info"))


async def test_somebody_is_asked_for_once_an_hour(
    slack: Emulator, workspace: Workspace, people: People, clock: Clock, ann: Person
) -> None:
    for _ in range(3):
        found = await people.describe(user(ann), ann.id, workspace)
        assert (found.id, found.name) == (f"{slack.team.id}/{ann.id}", "Ann")
    assert asked(slack) == 1
    clock.advance(FRESH + 1)
    ann.name = "Anna"
    assert (await people.describe(user(ann), ann.id, workspace)).name == "Anna"
    assert asked(slack) == 2


async def test_many_messages_at_once_are_one_question(
    slack: Emulator, workspace: Workspace, people: People, ann: Person
) -> None:
    every = [people.describe(user(ann), ann.id, workspace) for _ in range(20)]
    assert {found.name for found in await asyncio.gather(*every)} == {"Ann"}
    assert asked(slack) == 1


async def test_what_came_too_late_serves_the_next_message(
    slack: Emulator, workspace: Workspace, people: People, ann: Person
) -> None:
    gate = slack.hold("users.info")
    assert await people.describe(user(ann), ann.id, workspace) == user(ann)
    gate.open()
    await eventually(lambda: people.name(user(ann)) == "Ann")
    assert (await people.describe(user(ann), ann.id, workspace)).name == "Ann"
    assert asked(slack) == 1


async def test_refusal_is_not_asked_for_again(
    slack: Emulator, workspace: Workspace, people: People, ann: Person
) -> None:
    slack.inject(Fault("users.info", error="missing_scope"))
    for _ in range(3):
        assert await people.describe(user(ann), ann.id, workspace) == user(ann)
    assert asked(slack) == 1


async def test_limit_keeps_everybody_from_asking_until_it_is_over(
    slack: Emulator, workspace: Workspace, people: People, clock: Clock, ann: Person
) -> None:
    bob = slack.person("Bob")
    slack.inject(Fault("users.info", retry_after=30))
    for person in (ann, bob):
        assert await people.describe(user(person), person.id, workspace) == user(person)
    assert asked(slack) == 1
    clock.advance(31)
    assert (await people.describe(user(bob), bob.id, workspace)).name == "Bob"


async def test_only_so_many_are_asked_for_at_once(
    slack: Emulator, workspace: Workspace, people: People
) -> None:
    gate = slack.hold("users.info")
    crowd = [slack.person(f"P{number}") for number in range(AT_ONCE + 10)]
    await asyncio.gather(*(people.describe(user(each), each.id, workspace) for each in crowd))
    gate.open()
    await eventually(lambda: sum(bool(people.name(user(each))) for each in crowd) == AT_ONCE)


def test_account_is_read() -> None:
    account = {
        "name": "ann",
        "locale": "zh-CN",
        "tz": "Asia/Shanghai",
        "profile": {
            "display_name": "",
            "real_name": "Ann Other",
            "first_name": "Ann",
            "email": "ann@example.com",
        },
    }
    assert described(account) == User(
        id="",
        name="Ann Other",
        first_name="Ann",
        username="ann",
        language="zh-CN",
        timezone="Asia/Shanghai",
        email="ann@example.com",
    )
