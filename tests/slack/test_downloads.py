"""Files that people share: read whole, and the token shown to Slack alone."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from adapters.slack.media import attachments
from adapters.slack.speak import Speaker
from bridge.errors import BridgeError, Gone, RateLimited, Rejected, Transient, Unauthorised
from bridge.events import Attachment, AttachmentKind
from tests.slack.emulator import Drop, Emulator, Fault, Message, Person, Seat, serve
from tests.slack.emulator.files import LOGIN
from tests.slack.speaking import asked, calls

DATA = bytes(range(256)) * 1_000
NOWHERE = "http://127.0.0.1:9/secret"


@pytest.fixture
async def thief() -> AsyncIterator[Emulator]:
    """Somebody else, who would like to see a token."""
    async with serve(Emulator()) as emulator:
        yield emulator


def attached(message: Message) -> Attachment:
    """The only file of a message, as an event tells of it."""
    (found,) = attachments(message.shown())
    return found


async def read(slack: Emulator, speaker: Speaker, message: Message, **more: str) -> bytes:
    """Read the only file of a message. more: what is told otherwise of it."""
    wanted = replace(attached(message), **more)  # type: ignore[arg-type]
    async with speaker.fetch(asked(slack, message), wanted) as download:
        return b"".join([piece async for piece in download.content])


async def test_file_arrives_byte_for_byte(slack: Emulator, speaker: Speaker, dm: Seat) -> None:
    shared = await dm.share(DATA, name="Ärger & Co.pdf")
    async with speaker.fetch(asked(slack, shared), attached(shared)) as download:
        pieces = [piece async for piece in download.content]
    assert b"".join(pieces) == DATA
    assert (download.size, download.mime) == (len(DATA), "application/pdf")
    assert max(map(len, pieces)) <= 65_536
    assert calls(slack) == ["download"]


async def test_several_files_of_a_message_are_each_read(
    slack: Emulator, speaker: Speaker, dm: Seat
) -> None:
    shared = await dm.share_all([dm.upload(b"one"), dm.upload(b"two", "b.png", "image/png")])
    chat, got = asked(slack, shared), []
    for attachment in attachments(shared.shown()):
        async with speaker.fetch(chat, attachment) as download:
            got.append(b"".join([piece async for piece in download.content]))
    assert got == [b"one", b"two"]


async def test_file_from_another_organisation_is_asked_for(
    slack: Emulator, speaker: Speaker, ann: Person
) -> None:
    partner = slack.workspace("Partner")
    eve = slack.person("Eve", partner)
    shared_channel = slack.channel("shared", ann, eve, shared_with=[partner])
    shared = await eve.at(shared_channel).share(DATA)
    assert attached(shared) == Attachment(AttachmentKind.DOCUMENT, shared.files[0].id)
    assert await read(slack, speaker, shared) == DATA
    assert calls(slack) == ["files.info", "download"]


# What Slack does not hand out


async def test_app_that_may_not_read_files_is_refused_the_file_and_nothing_else(
    slack: Emulator, speaker: Speaker, dm: Seat
) -> None:
    shared = await dm.share(DATA)
    slack.installations[0].end()
    slack.tokens.bot(slack.installations[0], value=slack.token, scopes="chat:write", rotates=False)
    with capture_logs() as logs, pytest.raises(Rejected):
        await read(slack, speaker, shared)
    assert ["files:read" in log["cure"] for log in logs if log["event"] == "file.not_read"] == [
        True
    ]


async def test_page_to_sign_in_is_no_file(slack: Emulator, speaker: Speaker, dm: Seat) -> None:
    shared = await dm.share(LOGIN.encode(), name="paper.pdf", mime="text/html")
    with pytest.raises(Rejected):
        await read(slack, speaker, shared, mime="application/pdf")
    assert calls(slack) == ["download", "files.info", "download"]


async def test_page_that_somebody_shared_is_a_file(
    slack: Emulator, speaker: Speaker, dm: Seat
) -> None:
    shared = await dm.share(b"<html>mine</html>", name="page.html", mime="text/html")
    assert await read(slack, speaker, shared) == b"<html>mine</html>"


async def test_refused_token_is_told(slack: Emulator, speaker: Speaker, dm: Seat) -> None:
    shared = await dm.share(DATA)
    await speaker.typing(asked(slack, shared))  # so that it is known who we are
    slack.revoke()
    with pytest.raises(Unauthorised):
        await read(slack, speaker, shared)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("download", code=404), Gone),
        (Fault("download", code=410), Gone),
        (Fault("download", code=418), Rejected),
        (Fault("download", code=503), Transient),
        (Fault("download", retry_after=7), RateLimited),
        (Fault("download", drop=Drop.BEFORE, times=2), Transient),
        (Fault("download", drop=Drop.AFTER), Transient),
    ],
    ids=["404", "410", "418", "503", "429", "cut", "cut-midway"],
)
async def test_what_goes_wrong_is_named_by_what_to_do_about_it(
    slack: Emulator, speaker: Speaker, dm: Seat, fault: Fault, error: type[BridgeError]
) -> None:
    shared = await dm.share(DATA)
    slack.inject(fault)
    with pytest.raises(error) as caught:
        await read(slack, speaker, shared)
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_after == 7
    assert await read(slack, speaker, shared) == DATA


@pytest.mark.parametrize("code", [401, 403])
async def test_token_exchanged_meanwhile_is_tried_once_more(
    slack: Emulator, speaker: Speaker, dm: Seat, code: int
) -> None:
    shared = await dm.share(DATA)
    slack.inject(Fault("download", code=code))
    assert await read(slack, speaker, shared) == DATA
    assert calls(slack) == ["download", "files.info", "download"]


async def test_deleted_file_is_gone(slack: Emulator, speaker: Speaker, dm: Seat) -> None:
    shared = await dm.share(DATA)
    attachment = attached(shared)
    slack.files.all.clear()
    for ref in (attachment.ref, attachment.ref.split()[0]):
        with pytest.raises(Gone):
            await read(slack, speaker, shared, ref=ref)


async def test_canvas_is_no_file(slack: Emulator, speaker: Speaker, dm: Seat) -> None:
    shared = await dm.share(DATA, name="Plan", mime="application/vnd.slack-docs", mode="quip")
    with pytest.raises(Rejected):
        await read(slack, speaker, shared)
    assert calls(slack) == []


async def test_file_without_an_address_is_refused(
    slack: Emulator, speaker: Speaker, dm: Seat
) -> None:
    shared = await dm.share(DATA)
    wanted = replace(attached(shared), ref=shared.files[0].id)
    shared.files[0].mode = "external"
    with pytest.raises(Rejected):
        async with speaker.fetch(asked(slack, shared), wanted):
            pass
    assert calls(slack) == ["files.info"]


# Where the token goes


async def test_redirect_within_slack_is_followed(
    slack: Emulator, speaker: Speaker, dm: Seat
) -> None:
    target = dm.upload(DATA)
    for moved in (f"{slack.url}/files-pri/{target.id}/x", f"/files-pri/{target.id}/x"):
        shared = await dm.share(b"", moved=moved)
        assert await read(slack, speaker, shared) == DATA


async def test_redirect_to_elsewhere_is_refused_and_sees_no_token(
    slack: Emulator, speaker: Speaker, dm: Seat, thief: Emulator
) -> None:
    for moved in (f"{thief.url}/files-pri/F1/x", f"//{thief.url.partition('//')[2]}/x"):
        shared = await dm.share(b"", moved=moved)
        with pytest.raises(Rejected):
            await read(slack, speaker, shared)
    assert thief.journal.calls == {}


async def test_redirects_without_an_end_are_refused(
    slack: Emulator, speaker: Speaker, dm: Seat
) -> None:
    shared = await dm.share(b"")
    shared.files[0].moved = f"{slack.url}/files-pri/{shared.files[0].id}/again"
    with pytest.raises(Rejected):
        await read(slack, speaker, shared)


@pytest.mark.parametrize(
    "address",
    [
        NOWHERE,
        "https://files.slack.com@127.0.0.1:9/x",
        "https://files.slack.com:8443/x",
        "http://files.slack.com/x",
        "https://slack.com.evil.example/x",
        "https://evilslack.com/x",
        "https://files.slack.com\\@evil.example/x",
        "ftp://files.slack.com/x",
        "file:///etc/passwd",
        "//evil.example/x",
        "https://[::1",
    ],
)
async def test_address_that_is_not_slacks_is_never_called(
    slack: Emulator, speaker: Speaker, dm: Seat, address: str
) -> None:
    shared = await dm.share(DATA)
    with pytest.raises(Rejected):
        await read(slack, speaker, shared, ref=f"F1 {address}")
