"""The vocabulary of scenarios: which questions they match and what happens then.

`Scenario(match="weather", reply="Rain.")` scripts an answer, `Scenario(cut=Cut.ABRUPT,
cut_after=3)` breaks a stream, and both may be one. The same words are the JSON of
`POST /_emulator/scenario`. Ready-made ones with names are in `faults.py`.
"""

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias

from pydantic import ConfigDict, NonNegativeFloat, NonNegativeInt, TypeAdapter, field_validator
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid")

Seconds: TypeAlias = NonNegativeFloat


class Drop(StrEnum):
    """The connection is closed instead of answered."""

    UNASKED = "unasked"  # before the question was read: nothing was asked
    ASKED = "asked"  # the question is accepted, no byte of a response
    HEADERS = "headers"  # the question is accepted, nothing but the response headers


class Cut(StrEnum):
    """How a stream is cut while the chat goes on at Coze."""

    CLEAN = "clean"  # the body ends properly, after a whole frame
    MID_FRAME = "mid_frame"  # the body ends properly, in the middle of a frame
    ABRUPT = "abrupt"  # the connection is closed after a whole frame
    RESET = "reset"  # the connection is closed in the middle of a frame


class Quirk(StrEnum):
    """Something small that Coze, a relay or coze-studio does differently now and then."""

    # the end of the stream
    NO_DONE = "no_done"
    UNQUOTED_DONE = "unquoted_done"  # data:[DONE] without quotes
    STREAM_DONE = "stream_done"  # event conversation.stream.done without data (coze-studio)
    NO_TERMINAL = "no_terminal"  # neither chat.completed nor done, the body just ends
    UNTERMINATED = "unterminated"  # the last frame lacks its blank line
    # the answer
    EMPTY_DELTAS = "empty_deltas"
    NO_COMPLETED = "no_completed"  # deltas, but no message.completed of the answer
    NO_MESSAGE_IDS = "no_message_ids"
    MISSING_FIELDS = "missing_fields"  # no type, content_type, created_at …
    NULL_FIELDS = "null_fields"  # null where a value is expected, content included
    LATE_AUDIO = "late_audio"  # audio.delta after chat.completed
    # between the answers
    VERBOSE = "verbose"  # verbose messages of every known msg_type
    KNOWLEDGE = "knowledge"
    TOOL_NOISE = "tool_noise"  # function_call and tool_response messages
    UNKNOWN_EVENTS = "unknown_events"
    # the chat object
    SKELETON_ACTION = "skeleton_action"  # required_action full of empty strings
    NULL_ERROR_CODE = "null_error_code"
    USAGE_ZERO = "usage_zero"
    USAGE_ABSENT = "usage_absent"
    STUDIO_SPELLING = "studio_spelling"  # cancelled, required_action
    # the bytes
    SPACE = "space"  # one space after the colon
    CRLF = "crlf"
    SHUFFLED_KEYS = "shuffled_keys"
    RAW_SEPARATORS = "raw_separators"  # U+2028 and U+0085 unescaped in a data line
    PING = "ping"  # PING events
    COMMENTS = "comments"  # comment, id: and retry: lines
    # the requests
    CANCEL_ENDS_STREAM = "cancel_ends_stream"  # a cancelled chat does end its stream


@dataclass(frozen=True, slots=True, config=_STRICT)
class Trouble:
    """An error as Coze tells it, before the stream, inside it or in `last_error`.

    status: HTTP status, where the error comes before the stream.
    raw: the whole body instead of JSON, as a broken gateway would answer.
    retry_after: seconds, as a header.
    """

    code: int
    msg: str = ""
    status: int = 200
    raw: str | None = None
    retry_after: NonNegativeInt | None = None


