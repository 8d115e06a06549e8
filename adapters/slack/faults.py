"""slack_sdk's exceptions, translated once into what to do about them."""

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from slack_sdk.errors import SlackApiError

from bridge.errors import (
    BridgeError,
    Departed,
    Gone,
    Permanent,
    RateLimited,
    Rejected,
    Unauthorised,
    Unreachable,
)

NOT_STREAMING = "message_not_in_streaming_state"
STILL_STREAMING = "streaming_state_conflict"
NO_MEMBER = frozenset({"channel_not_found", "no_permission", "not_in_channel"})
"""Also of a private channel Slack says that there is none, to an app that is no member."""

_KEY = frozenset(
    {
        "account_inactive",
        "bad_client_secret",
        "invalid_auth",
        "invalid_client_id",
        "invalid_refresh_token",
        "missing_scope",
        "not_allowed_token_type",
        "not_authed",
        "token_expired",
        "token_revoked",
    }
)
"""https://docs.slack.dev/reference/methods/auth.test#errors and …/oauth.v2.access#errors"""

# The others: https://docs.slack.dev/reference/methods/chat.postMessage#errors, chat.update,
# chat.delete and chat.stopStream likewise.
_PLACE = NO_MEMBER | frozenset(
    {
        "cannot_reply_to_message",
        "is_archived",
        "messages_tab_disabled",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_thread_only_channel",
        "thread_locked",
        "thread_not_found",
        "user_disabled",
    }
)
_MESSAGE = frozenset(
    {
        "cant_delete_message",
        "cant_update_message",
        "edit_window_closed",
        "message_not_found",
        "message_not_owned_by_app",
    }
)
_FILE = frozenset({"file_deleted", "file_not_found"})
_CONTENT = frozenset(
    {
        "block_mismatch",
        "blocked_file_type",
        "invalid_arguments",
        "invalid_attachments",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_chunks",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "markdown_text_conflict",
        "metadata_too_large",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "too_many_attachments",
    }
)
_PASSING = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})
# Refused before anything happened.
_NOT_NOW = frozenset({"external_channel_migrating", "org_login_required", "team_added_to_org"})


@contextmanager
def as_bridge_errors() -> Iterator[None]:
    """Raises what `bridge.adapter.Adapter` promises, and nothing of a library's."""
    try:
        yield
    except SlackApiError as error:
        raise translated(error) from error
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise Unreachable("Slack cannot be reached") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        told = f"Slack's answer did not arrive ({type(error).__name__})"
        raise Unreachable(told, happened=True) from error
    except (AttributeError, ValueError) as error:
        # The SDK reads whatever comes as an object, also what a proxy says in its place.
        raise Unreachable("Slack's answer is none", happened=True) from error


def translated(error: SlackApiError) -> BridgeError:
    """What to do about an error, most specific first."""
    word = error_word(error)
    if word in {"ratelimited", "rate_limited"} or _status(error) == 429:
        return RateLimited("Slack wants fewer calls", code=word, retry_after=_seconds(error))
    if word in _KEY:
        return Unauthorised(f"Slack refuses the token: {word}", code=word)
    if word in _NOT_NOW:
        return Unreachable(f"Slack is busy: {word}", code=word)
    if word in _PASSING or not word:
        return Unreachable("Slack is in trouble", code=word or _status(error), happened=True)
    return _refused(word)


def _refused(word: str) -> BridgeError:
    if word in _PLACE:
        return Departed(f"nobody can be told there: {word}", code=word)
    if word in _MESSAGE:
        return Gone(f"the message cannot be changed: {word}", code=word)
    if word in _FILE:
        return Gone(f"the file is not there any more: {word}", code=word)
    if word in _CONTENT:
        return Rejected(f"Slack does not take this: {word}", code=word)
    return Permanent(f"Slack refuses: {word}", code=word)


def error_word(error: SlackApiError) -> str:
    """Slack's word for it; empty where there was no answer of Slack's own."""
    answer = getattr(error.response, "data", error.response)
    return str(answer.get("error", "")) if isinstance(answer, dict) else ""


def _status(error: SlackApiError) -> int:
    """Of slack_sdk's answer, or of aiohttp's where the body was no JSON."""
    for name in ("status_code", "status"):
        status = getattr(error.response, name, None)
        if isinstance(status, int):
            return status
    return 0


def _seconds(error: SlackApiError) -> float:
    after = getattr(error.response, "headers", {}).get("Retry-After", "")
    return float(after) if str(after).isdigit() else 30.0  # Slack always tells; better late
