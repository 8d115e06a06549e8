"""What may stand in an agent's file, with Coze's limits: pure.

Source: "更新智能体" (update a bot), https://www.coze.cn/open/docs/developer_guides/update_bot,
and for `voice_calls` the OpenAPI of the same endpoint (`media_config`). What is None is left
alone at Coze. Characters are counted as Unicode code points.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError

from bridge.agentfile.fields import Fields, nested
from bridge.config.values import Id

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Whole = Annotated[int, Field(strict=True, ge=0)]
Question = Annotated[str, Field(max_length=50)]
FilePath = Annotated[str, Field(min_length=1)]

LONGEST_PROMPT = 20_000
"""Characters of `prompt`. No limit is documented for the two halves of a cached one."""


class Part(BaseModel):
    """One table of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Knowledge(Part):
    """`[knowledge]`. The list replaces the one at Coze; Volcano knowledge cannot be bound."""

    dataset_ids: Annotated[tuple[Id, ...], Field(max_length=150)] | None = None
    auto_call: StrictBool | None = None
    search_strategy: Literal["semantic", "hybrid", "full-text"] | None = None


class Plugin(Part):
    """One tool of one plugin."""

    plugin_id: Id
    api_id: Id


class Caching(Part):
    """`[model.parameters.caching]`: the prefix cache of the Responses API."""

    type: Literal["enabled", "disabled"] | None = None


class Parameters(Part):
    """`[model.parameters]`. Models have parameters of their own, so other keys pass."""

    model_config = ConfigDict(frozen=True, extra="allow", protected_namespaces=())
    __pydantic_extra__: dict[str, str | StrictBool | Number | Whole]

    thinking_type: Literal["enabled", "disabled", "auto"] | None = None
    caching: Caching | None = None
    store: StrictBool | None = None
    caching_expire_time: Annotated[int, Field(strict=True, ge=1, le=259_200)] | None = None


class Model(Part):
    """`[model]`. Ranges depend on the model, so Coze judges them; the sorts are judged here.

    cache_type: the prefix cache of the Context API.
    """

    model_id: Id
    top_k: Whole | None = None
    top_p: Number | None = None
    max_tokens: Whole | None = None
    temperature: Number | None = None
    sp_anti_leak: StrictBool | None = None
    context_round: Whole | None = None
    response_format: Literal["text", "markdown", "json"] | None = None
    sp_current_time: StrictBool | None = None
    presence_penalty: Number | None = None
    frequency_penalty: Number | None = None
    cache_type: Literal["closed", "prefix"] | None = None
    api_mode: Literal["chat_api", "responses_api"] | None = None
    parameters: Parameters | None = None


class Suggestions(Part):
    """`[suggestions]`: the questions offered after an answer."""

    mode: Literal["enable", "disable", "customized"] | None = None
    prompt: str | None = None


class Blueprint(Part):
    """The whole file. A key `…_file` names a file beside it."""

    name: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    description: Annotated[str, Field(max_length=500)] | None = None
    icon_file: FilePath | None = None
    prompt: Annotated[str, Field(max_length=LONGEST_PROMPT)] | None = None
    prompt_file: FilePath | None = None
    prompt_mode: Literal["standard", "prefix"] | None = None
    prefix_prompt: str | None = None
    prefix_prompt_file: FilePath | None = None
    dynamic_prompt: str | None = None
    dynamic_prompt_file: FilePath | None = None
    prologue: Annotated[str, Field(max_length=300)] | None = None
    suggested_questions: tuple[Question, ...] | None = None
    plugins: tuple[Plugin, ...] | None = None
    workflows: tuple[Id, ...] | None = None
    voice_calls: StrictBool | None = None
    knowledge: Knowledge | None = None
    model: Model | None = None
    suggestions: Suggestions | None = None

    def conflicts(self) -> Iterator[tuple[str, str]]:
        """Tell which keys do not fit together: pairs of a key and what to do about it."""
        yield from self._prompts()
        if self.model is not None:
            yield from self._caches(self.model)
            yield from self._thinking(self.model.parameters)
        its = self.suggestions
        if its is not None and its.mode == "customized" and not its.prompt:
            yield "suggestions.prompt", 'missing; mode = "customized" needs it'

    def _prompts(self) -> Iterator[tuple[str, str]]:
        for key in ("prompt", "prefix_prompt", "dynamic_prompt"):
            if getattr(self, key) is not None and getattr(self, f"{key}_file") is not None:
                yield f"{key}_file", f"given together with {key}; keep one"
        cached = self.prompt_mode == "prefix"
        if cached and (self.prompt is not None or self.prompt_file is not None):
            key = "prompt" if self.prompt is not None else "prompt_file"
            yield key, 'not used in prompt_mode "prefix"; give prefix_prompt and dynamic_prompt'
        for key in ("prefix_prompt", "dynamic_prompt"):
            for given in (key, f"{key}_file"):
                if not cached and getattr(self, given) is not None:
                    yield given, 'needs prompt_mode = "prefix"'

    def _caches(self, model: Model) -> Iterator[tuple[str, str]]:
        parameters = model.parameters or Parameters()
        caching = parameters.caching is not None and parameters.caching.type == "enabled"
        if model.cache_type == "prefix" and model.api_mode == "responses_api":
            yield "model.cache_type", "is of chat_api; set model.parameters.caching.type instead"
        if caching and model.api_mode == "chat_api":
            yield "model.parameters.caching", "is of responses_api; set model.cache_type instead"
        if caching and parameters.store is False:
            yield "model.parameters.store", "must be true where caching is enabled"
        if (caching or model.cache_type == "prefix") and self.prompt_mode != "prefix":
            key = "model.parameters.caching" if caching else "model.cache_type"
            yield key, 'caching a prefix needs prompt_mode = "prefix" and prefix_prompt'

    def _thinking(self, parameters: Parameters | None) -> Iterator[tuple[str, str]]:
        if parameters is None or parameters.thinking_type != "enabled":
            return
        for key in ("plugins", "workflows"):
            if getattr(self, key):
                text = "a model that thinks uses none; leave it empty, or disable thinking_type"
                yield key, text


_LIMITS = frozenset({"string_too_long", "string_too_short", "too_long"})


def understood(fields: Fields) -> Fields:
    """Leave out what no file could say, such as a mode that is newer than this program.

    What is over a limit stays: the next push tells.
    """
    try:
        Blueprint.model_validate(nested(fields))
    except ValidationError as error:
        wrong = [
            its["loc"][:-1] if its["type"] == "missing" else its["loc"]
            for its in error.errors(include_url=False)
            if its["type"] not in _LIMITS
        ]
        return {
            key: value
            for key, value in fields.items()
            if not any(_overlap(key.split("."), place) for place in wrong)
        }
    return fields


def _overlap(key: Sequence[str], place: Sequence[str | int]) -> bool:
    """Tell whether one is within the other."""
    return all(one == other for one, other in zip(key, place, strict=False))
