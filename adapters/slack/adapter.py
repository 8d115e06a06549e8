"""One Slack app: receiving by Socket Mode or HTTP, showing pages as messages and streams."""

import asyncio
import math
from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import aiohttp
from aiohttp import web

from adapters.slack.addresses import events_path
from adapters.slack.bolt import Gate
from adapters.slack.courtesy import Courtesy
from adapters.slack.heard import Ears
from adapters.slack.http import Hook
from adapters.slack.installed import Installed
from adapters.slack.oauth import Installing, offer
from adapters.slack.people import People
from adapters.slack.receive import Intake
from adapters.slack.settings import SlackSettings
from adapters.slack.socket import Exchange, Sockets, Timing
from adapters.slack.speak import Speaker
from adapters.slack.threads import Threads
from adapters.slack.workspaces import OneWorkspace, Workspaces, make_client, open_session
from bridge.adapter import Capabilities, Download, Outgoing, Sink
from bridge.errors import BridgeError, Unreachable
from bridge.events import Attachment, ChatRef, MessageRef, Page
from bridge.lent import Host
from bridge.limits import Limit
from bridge.logs import get

log = get(__name__)

# Of the 12,000 of `markdown_text`: what stands below a text counts as well.
MAX_TEXT = 10_000
EDIT_INTERVAL = 0.7  # seconds; how often budgets allow more, `limits` tells
BUTTONS = 8


@dataclass(frozen=True, slots=True)
class _Parts:
    """What an open adapter is made of."""

    session: aiohttp.ClientSession
    workspaces: Workspaces
    speaker: Speaker
    intake: Intake
    sockets: Sockets | None
    hook: Hook | None
    installing: Installing | None


class SlackAdapter:
    """One app, in one workspace or many. timing: of its connections, for tests."""

    timing = Timing()

    def __init__(self, account: str, settings: SlackSettings, host: Host) -> None:
        self._account = account
        self._settings = settings
        self._host = host
        self._parts: _Parts | None = None
        self._trouble: str | None = "has not begun to receive"

    @property
    def caps(self) -> Capabilities:
        interval = math.inf if self._settings.stream == "final" else EDIT_INTERVAL
        return Capabilities(
            max_text=MAX_TEXT,
            edit_interval=interval,
            edit_interval_group=interval,
            buttons=BUTTONS,
            command_sign="!",  # Slack's client sends no message that begins with a slash
            appends=self._settings.stream == "auto",
        )

    async def open(self) -> None:
        """Make the parts; whose token it is, is asked when it begins to receive.

        Raises `Misconfigured` where people may install the app and nothing seals their tokens.
        """
        session = open_session(self._settings.api_base_url)
        try:
            workspaces, installing = self._workspaces(session)
        except BridgeError:  # no key for the vault; `close` is for what was opened
            await session.close()
            raise
        speaker = Speaker(workspaces, self._settings, self._account)
        intake = self._intake(speaker)
        secret = self._settings.signing_secret.get_secret_value()
        client = make_client(None, self._settings.api_base_url, session)
        gate = Gate(self._account, workspaces, intake, client, secret=secret)
        self._parts = _Parts(
            session=session,
            workspaces=workspaces,
            speaker=speaker,
            intake=intake,
            sockets=self._sockets(gate, session) if self._settings.mode == "socket" else None,
            hook=Hook(gate, secret=secret) if self._settings.mode == "http" else None,
            installing=installing,
        )

    def _workspaces(self, session: aiohttp.ClientSession) -> tuple[Workspaces, Installing | None]:
        """The workspaces, and the pages by which there will be more of them."""
        settings = self._settings
        if not settings.client_id:
            return OneWorkspace(settings.bot_token, settings.api_base_url, session), None
        vault = self._host.vault
        connect = partial(make_client, base_url=settings.api_base_url, session=session)
        offered = offer(self._account, settings, self._host.public_url)
        workspaces = Installed(vault, offered.app, connect, places=settings.workspaces)
        return workspaces, Installing(offered, vault, workspaces, connect)

    def _intake(self, speaker: Speaker) -> Intake:
        ears = Ears(
            self._account,
            outsiders=self._settings.external_users,
            words=lambda: [item.word for item in self._host.menus.get("", ())],
        )
        return Intake(
            ears,
            threads=Threads(self._host.transcript),
            people=People(),
            courtesy=Courtesy(self._settings.suggested_prompts),
            told=speaker,
        )

    def _sockets(self, gate: Gate, session: aiohttp.ClientSession) -> Sockets:
        client = make_client(self._settings.app_token, self._settings.api_base_url, session)
        return Sockets(gate, Exchange(client, session, self.timing))

    async def close(self) -> None:
        if self._parts is not None:
            await self._parts.intake.close()
            await self._parts.speaker.close()
            await self._parts.workspaces.close()
            await self._parts.session.close()

    def routes(self) -> Iterable[web.RouteDef]:
        """The request URL of http mode, and the pages that install the app."""
        served: list[web.RouteDef] = []
        if self._settings.mode == "http":
            served.append(web.post(events_path(self._account), self._receive))
        if self._parts is not None and self._parts.installing is not None:
            served.extend(self._parts.installing.routes())
        return served

    async def _receive(self, request: web.Request) -> web.Response:
        if self._parts is None or self._parts.hook is None or not self._parts.intake.is_listening:
            return web.json_response({"error": "not receiving"}, status=503)
        return await self._parts.hook.receive(request)

    async def run(self, sink: Sink) -> None:
        """Find out whether the token is good, and receive until cancelled."""
        parts = self._opened()
        with parts.intake.telling(sink):
            try:
                await parts.workspaces.verify()
                self._trouble = None
                if parts.sockets is None:
                    await asyncio.Event().wait()
                else:
                    await parts.sockets.run()
            except BridgeError as error:
                self._trouble = str(error)
                raise
            except asyncio.CancelledError:
                self._trouble = "not receiving any more"
                raise

    @property
    def listens(self) -> bool:
        return self._settings.mode == "socket"

    def trouble(self) -> str | None:
        if self._trouble or self._parts is None:
            return self._trouble
        sockets = self._parts.sockets
        return self._parts.workspaces.trouble() or (sockets.trouble() if sockets else None)

    # Speaking.

    async def send(self, chat: ChatRef, page: Page, *, key: str) -> MessageRef:
        return await self._opened().speaker.send(chat, page, key=key)

    def fetch(self, chat: ChatRef, attachment: Attachment) -> AbstractAsyncContextManager[Download]:
        return self._opened().speaker.fetch(chat, attachment)

    async def send_file(self, chat: ChatRef, file: Outgoing, *, key: str) -> MessageRef:
        return await self._opened().speaker.send_file(chat, file, key=key)

    async def edit(self, message: MessageRef, page: Page) -> None:
        await self._opened().speaker.edit(message, page)

    async def retract(self, message: MessageRef) -> None:
        await self._opened().speaker.retract(message)

    async def typing(self, chat: ChatRef) -> None:
        await self._opened().speaker.typing(chat)

    def limits(self, chat: ChatRef, message_id: str | None, *, final: bool) -> Sequence[Limit]:
        return self._opened().speaker.limits(chat, message_id, final=final)

    def is_spent(self, message: MessageRef) -> bool:
        return self._opened().speaker.is_spent(message)

    async def recall(
        self, chat: ChatRef, key: str, *, since: datetime, known: Collection[str]
    ) -> MessageRef | None:
        return await self._opened().speaker.recall(chat, key, since=since, known=known)

    def _opened(self) -> _Parts:
        if self._parts is None:
            raise Unreachable("not open")
        return self._parts
