"""The calls of Coze's OpenAPI that the bridge makes, one method each.

Every method raises `bridge.errors` with Coze's code and log id, translated by `codes`.
"""

import contextlib
import copy
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Literal, Self
from urllib.parse import quote

from bridge.clean import clean
from bridge.coze import wire
from bridge.coze.arriving import Stream
from bridge.coze.auth import Credentials
from bridge.coze.codes import NOT_CANCELLABLE, error_for
from bridge.coze.envelope import Success
from bridge.coze.form import Form
from bridge.coze.transport import ClientSettings, Request, Transport
from bridge.coze.wire import Chat, Conversation, Message, Workflow
from bridge.errors import BridgeError, Gone, Permanent, Unauthorised, Unreachable
from bridge.upstream import Profile, Question, Rating, ToolOutput, Upload, Variable

API_CHANNEL = "1024"
"""The connector id of the API channel, in lists of conversations."""

MOST_MESSAGES = 50
"""The longest page of conversation/message/list."""


class CozeClient:
    """Coze over HTTP, as one identity. Close it, or use it as a context manager.

    base_url: such as `https://api.coze.cn`. Raises `Misconfigured` if it cannot be one.
    """

    def __init__(
        self, base_url: str, credentials: Credentials, settings: ClientSettings | None = None
    ) -> None:
        self._http = Transport(base_url, credentials, settings or ClientSettings())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    def of(self, uid: str) -> "CozeClient":
        """Return a view that calls on behalf of one person. Not to be closed itself."""
        http = self._http.of(uid)
        if http is self._http:
            return self
        view = copy.copy(self)
        view._http = http
        return view

    @asynccontextmanager
    async def chat(self, question: Question, bot_id: str) -> AsyncIterator[Stream]:
        """Ask, and hold the stream; its connection is released whichever way it is left."""
        # The conversation goes into the query; in the body Coze ignores it.
        request = _post(
            "/v3/chat",
            wire.chat_body(question, bot_id),
            conversation_id=question.conversation_id or None,
        )
        stream = await self._http.stream(request)
        try:
            yield stream
        finally:
            await stream.aclose()

    @asynccontextmanager
    async def chatflow(
        self, question: Question, workflow_id: str, owner: Mapping[str, str]
    ) -> AsyncIterator[Stream]:
        """Ask a chatflow, like `chat`. owner: as of `variables`."""
        body = wire.chatflow_body(question, workflow_id, owner)
        stream = await self._http.stream(_post("/v1/workflows/chat", body))
        try:
            yield stream
        finally:
            await stream.aclose()

    @asynccontextmanager
    async def submit(
        self, conversation_id: str, chat_id: str, outputs: Sequence[ToolOutput]
    ) -> AsyncIterator[Stream]:
        """Hand in the outputs of every pending call at once, and hold the stream that goes on."""
        request = _post(
            "/v3/chat/submit_tool_outputs",
            wire.outputs_body(outputs),
            conversation_id=conversation_id,
            chat_id=chat_id,
        )
        stream = await self._http.stream(request)
        try:
            yield stream
        finally:
            await stream.aclose()

    async def retrieve(self, conversation_id: str, chat_id: str) -> Chat:
        """Read how far a chat is. Coze asks for one call a second at most."""
        request = _get("/v3/chat/retrieve", conversation_id=conversation_id, chat_id=chat_id)
        reply = await self._http.call(request)
        return wire.chat(reply.data, reply.logid)

    async def messages(self, conversation_id: str, chat_id: str) -> list[Message]:
        """List what a chat said, intermediates included, the question not, in any order."""
        request = _get("/v3/chat/message/list", conversation_id=conversation_id, chat_id=chat_id)
        return _messages(await self._http.call(request))

    async def cancel(self, conversation_id: str, chat_id: str) -> None:
        """Stop a chat; one that has ended already is no error. Does not end its stream."""
        body = {"conversation_id": conversation_id, "chat_id": chat_id}
        try:
            await self._http.call(_post("/v3/chat/cancel", body))
        except Permanent as error:
            if error.code not in NOT_CANCELLABLE:
                raise

    async def create_conversation(self, bot_id: str, name: str = "") -> Conversation:
        """Create an empty conversation. Coze names it after the first question if we do not."""
        body: dict[str, object] = {"bot_id": bot_id}
        if name:
            body["name"] = clean(name)[: wire.MAX_NAME]
        # A repetition may leave an empty conversation behind, which nobody notices.
        return _made(await self._http.call(_post("/v1/conversation/create", body)))

    async def create_chatflow_conversation(
        self, workflow_id: str, owner: Mapping[str, str], name: str
    ) -> Conversation:
        """Create an empty conversation that belongs to an app.

        By these fields Coze's own web widget does it: the documents name them only in the order
        of the body's fields, and describe a conversation without any owner. Refused, it is
        made as documented. name: no other conversation of the app may have it.
        """
        body = {
            **owner,
            "workflow_id": workflow_id,
            "conversation_name": name,
            "get_or_create": True,
        }
        try:
            reply = await self._http.call(_post("/v1/conversation/create", body), again=False)
        except Unauthorised:
            raise
        except BridgeError:
            plain = {"connector_id": owner["connector_id"]}
            reply = await self._http.call(_post("/v1/conversation/create", plain))
        return _made(reply)

    async def conversations(
        self, bot_id: str, *, page: int = 1, size: int = 20
    ) -> tuple[list[Conversation], bool]:
        """List conversations of this identity, newest first; True if there are more."""
        request = _get(
            "/v1/conversations",
            bot_id=bot_id,
            page_num=page,
            page_size=size,
            sort_order="DESC",
            connector_id=API_CHANNEL,
        )
        data = (await self._http.call(request)).data
        found = [wire.conversation(item) for item in wire.children(data, "conversations")]
        return found, data.get("has_more") is True

    async def conversation(self, conversation_id: str) -> Conversation:
        """Read one conversation. Raises `Gone` if there is none, or it is somebody else's."""
        request = _get("/v1/conversation/retrieve", conversation_id=conversation_id)
        return wire.conversation((await self._http.call(request)).data)

    async def rename(self, conversation_id: str, name: str) -> None:
        """Name a conversation; at most 100 characters are kept."""
        body = {"name": clean(name)[: wire.MAX_NAME]}
        await self._http.call(Request("PUT", _path(conversation_id), {}, body))

    async def clear(self, conversation_id: str) -> None:
        """Cut the context; the messages stay listable."""
        # Cutting twice in one place is cutting once.
        await self._http.call(_post(f"{_path(conversation_id)}/clear", {}))

    async def delete(self, conversation_id: str) -> None:
        """Delete a conversation; one that does not exist is no error."""
        with contextlib.suppress(Gone):  # also what a repetition after a lost answer hears
            await self._http.call(Request("DELETE", _path(conversation_id), {}))

    async def history(
        self,
        conversation_id: str,
        *,
        limit: int = MOST_MESSAGES,
        order: Literal["asc", "desc"] = "desc",
        chat_id: str = "",
    ) -> list[Message]:
        """List questions and answers of a conversation, without intermediates."""
        body: dict[str, object] = {"order": order, "limit": limit}
        if chat_id:
            body["chat_id"] = chat_id
        request = _post("/v1/conversation/message/list", body, conversation_id=conversation_id)
        return _messages(await self._http.call(request))

    async def rate(
        self, conversation_id: str, message_id: str, rating: Rating, comment: str = ""
    ) -> None:
        """Say what somebody thinks of an answer; at most 250 characters of why are kept."""
        body: dict[str, object] = {"feedback_type": rating.value}
        if comment := clean(comment).strip():
            body["comment"] = comment[: wire.MAX_COMMENT]
        # Saying it twice is saying it once: the last one counts.
        await self._http.call(_post(_feedback(conversation_id, message_id), body))

    async def unrate(self, conversation_id: str, message_id: str) -> None:
        """Withdraw what was said of an answer; nothing said is no error."""
        path = _feedback(conversation_id, message_id)
        await self._http.call(Request("DELETE", path, {}))

    async def upload(self, file: Upload) -> str:
        """Store a file, of at most 512 MB, and return its id. Only this identity may use it."""
        reply = await self._send("/v1/files/upload", file, wire.MAX_FILE)
        file_id = wire.word(reply.data, "id")
        if not file_id:
            raise Unreachable("stored a file without an id", logid=reply.logid, happened=True)
        return file_id

    async def _send(self, path: str, file: Upload, limit: int) -> Success:
        """Send a file. Raises `Rejected`, before it is read, for one that Coze would refuse."""
        if file.size is not None and not 0 < file.size <= limit:
            raise error_for(4302 if file.size else 4300, f"{file.size} of {limit} bytes", None)
        return await self._http.send_file(Request("POST", path, {}), Form(file))

    async def transcribe(self, file: Upload) -> str:
        """Write down what is said in a recording; empty where nothing is."""
        reply = await self._send("/v1/audio/transcriptions", file, wire.MAX_RECORDING)
        return clean(wire.word(wire.child(reply.envelope, "data"), "text")).strip()

    @asynccontextmanager
    async def speak(self, text: str, voice_id: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Read a text aloud, as a file of Ogg Opus in pieces."""
        body = {"input": clean(text), "voice_id": voice_id, "response_format": "ogg_opus"}
        sound = await self._http.sound(_post("/v1/audio/speech", body))
        try:
            async with contextlib.aclosing(sound.pieces()) as pieces:
                yield pieces
        finally:
            await sound.aclose()

    async def variables(self, owner: Mapping[str, str], uid: str) -> list[Variable]:
        """Read a user's variables. owner: `bot_id` or `app_id`, and the `connector_id`."""
        request = _get("/v1/variables", **owner, connector_uid=uid)
        data = (await self._http.call(request)).data
        return [wire.variable(item) for item in wire.children(data, "items")]

    async def set_variables(
        self, owner: Mapping[str, str], uid: str, values: Mapping[str, str]
    ) -> None:
        """Set variables; a name Coze does not know refuses all of them."""
        pairs = [{"keyword": name, "value": clean(value)} for name, value in values.items()]
        body = {**owner, "connector_uid": uid, "data": pairs}
        # Setting twice is setting once.
        await self._http.call(Request("PUT", "/v1/variables", {}, body))

    async def bot(self, bot_id: str) -> Profile:
        """Read how the published agent introduces itself."""
        request = _get(f"/v1/bots/{quote(bot_id, safe='')}", is_published="true")
        return wire.profile((await self._http.call(request)).data)

    async def workflow(self, workflow_id: str) -> Workflow:
        """Read what a workflow is called, and which app it belongs to."""
        request = _get(f"/v1/workflows/{quote(workflow_id, safe='')}")
        return wire.workflow((await self._http.call(request)).data)


def _get(path: str, **query: str | int | None) -> Request:
    return Request("GET", path, query)


def _post(path: str, body: Mapping[str, object], **query: str | None) -> Request:
    return Request("POST", path, query, body)


def _path(conversation_id: str) -> str:
    return f"/v1/conversations/{quote(conversation_id, safe='')}"


def _feedback(conversation_id: str, message_id: str) -> str:
    return f"{_path(conversation_id)}/messages/{quote(message_id, safe='')}/feedback"


def _made(reply: Success) -> Conversation:
    made = wire.conversation(reply.data)
    if not made.id:
        raise Unreachable("created a conversation without an id", logid=reply.logid, happened=True)
    return made


def _messages(reply: Success) -> list[Message]:
    return [wire.message(item) for item in wire.children(reply.envelope, "data")]
