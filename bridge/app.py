"""The composition root: opens everything in order, runs the peers, closes backwards.

settings ─> database ─> Coze ─> adapters ─> stages ─> engine
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from adapters.registry import build
from bridge.access import Rules
from bridge.adapter import Adapter, SendsFiles, ShowsMenus
from bridge.admin import Admin
from bridge.allowance import Allowance
from bridge.anew import Anew
from bridge.attachments import MB
from bridge.broadcasting import Broadcasting
from bridge.commands import Commands
from bridge.config import Edited, FilesSettings, Settings
from bridge.coze import agent, open_client
from bridge.engine import Engine
from bridge.engine.drain import Drain
from bridge.engine.works import Works, works
from bridge.fetching import Fetcher, is_public, is_public_host
from bridge.files import Files
from bridge.flow.asked import end_if_asked
from bridge.flow.pacing import Pacing
from bridge.flow.rush import Rush
from bridge.flow.ticks import next_tick
from bridge.forgetting import Forgetting
from bridge.garbage import Sweeper
from bridge.guests import Guests
from bridge.health import Health
from bridge.host import StoreHost
from bridge.inbox import Bells, Inbox
from bridge.lent import News
from bridge.logs import get
from bridge.menus import keep_shown
from bridge.outbox import Outbox
from bridge.outgoing import Sending
from bridge.pausing import Pausing
from bridge.porter import Porter
from bridge.published import Published
from bridge.receiving import Receiving
from bridge.relay import Relay
from bridge.render import Renderer
from bridge.sessions import Sessions
from bridge.store import Store, folder_of, open_store
from bridge.store.files import StoredFiles
from bridge.store.outbox import Pages
from bridge.store.secrets import secret
from bridge.store.vault import renew
from bridge.tidying import Janitor
from bridge.tools.acting import Acting
from bridge.tools.registry import open_toolbox
from bridge.turn import Walk
from bridge.upstream import Agent
from bridge.variables import Variables
from bridge.vitals import Vitals
from bridge.web.admin.routes import Office, pages
from bridge.web.server import ServesHttp

if TYPE_CHECKING:
    from bridge.store.seal import Sealer

log = get(__name__)

CHECK_EVERY = 30.0  # seconds between two looks at whether Coze accepts us
BROADCAST_EVERY = 3.0  # seconds between two looks for something to tell everybody
TIDY_EVERY = 60.0  # seconds between two rounds of the janitor
UID_KEY = "connector_uid"  # the name of the secret that hashes platform ids
VAULT_SALT = "vault"  # of the one that makes passphrases cost something


def utcnow() -> datetime:
    """The clock of the whole bridge."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Bridge:
    """Everything that runs, opened and wired."""

    settings: Settings
    adapters: Mapping[str, Adapter]
    receiving: Receiving
    engine: Engine
    health: Health
    pacer: Pacing
    variables: Variables
    published: Published
    janitor: Janitor
    forgetting: Forgetting
    rules: Rules
    allowance: Allowance
    pages: Sequence[ServesHttp]
    broadcasting: Broadcasting
    vitals: Vitals
    sweeper: Sweeper = field(default_factory=Sweeper)

    async def run(self, stop: asyncio.Event) -> None:
        """Run every peer until `stop`, then drain. Raises what none of them may survive.

        Sets `stop` itself when one of them failed, for then the end has begun as well.
        """
        async with asyncio.TaskGroup() as group:
            receivers = [
                group.create_task(self.receiving.run(account, adapter), name=f"receive {account}")
                for account, adapter in self.adapters.items()
            ]
            chores = [
                group.create_task(_repeat(self.health.ask_agents, CHECK_EVERY), name="health"),
                group.create_task(self.vitals.run(), name="vitals"),
                group.create_task(_repeat(self._tidy, TIDY_EVERY), name="tidy"),
                group.create_task(_repeat(self.janitor.round, TIDY_EVERY), name="janitor"),
                group.create_task(_repeat(self.forgetting.work, TIDY_EVERY), name="forgetting"),
                group.create_task(
                    _repeat(self.broadcasting.work, BROADCAST_EVERY), name="broadcasting"
                ),
                group.create_task(_repeat(self.allowance.tidy, TIDY_EVERY), name="allowance"),
                *(
                    group.create_task(self._show_menus(account, adapter), name=f"menus {account}")
                    for account, adapter in self.adapters.items()
                    if isinstance(adapter, ShowsMenus)
                ),
            ]
            stopping = asyncio.Event()
            working = group.create_task(
                self.engine.run(stopping, self.settings.server.grace), name="engine"
            )
            try:
                await stop.wait()
            finally:
                stop.set()
            self.health.report("process", "shutting down")
            await _cancel(receivers)  # nothing new comes in
            stopping.set()
            await asyncio.wait([working])
            await _cancel(chores)
            await self.variables.close()

    async def _show_menus(self, account: str, adapter: ShowsMenus) -> None:
        answering = self.settings.adapters[account].agent
        await keep_shown(account, adapter, agent=answering, published=self.published)

    async def _tidy(self) -> None:
        self.pacer.forget_idle()
        self.sweeper.sweep()


