"""A file is framed while it is read, and what goes wrong with it is told."""

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.message import Message

import pytest

from bridge.coze import ClientSettings, CozeAgent, CozeClient, Pat
from bridge.coze.form import Form
from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, Emulator, serve
from bridge.errors import Gone, Rejected, Transient, Unreachable
from bridge.upstream import Upload

PIECE = bytes(range(256)) * 256  # 64 KiB


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


async def framed(file: Upload) -> tuple[Form, bytes]:
    form = Form(file)
    return form, b"".join([piece async for piece in form])


async def part(file: Upload) -> Message:
    """Frame a file, and read it as a server would."""
    form, body = await framed(file)
    whole = message_from_bytes(
        f"Content-Type: {form.headers['content-type']}\r\n\r\n".encode() + body
    )
    (found,) = whole.get_payload()
    assert isinstance(found, Message)
    return found


async def test_a_file_is_one_part_with_its_name_type_and_bytes() -> None:
    content = b"\r\n--x\r\n\x00\xff" + b"\r\n"
    found = await part(Upload("a.png", pieces(content[:3], content[3:]), len(content), "image/png"))
    assert found.get_payload(decode=True) == content
    assert found.get_content_type() == "image/png"
    assert found.get_param("name", header="content-disposition") == "file"
    assert found.get_filename() == "a.png"


async def test_the_length_is_told_where_the_size_is_known() -> None:
    form, body = await framed(Upload("a.png", pieces(PIECE), len(PIECE)))
    assert form.headers["content-length"] == str(len(body))
    unknown, _ = await framed(Upload("a.png", pieces(PIECE)))
    assert "content-length" not in unknown.headers


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ('a"; filename="b.exe', "a_; filename=_b.exe"),
        ("a.png\r\nX-Evil: 1\r\n\r\nbody.txt", None),
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\temp\\x.pdf", "x.pdf"),
        ("cod\u202egnp.exe", "codgnp.exe"),
        ("冬 天.png", "冬 天.png"),
        ("half \ud83d.png", None),
        ("", "file"),
    ],
)
async def test_a_forged_name_stays_a_name(name: str, shown: str | None) -> None:
    form, body = await framed(Upload(name, pieces(b"x"), 1))
    head = body.split(b"\r\n\r\n")[0].decode()
    boundary, disposition, kind = head.split("\r\n")
    assert form.headers["content-type"].endswith(boundary[2:])
    assert disposition.startswith('Content-Disposition: form-data; name="file"; filename="')
    assert disposition.count('"') == 4
    assert kind == "Content-Type: application/octet-stream"
    if shown is not None:
        assert disposition.endswith(f'filename="{shown}"')


@pytest.mark.parametrize("mime", ["", "image", "image/png\r\nX: 1", "image/ png", "ima/gé"])
async def test_a_strange_type_is_not_sent(mime: str) -> None:
    assert (await part(Upload("a.png", pieces(b"x"), 1, mime))).get_content_type() == (
        "application/octet-stream"
    )


async def test_a_file_longer_than_told_is_rejected_before_it_is_cut() -> None:
    with pytest.raises(Rejected, match="longer than the 3 bytes"):
        await framed(Upload("a.png", pieces(b"ab", b"cd"), 3))


async def test_a_file_that_ends_early_may_be_read_again() -> None:
    with pytest.raises(Unreachable, match="1 bytes too early"):
        await framed(Upload("a.png", pieces(b"ab"), 3))


# --- on the way to Coze


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with serve(Emulator(pace=0)) as emulator:
        yield emulator


@pytest.fixture
async def agent(emulator: Emulator) -> AsyncIterator[CozeAgent]:
    settings = ClientSettings(idle_timeout=0.5, retry_wait=0.001)
    async with CozeClient(emulator.url, Pat(DEMO_TOKEN), settings) as client:
        yield CozeAgent(client, bot_id=DEMO_BOT_ID)


async def broken(error: Exception) -> AsyncIterator[bytes]:
    yield PIECE
    raise error


@pytest.mark.parametrize("size", [None, 2 * len(PIECE)])
async def test_what_the_source_says_is_what_is_raised(
    agent: CozeAgent, emulator: Emulator, size: int | None
) -> None:
    with pytest.raises(Gone, match="no such file"):
        await agent.upload(Upload("a.png", broken(Gone("no such file")), size))
    assert emulator.files.all == {}


async def test_a_bug_of_the_source_is_no_trouble_of_coze(agent: CozeAgent) -> None:
    with pytest.raises(ZeroDivisionError):
        await agent.upload(Upload("a.png", broken(ZeroDivisionError())))


async def silent() -> AsyncIterator[bytes]:
    yield PIECE
    await asyncio.Event().wait()


async def test_a_source_that_falls_silent_is_given_up(agent: CozeAgent) -> None:
    with pytest.raises(Transient):
        await agent.upload(Upload("a.png", silent()))


async def slow(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        await asyncio.sleep(0.2)
        yield b"x"


async def test_a_slow_file_may_take_longer_than_any_patience(
    agent: CozeAgent, emulator: Emulator
) -> None:
    file_id = await agent.upload(Upload("a.png", slow(5), 5))
    assert emulator.files.all[file_id].content == b"xxxxx"


async def test_after_trouble_the_next_upload_works(agent: CozeAgent, emulator: Emulator) -> None:
    for _ in range(25):  # more than there are connections
        with pytest.raises(Gone):
            await agent.upload(Upload("a.png", broken(Gone("gone"))))
    assert await agent.upload(Upload("a.png", pieces(b"x"))) in emulator.files.all


async def test_a_cancelled_upload_leaves_its_connection_for_others(
    agent: CozeAgent, emulator: Emulator
) -> None:
    for _ in range(25):  # more than there are connections
        begun = asyncio.Event()

        async def endless(begun: asyncio.Event = begun) -> AsyncIterator[bytes]:
            yield PIECE
            begun.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(agent.upload(Upload("a.png", endless())))
        await begun.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
    assert await agent.upload(Upload("a.png", pieces(b"x"))) in emulator.files.all


async def test_more_files_than_connections_wait_for_their_turn(
    agent: CozeAgent, emulator: Emulator
) -> None:
    uploads = (agent.upload(Upload(f"{number}.png", slow(1), 1)) for number in range(45))
    assert set(await asyncio.gather(*uploads)) == set(emulator.files.all)
