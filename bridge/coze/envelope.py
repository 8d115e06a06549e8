"""The frame around every JSON answer of Coze, `{"code", "msg", "data", "detail"}`: pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bridge.clean import clean
from bridge.coze.codes import error_for, may_have_run
from bridge.coze.wire import Json, child, decode, number, reason, word
from bridge.errors import BridgeError, Permanent, Unreachable

_LOGID_HEADERS = ("x-tt-logid", "x-log-id")  # Coze, coze-studio


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response that was read to its end. Header names ignore case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Success:
    """A whole envelope, because where the payload is differs by endpoint."""

    envelope: Json
    logid: str | None

    @property
    def data(self) -> Json:
        """The payload of a call that has an object. Raises `Unreachable` where it is missing."""
        data = child(self.envelope, "data")
        if not data:
            raise Unreachable("an answer without data", logid=self.logid, happened=True)
        return data


def opened(reply: Reply) -> Success:
    """Return what a success carries.

    `code == 0` is the only success; the HTTP status counts where the body says nothing (the
    same error is HTTP 200 on one endpoint and 401 on another). Raises by code.
    """
    value = decode(reply.body)
    if not isinstance(value, dict):
        raise _not_ours(reply)
    if number(value, "code") == 0 and reply.status < 400:
        return Success(value, _logid(reply, value))
    raise _refusal(reply, value)


def logid_of(headers: Mapping[str, str]) -> str | None:
    """Find the log id, which Coze's support asks for."""
    return next((headers[name] for name in _LOGID_HEADERS if headers.get(name)), None)


def _refusal(reply: Reply, value: Json) -> BridgeError:
    code = number(value, "code") or number(value, "error_code") or None
    if code is None and reply.status < 400:
        return _not_ours(reply)
    return error_for(
        code,
        clean(reason(value) or word(value, "error_message"))[:500],
        _logid(reply, value),
        http_status=reply.status,
        happened=may_have_run(code, reply.status),
        retry_after=_retry_after(reply.headers),
    )


def _logid(reply: Reply, value: Json) -> str | None:
    told = child(value, "detail") or child(value, "error")
    return word(told, "logid") or logid_of(reply.headers)


def _not_ours(reply: Reply) -> BridgeError:
    """Judge an answer that Coze's servers cannot have meant: a gateway's page, a portal's."""
    logid = logid_of(reply.headers)
    if reply.status >= 400:
        return error_for(
            None,
            "",
            logid,
            http_status=reply.status,
            happened=may_have_run(None, reply.status),
            retry_after=_retry_after(reply.headers),
        )
    if reply.status >= 300:
        where = reply.headers.get("location", "elsewhere")
        return Permanent(f"redirected to {where}: is base_url right?", code=reply.status)
    kind = reply.headers.get("content-type") or "no content-type"
    return Unreachable(
        f"not an answer of Coze ({kind})", code=reply.status, logid=logid, happened=True
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After, seconds or a date, as seconds from now."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal() and len(value) < 9:
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # a year of twenty digits is the other
        return None
    if when.tzinfo is None:  # "-0000", which the mail format reads as unknown
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
