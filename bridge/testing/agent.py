"""An agent in memory, scripted answer by answer: `bridge.upstream.Agent`.

For what the emulator over HTTP is too blunt for: an error at one exact step, on virtual time.
It keeps what Coze keeps: conversations, their questions with marks, and how each answer went.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Self

from bridge.clean import clean
from bridge.errors import BridgeError, Gone, Occupied, Permanent, Unauthorised, Unreachable
from bridge.testing.play import NORMAL, SPENT, Chat, Play
from bridge.upstream import (
    AnswerEvent,
    Cancelled,
    ConversationLost,
    Delta,
    Lull,
    Outcome,
    Over,
    Profile,
    Question,
    Rating,
    Running,
    Started,
    ToolOutput,
    Trace,
    Upload,
    Variable,
)

__all__ = ["NORMAL", "SPEECH", "SPENT", "Chat", "Play", "ScriptedAgent", "Stored"]

SPEECH = b"OggS spoken"
"""What `speak` gives; nothing that could be played."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An upload, as it arrived."""

    name: str
    content: bytes
    mime: str = ""
    size: int | None = None


@dataclass(slots=True)
class ScriptedAgent:
    """plays: for the next questions, in order; then `otherwise`.

    errors: the next errors of each other method, by its name (`begin`, `find`, …). Of
        `submit`, `upload`, `transcribe` and `speak` too: then nothing was handed in or read.
    """

    plays: deque[Play] = field(default_factory=deque)
    otherwise: Play = NORMAL
    errors: dict[str, list[BridgeError]] = field(default_factory=dict)
    prologue: Profile | None = field(default_factory=Profile)  # None: nobody may read it
    conversations: list[str] = field(default_factory=list)
    chats: list[Chat] = field(default_factory=list)
    attempts: list[Question] = field(default_factory=list)
    cancelled: list[Trace] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # of conversations
    submitted: list[tuple[Trace, tuple[ToolOutput, ...]]] = field(default_factory=list)
    rated: list[tuple[str, str, Rating | None, str]] = field(default_factory=list)
    files: dict[str, Stored] = field(default_factory=dict)  # by the id they were given
    transcripts: deque[str] = field(default_factory=deque)  # of the next recordings
    recordings: list[Stored] = field(default_factory=list)
    spoken: list[tuple[str, str]] = field(default_factory=list)  # texts and voices
    speech: bytes = SPEECH
    uids: list[str] = field(default_factory=list)
    streams: int = 0  # open now
    most_streams: int = 0  # and at the same time, ever
    looked: list[str] = field(default_factory=list)  # marks that were searched for
    remembered: dict[str, dict[str, Variable]] = field(default_factory=dict)  # by uid
    told: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    defaults: dict[str, str] = field(default_factory=dict)  # of what nobody has set yet
    unknown: set[str] = field(default_factory=set)  # keywords it has not
    unwelcome: set[str] = field(default_factory=set)  # values it does not take
    remembers: bool = True
    slow: float = 0.0  # seconds that telling it something takes
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _ids: Iterator[int] = field(default_factory=lambda: count(1))

    # What a test says and sees

    @property
    def asked(self) -> list[str]:
        """The questions that arrived, in order."""
        return [chat.question.text for chat in self.chats]

    def play(self, *plays: Play) -> None:
        """Answer the next questions like this."""
        self.plays.extend(plays)

    def fail(self, method: str, *errors: BridgeError) -> None:
        """Let the next calls of a method raise, one error each."""
        self.errors.setdefault(method, []).extend(errors)

    def forget(self, conversation_id: str) -> None:
        """Lose a conversation, as Coze does after 180 days or when somebody deletes it."""
        self.conversations.remove(conversation_id)
        self.chats = [c for c in self.chats if c.trace.conversation_id != conversation_id]

    # What the bridge sees

    def of(self, uid: str) -> Self:
        """Return itself; `uids` remembers for whom it was called."""
        self.uids.append(uid)
        return self

    async def begin(self, name: str = "") -> str:
        """Create a conversation."""
        self._may("begin")
        made = f"c{next(self._ids)}"
        self.conversations.append(made)
        if name:
            self.names[made] = name
        return made

    @asynccontextmanager
    async def ask(self, question: Question) -> AsyncIterator[AsyncIterator[AnswerEvent]]:
        """Play the next answer."""
        self.attempts.append(question)
        self._know(question.conversation_id)
        chat = self._begin_chat(question)
        async with self._streaming(chat) as events:
            yield events

    @asynccontextmanager
    async def submit(
        self, trace: Trace, outputs: Sequence[ToolOutput], lull: Lull | None = None
    ) -> AsyncIterator[AsyncIterator[AnswerEvent]]:
        """Go on with an answer. What it does not wait for (any more) counts as handed in."""
        self._may("submit")
        chat = self._chat(trace)
        waits = self._is_over(chat) and not chat.cancelled
        if not waits or chat.pending != {each.call_id for each in outputs}:
            raise Unreachable("the outputs were there already", happened=True)
        play = chat.play.then
        if play is not None and play.refuse is not None:
            chat.play = replace(chat.play, then=replace(play, refuse=None))
            raise play.refuse
        self.submitted.append((trace, tuple(outputs)))
        chat.hand_in(outputs, play)
        self._time(chat)
        async with self._streaming(chat) as events:
            yield events

    async def find(self, conversation_id: str, mark: str) -> Trace | None:
        """Look through the conversation's questions, newest first."""
        self._may("find")
        self._know(conversation_id)
        self.looked.append(mark)
        for chat in reversed(self.chats):
            if chat.question.mark == mark and chat.trace.conversation_id == conversation_id:
                return chat.trace
        return None

    async def outcome(self, trace: Trace) -> Outcome:
        """Tell how an answer went."""
        self._may("outcome")
        chat = self._chat(trace)
        if chat.cancelled:
            return Over((Cancelled(),))
        return Over(chat.whole()) if self._is_over(chat) else Running()

    async def cancel(self, trace: Trace) -> None:
        """Stop an answer. Its stream goes on, as it does at Coze."""
        self._may("cancel")
        self.cancelled.append(trace)
        chat = self._chat(trace)
        if not self._is_over(chat):
            chat.cancelled = True

    async def clear(self, conversation_id: str) -> None:
        """Only recorded."""
        self._may("clear")
        self._know(conversation_id)
        self.cleared.append(conversation_id)

    async def delete(self, conversation_id: str) -> None:
        """Delete a conversation; `deleted` remembers it."""
        self._may("delete")
        self.deleted.append(conversation_id)
        if conversation_id in self.conversations:
            self.forget(conversation_id)

    async def rename(self, conversation_id: str, name: str) -> None:
        """Name a conversation."""
        self._may("rename")
        self._know(conversation_id)
        self.names[conversation_id] = name

    async def rate(
        self, conversation_id: str, message_id: str, rating: Rating | None, reason: str = ""
    ) -> None:
        """Only recorded."""
        self._may("rate")
        self._know(conversation_id)
        self.rated.append((conversation_id, message_id, rating, reason))

    async def upload(self, file: Upload) -> str:
        """Keep a file."""
        self._may("upload")
        file_id = f"f{next(self._ids)}"
        self.files[file_id] = await _stored(file)
        return file_id

    async def transcribe(self, file: Upload) -> str:
        """Return the next of `transcripts`; without one, the recording's name."""
        self._may("transcribe")
        self.recordings.append(await _stored(file))
        return self.transcripts.popleft() if self.transcripts else f"heard {file.name}"

    @asynccontextmanager
    async def speak(self, text: str, voice: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Give `speech`."""
        self._may("speak")
        self.spoken.append((text, voice))
        yield _pieces(self.speech)

    async def variables(self, uid: str) -> list[Variable]:
        """Return what is remembered."""
        self._may("variables")
        unset = {keyword: Variable(keyword, its, None) for keyword, its in self.defaults.items()}
        return list({**unset, **self.remembered.get(uid, {})}.values())

    async def set_variables(self, uid: str, values: Mapping[str, str]) -> None:
        """Remember values; all of them or none."""
        self.told.append((uid, dict(values)))
        await asyncio.sleep(self.slow)
        self._may("set_variables")
        if wrong := self.unknown & set(values):
            raise Permanent(f"no variable {min(wrong)}", code=4000)
        if self.unwelcome & set(values.values()):
            raise Permanent("not a value", code=4000)
        for keyword, value in values.items() if self.remembers else ():
            self.keep(uid, Variable(keyword, clean(value).strip(), self.clock()))

    def keep(self, uid: str, variable: Variable) -> None:
        """Let the agent itself change a variable."""
        self.remembered.setdefault(uid, {})[variable.keyword] = variable

    async def profile(self) -> Profile:
        """Return `prologue`."""
        self._may("profile")
        if self.prologue is None:
            raise Unauthorised("no permission", code=4101)
        return self.prologue

    async def check(self) -> Profile | None:
        """Return `prologue`, or raise the next error, if there is one."""
        self._may("check")
        return self.prologue

    def _begin_chat(self, question: Question) -> Chat:
        here = [c for c in self.chats if c.trace.conversation_id == question.conversation_id]
        if any(not self._is_over(chat) for chat in here):
            raise Occupied("a chat is running", code=4016)
        play = self.plays.popleft() if self.plays else self.otherwise
        if play.refuse is not None:
            raise play.refuse
        trace = Trace(question.conversation_id, f"chat-{len(self.attempts)}")
        chat = Chat(trace, question, play, 0.0)
        self._time(chat)
        self.chats.append(chat)
        return chat

    def _time(self, chat: Chat) -> None:
        seconds = chat.play.pace * len(chat.words) + chat.play.linger
        chat.over_at = asyncio.get_running_loop().time() + seconds

    @asynccontextmanager
    async def _streaming(self, chat: Chat) -> AsyncIterator[AsyncIterator[AnswerEvent]]:
        if chat.play.lost:
            raise Unreachable("no response", happened=True)
        self.streams += 1
        self.most_streams = max(self.most_streams, self.streams)
        try:
            yield self._stream(chat)
        finally:
            self.streams -= 1

    async def _stream(self, chat: Chat) -> AsyncIterator[AnswerEvent]:
        play = chat.play
        if not chat.step:
            yield Started(chat.trace.conversation_id, chat.trace.chat_id)
        if play.bug is not None:
            raise play.bug
        for event in chat.beginning():
            yield event
        for number, word in enumerate(chat.words):
            if number == play.cut_after:
                raise Unreachable("the stream was cut", happened=True)
            await asyncio.sleep(play.pace)
            yield Delta(chat.message_id, word if number == 0 else f" {word}")
        if play.endless:
            await asyncio.Event().wait()
        await asyncio.sleep(play.linger)
        for event in chat.ending():
            yield event

    def _is_over(self, chat: Chat) -> bool:
        if chat.cancelled:
            return True
        return not chat.play.endless and asyncio.get_running_loop().time() >= chat.over_at

    def _chat(self, trace: Trace) -> Chat:
        for chat in self.chats:
            if chat.trace == trace:
                return chat
        raise Gone("no such chat", code=4001)

    def _know(self, conversation_id: str) -> None:
        if conversation_id not in self.conversations:
            raise ConversationLost("no such conversation", code=4002)

    def _may(self, method: str) -> None:
        if waiting := self.errors.get(method):
            raise waiting.pop(0)


async def _stored(file: Upload) -> Stored:
    return Stored(
        file.name, b"".join([piece async for piece in file.content]), file.mime, file.size
    )


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content[:4]
    yield content[4:]
