"""What the chat page's adapter promises beyond text: files, changed words, ratings, places."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from time import time
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr
from web_visit import TOKEN, Visit

from adapters.web.content import plain_name, shown_as
from adapters.web.settings import WebSettings
from adapters.web.shelf import KEPT, MB, YOUNG, Full, Kept, Lying, Shelf, TooLarge, make_room
from bridge.errors import Gone
from bridge.events import Attachment, AttachmentKind, Button, Page, Place, Wanted
from bridge.testing.contract import RecordingSink
from bridge.testing.file_contract import NOTE, PNG
from bridge.testing.transcript import FakeHost

CHAT = "0" * 32
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def paths(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def content(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


class TestFiles:
    async def test_several_files_and_words_are_one_message(
        self, visit: Visit, sink: RecordingSink
    ) -> None:
        _, picture = await visit.upload(PNG, "点.png", mime="image/png")
        _, paper = await visit.upload(b"%PDF-", "a.pdf", mime="application/pdf")
        ids = [picture["id"], paper["id"]]
        assert (await visit.post({"id": "files-1", "text": "", "files": ids}))[0] == 202
        [event] = sink.events
        assert event.attachments == (
            Attachment(AttachmentKind.PHOTO, ids[0], "点.png", len(PNG), "image/png"),
            Attachment(AttachmentKind.DOCUMENT, ids[1], "a.pdf", 5, "application/pdf"),
        )
        [entry] = await visit.transcript.tail(visit.chat.chat, limit=9)
        assert [(file.name, file.mime) for file in entry.files] == [
            ("点.png", "image/png"),
            ("a.pdf", ""),
        ]

    async def test_a_recording_is_a_voice_message(self, visit: Visit, sink: RecordingSink) -> None:
        mime = "audio/webm"
        head = b"\x1a\x45\xdf\xa3"
        _, voice = await visit.upload(head, "voice.webm", mime=mime, kind="voice")
        await visit.post({"id": "voice-1", "text": "", "files": [voice["id"]]})
        [attachment] = sink.events[0].attachments
        assert (attachment.kind, attachment.mime) == (AttachmentKind.VOICE, mime)
        assert voice["mime"] == "audio/webm"  # to be heard, though it begins like a film

    @pytest.mark.parametrize(
        ("body", "name", "shown"),
        [
            (PNG, "a.png", "image/png"),
            (NOTE, "a.ogg", "audio/ogg"),
            (SVG, "a.svg", ""),
            (SVG, "a.png", ""),
            (b"<html><script>alert(1)</script>", "a.gif", ""),
            (b"<!doctype html>", "a", ""),
            (b"%PDF-1.7", "a.pdf", ""),
        ],
    )
    async def test_only_harmless_files_are_shown_whatever_they_are_called(
        self, visit: Visit, body: bytes, name: str, shown: str
    ) -> None:
        _, file = await visit.upload(body, name, mime="image/svg+xml")
        answer, got = await visit.file(file["id"])
        assert got == body
        assert answer.content_type == (shown or "application/octet-stream")
        disposition = answer.headers["Content-Disposition"]
        assert disposition.startswith("inline;" if shown else "attachment;")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]

    async def test_a_part_of_a_file_can_be_read_as_players_do(self, visit: Visit) -> None:
        _, file = await visit.upload(NOTE, "a.ogg")
        answer, got = await visit.file(file["id"], Range="bytes=10-19")
        assert (answer.status, got) == (206, NOTE[10:20])

    @pytest.mark.parametrize(
        "name",
        ["../../etc/passwd", "..\\boot.ini", "a\r\nSet-Cookie: x=1", "<img src=x>\u202egpj.exe"],
    )
    async def test_a_forged_name_goes_nowhere(self, visit: Visit, name: str) -> None:
        status, file = await visit.upload(b"x", name)
        assert status == 201
        assert not {"/", "\\", "\r", "\n", "\u202e"} & set(file["name"])
        answer, _ = await visit.file(file["id"])
        assert "Set-Cookie" not in answer.headers
        assert {p.parent.name for p in visit.folder.rglob("*") if p.is_file()} == {visit.chat.chat}

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Authorization": ""}, 401),
            ({"X-Visitor": "somebody-else-0123456789"}, 404),
            ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
            ({"Content-Type": "text/plain"}, 415),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Origin": "https://evil.example"}, 403),
        ],
    )
    async def test_who_may_not_write_cannot_upload(
        self, visit: Visit, headers: dict[str, str], status: int
    ) -> None:
        assert (await visit.upload(b"x", "a.txt", headers=headers))[0] == status
        assert not visit.folder.exists()

    async def test_a_file_is_nobody_elses(self, visit: Visit) -> None:
        _, file = await visit.upload(b"secret", "a.txt")
        other = Visit(visit.adapter, visit.transcript, visit.base, visit.http, "another-visitor-01")
        await other.enter()
        answer, got = await other.file(file["id"])
        assert answer.status == 404
        assert b"secret" not in got
        status, _ = await other.post({"id": "steal-1", "text": "", "files": [file["id"]]})
        assert status == 400
        for headers in ({"Authorization": "Bearer no"}, {"X-Visitor": "x" * 20}):
            assert (await visit.file(file["id"], **headers))[0].status in (401, 404)

    @pytest.mark.parametrize(
        "files", [["../../x"], ["0" * 32], [7], "0" * 32, ["0" * 32] * 11, [None], {}]
    )
    async def test_a_message_with_files_that_are_not_there_is_refused(
        self, visit: Visit, sink: RecordingSink, files: object
    ) -> None:
        status, body = await visit.post({"id": "files-2", "text": "x", "files": files})
        assert (status, body["error"]["code"]) == (400, "bad_request")
        assert sink.events == []

    async def test_a_file_that_is_too_large_leaves_nothing(self, visit: Visit) -> None:
        async def endless() -> AsyncIterator[bytes]:
            for _ in range(3 * 16):
                yield bytes(MB // 16)

        async with visit.http.post(
            f"{visit.url}/files?name=a",
            data=endless(),
            headers=visit.headers | {"Content-Type": "application/octet-stream"},
        ) as answer:
            assert answer.status == 413
            assert (await answer.json())["error"]["message"] == "The file is over 2 MB."
        assert (await visit.upload(bytes(2 * MB + 1), "b"))[0] == 413
        assert (await visit.upload(b"", "c"))[0] == 400
        assert [p for p in visit.folder.rglob("*") if p.suffix == ".part"] == []

    async def test_an_upload_that_breaks_off_leaves_nothing(self, visit: Visit) -> None:
        host, port = visit.base.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        lines = [
            f"POST /web/web/chats/{visit.chat.chat}/files?name=a HTTP/1.1",
            f"Host: {host}:{port}",
            *(f"{name}: {value}" for name, value in visit.headers.items()),
            "Content-Type: application/octet-stream",
            "Content-Length: 1000000",
        ]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + bytes(500_000))
        await writer.drain()
        folder = visit.folder / visit.chat.chat
        async with asyncio.timeout(30):
            while not (folder.exists() and list(folder.iterdir())):
                await asyncio.sleep(0.01)
            writer.close()
            while list(folder.iterdir()):
                await asyncio.sleep(0.01)

    async def test_what_a_visitor_keeps_is_bounded(self, visit: Visit) -> None:
        """The largest file, here: two megabytes are more than a tenth of ten."""
        assert (await visit.upload(bytes(MB), "a"))[0] == 201
        status, body = await visit.upload(bytes(MB + 1), "b")
        assert (status, body["error"]["code"]) == (507, "full")

    async def test_files_of_ours_are_there_after_a_restart(self, visit: Visit, serve: Any) -> None:
        _, file = await visit.upload(PNG, "a.png")
        settings = WebSettings(token=SecretStr(TOKEN))
        host = FakeHost(visit.transcript, folder=visit.folder)
        adapter = type(visit.adapter)("web", settings, host)
        await adapter.open()
        async with serve(adapter.routes()) as base:
            visit.base = base
            assert (await visit.file(file["id"]))[1] == PNG


class TestShelf:
    @pytest.fixture
    def shelf(self, tmp_path: Path) -> Shelf:
        return Shelf(tmp_path, largest=100_000, room=1_000_000)

    async def test_old_files_make_room_for_new_ones(self, shelf: Shelf, tmp_path: Path) -> None:
        old = await shelf.put(CHAT, content(bytes(90_000)), like=Kept("", "old", 90_000))
        with pytest.raises(Full):
            await shelf.put(CHAT, content(bytes(90_000)), like=Kept("", "new", 90_000))
        path = tmp_path / CHAT / old.id
        os.utime(path, (1e9, 1e9))
        await shelf.put(CHAT, content(bytes(90_000)), like=Kept("", "new", 90_000))
        assert await shelf.find(CHAT, old.id) is None

    async def test_a_file_larger_than_it_said_is_not_kept(self, shelf: Shelf) -> None:
        with pytest.raises(TooLarge):
            await shelf.put(CHAT, content(bytes(9), bytes(9)), like=Kept("", "a", 10))

    @pytest.mark.parametrize("left", ["", '{"id": "', '{"id": 1}', "[]"])
    async def test_a_file_whose_description_was_cut_short_is_not_there(
        self, shelf: Shelf, tmp_path: Path, left: str
    ) -> None:
        kept = await shelf.put(CHAT, content(b"x"), like=Kept("", "a", 1))
        (tmp_path / CHAT / f"{kept.id}.json").write_text(left)
        assert await shelf.find(CHAT, kept.id) is None

    async def test_tidying_drops_what_is_in_no_message_and_what_is_old(
        self, shelf: Shelf, tmp_path: Path
    ) -> None:
        age = {"young": 0.0, "sent": 2 * YOUNG, "forgotten": 2 * YOUNG, "old": 2 * KEPT}
        kept = {}
        for name, seconds in age.items():
            kept[name] = (await shelf.put(CHAT, content(b"x"), like=Kept("", name, 1))).id
            for path in paths(tmp_path):
                if path.stem == kept[name]:
                    os.utime(path, (time() - seconds, time() - seconds))

        async def wanted(chat: str) -> set[str]:
            return {kept["sent"], kept["old"]} if chat == CHAT else set()

        await shelf.tidy(wanted)
        assert {path.stem for path in paths(tmp_path)} == {kept["young"], kept["sent"]}
        assert len(paths(tmp_path)) == 4

    @pytest.mark.parametrize("name", ["..", "../../x", "", "A" * 32, "0" * 33, "\x00" * 32])
    async def test_no_name_leads_out_of_the_folder(self, shelf: Shelf, name: str) -> None:
        with pytest.raises(Gone):
            await shelf.place(CHAT, name)
        with pytest.raises(Gone):
            await shelf.put(name, content(b"x"), like=Kept("", "x", 1))

    def test_the_oldest_go_first_and_no_more_than_needed(self) -> None:
        lying = [Lying(Path(str(n)), 50_000, float(n)) for n in (3, 1, 2)]
        assert make_room(lying, 150_000, before=YOUNG) == []
        assert make_room(lying, 100_000, before=YOUNG) == [Path("1")]
        assert make_room(lying, 10, before=YOUNG) == [Path("1"), Path("2"), Path("3")]
        assert make_room(lying, 10, before=2) is None

    @pytest.mark.parametrize(
        ("name", "plain"),
        [("/etc/a.txt", "a.txt"), ("  ", "file"), ("x" * 300 + ".pdf", "x" * 116 + ".pdf")],
    )
    def test_names(self, name: str, plain: str) -> None:
        assert plain_name(name) == plain

    @pytest.mark.parametrize(
        ("head", "mime"),
        [
            (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav"),
            (b"RIFF\x24\x00\x00\x00AVI LIST", ""),
            (b"\x00\x00\x00\x18ftypmp42", "video/mp4"),
            (b"\x00\x00\x00\x18ftypM4A ", "audio/mp4"),
            (b"\x00\x00\x00\x18ftypheic", ""),
            (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
            (b"", ""),
        ],
    )
    def test_first_bytes(self, head: bytes, mime: str) -> None:
        assert shown_as(head) == mime


class TestChanges:
    async def test_other_words_reach_the_sink_as_a_change_of_the_first(
        self, visit: Visit, sink: RecordingSink
    ) -> None:
        _, first = await visit.post({"id": "asked-1", "text": "tee"})
        status, again = await visit.post({"id": "asked-2", "text": "tea", "edits": first["id"]})
        assert (status, again) == (202, first)
        change = sink.events[-1]
        assert change.edits == sink.events[0].event_id
        assert change.event_id != sink.events[0].event_id
        assert change.text == "tea"
        assert [e.text for e in await visit.transcript.tail(visit.chat.chat, limit=9)] == ["tea"]

    async def test_a_message_of_ours_or_of_nobody_cannot_be_changed(self, visit: Visit) -> None:
        ours = await visit.adapter.send(visit.chat, Page("a", final=True), key="k")
        for number in (int(ours.id), 999):
            body = {"id": "change-1", "text": "x", "edits": number}
            assert (await visit.post(body))[0] == 404
        assert (await visit.post({"id": "change-1", "text": "x", "edits": "1"}))[0] == 400

    async def test_where_changes_are_ignored_none_is_taken(
        self, visit: Visit, sink: RecordingSink
    ) -> None:
        _, first = await visit.post({"id": "asked-1", "text": "tee"})
        visit.adapter._endpoints.desk._edit_window = 0.0
        status, body = await visit.post({"id": "asked-2", "text": "tea", "edits": first["id"]})
        assert (status, body["error"]["code"]) == (409, "too_late")
        assert len(sink.events) == 1


class TestRatings:
    async def rate(self, visit: Visit, about: object, rating: str, **more: str) -> int:
        body = {"id": f"rate-{rating}", "about": about, "rating": rating}
        async with visit.http.post(
            f"{visit.url}/ratings", json=body | more, headers=visit.headers
        ) as answer:
            return answer.status

    async def test_a_rating_is_a_command_about_the_answer(
        self, visit: Visit, sink: RecordingSink
    ) -> None:
        page = Page("a", final=True, rates=True)
        answer = await visit.adapter.send(visit.chat, page, key="k")
        assert await self.rate(visit, int(answer.id), "dislike", reason="too\nlong") == 202
        [event] = sink.events
        assert (event.text, event.about) == ("/feedback dislike too long", answer.id)
        assert event.pressed
        [entry] = await visit.transcript.tail(visit.chat.chat, limit=9)
        assert entry.rating == "dislike"
        assert await self.rate(visit, int(answer.id), "none") == 202
        assert sink.events[-1].text == "/feedback none"
        assert (await visit.transcript.tail(visit.chat.chat, limit=9))[0].rating == ""

    async def test_what_cannot_be_rated_is_refused(self, visit: Visit, sink: RecordingSink) -> None:
        plain = await visit.adapter.send(visit.chat, Page("a", final=True), key="k")
        assert await self.rate(visit, int(plain.id), "like") == 404
        assert await self.rate(visit, 999, "like") == 404
        assert await self.rate(visit, int(plain.id), "great") == 400
        assert await self.rate(visit, True, "like") == 400
        assert await self.rate(visit, 2**63 - 1, "like") == 400  # no database has a number after it
        assert sink.events == []

    async def test_every_page_sees_a_rating(
        self, visit: Visit, reading: Any, http: aiohttp.ClientSession
    ) -> None:
        page = Page("a", final=True, rates=True)
        answer = await visit.adapter.send(visit.chat, page, key="k")
        async with reading(http, f"{visit.url}/events", visit.headers) as reader:
            await reader.step()
            await self.rate(visit, int(answer.id), "like")
            await reader.until(lambda r: r.messages[0].get("rating") == "like")


class TestPlaces:
    async def test_a_place_goes_with_its_words(self, visit: Visit, sink: RecordingSink) -> None:
        place = {"latitude": 31.23, "longitude": 121}
        status, _ = await visit.post({"id": "place-1", "text": "Location", "place": place})
        assert status == 202
        assert sink.events[0].place == Place(31.23, 121.0)

    @pytest.mark.parametrize(
        "place",
        [
            {"latitude": 91, "longitude": 0},
            {"latitude": "1", "longitude": 0},
            {"latitude": float("nan"), "longitude": 0},
            {"latitude": True, "longitude": 0},
            {"latitude": 1},
            [1, 2],
        ],
    )
    async def test_a_place_that_is_none_is_refused(self, visit: Visit, place: object) -> None:
        assert (await visit.post({"id": "place-2", "text": "x", "place": place}))[0] == 400

    async def test_a_button_for_what_a_browser_cannot_give_is_left_out(self, visit: Visit) -> None:
        wanted = tuple(Button(kind.name, "", kind) for kind in Wanted)
        await visit.adapter.send(visit.chat, Page("a", final=True, buttons=wanted), key="k")
        async with visit.http.get(f"{visit.url}/messages", headers=visit.headers) as answer:
            [entry] = (await answer.json())["entries"]
        assert [each["label"] for each in entry["buttons"]] == ["WORDS", "LOCATION"]
