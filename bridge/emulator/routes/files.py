"""Uploads."""

from aiohttp import BodyPartReader, web

from bridge.emulator.call import Call, Route
from bridge.emulator.shelves import LARGEST_FILE, StoredFile
from bridge.emulator.state import refused
from bridge.emulator.views import Body


async def upload(call: Call) -> web.Response:
    """Keep the one part named `file`. More of them is error 4301."""
    found = await _files(call)
    if not found:
        raise refused(4300, "The file is empty: a multipart part named file is required")
    if len(found) > 1:
        raise refused(4301, "Only one file can be uploaded at a time")
    name, content = found[0]
    return call.ok(_view(call.emulator.files.put(call.caller, name, content)))


async def _files(call: Call) -> list[tuple[str, bytes]]:
    if not call.request.content_type.startswith("multipart/"):
        raise refused(4000, "Request parameter error: the body must be multipart/form-data")
    found: list[tuple[str, bytes]] = []
    reader = await call.request.multipart()
    while (part := await reader.next()) is not None:
        if isinstance(part, BodyPartReader) and part.name == "file":
            found.append((part.filename or "", await _content(part)))
    return found


async def _content(part: BodyPartReader) -> bytes:
    content = bytearray()
    while chunk := await part.read_chunk(1 << 16):
        content += chunk
        if len(content) > LARGEST_FILE:
            raise refused(4302, "The file is larger than 512 MB")
    return bytes(content)


async def retrieve(call: Call) -> web.Response:
    """Show what was uploaded; never its content."""
    return call.ok(_view(call.emulator.files.get(call.caller, call.query("file_id"))))


def _view(stored: StoredFile) -> Body:
    return {
        "id": stored.id,
        "bytes": len(stored.content),
        "created_at": stored.created_at,
        "file_name": stored.name,
    }


ROUTES = (
    Route("POST", "/v1/files/upload", upload),
    Route("GET", "/v1/files/retrieve", retrieve),
)
