"""Frames out of bytes, however they were cut."""

from collections.abc import Sequence

import pytest
from httpx_sse._decoders import SSEDecoder
from hypothesis import given
from hypothesis import strategies as st

from bridge.coze.sse import EventTooLarge, Frame, Frames


def frames_of(*chunks: bytes, limit: int | None = None) -> list[Frame]:
    frames = Frames() if limit is None else Frames(limit)
    return [frame for chunk in chunks for frame in frames.feed(chunk)] + frames.end()


def test_a_frame_has_a_name_and_data() -> None:
    assert frames_of(b"event:done\ndata:[DONE]\n\n") == [Frame("done", "[DONE]")]


def test_one_space_after_the_colon_is_not_data() -> None:
    assert frames_of(b"event: a\ndata:  b\n\n") == [Frame("a", " b")]


def test_crlf_ends_a_line_too() -> None:
    assert frames_of(b"event:a\r\ndata:b\r\n\r\ndata:c\r\n\r\n") == [
        Frame("a", "b"),
        Frame("message", "c"),
    ]


def test_a_crlf_may_be_cut_in_two() -> None:
    assert frames_of(b"event:a\r", b"\ndata:b\r", b"\n\r", b"\n") == [Frame("a", "b")]


def test_the_last_frame_needs_no_blank_line() -> None:
    assert frames_of(b"event:a\ndata:b") == [Frame("a", "b")]
    assert frames_of(b"event:a\ndata:b\n") == [Frame("a", "b")]
    assert frames_of(b"event:a\ndata:b\r") == [Frame("a", "b")]


def test_a_finished_stream_ends_with_nothing() -> None:
    assert frames_of(b"event:a\ndata:b\n\n") == [Frame("a", "b")]
    assert frames_of() == []
    assert frames_of(b"\n\n\n") == []


def test_a_byte_order_mark_does_not_hide_the_first_event() -> None:
    assert frames_of(b"\xef\xbb", b"\xbfevent:a\ndata:b\n\n") == [Frame("a", "b")]


def test_comments_ids_and_retries_make_no_frames() -> None:
    noise = b": ping\n\nid: 7\n\nretry: 10\n\nid\n:\n\n"
    assert frames_of(noise + b"id:1\nevent:a\n: x\ndata:b\n\n" + noise) == [Frame("a", "b")]


def test_an_event_without_data_is_kept() -> None:
    assert frames_of(b"event:conversation.stream.done\n\n") == [
        Frame("conversation.stream.done", "")
    ]


def test_data_over_several_lines_is_joined() -> None:
    assert frames_of(b'data:{"a":\ndata:1}\n\n') == [Frame("message", '{"a":\n1}')]


@pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c", "\x1e"])
def test_only_newlines_end_a_line(odd: str) -> None:
    assert frames_of(f"data:a{odd}b\n\n".encode()) == [Frame("message", f"a{odd}b")]


def test_broken_utf8_spoils_its_own_line_only() -> None:
    assert frames_of(b"data:\xe4\xbd\ndata:\xe4\xbd\xa0\n\n") == [Frame("message", "\ufffd\n你")]


def test_an_event_may_not_grow_for_ever() -> None:
    with pytest.raises(EventTooLarge):
        frames_of(b"data:" + b"x" * 100, limit=100)
    with pytest.raises(EventTooLarge):
        frames_of(*[b"data:0123456789\n"] * 10, limit=100)
    with pytest.raises(EventTooLarge):
        frames_of(*[b":" * 30] * 4, limit=100)


def test_many_events_may_exceed_the_limit_of_one() -> None:
    assert len(frames_of(*[b": ping\nid: 1\ndata:0123456789\n\n"] * 50, limit=100)) == 50


texts = st.text(alphabet=st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))
line_ends = st.sampled_from(["\n", "\r\n"])


@given(events=st.lists(st.tuples(texts, texts), max_size=5), end=line_ends, data=st.data())
def test_any_chunking_gives_the_same_frames(
    events: list[tuple[str, str]], end: str, data: st.DataObject
) -> None:
    raw = "".join(
        f"id:{n}{end}event: {name}{end}data: {text}{end}{end}"
        for n, (name, text) in enumerate(events)
    ).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    chunks = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    assert frames_of(*chunks) == [Frame(name or "message", text) for name, text in events]


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_no_bytes_make_it_fail(chunks: list[bytes]) -> None:
    assert frames_of(*chunks) == frames_of(b"".join(chunks))


LINES = [
    "event:a",
    "event: a",
    "event:",
    "event",
    "data:x",
    "data: x",
    "data:",
    "data",
    "",
    "id:1",
    ":ping",
    "event:a\r",
    "data:x\r",
    "\r",
]


def decoded(lines: Sequence[str]) -> list[Frame]:
    """The frames of whole lines by httpx-sse alone."""
    decoder, frames = SSEDecoder(), []
    for line in (each.removesuffix("\r") for each in [*lines, "", ""]):
        if line.startswith(("data", "event")) or not line:
            event = decoder.decode(line)
            frames += [Frame(event.event, event.data)] if event else []
    return frames


@given(st.lists(st.sampled_from(LINES), max_size=12), st.integers(0, 80))
def test_plain_frames_are_read_as_by_the_decoder(lines: list[str], cut: int) -> None:
    raw = "".join(f"{line}\n" for line in lines).encode()
    assert frames_of(raw[:cut], raw[cut:]) == decoded(lines)
