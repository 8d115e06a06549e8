"""The operator's page on a small server, over a real database and an agent in memory."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import aiohttp
from aiohttp import web
from pydantic import SecretStr

from adapters.registry import settings_model
from bridge.access import Rules
from bridge.config import (
    AccessSettings,
    AgentSettings,
    CozeSettings,
    GroupScope,
    ServerSettings,
    Settings,
)
from bridge.events import Attachment, AttachmentKind, ChatKind, ChatRef, Inbound, Page, User
from bridge.health import Health
from bridge.lanes import lane_of
from bridge.published import Published
from bridge.store import Store, open_store
from bridge.store.inbox import accept
from bridge.store.ledger import Ledger
from bridge.store.outbox import Pages
from bridge.store.sessions import Known, Session, begin_conversation, remember_user
from bridge.store.tables import usage
from bridge.store.turns import TurnState
from bridge.testing.adapter import FakeAdapter
from bridge.testing.agent import ScriptedAgent
from bridge.upstream import Trace
from bridge.web.admin.routes import Admin, Office, pages

TOKEN = "a-token-that-nobody-guesses"
ANNA = User("u-anna", name="Anna Karenina", language="en")


@dataclass
class Stage:
    """One bridge as its operator sees it. Time stands still, until a test moves it."""

    store: Store
    url: str = ""
    public_url: str = ""
    access: AccessSettings = field(default_factory=AccessSettings)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 1000.0
    agent: ScriptedAgent = field(default_factory=ScriptedAgent)
    adapter: FakeAdapter = field(default_factory=FakeAdapter)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def admin(self, token: str = TOKEN) -> list[Admin]:
        """The page; none without a token."""
        web_chat = settings_model("web").model_validate({"platform": "fake"})
        default = AgentSettings(bot_id="1", variables={"city": "user-set", "plan": "constant:x"})
        settings = Settings(
            coze=CozeSettings(token=SecretStr("pat_x")),
            agents={"default": default},
            adapters={"fake": web_chat},
            server=ServerSettings(admin_token=SecretStr(token), public_url=self.public_url),
            access=self.access,
        )
        agents = {"default": self.agent}
        self.health = Health(self.store, agents, {"fake": self.adapter}, Published(agents))
        self.rules = Rules(settings.access, settings.agents)
        office = Office(self.store, settings, agents, self.health, self.rules, lambda: self.now)
        if not pages(office):
            return []
        return [Admin(office, token, monotonic=lambda: self.seconds)]

    @asynccontextmanager
    async def served(self, token: str = TOKEN) -> AsyncIterator["Stage"]:
        app = web.Application()
        for part in self.admin(token):
            app.add_routes(part.routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    # What happened on the bridge

    async def says(
        self, text: str, user: User = ANNA, *, title: str = "", file: str = "", minutes: float = 0
    ) -> tuple[int, str]:
        """Let somebody write; the turn's number and its lane."""
        number = next(self.numbers)
        at = self.now - timedelta(minutes=minutes)
        kind = ChatKind.GROUP if title else ChatKind.PRIVATE
        chat = ChatRef("fake", "fake", f"chat-{user.id}", kind=kind)
        files = (Attachment(AttachmentKind.DOCUMENT, "ref", name=file),) if file else ()
        event = Inbound(f"e{number}", chat, user, text, at, title=title, attachments=files)
        lane = lane_of(event, GroupScope.USER)
        taken = await self.store.write(accept(event, lane, at))
        assert taken is not None
        uid = self.uid(user)
        await self.store.write(remember_user(Known(chat, user, uid), at))
        session = Session(lane, "default", uid)
        await self.store.write(begin_conversation(session, f"c-{user.id}", text[:100], at))
        return taken.id, lane

    async def answers(
        self, lane: str, text: str, *, seconds: float = 2.0, error: str | None = None
    ) -> None:
        """Bring the oldest open turn of a lane to its end, whatever that is."""
        began = self.now
        ledger = Ledger(self.store, lambda: self.now)
        _, waiting = await ledger.take_over(lane)
        turn = await ledger.take(waiting[0], [])
        self.now = turn.created_at + timedelta(seconds=seconds)
        turn = await ledger.asked(turn, Trace("c1", f"chat-{turn.id}"))
        session = Session(lane, "default", "uid")
        page = Page(text or "Sorry.", final=True)
        turn = await ledger.answered(turn, session, [page], text=text, error=error)
        await Pages(self.store).posted(turn, 0, f"m{turn.id}")
        await ledger.ended(turn, TurnState.FAILED if error else TurnState.DELIVERED)
        self.now = began

    async def costs(self, turn: int, user: User = ANNA, tokens: int = 1000) -> None:
        row = {"turn": turn, "agent": "default", "uid": self.uid(user), "at": self.now}
        spent = {"input_tokens": tokens, "output_tokens": tokens // 2}
        await self.store.write(lambda c: c.execute(usage.insert(), row | spent))

    @staticmethod
    def uid(user: User) -> str:
        return user.id.encode().hex().ljust(32, "0")[:32]


@asynccontextmanager
async def built(folder: Path) -> AsyncIterator[Stage]:
    store = await open_store(f"sqlite:///{folder / 'bridge.db'}")
    try:
        yield Stage(store)
    finally:
        await store.close()


@dataclass
class Visitor:
    """Somebody with a program that speaks HTTP, and keeps cookies."""

    http: aiohttp.ClientSession
    url: str

    async def get(self, path: str, **headers: str) -> tuple[int, str, aiohttp.ClientResponse]:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        async with self.http.get(self.url + path, headers=named, allow_redirects=False) as response:
            return response.status, await response.text(), response

    async def post(
        self, path: str, fields: dict[str, str] | list[tuple[str, str]], **headers: str
    ) -> tuple[int, str, aiohttp.ClientResponse]:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        async with self.http.post(
            self.url + path, data=fields, headers=named, allow_redirects=False
        ) as response:
            return response.status, await response.text(), response

    async def sign_in(self, token: str = TOKEN) -> int:
        status, _, _ = await self.post("/admin/login", {"token": token})
        return status

    async def csrf(self) -> str:
        _, text, _ = await self.get("/admin/log")
        return text.partition('name="csrf" value="')[2].partition('"')[0]
