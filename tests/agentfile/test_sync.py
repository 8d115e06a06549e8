"""Files and an emulated Coze kept in step, over real HTTP."""

import json
from collections import Counter
from pathlib import Path

import pytest

from bridge.agentfile.folder import AgentFile
from bridge.agentfile.sync import Conflict, Keeper
from bridge.coze.bots import Bots
from bridge.emulator import DEMO_BOT_ID, Emulator
from bridge.emulator.bots import BotConfig
from bridge.emulator.scenario import Drop, Scenario
from bridge.errors import Misconfigured, Unreachable
from tests.agentfile.test_judge import LIMITS, SORTS, TOGETHER
from tests.agentfile.texts import CACHED, PICTURE, STANDARD

CHANNELS = ("1024",)


def fill(file: AgentFile, text: str) -> None:
    """Write an agent's file and what it names."""
    file.path.parent.mkdir(exist_ok=True)
    file.path.write_text(text, encoding="utf-8")
    (file.path.parent / "chef.png").write_bytes(PICTURE)
    (file.path.parent / "default.prompt.md").write_text("你是一位大厨。\n", encoding="utf-8")
    (file.path.parent / "long.md").write_text("x" * 20_001, encoding="utf-8")


def replace(file: AgentFile, old: str, new: str) -> None:
    text = file.path.read_text("utf-8")
    assert old in text
    file.path.write_text(text.replace(old, new), encoding="utf-8")


def draft(emulator: Emulator) -> BotConfig:
    return emulator.bots.get(DEMO_BOT_ID).draft


def edit(emulator: Emulator, **fields: object) -> None:
    """Change the draft as somebody in Coze's editor does."""
    bot = emulator.bots.get(DEMO_BOT_ID)
    values = {name: getattr(bot.draft, name) for name in BotConfig.__dataclass_fields__}
    emulator.bots.update(bot, BotConfig(**{**values, **fields}))


def edits(emulator: Emulator) -> int:
    return emulator.calls["POST /v1/bot/update"]


# There and back


EVERYTHING = BotConfig(
    name="每日学一菜",
    description="每天教你一道菜的做法",
    prompt="你是一位大厨。",
    prologue="欢迎你，{{user_name}}，今天想学一道什么样的菜？",
    questions=("川菜，我想吃辣的", "广东菜，来点鲜的", "随机教我一道菜"),
    datasets=("738509371792341", "738509371792342"),
    auto_call=False,
    search_strategy=1,
    plugins=(("731198934927553", "735057536617362"), ("731198934927553", "735057536617363")),
    workflows=("746049108611037",),
    model={
        "model_id": "1706077826",
        "top_k": 50,
        "top_p": 0.7,
        "max_tokens": 4096,
        "temperature": 1.0,
        "sp_anti_leak": True,
        "context_round": 30,
        "response_format": "markdown",
        "sp_current_time": True,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "cache_type": "closed",
        "api_mode": "chat_api",
        "parameters": {"thinking_type": "disabled"},
    },
    suggest_mode="customized",
    suggest_prompt="问题应该与你最后一轮的回复紧密相关，可以引发进一步的讨论。",
    voice_calls=False,
)

CACHED_MODEL = {
    "model_id": "1706077826",
    "api_mode": "responses_api",
    "parameters": {
        "thinking_type": "enabled",
        "caching_expire_time": 259200,
        "store": True,
        "caching": {"type": "enabled"},
    },
}


