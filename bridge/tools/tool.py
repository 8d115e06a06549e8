"""A tool: an async function, what it may be given, and what it declares of itself."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from bridge.events import Button
from bridge.tools.arguments import Arguments

# Its parameters are its own affair: they are read from the signature.
Function: TypeAlias = Callable[..., Awaitable[object]]
F = TypeVar("F", bound=Function)

TIMEOUT = 20.0  # seconds, where the operator does not say
_REPEATABLE = "__coze_bridge_repeatable__"


@dataclass(frozen=True, slots=True)
class Caller:
    """For whom a tool is called. A tool that has a parameter of this type is told.

    uid: Coze's `user_id`, the same for one person on joined platforms; never a platform's id.
    agent: the name of its table in the configuration. language: a BCP 47 tag, timezone: an
    IANA name; either is empty where the platform does not tell. now: aware, UTC.
    """

    uid: str
    platform: str
    agent: str
    language: str
    now: datetime
    timezone: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool returns that also offers the user something.

    output: for the agent; a text, or what can be written as JSON. buttons: below the answer.
    """

    output: object
    buttons: tuple[Button, ...] = ()


class ToolFailure(Exception):
    """Raised by a tool that cannot do what was asked; its words are told to the agent."""


def repeatable(function: F) -> F:
    """Declare that a tool may run twice for one call, because nobody would notice.

    Any other runs at most once: where it was interrupted, the agent is told so.
    """
    setattr(function, _REPEATABLE, True)
    return function


@dataclass(frozen=True, slots=True)
class Tool:
    """timeout: seconds for one run. agents: which may call it; empty for all."""

    name: str
    function: Function
    arguments: Arguments
    repeatable: bool = False
    timeout: float = TIMEOUT
    agents: frozenset[str] = frozenset()

    def bound(self, given: dict[str, Any], caller: Caller) -> Awaitable[object]:
        """Begin a run with arguments that have been judged."""
        told = dict.fromkeys(self.arguments.callers, caller)
        return self.function(**given, **told)


def tool(
    name: str,
    function: object,
    *,
    may_repeat: bool | None = None,
    timeout: float = TIMEOUT,
    agents: frozenset[str] = frozenset(),
) -> Tool:
    """Make a tool of a function. Raises `TypeError` with a sentence if it cannot be one.

    may_repeat: None for what the function declares.
    """
    if not (inspect.iscoroutinefunction(function) and callable(function)):
        raise TypeError("is not an async function")
    if may_repeat is None:
        may_repeat = bool(getattr(function, _REPEATABLE, False))
    arguments = Arguments(function, Caller)
    return Tool(name, function, arguments, may_repeat, timeout, agents)
