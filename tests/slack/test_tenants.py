"""A whole bridge whose app others install, from the click to the removal, in both modes."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from pydantic import SecretStr

from bridge.config import Settings
from bridge.emulator import Emulator as Coze
from bridge.emulator import serve as serve_coze
from tests.platforms.worlds import Running, free_port
from tests.slack.emulator import Emulator, Person, serve
from tests.slack.world import ACCOUNT, World

Mode = Literal["socket", "http"]


@dataclass(frozen=True, slots=True)
class Tenancy(World):
    """A bridge that many workspaces share."""

    def settings(self, sessions: dict[str, object], table: dict[str, object]) -> Settings:
        oauth = {
            "bot_token": "",
            "client_id": self.slack.client_id,
            "client_secret": self.slack.client_secret,
        }
        settings = World.settings(self, sessions, oauth | table)
        key = SecretStr("a passphrase of the test")
        port = settings.server.port or free_port()
        server = {"port": port, "public_url": f"http://127.0.0.1:{port}"}
        return settings.model_copy(
            update={
                "database": settings.database.model_copy(update={"secret_key": key}),
                "server": settings.server.model_copy(update=server),
            }
        )

    def somebody(self, name: str) -> Person:
        """In a workspace of their own, where the app is not yet."""
        return self.slack.person(name, self.slack.workspace(f"{name} & Co."))

    async def install(self, running: Running, person: Person) -> None:
        landed = await self.slack.installs.approve(person, f"{running.url}/slack/{ACCOUNT}/install")
        assert landed.status == 200, landed.body

    def kept(self) -> list[str]:
        """The names of what is in the vault."""
        with closing(sqlite3.connect(self.folder / "bridge.db")) as database:
            return [name for (name,) in database.execute("SELECT name FROM vault ORDER BY name")]

    def contents(self) -> list[bytes]:
        """The database as it stands on the disk, journal and all."""
        return [path.read_bytes() for path in self.folder.glob("bridge.db*")]


@asynccontextmanager
async def tenancy(folder: Path, mode: Mode) -> AsyncIterator[Tenancy]:
    async with (
        serve(Emulator(mode=mode)) as slack,
        serve_coze(Coze(pace=0.001)) as coze,
    ):
        world = Tenancy(slack, coze, folder)
        world.script(".*", reply="It is well.")
        yield world


@pytest.mark.parametrize("mode", ["socket", "http"])
async def test_each_workspace_is_answered_with_its_own_token(tmp_path: Path, mode: Mode) -> None:
    async with tenancy(tmp_path, mode) as world, world.running() as running:
        slack = world.slack
        ann, zoe = world.somebody("Ann"), world.somebody("Zoe")
        for person in (ann, zoe):
            await world.install(running, person)
            asked = await person.dm().say("how is it?")
            answer = await person.dm().in_thread(asked).final("It is well.")
            assert answer.sender is slack.installed(person.team).bot
    assert world.questions() == ["how is it?"] * 2


@pytest.mark.parametrize("mode", ["socket", "http"])
async def test_workspace_that_removed_the_app_is_forgotten_and_may_come_back(
    tmp_path: Path, mode: Mode
) -> None:
    async with tenancy(tmp_path, mode) as world, world.running() as running:
        slack = world.slack
        ann, zoe = world.somebody("Ann"), world.somebody("Zoe")
        for person in (ann, zoe):
            await world.install(running, person)
        slack.uninstall(zoe.team)
        await slack.until(lambda _: all(each.done for each in slack.deliveries.all))
        assert world.kept() == [f"installation/{ann.team.id}"]
        assert await running.problems() == {}
        asked = await ann.dm().say("still there?")
        await ann.dm().in_thread(asked).final("It is well.")
        await world.install(running, zoe)
        asked = await zoe.dm().say("and here?")
        await zoe.dm().in_thread(asked).final("It is well.")


async def test_tokens_are_not_readable_in_the_database(tmp_path: Path) -> None:
    async with tenancy(tmp_path, "http") as world:
        world.slack.installs.rotates = True
        ann = world.somebody("Ann")
        async with world.running() as running:
            await world.install(running, ann)
            open_files = world.contents()
        (token,) = [each.value for each in world.slack.installed(ann.team).tokens]
        for content in (*open_files, *world.contents()):
            assert token.encode() not in content
            assert b"xoxb-" not in content
            assert b"EmulatedRefresh" not in content
        assert any(ann.team.id.encode() in content for content in open_files)


async def test_tokens_outlive_the_process(tmp_path: Path) -> None:
    async with tenancy(tmp_path, "socket") as world:
        ann = world.somebody("Ann")
        async with world.running() as running:
            await world.install(running, ann)
        async with world.running():
            asked = await ann.dm().say("again?")
            await ann.dm().in_thread(asked).final("It is well.")
