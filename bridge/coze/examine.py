"""Looking at an agent without asking it anything: is it there, and what does it keep of its users.

For `coze-bridge check` and `vars sync`. Reads only, and repeats nothing.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from bridge.clean import clean
from bridge.config import AgentSettings, CozeSettings
from bridge.coze.auth import Credentials
from bridge.coze.client import CozeClient
from bridge.coze.codes import NO_PERMISSION
from bridge.coze.envelope import Reply
from bridge.coze.exchange import Ask, Exchange
from bridge.coze.opening import agent, client_settings, open_credentials
from bridge.coze.transport import Request, Transport
from bridge.coze.wire import Json, child, children, word
from bridge.errors import BridgeError, Unauthorised
from bridge.upstream import is_the_agents

CALL_TIMEOUT = 8.0  # seconds for one call
_NOBODY = "coze-bridge-check"  # a user that never asked anything: has every variable's default


@dataclass(frozen=True, slots=True)
class Keyword:
    """A user variable of an agent. ours: it is the agent's own, not Coze's."""

    enabled: bool = True
    ours: bool = True


@dataclass(frozen=True, slots=True)
class Sight:
    """What Coze shows of a published agent.

    may_read: False where the token may use agents, but not read them; then the rest is empty.
    keywords: None where Coze does not tell.
    owner, token_of: Coze's ids of who made the agent, and of whom the token stands for; empty
        where Coze does not tell.
    """

    name: str = ""
    version: str = ""
    may_read: bool = True
    keywords: Mapping[str, Keyword] | None = None
    owner: str = ""
    token_of: str = ""


@asynccontextmanager
async def open_examiner(coze: CozeSettings) -> AsyncIterator["Examiner"]:
    """Open what looks. Raises `Misconfigured`, for a key that is none."""
    settings = replace(client_settings(coze), call_timeout=CALL_TIMEOUT, attempts=1)
    async with (
        open_credentials(coze) as credentials,
        CozeClient(coze.base_url, credentials, settings) as client,
    ):
        http = Transport(coze.base_url, credentials, settings)
        try:
            yield Examiner(coze, credentials, client, http)
        finally:
            await http.aclose()


class Examiner:
    """Raises `bridge.errors`, as the calls of a running bridge do."""

    def __init__(
        self, coze: CozeSettings, credentials: Credentials, client: CozeClient, http: Transport
    ) -> None:
        self._coze = coze
        self._credentials = credentials
        self._client = client
        self._http = http

    async def see(self, its: AgentSettings) -> Sight:
        """Look at an agent, or a chatflow, as it is published."""
        if its.workflow_id:
            return await self._see_chatflow(its)
        try:
            data = await self._get(f"/v1/bots/{quote(its.bot_id, safe='')}", is_published="true")
        except Unauthorised as error:
            if error.code != NO_PERMISSION:  # see `CozeAgent.check`
                raise
            return Sight(may_read=False)
        return Sight(
            name=clean(word(data, "name")),
            version=word(data, "version"),
            keywords=await self._keywords(its, data),
            owner=word(data, "owner_user_id"),
            token_of=await self._whose_token(its),
        )

    async def clock(self) -> datetime | None:
        """Tell what time it is at Coze; None where it does not say. To the second."""
        settings = replace(client_settings(self._coze), idle_timeout=CALL_TIMEOUT)
        exchange = Exchange(self._coze.base_url, self._credentials, settings)
        try:
            async with exchange.send(Ask("GET", "/v1/bots/0")) as reply:
                told = reply.headers.get("date", "") if isinstance(reply, Reply) else ""
        finally:
            await exchange.aclose()
        with suppress(ValueError, OverflowError):
            when = parsedate_to_datetime(told)
            return when if when.tzinfo is not None else None
        return None

    async def _see_chatflow(self, its: AgentSettings) -> Sight:
        profile = await agent(self._client, its).check()
        if profile is None:
            return Sight(may_read=False)
        keywords = await self._listed(its) if its.variables else None
        return Sight(profile.name, profile.version, keywords=keywords)

    async def _keywords(self, its: AgentSettings, info: Json) -> Mapping[str, Keyword] | None:
        """The agent's variables; who asks for none of them need not know."""
        if not its.variables:
            return None
        if not isinstance(info.get("variables"), list):
            return await self._listed(its)
        return {
            word(each, "keyword"): Keyword(
                enabled=each.get("enable") is not False,
                ours=word(each, "channel") != "system" and is_the_agents(word(each, "keyword")),
            )
            for each in children(info, "variables")
        }

    async def _listed(self, its: AgentSettings) -> Mapping[str, Keyword] | None:
        """The variables that a user of the agent has; those switched off are not among them."""
        try:
            found = await agent(self._client, its).of(_NOBODY).variables(_NOBODY)
        except BridgeError:
            return None  # a token that may not read them may still set them
        return {each.keyword: Keyword(ours=is_the_agents(each.keyword)) for each in found}

    async def _whose_token(self, its: AgentSettings) -> str:
        """Whoever made a conversation of ours: no other call tells whom a token stands for."""
        if not its.variables:
            return ""
        query = {"bot_id": its.bot_id, "connector_id": its.connector_id}
        try:
            data = await self._get("/v1/conversations", **query, page_num="1", page_size="1")
        except BridgeError:
            return ""
        return next((word(each, "creator_id") for each in children(data, "conversations")), "")

    async def _get(self, path: str, **query: str) -> Json:
        reply = await self._http.call(Request("GET", path, query), again=False)
        return child(reply.envelope, "data")
