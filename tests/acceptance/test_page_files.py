"""Files on the page, in a real Chromium: there, back, and what they may not do."""

import pytest
from page_guest import HTML, SVG, attach, file, greet, reader, stage
from page_stage import Reader, Stage, beside_it, until
from playwright.async_api import Route, expect

from bridge.events import AttachmentKind, EnclosureKind
from bridge.testing.file_contract import NOTE, PNG

__all__ = ["reader", "stage"]

pytestmark = [pytest.mark.browser, beside_it]

FORGED = "<img src=x onerror=owned=1>.png"

# Let a file go over the page, or put one into the clipboard and paste it.
_GIVE = """([event, name, type]) => {
    const given = new DataTransfer();
    given.items.add(new File([Uint8Array.from([1, 2, 3])], name, { type }));
    const field = event === "paste" ? "clipboardData" : "dataTransfer";
    const target = document.querySelector("#words");
    const Kind = event === "paste" ? ClipboardEvent : DragEvent;
    const options = { [field]: given, bubbles: true, cancelable: true };
    for (const each of event === "drop" ? ["dragover", "drop"] : [event]) {
        target.dispatchEvent(new Kind(each, options));
    }
}"""


class TestFilesIn:
    async def test_chosen_files_and_words_are_one_message_byte_for_byte(
        self, stage: Stage, reader: Reader
    ) -> None:
        sheet = bytes(range(256)) * 1000
        await attach(reader, file("点.png", PNG, "image/png"), file("a.csv", sheet, "text/csv"))
        await expect(reader.page.locator("#tray img")).to_have_count(1)
        await reader.write("what are these?")
        await until(lambda: stage.texts == ["what are these?"])
        [photo, paper] = stage.heard[0].attachments
        assert (photo.kind, photo.name) == (AttachmentKind.PHOTO, "点.png")
        assert (paper.kind, paper.name) == (AttachmentKind.DOCUMENT, "a.csv")
        assert (await stage.read(0), await stage.read(1)) == (PNG, sheet)
        await expect(reader.page.locator("#tray li")).to_have_count(0)

    async def test_ones_own_picture_is_seen_also_after_a_reload(
        self, stage: Stage, reader: Reader
    ) -> None:
        await attach(reader, file("a.png", PNG, "image/png"), file("b.pdf", b"%PDF", "text/pdf"))
        await reader.page.click("#send")
        await until(lambda: stage.texts == [""])
        for _ in range(2):
            await reader.until("document.querySelector('.mine .picture img')?.naturalWidth === 1")
            await reader.sees(".mine a.parcel .name", "b.pdf")
            await expect(reader.page.locator(".mine .bubble")).to_be_hidden()
            await reader.page.reload()

    @pytest.mark.parametrize("way", ["paste", "drop"])
    async def test_files_come_by_other_ways_too(
        self, stage: Stage, reader: Reader, way: str
    ) -> None:
        await reader.page.evaluate(_GIVE, [way, "c.png", "image/png"])
        await reader.until("document.querySelector('#send:not(:disabled)') !== null")
        await reader.page.click("#send")
        await until(lambda: stage.heard != [])
        assert await stage.read() == b"\x01\x02\x03"
        await expect(reader.page.locator("#drop")).to_be_hidden()

    async def test_a_file_can_be_taken_out_again_by_keyboard(
        self, stage: Stage, reader: Reader
    ) -> None:
        await attach(reader, file("a.txt", b"a", "text/plain"), file("b.txt", b"b", "text/plain"))
        remove = reader.page.get_by_role("button", name="Remove: a.txt")
        await remove.focus()
        await reader.page.keyboard.press("Enter")
        await reader.write("one")
        await until(lambda: stage.heard != [])
        assert [each.name for each in stage.heard[0].attachments] == ["b.txt"]

    async def test_what_is_too_large_or_empty_is_told_before_it_is_sent(
        self, stage: Stage, reader: Reader
    ) -> None:
        asked: list[str] = []
        reader.page.on("request", lambda request: asked.append(request.url))
        large = file("large.bin", bytes(1024 * 1024 + 1), "")
        await reader.page.set_input_files("#files", large)
        await reader.sees("#notice", "large.bin is larger than 1 MB")
        await reader.page.set_input_files("#files", file("empty.bin", b"", ""))
        await reader.sees("#notice", "empty.bin is empty")
        assert not any("/files" in url for url in asked)
        assert await reader.count("#tray li") == 0

    async def test_a_refused_upload_is_told_and_the_words_are_kept(
        self, stage: Stage, reader: Reader
    ) -> None:
        async def refuse(route: Route) -> None:
            body = '{"error": {"code": "full", "message": "There is no room."}}'
            await route.fulfill(status=413, body=body, content_type="application/json")

        await reader.page.route("**/files?*", refuse)
        await reader.page.fill("#words", "look at this")
        await reader.page.set_input_files("#files", file("a.txt", b"a", "text/plain"))
        await reader.sees("#notice", "a.txt was not uploaded: There is no room.")
        assert await reader.page.input_value("#words") == "look at this"

    async def test_an_upload_goes_on_when_the_line_is_back(
        self, stage: Stage, reader: Reader
    ) -> None:
        tried = 0

        async def lose_the_first(route: Route) -> None:
            nonlocal tried
            tried += 1
            await (route.abort() if tried == 1 else route.continue_())

        await reader.page.route("**/files?*", lose_the_first)
        await attach(reader, file("a.txt", b"a", "text/plain"))
        await reader.write("here")
        await until(lambda: stage.heard != [])
        assert await stage.read() == b"a"

    async def test_forged_names_and_programs_in_files_do_nothing(
        self, stage: Stage, reader: Reader
    ) -> None:
        """The fixture looks whether anything ran."""
        harmful = [
            file(FORGED, SVG, "image/png"),
            file("x.svg", SVG, "image/svg+xml"),
            file("y.html", HTML, "text/html"),
            file("../../z.gif", HTML, "image/gif"),
        ]
        await attach(reader, *harmful)
        await reader.page.click("#send")
        await until(lambda: stage.heard != [])
        await expect(reader.page.locator(".mine a.parcel")).to_have_count(4)
        await reader.sees(".mine .parcel .name", FORGED)
        assert await reader.count(".mine img") == 0
        for link in await reader.page.locator(".mine a.parcel").all():
            async with reader.page.expect_download() as download:
                await link.click()
            assert "/" not in (await download.value).suggested_filename
            # and where somebody opens the address itself, it is saved all the same
            address = await link.get_attribute("href")
            answer = await reader.page.request.get(address or "")
            assert answer.headers["content-disposition"].startswith("attachment")
            assert answer.headers["content-type"] == "application/octet-stream"

    async def test_a_picture_opened_by_itself_may_do_nothing(
        self, stage: Stage, reader: Reader
    ) -> None:
        """A picture that is a page as well, to whoever believes the wrong end of it."""
        await attach(reader, file("a.png", PNG + HTML, "image/png"))
        await reader.page.click("#send")
        frame = reader.page.locator(".mine a.picture")
        async with reader.page.context.expect_page() as opened:
            await frame.click()
        page = await opened.value
        await page.wait_for_load_state()
        assert await page.evaluate("window.owned") is None
        assert await page.evaluate("document.contentType") == "image/png"