@pytest.mark.parametrize("shows_all", [True, False], ids=["all shown", "what documents say"])
async def test_every_field_goes_there_and_back(
    emulator: Emulator, keeper: Keeper, bench: Bots, tmp_path: Path, shows_all: bool
) -> None:
    emulator.bots.shows_all = shows_all
    await keeper.pull()
    fill(keeper.file, STANDARD)
    changes, refusals = await keeper.diff()
    assert refusals == []
    assert {its.key for its in changes} >= {"name", "model.parameters.thinking_type", "icon_file"}
    pushed = await keeper.push()
    assert pushed.changes == changes
    assert pushed.unlike == []
    assert await keeper.publish(CHANNELS) == "1001"
    online = emulator.bots.online(DEMO_BOT_ID).config
    (uploaded,) = emulator.files.all.values()
    assert (uploaded.name, uploaded.content) == ("chef.png", PICTURE)
    known = {
        "variables": online.variables,
        "shortcuts": online.shortcuts,
        "icon_file_id": uploaded.id,
    }
    assert online == BotConfig(**{**vars_of(EVERYTHING), **known})

    assert (await keeper.pull()).written == []
    assert keeper.file.path.read_text("utf-8") == STANDARD
    assert await keeper.diff() == ([], [])
    fresh = Keeper(bench, DEMO_BOT_ID, AgentFile(tmp_path / "fresh" / "default.toml"))
    await fresh.pull()
    again = fresh.file.read().fields
    mine = {k: v for k, v in keeper.file.read().fields.items() if k != "icon_file"}
    assert json.dumps(again, sort_keys=True) == json.dumps(
        {key: its for key, its in mine.items() if shows_all or key in again}, sort_keys=True
    )
    assert shows_all or "suggestions.mode" not in again


def vars_of(config: BotConfig) -> dict[str, object]:
    return {name: getattr(config, name) for name in BotConfig.__dataclass_fields__}


CONTEXT_API = """\
name = "Cached"
prompt_mode = "prefix"
prefix_prompt_file = "rules.md"
dynamic_prompt = "Today: {{date}}"
model = { model_id = "1706077826", api_mode = "chat_api", cache_type = "prefix" }
"""
CONTEXT_MODEL = {"model_id": "1706077826", "api_mode": "chat_api", "cache_type": "prefix"}


@pytest.mark.parametrize("shows_all", [True, False], ids=["all shown", "what documents say"])
@pytest.mark.parametrize(
    ("text", "model"),
    [(CACHED, CACHED_MODEL), (CONTEXT_API, CONTEXT_MODEL)],
    ids=["responses API", "context API"],
)
async def test_cached_prefix_goes_there_and_back(
    emulator: Emulator, keeper: Keeper, text: str, model: object, shows_all: bool
) -> None:
    emulator.bots.shows_all = shows_all
    await keeper.pull()
    fill(keeper.file, text)
    rules = "Rules that never change.\nAnd more of them.\n"
    (keeper.file.path.parent / "rules.md").write_text(rules + "\n")
    assert (await keeper.push()).unlike == []
    found = draft(emulator)
    assert (found.prompt, found.prompt_mode) == ("", "prefix")
    assert found.prefix_prompt == rules
    assert found.dynamic_prompt == "Today: {{date}}"
    assert found.model == model
    await keeper.pull()
    assert await keeper.diff() == ([], [])


async def test_pull_edit_pull_keeps_comments_and_edits(emulator: Emulator, keeper: Keeper) -> None:
    await keeper.pull()
    fill(keeper.file, STANDARD)
    await keeper.push()
    replace(keeper.file, '"每日学一菜"', '"Mine"')
    edit(emulator, prologue="Theirs", questions=("川菜，我想吃辣的", "new", "随机教我一道菜"))
    await keeper.pull()
    assert keeper.file.path.read_text("utf-8") == STANDARD.replace("每日学一菜", "Mine").replace(
        "欢迎你，{{user_name}}，今天想学一道什么样的菜？", "Theirs"
    ).replace("广东菜，来点鲜的", "new")
    changes, refusals = await keeper.diff()
    assert [its.key for its in changes] == ["name"]
    assert refusals == []


# What is not valid is not sent


@pytest.mark.parametrize(("text", "problem"), [*LIMITS, *SORTS, *TOGETHER])
async def test_violation_is_refused_before_any_request(
    emulator: Emulator, keeper: Keeper, text: str, problem: str
) -> None:
    fill(keeper.file, text)
    for work in (keeper.push, keeper.diff, keeper.pull):
        with pytest.raises(Misconfigured, match=r"default\.toml:\d+: "):
            await work()
    assert emulator.calls == Counter()


