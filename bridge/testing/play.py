"""How one question is answered by the agent in memory, and how that went."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bridge.errors import BridgeError
from bridge.upstream import (
    AnswerEvent,
    Delta,
    Failed,
    Finished,
    Needs,
    Question,
    Said,
    Sounded,
    Spoken,
    Suggested,
    ToolOutput,
    Trace,
    Usage,
    Using,
)

SPENT = Usage(3, 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """How one question is answered. Times in seconds.

    using: the tools it uses before its first word. text: streamed word by word; None repeats
    the question, "" says nothing. final: what it turns out to be. sounds: after the last word.
    pace: before each word; linger: after the last word, before suggestions and the end.
    needs, fail: how it ends instead of well. then: how it goes on when the outputs of its
    calls are handed in; None reads them out.

    refuse: raised when asked (or handed in), and nothing was. lost: it was asked, but the
    connection broke before a word came. cut_after: the stream breaks after so many words. bug:
    raised after the first event. The answer itself goes on at the agent in all of these.
    endless: it never ends by itself.
    """

    using: tuple[str, ...] = ()
    text: str | None = None
    final: str | None = None
    reasoning: str = ""
    sounds: tuple[bytes, ...] = ()
    suggestions: tuple[str, ...] = ()
    usage: Usage | None = SPENT
    pace: float = 0.0
    linger: float = 0.0
    needs: Needs | None = None
    then: "Play | None" = None
    fail: BridgeError | None = None
    refuse: BridgeError | None = None
    lost: bool = False
    cut_after: int | None = None
    bug: Exception | None = None
    endless: bool = False


NORMAL = Play()


@dataclass(slots=True)
class Chat:
    """One question at the agent and its answer. over_at: on the loop's clock.

    step: how often outputs were handed in; before: what was said up to then.
    """

    trace: Trace
    question: Question
    play: Play
    over_at: float
    cancelled: bool = False
    step: int = 0
    before: list[AnswerEvent] = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        """What is streamed."""
        return self._text.split(" ") if self._text else []

    @property
    def message_id(self) -> str:
        """Of what is said in this step."""
        return f"m{self.step + 1}"

    @property
    def _text(self) -> str:
        text = self.play.text
        return f"You said: {self.question.text}" if text is None else text

    @property
    def pending(self) -> set[str]:
        """The ids of the calls that it waits for, once it is over."""
        return {call.id for call in self.play.needs.calls} if self.play.needs else set()

    def beginning(self) -> Iterator[AnswerEvent]:
        """Everything before the first word."""
        yield from (Using(tool) for tool in self.play.using)
        if self.play.reasoning:
            yield Delta(self.message_id, reasoning=self.play.reasoning)

    def ending(self) -> Iterator[AnswerEvent]:
        """Everything after the last word."""
        if self.play.fail is not None:
            yield Failed(self.play.fail)
            return
        yield from self._said()
        yield from (Sounded(sound) for sound in self.play.sounds)
        if not self.pending:  # else it is not at its end, so it has not spoken either
            yield Spoken()
            yield from (Suggested(text) for text in self.play.suggestions)
        yield self.play.needs or Finished(self.play.usage)

    def whole(self) -> tuple[AnswerEvent, ...]:
        """Everything that can be looked up afterwards; sounds cannot."""
        kept = (event for event in self.ending() if not isinstance(event, Sounded))
        return (*self.before, *kept)

    def hand_in(self, outputs: Sequence[ToolOutput], play: Play | None) -> None:
        """Go on to the next step. over_at: to be set anew."""
        self.before.extend(self._said())
        spoken = "; ".join(each.output for each in outputs)
        self.play = play or Play(text=f"The tools say: {spoken}")
        self.step += 1

    def _said(self) -> Iterator[Said]:
        final = self._text if self.play.final is None else self.play.final
        if final:
            yield Said(self.message_id, final, self.play.reasoning)
