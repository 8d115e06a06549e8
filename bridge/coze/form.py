"""A file as the body of a form, framed piece by piece while it is read: no I/O of its own.

httpx can send a file in a form only out of memory or out of a blocking file, so the few lines of
multipart/form-data (RFC 7578) that one file needs are written here.
"""

from collections.abc import Callable
from secrets import token_hex
from typing import Self

from bridge.clean import clean
from bridge.errors import BridgeError, Rejected, Unreachable
from bridge.filenames import extension, harmless
from bridge.upstream import Upload


class Form:
    """One file in one part. It is iterated once, because its content is read once.

    headers: of the request; with the length of the body, where the size of the file is known.
    moved: called before each piece is read, so when the one before has gone.
    """

    def __init__(self, file: Upload) -> None:
        boundary = f"----bridge{token_hex(16)}"
        self.moved: Callable[[], None] = _nothing
        self._trouble: Exception | None = None
        self._file = file
        self._left = file.size
        self._head = _head(file, boundary)
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._ended = False
        self.headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
        if file.size is not None:
            length = len(self._head) + file.size + len(self._tail)
            self.headers["content-length"] = str(length)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        self.moved()
        if self._head:
            head, self._head = self._head, b""
            return head
        if self._ended:
            raise StopAsyncIteration
        try:
            return await self._piece()
        except Exception as error:
            self._trouble = error
            raise

    async def _piece(self) -> bytes:
        """Return the next bytes of the file, then the tail.

        A file that is not as long as was said would leave the far side waiting, or end it in
        the middle. Raises `Rejected` for one that is longer, `Unreachable` for one that was cut.
        """
        piece = await anext(self._file.content, None)
        if piece is None:
            self._ended = True
            if self._left:
                raise Unreachable(f"the file ended {self._left} bytes too early")
            return self._tail
        if self._left is not None:
            self._left -= len(piece)
            if self._left < 0:
                raise Rejected(f"the file is longer than the {self._file.size} bytes it should be")
        return piece

    def failed(self) -> BridgeError | None:
        """Return what the file's own source raised; the HTTP stack hides it from its caller.

        Raises one that is a bug.
        """
        if self._trouble is None or isinstance(self._trouble, BridgeError):
            return self._trouble
        raise self._trouble


def _nothing() -> None:
    """Nobody watches."""


def _head(file: Upload, boundary: str) -> bytes:
    kind = file.mime if _is_type(file.mime) else "application/octet-stream"
    # Whoever sent the file has chosen its name: it may end no header, and lead into no folder.
    # It goes as UTF-8, in quotes: RFC 7578 forbids the `filename*` of mails here.
    name = harmless(clean(file.name), extension(file.name))
    return (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f"Content-Type: {kind}\r\n\r\n"
    ).encode()


def _is_type(mime: str) -> bool:
    return "/" in mime and mime.isascii() and mime.isprintable() and " " not in mime
