"""`/_emulator/…`: what tests in other processes, and people with curl, ask the emulator."""

import json
from dataclasses import asdict
from urllib.parse import quote

from aiohttp import web

from bridge.emulator.emulator import Emulator
from bridge.emulator.faults import FAULTS
from bridge.emulator.picture import picture as bridge_picture
from bridge.emulator.scenario import Scenario, describe, parse
from bridge.emulator.views import Body


def log(emulator: Emulator) -> web.Response:
    """Show every question, accepted or not, what was thought of answers, and what was spoken."""
    return web.json_response(
        {
            "asked": [asdict(question) for question in emulator.asked],
            "refused": [asdict(question) for question in emulator.refused],
            "opinions": [asdict(opinion) for opinion in emulator.opinions],
            "spoken": emulator.audio.spoken,
        }
    )


def state(emulator: Emulator) -> web.Response:
    """Show how much there is, which requests came, and which faults are known."""
    chats = emulator.archive.chats.values()
    body: Body = {
        "conversations": len(emulator.archive.conversations),
        "chats": len(chats),
        "running": [chat.id for chat in chats if chat.status.running],
        "files": len(emulator.files.all),
        "calls": dict(emulator.calls),
        "scenarios": [dict(describe(scenario)) for scenario in emulator.playbook.scenarios],
        "faults": {name: fault.about for name, fault in FAULTS.items()},
    }
    return web.json_response(body)


def file(request: web.Request, emulator: Emulator) -> web.Response:
    """Give an upload back, byte for byte; Coze itself never does."""
    stored = emulator.files.all.get(request.match_info["file_id"])
    if stored is None:
        return web.json_response({"error": "no such file"}, status=404)
    headers = {"x-file-name": quote(stored.name)}
    return web.Response(body=stored.content, headers=headers)


def picture() -> web.Response:
    """Show the bridge."""
    return web.Response(body=bridge_picture(), content_type="image/png")


async def install(request: web.Request, emulator: Emulator) -> web.Response:
    """Install a scenario: its JSON, or `{"fault": NAME}` with any of match, times, endpoint."""
    body = await request.read()
    try:
        scenario = _scenario(body)
    except ValueError as error:  # pydantic's is one as well
        return web.json_response({"error": str(error)}, status=400)
    emulator.install(scenario)
    return web.json_response(dict(describe(scenario)), status=201)


def _scenario(body: bytes) -> Scenario:
    """Raises `pydantic.ValidationError`, or `ValueError` for a fault nobody knows."""
    told = json.loads(body)
    if not isinstance(told, dict) or "fault" not in told:
        return parse(body)
    name = str(told.pop("fault"))
    if name not in FAULTS:
        raise ValueError(f"no fault is called {name!r}; there are {', '.join(FAULTS)}")
    return parse(json.dumps({**describe(FAULTS[name]), **told}).encode())


def uninstall(emulator: Emulator) -> web.Response:
    """Remove all scenarios."""
    emulator.uninstall()
    return web.Response(status=204)
