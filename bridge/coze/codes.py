"""What Coze's error codes mean: one table from a code to a class of `bridge.errors`.

Sources: the official table of error codes (coze.cn, Dec 2025), measurements of HTTP statuses
(an expired token is HTTP 200 with 4101 on `/v3/chat`, HTTP 401 with 700012006 elsewhere), and
coze-studio's server for its own nine-digit codes.
"""

from dataclasses import dataclass

from bridge.errors import (
    BridgeError,
    Exhausted,
    Gone,
    Occupied,
    Permanent,
    RateLimited,
    Rejected,
    Transient,
    Unauthorised,
    Unreachable,
)
from bridge.upstream import ConversationLost

NO_PERMISSION = 4101
"""The token is good but may not do this; on `/v3/chat` also any wrong token."""

NOT_CANCELLABLE = frozenset({4104, 103200005})
"""Refusals to cancel a chat because it has ended already (Coze, coze-studio)."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """How one code reads.

    kind: the class to raise; says: one plain clause for the operator.
    ran: refused or failed after work may have begun, so the question may be in the conversation.
    """

    kind: type[BridgeError]
    says: str
    ran: bool = False


_KEY = "the token is wrong, expired or from the other region (coze.cn, coze.com)"
_LENGTH = "a field of the request is over its limit"

MEANINGS: dict[int, Meaning] = {
    # the request
    4000: Meaning(Permanent, "the request is malformed, or the path does not exist"),
    4003: Meaning(Permanent, _LENGTH),
    4004: Meaning(Permanent, _LENGTH),
    4007: Meaning(Permanent, "an unstreamed chat needs auto_save_history"),
    4012: Meaning(Permanent, "the agent's model does not exist"),
    4015: Meaning(Permanent, "the agent is not published to the API channel"),
    4021: Meaning(Permanent, "the agent's workflow is not configured"),
    4104: Meaning(Permanent, "the chat has ended and cannot be cancelled"),
    4201: Meaning(Permanent, "the member exists already"),
    4315: Meaning(Permanent, "the run has ended and cannot be resumed"),
    # things that are not there (any more), or belong to somebody else
    4001: Meaning(Gone, "the chat does not exist"),
    4002: Meaning(ConversationLost, "the conversation does not exist"),
    4005: Meaning(Gone, "the message does not exist"),
    4006: Meaning(Gone, "the agent does not exist, or the token may not use it"),
    4200: Meaning(Gone, "the resource does not exist"),
    4314: Meaning(Gone, "the run does not exist"),
    # the content
    4010: Meaning(Rejected, "the prompt is too long for the model: clear the context"),
    4014: Meaning(Rejected, "the agent cannot answer this"),
    4105: Meaning(Rejected, "the content is considered sensitive"),
    4300: Meaning(Rejected, "the file is empty"),
    4301: Meaning(Rejected, "only one file at a time"),
    4302: Meaning(Rejected, "the file is too large"),
    4303: Meaning(Rejected, "the type of the file is not supported"),
    4304: Meaning(Rejected, "the file is broken"),
    # again later
    4009: Meaning(Transient, "Coze is busy"),
    4013: Meaning(Transient, "the model failed", ran=True),
    4016: Meaning(Occupied, "the conversation has a running chat"),
    4020: Meaning(RateLimited, "the model's requests per minute are used up"),
    # Slow to lift, but it lifts (official table); nothing in the text itself is refused.
    4102: Meaning(Transient, "Coze's risk control held the request back"),
    5000: Meaning(Transient, "internal error at Coze", ran=True),
    # money
    4008: Meaning(Exhausted, "the agent's daily quota is used up"),
    4011: Meaning(Exhausted, "the balance of Coze tokens is used up"),
    4019: Meaning(Exhausted, "the Volcano Engine balance is used up"),
    4022: Meaning(Exhausted, "the model's account is in arrears"),
    # the key. 4101 says "no permission", but is also the answer to any wrong token on /v3/chat.
    4100: Meaning(Unauthorised, _KEY),
    4101: Meaning(Unauthorised, f"the token lacks the permission, or {_KEY}"),
    700012006: Meaning(Unauthorised, _KEY),
    # workflows inside an agent
    6003: Meaning(Permanent, "asynchronous runs need a paid plan"),
    6020: Meaning(Permanent, "a plugin's URL is not usable"),
    # Repeating it would run, and bill, the same slow workflow again: left to the user.
    6023: Meaning(Permanent, "the workflow took too long"),
    6031: Meaning(Permanent, "the workflow is not published"),
    6039: Meaning(Permanent, "the workflow cannot be interrupted"),
    # older names of "not published to the API channel, or not permitted"
    702242002: Meaning(Permanent, "the agent is not published to the API channel"),
    702242003: Meaning(Permanent, "the agent is not published, or the token may not use it"),
    # coze-studio
    103000000: Meaning(Permanent, "the request is malformed"),
    103000001: Meaning(Unauthorised, "the token lacks the permission"),
    103000002: Meaning(ConversationLost, "the conversation does not exist"),
    103100001: Meaning(Transient, "the agent failed while running", ran=True),
    103200001: Meaning(Gone, "the message does not exist"),
    103200003: Meaning(Gone, "the chat does not exist"),
    103200005: Meaning(Permanent, "the chat has ended and cannot be cancelled"),
    777777775: Meaning(Permanent, "the workflow failed"),
}

# The free plan ends after 500 calls with a code that no document names, so money is
# recognised by its words.
_MONEY = ("quota", "balance", "arrears", "exceeded the limit", "余额", "额度", "欠费", "配额")


def error_for(
    code: int | None,
    msg: str,
    logid: str | None,
    *,
    http_status: int | None = None,
    happened: bool = False,
    retry_after: float | None = None,
) -> BridgeError:
    """Build the error for a failed call or chat.

    code: Coze's; None where the answer had none, then `http_status` decides.
    happened: the question may have arrived; only transient errors carry it.
    retry_after: seconds, from a Retry-After header.
    """
    meaning = MEANINGS.get(code or 0) or _by_status(http_status) or _by_words(msg)
    text = f"{meaning.says}: {msg}" if msg else meaning.says
    told = code if code is not None else http_status
    if issubclass(meaning.kind, Transient):
        return meaning.kind(
            text, code=told, logid=logid, retry_after=retry_after, happened=happened
        )
    return meaning.kind(text, code=told, logid=logid)


def may_have_run(code: int | None, http_status: int) -> bool:
    """Tell whether a request answered like this may have taken effect all the same."""
    meaning = MEANINGS.get(code or 0)
    if meaning is not None:
        return meaning.ran
    # A gateway that gives up, or a page instead of an answer, says nothing about the server
    # behind it.
    return http_status >= 500 or (code is None and http_status < 400)


def _by_status(status: int | None) -> Meaning | None:
    """Judge an answer with an unknown code, or none, by its HTTP status."""
    if status in (401, 403):
        return Meaning(Unauthorised, f"HTTP {status}, {_KEY}")
    if status == 413:  # a gateway's limit, lower than Coze's own
        return Meaning(Rejected, "too large")
    if status == 429:
        return Meaning(RateLimited, "too many requests")
    if status is not None and status >= 500:
        return Meaning(Unreachable, f"HTTP {status}")
    return None


def _by_words(msg: str) -> Meaning:
    if any(word in msg.lower() for word in _MONEY):
        return Meaning(Exhausted, "a quota or a balance is used up")
    return Meaning(Permanent, "Coze refused or failed")
