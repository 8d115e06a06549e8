"""`coze-bridge agent` as scripts and people use it: exit codes and what is printed."""

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

from bridge.emulator import DEMO_BOT_ID, DEMO_WORKSPACE_ID, Emulator
from bridge.emulator.bots import BotConfig
from tests.agentfile.command import agent_command, configured
from tests.agentfile.test_sync import edit
from tests.test_cli import coze_bridge, write_config


async def ran(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(agent_command, *arguments, folder=folder)


@pytest.fixture
def folder(tmp_path: Path, emulator: Emulator) -> Path:
    """A working directory with a configuration for the emulator."""
    configured(tmp_path, emulator)
    return tmp_path


def rewritten(folder: Path, old: str, new: str) -> None:
    path = folder / "agents" / "default.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_help_names_the_commands(tmp_path: Path) -> None:
    result = coze_bridge("agent", "--help", folder=tmp_path)
    assert result.returncode == 0
    for command in ("list", "pull", "diff", "push", "publish", "versions"):
        assert f"\n  {command} " in result.stdout


async def test_list_tells_what_is_online_and_what_is_wrong(
    tmp_path: Path, emulator: Emulator
) -> None:
    other = emulator.bots.create(DEMO_WORKSPACE_ID, BotConfig("Draft only"))
    more = (
        f'[agents.other]\nbot_id = "{other.id}"\n[agents.flow]\nworkflow_id = "7"\napp_id = "8"\n'
    )
    configured(tmp_path, emulator, more)
    result = await ran("list", "--json", folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    default, draft, flow = json.loads(result.stdout)
    assert default == {
        "agent": "default",
        "bot_id": DEMO_BOT_ID,
        "name": "Bridgekeeper",
        "version": "1000",
        "state": "online",
    }
    assert "has not been published" in draft["state"]
    assert flow["state"] == "chatflow 7"
    table = await ran("list", folder=tmp_path)
    assert table.stdout.splitlines()[0] == (f"default  {DEMO_BOT_ID}  Bridgekeeper  1000  online")


async def test_list_of_a_workspace_has_every_page(folder: Path, emulator: Emulator) -> None:
    for number in range(25):
        emulator.bots.create(DEMO_WORKSPACE_ID, BotConfig(f"Bot {number}"))
    result = await ran("list", "--workspace", DEMO_WORKSPACE_ID, "--json", folder=folder)
    listed = json.loads(result.stdout)
    assert [its["name"] for its in listed] == ["Bridgekeeper", *(f"Bot {n}" for n in range(25))]
    assert [its["is_published"] for its in listed] == [True, *[False] * 25]


async def test_versions_have_every_page_newest_first(folder: Path, emulator: Emulator) -> None:
    bot = emulator.bots.get(DEMO_BOT_ID)
    for _ in range(40):
        emulator.bots.publish(bot, ())
    result = await ran("versions", "--json", folder=folder)
    listed = json.loads(result.stdout)
    assert [its["version"] for its in listed] == [str(1040 - number) for number in range(41)]
    assert listed[0]["creator"] == "emulator"
    assert len((await ran("versions", folder=folder)).stdout.splitlines()) == 41


async def test_diff_for_scripts(folder: Path, emulator: Emulator) -> None:
    await ran("pull", folder=folder)
    assert (await ran("diff", "--exit-code", folder=folder)).returncode == 0
    rewritten(folder, '"Bridgekeeper"', '"Mine"')
    result = await ran("diff", "--json", folder=folder)
    change = {"key": "name", "coze": "Bridgekeeper", "file": "Mine"}
    assert json.loads(result.stdout) == {"changes": [change], "refusals": []}
    assert result.returncode == 0
    assert (await ran("diff", "--exit-code", folder=folder)).returncode == 1
    edit(emulator, name="Theirs")
    result = await ran("diff", folder=folder)
    assert result.stdout == 'name: "Theirs" -> "Mine"\n'
    assert result.stderr == "A push would be refused: name: changed at Coze since the last pull\n"


async def test_conflict_exits_1_in_one_line(folder: Path, emulator: Emulator) -> None:
    await ran("pull", folder=folder)
    rewritten(folder, '"Bridgekeeper"', '"Mine"')
    edit(emulator, name="Theirs")
    result = await ran("push", "--publish", folder=folder)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("name: changed at Coze since the last pull; ")
    assert len(result.stderr.splitlines()) == 1
    assert len(emulator.bots.get(DEMO_BOT_ID).versions) == 1
    forced = await ran("push", "--publish", "--force", folder=folder)
    assert (forced.returncode, forced.stderr) == (0, "")
    assert emulator.bots.online(DEMO_BOT_ID).config.name == "Mine"


async def test_publish_on_other_channels(folder: Path, emulator: Emulator) -> None:
    result = await ran("publish", "--channel", "1024", "--channel", "999", folder=folder)
    assert result.stdout == "Published: version 1001\n"
    assert emulator.bots.get(DEMO_BOT_ID).channels == {"1024", "999"}


async def test_another_folder(folder: Path) -> None:
    result = await ran("pull", "default", "--folder", "elsewhere", folder=folder)
    assert result.returncode == 0
    assert (folder / "elsewhere" / "default.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["pull", "nobody"], "agents.nobody: not in the configuration, which has one, two, flow"),
        (["pull"], "agent: say which one: one, two, flow"),
        (["push", "one"], "agents/one.toml: there is no such file; coze-bridge agent pull writes"),
        (
            ["pull", "flow"],
            "agents.flow: is a chatflow; only agents with a bot_id have",
        ),
    ],
)
def test_usage_errors_exit_2_in_one_line(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    write_config(
        tmp_path,
        '[coze]\ntoken = "pat_x"\n[agents.one]\nbot_id = "1"\n[agents.two]\nbot_id = "2"\n'
        '[agents.flow]\nworkflow_id = "7"\napp_id = "8"\n[adapters.web]\nagent = "one"\n',
    )
    result = agent_command(*arguments, folder=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(sentence)
    assert len(result.stderr.splitlines()) == 1


async def test_refused_token_exits_1_in_one_line_without_the_token(
    folder: Path, emulator: Emulator
) -> None:
    emulator.keyring.revoke("pat_demo")
    for command in ("list", "pull", "versions"):
        result = await ran(command, folder=folder)
        assert (result.returncode, result.stdout) == (1, "")
        assert len(result.stderr.splitlines()) == 1
        assert "pat_demo" not in result.stderr


def test_coze_that_cannot_be_reached_is_one_line(tmp_path: Path) -> None:
    write_config(
        tmp_path,
        '[coze]\nbase_url = "http://127.0.0.1:1"\ntoken = "pat_x"\n'
        '[agents.default]\nbot_id = "1"\n[adapters.web]\n',
    )
    result = agent_command("pull", folder=tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("cannot connect to 127.0.0.1:1: Connection refused")
    assert len(result.stderr.splitlines()) == 1


def test_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "agents").touch()
    write_config(
        tmp_path,
        '[coze]\ntoken = "pat_x"\n[agents.default]\nbot_id = "1"\n[adapters.web]\n',
    )
    result = agent_command("push", folder=tmp_path)
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "Traceback" not in result.stderr
