"""The bytes of files, in and out; not by methods, but at addresses of their own."""

from typing import TYPE_CHECKING

from aiohttp import BodyPartReader, web

from tests.platforms.faults import Drop, before, cut
from tests.platforms.journal import Call
from tests.slack.emulator.errors import Refused, bad
from tests.slack.emulator.files import LOGIN, File

if TYPE_CHECKING:
    from tests.slack.emulator.emulator import Emulator


def add_routes(app: web.Application, emulator: "Emulator") -> None:
    """Register where files are read and written. Faults know it as `upload` and `download`."""

    async def upload(request: web.Request) -> web.StreamResponse:
        return await _upload(request, emulator)

    async def download(request: web.Request) -> web.StreamResponse:
        return await _download(request, emulator)

    app.router.add_post("/upload/{file}", upload)
    app.router.add_get("/files-pri/{file}/{name}", download)
    app.router.add_get("/files-pri/{file}/download/{name}", download)


async def _upload(request: web.Request, emulator: "Emulator") -> web.StreamResponse:
    """The second step of an upload: the bytes, bare or in a form."""
    call = emulator.journal.begin("upload")
    fault = emulator.faults.about(call.method, None)
    try:
        if (response := await before(request, fault)) is not None:
            return response
        file = emulator.files.upload(request.match_info["file"], await _bytes(request))
        file.shown_token = "Authorization" in request.headers
    except Refused as refused:
        return _refused(emulator, call, refused)
    _end(emulator, call, 200)
    if fault.drop is Drop.AFTER:
        return cut(request)
    return web.Response(text=f"OK - {len(file.data or b'')}")


async def _bytes(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.filename is not None:
            return bytes(await part.read(decode=True))
    raise bad("no file in the form")


async def _download(request: web.Request, emulator: "Emulator") -> web.StreamResponse:
    """A file's bytes; whoever may not have them is led to the page to sign in, with status 200."""
    call = emulator.journal.begin("download")
    fault = emulator.faults.about(call.method, None)
    try:
        if (response := await before(request, fault)) is not None:
            return response
        file = _readable(request, emulator)
    except Refused as refused:
        return _refused(emulator, call, refused)
    if file is None:
        _end(emulator, call, 200, "sign in")
        return web.Response(text=LOGIN, content_type="text/html")
    if file.moved:
        _end(emulator, call, 302)
        return web.Response(status=302, headers={"Location": file.moved})
    _end(emulator, call, 200)
    return await _sent(request, file, cut_off=fault.drop is Drop.AFTER)


def _readable(request: web.Request, emulator: "Emulator") -> File | None:
    """The file, or None for who may not read it. Raises `Refused` where there is none."""
    try:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        emulator.tokens.check(given).check_scope("files:read")
    except Refused:
        return None
    try:
        return emulator.files.find(request.match_info["file"])
    except Refused as refused:
        raise Refused(refused.error, status=404) from refused


async def _sent(request: web.Request, file: File, *, cut_off: bool) -> web.StreamResponse:
    data = file.data or b""
    answer = web.StreamResponse(
        headers={"Content-Type": file.mime, "Content-Length": str(len(data))}
    )
    await answer.prepare(request)
    await answer.write(data[: len(data) // 2] if cut_off else data)
    if cut_off:
        cut(request)
    return answer


def _refused(emulator: "Emulator", call: Call, refused: Refused) -> web.Response:
    status = refused.status if refused.status != 200 else 400
    _end(emulator, call, status, refused.error)
    return web.Response(status=status, text=refused.error, headers=refused.headers)


def _end(emulator: "Emulator", call: Call, status: int, description: str = "") -> None:
    emulator.journal.end(call, status, description)
    emulator.changed()
