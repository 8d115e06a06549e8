"""Files, reactions and dialogues of the emulated Slack: as documented, faults included."""

from typing import Any

import aiohttp
import pytest

from tests.slack.emulator import Channel, Drop, Emulator, Fault, Person, Seat
from tests.slack.emulator.clients import Raw
from tests.slack.emulator.files import LOGIN, File
from tests.slack.emulator.model import Message
from tests.slack.emulator.params import Json

DATA = b"%PDF-1.7 " * 100


async def read(slack: Emulator, file: File, token: str | None = None) -> tuple[int, bytes]:
    """What whoever has this token gets of a file."""
    headers = {"Authorization": f"Bearer {token or slack.token}"}
    url = str(file.shown()["url_private_download"])
    async with (
        aiohttp.ClientSession() as http,
        http.get(url, headers=headers, allow_redirects=False) as answer,
    ):
        return answer.status, await answer.read()


async def pour(begun: Json, data: bytes) -> int:
    """Send bytes where Slack wants them; the status."""
    url = str(begun["upload_url"])
    async with aiohttp.ClientSession() as http, http.post(url, data=data) as answer:
        return answer.status


async def upload(api: Raw, data: bytes = DATA, **more: Any) -> str:
    """Begin and pour a file; its id."""
    told = {"filename": "a.pdf", "length": len(data), **more}
    begun = await api.ok("files.getUploadURLExternal", **told)
    assert await pour(begun, data) == 200
    return str(begun["file_id"])


def names(slack: Emulator) -> list[str]:
    """The events the app was told of."""
    return [str(each.payload["event"]["type"]) for each in slack.deliveries.all]  # type: ignore[index]


async def test_file_is_read_by_who_may_read_it(slack: Emulator, dm: Seat) -> None:
    shared = await dm.share(DATA)
    assert await read(slack, shared.files[0]) == (200, DATA)
    assert await read(slack, shared.files[0], "xoxb-unknown") == (200, LOGIN.encode())


async def test_file_that_moved_leads_there(slack: Emulator, dm: Seat) -> None:
    shared = await dm.share(DATA, moved="https://elsewhere.example/x")
    assert (await read(slack, shared.files[0]))[0] == 302


async def test_file_that_is_gone_is_not_found(slack: Emulator, dm: Seat) -> None:
    shared = await dm.share(DATA)
    slack.files.all.clear()
    assert (await read(slack, shared.files[0]))[0] == 404


async def test_file_may_break_off(slack: Emulator, dm: Seat) -> None:
    shared = await dm.share(DATA)
    slack.inject(Fault("download", drop=Drop.AFTER))
    with pytest.raises(aiohttp.ClientPayloadError):
        await read(slack, shared.files[0])


@pytest.mark.parametrize(
    ("mode", "fields"),
    [("tombstone", {"id", "mode"}), ("external", {"id", "url_private", "is_external"})],
)
async def test_file_of_another_kind_looks_different(dm: Seat, mode: str, fields: set[str]) -> None:
    shared = await dm.share(DATA, mode=mode, moved="https://drive.example/1")
    shown = shared.files[0].shown()
    assert fields <= set(shown)
    assert "url_private_download" not in shown


async def test_shared_upload_is_known_a_moment_later(slack: Emulator, api: Raw, dm: Seat) -> None:
    file_id = await upload(api, alt_txt="a page")
    done = {"files": [{"id": file_id, "title": "A"}], "channel_id": dm.id}
    await api.ok("files.completeUploadExternal", **done)
    looks = [(await api.ok("files.info", file=file_id))["file"] for _ in range(2)]
    (message,) = dm.answers
    assert looks[0].get("shares") == {}
    assert looks[1]["shares"] == {"private": {dm.id: [{"ts": message.ts}]}}
    assert (looks[1]["alt_txt"], message.files[0].data) == ("a page", DATA)


async def test_upload_of_another_length_is_refused(slack: Emulator, api: Raw) -> None:
    begun = await api.ok("files.getUploadURLExternal", filename="a", length=5)
    assert await pour(begun, b"123456") == 400


async def test_deleted_file_takes_its_message_with_it(slack: Emulator, api: Raw, dm: Seat) -> None:
    file_id = await upload(api)
    done = {"files": [{"id": file_id}], "channel_id": dm.id}
    await api.ok("files.completeUploadExternal", **done)
    await api.ok("files.delete", file=file_id)
    assert dm.answers == []


@pytest.mark.parametrize(
    "image",
    [
        {"image_url": "https://img.invalid/a.png", "alt_text": "a"},
        {"image_url": "https://img.example/a.png"},
    ],
)
async def test_picture_that_cannot_be_fetched_is_refused(
    api: Raw, dm: Seat, image: dict[str, str]
) -> None:
    blocks = [{"type": "image", **image}]
    assert await api.error("chat.postMessage", channel=dm.id, blocks=blocks) == "invalid_blocks"


async def test_reaction_is_told_given_and_taken_back(
    slack: Emulator, general: Channel, ann: Person
) -> None:
    message = await general.say(ann, "hi")
    await ann.at(general).react(message, "tada")
    assert message.shown()["reactions"] == [{"name": "tada", "users": [ann.id]}]
    await ann.at(general).take_back(message, "tada")
    assert message.reactions == []
    assert names(slack) == ["message", "reaction_added", "reaction_removed"]


async def test_forwarded_message_comes_with_its_files(slack: Emulator, dm: Seat) -> None:
    shared: Message = await dm.share(DATA, text="look")
    await dm.forward(shared, "this?")
    event: Any = slack.deliveries.all[-1].payload["event"]
    (share,) = event["attachments"]
    assert (event["text"], share["is_share"], share["text"]) == ("this?", True, "look")
    assert share["files"][0]["id"] == shared.files[0].id


async def test_dialogue_is_sent_off_with_what_was_written(slack: Emulator, ann: Person) -> None:
    answer = {"type": "plain_text_input", "action_id": "why"}
    view = {"id": "V1", "blocks": [{"type": "input", "block_id": "b", "element": answer}]}
    payload: Any = slack.interactions.submit({"callback_id": "c", **view}, ann, why="because")
    assert payload["type"] == "view_submission"
    assert payload["view"]["state"]["values"]["b"]["why"]["value"] == "because"
    assert slack.deliveries.all[-1].payload == payload
