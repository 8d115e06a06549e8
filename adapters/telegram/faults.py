"""python-telegram-bot's exceptions, translated once into what to do about them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import aiohttp
import httpx
from telegram import error as telegram

from bridge.errors import (
    BridgeError,
    Gone,
    Moved,
    Permanent,
    RateLimited,
    Rejected,
    Unauthorised,
    Unreachable,
)
from bridge.logs import redact

# Beginnings and parts of the server's texts (telegram-bot-api), in lower case.
_GONE = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "message to delete not found",
    "message can't be deleted",
    "chat not found",
    "message thread not found",
    "topic_deleted",
    "topic_closed",
    "user is deactivated",
    "not enough rights",
    "have no rights to send",
    "need administrator rights",
    "bot is not a member",
    "peer_id_invalid",
    "chat_write_forbidden",
    "chat_admin_required",
    "input_user_deactivated",
    "group chat was deactivated",
    "business_connection",
    "business_peer",
    "wrong file_id",
    "temporarily unavailable",
)
_CONTENT = (
    "can't parse",
    "entity",
    "entities",
    "button",
    "reply markup",
    "reply_markup",
    "inline keyboard",
    "url_invalid",
    "http url",
    "message is too long",
    "message_too_long",
    "text is empty",
    "message_empty",
    "text must be non-empty",
    "must be encoded in utf-8",
    "file is too big",
)

# As a cause: they are told in words that do not have the address in them.
_TELLING = (
    httpx.HTTPError,
    telegram.TelegramError,
    aiohttp.ClientConnectionError,
    aiohttp.ClientPayloadError,
)
_NEVER_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
)


class NotModified(Exception):
    """The message shows the page already, which is success."""


@contextmanager
def as_bridge_errors() -> Iterator[None]:
    """Raises `NotModified`, and else what `bridge.adapter.Adapter` promises."""
    try:
        yield
    except telegram.TelegramError as error:
        raise translated(error) from error


def translated(error: telegram.TelegramError) -> BridgeError | NotModified:
    """What to do about an error, most specific first."""
    match error:
        case telegram.RetryAfter():
            return RateLimited(error.message, code=429, retry_after=_seconds(error))
        case telegram.ChatMigrated():
            return Moved(str(error.new_chat_id), code=400)
        case telegram.InvalidToken():  # 401 and 404
            return Unauthorised("Telegram refuses the bot's token", code=401)
        case telegram.Forbidden():
            return Gone(error.message, code=403)
        case telegram.BadRequest():  # before NetworkError, of which it is a kind
            return _refused(error)
        case _:
            return _passing(error)


def _passing(error: telegram.TelegramError) -> BridgeError:
    match error:
        case telegram.Conflict():
            return Unreachable(error.message, code=409)
        case telegram.EndPointNotFound():
            return Permanent(error.message, code=404)
        case _ if _was_never_sent(error):
            return Unreachable("Telegram cannot be reached")
        case _ if (unread := error.__cause__) and not isinstance(unread, _TELLING):
            # The library repeats what it did not expect word for word: the address, which has
            # the token in it, and every header. What is told here may stand in /readyz.
            told = f"Telegram's answer cannot be read ({type(unread).__name__})"
            return Unreachable(told, happened=True)
        case _:  # also a 200 whose body is no JSON: something in between answered
            return Unreachable(redact(error.message), happened=True)


def _refused(error: telegram.BadRequest) -> BridgeError | NotModified:
    text = error.message.lower()
    if "message is not modified" in text:
        return NotModified()
    if any(part in text for part in _GONE):
        return Gone(error.message, code=400)
    if any(part in text for part in _CONTENT):
        return Rejected(error.message, code=400)
    return Permanent(error.message, code=400)


def _seconds(error: telegram.RetryAfter) -> float:
    after = error.retry_after
    return after.total_seconds() if isinstance(after, timedelta) else float(after)


def _was_never_sent(error: BaseException) -> bool:
    """Only a connection that was never made is certain to have carried nothing.

    The library gives a lost connection and a refused one the same name, so the cause decides.
    """
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:  # one that was raised twice may go round
        if isinstance(cause, _NEVER_SENT):
            return True
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__
    return False
