"""What the emulator remembers: conversations, messages, chats. Plain data and lookups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bridge.emulator.answer import Memory, Result
from bridge.emulator.scenario import Scenario, Trouble


class Refused(Exception):
    """The request gets a JSON error. Every lookup raises it with Coze's code."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(f"{trouble.code}: {trouble.msg}")
        self.trouble = trouble


def refused(code: int, msg: str, status: int = 200) -> Refused:
    """Build the error to raise."""
    return Refused(Trouble(code, msg, status))


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose token it was. Nothing is shared between two identities.

    session: `session_name` of an OAuth JWT token, empty for a personal token.
    """

    account: str
    session: str = ""


class Status(StrEnum):
    """States of a chat, as spelled by the cloud."""

    CREATED = "created"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    REQUIRES_ACTION = "requires_action"
    CANCELED = "canceled"

    @property
    def running(self) -> bool:
        """Whether another chat in the conversation is refused with 4016."""
        return self in (Status.CREATED, Status.IN_PROGRESS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message, in a conversation or only in a chat. Times in seconds since 1970."""

    id: str
    conversation_id: str
    section_id: str
    chat_id: str
    bot_id: str
    role: str
    type: str
    content: str
    content_type: str = "text"
    reasoning: str = ""
    meta_data: Mapping[str, str] = field(default_factory=dict)
    created_at: int = 0
    updated_at: int = 0


@dataclass(frozen=True, slots=True)
class Opinion:
    """One call about an answer, in the order they came. feedback: None for taking it back."""

    conversation_id: str
    message_id: str
    feedback: "Feedback | None"


@dataclass(frozen=True, slots=True)
class Feedback:
    """A like or unlike; the last one wins."""

    feedback_type: str
    reason_types: tuple[str, ...] = ()
    comment: str = ""


@dataclass(slots=True)
class Conversation:
    """A conversation. Its context is its current section; older messages stay listable."""

    id: str
    owner: Identity
    bot_id: str
    connector_id: str
    name: str
    meta_data: Mapping[str, str]
    created_at: int
    updated_at: int
    section_id: str
    messages: list[Message] = field(default_factory=list)
    feedback: dict[str, Feedback] = field(default_factory=dict)
    running: str = ""
    newest: str = ""
    app_id: str = ""

    def message(self, message_id: str) -> Message:
        """Find a message. Raises `Refused` 4005."""
        for message in self.messages:
            if message.id == message_id:
                return message
        raise refused(4005, f"The message {message_id} does not exist")

    def replace(self, message: Message) -> None:
        """Put a changed message where the old one was."""
        place = self.messages.index(self.message(message.id))
        self.messages[place] = message

    def remove(self, message: Message) -> None:
        """Delete a message and what was said about it."""
        self.messages.remove(message)
        self.feedback.pop(message.id, None)


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call a chat waits for. `function` is False for a question to the user."""

    id: str
    name: str = ""
    arguments: str = ""
    function: bool = True


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of a chat, as the emulator counts: one per word."""

    input_count: int = 0
    output_count: int = 0

    @property
    def token_count(self) -> int:
        """Both together."""
        return self.input_count + self.output_count


