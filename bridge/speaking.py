"""Words of our own, as an answer."""

from enum import Enum

from bridge.errors import Permanent, Unauthorised
from bridge.phrases import say
from bridge.store.turns import Turn
from bridge.text.reply import Reply


def phrase(turn: Turn, which: Enum, **values: str) -> str:
    """A phrase in the language of whoever asked."""
    return say(which, turn.event.user.language, **values)


def says(turn: Turn, which: Enum, **values: str) -> Reply:
    """A phrase as the whole answer."""
    return Reply.saying(phrase(turn, which, **values))


def lacking(error: Unauthorised) -> Permanent:
    """Say no instead of waiting for the operator, as a question does.

    The token may be good for questions, and lack the permission for this alone: then whoever
    sends a command would wait forever, and with them everything they say after it.
    """
    return Permanent(error.message, code=error.code, logid=error.logid)