@asynccontextmanager
async def open_bridge(settings: Settings) -> AsyncIterator[Bridge]:
    """Open and wire everything but the HTTP server. Raises `BridgeError`."""
    async with AsyncExitStack() as stack:
        store = await open_store(settings.database.url)
        stack.push_async_callback(store.close)
        client = await stack.enter_async_context(open_client(settings.coze))
        agents = {name: agent(client, its) for name, its in settings.agents.items()}
        published = Published(agents)
        sealer = await _open_sealer(settings, store)
        shared = await stack.enter_async_context(works(settings.database.url, store, utcnow))
        hosts = {
            account: _host(account, settings, store, sealer, published, shared.news(account))
            for account in settings.adapters
        }
        adapters = {
            account: await _open_adapter(account, settings, host, stack)
            for account, host in hosts.items()
        }
        yield await wire(settings, store, agents, adapters, published, shared)


async def wire(
    settings: Settings,
    store: Store,
    agents: Mapping[str, Agent],
    adapters: Mapping[str, Adapter],
    published: Published,
    shared: Works,
) -> Bridge:
    """Connect the stages over parts that are open already."""
    ledger, pacer = shared.ledger, shared.pacer
    turn_timeout = settings.coze.turn_timeout
    agent_of = {account: table.agent for account, table in settings.adapters.items()}
    variables = Variables(store, agents=agents, settings=settings.agents, now=utcnow)
    rules = Rules(settings.access, settings.agents)
    allowance = Allowance(store, rules, now=utcnow)
    guests = Guests(store, rules, now=utcnow)
    pausing = Pausing(store, now=utcnow)
    health = Health(store, agents, adapters, published)
    admin = Admin(
        store,
        guests,
        pausing,
        accounts=adapters,
        agents=agents,
        troubles=health.troubles,
        now=utcnow,
    )
    walk = Walk(
        ledger=ledger,
        anew=Anew(store, ledger, settings.sessions),
        sessions=Sessions(
            store,
            agents=agents,
            agent_of=agent_of,
            settings=settings.sessions,
            key=await store.write(secret(UID_KEY)),
            now=utcnow,
        ),
        commands=Commands(
            store,
            agents=agents,
            settings=settings.agents,
            variables=variables,
            interrupt=shared.interrupt,
            now=utcnow,
            published=published,
            allowance=allowance,
        ),
        porter=Porter(guests, admin),
        allowance=allowance,
        files=Files(StoredFiles(store), adapters=adapters, agents=agents, settings=settings.agents),
        variables=variables,
        relay=Relay(
            store,
            ledger,
            acting=Acting(store, open_toolbox(settings.tools), utcnow),
            agents=agents,
            settings=settings.agents,
            turn_timeout=turn_timeout,
            now=utcnow,
        ),
        render=Renderer(
            settings.agents,
            {name: adapter.caps for name, adapter in adapters.items()},
            takes_files=[name for name, it in adapters.items() if isinstance(it, SendsFiles)],
            most_files=settings.files.per_answer,
        ),
        outbox=Outbox(
            adapters,
            Pages(store),
            pacer=pacer,
            now=utcnow,
            guard=shared.guard,
            outgoing=_sending(settings.files, agents, agent_of),
        ),
        slots=asyncio.Semaphore(settings.coze.max_concurrent_turns),
        turn_timeout=turn_timeout,
        is_alone=shared.replicas is None,
    )
    rush = Rush()
    drain = Drain(
        ledger,
        walk,
        shared.interrupts,
        pausing=pausing,
        merge_window=settings.sessions.merge_window,
        now=utcnow,
        rush=rush,
    )
    engine = shared.engine(drain, settings.adapters, settings.server.grace)
    bells = Bells(engine.wake, shared.interrupt, engine.defer, engine.beginning)
    inbox = Inbox(
        store,
        sessions=settings.sessions,
        guests=guests,
        pausing=pausing,
        bells=bells,
        now=utcnow,
        rush=rush,
    )
    receiving = Receiving(inbox, health, shared.leading)
    return Bridge(
        settings=settings,
        adapters=adapters,
        receiving=receiving,
        engine=engine,
        health=health,
        pacer=pacer,
        variables=variables,
        published=published,
        janitor=Janitor(store, settings.retention, now=utcnow),
        forgetting=Forgetting(store, agents=agents, now=utcnow),
        rules=rules,
        allowance=allowance,
        pages=pages(Office(store, settings, agents, health, rules, utcnow)),
        broadcasting=Broadcasting(store, guests, accounts=adapters, bells=bells, now=utcnow),
        vitals=Vitals(store, health, settings.adapters, utcnow),
    )


