"""One Telegram bot: receiving by long polling or webhook, showing pages as messages."""

import asyncio
import contextlib
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from aiohttp import web
from telegram import Bot

from adapters.telegram.addressed import Me
from adapters.telegram.asides import Asides
from adapters.telegram.bots import RawBot, make_bot, make_http
from adapters.telegram.downloads import LARGEST, Downloads
from adapters.telegram.drafts import Drafts
from adapters.telegram.enclosures import Sender
from adapters.telegram.faults import NotModified, as_bridge_errors
from adapters.telegram.keyboard import asking, keyboard
from adapters.telegram.lately import Lately
from adapters.telegram.markup import MAX_ENTITIES, body, caption
from adapters.telegram.menu import show_menus
from adapters.telegram.polling import Poller
from adapters.telegram.raw import identifier
from adapters.telegram.recall import Lost
from adapters.telegram.receive import Intake, named
from adapters.telegram.settings import TelegramSettings
from adapters.telegram.webhook import Webhook
from bridge.adapter import Around, Capabilities, Download, Outgoing, Sink, Turnstile
from bridge.errors import BridgeError, Gone, Unreachable
from bridge.events import Attachment, ChatKind, ChatRef, Inbound, MessageRef, Page
from bridge.foreign import Json
from bridge.lent import Host, MenuItem
from bridge.logs import get

log = get(__name__)

T = TypeVar("T")

# Below the limit of 4096, because lists and tables grow when they are rendered.
MAX_SOURCE = 3_800
# Of 20 (core.telegram.org/bots/faq), sends and edits together. One is left for what does not go
# through the outbox; how late calls arrive is `flow/pacing`'s business.
GROUP_CALLS_PER_MINUTE = 19
BUTTONS = 8
_ADJUSTABLE = ("edit_interval_private", "edit_interval_group")
_REMEMBERED = 10_000  # messages in topics
_NO_PREVIEW = {"is_disabled": True}


