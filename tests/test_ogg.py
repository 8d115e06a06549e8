"""Voice notes: files of Opus made of packets, which real players play."""

import json
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.ogg import (
    PAGE,
    PRE_SKIP,
    checksum,
    joined,
    opus_file,
    packets,
    samples,
    voice_note,
)

SILENCE = bytes([0b11110_0_00, 0xFF, 0xFE])  # 10 ms of fullband CELT, mono
STEREO = bytes([0b11110_1_00, 0xFF, 0xFE])


def pages(file: bytes) -> list[tuple[int, int, int, bytes]]:
    """Flags, position, number and body of each page, checked as a player checks them."""
    found, at = [], 0
    while at < len(file):
        mark, version, flags, position, serial, number, crc, count = struct.unpack_from(
            "<4sBBqIIIB", file, at
        )
        assert (mark, version, serial) == (b"OggS", 0, 0x636F7A65)
        lacing = file[at + 27 : at + 27 + count]
        end = at + 27 + count + sum(lacing)
        page = file[at:end]
        assert crc == _slow_crc(page[:22] + bytes(4) + page[26:])
        found.append((flags, position, number, page[27 + count :]))
        at = end
    return found


def _slow_crc(data: bytes) -> int:
    """The checksum as RFC 3533 describes it, bit by bit."""
    crc = 0
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = ((crc << 1) ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc


def test_a_file_has_its_heads_its_pages_and_its_length() -> None:
    found = pages(opus_file([SILENCE] * (PAGE * 2 + 1)))
    assert [flags for flags, *_ in found] == [2, 0, 0, 0, 4]
    assert [number for *_, number, _ in found] == [0, 1, 2, 3, 4]
    assert [position for _, position, *_ in found] == [0, 0, 24_000, 48_000, 48_480]
    assert found[0][3] == struct.pack("<8sBBHIhB", b"OpusHead", 1, 1, PRE_SKIP, 48_000, 0, 0)
    assert found[1][3].startswith(b"OpusTags")


def test_stereo_says_so() -> None:
    assert opus_file([STEREO])[28 + 9] == 2


@given(st.lists(st.integers(1, 1200), min_size=1, max_size=120))
def test_what_went_in_comes_out(sizes: list[int]) -> None:
    sounds = [SILENCE[:1] + bytes([n % 256]) * size for n, size in enumerate(sizes)]
    file = opus_file(sounds)
    assert packets(file) == sounds
    assert [flags & 4 for flags, *_ in pages(file)].index(4) == len(pages(file)) - 1


@pytest.mark.parametrize(
    ("packet", "length"),
    [
        (SILENCE, 480),
        (bytes([0 << 3]) + b"x", 480),
        (bytes([3 << 3]) + b"x", 2880),
        (bytes([13 << 3]) + b"x", 960),
        (bytes([16 << 3]) + b"x", 120),
        (bytes([31 << 3 | 1]) + b"xx", 1920),
        (bytes([31 << 3 | 3, 5]) + b"xx", 4800),
    ],
)
def test_a_packet_says_how_long_it_plays(packet: bytes, length: int) -> None:
    assert samples(packet) == length


@pytest.mark.parametrize(
    "packet", [b"", bytes([31 << 3 | 3]), bytes([31 << 3 | 3, 0]), bytes([31 << 3 | 3, 63])]
)
def test_what_is_no_packet_is_refused(packet: bytes) -> None:
    with pytest.raises(ValueError, match="packet"):
        opus_file([packet])


def test_nothing_is_no_file() -> None:
    with pytest.raises(ValueError, match="no sound"):
        opus_file([])


def test_several_recordings_become_one_stream() -> None:
    one, two = opus_file([SILENCE] * 3), opus_file([SILENCE] * 4)
    assert joined([one, two]) == opus_file([SILENCE] * 7)


def test_a_stream_may_come_as_packets_or_as_a_file() -> None:
    whole = opus_file([SILENCE] * 80)
    assert voice_note([SILENCE] * 80) == whole
    assert voice_note([whole[:100], whole[100:]]) == whole


@given(st.binary(max_size=400))
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - which of them does not matter
        packets(content)


def test_a_file_that_breaks_off_is_refused() -> None:
    file = opus_file([SILENCE] * 9)
    for end in (3, 20, 40, len(file) - 1):
        with pytest.raises(ValueError, match=r"Ogg|breaks off"):
            packets(file[:end])


@given(st.binary(max_size=300))
def test_the_fast_checksum_is_the_true_one(content: bytes) -> None:
    assert checksum(content) == _slow_crc(content)


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")
@pytest.mark.parametrize("count", [1, 333])
def test_a_player_plays_it(tmp_path: Path, count: int) -> None:
    path = tmp_path / "note.ogg"
    path.write_bytes(joined([opus_file([SILENCE] * count), opus_file([SILENCE] * count)]))
    asked = ["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", str(path)]
    told = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert told.stderr == ""
    answer = json.loads(told.stdout)
    [stream] = answer["streams"]
    assert (stream["codec_name"], stream["channels"], stream["sample_rate"]) == ("opus", 1, "48000")
    assert float(answer["format"]["duration"]) == pytest.approx(count * 0.02, abs=0.01)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_what_a_real_encoder_made_is_joined_and_decodes(tmp_path: Path) -> None:
    first, both = tmp_path / "a.ogg", tmp_path / "b.ogg"
    tone = ["-f", "lavfi", "-i", "sine=frequency=440:duration=1.2"]
    make = ["ffmpeg", "-v", "error", *tone, "-c:a", "libopus", "-b:a", "24k", "-y", str(first)]
    subprocess.run(make, check=True)
    both.write_bytes(joined([first.read_bytes()] * 2))
    play = ["ffmpeg", "-v", "error", "-i", str(both), "-f", "s16le", "-ac", "1", "-ar", "8000", "-"]
    played = subprocess.run(play, capture_output=True, check=True)
    assert played.stderr == b""
    assert len(played.stdout) / 2 / 8000 == pytest.approx(2.4, abs=0.1)