def _sending(
    settings: FilesSettings, agents: Mapping[str, Agent], agent_of: Mapping[str, str]
) -> Sending:
    fetcher = Fetcher(
        largest=settings.max_download * MB,
        timeout=settings.timeout,
        allowed=(lambda _: True) if settings.allow_private else is_public,
    )
    return Sending(fetcher, agents=agents, agent_of=agent_of, reachable=is_public_host)


async def _open_sealer(settings: Settings, store: Store) -> "Sealer | None":
    key = settings.database.secret_key.get_secret_value()
    if not key:
        return None
    from bridge.store.seal import UNREADABLE, Sealer  # noqa: PLC0415  loads all of cryptography

    sealer = Sealer(key, await store.write(secret(VAULT_SALT)))
    if unreadable := await store.write(renew(sealer)):
        log.error("vault.unreadable", values=unreadable, remedy=UNREADABLE)
    return sealer


def _host(
    account: str,
    settings: Settings,
    store: Store,
    sealer: "Sealer | None",
    published: Published,
    news: News | None,
) -> StoreHost:
    table = settings.adapters[account]
    asks_again = settings.sessions.edited is Edited.ASK
    return StoreHost(
        store,
        platform=table.platform or account,
        account=account,
        public_url=settings.server.public_url,
        now=utcnow,
        sealer=sealer,
        shortcuts=lambda: published.known(table.agent).shortcuts,
        news=news,
        folder=folder_of(settings.database.url) / account,
        edit_window=settings.sessions.edit_window if asks_again else 0.0,
    )


async def _open_adapter(
    account: str, settings: Settings, host: StoreHost, stack: AsyncExitStack
) -> Adapter:
    adapter = build(account, settings.adapters[account], host)
    await adapter.open()
    stack.push_async_callback(adapter.close)
    return adapter


async def _repeat(chore: Callable[[], Awaitable[object]], seconds: float) -> None:
    while True:
        await chore()
        end_if_asked()
        await next_tick(seconds)


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
