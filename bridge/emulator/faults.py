"""Ready-made faults by name: the project's vocabulary of what can go wrong at Coze.

A test iterates over `FAULTS`; a person types `fault: cut` in a chat with the emulator.
Sources of the facts: the "Emulator checklist" of the Coze API notes, and their sections on
framing, error codes and the state machine.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from bridge.emulator.answer import words
from bridge.emulator.scenario import Cut, Drop, Quirk, Scenario, ToolCall, Trouble

_TEN = words("one two three four five six seven eight nine ten")


def _refusal(code: int, msg: str, status: int = 200, **more: int) -> Scenario:
    return Scenario(
        about=f"HTTP {status} with the JSON error {code} instead of a stream",
        refuse=Trouble(code, msg, status, retry_after=more.get("retry_after")),
    )


def _quirk(quirk: Quirk, about: str) -> Scenario:
    return Scenario(about=about, quirks=frozenset({quirk}))


_REFUSALS = {
    "bad_parameters": _refusal(4000, "Request parameter error"),
    "unknown_conversation": replace(
        _refusal(4002, "The conversation does not exist or you have no permission"), times=1
    ),
    "daily_limit": _refusal(4008, "The bot's daily usage limit has been reached"),
    "system_busy": replace(_refusal(4009, "System busy, please try again later"), times=1),
    "prompt_too_long": _refusal(4010, "The prompt is too long for the model"),
    "quota": _refusal(4011, "The Coze token balance is used up"),
    "model_error": replace(_refusal(4013, "Model error"), times=1),
    "cannot_answer": _refusal(4014, "I can't answer this question"),
    "unpublished": _refusal(4015, "The bot has not been published to the API channel"),
    "rate_limited": replace(_refusal(4020, "RPM limit exceeded"), times=1),
    "no_permission": _refusal(4101, "The token is incorrect or has no permission"),
    "invalid_token": _refusal(700012006, "access token invalid", 401),
    "internal": replace(_refusal(5000, "An internal error occurred"), times=1),
    "internal_for_ever": _refusal(5000, "An internal error occurred"),
    "http_429": replace(_refusal(4020, "Too many requests", 429, retry_after=1), times=1),
    "http_500": replace(_refusal(5000, "An internal error occurred", 500), times=1),
    "bad_gateway": Scenario(
        about="HTTP 502 with HTML from a gateway, once",
        times=1,
        refuse=Trouble(0, "", 502, raw="<html><body><h1>502 Bad Gateway</h1></body></html>"),
    ),
    "busy": Scenario(
        about="4016 for two seconds: another chat runs in the conversation", busy_for=2.0
    ),
}

_LOST = {
    "drop_unasked": Scenario(
        about="the connection closes before the question was read, once",
        drop=Drop.UNASKED,
        times=1,
    ),
    "drop_asked": Scenario(
        about="the question is accepted, the connection closes without a byte", drop=Drop.ASKED
    ),
    "drop_headers": Scenario(
        about="the question is accepted, the connection closes after the headers",
        drop=Drop.HEADERS,
    ),
    "slow_headers": Scenario(about="the response headers take two seconds", slow_headers=2.0),
    "slow_start": Scenario(about="two seconds until the first word", first_delay=2.0),
    "cut": Scenario(
        about="the connection breaks after five words; Coze goes on",
        cut=Cut.ABRUPT,
        cut_after=5,
    ),
    "cut_before_text": Scenario(
        about="the connection breaks before the first word; Coze goes on",
        cut=Cut.ABRUPT,
        cut_after=0,
    ),
    "cut_mid_frame": Scenario(
        about="the body ends in the middle of a frame", cut=Cut.MID_FRAME, cut_after=5
    ),
    "cut_reset": Scenario(
        about="the connection breaks in the middle of a frame", cut=Cut.RESET, cut_after=5
    ),
    "eof": Scenario(
        about="the body ends without a terminal event; the chat completes a second later",
        cut=Cut.CLEAN,
        cut_after=5,
        linger=1.0,
    ),
    "eof_after_text": Scenario(
        about="the body ends after the last word, before message.completed", cut=Cut.CLEAN
    ),
    "no_terminal": _quirk(Quirk.NO_TERMINAL, "neither chat.completed nor done"),
    "stall": Scenario(
        about="silence after five words while the answer completes at Coze", stall_after=5
    ),
    "pause": Scenario(about="three seconds of silence after five words", stall_after=5, stall=3.0),
    "hang": Scenario(about="the agent stops after five words and never goes on", hang_after=5),
}

_ENDINGS = {
    "no_done": _quirk(Quirk.NO_DONE, "chat.completed, but no done"),
    "unquoted_done": _quirk(Quirk.UNQUOTED_DONE, "data:[DONE] without quotes"),
    "stream_done": _quirk(Quirk.STREAM_DONE, "conversation.stream.done instead of done"),
    "unterminated": _quirk(Quirk.UNTERMINATED, "the last frame lacks its blank line"),
    "failed": Scenario(
        about="chat.failed after five words, and no done",
        fail=Trouble(5000, "event interval error"),
        fail_after=5,
    ),
    "failed_at_once": Scenario(
        about="chat.failed before the first word, and no done",
        fail=Trouble(4013, "Model error"),
        fail_after=0,
    ),
    "error_event": Scenario(
        about="event:error after five words, and nothing more",
        error=Trouble(5000, "An internal error occurred"),
        fail_after=5,
    ),
    "failed_unseen": Scenario(
        about="the body ends after five words and the chat fails at Coze",
        cut=Cut.CLEAN,
        cut_after=5,
        fail=Trouble(5000, "event interval error"),
        fail_after=8,
    ),
    "refused_content": Scenario(
        about="chat.failed because of sensitive content",
        fail=Trouble(4014, "The content was refused"),
        fail_after=0,
    ),
    "cancel_ends_stream": _quirk(
        Quirk.CANCEL_ENDS_STREAM, "a cancelled chat ends its stream (usually it does not)"
    ),
}

_ANSWERS = {
    "reasoning": Scenario(
        about="thoughts before the answer", reasoning="Hmm. Let me think. Yes, that is it."
    ),
    "several_answers": Scenario(
        about="three answer messages in one turn",
        more=("And this is a second message.", "And a third one."),
    ),
    "follow_ups": Scenario(
        about="three suggested questions, three seconds after the answer",
        follow_ups=("What else can you do?", "Why three?", "help"),
        follow_up_delay=3.0,
    ),
    "empty_deltas": _quirk(Quirk.EMPTY_DELTAS, "deltas without text between the others"),
    "completed_differs": Scenario(
        about="message.completed corrects what the deltas said",
        chunks=("The chance is ", "50$\\%$", ", it", "s even."),
        completed="The chance is 50%, it's even.",
    ),
    "no_completed": _quirk(Quirk.NO_COMPLETED, "no message.completed for the answer"),
    "no_message_ids": _quirk(Quirk.NO_MESSAGE_IDS, "messages without an id"),
    "missing_fields": _quirk(Quirk.MISSING_FIELDS, "messages without type and content_type"),
    "null_fields": _quirk(Quirk.NULL_FIELDS, "null where a value is expected"),
    "late_audio": _quirk(Quirk.LATE_AUDIO, "audio.delta after chat.completed"),
    "silence": Scenario(about="a turn without any answer message", reply=""),
    "verbose": _quirk(Quirk.VERBOSE, "verbose messages of every kind"),
    "knowledge": _quirk(Quirk.KNOWLEDGE, "a knowledge message before the answer"),
    "tool_noise": _quirk(Quirk.TOOL_NOISE, "function_call and tool_response messages"),
    "unknown_events": _quirk(Quirk.UNKNOWN_EVENTS, "events nobody has heard of"),
    "tools": Scenario(
        about="requires_action: the agent waits for a local plugin",
        tools=(ToolCall("get_rain_probability", '{"location":"河南"}'),),
    ),
    "needs_reply": Scenario(
        about="requires_action: a question node waits for the user's next message",
        reply="Which city do you mean?",
        needs_reply=True,
    ),
}

_OBJECTS = {
    "skeleton_action": _quirk(Quirk.SKELETON_ACTION, "required_action full of empty strings"),
    "null_error_code": _quirk(Quirk.NULL_ERROR_CODE, 'last_error {"code":null,"msg":""}'),
    "usage_zero": _quirk(Quirk.USAGE_ZERO, "usage all zero"),
    "usage_absent": _quirk(Quirk.USAGE_ABSENT, "no usage at all"),
    "studio_spelling": _quirk(Quirk.STUDIO_SPELLING, "cancelled and required_action"),
}

_BYTES = {
    "space": _quirk(Quirk.SPACE, "a space after every colon"),
    "crlf": _quirk(Quirk.CRLF, "lines end with CRLF"),
    "shuffled_keys": _quirk(Quirk.SHUFFLED_KEYS, "JSON keys in another order in each frame"),
    "raw_separators": Scenario(
        about="U+2028, U+2029 and U+0085 unescaped in a data line",
        chunks=("one\u2028", "two\u2029", "three\u0085", "four"),
        quirks=frozenset({Quirk.RAW_SEPARATORS}),
    ),
    "ping": _quirk(Quirk.PING, "PING events"),
    "comments": _quirk(Quirk.COMMENTS, "comment, id: and retry: lines"),
    "byte_by_byte": Scenario(
        about="one byte at a time, cutting every character",
        chunks=("你好，", "世界 ", "🌍", " – naïve ", "👩‍👩‍👧"),
        grain=1,
    ),
    "odd_cuts": Scenario(
        about="seven bytes at a time",
        chunks=("你好，", "世界 ", "🌍", " – naïve ", "👩‍👩‍👧"),
        grain=7,
    ),
    "ten_words": Scenario(about="no fault: ten short words", chunks=_TEN),
}

FAULTS: Mapping[str, Scenario] = MappingProxyType(
    {
        name: replace(fault, name=name)
        for family in (_REFUSALS, _LOST, _ENDINGS, _ANSWERS, _OBJECTS, _BYTES)
        for name, fault in family.items()
    }
)
