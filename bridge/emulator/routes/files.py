"""Uploads."""

from aiohttp import BodyPartReader, web

from bridge.emulator.call import Call, Route
from bridge.emulator.shelves import LARGEST_FILE, Intake, StoredFile
from bridge.emulator.state import refused
from bridge.emulator.views import Body


async def upload(call: Call) -> web.Response:
    """Keep the one part named `file`. More of them is error 4301."""
    return call.ok(_view(call.emulator.files.put(call.caller, await taken(call, LARGEST_FILE))))


async def taken(call: Call, limit: int) -> Intake:
    """Take the one file of a form. Raises `Refused` 4000, 4300, 4301, 4302."""
    found = await _files(call, limit)
    if not found:
        raise refused(4300, "The file is empty: a multipart part named file is required")
    if len(found) > 1:
        raise refused(4301, "Only one file can be uploaded at a time")
    return found[0]


async def _files(call: Call, limit: int) -> list[Intake]:
    if not call.request.content_type.startswith("multipart/"):
        raise refused(4000, "Request parameter error: the body must be multipart/form-data")
    found: list[Intake] = []
    reader = await call.request.multipart()
    while (part := await reader.next()) is not None:
        if isinstance(part, BodyPartReader) and part.name == "file":
            found.append(await _file(call, part, limit))
    return found


async def _file(call: Call, part: BodyPartReader, limit: int) -> Intake:
    intake = call.emulator.files.intake(part.filename or "", limit)
    while chunk := await part.read_chunk(1 << 16):
        intake.add(bytes(chunk))
    return intake


async def retrieve(call: Call) -> web.Response:
    """Show what was uploaded; never its content."""
    return call.ok(_view(call.emulator.files.get(call.caller, call.query("file_id"))))


def _view(stored: StoredFile) -> Body:
    return {
        "id": stored.id,
        "bytes": stored.size,
        "created_at": stored.created_at,
        "file_name": stored.name,
    }


ROUTES = (
    Route("POST", "/v1/files/upload", upload),
    Route("GET", "/v1/files/retrieve", retrieve),
)