class TestFilesOut:
    async def test_each_kind_is_shown_as_what_it_is_also_after_a_reload(
        self, stage: Stage, reader: Reader
    ) -> None:
        await greet(stage, reader)
        await stage.say("Here:")
        await stage.send(EnclosureKind.IMAGE, "a.png", PNG)
        await stage.send(EnclosureKind.VOICE, "b.ogg", NOTE)
        await stage.send(EnclosureKind.DOCUMENT, "c.pdf", b"%PDF-1.7")
        for _ in range(2):
            await reader.until("document.querySelector('.answer img')?.naturalWidth === 1")
            await reader.until("document.querySelector('.answer audio')?.duration > 0.4")
            await reader.sees(".answer a.parcel .name", "c.pdf")
            await reader.page.reload()
        async with reader.page.expect_download() as download:
            await reader.page.click(".answer a.parcel")
        assert (await (await download.value).path()).read_bytes() == b"%PDF-1.7"

    async def test_what_calls_itself_a_picture_and_is_none_is_a_file(
        self, stage: Stage, reader: Reader
    ) -> None:
        await greet(stage, reader)
        await stage.send(EnclosureKind.IMAGE, FORGED, SVG)
        await reader.sees(".answer a.parcel .name", FORGED)
        assert await reader.count(".answer img") == 0
