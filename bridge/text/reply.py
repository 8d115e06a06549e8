"""The answer so far, folded from the agent's events one at a time."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from bridge.errors import BridgeError
from bridge.events import Button
from bridge.upstream import (
    MADE_UP,
    AnswerEvent,
    Cancelled,
    Delta,
    Failed,
    Finished,
    Needs,
    Said,
    Sounded,
    Spoken,
    Started,
    Suggested,
    ToolCall,
    Trace,
    Usage,
    Using,
)

MAX_SUGGESTIONS = 5  # Coze sends up to three; a relay that repeats itself must not fill the screen
MAX_USING = 200  # characters of what is being used


class State(StrEnum):
    """How far an answer has come."""

    STREAMING = "streaming"
    ACTING = "acting"  # the agent waits for what our tools say
    SPOKEN = "spoken"  # the visible text has ended, suggestions may follow
    COMPLETE = "complete"
    FAILED = "failed"
    STOPPED = "stopped"
    WAITING = "waiting"  # the agent asked something back: the user's next message goes on


@dataclass(frozen=True, slots=True)
class Answer:
    """One message of the answer. `complete`: its whole text was told, not only increments."""

    message_id: str
    text: str = ""
    reasoning: str = ""
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """A snapshot of the answer. Later snapshots replace it; it never changes itself.

    trace: known from the first event on, so that a lost answer can be looked for.
    error: why, where `state` is FAILED; what was said before stays valid. On a whole answer,
        what went wrong after its last word.
    buttons: what our own words offer; the agent's offers are `suggestions`.
    is_ours: the text is the bridge's own, not the agent's.
    using: the tool that the agent uses just now; empty while it talks.
    calls: what it wants our tools to do, while `state` is ACTING.
    options: what the user may reply, while it waits for them.
    sounds: the spoken answer, see `bridge.upstream.Sounded`.
    heard: what a voice message said, shown before the answer.
    remarks: what has to be said of the question (a file that was refused), shown after it.
    """

    answers: tuple[Answer, ...] = ()
    suggestions: tuple[str, ...] = ()
    trace: Trace | None = None
    state: State = State.STREAMING
    usage: Usage | None = None
    error: BridgeError | None = None
    buttons: tuple[Button, ...] = ()
    is_silent: bool = False
    is_ours: bool = False
    using: str = ""
    calls: tuple[ToolCall, ...] = ()
    options: tuple[str, ...] = ()
    sounds: tuple[bytes, ...] = ()
    heard: str = ""
    remarks: tuple[str, ...] = ()

    @classmethod
    def silence(cls) -> "Reply":
        """No message at all, because what was asked for shows by itself."""
        return cls(state=State.COMPLETE, is_silent=True)

    @classmethod
    def saying(
        cls, text: str, *, suggestions: tuple[str, ...] = (), buttons: tuple[Button, ...] = ()
    ) -> "Reply":
        """A whole answer of the bridge's own."""
        answer = Answer("", text, complete=True)
        return cls((answer,), suggestions, state=State.COMPLETE, buttons=buttons, is_ours=True)

    def failed(self, error: BridgeError) -> "Reply":
        """What was said so far, and nothing more will come.

        After the last word only suggestions can be missing, so then the answer is whole; `error`
        is kept for the operator.
        """
        state = State.COMPLETE if self.state is State.SPOKEN else State.FAILED
        return replace(self, state=state, error=error)

    def stopped(self) -> "Reply":
        """What was said so far; the user did not want to hear the rest, if there was any."""
        state = State.COMPLETE if self.state is State.SPOKEN else State.STOPPED
        return replace(self, state=state)

    @property
    def text(self) -> str:
        """The visible Markdown: the messages in order, blank ones left out."""
        return "\n\n".join(each.text for each in self.answers if each.text.strip())

    @property
    def answer_id(self) -> str:
        """Of the last message of the answer, at Coze; empty if it has none, as words of ours."""
        last = self.answers[-1].message_id if self.answers else ""
        return "" if last.startswith(MADE_UP) else last

    @property
    def reasoning(self) -> str:
        """What the agent thought aloud; never part of `text`."""
        return "\n\n".join(each.reasoning for each in self.answers if each.reasoning.strip())

    def acting(self) -> "Reply":
        """Our tools are at work; their names are the status line, and a model made them up."""
        names = dict.fromkeys(" ".join(call.name.split()) for call in self.calls)
        return replace(self, using=", ".join(names)[:MAX_USING])

    def acted(self, buttons: tuple[Button, ...] = ()) -> "Reply":
        """Our tools have said what the agent wanted to know; it goes on.

        buttons: what they offer the user.
        """
        return replace(
            self,
            state=State.STREAMING,
            calls=(),
            buttons=tuple(dict.fromkeys((*self.buttons, *buttons))),
        )

    @property
    def ended(self) -> bool:
        """Nothing of any kind will follow."""
        return self.state not in {State.STREAMING, State.ACTING, State.SPOKEN}

    @property
    def urgent(self) -> bool:
        """No further text will follow, so there is no reason to hold the screen back."""
        return self.state not in {State.STREAMING, State.ACTING}


