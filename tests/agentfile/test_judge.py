"""What may stand in an agent's file, and what is said about what may not."""

from collections.abc import Callable

import pytest

from bridge.agentfile.judge import Beside, Judged, judge
from bridge.errors import Misconfigured
from tests.agentfile.texts import CACHED, PICTURE, STANDARD


def files(**content: bytes) -> Beside:
    """A folder with these files; `__` in a name stands for a dot."""
    named = {name.replace("__", "."): its for name, its in content.items()}

    def read(name: str) -> bytes:
        if name not in named:
            raise FileNotFoundError(2, "No such file or directory")
        return named[name]

    return read


FOLDER = files(
    chef__png=PICTURE,
    notes__txt=b"text",
    empty__png=b"",
    prompt__md=b"Be kind.\n",
    long__md=b"x" * 20_001,
    latin__md="é".encode("latin-1"),
)


def judged(text: str) -> Judged:
    return judge("default.toml", text, FOLDER)


def problems(text: str) -> list[str]:
    with pytest.raises(Misconfigured) as caught:
        judged(text)
    return list(caught.value.problems)


IDS = ", ".join(f'"{number}"' for number in range(151))

LIMITS = [
    ('name = ""', "name: must not be empty"),
    (f'name = "{"字" * 21}"', "name: has 21 characters; Coze takes up to 20"),
    (f'description = "{"x" * 501}"', "description: has 501 characters; Coze takes up to 500"),
    (f'prompt = "{"x" * 20_001}"', "prompt: has 20,001 characters; Coze takes up to 20,000"),
    (
        'prompt_file = "long.md"',
        "prompt_file: long.md has 20,001 characters; Coze takes up to 20,000",
    ),
    (f'prologue = "{"x" * 301}"', "prologue: has 301 characters; Coze takes up to 300"),
    (
        f'suggested_questions = ["x", "{"x" * 51}"]',
        "suggested_questions[1]: has 51 characters; Coze takes up to 50",
    ),
    (
        f"knowledge.dataset_ids = [{IDS}]",
        "knowledge.dataset_ids: has 151 entries; Coze takes up to 150",
    ),
    (
        'knowledge.search_strategy = "best"',
        "knowledge.search_strategy: must be 'semantic', 'hybrid' or 'full-text'",
    ),
    ('prompt_mode = "cached"', "prompt_mode: must be 'standard' or 'prefix'"),
    ("model.temperature = 1", "model.model_id: missing"),
    (
        'model = { model_id = "1", response_format = "xml" }',
        "model.response_format: must be 'text', 'markdown' or 'json'",
    ),
    (
        'model = { model_id = "1", cache_type = "on" }',
        "model.cache_type: must be 'closed' or 'prefix'",
    ),
    (
        'model = { model_id = "1", api_mode = "x" }',
        "model.api_mode: must be 'chat_api' or 'responses_api'",
    ),
    (
        'model = { model_id = "1", parameters = { thinking_type = "on" } }',
        "model.parameters.thinking_type: must be 'enabled', 'disabled' or 'auto'",
    ),
    (
        'model = { model_id = "1", parameters = { caching_expire_time = 259201 } }',
        "model.parameters.caching_expire_time: must be at most 259200",
    ),
    (
        'model = { model_id = "1", parameters = { caching = { type = "on" } } }',
        "model.parameters.caching.type: must be 'enabled' or 'disabled'",
    ),
    (
        'suggestions.mode = "on"',
        "suggestions.mode: must be 'enable', 'disable' or 'customized'",
    ),
    (
        'suggestions.mode = "customized"',
        'suggestions.prompt: missing; mode = "customized" needs it',
    ),
]

SORTS = [
    ("name = 1", "name: must be text in quotes"),
    ("model = { model_id = 1, max_tokens = true }", "model.max_tokens: must be a whole number"),
    ("model = { model_id = 1, max_tokens = -1 }", "model.max_tokens: must be at least 0"),
    ('model = { model_id = 1, top_p = "1" }', "model.top_p: must be a number"),
    ("model = { model_id = 1, top_p = nan }", "model.top_p: must be a finite number"),
    ('voice_calls = "yes"', "voice_calls: must be true or false"),
    ('workflows = "1"', "workflows: must be a list"),
    ("knowledge = 1", "knowledge: must be a table"),
    ('plugins = [{ plugin_id = "1" }]', "plugins[0].api_id: missing"),
    ('plugins = [{ plugin = "1", api_id = "2", plugin_id = "1" }]', "plugins[0].plugin: "),
    ('prolog = "x"', "prolog: unknown key; did you mean prologue?"),
    ("[model]\nmodel_id = 1\ntemprature = 1", "model.temprature: unknown key; did you mean te"),
]

