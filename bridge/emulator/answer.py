"""What an agent gets and gives: a question and a memory in, an answer out."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

_HAN = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef"
_WORD = re.compile(rf"[{_HAN}]{{1,2}}|[^\s{_HAN}]+[ \t]*|\s+")


@dataclass(frozen=True, slots=True)
class Memory:
    """What the agent may remember when it is asked.

    said: what the user said earlier in this section of the conversation, oldest first. A
        cleared context, a new conversation and a cancelled turn leave nothing here.
    variables: the user's variables, defaults included.
    files: names of what came with the question.
    seed: the emulator's, for agents that throw dice.
    """

    said: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the agent says, and how.

    more: further answer messages of the same turn.
    reasoning: thought before the first word of the answer.
    tempo: how long a word takes, as a multiple of the emulator's pace.
    first_delay: seconds of silence before the first word.
    """

    text: str
    more: tuple[str, ...] = ()
    reasoning: str = ""
    follow_ups: tuple[str, ...] = ()
    tempo: float = 1.0
    first_delay: float = 0.0


Agent: TypeAlias = Callable[[str, Memory], Answer]


def words(text: str) -> tuple[str, ...]:
    """Cut `text` into what a model would stream: words, and one or two Chinese characters.

    `"".join(words(text)) == text`.
    """
    return tuple(_WORD.findall(text))
