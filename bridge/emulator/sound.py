"""Sound that can be played: a short hum for every word, as the emulator has no voice. Pure."""

import io
import struct
import wave
from base64 import b64decode
from collections.abc import Iterator, Sequence
from math import pi, sin

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

_SAMPLES = 480  # at 48 kHz, in a packet
_PRE_SKIP = 312  # samples that the decoder needs to settle
_SERIAL = 7
_PER_PAGE = 50  # packets: half a second, so that a player can seek
_FIRST, _LAST = 2, 4  # flags of a page
_RATE = 24_000  # of PCM and WAV, as Coze speaks
_MP3_SILENCE = b"\xff\xfb\x90\x64" + bytes(413)  # a frame of 26 ms at 44.1 kHz


def hums(text: str, most: int = 60) -> tuple[bytes, ...]:
    """Return the Opus packets of a text: a hum for each word."""
    return HUM * max(1, min(len(text.split()), most))


def ogg(packets: Sequence[bytes]) -> bytes:
    """Put Opus packets into a file (RFC 3533, RFC 7845)."""
    return b"".join(_pages(packets))


def _pages(packets: Sequence[bytes]) -> Iterator[bytes]:
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, _PRE_SKIP, 48_000, 0, 0)
    vendor = b"coze-bridge emulator"
    tags = b"OpusTags" + struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", 0)
    yield _page([head], 0, 0, _FIRST)
    yield _page([tags], 1, 0, 0)
    for number, start in enumerate(range(0, len(packets), _PER_PAGE)):
        end = min(start + _PER_PAGE, len(packets))
        flag = _LAST if end == len(packets) else 0
        yield _page(packets[start:end], number + 2, end * _SAMPLES, flag)


def _page(packets: Sequence[bytes], number: int, samples: int, flag: int) -> bytes:
    lacing = bytes(size for packet in packets for size in _laced(len(packet)))
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, flag, samples, _SERIAL, number, 0, len(lacing))
    page = head + lacing + b"".join(packets)
    return page[:22] + struct.pack("<I", _checksum(page)) + page[26:]


def _laced(size: int) -> tuple[int, ...]:
    return (255,) * (size // 255) + (size % 255,)


def _table() -> tuple[int, ...]:
    def entry(byte: int) -> int:
        value = byte << 24
        for _ in range(8):
            value = (value << 1) ^ (0x04C11DB7 if value & 0x80000000 else 0)
        return value & 0xFFFFFFFF

    return tuple(entry(byte) for byte in range(256))


_TABLE = _table()


def _checksum(page: bytes) -> int:
    """Compute Ogg's own CRC-32, which no library function is: not reflected, starting at 0."""
    value = 0
    for byte in page:
        value = ((value << 8) & 0xFFFFFFFF) ^ _TABLE[(value >> 24) ^ byte]
    return value


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
            return ogg(hums(text)), "audio/ogg"
        case "wav":
            return wav(pcm(text)), "audio/wav"
        case "pcm":
            return pcm(text), "audio/pcm"
        case _:
            return _MP3_SILENCE * (len(hums(text)) * 10 // 26 + 1), "audio/mpeg"
