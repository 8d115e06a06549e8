"""Agents: read, create, edit the draft, publish."""

from dataclasses import replace
from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, Field

from bridge.emulator.bots import API_CHANNEL, Bot, BotConfig
from bridge.emulator.call import Call, Route
from bridge.emulator.state import refused
from bridge.emulator.views import Body


class _Prompt(BaseModel):
    prompt: str = Field(default="", max_length=20_000)


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


class _Suggest(BaseModel):
    reply_mode: Literal["enable", "disable", "customized"]
    customized_prompt: str = ""


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
    model_info_config: dict[str, object] | None = None
    suggest_reply_info: _Suggest | None = None

    def apply(self, config: BotConfig) -> BotConfig:
        """Return the edited draft."""
        changes: Body = {
            "name": self.name,
            "description": self.description,
            "icon_file_id": self.icon_file_id,
            "model": self.model_info_config,
        }
        for part in (self._texts(), self._bindings()):
            changes |= part
        # Values were typed by the models above; only their names come from here.
        return replace(config, **{k: v for k, v in changes.items() if v is not None})  # type: ignore[arg-type]

    def _texts(self) -> Body:
        texts: Body = {}
        if self.prompt_info is not None:
            texts["prompt"] = self.prompt_info.prompt
        if self.onboarding_info is not None:
            texts["prologue"] = self.onboarding_info.prologue
            texts["questions"] = tuple(self.onboarding_info.suggested_questions or ())
        if self.suggest_reply_info is not None:
            texts["suggest_mode"] = self.suggest_reply_info.reply_mode
            texts["suggest_prompt"] = self.suggest_reply_info.customized_prompt
        return texts

    def _bindings(self) -> Body:
        bindings: Body = {}
        if self.knowledge is not None:
            bindings["datasets"] = tuple(self.knowledge.dataset_ids)
            bindings["auto_call"] = self.knowledge.auto_call
            bindings["search_strategy"] = self.knowledge.search_strategy
        if self.plugin_id_list is not None:
            bindings["plugins"] = tuple(
                (p.plugin_id, p.api_id) for p in self.plugin_id_list.id_list
            )
        if self.workflow_id_list is not None:
            bindings["workflows"] = tuple(workflow.id for workflow in self.workflow_id_list.ids)
        return bindings


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


async def retrieve(call: Call) -> web.Response:
    """Show an agent: the published version, or the draft with is_published=false."""
    bot = call.emulator.bots.get(call.path("bot_id"))
    if call.request.query.get("is_published", "true").lower() == "false":
        return call.ok(_info(bot, bot.draft, ""))
    version = call.emulator.bots.online(bot.id)
    return call.ok(_info(bot, version.config, version.number))


async def online_info(call: Call) -> web.Response:
    """Show the published agent; the deprecated endpoint."""
    version = call.emulator.bots.online(call.query("bot_id"))
    bot = call.emulator.bots.get(call.query("bot_id"))
    return call.ok(_info(bot, version.config, version.number))


def _info(bot: Bot, config: BotConfig, version: str) -> Body:
    onboarding: Body = {"prologue": config.prologue}
    if config.questions is not None:  # absent where suggestions are switched off
        onboarding["suggested_questions"] = list(config.questions)
    return {
        "bot_id": bot.id,
        "name": config.name,
        "description": config.description,
        "icon_url": "",
        "create_time": bot.created_at,
        "update_time": bot.updated_at,
        "version": version,
        "prompt_info": {"prompt": config.prompt},
        "onboarding_info": onboarding,
        "bot_mode": 0,
        "model_info": {"model_id": "1706077826", "model_name": "Emulated", **config.model},
        "knowledge": {"knowledge_infos": [{"id": key, "name": key} for key in config.datasets]},
        "plugin_info_list": _plugins(config),
        "workflow_info_list": [
            {"id": key, "name": key, "description": "", "icon_url": ""} for key in config.workflows
        ],
        "suggest_reply_info": {
            "reply_mode": config.suggest_mode,
            "customized_prompt": config.suggest_prompt,
        },
        "shortcut_commands": [],
        "variables": _variables(config),
        "default_user_input_type": "text",
        "owner_user_id": "7000000000000000001",
    }


def _plugins(config: BotConfig) -> list[Body]:
    return [
        {
            "plugin_id": plugin,
            "name": plugin,
            "description": "",
            "icon_url": "",
            "api_info_list": [{"api_id": api, "name": api, "description": ""}],
        }
        for plugin, api in config.plugins
    ]


def _variables(config: BotConfig) -> list[Body]:
    return [
        {
            "keyword": variable.keyword,
            "default_value": variable.default,
            "variable_type": "KVVariable",
            "channel": variable.channel,
            "description": variable.description,
            "enable": variable.enable,
            "prompt_enable": variable.enable,
        }
        for variable in config.variables
    ]


