"""Coze's JSON and our values: pure, and lenient in one direction.

What Coze sends is read without trust: any field may be missing, null or of another type (a
timestamp as text, an id as a number), and two serialisers are in use. A field that cannot be
read is as good as absent; nothing here raises for one.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeAlias

from bridge.clean import clean
from bridge.events import Place
from bridge.upstream import (
    Field,
    Profile,
    Question,
    Shortcut,
    ToolCall,
    ToolOutput,
    Usage,
    Variable,
)

Json: TypeAlias = Mapping[str, object]

MARK = "bridge_turn"
"""The `meta_data` key that carries our own id of a turn, on the chat and on its question."""

_LATEST = 2**32  # seconds since 1970, in 2106
_LARGEST = 2**63 - 1  # what a database's integer holds

MAX_NAME = 100
"""Characters in the name of a conversation (conversation/create)."""

MAX_FILE = 512 * 1024 * 1024
"""Bytes of an uploaded file (files/upload)."""

MAX_RECORDING = 10 * 1024 * 1024
"""Bytes of a recording that is to be written down (audio/transcriptions)."""

MAX_COMMENT = 250
"""Characters of why somebody likes an answer, or does not (feedback)."""


class Status(StrEnum):
    """How far a chat is."""

    CREATED = "created"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    REQUIRES_ACTION = "requires_action"
    UNKNOWN = ""

    @property
    def is_over(self) -> bool:
        """Tell whether the chat will say nothing more by itself."""
        return self not in (Status.CREATED, Status.IN_PROGRESS, Status.UNKNOWN)


_SPELLINGS = {status.value: status for status in Status} | {
    # coze-studio's spellings, and a typo of the official documents
    "cancelled": Status.CANCELED,
    "required_action": Status.REQUIRES_ACTION,
    "compleated": Status.COMPLETED,
}


@dataclass(frozen=True, slots=True)
class Chat:
    """One run of the agent. `calls` means something only if the status is REQUIRES_ACTION."""

    id: str
    conversation_id: str
    status: Status
    error_code: int | None
    error_msg: str
    usage: Usage | None
    calls: tuple[ToolCall, ...]
    logid: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it came; `content` may end in half a character (see `bridge.clean`)."""

    id: str
    conversation_id: str
    chat_id: str
    role: str
    type: str
    content: str
    content_type: str
    reasoning: str
    mark: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation; `section_id` changes when its context is cleared."""

    id: str
    name: str
    section_id: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Workflow:
    """What is public about a workflow. app_id: empty where it stands in a library of its own."""

    name: str
    app_id: str
    version: str


def parse(text: str | bytes) -> Json:
    """Decode a JSON object; anything else is the empty object."""
    value = decode(text)
    return value if isinstance(value, dict) else {}


def decode(text: str | bytes) -> object:
    """Decode JSON; None for what is none, however strange."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):  # too many digits is a ValueError, too deep the other
        return None
    return value


def word(source: Json, key: str) -> str:
    """Read a text or an id."""
    value = source.get(key)
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def number(source: Json, key: str) -> int | None:
    """Read an integer, also from text; one that no database could hold is none."""
    value = source.get(key)
    if isinstance(value, str) and value.removeprefix("-").isdecimal() and len(value) <= 20:
        value = int(value)
    if isinstance(value, int) and abs(value) <= _LARGEST:
        return int(value)
    return None


def child(source: Json, key: str) -> Json:
    """Read an object."""
    value = source.get(key)
    return value if isinstance(value, dict) else {}


def children(source: Json, key: str) -> Iterator[Json]:
    """Read the objects of a list."""
    value = source.get(key)
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def status(name: str) -> Status:
    """Read a status, or the last word of a `conversation.chat.*` event."""
    return _SPELLINGS.get(name, Status.UNKNOWN)


def chat(source: Json, logid: str | None = None) -> Chat:
    """Read a Chat object that came in the response with this log id.

    A failure may also stand in the place of the chat, as `{"code", "msg"}` (a sample of the
    documents).
    """
    error = child(source, "last_error")
    at_top = source if not error and "code" in source else error
    return Chat(
        id=word(source, "id"),
        conversation_id=word(source, "conversation_id"),
        status=status(word(source, "status")),
        error_code=number(at_top, "code") or None,
        error_msg=clean(reason(at_top)),
        usage=usage(child(source, "usage")),
        calls=tuple(_calls(child(source, "required_action"))),
        logid=logid,
    )


def reason(source: Json) -> str:
    """Read the words of an error; relays spell `msg` as `message`."""
    return word(source, "msg") or word(source, "message")


def usage(source: Json) -> Usage | None:
    """Read token counts; None while they are absent or all zero."""
    read, written = number(source, "input_count") or 0, number(source, "output_count") or 0
    return Usage(read, written) if read or written else None


def _calls(action: Json) -> Iterator[ToolCall]:
    """Read what a chat wants our tools to do; nothing where it waits for the user's reply.

    A question node of a chatflow asks as a call of type `reply_message` without a function.
    """
    for call in children(child(action, "submit_tool_outputs"), "tool_calls"):
        if word(call, "type") != "reply_message":
            function = child(call, "function")
            # A model makes them up, and they are stored.
            name, arguments = (clean(word(function, key)) for key in ("name", "arguments"))
            yield ToolCall(clean(word(call, "id")), name, arguments)