TOGETHER = [
    (
        'prompt = "x"\nprompt_file = "prompt.md"',
        "prompt_file: given together with prompt; keep one",
    ),
    (
        'prompt = "x"\nprompt_mode = "prefix"',
        'prompt: not used in prompt_mode "prefix"; give prefix_prompt and dynamic_prompt',
    ),
    ('prefix_prompt = "x"', 'prefix_prompt: needs prompt_mode = "prefix"'),
    ('dynamic_prompt_file = "x"', 'dynamic_prompt_file: needs prompt_mode = "prefix"'),
    (
        'model = { model_id = "1", cache_type = "prefix" }',
        'model.cache_type: caching a prefix needs prompt_mode = "prefix" and prefix_prompt',
    ),
    (
        'prompt_mode = "prefix"\n'
        'model = { model_id = "1", cache_type = "prefix", api_mode = "responses_api" }',
        "model.cache_type: is of chat_api; set model.parameters.caching.type instead",
    ),
    (
        'prompt_mode = "prefix"\n[model]\nmodel_id = "1"\napi_mode = "chat_api"\n'
        'parameters.caching.type = "enabled"',
        "model.parameters.caching: is of responses_api; set model.cache_type instead",
    ),
    (
        'prompt_mode = "prefix"\n[model]\nmodel_id = "1"\n'
        'parameters = { caching.type = "enabled", store = false }',
        "model.parameters.store: must be true where caching is enabled",
    ),
    (
        'workflows = ["1"]\nmodel = { model_id = "1", parameters.thinking_type = "enabled" }',
        "workflows: a model that thinks uses none; leave it empty, or disable thinking_type",
    ),
]

BESIDE = [
    ('prompt_file = "gone.md"', "prompt_file: gone.md cannot be read: No such file or directory"),
    ('prompt_file = "latin.md"', "prompt_file: latin.md is not text in UTF-8"),
    ('prompt_file = "../prompt.md"', "prompt_file: must stay in the folder of the file"),
    ('prompt_file = "/etc/passwd"', "prompt_file: must stay in the folder of the file"),
    ('icon_file = "gone.png"', "icon_file: gone.png cannot be read: No such file or directory"),
    ('icon_file = "empty.png"', "icon_file: empty.png is empty"),
    ('icon_file = "notes.txt"', "icon_file: notes.txt is no picture that Coze takes"),
    ('icon_file = "../chef.png"', "icon_file: must stay in the folder of the file"),
]


@pytest.mark.parametrize(("text", "problem"), [*LIMITS, *SORTS, *TOGETHER, *BESIDE])
def test_what_coze_would_refuse_is_named(text: str, problem: str) -> None:
    (found,) = problems(text)
    place, _, rest = found.partition(": ")
    assert place.startswith("default.toml:")
    assert rest.startswith(problem)


@pytest.mark.parametrize(
    "text",
    [
        f'name = "{"字" * 20}"',
        'description = ""',
        f'description = "{"x" * 500}"',
        f'prompt = "{"x" * 20_000}"',
        f'prologue = "{"x" * 300}"',
        f'suggested_questions = ["", "{"x" * 50}"]',
        f"knowledge.dataset_ids = [{IDS.partition(',')[2]}]",
        'model = { model_id = "1", parameters = { caching_expire_time = 259200 } }',
        'model = { model_id = "1", parameters = { budget = "2000", deep = true } }',
        "",
        STANDARD.replace("default.prompt.md", "prompt.md"),
        CACHED,
    ],
)
def test_what_coze_takes_passes(text: str) -> None:
    judged(text)


def test_all_problems_come_together_in_the_order_of_the_file() -> None:
    text = """\
name = "ok"
suggested_questions = [
    "fine",
    "not fine, because it is longer than fifty characters are",
]
icon_file = "gone.png"
prompt_file = "gone.md"

[model]
temperature = "hot"
"""
    assert [line.partition(": ")[0] for line in problems(text)] == [
        "default.toml:4",
        "default.toml:9",
        "default.toml:10",
    ]


def test_broken_toml_is_told_with_its_line() -> None:
    (problem,) = problems('name = "a"\nprompt = \n')
    assert problem.startswith("default.toml: not valid TOML: ")
    assert "line 2" in problem


def test_prompt_file_stands_for_the_prompt() -> None:
    its = judged('prompt_file = "prompt.md"')
    assert its.fields == {"prompt": "Be kind."}
    assert its.beside == {"prompt": "prompt.md"}


def test_ids_may_be_written_as_numbers() -> None:
    its = judged("workflows = [7460491086110379999]")
    assert its.fields == {"workflows": ("7460491086110379999",)}


def test_icon_is_told_apart_by_its_content() -> None:
    def digest(read: Callable[[str], bytes]) -> object:
        return judge("x", 'icon_file = "chef.png"', read).fields["icon_file"]

    assert digest(FOLDER) == digest(files(chef__png=PICTURE))
    assert digest(FOLDER) != digest(files(chef__png=b"another"))
