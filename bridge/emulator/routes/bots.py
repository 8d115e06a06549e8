"""Agents: read, create, edit the draft, publish."""

from aiohttp import web

from bridge.emulator.bot_bodies import CreateBody, PublishBody, UnpublishBody, UpdateBody
from bridge.emulator.bots import Bot, BotConfig, Component, ShortcutCommand
from bridge.emulator.call import Call, Route
from bridge.emulator.state import refused
from bridge.emulator.views import Body


async def retrieve(call: Call) -> web.Response:
    """Show an agent: the published version, or the draft with is_published=false."""
    bot = call.emulator.bots.get(call.path("bot_id"))
    if call.request.query.get("is_published", "true").lower() == "false":
        return call.ok(_info(call, bot, bot.draft, ""))
    version = call.emulator.bots.online(bot.id)
    return call.ok(_info(call, bot, version.config, version.number))


async def online_info(call: Call) -> web.Response:
    """Show the published agent; the deprecated endpoint."""
    version = call.emulator.bots.online(call.query("bot_id"))
    bot = call.emulator.bots.get(call.query("bot_id"))
    return call.ok(_info(call, bot, version.config, version.number))


def _info(call: Call, bot: Bot, config: BotConfig, version: str) -> Body:
    onboarding: Body = {"prologue": config.prologue}
    if config.questions is not None:  # absent where suggestions are switched off
        onboarding["suggested_questions"] = list(config.questions)
    shown = _undocumented(config) if call.emulator.bots.shows_all else {}
    return {
        "bot_id": bot.id,
        "name": config.name,
        "description": config.description,
        "icon_url": _icon_url(call, config),
        "create_time": bot.created_at,
        "update_time": bot.updated_at,
        "version": version,
        "prompt_info": {"prompt": config.prompt},
        "onboarding_info": onboarding,
        "bot_mode": 0,
        "model_info": _model(config),
        "knowledge": {"knowledge_infos": _knowledge(config)},
        "plugin_info_list": _plugins(config),
        "workflow_info_list": [
            {"id": key, "name": key, "description": "", "icon_url": ""} for key in config.workflows
        ],
        "shortcut_commands": [_shortcut(each) for each in config.shortcuts],
        "variables": _variables(config),
        "default_user_input_type": "text",
        "owner_user_id": "7000000000000000001",
        **shown,
    }


def _icon_url(call: Call, config: BotConfig) -> str:
    """Make an address that is signed anew each time, as on a content network."""
    if not config.icon_file_id:
        return ""
    return f"https://icons.invalid/{config.icon_file_id}.png?x-signature={call.logid}"


_MODEL = (
    *("model_id", "model_name", "temperature", "top_p", "top_k", "max_tokens"),
    *("context_round", "response_format", "presence_penalty", "frequency_penalty"),
)
"""What is documented of a model's settings."""


def _model(config: BotConfig) -> Body:
    model = {"model_id": "1706077826", "model_name": "Emulated", **config.model}
    return {key: value for key, value in model.items() if key in _MODEL}


def _knowledge(config: BotConfig) -> list[Body]:
    return [{"id": key, "name": key} for key in config.datasets]


def _undocumented(config: BotConfig) -> Body:
    """Show what can be edited besides, under the names it is edited by."""
    return {
        "prompt_info": {
            "prompt": config.prompt,
            "prompt_mode": config.prompt_mode,
            "prefix_prompt_info": {
                "prefix_prompt": config.prefix_prompt,
                "dynamic_prompt": config.dynamic_prompt,
            },
        },
        "model_info": {**_model(config), **config.model},
        "knowledge": {
            "knowledge_infos": _knowledge(config),
            "auto_call": config.auto_call,
            "search_strategy": config.search_strategy,
        },
        "suggest_reply_info": {
            "reply_mode": config.suggest_mode,
            "customized_prompt": config.suggest_prompt,
        },
        "media_config": {"is_voice_call_closed": not config.voice_calls},
    }


def _plugins(config: BotConfig) -> list[Body]:
    """Show each plugin once, with all its tools."""
    tools: dict[str, list[str]] = {}
    for plugin, api in config.plugins:
        tools.setdefault(plugin, []).append(api)
    return [
        {
            "plugin_id": plugin,
            "name": plugin,
            "description": "",
            "icon_url": "",
            "api_info_list": [{"api_id": api, "name": api, "description": ""} for api in apis],
        }
        for plugin, apis in tools.items()
    ]


def _shortcut(shortcut: ShortcutCommand) -> Body:
    return {
        "id": f"cmd{shortcut.command}",
        "name": shortcut.name,
        "command": shortcut.command,
        "description": shortcut.description,
        "query_template": shortcut.template,
        "icon_url": "",
        "components": [_component(each) for each in shortcut.components],
        "tool": {"name": "", "type": ""},
    }


def _component(component: Component) -> Body:
    """Show a field; what is not configured is left out."""
    body: Body = {
        "name": component.name,
        "description": "",
        "type": component.type,
        "is_hide": component.hidden,
    }
    if component.options:
        body["options"] = list(component.options)
    if component.default:
        body["default_value"] = component.default
    return body


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
    if body.icon_file_id:
        call.emulator.files.get(call.caller, body.icon_file_id)
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
