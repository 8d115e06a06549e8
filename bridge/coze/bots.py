"""Agents as those who make them see them: `bridge.agentfile.workbench.Workbench` for Coze.

Fields go by their key in the file; the tables below say where Coze has them. Reading is
lenient (see `wire`): a field that Coze leaves out, or spells unlike we know, is unknown.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote

from bridge.agentfile.blueprint import Model, understood
from bridge.agentfile.fields import Fields, Value, flatten, nested
from bridge.agentfile.merge import Draft
from bridge.agentfile.workbench import Listed, Version, Workbench
from bridge.clean import clean
from bridge.config import CozeSettings
from bridge.coze.opening import client_settings, open_credentials
from bridge.coze.transport import Request, Transport, Upload
from bridge.coze.wire import Json, child, children, number, word
from bridge.errors import Unreachable

_MANY_VERSIONS = 30  # the longest page of versions
_MANY_AGENTS = 20  # the usual page of agents; no longer one is documented
_MOST_PAGES = 500

_MODEL = Model.model_fields
_STRATEGIES = {"semantic": 0, "hybrid": 1, "full-text": 20}
_TEXTS = {
    "name": "name",
    "description": "description",
    "prompt_mode": "prompt_info.prompt_mode",
    "prompt": "prompt_info.prompt",
    "prefix_prompt": "prompt_info.prefix_prompt_info.prefix_prompt",
    "dynamic_prompt": "prompt_info.prefix_prompt_info.dynamic_prompt",
    "prologue": "onboarding_info.prologue",
    "suggestions.mode": "suggest_reply_info.reply_mode",
    "suggestions.prompt": "suggest_reply_info.customized_prompt",
}
_TO_SEND = {
    **_TEXTS,
    "suggested_questions": "onboarding_info.suggested_questions",
    "plugins": "plugin_id_list.id_list",
    "workflows": "workflow_id_list.ids",
    "voice_calls": "media_config.is_voice_call_closed",
}
"""What is not in here has the same name at Coze, but for the table of the model."""


@asynccontextmanager
async def open_bots(coze: CozeSettings) -> AsyncIterator["Bots"]:
    """Open the workbench. Raises `Misconfigured`."""
    async with open_credentials(coze) as credentials:
        http = Transport(coze.base_url, credentials, client_settings(coze))
        try:
            yield Bots(http)
        finally:
            await http.aclose()


class Bots(Workbench):
    """The calls. Every method raises `bridge.errors` with Coze's code and log id."""

    def __init__(self, http: Transport) -> None:
        self._http = http

    async def draft(self, bot_id: str) -> Draft:
        data = await self._bot(bot_id, published=False)
        return Draft(fields(data), number(data, "update_time") or 0, word(data, "icon_url"))

    async def online(self, bot_id: str) -> Listed:
        data = await self._bot(bot_id, published=True)
        return Listed(
            bot_id=bot_id,
            name=clean(word(data, "name")),
            version=word(data, "version"),
            is_published=True,
            updated_at=number(data, "update_time") or 0,
        )

    async def upload(self, name: str, content: bytes) -> str:
        request = Request("POST", "/v1/files/upload", {}, file=Upload(name, content))
        reply = await self._http.call(request)
        if file_id := word(reply.data, "id"):
            return file_id
        raise Unreachable("took a file and told no id", logid=reply.logid, happened=True)

    async def update(self, bot_id: str, fields: Fields, icon_file_id: str = "") -> None:
        body = {"bot_id": bot_id, **update_body(fields)}
        if icon_file_id:
            body["icon_file_id"] = icon_file_id
        await self._http.call(Request("POST", "/v1/bot/update", {}, body))

    async def publish(self, bot_id: str, channels: Sequence[str]) -> str:
        body = {"bot_id": bot_id, "connector_ids": list(channels)}
        # A repetition would publish a second version.
        reply = await self._http.call(Request("POST", "/v1/bot/publish", {}, body), again=False)
        return word(child(reply.envelope, "data"), "version")

    async def versions(self, bot_id: str) -> list[Version]:
        path = f"{_path(bot_id)}/versions"
        return [
            Version(
                version=word(item, "version"),
                created_at=number(item, "created_at") or 0,
                creator=clean(word(child(item, "creator"), "name")),
                changelog=clean(word(item, "changelog")),
            )
            async for item in self._pages(path, {}, _MANY_VERSIONS)
        ]

    async def agents(self, workspace_id: str) -> list[Listed]:
        query = {"workspace_id": workspace_id, "publish_status": "all"}
        return [
            Listed(
                bot_id=word(item, "id"),
                name=clean(word(item, "name")),
                version="",
                is_published=item.get("is_published") is True,
                updated_at=number(item, "updated_at") or 0,
            )
            async for item in self._pages("/v1/bots", query, _MANY_AGENTS)
        ]

    async def _bot(self, bot_id: str, *, published: bool) -> Json:
        query = {"is_published": "true" if published else "false"}
        return (await self._http.call(Request("GET", _path(bot_id), query))).data

    async def _pages(self, path: str, query: Mapping[str, str], size: int) -> AsyncIterator[Json]:
        """Yield everything in a list that comes in pages, told by `has_more` or `total`."""
        seen = 0
        for page in range(1, _MOST_PAGES + 1):
            asked: dict[str, str | int | None] = {**query, "page_num": page, "page_size": size}
            data = child((await self._http.call(Request("GET", path, asked))).envelope, "data")
            items = list(children(data, "items"))
            for item in items:
                yield item
            seen += len(items)
            is_last = data.get("has_more") is not True and seen >= (number(data, "total") or 0)
            if is_last or not items:
                return