async def test_push_without_a_file_says_how_to_get_one(emulator: Emulator, keeper: Keeper) -> None:
    with pytest.raises(Misconfigured, match=r"no such file; coze-bridge agent pull writes it"):
        await keeper.push()
    assert emulator.calls == Counter()


# Conflicts


async def test_push_that_would_undo_a_change_is_refused(emulator: Emulator, keeper: Keeper) -> None:
    await keeper.pull()
    replace(keeper.file, 'name = "Bridgekeeper"', 'name = "Mine"')
    edit(emulator, name="Theirs", prologue="Theirs too")
    with pytest.raises(Conflict, match=r"^name, prologue: changed at Coze since the last pull; "):
        await keeper.push()
    assert (await keeper.diff())[1] == ["name, prologue: changed at Coze since the last pull"]
    assert edits(emulator) == 0
    assert draft(emulator).name == "Theirs"


async def test_force_undoes_it(emulator: Emulator, keeper: Keeper) -> None:
    await keeper.pull()
    replace(keeper.file, 'name = "Bridgekeeper"', 'name = "Mine"')
    edit(emulator, name="Theirs")
    await keeper.push(force=True)
    assert draft(emulator).name == "Mine"
    replace(keeper.file, 'name = "Mine"', 'name = "Mine 2"')
    await keeper.push()
    assert draft(emulator).name == "Mine 2"


async def test_pull_brings_their_change_and_keeps_ours(emulator: Emulator, keeper: Keeper) -> None:
    await keeper.pull()
    replace(keeper.file, 'name = "Bridgekeeper"', 'name = "Mine"')
    edit(emulator, prologue="Theirs")
    with pytest.raises(Conflict):
        await keeper.push()
    await keeper.pull()
    await keeper.push()
    assert (draft(emulator).name, draft(emulator).prologue) == ("Mine", "Theirs")


async def test_pull_of_a_key_changed_on_both_sides_writes_nothing(
    emulator: Emulator, keeper: Keeper
) -> None:
    await keeper.pull()
    replace(keeper.file, 'name = "Bridgekeeper"', 'name = "Mine"')
    edit(emulator, name="Theirs", prologue="New")
    before = keeper.file.path.read_text("utf-8")
    with pytest.raises(Conflict, match=r"^name: changed at Coze and in the file"):
        await keeper.pull()
    assert keeper.file.path.read_text("utf-8") == before
    await keeper.pull(force=True)
    assert 'name = "Theirs"' in keeper.file.path.read_text("utf-8")
    assert await keeper.diff() == ([], [])


async def test_file_that_was_never_pulled_is_not_pushed_over_what_is_there(
    emulator: Emulator, keeper: Keeper
) -> None:
    fill(keeper.file, 'name = "Mine"\n')
    with pytest.raises(Conflict, match=r"^name: differs at Coze, and this file was never pulled"):
        await keeper.push()
    assert edits(emulator) == 0
    await keeper.push(force=True)
    assert draft(emulator).name == "Mine"
    assert draft(emulator).prologue.startswith("Halt")


async def test_edit_that_coze_does_not_show_needs_a_pull(
    emulator: Emulator, keeper: Keeper
) -> None:
    emulator.bots.shows_all = False
    await keeper.pull()
    fill(keeper.file, 'name = "Mine"\n[suggestions]\nmode = "disable"\n')
    await keeper.push(force=True)
    edit(emulator, suggest_mode="enable")
    replace(keeper.file, '"Mine"', '"Mine 2"')
    with pytest.raises(Conflict, match=r"^suggestions\.mode: may have changed"):
        await keeper.push()
    assert draft(emulator).suggest_mode == "enable"
    assert (await keeper.pull()).hidden == ["suggestions.mode"]
    await keeper.push()
    assert draft(emulator).suggest_mode == "disable"


