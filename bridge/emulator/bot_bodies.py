"""What may be written about an agent, with Coze's limits."""

from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bridge.emulator.bots import API_CHANNEL, BotConfig


class _PrefixPrompt(BaseModel):
    prefix_prompt: str = ""
    dynamic_prompt: str = ""


class _Prompt(BaseModel):
    prompt: str = Field(default="", max_length=20_000)
    prompt_mode: Literal["standard", "prefix"] = "standard"
    prefix_prompt_info: _PrefixPrompt = _PrefixPrompt()

    @model_validator(mode="after")
    def _fits_its_mode(self) -> Self:
        if self.prompt_mode == "prefix" and self.prompt:
            raise ValueError("prompt is not supported with prompt_mode prefix")
        return self


class _Onboarding(BaseModel):
    prologue: str = Field(default="", max_length=300)
    suggested_questions: list[Annotated[str, Field(max_length=50)]] | None = None


class _Knowledge(BaseModel):
    dataset_ids: list[str] = Field(default=[], max_length=150)
    auto_call: bool = True
    search_strategy: Literal[0, 1, 20] = 0


class _Plugin(BaseModel):
    plugin_id: str
    api_id: str


class _Plugins(BaseModel):
    id_list: list[_Plugin] = []


class _Workflow(BaseModel):
    id: str


class _Workflows(BaseModel):
    ids: list[_Workflow] = []


class _Parameters(BaseModel):
    model_config = ConfigDict(extra="allow")

    thinking_type: Literal["enabled", "disabled", "auto"] | None = None
    caching_expire_time: int | None = Field(default=None, le=259_200)


class _Model(BaseModel):
    model_config = ConfigDict(extra="allow", protected_namespaces=())

    model_id: str
    response_format: Literal["text", "markdown", "json"] | None = None
    cache_type: Literal["closed", "prefix"] | None = None
    api_mode: Literal["chat_api", "responses_api"] | None = None
    parameters: _Parameters | None = None


class _Media(BaseModel):
    is_voice_call_closed: bool = False


class _Suggest(BaseModel):
    reply_mode: Literal["enable", "disable", "customized"]
    customized_prompt: str = ""

    @model_validator(mode="after")
    def _has_its_prompt(self) -> Self:
        if self.reply_mode == "customized" and not self.customized_prompt:
            raise ValueError("customized_prompt is required with reply_mode customized")
        return self


class Edit(BaseModel):
    """What create and update have in common; what is null stays as it is."""

    name: str | None = Field(default=None, min_length=1, max_length=20)
    description: str | None = Field(default=None, max_length=500)
    icon_file_id: str | None = None
    prompt_info: _Prompt | None = None
    onboarding_info: _Onboarding | None = None
    knowledge: _Knowledge | None = None
    plugin_id_list: _Plugins | None = None
    workflow_id_list: _Workflows | None = None
    model_info_config: _Model | None = None
    media_config: _Media | None = None
    suggest_reply_info: _Suggest | None = None

    def apply(self, config: BotConfig) -> BotConfig:
        """Return the edited draft."""
        named = replace(
            config,
            name=self.name or config.name,
            description=config.description if self.description is None else self.description,
            icon_file_id=self.icon_file_id or config.icon_file_id,
        )
        return self._bound(self._powered(self._worded(named)))

    def _worded(self, config: BotConfig) -> BotConfig:
        if self.prompt_info is not None:
            its = self.prompt_info
            config = replace(
                config,
                prompt=its.prompt,
                prompt_mode=its.prompt_mode,
                prefix_prompt=its.prefix_prompt_info.prefix_prompt,
                dynamic_prompt=its.prefix_prompt_info.dynamic_prompt,
            )
        if self.onboarding_info is not None:
            questions = tuple(self.onboarding_info.suggested_questions or ())
            config = replace(config, prologue=self.onboarding_info.prologue, questions=questions)
        if self.suggest_reply_info is not None:
            suggest = self.suggest_reply_info
            config = replace(
                config,
                suggest_mode=suggest.reply_mode,
                suggest_prompt=suggest.customized_prompt,
            )
        return config

    def _powered(self, config: BotConfig) -> BotConfig:
        if self.model_info_config is not None:
            # What is not given goes back to its default, the strict reading of the documents.
            config = replace(config, model=self.model_info_config.model_dump(exclude_none=True))
        if self.media_config is not None:
            config = replace(config, voice_calls=not self.media_config.is_voice_call_closed)
        return config

    def _bound(self, config: BotConfig) -> BotConfig:
        if self.knowledge is not None:
            config = replace(
                config,
                datasets=tuple(self.knowledge.dataset_ids),
                auto_call=self.knowledge.auto_call,
                search_strategy=self.knowledge.search_strategy,
            )
        if self.plugin_id_list is not None:
            plugins = tuple((p.plugin_id, p.api_id) for p in self.plugin_id_list.id_list)
            config = replace(config, plugins=plugins)
        if self.workflow_id_list is not None:
            workflows = tuple(workflow.id for workflow in self.workflow_id_list.ids)
            config = replace(config, workflows=workflows)
        return config


class CreateBody(Edit):
    """A new agent needs a workspace and a name."""

    space_id: str = Field(min_length=1)
    name: str = Field(min_length=1, max_length=20)


class UpdateBody(Edit):
    """Which agent to edit."""

    bot_id: str = Field(min_length=1)


class PublishBody(BaseModel):
    """Where to publish."""

    bot_id: str = Field(min_length=1)
    connector_ids: list[str] = [API_CHANNEL]
    connectors: dict[str, dict[str, str]] | None = None


class UnpublishBody(BaseModel):
    """Where to unpublish, and why."""

    connector_id: str = Field(min_length=1)
    unpublish_reason: str | None = Field(default=None, max_length=1024)
