"""A messaging platform over real HTTP that lives in the test process.

    async with Loopback() as platform:
        ...  # start a daemon with a loopback account whose url is platform.url
        platform.say("anna", "hello")
        assert platform.shown("anna") == ["Hello, Anna!"]

It delivers like Telegram's getUpdates: an update comes again and again until a later one is
asked for. It keeps every version of every message, and can be told to hold or refuse a call.
A held call whose caller is gone does not act any more.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from types import TracebackType
from typing import Self

from aiohttp import web

from bridge.events import ChatKind
from bridge.testing.loopback_model import (
    BROKEN,
    HANG_UP,
    KICKED,
    MARKUP,
    Body,
    Gate,
    Message,
    Obstacle,
    Refusal,
    SentFile,
    Update,
    Verb,
    Version,
    When,
    flood,
)

__all__ = [
    "BROKEN",
    "HANG_UP",
    "KICKED",
    "MARKUP",
    "Body",
    "Gate",
    "Loopback",
    "Message",
    "Obstacle",
    "Refusal",
    "SentFile",
    "Update",
    "Verb",
    "Version",
    "When",
    "flood",
]


LARGEST = 64 * 1024 * 1024  # bytes of a call


class Loopback:
    """The platform and everybody on it.

    max_text: in code points. typed: the chats in which the sign was shown, in order.
    under_way: calls that were neither answered nor given up by their caller.
    """

    def __init__(self, *, max_text: int = 4000) -> None:
        self.url = ""
        self.max_text = max_text
        self.messages: list[Message] = []
        self.typed: list[str] = []
        self.under_way = 0
        self.files: dict[str, SentFile] = {}  # what people sent, as long as it is kept
        self._updates: list[Update] = []
        self._obstacles: list[Obstacle] = []
        self._ids = count(1)
        self._news = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        app = web.Application(client_max_size=LARGEST)
        app.add_routes([web.post(f"/{verb}", self._handler(verb)) for verb in Verb])
        app.router.add_get("/file/{ref}", self._file)
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.01
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.unblock()
        if self._runner is not None:
            await self._runner.cleanup()

    # People

    def say(  # noqa: PLR0913 - by name, and each is something that people do
        self,
        chat: str,
        text: str,
        *,
        user: str = "",
        event: str = "",
        language: str = "",
        files: Sequence[SentFile] = (),
        offers: int | None = None,
    ) -> Update:
        """Let somebody write, or send files.

        A chat whose name begins with # is a group; a private one is named after its person.
        """
        number = next(self._ids)
        kept = tuple((f"file-{number}-{index}", file) for index, file in enumerate(files))
        self.files.update(kept)
        update = Update(
            id=number,
            event=event or f"event-{number}",
            chat=chat,
            kind=ChatKind.GROUP if chat.startswith("#") else ChatKind.PRIVATE,
            user=user or chat,
            language=language,
            text=text,
            at=time.time(),
            files=kept,
            offers=offers,
        )
        self._updates.append(update)
        self._news.set()
        return update

    def shown(self, chat: str) -> list[str]:
        """What a person in the chat reads now, oldest first."""
        return [message.text for message in self.in_chat(chat)]

    def in_chat(self, chat: str) -> list[Message]:
        """The messages that stand in a chat, oldest first."""
        return [m for m in self.messages if m.chat == chat and not m.retracted]

    @property
    def waiting(self) -> bool:
        """Tell whether there is an update that was not acknowledged yet."""
        return any(not update.acknowledged for update in self._updates)

    def settled(self, chat: str) -> bool:
        """Tell whether there is an answer, and nothing in the chat is still being written."""
        messages = self.in_chat(chat)
        return bool(messages) and all(message.now.final for message in messages)

    # Trouble

    def hold(
        self,
        verb: Verb,
        when: When = When.BEFORE,
        *,
        matches: Callable[[Body], bool] = lambda _: True,
    ) -> Gate:
        """Make matching calls wait until the gate is opened, or `unblock`."""
        gate = Gate()
        self._obstacles.append(Obstacle(verb, when, gate, matches, None))
        return gate

    def refuse(
        self,
        verb: Verb,
        refusal: Refusal,
        when: When = When.BEFORE,
        *,
        times: int | None = 1,
        matches: Callable[[Body], bool] = lambda _: True,
    ) -> None:
        """Refuse the next `times` matching calls; after acting, only their answer is lost."""
        self._obstacles.append(Obstacle(verb, when, refusal, matches, times))

    def unblock(self) -> None:
        """Remove every obstacle; calls that wait go on."""
        for obstacle in self._obstacles:
            if isinstance(obstacle.does, Gate):
                obstacle.does.open()
        self._obstacles.clear()

    # The HTTP side

    def _handler(self, verb: Verb) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            try:
                body = await _body(request)
            except ValueError as error:
                return web.json_response({"error": str(error)}, status=400)
            self.under_way += 1
            try:
                await self._meet(verb, When.BEFORE, body)
                reply = await self._act(verb, body, request)
                await self._meet(verb, When.AFTER, body)
            except _Refused as refused:
                return _refused(request, refused.refusal)
            finally:
                self.under_way -= 1
            return web.json_response(reply)

        return handle

    async def _meet(self, verb: Verb, when: When, body: Body) -> None:
        obstacle = next((o for o in self._obstacles if _stands(o, verb, when, body)), None)
        if obstacle is None:
            return
        if obstacle.times is not None:
            obstacle.times -= 1
        if isinstance(obstacle.does, Refusal):
            raise _Refused(obstacle.does)
        obstacle.does.reached += 1
        await obstacle.does.opened.wait()

    async def _file(self, request: web.Request) -> web.Response:
        """The bytes of a file, once `FETCH` has told that it is there."""
        file = self.files.get(request.match_info["ref"])
        return web.Response(status=404) if file is None else web.Response(body=file.content)

    async def _act(self, verb: Verb, body: Body, request: web.Request) -> dict[str, object]:
        match verb:
            case Verb.FETCH:
                return {"size": self._size(body)}
            case Verb.SEND_FILE:
                return {"message": self._send_file(body, await request.read())}
            case _:
                return await self._talk(verb, body)

    async def _talk(self, verb: Verb, body: Body) -> dict[str, object]:
        match verb:
            case Verb.UPDATES:
                return {"updates": await self._deliver(body.offset, body.hold)}
            case Verb.TYPING:
                self.typed.append(body.chat)
            case Verb.SEND:
                return {"message": self._send(body)}
            case Verb.EDIT:
                self._edit(body)
            case Verb.RETRACT:
                self._found(body).retracted = True
        return {}

    async def _deliver(self, offset: int, hold: float) -> list[dict[str, object]]:
        for update in self._updates:
            update.acknowledged |= update.id < offset
            update.refused |= update.offered > 0 and not update.acknowledged
        self._updates = [update for update in self._updates if not update.acknowledged]
        deadline = time.monotonic() + hold
        while not (waiting := [update for update in self._updates if update.offers != 0]):
            self._news.clear()
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    await self._news.wait()
            except TimeoutError:
                return []
        return [_offer(update) for update in waiting]

    def _send(self, body: Body) -> str:
        message = Message(str(next(self._ids)), body.chat, [self._version(body)])
        self.messages.append(message)
        return message.id

    def _size(self, body: Body) -> int:
        if body.ref not in self.files:
            raise _Refused(Refusal(404, "there is no such file"))
        return len(self.files[body.ref].content)

    def _send_file(self, body: Body, content: bytes) -> str:
        shown = body.model_copy(update={"text": f"[{body.name}]", "final": True})
        file = SentFile(body.name, content, body.kind, body.mime)
        message = Message(str(next(self._ids)), body.chat, [self._version(shown)], file=file)
        self.messages.append(message)
        return message.id

    def _edit(self, body: Body) -> None:
        message = self._found(body)
        version = self._version(body)
        if _looks(message.now) == _looks(version):
            message.history.append(version)  # only `final` is news, and only to a test
            raise _Refused(Refusal(400, "not_modified"))
        message.history.append(version)

    def _version(self, body: Body) -> Version:
        if not body.text.strip() or len(body.text) > self.max_text:
            raise _Refused(Refusal(400, f"a text has 1 to {self.max_text} letters"))
        buttons = tuple(body.buttons)
        return Version(body.text, body.final, body.plain, buttons, time.monotonic())

    def _found(self, body: Body) -> Message:
        for message in self.messages:
            if message.id == body.message and not message.retracted:
                return message
        raise _Refused(Refusal(404, "there is no such message"))


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.error)
        self.refusal = refusal


def _stands(obstacle: Obstacle, verb: Verb, when: When, body: Body) -> bool:
    here = obstacle.verb is verb and obstacle.when is when and obstacle.times != 0
    return here and obstacle.matches(body)


def _refused(request: web.Request, refusal: Refusal) -> web.Response:
    if not refusal.status:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)
    body = {"error": refusal.error, "retry_after": refusal.retry_after}
    return web.json_response(body, status=refusal.status)


def _offer(update: Update) -> dict[str, object]:
    update.offered += 1
    if update.offers is not None:
        update.offers -= 1
    return {
        "id": update.id,
        "event": update.event,
        "chat": update.chat,
        "kind": update.kind.value,
        "user": update.user,
        "language": update.language,
        "text": update.text,
        "at": update.at,
        "files": [_told(ref, file) for ref, file in update.files],
    }


def _told(ref: str, file: SentFile) -> dict[str, object]:
    told = {"ref": ref, "name": file.name, "kind": file.kind, "mime": file.mime}
    return {**told, "size": len(file.content)}


async def _body(request: web.Request) -> Body:
    """What a call says: in its JSON, or where its body is a file, in its query."""
    if request.content_type == "application/json":
        return Body.model_validate_json(await request.read())
    return Body.model_validate(dict(request.query))


def _looks(version: Version) -> tuple[object, ...]:
    return version.text, version.buttons
