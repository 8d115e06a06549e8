"""What an agent is told of a call: a text, usually JSON; what failed says so in it. Pure."""

import json
from collections.abc import Sequence
from enum import StrEnum

from pydantic_core import to_json

from bridge.clean import clean

LONGEST = 60_000  # characters; a model has to read them, and Coze takes 15 MB for all of a step


class Trouble(StrEnum):
    """Why there is no result."""

    UNKNOWN = "unknown_tool"
    ARGUMENTS = "bad_arguments"
    TIMEOUT = "timeout"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


def failure(trouble: Trouble, message: str, problems: Sequence[str] = ()) -> str:
    """Write `{"error": …}`, for a model to read."""
    error: dict[str, object] = {"kind": trouble.value, "message": clean(message)}
    if problems:
        error["problems"] = [clean(problem) for problem in problems]
    return json.dumps({"error": error}, ensure_ascii=False)


def written(output: object) -> str:
    """Write what a tool returned. Raises `ValueError` for what is no JSON."""
    text = clean(output if isinstance(output, str) else to_json(output).decode())
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\n… ({len(text) - LONGEST} more characters were left out)"
