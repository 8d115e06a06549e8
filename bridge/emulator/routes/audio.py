"""Speech: recordings written down, and texts read aloud."""

from typing import Literal

from aiohttp import web
from pydantic import BaseModel, Field

from bridge.emulator.call import Call, Route
from bridge.emulator.routes.files import taken
from bridge.emulator.shelves import StoredFile
from bridge.emulator.sound import spoken
from bridge.emulator.state import refused

LARGEST_RECORDING = 10 * 1024 * 1024  # bytes
LONGEST_TEXT = 1024  # bytes of UTF-8
_TYPES = "opus ogg mp3 wav m4a mp4 pcm raw spx aac amr"


async def transcribe(call: Call) -> web.Response:
    """Tell what a recording says: what a test has decided, for nobody listens here."""
    recording = await taken(call, LARGEST_RECORDING)
    stored = call.emulator.files.checked(call.caller, recording, _TYPES)
    audio = call.emulator.audio
    audio.recordings.append(stored)
    call.emulator.changed()
    text = audio.transcripts.popleft() if audio.transcripts else _about(stored)
    return call.ok({"text": text})


def _about(recording: StoredFile) -> str:
    return f"This is a recording of {recording.size} bytes."


class SpeechBody(BaseModel):
    """What to say, and how."""

    input: str = Field(min_length=1)
    voice_id: str = Field(min_length=1)
    response_format: Literal["mp3", "wav", "pcm", "ogg_opus"] = "mp3"
    speed: float = Field(default=1, ge=0.2, le=3)


async def speak(call: Call) -> web.Response:
    """Hum a text. The body is the file itself; only errors are JSON."""
    body = await call.body(SpeechBody)
    if len(body.input.encode()) > LONGEST_TEXT:
        raise refused(4000, f"Request parameter error: input has more than {LONGEST_TEXT} bytes")
    call.emulator.audio.spoken.append((body.input, body.voice_id, body.response_format))
    call.emulator.changed()
    sound, kind = spoken(body.input, body.response_format)
    return web.Response(body=sound, content_type=kind, headers={"x-tt-logid": call.logid})


ROUTES = (
    Route("POST", "/v1/audio/transcriptions", transcribe),
    Route("POST", "/v1/audio/speech", speak),
)
