"""Files of ours: in their thread, byte for byte, once, and named by the message they are in."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from adapters.slack.speak import Speaker
from adapters.slack.uploads import WAITS
from bridge.adapter import Download, Outgoing
from bridge.errors import BridgeError, Departed, RateLimited, Rejected, Transient, Unauthorised
from bridge.events import Enclosure, EnclosureKind, MessageRef, Page
from tests.platforms.budgets import Clock
from tests.slack.emulator import Channel, Drop, Emulator, Fault, Message, Person
from tests.slack.speaking import Answer, answer, calls, speaking

DATA = bytes(range(256)) * 2_000
UPLOADED = ["files.getUploadURLExternal", "upload", "files.completeUploadExternal"]

Open = Callable[[], AbstractAsyncContextManager[Download]]


@pytest.fixture
async def again(slack: Emulator) -> AsyncIterator[Speaker]:
    """Another process, which remembers nothing."""
    async with speaking(slack) as speaker:
        yield speaker


def opening(data: bytes = DATA, *, size: int | None = len(DATA), breaks: bool = False) -> Open:
    """A file that can be read as often as one likes. size: what is told before."""

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(data), 65_536):
            yield data[at : at + 65_536]
            if breaks:
                raise Rejected("it is larger than allowed")

    @asynccontextmanager
    async def opened() -> AsyncIterator[Download]:
        yield Download(pieces(), size)

    return opened


def outgoing(
    kind: EnclosureKind = EnclosureKind.DOCUMENT,
    name: str = "report.pdf",
    *,
    url: str = "",
    caption: str = "",
    opens: Open | None = None,
) -> Outgoing:
    enclosure = Enclosure(kind, name, url=url or "https://files.example/x")
    return Outgoing(enclosure, url, opens or opening(), caption)


async def send(said: Answer, file: Outgoing, key: str = "turn-1/1") -> MessageRef:
    return await said.speaker.send_file(said.chat, file, key=key)


def sent(said: Answer) -> list[Message]:
    return [message for message in said.channel.answers if message.files]


async def test_file_arrives_in_its_thread_byte_for_byte(slack: Emulator, said: Answer) -> None:
    ref = await send(said, outgoing())
    (message,) = sent(said)
    (file,) = message.files
    assert (file.data, file.name, file.title) == (DATA, "report.pdf", "report.pdf")
    assert (message.thread, ref.id) == (said.chat.thread, message.ts)
    assert calls(slack)[:3] == UPLOADED


@pytest.mark.parametrize("size", [1_000, 300_000])
async def test_file_of_unknown_length_arrives_too(said: Answer, size: int) -> None:
    await send(said, outgoing(opens=opening(DATA[:size], size=None)))
    assert [file.data for message in sent(said) for file in message.files] == [DATA[:size]]


async def test_token_is_not_shown_where_files_are_poured(slack: Emulator, said: Answer) -> None:
    await send(said, outgoing())
    (file,) = sent(said)[0].files
    assert (file.data, file.shown_token) == (DATA, False)


async def test_words_stand_beside_a_file_and_ping_nobody(slack: Emulator, said: Answer) -> None:
    await send(said, outgoing(caption="Look <!channel> & <b>"))
    (message,) = sent(said)
    assert message.text == "Look &lt;!channel&gt; &amp; &lt;b&gt;"
    assert slack.pings == []


async def test_picture_is_described(said: Answer) -> None:
    await send(said, outgoing(EnclosureKind.IMAGE, "cat.png", caption="A cat"))
    await send(said, outgoing(EnclosureKind.IMAGE, "dog.png"))
    assert [file.alt for message in sent(said) for file in message.files] == ["A cat", "dog.png"]


async def test_picture_that_slack_can_fetch_is_left_to_it(slack: Emulator, said: Answer) -> None:
    picture = outgoing(EnclosureKind.IMAGE, "cat.png", url="https://img.example/cat.png")
    ref = await send(said, picture)
    (message,) = said.channel.answers
    (block,) = message.blocks
    assert (block["image_url"], block["alt_text"]) == ("https://img.example/cat.png", "cat.png")
    assert (message.thread, ref.id) == (said.chat.thread, message.ts)
    assert calls(slack) == ["postMessage"]


async def test_picture_that_slack_cannot_fetch_is_uploaded(slack: Emulator, said: Answer) -> None:
    picture = outgoing(EnclosureKind.IMAGE, "cat.png", url="https://img.invalid/cat.png")
    await send(said, picture)
    assert [file.data for message in sent(said) for file in message.files] == [DATA]
    assert calls(slack)[:2] == ["postMessage", UPLOADED[0]]


@pytest.mark.parametrize("url", ["http://img.example/cat.png", ""])
async def test_other_files_are_never_fetched_by_slack(
    slack: Emulator, said: Answer, url: str
) -> None:
    await send(said, outgoing(EnclosureKind.IMAGE, url=url))
    await send(said, outgoing(EnclosureKind.VOICE, "voice.ogg", url="https://img.example/v.ogg"))
    assert "postMessage" not in calls(slack)


# What its message is called


async def test_message_is_known_once_slack_tells_of_it(slack: Emulator, said: Answer) -> None:
    slack.files.unseen = 2
    ref = await send(said, outgoing())
    assert ref.id == sent(said)[0].ts
    assert calls(slack).count("files.info") == 3


async def test_message_slack_keeps_to_itself_goes_by_its_file(
    slack: Emulator, said: Answer, clock: Clock
) -> None:
    slack.files.unseen = 100
    before = clock()
    ref = await send(said, outgoing())
    assert ref.id == sent(said)[0].files[0].id
    assert clock() - before == pytest.approx(sum(WAITS))
    await said.speaker.retract(ref)
    await said.speaker.retract(ref)  # gone is success
    assert sent(said) == []


async def test_file_that_is_shared_stands_whatever_the_search_says(
    slack: Emulator, said: Answer
) -> None:
    slack.inject(Fault("files.info", error="missing_scope"))
    ref = await send(said, outgoing())
    assert ref.id == sent(said)[0].files[0].id


# What is refused, and what breaks


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal"])
@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("file_type_not_allowed", Rejected),
        ("file_uploads_disabled", Rejected),
        ("missing_scope", Rejected),
        ("invalid_auth", Unauthorised),
        ("channel_not_found", Departed),
        ("internal_error", Transient),
    ],
)
async def test_refusal_is_named_by_what_to_do_about_it(
    slack: Emulator, said: Answer, method: str, word: str, error: type[BridgeError]
) -> None:
    slack.inject(Fault(method, error=word))
    with capture_logs() as logs, pytest.raises(error):
        await send(said, outgoing())
    assert sent(said) == []
    cures = [log["cure"] for log in logs if log["event"] == "file.not_sent"]
    assert len(cures) == (word == "missing_scope")
    assert all("files:write" in cure for cure in cures)


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal"])
async def test_limit_is_told_and_heeded(slack: Emulator, said: Answer, method: str) -> None:
    slack.inject(Fault(method, retry_after=9))
    for _ in range(2):
        with pytest.raises(RateLimited) as caught:
            await send(said, outgoing())
        assert (caught.value.retry_after, caught.value.happened) == (9, False)
    assert len(slack.journal.of(method)) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault("files.getUploadURLExternal", drop=Drop.AFTER, times=2),
        Fault("files.getUploadURLExternal", error="internal_error"),
        Fault("upload", drop=Drop.BEFORE),
        Fault("upload", drop=Drop.AFTER),
        Fault("upload", code=503),
    ],
)
async def test_what_breaks_before_a_file_is_shared_has_not_happened(
    slack: Emulator, said: Answer, fault: Fault
) -> None:
    slack.inject(fault)
    with pytest.raises(Transient) as caught:
        await send(said, outgoing())
    assert not caught.value.happened
    await send(said, outgoing())
    assert len(sent(said)) == 1


async def test_upload_that_slack_refuses_is_refused(slack: Emulator, said: Answer) -> None:
    slack.inject(Fault("upload", code=413))
    with pytest.raises(Rejected):
        await send(said, outgoing())


@pytest.mark.parametrize(
    "opens",
    [
        opening(b"", size=0),
        opening(b"", size=None),
        opening(size=len(DATA) + 1),
        opening(size=len(DATA) - 1),
        opening(breaks=True),
        opening(breaks=True, size=None),
    ],
    ids=["empty", "empty-untold", "shorter", "longer", "too-large", "too-large-untold"],
)
async def test_file_that_is_none_is_refused_and_nothing_is_shown(said: Answer, opens: Open) -> None:
    with pytest.raises(Rejected):
        await send(said, outgoing(opens=opens))
    assert said.channel.answers == []


# Found again


async def found(said: Answer, key: str, *known: str, by: Speaker | None = None) -> str:
    since = datetime.fromtimestamp(float(said.chat.reply_to), UTC)
    speaker = by or said.speaker
    ref = await speaker.recall(said.chat, key, since=since, known=known)
    return ref.id if ref else ""


async def lost(slack: Emulator, said: Answer, key: str = "turn-1/1") -> Message:
    """A file that is shared, without our having heard of it."""
    slack.inject(Fault("files.completeUploadExternal", drop=Drop.AFTER))
    with pytest.raises(Transient) as caught:
        await send(said, outgoing(), key)
    assert caught.value.happened
    return sent(said)[-1]


async def test_file_is_found_by_whoever_shared_it(slack: Emulator, said: Answer) -> None:
    first = await lost(slack, said)
    second = await lost(slack, said, "turn-1/2")
    assert await found(said, "turn-1/1") == first.ts
    assert await found(said, "turn-1/2") == second.ts


async def test_file_is_found_after_a_restart_as_the_only_one_nobody_knows(
    slack: Emulator, said: Answer, again: Speaker
) -> None:
    text = await said.speaker.send(said.chat, Page("Done", final=True), key="turn-1/0")
    known = await send(said, outgoing())
    message = await lost(slack, said, "turn-1/2")
    assert await found(said, "turn-1/2", text.id, known.id, by=again) == message.ts
    assert await found(said, "turn-1/2", text.id, known.id, message.ts, by=again) == ""


async def test_file_that_goes_by_its_own_name_is_not_taken_for_another(
    slack: Emulator, said: Answer, again: Speaker
) -> None:
    slack.files.unseen = 100
    known = await send(said, outgoing())
    assert await found(said, "turn-1/2", known.id, by=again) == ""


async def test_picture_that_slack_fetched_is_found_by_its_mark(
    slack: Emulator, said: Answer, again: Speaker
) -> None:
    slack.inject(Fault("chat.postMessage", drop=Drop.AFTER))
    with pytest.raises(Transient):
        await send(said, outgoing(EnclosureKind.IMAGE, url="https://img.example/cat.png"))
    assert await found(said, "turn-1/1", by=again) == said.channel.answers[0].ts


async def test_app_that_was_removed_from_a_channel_is_told_so(
    slack: Emulator, speaker: Speaker, ann: Person, general: Channel
) -> None:
    said = await answer(slack, speaker, general, ann)
    del general.members[slack.bot.id]
    with pytest.raises(Departed):
        await send(said, outgoing())
