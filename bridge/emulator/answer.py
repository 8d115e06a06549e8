"""What an agent gets and gives: a question and a memory in, an answer out."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from bridge.emulator.scenario import ToolCall

_HAN = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef"
_WORD = re.compile(rf"[{_HAN}]{{1,2}}|[^\s{_HAN}]+[ \t]*|\s+")


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that came with the question. kind: `file`, `image` or `audio`. size: bytes.

    One that was given by its address is not fetched: its name is the address, its size 0.
    """

    kind: str
    name: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a tool that the agent wanted called."""

    call: ToolCall
    output: str


@dataclass(frozen=True, slots=True)
class Memory:
    """What the agent may remember when it is asked.

    said: what the user said earlier in this section of the conversation, oldest first. A
        cleared context, a new conversation and a cancelled turn leave nothing here.
    variables: the user's variables, defaults included.
    files: names of what came with the question; sent: the same, with what they are.
    place: where the user says they are, latitude and longitude as text.
    asked: what the agent asked back last, if the question is the reply to that.
    results: of the tools that were called for this question, oldest first.
    url: of the emulator, for what it shows. seed: its own, for agents that throw dice.
    """

    said: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    seed: int = 0
    sent: tuple[Sent, ...] = ()
    place: tuple[str, str] | None = None
    asked: str = ""
    results: tuple[Result, ...] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the agent says, and how.

    more: further answer messages of the same turn.
    reasoning: thought before the first word of the answer.
    tempo: how long a word takes, as a multiple of the emulator's pace.
    first_delay: seconds of silence before the first word.
    uses: its own tools that it uses before the first word, for `use_for` seconds each.
    tools: what it wants called before it goes on; then it is asked again, with `Memory.results`.
    asks: the text is a question, and the turn ends in waiting for the reply. options: what may
        be replied.
    """

    text: str
    more: tuple[str, ...] = ()
    reasoning: str = ""
    follow_ups: tuple[str, ...] = ()
    tempo: float = 1.0
    first_delay: float = 0.0
    uses: tuple[ToolCall, ...] = ()
    use_for: float = 0.0
    tools: tuple[ToolCall, ...] = ()
    asks: bool = False
    options: tuple[str, ...] = ()


Agent: TypeAlias = Callable[[str, Memory], Answer]


def words(text: str) -> tuple[str, ...]:
    """Cut `text` into what a model would stream: words, and one or two Chinese characters.

    `"".join(words(text)) == text`.
    """
    return tuple(_WORD.findall(text))
