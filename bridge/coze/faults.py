"""Exceptions of the HTTP stack become `Unreachable`, once, here.

Beneath httpx works aiohttp, and httpx-aiohttp 0.2 gives many of its errors the wrong name: a
server that hangs up on a request it has read is `httpx.ConnectTimeout` too. So what may have
happened is read from the cause, and from httpx's name only where there is none.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import httpx

from bridge.coze.sse import EventTooLarge
from bridge.errors import Unreachable

_NEVER_SENT = (
    aiohttp.ClientConnectorError,  # name lookup, refused, TLS, proxy
    aiohttp.ConnectionTimeoutError,  # connecting, or waiting for a free connection
    aiohttp.ClientHttpProxyError,
)
_NEVER_SENT_HTTPX = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
# Not what is derived from them: a certificate, or a proxy, has to be named.
_NO_CONNECTION = (aiohttp.ClientConnectorError, aiohttp.ClientConnectorDNSError)
_TROUBLE = (httpx.RequestError, aiohttp.ClientError, OSError, TimeoutError, EventTooLarge)


@contextmanager
def calling(logid: str | None = None) -> Iterator[None]:
    """Translate while a request is sent: `happened` tells whether it may have arrived."""
    try:
        yield
    except _TROUBLE as error:
        raise Unreachable(_text(error), logid=logid, happened=not never_sent(error)) from error


@contextmanager
def reading(logid: str | None) -> Iterator[None]:
    """Translate while an answer is read: the request has arrived."""
    try:
        yield
    except _TROUBLE as error:
        raise Unreachable(_text(error), logid=logid, happened=True) from error


def never_sent(error: BaseException) -> bool:
    """Tell whether the request cannot have arrived, because there was no connection."""
    told = _told(error)
    if isinstance(told, aiohttp.ClientError):
        return isinstance(told, _NEVER_SENT)
    return isinstance(told, _NEVER_SENT_HTTPX)


def never_connected(error: Unreachable) -> bool:
    """Tell whether there was no connection at all, and this was known at once."""
    return error.__cause__ is not None and isinstance(
        _told(error.__cause__), aiohttp.ClientConnectorError
    )


def _told(error: BaseException) -> BaseException:
    """What aiohttp said, beneath httpx or by itself."""
    return error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError) else error


def _text(error: Exception) -> str:
    """Name the error; aiohttp's own text has the address, never a header."""
    told = _told(error)
    if isinstance(told, aiohttp.ClientConnectorError) and type(told) in _NO_CONNECTION:
        return f"cannot connect to {told.host}:{told.port}: {_why(told.os_error)}"
    return f"{type(told).__name__}: {told}" if str(told) else type(told).__name__


def _why(error: OSError) -> str:
    """In the system's own words. A name that was not found has a number, below 0, of its own."""
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or str(error)
