"""A question as the demo agent hears it."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from bridge.emulator.answer import Answer, Memory


@dataclass(frozen=True, slots=True)
class Heard:
    """A question and what was recognised in it."""

    text: str
    memory: Memory
    found: re.Match[str]

    @property
    def chinese(self) -> bool:
        """Whether to answer in Chinese."""
        return bool(re.search(r"[\u4e00-\u9fff]", self.text))

    def say(self, english: str, chinese: str) -> str:
        """Choose the language of the question."""
        return chinese if self.chinese else english

    @property
    def dice(self) -> random.Random:
        """Chance that comes out the same every time."""
        return random.Random(f"{self.memory.seed} {len(self.memory.said)} {self.text}")

    @property
    def name(self) -> str:
        """What the user variable says the user is called."""
        return self.memory.variables.get("user_name", "")


Reply: TypeAlias = Callable[[Heard], Answer]
