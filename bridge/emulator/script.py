"""A turn as a list of steps, decided before it begins. Pure: no clock, no I/O."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import TypeVar

from bridge.emulator.answer import Answer, words
from bridge.emulator.scenario import Quirk, Scenario, ToolCall
from bridge.emulator.steps import (
    Aside,
    Audio,
    Begin,
    Break,
    Complete,
    Delta,
    Done,
    Fail,
    Hush,
    Lines,
    NullDelta,
    Raw,
    Step,
    Tools,
    Wait,
    Whole,
)

T = TypeVar("T")

_VOCABULARY = words(
    "the a quiet river carries bright paper boats past old stone bridges while morning light "
    "draws slow circles on water and somebody hums an almost forgotten song about rain "
)


@dataclass(frozen=True, slots=True)
class Line:
    """One answer message: its increments and, where it differs, its whole."""

    chunks: tuple[str, ...]
    reasoning: str = ""
    completed: str | None = None
    content_type: str = "text"

    @property
    def whole(self) -> str:
        """What message.completed says."""
        return "".join(self.chunks) if self.completed is None else self.completed


@dataclass(frozen=True, slots=True)
class Plot:
    """What a turn says and does, once scenario and agent have been heard. Times in seconds.

    asks: it ends in waiting for the user's reply. sounds: base64, spoken after the text.
    """

    lines: tuple[Line, ...]
    follow_ups: tuple[str, ...]
    pace: float
    first_delay: float
    uses: tuple[ToolCall, ...] = ()
    use_for: float = 0.0
    tools: tuple[ToolCall, ...] = ()
    asks: bool = False
    sounds: tuple[str, ...] = ()


def plot(scenario: Scenario, answer: Answer, pace: float, dice: random.Random) -> Plot:
    """Decide what is said: the scenario where it speaks, else the agent."""
    more = _or(scenario.more, answer.more)
    reasoning = _or(scenario.reasoning, answer.reasoning)
    # A scenario's words come after its tools, an agent's before those that it asks for then.
    first = Line(() if scenario.tools else _chunks(scenario, answer, dice), reasoning)
    first = replace(first, completed=scenario.completed if first.chunks else None)
    lines = [line for line in (first, *(Line(words(text)) for text in more)) if line.whole]
    return Plot(
        lines=tuple(lines),
        follow_ups=_or(scenario.follow_ups, answer.follow_ups),
        pace=_or(scenario.pace, pace * answer.tempo),
        first_delay=_or(scenario.first_delay, answer.first_delay),
        uses=scenario.uses or answer.uses,
        use_for=scenario.use_for or answer.use_for,
        tools=scenario.tools or answer.tools,
        asks=scenario.needs_reply or answer.asks,
    )


def _or(told: T | None, otherwise: T) -> T:
    return otherwise if told is None else told


def _chunks(scenario: Scenario, answer: Answer, dice: random.Random) -> tuple[str, ...]:
    if scenario.chunks:
        return scenario.chunks
    if scenario.reply is not None:
        return words(scenario.reply)
    if scenario.tokens:
        return tuple(dice.choice(_VOCABULARY) for _ in range(scenario.tokens))
    return words(answer.text)


def with_card(plan: Plot, card: str) -> Plot:
    """Say a card instead of the text: a card is not streamed."""
    return replace(plan, lines=(Line((), completed=card, content_type="card"),))


def script(plan: Plot, scenario: Scenario) -> tuple[Step, ...]:
    """Write the whole turn.

    The order is the one of the official samples: created, in_progress, knowledge, tools,
    answers, generate_answer_finish, follow-ups, chat.completed, done.
    """
    return (Begin(), *_noise(scenario), *_act(plan, scenario))


def resumption(plan: Plot, scenario: Scenario, outputs: Sequence[str]) -> tuple[Step, ...]:
    """Write how the turn goes on once the outputs of its tools are there."""
    responses = (Aside("tool_response", output) for output in outputs)
    return (Begin(resumed=True), *responses, *_act(plan, scenario))


def _act(plan: Plot, scenario: Scenario) -> Iterator[Step]:
    for tool in plan.uses:
        yield Aside("function_call", _function_call(tool.name, tool.arguments))
        yield Wait(plan.use_for)
        yield Aside("tool_response", '{"result":"SECRET RESULT"}', role="tool")
    if plan.tools:
        yield from _speech(plan, scenario)
        yield from _requirement(plan.tools, scenario)
    else:
        yield from _rest(plan, scenario)


def _requirement(tools: tuple[ToolCall, ...], scenario: Scenario) -> Iterator[Step]:
    for tool in tools:
        yield Aside("function_call", _function_call(tool.name, tool.arguments))
    yield Aside("verbose", verbose("interrupt", {"reason": "local plugin"}))
    yield Aside("verbose", verbose("generate_answer_finish", {"finish_reason": 1, "FinData": ""}))
    yield Tools(tools)
    yield from _ending(scenario)


def _rest(plan: Plot, scenario: Scenario) -> Iterator[Step]:
    if plan.first_delay:
        yield Wait(plan.first_delay)
    yield from _interrupted(tuple(_speech(plan, scenario)), scenario)
    if scenario.linger:
        yield Wait(scenario.linger)
    if plan.asks:
        yield Tools()
        yield from _ending(scenario)
        return
    yield from _farewell(plan, scenario)


def _speech(plan: Plot, scenario: Scenario) -> Iterator[Step]:
    """Say all answers; what goes wrong on the way is put between the deltas later."""
    shown = Quirk.NO_COMPLETED not in scenario.quirks
    wait = Wait(plan.pace)
    for number, line in enumerate(plan.lines):
        for thought in words(line.reasoning):
            yield wait
            yield Delta(number, reasoning=thought)
        if Quirk.NULL_FIELDS in scenario.quirks:
            yield NullDelta(number)
        for index, chunk in enumerate(line.chunks):
            yield wait
            yield from _between(number, index, scenario)
            yield Delta(number, chunk)
        yield Whole(number, line.whole, line.reasoning, shown, line.content_type)


def _between(number: int, index: int, scenario: Scenario) -> Iterator[Step]:
    if index % 2 == 0:
        return
    if Quirk.EMPTY_DELTAS in scenario.quirks:
        yield Delta(number)
    if Quirk.PING in scenario.quirks:
        yield Raw("PING", "{}")
    if Quirk.COMMENTS in scenario.quirks:
        yield Lines(": keep alive\n\n")
        yield Lines(f"id: {index}\nretry: 3000\n")


def _interrupted(steps: Sequence[Step], scenario: Scenario) -> Iterator[Step]:
    """Put what goes wrong after so many deltas between the deltas."""
    total = sum(_spoken(step) for step in steps)
    happenings = sorted(
        (min(total if after is None else after, total), number, happening)
        for number, (after, happening) in enumerate(_happenings(scenario))
    )
    said = 0
    for step in steps:
        while happenings and said >= happenings[0][0]:
            yield from happenings.pop(0)[2]
        yield step
        said += _spoken(step)
    for _, _, happening in happenings:
        yield from happening


def _spoken(step: Step) -> bool:
    return isinstance(step, Delta) and step.text != ""


def _happenings(scenario: Scenario) -> Iterator[tuple[int | None, tuple[Step, ...]]]:
    """Yield what goes wrong and after how many deltas; None for after all of them."""
    if scenario.cut is not None:
        yield scenario.cut_after, (Break(scenario.cut),)
    if scenario.stall_after is not None:
        silence: Step = Hush() if scenario.stall is None else Wait(scenario.stall)
        yield scenario.stall_after, (silence,)
    if scenario.hang_after is not None:
        yield scenario.hang_after, (Wait(inf),)
    trouble = scenario.fail or scenario.error
    if trouble is not None:
        end = Fail(trouble, as_event=scenario.fail is None)
        yield scenario.fail_after, (Wait(scenario.linger), end)


def _farewell(plan: Plot, scenario: Scenario) -> Iterator[Step]:
    yield Aside("verbose", verbose("generate_answer_finish", {"finish_reason": 0, "FinData": ""}))
    late = plan.sounds[-1:] if Quirk.LATE_AUDIO in scenario.quirks else ()
    yield from (Audio(sound) for sound in plan.sounds[: len(plan.sounds) - len(late)])
    if plan.follow_ups and scenario.follow_up_delay:
        yield Wait(scenario.follow_up_delay)
    yield from (Aside("follow_up", question) for question in plan.follow_ups)
    yield Complete(shown=Quirk.NO_TERMINAL not in scenario.quirks)
    if Quirk.LATE_AUDIO in scenario.quirks:
        yield Audio("".join(late) or _SILENCE)
    yield from _ending(scenario)


def _ending(scenario: Scenario) -> Iterator[Step]:
    if scenario.quirks.isdisjoint({Quirk.NO_DONE, Quirk.NO_TERMINAL}):
        yield Done()


_SILENCE = "AAAAAAAAAAAAAAAAAAAAAA=="  # 16 bytes of PCM s16le


def _noise(scenario: Scenario) -> Iterator[Step]:
    for quirk, steps in _NOISE.items():
        if quirk in scenario.quirks:
            yield from steps


def verbose(msg_type: str, data: object = "") -> str:
    """Return the content of a verbose message: JSON with JSON in a string inside it."""
    inner = data if data == "" else json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    body = {"msg_type": msg_type, "data": inner, "from_module": None, "from_unit": None}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _function_call(name: str, arguments: str) -> str:
    body = {
        "name": f"ts-emulated-{name}",
        "arguments": json.loads(arguments),
        "plugin_id": 7300000000000000001,  # numbers here, though ids are strings elsewhere
        "plugin_name": "emulated",
        "api_id": 7300000000000000002,
        "api_name": name,
        "plugin_type": 1,
        "thought": "I should look that up.",
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


_RECALL = {
    "chunks": [
        {
            "slice": "SECRET SLICE that must not be shown",
            "score": 0.9,
            "meta": {"dataset": {"id": "1", "name": "docs"}, "document": {"id": "2", "name": "d"}},
        }
    ],
    "ori_req": "",
    "status_code": 0,
}
_NOISE: dict[Quirk, tuple[Step, ...]] = {
    Quirk.VERBOSE: (
        Aside("verbose", verbose("time_capsule_recall", {"wraped_text": ""})),
        Aside("verbose", verbose("knowledge_recall", _RECALL)),
        Aside("verbose", verbose("multi_agents_jump_to_agent", {"agent_name": "other"})),
        Aside("verbose", verbose("hook_call")),
        Aside("verbose", verbose("stream_plugin_finish", {"tool_output_content": "SECRET"})),
        Aside("verbose", verbose("conversation_summary")),
        Aside("verbose", verbose("empty result")),
        Aside("verbose", "not JSON at all"),
    ),
    Quirk.KNOWLEDGE: (Aside("knowledge", "SECRET KNOWLEDGE that must not be shown"),),
    Quirk.TOOL_NOISE: (
        Aside("function_call", _function_call("search", '{"query":"SECRET QUERY"}')),
        Aside("tool_response", '{"result":"SECRET RESULT"}', role="tool"),
    ),
    Quirk.UNKNOWN_EVENTS: (
        Raw("conversation.chat.pondering", '{"mood":"bright"}'),
        Raw("conversation.message.delta.v9", "not JSON"),
        Raw("conversation.audio.sentence_start", '{"text":"SECRET SENTENCE"}'),
    ),
    Quirk.PING: (Raw("PING", "{}"),),
    Quirk.COMMENTS: (Lines(": keep alive\n\n"),),
}


def later(scenario: Scenario, step: int) -> Scenario:
    """Return the scenario of the turn after so many steps of tools."""
    tools = scenario.next_tools[step - 1 : step]
    return replace(scenario, tools=tools[0] if tools else (), uses=())