def fold(reply: Reply, event: AnswerEvent) -> Reply:
    """Take one event into account. Called once per token: costs one string append.

    Events after the end change nothing, so folding a recovered answer twice is harmless.
    """
    return reply if reply.ended else _fold(reply, event)


def _fold(reply: Reply, event: AnswerEvent) -> Reply:
    match event:
        case Delta():
            return _grow(replace(reply, using="") if reply.using else reply, event)
        case Said():
            return _settle(reply, event)
        case Suggested():
            return _suggest(reply, event.text.strip())
        case Finished() | Failed() | Cancelled() | Needs():
            return _end(replace(reply, using=""), event)
        case _:
            return _note(reply, event)


def _note(reply: Reply, event: Started | Using | Sounded | Spoken) -> Reply:
    match event:
        case Started():
            return replace(reply, trace=Trace(event.conversation_id, event.chat_id))
        case Using():
            return replace(reply, using=event.tool)
        case Sounded():
            return replace(reply, sounds=(*reply.sounds, event.sound))
        case Spoken():
            return replace(reply, state=State.SPOKEN, using="")
        case _:
            assert_never(event)


def _end(reply: Reply, event: Finished | Failed | Cancelled | Needs) -> Reply:
    match event:
        case Finished():
            return replace(reply, state=State.COMPLETE, usage=event.usage)
        case Failed():
            return reply.failed(event.error)
        case Cancelled():
            return reply.stopped()
        case Needs() if event.calls:
            return replace(reply, state=State.ACTING, calls=event.calls)
        case Needs():
            return replace(reply, state=State.WAITING, options=event.options)
        case _:
            assert_never(event)


def _grow(reply: Reply, delta: Delta) -> Reply:
    at = _index(reply.answers, delta.message_id)
    if at is None:
        born = Answer(delta.message_id, delta.text, delta.reasoning)
        return replace(reply, answers=(*reply.answers, born))
    old = reply.answers[at]
    if old.complete:  # the whole text is known already; an increment that comes late is part of it
        return reply
    return _put(
        reply,
        at,
        Answer(old.message_id, old.text + delta.text, old.reasoning + delta.reasoning),
    )


def _settle(reply: Reply, said: Said) -> Reply:
    at = _index(reply.answers, said.message_id)
    if at is None:
        at = _nameless_twin(reply.answers, said)
    if at is None:
        whole = Answer(said.message_id, said.text, said.reasoning, complete=True)
        return replace(reply, answers=(*reply.answers, whole))
    reasoning = said.reasoning or reply.answers[at].reasoning
    return _put(reply, at, Answer(said.message_id, said.text, reasoning, complete=True))


def _index(answers: tuple[Answer, ...], message_id: str) -> int | None:
    """Find the message an event belongs to, newest first.

    Without an id it is the newest message if that has no id either and is still growing: a
    second message without an id must not overwrite the first.
    """
    if not message_id:
        newest = len(answers) - 1
        growing = answers and not answers[newest].message_id and not answers[newest].complete
        return newest if growing else None
    for at in range(len(answers) - 1, -1, -1):
        if answers[at].message_id == message_id:
            return at
    return None


def _nameless_twin(answers: tuple[Answer, ...], said: Said) -> int | None:
    """Find the growing message that `said` completes under another id (some relays do that)."""
    for at in range(len(answers) - 1, -1, -1):
        if not answers[at].complete and said.text.startswith(answers[at].text):
            return at
    return None


def _put(reply: Reply, at: int, answer: Answer) -> Reply:
    answers = (*reply.answers[:at], answer, *reply.answers[at + 1 :])
    return replace(reply, answers=answers)


def _suggest(reply: Reply, question: str) -> Reply:
    known = reply.suggestions
    if not question or question in known or len(known) >= MAX_SUGGESTIONS:
        return reply
    return replace(reply, suggestions=(*known, question))
