"""What an agent is told of a call: a text, usually JSON; what failed says so in it. Pure."""

import json
from collections.abc import Sequence
from enum import StrEnum

from pydantic_core import to_json

from bridge.clean import clean

LONGEST = 60_000  # characters; a model has to read them, and Coze takes 15 MB for all of a step
LONGEST_MESSAGE = 1000  # characters; a tool may put a whole response into one
MOST_PROBLEMS = 20  # a model may get each of a thousand items wrong


class Trouble(StrEnum):
    """Why there is no result."""

    UNKNOWN = "unknown_tool"
    ARGUMENTS = "bad_arguments"
    TIMEOUT = "timeout"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


def failure(trouble: Trouble, message: str, problems: Sequence[str] = ()) -> str:
    """Write `{"error": …}`, for a model to read: short, whatever went wrong and how often."""
    error: dict[str, object] = {"kind": trouble.value, "message": _short(message)}
    if problems:
        error["problems"] = [_short(problem) for problem in problems[:MOST_PROBLEMS]]
    return json.dumps({"error": error}, ensure_ascii=False)


def _short(text: str) -> str:
    text = clean(text)
    return text if len(text) <= LONGEST_MESSAGE else f"{text[: LONGEST_MESSAGE - 1]}…"


def written(output: object) -> str:
    """Write what a tool returned. Raises `ValueError` for what is no JSON."""
    text = clean(output if isinstance(output, str) else to_json(output).decode())
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\n… ({len(text) - LONGEST} more characters were left out)"
