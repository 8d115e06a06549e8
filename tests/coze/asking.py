"""Asking as the architecture wants it, and what each fault of the emulator should come to."""

from dataclasses import dataclass, field, replace

from bridge.emulator import Answer, Emulator, Memory, Scenario
from bridge.errors import (
    BridgeError,
    Exhausted,
    Permanent,
    Rejected,
    Transient,
    Unauthorised,
)
from bridge.upstream import (
    Agent,
    AnswerEvent,
    Cancelled,
    ConversationLost,
    Needs,
    Over,
    Question,
    Said,
    ToolCall,
)

ANSWER = "Once upon a time 从前有座山 there lived **one** small 🦊 and it said nothing at all."
NEXT = ("And then?", "Why nothing?")


def storyteller(_question: str, _memory: Memory) -> Answer:
    return Answer(ANSWER, follow_ups=NEXT)


@dataclass
class Clock:
    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def nothing_runs(emulator: Emulator) -> bool:
    return all(asked.status not in ("created", "in_progress") for asked in emulator.asked)


@dataclass
class Caller:
    """Asks as the architecture wants it: never twice what may have arrived.

    streamed: what the streams told; found: what was looked up after one of them was lost.
    """

    agent: Agent
    emulator: Emulator
    clock: Clock
    streamed: list[AnswerEvent] = field(default_factory=list)
    found: list[AnswerEvent] = field(default_factory=list)

    async def ask(self, question: Question) -> None:
        """Get an answer out of at most three attempts."""
        for last in (False, False, True):
            try:
                return await self._attempt(question)
            except Transient as error:
                if last:
                    raise
                self.clock.now += 3.0  # time for whatever is busy
                if error.happened and await self._looked_up(question):
                    return None
        return None

    async def _attempt(self, question: Question) -> None:
        async with self.agent.ask(question) as events:
            async for event in events:
                self.streamed.append(event)

    async def _looked_up(self, question: Question) -> bool:
        trace = await self.agent.find(question.conversation_id, question.mark)
        if trace is None:
            return False
        if self.emulator.asked[-1].scenario == "hang":
            await self.agent.cancel(trace)
        await self.emulator.until(nothing_runs)
        outcome = await self.agent.outcome(trace)
        assert isinstance(outcome, Over)
        self.found.extend(outcome.events)
        return True

    @property
    def told(self) -> list[AnswerEvent]:
        """What counts in the end."""
        return self.found or self.streamed

    def said(self) -> list[str]:
        return [event.text for event in self.told if isinstance(event, Said)]


REFUSED: dict[str, type[BridgeError]] = {
    "bad_parameters": Permanent,
    "unknown_conversation": ConversationLost,
    "daily_limit": Exhausted,
    "prompt_too_long": Rejected,
    "quota": Exhausted,
    "cannot_answer": Rejected,
    "unpublished": Permanent,
    "no_permission": Unauthorised,
    "invalid_token": Unauthorised,
    "internal_for_ever": Transient,
}
FAILED: dict[str, type[BridgeError]] = {
    "failed": Transient,
    "failed_at_once": Transient,
    "failed_unseen": Transient,
    "error_event": Transient,
    "refused_content": Rejected,
}
RAIN = ToolCall("", "get_rain_probability", '{"location":"河南"}')
OTHER_ENDS: dict[str, AnswerEvent] = {
    "tools": Needs(calls=(RAIN,)),
    "needs_reply": Needs(),
    "hang": Cancelled(),
}


def nameless(event: AnswerEvent) -> AnswerEvent:
    """Return an end without the ids of its calls, which are new each time."""
    if not isinstance(event, Needs):
        return event
    assert all(call.id for call in event.calls)
    return replace(event, calls=tuple(replace(call, id="") for call in event.calls))


LOST = frozenset(
    {
        *("drop_asked", "drop_headers", "slow_headers", "slow_start", "stall", "pause"),
        *("cut", "cut_before_text", "cut_mid_frame", "cut_reset"),
        *("eof", "eof_after_text", "no_terminal", "follow_ups"),
    }
)


def is_right_about(name: str, *, looked_up: bool) -> bool:
    """Tell whether an answer was looked up if, and only if, its stream was lost."""
    return looked_up is (name in LOST)


def answers_to(fault: Scenario) -> list[str]:
    """Say what the user should read in the end."""
    first = fault.reply if fault.reply is not None else "".join(fault.chunks) or ANSWER
    texts = (fault.completed or first, *(fault.more or ()))
    return [text for text in texts if text]


def suggestions_after(fault: Scenario) -> tuple[str, ...]:
    """Say what is suggested then: a scripted answer has no suggestions of the storyteller."""
    scripted = fault.reply is not None or bool(fault.chunks)
    return fault.follow_ups or (() if scripted else NEXT)


async def begin(agent: Agent, name: str) -> Question:
    return Question("user-1", await agent.begin(), f"tell me about {name}", f"mark-{name}")
