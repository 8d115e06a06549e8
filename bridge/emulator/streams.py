"""The connection: frames from a tape to a socket, and every way to break it."""

import asyncio

from aiohttp import web

from bridge.emulator.call import Call
from bridge.emulator.performance import Performance
from bridge.emulator.scenario import Cut, Drop

_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def closed(request: web.Request) -> web.Response:
    """Close the connection without a byte; what is returned is never sent."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()


async def stream(call: Call, performance: Performance) -> web.StreamResponse:
    """Send what the chat says as it says it. The chat goes on when the reader leaves."""
    scenario = performance.chat.scenario
    response = web.StreamResponse(headers={**_HEADERS, "x-tt-logid": call.logid})
    response.content_type = "text/event-stream"
    response.charset = "utf-8"
    await response.prepare(call.request)
    if scenario.drop is Drop.HEADERS:
        return _broken(call.request, response)
    try:
        async for piece in performance.tape.read():
            if not isinstance(piece, Cut):
                await _write(response, piece, scenario.grain)
            elif piece in (Cut.ABRUPT, Cut.RESET):
                return _broken(call.request, response)
    except ConnectionError:
        return response  # nobody reads any more
    return response


async def _write(response: web.StreamResponse, frame: bytes, grain: int) -> None:
    if not grain:
        await response.write(frame)
        return
    for start in range(0, len(frame), grain):
        await response.write(frame[start : start + grain])
        await asyncio.sleep(0)  # lets the socket send each piece by itself


def _broken(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Close the connection in the middle of a body that promised more."""
    if request.transport is not None:
        request.transport.close()  # sends what is buffered, then closes; no last chunk
    return response
