"""One Slack app in many workspaces: people install it in a browser, while the daemon runs."""

from pathlib import Path

import pytest
from daemon_process import Daemon, eventually
from slack_world import Mode, SlackWorld
from telegram_world import readiness, until_ready

from tests.platforms.worlds import free_port
from tests.slack.emulator import Person

READY_WITHIN = 60.0  # seconds; the machine may be busy, and this is not what is tried here
MODES = pytest.mark.parametrize("mode", ["socket", "http"])


def shared(slack: SlackWorld, mode: Mode) -> Daemon:
    """A daemon whose app nobody has installed yet, but the workspace in which it was made."""
    port = free_port()
    slack.slack.installed(slack.slack.team).end()
    daemon = slack.daemon(
        mode,
        adapters__slack__bot_token="",
        adapters__slack__client_id=slack.slack.client_id,
        adapters__slack__client_secret=slack.slack.client_secret,
        database__secret_key="a passphrase that nobody guesses",
        server__port=str(port),
        server__public_url=f"http://127.0.0.1:{port}",
    )
    slack.slack.hooks.url = f"http://127.0.0.1:{port}/slack/slack/events"
    return daemon


async def install(slack: SlackWorld, daemon: Daemon, person: Person) -> None:
    landed = await slack.slack.installs.approve(person, f"{daemon.url}/slack/slack/install")
    assert landed.status == 200, landed.body


def newcomers(slack: SlackWorld) -> tuple[Person, Person]:
    """Two people of two workspaces, of the same name."""
    first, second = slack.slack.workspace("Bakers"), slack.slack.workspace("Brewers")
    return slack.slack.person("Ann", first), slack.slack.person("Ann", second)


def written(folder: Path) -> bytes:
    """Everything the database has on the disk."""
    return b"".join(path.read_bytes() for path in folder.glob("bridge.db*"))


@MODES
async def test_each_workspace_is_served_from_its_installation_on(
    slack: SlackWorld, mode: Mode
) -> None:
    daemon = shared(slack, mode)
    await until_ready(daemon, within=READY_WITHIN)
    threads = []
    for person in newcomers(slack):
        await install(slack, daemon, person)
        seat = person.dm()
        threads.append(seat.in_thread(await seat.say(f"tea in {person.team.name}")))
        await slack.answered(threads[-1], f"tea in {person.team.name}")
    first, second = slack.coze.asked
    assert first.user_id != second.user_id
    daemon.kill()
    daemon.start()
    for thread in threads:
        team = thread.person.team.name
        await thread.say(f"milk in {team}")
        await slack.answered(thread, f"tea in {team}", f"milk in {team}")


@MODES
async def test_no_token_can_be_read_in_the_database_or_the_log(
    slack: SlackWorld, mode: Mode
) -> None:
    slack.slack.installs.rotates = True
    daemon = shared(slack, mode)
    await until_ready(daemon, within=READY_WITHIN)
    [ann, _] = newcomers(slack)
    await install(slack, daemon, ann)
    seat = ann.dm()
    await slack.answered(seat.in_thread(await seat.say("tea")), "tea")
    token = slack.slack.installed(ann.team).token
    there = written(slack.folder) + daemon.log.read_bytes()
    assert b"tea" in there
    for secret in (token, "EmulatedRefresh", slack.slack.client_secret):
        assert secret.encode() not in there


@MODES
async def test_a_workspace_that_removes_the_app_is_forgotten_and_the_others_are_not(
    slack: SlackWorld, mode: Mode
) -> None:
    daemon = shared(slack, mode)
    await until_ready(daemon, within=READY_WITHIN)
    leaving, staying = newcomers(slack)
    for person in (leaving, staying):
        await install(slack, daemon, person)
    slack.slack.uninstall(leaving.team)
    await eventually(lambda: slack.untold() == 0)
    seat = staying.dm()
    await slack.answered(seat.in_thread(await seat.say("tea")), "tea")
    assert await readiness(daemon) == {}
    await install(slack, daemon, leaving)
    seat = leaving.dm()
    await slack.answered(seat.in_thread(await seat.say("milk")), "milk")
    assert slack.questions() == ["tea", "milk"]