@dataclass(slots=True, kw_only=True)
class Chat:
    """One turn. Times ending in `_at` are seconds since 1970, `_mono` of CLOCK_MONOTONIC.

    kept: auto_save_history; without it nothing can be retrieved later.
    cards: question nodes say cards. files: kinds and ids, or addresses.
    extra: `extra_params`, or `ext` of a chatflow. memory: what the agent was told.
    results: of its tools so far, in so many steps. question: what it asks back.
    deltas: how many deltas with text were sent.
    """

    id: str
    conversation_id: str
    section_id: str
    bot_id: str
    owner: Identity
    user_id: str
    text: str
    scenario: Scenario
    meta_data: Mapping[str, str]
    message_meta_data: Mapping[str, str]
    asked_at: float
    kept: bool = True
    workflow: bool = False
    files: tuple[tuple[str, str], ...] = ()
    cards: bool = True
    extra: Mapping[str, str] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    results: tuple[Result, ...] = ()
    steps: int = 0
    question: str = ""
    status: Status = Status.CREATED
    completed_at: int = 0
    failed_at: int = 0
    error: Trouble | None = None
    usage: Usage = Usage()
    calls: tuple[Call, ...] = ()
    messages: list[Message] = field(default_factory=list)
    deltas: int = 0
    first_delta_at: float | None = None
    first_delta_mono: float | None = None
    finished_at: float | None = None
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A question the emulator accepted, as tests and benchmarks see it.

    at, first_delta_wall, finished_at: seconds since 1970. first_delta_at: CLOCK_MONOTONIC,
    comparable between processes of one machine; None until there was one.
    files: kinds and ids of what came with it. extra: `extra_params`, or `ext` of a chatflow.
    outputs: of the tools it wanted called, by their names, oldest first.
    """

    text: str
    user_id: str
    conversation_id: str
    chat_id: str
    meta_data: Mapping[str, str]
    message_meta_data: Mapping[str, str]
    at: float
    status: str
    scenario: str
    deltas: int
    first_delta_at: float | None
    first_delta_wall: float | None
    finished_at: float | None
    cancelled: bool
    files: tuple[tuple[str, str], ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)
    outputs: tuple[tuple[str, str], ...] = ()


def asked(chat: Chat) -> Asked:
    """Take a snapshot of a chat."""
    return Asked(
        text=chat.text,
        user_id=chat.user_id,
        conversation_id=chat.conversation_id,
        chat_id=chat.id,
        meta_data=chat.meta_data,
        message_meta_data=chat.message_meta_data,
        at=chat.asked_at,
        status=chat.status.value,
        scenario=chat.scenario.name,
        deltas=chat.deltas,
        first_delta_at=chat.first_delta_mono,
        first_delta_wall=chat.first_delta_at,
        finished_at=chat.finished_at,
        cancelled=chat.cancelled,
        files=chat.files,
        extra=chat.extra,
        outputs=tuple((each.call.name, each.output) for each in chat.results),
    )


@dataclass(frozen=True, slots=True)
class RefusedQuestion:
    """A question that was answered with an error instead of a chat."""

    text: str
    user_id: str
    conversation_id: str
    code: int
    at: float


class Archive:
    """All conversations and chats."""

    def __init__(self) -> None:
        self.conversations: dict[str, Conversation] = {}
        self.chats: dict[str, Chat] = {}

    def conversation(self, conversation_id: str, owner: Identity) -> Conversation:
        """Find a conversation. Raises `Refused` 4002 for one that is not the owner's."""
        found = self.conversations.get(conversation_id)
        if found is None or found.owner != owner:
            raise refused(4002, f"The conversation {conversation_id} does not exist")
        return found

    def chat(self, conversation_id: str, chat_id: str, owner: Identity) -> Chat:
        """Find a chat whose history is kept. Raises `Refused` 4002, 4001."""
        self.conversation(conversation_id, owner)
        found = self.chats.get(chat_id)
        if found is None or found.conversation_id != conversation_id or not found.kept:
            raise refused(4001, f"The chat {chat_id} does not exist")
        return found

    def said(self, conversation: Conversation) -> tuple[str, ...]:
        """Return what the user said in the current section, cancelled turns left out."""
        return tuple(
            message.content
            for message in conversation.messages
            if message.role == "user"
            and message.section_id == conversation.section_id
            and not self._lost(message.chat_id)
        )

    def _lost(self, chat_id: str) -> bool:
        chat = self.chats.get(chat_id)
        return chat is not None and chat.status in (Status.CANCELED, Status.FAILED)


def newest_first(messages: Sequence[Message]) -> list[Message]:
    """Sort for `order=desc`; ids grow with time."""
    return sorted(messages, key=lambda message: message.id, reverse=True)
