"""SIGHUP: a running bridge takes over what it can, and says what it cannot."""

import signal
from pathlib import Path

import pytest
from daemon_process import Daemon, World, answer_to, eventually

ANYBODY = "[log]\nlevel = 'info'\n"
NOT_BELLA = ANYBODY + "[access]\ndeny = ['loopback:bella']\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The file; everything that it leaves out stands in the environment."""
    path = tmp_path / "config.toml"
    path.write_text(ANYBODY, encoding="utf-8")
    return path


@pytest.fixture
async def daemon(world: World, config: Path) -> Daemon:
    daemon = world.daemon()
    daemon.environment["COZE_BRIDGE_CONFIG"] = str(config)
    await daemon.ready()
    return daemon


async def reload(daemon: Daemon, config: Path, text: str, *, ends_with: str) -> dict[str, object]:
    """Change the file, ask for it, and give the event that says how that ended."""
    before = len(daemon.events(ends_with))
    hang_up(daemon, config, text)
    await eventually(lambda: len(daemon.events(ends_with)) > before)
    return daemon.events(ends_with)[-1]


def hang_up(daemon: Daemon, config: Path, text: str | None) -> None:
    """Change the file, or take it away, and send the signal."""
    if text is None:
        config.unlink()
    else:
        config.write_text(text, encoding="utf-8")
    daemon.signal(signal.SIGHUP)


async def test_access_changes_while_it_runs(world: World, daemon: Daemon, config: Path) -> None:
    done = await reload(daemon, config, NOT_BELLA, ends_with="reload.done")
    assert (done["changed"], done["needs_restart"]) == (["access.deny"], [])
    world.platform.say("bella", "tea", user="bella")
    await eventually(lambda: daemon.events("message.denied"))
    await reload(daemon, config, ANYBODY, ends_with="reload.done")
    world.platform.say("bella", "water", user="bella")
    await world.answered("bella", answer_to("water"))
    assert world.questions() == ["water"]


async def test_mistakes_change_nothing_and_all_of_them_are_told(
    world: World, daemon: Daemon, config: Path
) -> None:
    broken = NOT_BELLA + "[sessions]\nbusy = 'later'\nidel_reset = '1d'\n"
    refused = await reload(daemon, config, broken, ends_with="reload.refused")
    assert refused["problems"] == [
        "sessions.busy: must be 'queue', 'interrupt' or 'reject'",
        "sessions.idel_reset: unknown key; did you mean idle_reset?",
    ]
    world.platform.say("bella", "tea", user="bella")
    await world.answered("bella", answer_to("tea"))


async def test_a_file_that_is_gone_changes_nothing(daemon: Daemon, config: Path) -> None:
    hang_up(daemon, config, None)
    await eventually(lambda: daemon.events("reload.refused"))
    status, _ = await daemon.get("/healthz")
    assert status == 200


async def test_what_needs_a_restart_is_named_and_not_done(daemon: Daemon, config: Path) -> None:
    text = ANYBODY + "[retention]\nusage = 7\n[adapters.web]\naccess = 'open'\n"
    done = await reload(daemon, config, text, ends_with="reload.done")
    assert done["changed"] == []
    assert done["needs_restart"] == ["adapters.web", "retention.usage"]
    told = [event["key"] for event in daemon.events("reload.needs_restart")]
    assert told == ["adapters.web", "retention.usage"]
    status, _ = await daemon.get("/web/")
    assert status == 404


async def test_the_level_of_the_log_changes_while_it_runs(
    world: World, daemon: Daemon, config: Path
) -> None:
    quiet = "[log]\nlevel = 'warning'\n[retention]\nusage = 7\n"  # the latter is warned of
    await reload(daemon, config, quiet, ends_with="reload.needs_restart")
    world.platform.say("anna", "tea")
    await world.answered("anna", answer_to("tea"))
    assert daemon.events("message.accepted") == []
    await reload(daemon, config, ANYBODY, ends_with="reload.done")
    world.platform.say("anna", "water")
    await world.answered("anna", answer_to("tea"), answer_to("water"))
    assert len(daemon.events("message.accepted")) == 1
