"""An agent in memory, scripted answer by answer: `bridge.upstream.Agent`.

For what the emulator over HTTP is too blunt for: an error at one exact step, on virtual time.
It keeps what Coze keeps: conversations, their questions with marks, and how each answer went.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Self

from bridge.clean import clean
from bridge.errors import BridgeError, Gone, Occupied, Permanent, Unauthorised, Unreachable
from bridge.upstream import (
    AnswerEvent,
    Cancelled,
    ConversationLost,
    Delta,
    Failed,
    Finished,
    Needs,
    Outcome,
    Over,
    Profile,
    Question,
    Running,
    Said,
    Spoken,
    Started,
    Suggested,
    Trace,
    Usage,
    Variable,
)

SPENT = Usage(3, 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """How one question is answered. Times in seconds.

    text: streamed word by word; None repeats the question. final: what it turns out to be.
    pace: before each word; linger: after the last word, before suggestions and the end.
    needs, fail: how it ends instead of well.

    refuse: raised when asked, and nothing was asked. lost: it was asked, but the connection
    broke before a word came. cut_after: the stream breaks after so many words. bug: raised
    after the first event. The answer itself goes on at the agent in all of these.
    endless: it never ends by itself.
    """

    text: str | None = None
    final: str | None = None
    reasoning: str = ""
    suggestions: tuple[str, ...] = ()
    usage: Usage | None = SPENT
    pace: float = 0.0
    linger: float = 0.0
    needs: Needs | None = None
    fail: BridgeError | None = None
    refuse: BridgeError | None = None
    lost: bool = False
    cut_after: int | None = None
    bug: Exception | None = None
    endless: bool = False


NORMAL = Play()


@dataclass(slots=True)
class Chat:
    """One question at the agent and its answer. over_at: on the loop's clock."""

    trace: Trace
    question: Question
    play: Play
    over_at: float
    cancelled: bool = False

    @property
    def words(self) -> list[str]:
        """What is streamed."""
        return self._text.split(" ")

    @property
    def _text(self) -> str:
        text = self.play.text
        return f"You said: {self.question.text}" if text is None else text

    def ending(self) -> Iterator[AnswerEvent]:
        """Everything after the last word."""
        if self.play.fail is not None:
            yield Failed(self.play.fail)
            return
        final = self._text if self.play.final is None else self.play.final
        yield Said("m1", final, self.play.reasoning)
        yield Spoken()
        yield from (Suggested(text) for text in self.play.suggestions)
        yield self.play.needs or Finished(self.play.usage)


@dataclass(slots=True)
class ScriptedAgent:
    """plays: for the next questions, in order; then `otherwise`.

    errors: the next errors of each other method, by its name (`begin`, `find`, …).
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
        return made

    @asynccontextmanager
    async def ask(self, question: Question) -> AsyncIterator[AsyncIterator[AnswerEvent]]:
        """Play the next answer."""
        self.attempts.append(question)
        self._know(question.conversation_id)
        chat = self._begin_chat(question)
        if chat.play.lost:
            raise Unreachable("no response", happened=True)
        self.streams += 1
        self.most_streams = max(self.most_streams, self.streams)
        try:
            yield self._stream(chat)
        finally:
            self.streams -= 1

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
        return Over(tuple(chat.ending())) if self._is_over(chat) else Running()

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
        seconds = play.pace * len(chat.words) + play.linger
        chat.over_at = asyncio.get_running_loop().time() + seconds
        self.chats.append(chat)
        return chat

    async def _stream(self, chat: Chat) -> AsyncIterator[AnswerEvent]:
        play = chat.play
        yield Started(chat.trace.conversation_id, chat.trace.chat_id)
        if play.bug is not None:
            raise play.bug
        if play.reasoning:
            yield Delta("m1", reasoning=play.reasoning)
        for number, word in enumerate(chat.words):
            if number == play.cut_after:
                raise Unreachable("the stream was cut", happened=True)
            await asyncio.sleep(play.pace)
            yield Delta("m1", word if number == 0 else f" {word}")
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