class TelegramAdapter:
    """One bot account."""

    def __init__(self, account: str, settings: TelegramSettings, host: Host) -> None:
        self._account = account
        self._settings = settings
        self._host = host
        self._bot: RawBot | None = None
        self._files: Files | None = None
        self._asides: Asides | None = None
        self._topics: Lately[str] = Lately(_REMEMBERED)
        self._receiver: Poller | Webhook | None = None
        self._trouble: str | None = "has not begun to receive"
        self._secret = settings.webhook_secret.get_secret_value()
        self._drafts = Drafts(wanted=settings.stream == "native")
        self._lost = Lost()
        self._known = asyncio.Event()  # Telegram has said who the bot is

    @property
    def caps(self) -> Capabilities:
        final_only = self._settings.stream == "final"
        return Capabilities(
            max_text=MAX_SOURCE,
            utf16=True,
            max_spans=MAX_ENTITIES,
            edit_interval=math.inf if final_only else self._settings.edit_interval_private,
            edit_interval_group=math.inf if final_only else self._settings.edit_interval_group,
            calls_per_second=self._settings.calls_per_second,
            group_calls_per_minute=GROUP_CALLS_PER_MINUTE,
            buttons=BUTTONS,
            max_download=LARGEST if self._settings.folder is None else math.inf,
        )

    @property
    def adjustable(self) -> Sequence[str]:
        return _ADJUSTABLE

    def adjust(self, settings: TelegramSettings) -> None:
        taken = {name: getattr(settings, name) for name in _ADJUSTABLE}
        self._settings = self._settings.model_copy(update=taken)

    async def open(self) -> None:
        """Make the bot; who it is, is asked when it begins to receive."""
        self._bot = make_bot(self._settings)
        self._files = Files(self._bot, self._settings)
        self._asides = Asides(self._bot, self._account)
        if self._settings.mode == "webhook":
            self._secret = self._secret or await self._host.secret("webhook")

    async def close(self) -> None:
        if self._asides is not None:
            await self._asides.close()
        if self._files is not None:
            await self._files.close()
        if self._bot is not None:
            await self._bot.release()

    def routes(self) -> Iterable[web.RouteDef]:
        """The webhook; there is none while polling."""
        if self._settings.mode == "webhook":
            return [web.post(f"/telegram/{self._account}", self._receive)]
        return []

    async def run(self, sink: Sink) -> None:
        """Find out who the bot is, then receive until cancelled."""
        bot = self._require_bot()
        if self._receiver is None:
            me = await self._introduced(bot)
            asides = self._require(self._asides)
            intake = Intake(me, self._account, asides, self._host.chat_moved, self._topics)
            self._receiver = self._make_receiver(bot, intake)
            self._known.set()
        await self._receiver.run(sink)

    async def _introduced(self, bot: Bot) -> Me:
        try:
            with as_bridge_errors():
                await bot.initialize()
        except BridgeError as error:
            self._trouble = str(error)
            raise
        return Me(bot.id, bot.username)

    def _make_receiver(self, bot: Bot, intake: Intake) -> Poller | Webhook:
        if self._settings.mode == "polling":
            return Poller(self._settings, intake)
        url = f"{self._host.public_url.rstrip('/')}/telegram/{self._account}"
        return Webhook(bot, intake, url=url, secret=self._secret)

    @property
    def receives_alone(self) -> bool:
        """A second poll is answered 409; a webhook is called by Telegram, wherever it leads."""
        return self._settings.mode == "polling"

    @property
    def listens(self) -> bool:
        return self._settings.mode == "polling"

    def trouble(self) -> str | None:
        return self._trouble if self._receiver is None else self._receiver.trouble()

    async def send(self, chat: ChatRef, page: Page, *, key: str) -> MessageRef:
        keys, began = asking(chat, page), asyncio.get_running_loop().time()
        with as_bridge_errors():
            message = await self._require_bot().call(
                "sendMessage",
                **_to(chat),
                reply_markup=keys or keyboard(page),
                link_preview_options=None if page.final else _NO_PREVIEW,
                **body(page),
            )
        if keys is not None:
            self._require(self._asides).keyboard_shown(chat)
        sent = self._sent(chat, message)
        self._lost.note(sent, began)
        return sent

    async def edit(self, message: MessageRef, page: Page) -> None:
        if asking(message.chat, page):
            # Only a new message can bring such a keyboard, so this one makes way for it.
            await self.retract(message)
            raise Gone("a keyboard needs a message of its own")
        with contextlib.suppress(NotModified), as_bridge_errors():
            await self._require_bot().call(
                "editMessageText",
                chat_id=int(message.chat.chat),
                message_id=int(message.id),
                business_connection_id=message.chat.via or None,
                reply_markup=keyboard(page),
                link_preview_options=None if page.final else _NO_PREVIEW,
                **body(page),
            )

    async def send_file(self, chat: ChatRef, file: Outgoing, *, key: str) -> MessageRef:
        asked = {**_to(chat), **caption(file.caption)}
        return self._sent(chat, await self._require(self._files).sender.send(file, asked))

    def fetch(self, chat: ChatRef, attachment: Attachment) -> AbstractAsyncContextManager[Download]:
        return self._require(self._files).downloads.fetch(attachment)

    async def search(
        self, event: Inbound, around: Around, turnstile: Turnstile, *, by: float
    ) -> str | None:
        return await self._lost.search(self._require_bot(), event, around, turnstile, by)

    async def retract(self, message: MessageRef) -> None:
        """Delete a message; one that is gone already is success.

        In a business chat that takes a right of its own, so there a dot is left in its place.
        """
        if message.chat.via:
            return await self.edit(message, Page("·", final=True))
        with contextlib.suppress(Gone), as_bridge_errors():
            await self._require_bot().delete_message(
                chat_id=int(message.chat.chat), message_id=int(message.id)
            )
        return None

    async def typing(self, chat: ChatRef) -> None:
        with as_bridge_errors():
            await self._require_bot().call(
                "sendChatAction",
                chat_id=int(chat.chat),
                action="typing",
                message_thread_id=int(chat.thread) if chat.thread else None,
                business_connection_id=chat.via or None,
            )

    async def menus(self, menus: Mapping[str, Sequence[MenuItem]]) -> None:
        await self._known.wait()
        await show_menus(self._require_bot(), menus, self._account)

    def drafts(self, chat: ChatRef) -> bool:
        return self._drafts.exist_in(chat)

    async def draft(self, chat: ChatRef, page: Page, *, key: str) -> None:
        await self._drafts.show(self._require_bot(), chat, page, key=key)

    async def _receive(self, request: web.Request) -> web.Response:
        if not isinstance(self._receiver, Webhook):
            return web.json_response({"error": "not receiving"}, status=503)
        return await self._receiver.receive(request)

    def _sent(self, chat: ChatRef, message: Json) -> MessageRef:
        if not (message_id := identifier(message.get("message_id"))):
            raise Unreachable("Telegram's answer names no message", happened=True)
        if chat.thread:
            self._topics.put(named(chat.chat, message_id), chat.thread)
        return MessageRef(chat, message_id)

    def _require_bot(self) -> RawBot:
        return self._require(self._bot)

    def _require(self, part: T | None) -> T:
        if part is None:
            raise Unreachable("not open")
        return part


class Files:
    """What people send, and what is sent to them; the connections are shared."""

    def __init__(self, bot: RawBot, settings: TelegramSettings) -> None:
        self._http = make_http(settings.api_base_url)
        self.downloads = Downloads(
            bot,
            self._http,
            token=settings.token.get_secret_value(),
            folder=settings.folder,
        )
        self.sender = Sender(bot, self._http, bot.base_url)

    async def close(self) -> None:
        """Break off whatever is under way."""
        await self._http.aclose()


def _to(chat: ChatRef) -> dict[str, object]:
    """The parameters that say where a message goes."""
    return {
        "chat_id": int(chat.chat),
        "message_thread_id": int(chat.thread) if chat.thread else None,
        "business_connection_id": chat.via or None,
        "reply_parameters": _reply(chat),
    }


def _reply(chat: ChatRef) -> dict[str, object] | None:
    """In a group an answer shows what it answers; the question may have been deleted since."""
    if chat.kind is not ChatKind.GROUP or not chat.reply_to:
        return None
    return {"message_id": int(chat.reply_to), "allow_sending_without_reply": True}
