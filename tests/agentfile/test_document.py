"""Editing a file's text: what is said changes, how it is said does not."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.agentfile.document import edited, written
from bridge.agentfile.fields import Fields, flatten, nested
from bridge.agentfile.folder import AgentFile
from tests.agentfile.texts import PICTURE, STANDARD

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))  # halves of characters are cleaned away
LISTS = st.lists(TEXTS, max_size=5)


def read(text: str) -> Fields:
    return dict(flatten(tomllib.loads(text)))


@given(prompt=TEXTS, questions=LISTS)
def test_everything_that_can_be_said_is_read_as_it_was_written(
    prompt: str, questions: list[str]
) -> None:
    fields: Fields = {"prompt": prompt, "suggested_questions": questions, "model.model_id": "1"}
    assert read(written(fields)) == fields


@given(before=LISTS, after=LISTS)
def test_a_list_becomes_any_other_list(before: list[str], after: list[str]) -> None:
    text = written({"suggested_questions": before, "prologue": "x"})
    amended = edited(text, {"suggested_questions": after}, ())
    assert read(amended) == {"suggested_questions": after, "prologue": "x"}


PLUGINS = st.lists(st.fixed_dictionaries({"plugin_id": TEXTS, "api_id": TEXTS}), max_size=4)


@given(before=PLUGINS.filter(bool), after=PLUGINS)
def test_tables_in_brackets_become_any_other_list(
    before: list[dict[str, str]], after: list[dict[str, str]]
) -> None:
    head = "# plugins\n"
    tables = "".join(
        "[[plugins]]\n" + written(plugin).partition("there.\n")[2] for plugin in before
    )
    amended = edited(head + tables + "[model]\nx = 1\n", {"plugins": after}, ())
    assert tomllib.loads(amended)["plugins"] == after
    assert tomllib.loads(amended)["model"] == {"x": 1}


def test_comments_survive_a_change_of_everything() -> None:
    changed: Fields = {
        "name": "New",
        "suggested_questions": ["川菜，我想吃辣的", "in between", "随机教我一道菜", "last"],
        "plugins": [{"plugin_id": "731198934927553", "api_id": "735057536617363"}],
        "knowledge.dataset_ids": [],
        "knowledge.search_strategy": "semantic",
        "model.temperature": 0.5,
        "prologue": "several\nlines\n",
    }
    text = edited(STANDARD, changed, ["model.top_k"])
    for comment in (
        "# Every field of bot/update, in standard mode.",
        'name = "New"  # up to 20 characters',
        "# What to ask first.",
        "# hot",
        "# mild",
        "# semantic | hybrid | full-text",
    ):
        assert comment in text
    found = read(text)
    assert "model.top_k" not in found
    assert {key: found[key] for key in changed} == changed
    untouched = {k: v for k, v in read(STANDARD).items() if k not in changed and k != "model.top_k"}
    assert {key: found[key] for key in untouched} == untouched


@st.composite
def commented_lists(draw: st.DrawFn) -> str:
    """A list as people lay it out, with comments above elements, behind them and at the end."""
    above = st.sampled_from(["", "\n", "\n    ", " ", "\n    # above\n    "])
    behind = st.sampled_from([",", " ,", ",  # behind\n", "\n    ,"])
    ends = ["", ",", ",  # behind\n", "\n    # end\n", ",\n    # end\n"]
    elements = draw(st.lists(st.sampled_from("abc"), max_size=4))
    text = "".join(f'{draw(above)}"{its}"{draw(behind)}' for its in elements[:-1])
    if elements:
        text += f'{draw(above)}"{elements[-1]}"{draw(st.sampled_from(ends))}'
    return f"[{text}]"


@given(array=commented_lists(), after=st.lists(st.sampled_from("abcd"), max_size=4))
def test_a_list_with_comments_becomes_any_other_and_keeps_them(
    array: str, after: list[str]
) -> None:
    text = f"suggested_questions = {array}  # after it\n[model]  # a table\n"
    amended = edited(text, {"suggested_questions": after}, ())
    assert tomllib.loads(amended) == {"suggested_questions": after, "model": {}}
    for comment in ("# above", "# end", "# after it", "# a table"):
        assert amended.count(comment) == text.count(comment)


LAYOUTS = [
    "",
    "# nothing but a comment\n",
    'model.model_id = "1"  # m\nmodel.parameters.store = true\nname = "x"\n',
    'model = { model_id = "1", parameters = { store = true } }  # m\n[knowledge]\n',
    '[model.parameters]  # m\nstore = true\n[knowledge]\n[model]\nmodel_id = "1"\n',
    '[model]  # m\nmodel_id = "1"\nparameters.store = true\n',
]


@pytest.mark.parametrize("text", LAYOUTS)
def test_any_layout_can_be_edited(text: str) -> None:
    put: Fields = {
        "name": "new",
        "plugins": [{"plugin_id": "1", "api_id": "2"}],
        "knowledge.auto_call": False,
        "model.model_id": "2",
        "model.parameters.caching.type": "enabled",
        "suggestions.mode": "enable",
    }
    amended = edited(text, put, ())
    assert read(amended) == {**read(text), **put}
    assert ("# m" in amended) == ("# m" in text)
    without = edited(amended, {}, ["model.model_id", "name"])
    assert read(without) == {
        key: its for key, its in read(amended).items() if key not in ("model.model_id", "name")
    }


def test_only_the_changed_line_differs() -> None:
    before = STANDARD.splitlines()
    after = edited(STANDARD, {"knowledge.auto_call": True}, ()).splitlines()
    different = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert different == [("auto_call = false", "auto_call = true")]


def test_inline_tables_and_dotted_keys_are_edited_where_they_are() -> None:
    text = 'knowledge = { auto_call = true }  # k\nmodel.model_id = "1"  # m\n'
    amended = edited(text, {"knowledge.auto_call": False, "model.model_id": "2"}, ())
    assert amended == 'knowledge = { auto_call = false }  # k\nmodel.model_id = "2"  # m\n'


def test_nested_is_the_way_back_from_flat() -> None:
    table = tomllib.loads(STANDARD)
    assert nested(dict(flatten(table))) == table


# On disk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "chef.png").write_bytes(PICTURE)
    (tmp_path / "default.prompt.md").write_text("Be kind.\n")
    (tmp_path / "default.toml").write_text(STANDARD)
    return tmp_path


def test_prompt_goes_back_to_its_own_file(folder: Path) -> None:
    file = AgentFile(folder / "default.toml")
    old = file.read()
    written = file.write(old, {**old.fields, "prompt": "Be brief.\n"})
    assert [path.name for path in written] == ["default.prompt.md"]
    assert (folder / "default.prompt.md").read_text() == "Be brief.\n\n"
    assert (folder / "default.toml").read_text() == STANDARD
    assert file.read().fields["prompt"] == "Be brief.\n"


@given(prompt=TEXTS)
def test_long_prompt_gets_a_file_of_its_own(
    prompt: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = AgentFile(tmp_path_factory.mktemp("long") / "agents" / "chef.toml")
    long = prompt + "x" * 1001
    file.write(None, {"prompt": long[:20_000]})
    assert (file.path.parent / "chef.prompt.md").exists()
    assert file.read().fields == {"prompt": long[:20_000]}


def test_line_ends_of_another_system_stay(folder: Path) -> None:
    file = AgentFile(folder / "default.toml")
    file.path.write_bytes(STANDARD.replace("\n", "\r\n").encode())
    old = file.read()
    file.write(old, {**old.fields, "name": "New"})
    text = file.path.read_bytes().decode()
    assert text == STANDARD.replace("每日学一菜", "New").replace("\n", "\r\n")


def test_mode_change_takes_the_prompt_out(folder: Path) -> None:
    file = AgentFile(folder / "default.toml")
    old = file.read()
    rest = {key: its for key, its in old.fields.items() if key != "prompt"}
    file.write(old, {**rest, "prompt_mode": "prefix", "prefix_prompt": "Rules."})
    found = file.read()
    assert found.beside == {}
    assert found.fields["prefix_prompt"] == "Rules."
    assert "prompt" not in found.fields