def fields(info: Json) -> Fields:
    """Read BotInfo. What is not in it, or null, or no value we know, is unknown."""
    found = _fields(info)
    return understood({key: clean(its) if isinstance(its, str) else its for key, its in found})


def update_body(fields: Fields) -> dict[str, object]:
    """Write the body of `POST /v1/bot/update`, but for the agent and its icon."""
    return nested({_place(key): _as_sent(key, value) for key, value in fields.items()})


def _fields(info: Json) -> Iterator[tuple[str, Value]]:
    for key, place in _TEXTS.items():
        *parents, name = place.split(".")
        table = info
        for parent in parents:
            table = child(table, parent)
        if isinstance(text := table.get(name), str):
            yield key, text
    yield from _questions(child(info, "onboarding_info"))
    yield from _bindings(info)
    closed = child(info, "media_config").get("is_voice_call_closed")
    if isinstance(closed, bool):
        yield "voice_calls", not closed
    yield from _knowledge(child(info, "knowledge"))
    model = child(info, "model_info")
    if model_id := word(model, "model_id"):
        settings = {name: its for name, its in model.items() if name in _MODEL}
        yield from flatten({**settings, "model_id": model_id}, "model.")


def _questions(greeting: Json) -> Iterator[tuple[str, Value]]:
    """Read the questions, which Coze leaves out where they are switched off."""
    if greeting:
        found = greeting.get("suggested_questions")
        texts = found if isinstance(found, list) else []
        yield "suggested_questions", [clean(text) for text in texts if isinstance(text, str)]


def _bindings(info: Json) -> Iterator[tuple[str, Value]]:
    """Read plugins, of which Coze shows each with all its tools, and workflows."""
    if isinstance(info.get("plugin_info_list"), list):
        yield (
            "plugins",
            [
                {"plugin_id": word(plugin, "plugin_id"), "api_id": word(tool, "api_id")}
                for plugin in children(info, "plugin_info_list")
                for tool in children(plugin, "api_info_list")
            ],
        )
    if isinstance(info.get("workflow_info_list"), list):
        yield "workflows", [word(its, "id") for its in children(info, "workflow_info_list")]


def _knowledge(knowledge: Json) -> Iterator[tuple[str, Value]]:
    """Read what is documented, `knowledge_infos`, and what the official SDK knows besides."""
    ids = knowledge.get("dataset_ids")
    if isinstance(ids, list):
        ids = [str(one) for one in ids]
    if isinstance(knowledge.get("knowledge_infos"), list):
        ids = [word(its, "id") for its in children(knowledge, "knowledge_infos")]
    yield from flatten({"dataset_ids": ids, "auto_call": knowledge.get("auto_call")}, "knowledge.")
    for name, at_coze in _STRATEGIES.items():
        if number(knowledge, "search_strategy") == at_coze:
            yield "knowledge.search_strategy", name


def _place(key: str) -> str:
    """Tell where Coze has a field."""
    table, dot, name = key.partition(".")
    return _TO_SEND.get(key) or (f"model_info_config{dot}{name}" if table == "model" else key)


def _as_sent(key: str, value: Value) -> object:
    match key:
        case "knowledge.search_strategy":
            return _STRATEGIES[str(value)]
        case "voice_calls":
            return not value
        case "workflows" if isinstance(value, Sequence):
            return [{"id": its} for its in value]
        case _:
            return value


def _path(bot_id: str) -> str:
    return f"/v1/bots/{quote(bot_id, safe='')}"