_STATES = ("all", "published_online", "published_draft", "unpublished_draft")


def _in_state(bot: Bot, state: str) -> bool:
    match state:
        case "published_online":
            return bot.published
        case "published_draft":
            return bot.published and bot.draft != bot.versions[-1].config
        case "unpublished_draft":
            return not bot.versions
        case _:
            return True


async def list_all(call: Call) -> web.Response:
    """List the agents of a workspace."""
    workspace = call.query("workspace_id")
    state = call.request.query.get("publish_status", "published_online")
    if state not in _STATES:
        raise refused(4000, f"publish_status must be one of {', '.join(_STATES)}")
    page = call.page(default=20, most=50)
    found = [
        bot
        for bot in call.emulator.bots.all.values()
        if bot.workspace_id == workspace and _in_state(bot, state)
    ]
    return call.ok({"items": [_simple(bot, state) for bot in found[page]], "total": len(found)})


def _simple(bot: Bot, state: str) -> Body:
    config = bot.versions[-1].config if state == "published_online" else bot.draft
    body: Body = {
        "id": bot.id,
        "name": config.name,
        "description": config.description,
        "icon_url": "",
        "is_published": bot.published,
        "updated_at": bot.updated_at,
        "owner_user_id": "7000000000000000001",
    }
    if bot.versions:
        body["published_at"] = bot.versions[-1].created_at
    return body


async def published_list(call: Call) -> web.Response:
    """List the published agents of a workspace; the deprecated endpoint."""
    page = call.page(default=20, most=50, name="page_index")
    space = call.query("space_id")
    bots = call.emulator.bots.all.values()
    found = [bot for bot in bots if bot.workspace_id == space and bot.published]
    shown = [
        {
            "bot_id": bot.id,
            "bot_name": bot.versions[-1].config.name,
            "description": bot.versions[-1].config.description,
            "icon_url": "",
            "publish_time": str(bot.versions[-1].created_at),
        }
        for bot in found[page]
    ]
    return call.ok({"space_bots": shown, "total": len(found)})


async def versions(call: Call) -> web.Response:
    """List what was published, newest first; or the draft."""
    bot = call.emulator.bots.get(call.path("bot_id"))
    page = call.page(default=10, most=30)
    creator = {"id": "7000000000000000001", "name": "emulator"}
    if call.request.query.get("publish_status") == "unpublished_draft":
        rows = [("", bot.updated_at, "unpublished_draft")]
    else:
        rows = [(v.number, v.created_at, "published_online") for v in reversed(bot.versions)]
    items = [
        {
            "creator": creator,
            "version": number,
            "changelog": "",
            "created_at": at,
            "publish_status": state,
        }
        for number, at, state in rows[page]
    ]
    return call.ok({"items": items, "has_more": len(rows) > page.stop})


async def create(call: Call) -> web.Response:
    """Create a draft."""
    body = await call.body(CreateBody)
    bot = call.emulator.bots.create(body.space_id, body.apply(BotConfig(body.name)))
    return call.ok({"bot_id": bot.id})


async def update(call: Call) -> web.Response:
    """Edit the draft. Users of the API see it after the next publish."""
    body = await call.body(UpdateBody)
    bot = call.emulator.bots.get(body.bot_id)
    call.emulator.bots.update(bot, body.apply(bot.draft))
    return call.ok()


async def publish(call: Call) -> web.Response:
    """Make the draft the version that answers."""
    body = await call.body(PublishBody)
    bot = call.emulator.bots.get(body.bot_id)
    channels = (*body.connector_ids, *(body.connectors or {}))
    version = call.emulator.bots.publish(bot, channels)
    return call.ok({"bot_id": bot.id, "version": version.number})


async def unpublish(call: Call) -> web.Response:
    """Take an agent off a channel."""
    body = await call.body(UnpublishBody)
    bot = call.emulator.bots.get(call.path("bot_id"))
    bot.channels.discard(body.connector_id)
    return call.ok()


ROUTES = (
    Route("GET", "/v1/bots", list_all),
    Route("GET", "/v1/bots/{bot_id}", retrieve),
    Route("GET", "/v1/bots/{bot_id}/versions", versions),
    Route("POST", "/v1/bots/{bot_id}/unpublish", unpublish),
    Route("POST", "/v1/bot/create", create),
    Route("POST", "/v1/bot/update", update),
    Route("POST", "/v1/bot/publish", publish),
    Route("GET", "/v1/bot/get_online_info", online_info),
    Route("GET", "/v1/space/published_bots_list", published_list),
)