async def test_our_own_publication_is_nobodys_edit(emulator: Emulator, keeper: Keeper) -> None:
    emulator.bots.shows_all = False
    await keeper.pull()
    fill(keeper.file, "voice_calls = false\n")
    await keeper.push()
    await keeper.publish(CHANNELS)
    fill(keeper.file, "voice_calls = true\n")
    await keeper.push()
    assert draft(emulator).voice_calls is True


async def test_publishing_hides_nobodys_edit(emulator: Emulator, keeper: Keeper) -> None:
    emulator.bots.shows_all = False
    await keeper.pull()
    fill(keeper.file, 'name = "Mine"\n[suggestions]\nmode = "disable"\n')
    await keeper.push(force=True)
    edit(emulator, suggest_mode="enable")
    await keeper.publish(CHANNELS)
    replace(keeper.file, '"Mine"', '"Mine 2"')
    with pytest.raises(Conflict, match=r"^suggestions\.mode: may have changed"):
        await keeper.push()


async def test_file_of_another_agent_counts_as_never_pulled(
    emulator: Emulator, bench: Bots, keeper: Keeper
) -> None:
    await keeper.pull()
    other = emulator.bots.create("7376476310010937396", BotConfig("Other"))
    with pytest.raises(Conflict, match="never pulled"):
        await Keeper(bench, other.id, keeper.file).push()
    assert other.draft.name == "Other"


# Small things


async def test_nothing_to_push_makes_no_edit(emulator: Emulator, keeper: Keeper) -> None:
    await keeper.pull()
    assert (await keeper.push()).changes == ()
    assert edits(emulator) == 0


async def test_icon_is_uploaded_once_and_again_when_it_changed(
    emulator: Emulator, keeper: Keeper
) -> None:
    await keeper.pull()
    fill(keeper.file, 'icon_file = "chef.png"\n')
    await keeper.push()
    await keeper.push()
    assert len(emulator.files.all) == 1
    (keeper.file.path.parent / "chef.png").write_bytes(PICTURE + b"another")
    await keeper.push()
    assert len(emulator.files.all) == 2
    assert draft(emulator).icon_file_id == list(emulator.files.all)[-1]


async def test_publishing_is_not_repeated_after_a_lost_answer(
    emulator: Emulator, keeper: Keeper
) -> None:
    emulator.install(Scenario(endpoint="/v1/bot/publish", drop=Drop.ASKED))
    with pytest.raises(Unreachable):
        await keeper.publish(CHANNELS)
    assert emulator.calls["POST /v1/bot/publish"] == 1
    assert len(emulator.bots.get(DEMO_BOT_ID).versions) == 2


async def test_file_that_is_broken_at_the_base_names_the_cure(
    emulator: Emulator, keeper: Keeper
) -> None:
    await keeper.pull()
    keeper.file.base_path.write_text("{")
    with pytest.raises(Misconfigured, match="is broken; restore it, or delete it and pull again"):
        await keeper.push()


async def test_deleted_file_is_written_anew(emulator: Emulator, keeper: Keeper) -> None:
    await keeper.pull()
    text = keeper.file.path.read_text("utf-8")
    keeper.file.path.unlink()
    assert (await keeper.pull()).written == [keeper.file.path]
    assert keeper.file.path.read_text("utf-8") == text


async def test_removed_key_is_left_alone_and_stays_removed(
    emulator: Emulator, keeper: Keeper
) -> None:
    await keeper.pull()
    text = keeper.file.path.read_text("utf-8")
    fewer = "\n".join(line for line in text.splitlines() if not line.startswith("prologue"))
    keeper.file.path.write_text(fewer.replace('"Bridgekeeper"', '"Mine"'), encoding="utf-8")
    edit(emulator, prologue="Theirs")
    await keeper.pull()
    await keeper.push()
    assert "prologue" not in keeper.file.path.read_text("utf-8")
    assert (draft(emulator).name, draft(emulator).prologue) == ("Mine", "Theirs")
