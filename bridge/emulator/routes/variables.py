"""User variables."""

import asyncio
from collections.abc import Sequence

from aiohttp import web
from pydantic import BaseModel, Field

from bridge.emulator.bots import Variable
from bridge.emulator.call import Call, Route
from bridge.emulator.shelves import Isolation
from bridge.emulator.state import refused


def _known(call: Call, bot_id: str | None, app_id: str | None) -> tuple[str, Sequence[Variable]]:
    """Return whose variables they are and which exist. Raises `Refused` 4000, 4006, 4015."""
    if bot_id:
        return bot_id, call.emulator.bots.online(bot_id).config.variables
    if not app_id or app_id not in call.emulator.apps:
        raise refused(4000, "Request parameter error: bot_id or app_id is required")
    return app_id, call.emulator.apps[app_id]


async def get(call: Call) -> web.Response:
    """Read values. Keywords nobody knows are left out in silence."""
    query = call.request.query
    product, known = _known(call, query.get("bot_id"), query.get("app_id"))
    whose = Isolation(
        call.caller, call.query("connector_uid"), query.get("connector_id", "1024"), product
    )
    call.emulator.variables.gets += 1
    wanted = {word for word in query.get("keywords", "").split(",") if word}
    values = call.emulator.variables.get(whose, known)
    items = [
        {
            "keyword": value.keyword,
            "value": value.value,
            "create_time": value.create_time,
            "update_time": value.update_time,
        }
        for value in values
        if not wanted or value.keyword in wanted
    ]
    return call.ok({"items": items})


class KeywordValue(BaseModel):
    """One value to set."""

    keyword: str
    value: str


class PutBody(BaseModel):
    """Whose values to set, and to what."""

    app_id: str | None = None
    bot_id: str | None = None
    connector_id: str = "1024"
    connector_uid: str = Field(min_length=1)
    data: list[KeywordValue] = Field(min_length=1)


async def put(call: Call) -> web.Response:
    """Set values: all of them or, if one may not be set, none."""
    body = await call.body(PutBody)
    product, known = _known(call, body.bot_id, body.app_id)
    whose = Isolation(call.caller, body.connector_uid, body.connector_id, product)
    pairs = [(item.keyword, item.value) for item in body.data]
    call.emulator.variables.puts.append((whose, dict(pairs)))
    await asyncio.sleep(call.emulator.variables.delay)
    call.emulator.variables.put(whose, known, pairs)
    return call.ok()


ROUTES = (Route("GET", "/v1/variables", get), Route("PUT", "/v1/variables", put))
