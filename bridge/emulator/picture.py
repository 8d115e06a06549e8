"""A picture to show: the bridge at dusk, drawn pixel by pixel. Pure."""

import struct
import zlib
from functools import cache
from math import cos, pi

WIDTH, HEIGHT = 480, 270

_SKY = ((38, 44, 92), (236, 148, 108))
_WATER = (30, 52, 88)
_STONE = (28, 24, 36)
_LAMP = (255, 214, 120)
_SHORE = 190  # rows from the top
_DECK = 120


@cache
def picture() -> bytes:
    """Return the picture as a PNG file."""
    rows = b"".join(b"\0" + bytes(_row(y)) for y in range(HEIGHT))
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    parts = (_part(b"IHDR", head), _part(b"IDAT", zlib.compress(rows, 9)), _part(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _part(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _row(y: int) -> list[int]:
    return [value for x in range(WIDTH) for value in _pixel(x, y)]


def _pixel(x: int, y: int) -> tuple[int, ...]:
    if (x - WIDTH // 2) ** 2 + (y - _DECK + 22) ** 2 < 30:
        return _LAMP
    if _is_bridge(x, y):
        return _STONE
    if y >= _SHORE:
        return _WATER if (x // 7 + y // 3) % 5 else _LAMP
    return tuple(a + (b - a) * y // _SHORE for a, b in zip(*_SKY, strict=True))


def _is_bridge(x: int, y: int) -> bool:
    middle = WIDTH // 2
    deck = _DECK + int(14 * (1 - cos(2 * pi * (x - middle) / WIDTH)))
    if abs(x - middle) < 2 and _DECK - 20 < y < _DECK:  # the post of the lamp
        return True
    arch = ((x % 160 - 80) / 64) ** 2 + ((y - _SHORE - 8) / 56) ** 2 < 1
    return deck <= y < _SHORE + 8 and not arch
