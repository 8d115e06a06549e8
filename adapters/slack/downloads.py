"""Reading files that people shared. The token goes to Slack, and to nobody else.

Slack answers whoever may not read a file with its page to sign in, by a redirect and status 200.
https://docs.slack.dev/reference/objects/file-object#authentication
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
from yarl import URL

from adapters.slack.calls import Calls, opened
from adapters.slack.faults import as_bridge_errors
from adapters.slack.media import address_of, file_and_address
from adapters.slack.place import Spot, spot
from adapters.slack.tiers import FILE_INFO
from bridge.adapter import Download
from bridge.errors import (
    Gone,
    Permanent,
    RateLimited,
    Rejected,
    Transient,
    Unauthorised,
    Unreachable,
)
from bridge.events import Attachment, ChatRef
from bridge.foreign import fields
from bridge.logs import get

log = get(__name__)

_SLACK = "slack.com"
_HOPS = 5  # redirects
_PIECE = 65_536  # bytes
# Seconds; the session's own is for calls, and a large file takes longer than one.
PATIENCE = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=30.0)
_ANSWERS = frozenset({200, 206})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_DENIED = frozenset({401, 403})
_NOT_THERE = frozenset({404, 410})
_OWN_FORMAT = "application/vnd.slack-"  # canvases and lists, which are no files


class Downloads:
    """api_base_url: where Slack is; files may lie there, and at slack.com."""

    def __init__(self, calls: Calls, api_base_url: str) -> None:
        self._calls = calls
        self._home = URL(api_base_url)

    @asynccontextmanager
    async def fetch(self, chat: ChatRef, attachment: Attachment) -> AsyncIterator[Download]:
        """See `bridge.adapter.BringsFiles`."""
        if attachment.mime.startswith(_OWN_FORMAT):
            raise Rejected("a canvas is no file", code=attachment.mime)
        async with AsyncExitStack() as stack:
            answer = await self._answer(stack, spot(chat), attachment)
            yield Download(_pieces(answer), answer.content_length, answer.content_type)

    async def _answer(
        self, stack: AsyncExitStack, there: Spot, attachment: Attachment
    ) -> aiohttp.ClientResponse:
        """What Slack answers; where it refuses, it is asked why, and tried once more."""
        file, address = file_and_address(attachment.ref)
        answer = await self._get(stack, there, address, attachment) if address else None
        if answer is None:
            address = await self._look_up(there, file)
            answer = await self._get(stack, there, address, attachment)
        if answer is None:
            _lacks_scope(there, "Slack wants somebody to sign in")
            raise Rejected("Slack does not hand the file out", code="sign_in")
        return answer

    async def _look_up(self, there: Spot, file: str) -> str:
        """Ask for a file's address: Slack tells none of a file from another organisation."""
        try:
            told = await self._calls.make(there, FILE_INFO, file=file)
        except Unauthorised as error:
            if error.code != "missing_scope":
                raise
            _lacks_scope(there, str(error))
            raise Rejected("the app may not read files", code=error.code) from error
        except Gone:
            raise
        except Permanent as error:
            raise Rejected(error.message, code=error.code) from error
        address = address_of(fields(told.get("file")))
        if not address:
            raise Rejected("Slack tells no address of the file", code="no_address")
        return address

    async def _get(
        self, stack: AsyncExitStack, there: Spot, address: str, wanted: Attachment
    ) -> aiohttp.ClientResponse | None:
        """Read an address of Slack's; None if it refuses. Follows redirects only within Slack."""
        client = (await self._calls.workspace(there)).client
        session = opened(client)
        headers = {"Authorization": f"Bearer {client.token}", "Accept-Encoding": "identity"}
        at = self._checked(address)
        for _ in range(_HOPS):
            with as_bridge_errors():
                answer = await stack.enter_async_context(
                    session.get(at, headers=headers, allow_redirects=False, timeout=PATIENCE)
                )
            if answer.status not in _REDIRECTS:
                return _judged(answer, wanted)
            at = self._checked(answer.headers.get("Location", ""), at)
        raise Rejected("Slack redirects without an end")

    def _checked(self, address: str, base: URL | None = None) -> URL:
        """Raises `Rejected` for an address that is none of Slack's, which must see no token."""
        try:
            at = base.join(URL(address)) if base else URL(address)
            if self._is_slacks(at):
                return at
        except ValueError as error:
            raise Rejected("the file's address is none") from error
        log.warning("file.elsewhere", host=at.host)
        raise Rejected("the file is not at Slack", code=at.host)

    def _is_slacks(self, at: URL) -> bool:
        if at.user is not None or at.password is not None:
            return False
        if at.origin() == self._home.origin():
            return True
        homes = (_SLACK, self._home.host or _SLACK)
        host = at.host or ""
        within = any(host == home or host.endswith(f".{home}") for home in homes)
        return at.scheme == "https" and at.is_default_port() and within


def _judged(answer: aiohttp.ClientResponse, wanted: Attachment) -> aiohttp.ClientResponse | None:
    """The answer, if it is the file; None if whoever asks may not read it."""
    status = answer.status
    if status in _ANSWERS:
        return None if _is_sign_in(answer, wanted) else answer
    if status in _DENIED:
        return None
    if status in _NOT_THERE:
        raise Gone("the file is not there any more", code=status)
    if status == 429:
        after = answer.headers.get("Retry-After", "")
        wait = float(after) if after.isdigit() else None
        raise RateLimited("Slack wants fewer downloads", code=status, retry_after=wait)
    if status >= 500:
        raise Unreachable("Slack is in trouble", code=status)
    raise Rejected("Slack does not hand the file out", code=status)


def _is_sign_in(answer: aiohttp.ClientResponse, wanted: Attachment) -> bool:
    """A page in the place of a file; a file may be a page itself, as long as it was told."""
    if answer.content_type != "text/html":
        return False
    return wanted.mime != "text/html" or answer.content_length != wanted.size


async def _pieces(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        with as_bridge_errors():
            async for piece in answer.content.iter_chunked(_PIECE):
                yield piece
    except Transient as error:
        raise Unreachable("the file broke off") from error


def _lacks_scope(there: Spot, error: str) -> None:
    """Tell the operator; whoever sent the file only hears that it cannot be read."""
    cure = "give the app the scope files:read and install it again"
    log.error("file.not_read", team=there.team, error=error, cure=cure)
