"""One request with a file in it, which is read while it is sent.

The library wants the whole of a file in memory. What a refusal means is still its business.
"""

import json
import re
import secrets
from collections.abc import AsyncIterator, Mapping

import httpx
from telegram.error import BadRequest, NetworkError, TimedOut
from telegram.request import BaseRequest

from bridge.adapter import Download
from bridge.errors import BridgeError, Rejected
from bridge.foreign import Json, fields

_MIME = re.compile(r"[\w.+-]+/[\w.+-]+")


class Form:
    """A body of type multipart/form-data. part: the parameter that the file is.

    name: of the file. The parameters come first, for the server reads them so.
    """

    def __init__(
        self, asked: Mapping[str, object], part: str, name: str, download: Download
    ) -> None:
        self._boundary = secrets.token_hex(16)
        self._download = download
        parameters = (self._parameter(key, value) for key, value in asked.items())
        self._head = b"".join(parameters) + self._beginning(part, name)
        self._tail = f"\r\n--{self._boundary}--\r\n".encode()
        self.failure: BridgeError | None = None
        """What went wrong while the file was read; Telegram has no part in it then."""

    @property
    def headers(self) -> dict[str, str]:
        """Those of the request; without a length it goes in chunks."""
        told = {"Content-Type": f"multipart/form-data; boundary={self._boundary}"}
        if (size := self._download.size) is not None:
            told["Content-Length"] = str(len(self._head) + size + len(self._tail))
        return told

    async def content(self) -> AsyncIterator[bytes]:
        """The body, once."""
        yield self._head
        try:
            async for piece in self._measured():
                yield piece
        except BridgeError as error:
            self.failure = error
            raise
        yield self._tail

    async def _measured(self) -> AsyncIterator[bytes]:
        """A file that is longer or shorter than was said would break the request apart."""
        size, count = self._download.size, 0
        async for piece in self._download.content:
            count += len(piece)
            if size is not None and count > size:
                break
            yield piece
        if size is not None and count != size:
            raise Rejected("the file is not as large as was said")

    def _parameter(self, name: str, value: object) -> bytes:
        told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        header = f'Content-Disposition: form-data; name="{name}"'
        return f"--{self._boundary}\r\n{header}\r\n\r\n{told}\r\n".encode()

    def _beginning(self, part: str, name: str) -> bytes:
        mime = self._download.mime.partition(";")[0].strip()
        kind = mime if _MIME.fullmatch(mime) else "application/octet-stream"
        header = f'Content-Disposition: form-data; name="{part}"; filename="{_quotable(name)}"'
        return f"--{self._boundary}\r\n{header}\r\nContent-Type: {kind}\r\n\r\n".encode()


def _quotable(name: str) -> str:
    """A name that cannot end its quotes, or its line."""
    return "".join("_" if char in '"\\/' or not char.isprintable() else char for char in name)


class _Upload(BaseRequest):
    """Does one request of the library's, in whose stead it sends a form."""

    def __init__(self, http: httpx.AsyncClient, form: Form) -> None:
        self._http = http
        self._form = form

    @property
    def read_timeout(self) -> float | None:
        return self._http.timeout.read

    async def initialize(self) -> None:
        """There is nothing to acquire."""

    async def shutdown(self) -> None:
        """There is nothing to release."""

    async def do_request(
        self, url: str, method: str, *_: object, **__: object
    ) -> tuple[int, bytes]:
        try:
            answer = await self._http.request(
                method, url, headers=self._form.headers, content=self._form.content()
            )
        except httpx.TimeoutException as error:
            raise TimedOut from error
        except httpx.HTTPError as error:
            raise NetworkError(f"httpx.{type(error).__name__}") from error
        if answer.status_code == 413:  # of a proxy in between, which has no words for it
            raise BadRequest("file is too big")
        return answer.status_code, answer.content


async def upload(http: httpx.AsyncClient, url: str, form: Form) -> Json:
    """Post a form and return the message that came of it. Raises `TelegramError`.

    That may be for no fault of Telegram's; see `Form.failure`.
    """
    return fields(await _Upload(http, form).post(url))