@dataclass(frozen=True, slots=True, config=_STRICT)
class ToolCall:
    """A local plugin the agent wants run. `arguments` is JSON in a string, as on the wire."""

    name: str
    arguments: str = "{}"

    @field_validator("arguments")
    @classmethod
    def _is_json(cls, arguments: str) -> str:
        try:
            json.loads(arguments)
        except ValueError as error:
            raise ValueError(f"not JSON: {error}") from error
        return arguments


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Scenario:
    """Which questions it matches, and what happens then. All times in seconds.

    name, about: for people. match: a regular expression searched in the question; empty
        matches all. times: how often; None for ever. endpoint: the path it applies to, `*`
        matches any characters. Off the chat endpoints only `refuse`, `drop` and
        `slow_headers` mean anything.

    reply, chunks, tokens: the answer as text, as its deltas, or as so many random words;
        without any, the agent answers. more, reasoning, follow_ups, pace, first_delay add to
        it, or override the agent's. follow_up_delay comes before the follow-ups. completed is
        what message.completed says instead of the deltas. tools are called first and the chat
        waits for their outputs, next_tools are called step by step after those; uses are tools
        of the agent's own, used for use_for seconds each before it answers. needs_reply ends
        the chat in a question to the user: with options to choose from, or fields to fill in.

    refuse: a JSON error instead of the stream. busy_for: 4016 to everything asked in this
        time from the first question on. slow_headers: the question is accepted, the response
        headers come later. drop: see `Drop`.

    cut, cut_after: the stream is cut after so many deltas; after all of them if None.
    stall_after, stall: after so many deltas nothing comes for `stall` seconds; with None for
        ever, while the answer completes at Coze. hang_after: after so many deltas the agent
        itself stops and the chat stays in_progress.
    fail, error: chat.failed or `event:error`, after fail_after deltas (all if None).
    linger: how much later the chat ends than its last word.
    grain: bytes written at once; 0 for whole frames.
    """

    name: str = ""
    about: str = ""
    match: str = ""
    times: NonNegativeInt | None = None
    endpoint: str = "/v3/chat"

    reply: str | None = None
    chunks: tuple[str, ...] = ()
    tokens: NonNegativeInt = 0
    more: tuple[str, ...] | None = None
    reasoning: str | None = None
    completed: str | None = None
    follow_ups: tuple[str, ...] | None = None
    follow_up_delay: Seconds = 0.0
    pace: Seconds | None = None
    first_delay: Seconds | None = None
    tools: tuple[ToolCall, ...] = ()
    next_tools: tuple[tuple[ToolCall, ...], ...] = ()
    uses: tuple[ToolCall, ...] = ()
    use_for: Seconds = 0.0
    needs_reply: bool = False
    options: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    refuse: Trouble | None = None
    busy_for: Seconds = 0.0
    slow_headers: Seconds = 0.0
    drop: Drop | None = None

    cut: Cut | None = None
    cut_after: NonNegativeInt | None = None
    stall_after: NonNegativeInt | None = None
    stall: Seconds | None = None
    hang_after: NonNegativeInt | None = None
    fail: Trouble | None = None
    error: Trouble | None = None
    fail_after: NonNegativeInt | None = None
    linger: Seconds = 0.0
    grain: NonNegativeInt = 0
    quirks: frozenset[Quirk] = frozenset()

    @property
    def speaks(self) -> bool:
        """Whether it has the answer itself, so that the agent is not asked."""
        return self.reply is not None or bool(self.chunks) or bool(self.tokens)

    @field_validator("match")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return pattern


_ADAPTER: TypeAdapter[Scenario] = TypeAdapter(Scenario)

NORMAL = Scenario(name="normal")


def parse(body: bytes) -> Scenario:
    """Read a scenario from JSON. Raises `pydantic.ValidationError`, naming every problem."""
    return _ADAPTER.validate_json(body)


def describe(scenario: Scenario) -> Mapping[str, object]:
    """Return what `parse` reads, without what was left at its default."""
    dumped: Mapping[str, object] = _ADAPTER.dump_python(
        scenario, mode="json", exclude_defaults=True
    )
    return dumped
