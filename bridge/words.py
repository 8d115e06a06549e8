"""The words that are commands, and what is known of each before anybody obeys it.

An adapter turns its platform's way to say them (`/new@my_bot`, `!new`, a menu) into `/new`.
A word that is not ours goes to the agent, which may have commands of its own.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class Word(StrEnum):
    """A command of contract section 6 that this version obeys."""

    START = "start"
    HELP = "help"
    NEW = "new"
    CLEAR = "clear"
    STOP = "stop"
    RETRY = "retry"
    HISTORY = "history"
    LINK = "link"
    UNLINK = "unlink"
    FORGET = "forget"
    VARS = "vars"
    SET = "set"
    USAGE = "usage"
    FEEDBACK = "feedback"
    RENAME = "rename"
    DELETE = "delete"


_EXPRESS = frozenset({Word.STOP, Word.HELP, Word.START, Word.USAGE, Word.FEEDBACK})


@dataclass(frozen=True, slots=True)
class Command:
    """argument: what stood behind the word, without white space around it."""

    word: Word
    argument: str = ""

    @property
    def is_express(self) -> bool:
        """It must not wait for the answer that is running."""
        # /link with a code stays in line: it changes for whom the questions after it are asked.
        bare = {Command(Word.HISTORY), Command(Word.LINK)}
        return self.word in _EXPRESS or self in bare

    @property
    def interrupts(self) -> bool:
        """Whoever says it does not want to hear the rest of the running answer."""
        return self.word in {Word.NEW, Word.STOP}


_SPELLED = re.compile(rf"(?<![\w/])/(?=(?:{'|'.join(Word)})\b)")


def spelled(text: str, sign: str) -> str:
    """Write the commands in a text of ours as a platform lets people write them."""
    return text if sign == "/" else _SPELLED.sub(sign, text)


def command_in(text: str) -> Command | None:
    """Read a command: `/word`, perhaps followed by white space and an argument."""
    said = text.removeprefix("/")
    if said == text or not said or said[0].isspace():
        return None
    head, *argument = said.split(maxsplit=1)
    try:
        word = Word(head.lower())
    except ValueError:
        return None
    return Command(word, "".join(argument).strip())
