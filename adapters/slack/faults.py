"""slack_sdk's exceptions, translated once into what to do about them."""

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from slack_sdk.errors import SlackApiError

from bridge.errors import BridgeError, Permanent, RateLimited, Unauthorised, Unreachable

_KEY = frozenset(
    {
        "account_inactive",
        "bad_client_secret",
        "invalid_auth",
        "invalid_client_id",
        "invalid_refresh_token",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "token_expired",
        "token_revoked",
    }
)
"""https://docs.slack.dev/reference/methods/auth.test#errors and …/oauth.v2.access#errors"""

_PASSING = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})


@contextmanager
def as_bridge_errors() -> Iterator[None]:
    """Raises what `bridge.adapter.Adapter` promises, and nothing of a library's."""
    try:
        yield
    except SlackApiError as error:
        raise translated(error) from error
    except aiohttp.ClientConnectorError as error:
        raise Unreachable("Slack cannot be reached") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        told = f"Slack's answer did not arrive ({type(error).__name__})"
        raise Unreachable(told, happened=True) from error


def translated(error: SlackApiError) -> BridgeError:
    """What to do about an error, most specific first."""
    word = error_word(error)
    if word == "ratelimited" or _status(error) == 429:
        return RateLimited("Slack wants fewer calls", code=word, retry_after=_seconds(error))
    if word in _KEY:
        return Unauthorised(f"Slack refuses the token: {word}", code=word)
    if word in _PASSING or not word:
        return Unreachable("Slack is in trouble", code=word or _status(error), happened=True)
    return Permanent(f"Slack refuses: {word}", code=word)


def error_word(error: SlackApiError) -> str:
    """Slack's word for it; empty where there was no answer of Slack's own."""
    answer = getattr(error.response, "data", None)
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