def message(source: Json) -> Message:
    """Read a Message object."""
    return Message(
        id=word(source, "id"),
        conversation_id=word(source, "conversation_id"),
        chat_id=word(source, "chat_id"),
        role=word(source, "role"),
        type=word(source, "type"),
        content=word(source, "content"),
        content_type=word(source, "content_type"),
        reasoning=word(source, "reasoning_content"),
        mark=word(child(source, "meta_data"), MARK),
        created_at=number(source, "created_at") or 0,
    )


def ends_visible_text(verbose: Message) -> bool:
    """Recognise the note that all answers are complete.

    Its data is empty or `{"finish_reason": 0}`; 1 means interrupted, and more will follow.
    """
    if "generate_answer_finish" not in verbose.content:
        return False
    note = parse(verbose.content)
    if word(note, "msg_type") != "generate_answer_finish":
        return False
    data = child(note, "data") or parse(word(note, "data"))
    return not number(data, "finish_reason")


def conversation(source: Json) -> Conversation:
    """Read a conversation."""
    return Conversation(
        id=word(source, "id"),
        name=clean(word(source, "name")),
        section_id=word(source, "last_section_id"),
        created_at=number(source, "created_at") or 0,
    )


def profile(source: Json) -> Profile:
    """Read how a bot introduces itself; questions are absent where they are switched off."""
    greeting = child(source, "onboarding_info")
    questions = greeting.get("suggested_questions")
    texts = questions if isinstance(questions, list) else []
    return Profile(
        name=clean(word(source, "name")),
        prologue=clean(word(greeting, "prologue")),
        questions=tuple(clean(text) for text in texts if isinstance(text, str) and text.strip()),
        version=word(source, "version") or word(source, "update_time"),
        shortcuts=tuple(
            found for item in children(source, "shortcut_commands") for found in _shortcut(item)
        ),
    )


def _shortcut(source: Json) -> Iterator[Shortcut]:
    """Read a shortcut command; one that nobody could type is left out."""
    command = clean(word(source, "command")).strip().removeprefix("/")
    if command and len(command.split()) == 1:
        yield Shortcut(
            word=command,
            description=clean(word(source, "description") or word(source, "name")).strip(),
            template=clean(word(source, "query_template")),
            fields=tuple(_field(item) for item in children(source, "components")),
        )


def _field(source: Json) -> Field:
    """Read a component. A file cannot be typed, so its default must do."""
    kind, options = word(source, "type"), source.get("options")
    choices = options if kind == "select" and isinstance(options, list) else []
    return Field(
        name=word(source, "name"),
        default=clean(word(source, "default_value")),
        options=tuple(clean(each) for each in choices if isinstance(each, str)),
        is_asked=source.get("is_hide") is not True and kind != "file",
    )


def workflow(source: Json) -> Workflow:
    """Read a workflow. It has no version here, but the time of its last change."""
    detail = child(source, "workflow_detail")
    app_id = word(detail, "app_id")
    return Workflow(
        name=clean(word(detail, "workflow_name")),
        app_id="" if app_id == "0" else app_id,
        version=word(detail, "updated_at"),
    )


def variable(source: Json) -> Variable:
    """Read a user variable; one that has only its default was never set."""
    at = number(source, "update_time")
    return Variable(
        keyword=clean(word(source, "keyword")),
        value=clean(word(source, "value")),
        set_at=datetime.fromtimestamp(at, UTC) if at and 0 < at < _LATEST else None,
    )


def chat_body(question: Question, bot_id: str) -> dict[str, object]:
    """Write the body of `POST /v3/chat`; the conversation goes into the query instead."""
    fed = {
        "custom_variables": question.custom_variables,
        "parameters": question.parameters,
        "extra_params": _position(question.place),
    }
    return {
        **{name: dict(values) for name, values in fed.items() if values},
        "bot_id": bot_id,
        "user_id": question.uid,
        "stream": True,
        "auto_save_history": True,
        "enable_card": True,  # what a question node offers comes in cards only
        "additional_messages": [_entered(question)],
        "meta_data": {MARK: question.mark},
    }


def chatflow_body(
    question: Question, workflow_id: str, owner: Mapping[str, str]
) -> dict[str, object]:
    """Write the body of `POST /v1/workflows/chat`, where the conversation belongs into it.

    It always streams and always keeps the history. `custom_variables` there are none.
    """
    return {
        **owner,
        "workflow_id": workflow_id,
        "conversation_id": question.conversation_id,
        "parameters": dict(question.parameters),
        "ext": {"user_id": question.uid, **_position(question.place)},
        "additional_messages": [_entered(question)],
    }


def outputs_body(outputs: Sequence[ToolOutput]) -> dict[str, object]:
    """Write the body of `POST /v3/chat/submit_tool_outputs`."""
    pairs = [{"tool_call_id": each.call_id, "output": clean(each.output)} for each in outputs]
    return {"tool_outputs": pairs, "stream": True}


def _entered(question: Question) -> dict[str, object]:
    return {
        "role": "user",
        "type": "question",
        "content": _items(question) if question.parts else clean(question.text),
        "content_type": "object_string" if question.parts else "text",
        "meta_data": {MARK: question.mark},
    }


def _items(question: Question) -> str:
    """Write text and files as Coze wants them, a list in a string. An empty text is no item."""
    text = clean(question.text)
    items = [{"type": "text", "text": text}] if text.strip() else []
    items += [{"type": part.kind.value, "file_id": part.file_id} for part in question.parts]
    return json.dumps(items, ensure_ascii=False)


def _position(place: Place | None) -> dict[str, str]:
    """Write a position, in degrees with six digits: a tenth of a metre."""
    if place is None:
        return {}
    return {"latitude": f"{place.latitude:.6f}", "longitude": f"{place.longitude:.6f}"}
