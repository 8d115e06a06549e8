"""Sound that can be played: a short hum for every word, as the emulator has no voice. Pure."""

import io
import struct
import wave
from base64 import b64decode
from math import pi, sin

from bridge.ogg import opus_file

_PACKETS = b64decode(
    "AIBkC29uw5ZLLkWsP3fAAKomuG6TP5fcyvGBtz6KAKS0QyJ/O1RA0dkMc53YA0EAswBL+gArI6MMuazQAKaw"
    "UDmgZ1PM/Vn2xI6AA0EAp8wJXMUp1CgTdjAcAwGoQSacGVEpyCz8fGDAAwGmV9q6Dk1wuFFEtEJAAKJ+uroO"
    "TXA4ln5NYkbAAwGlD3q6Dk1w+UktwBo8AKbIoBnh95VNzqyjpDgQAKX8oyglSYbWoY2lXpPQAwGmP5TkMhWN"
    "BMw7OREUA0EAon66ug5OSK+ftUjAAwGf7fq6Dk5JBZ9qbz4MAwGf1bTD29hMwvgmhtMRAJxt3f/XsFO8hh2I"
    "COUkAwEFbvy1Tr+E4JJVrCB4A0EABIYWUCExYaw+xwFAA0EFGkrR1KBW0AAAAAAAA0EHChnxaxQAAAAAAAAA"
)
"""A fifth of a second of a sine, encoded by libopus at 12 kbit/s: packets of 10 ms, 15 bytes."""

_SIZE = 15
HUM = tuple(_PACKETS[at : at + _SIZE] for at in range(0, len(_PACKETS), _SIZE))

_RATE = 24_000  # of PCM and WAV, as Coze speaks
_MP3_SILENCE = b"\xff\xfb\x90\x64" + bytes(413)  # a frame of 26 ms at 44.1 kHz


def hums(text: str, most: int = 60) -> tuple[bytes, ...]:
    """Return the Opus packets of a text: a hum for each word."""
    return HUM * max(1, min(len(text.split()), most))


def pcm(text: str) -> bytes:
    """Hum as signed 16-bit samples, mono, 24 kHz."""
    count = _RATE * len(hums(text)) // 100
    wave_form = (int(8000 * sin(2 * pi * 523 * at / _RATE)) for at in range(count))
    return struct.pack(f"<{count}h", *wave_form)


def wav(samples: bytes) -> bytes:
    """Put such samples into a file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(_RATE)
        sound.writeframes(samples)
    return file.getvalue()


def spoken(text: str, kind: str) -> tuple[bytes, str]:
    """Hum a text. kind: `ogg_opus`, `wav`, `pcm`, `mp3` (which is silent). With its MIME type."""
    match kind:
        case "ogg_opus":
            return opus_file(hums(text)), "audio/ogg"
        case "wav":
            return wav(pcm(text)), "audio/wav"
        case "pcm":
            return pcm(text), "audio/pcm"
        case _:
            return _MP3_SILENCE * (len(hums(text)) * 10 // 26 + 1), "audio/mpeg"
