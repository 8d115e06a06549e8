"""Voice, places, thumbs and changed words on the page, in a real Chromium."""

import asyncio
import wave
from collections.abc import AsyncIterator
from io import BytesIO
from itertools import pairwise
from typing import Any

import pytest
from page_guest import SVG, attach, file, greet, reader, stage
from page_stage import CONTRAST, Reader, Stage, beside_browser, beside_it, quiet, until
from playwright.async_api import Browser, Route, expect

from adapters.web.settings import WebSettings
from bridge.events import AttachmentKind, Button, EnclosureKind, Place, Wanted
from bridge.lent import Entry
from bridge.testing.file_contract import NOTE, PNG
from bridge.testing.transcript import FakeHost, MemoryTranscript

__all__ = ["reader", "stage"]

pytestmark = [pytest.mark.browser, beside_it]

_KEEP_MICROPHONE = """() => {
    const devices = navigator.mediaDevices;
    const ask = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async (what) => (window.microphone = await ask(what));
}"""


class TestVoice:
    async def test_a_recording_is_sent_as_a_voice_message(
        self, stage: Stage, reader: Reader
    ) -> None:
        await reader.page.click("#record")
        await expect(reader.page.locator("#recording")).to_be_visible()
        await expect(reader.page.locator("#recorded")).to_have_text("0:01")
        await reader.page.keyboard.press("Enter")
        await until(lambda: stage.heard != [])
        [voice] = stage.heard[0].attachments
        assert voice.kind is AttachmentKind.VOICE
        assert (voice.name, voice.mime) == ("voice.wav", "audio/wav")  # Coze takes no WebM
        with wave.open(BytesIO(await stage.read())) as sound:
            assert sound.getframerate() == 16_000
            assert sound.getnframes() > 8_000
            assert max(sound.readframes(16_000)) > 0  # the microphone beeps
        await reader.until("document.querySelector('.mine audio')?.readyState > 0")
        await expect(reader.page.locator("#words")).to_be_visible()

    async def test_a_recording_can_be_discarded(self, stage: Stage, reader: Reader) -> None:
        await reader.page.click("#record")
        await expect(reader.page.locator("#recording")).to_be_visible()
        await reader.page.keyboard.press("Escape")
        await reader.write("rather in writing")
        await until(lambda: stage.heard != [])
        assert stage.heard[0].attachments == ()

    async def test_without_a_microphone_there_is_a_word(self, reader: Reader) -> None:
        await reader.page.evaluate(
            "() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(Error('no')); }"
        )
        await reader.page.click("#record")
        await reader.sees("#notice", "The browser does not give us the microphone.")

    @pytest.mark.parametrize("then", ["#send", "#discard"])
    async def test_a_microphone_that_is_taken_away_does_not_hold_the_page(
        self, stage: Stage, reader: Reader, then: str
    ) -> None:
        await reader.page.evaluate(_KEEP_MICROPHONE)
        await reader.page.click("#record")
        await expect(reader.page.locator("#recorded")).to_have_text("0:01")
        await reader.page.evaluate("window.microphone.getTracks().forEach((it) => it.stop())")
        await asyncio.sleep(0.2)  # no event tells of it
        await reader.page.click(then)
        await expect(reader.page.locator("#words")).to_be_visible()
        await reader.write("done")
        await until(lambda: "done" in stage.texts)
        assert len(stage.heard[0].attachments) == (1 if then == "#send" else 0)

    async def test_what_is_attached_while_a_recording_is_sent_is_not_lost(
        self, stage: Stage, reader: Reader
    ) -> None:
        held: dict[str, asyncio.Event] = {"voice": asyncio.Event(), "slow": asyncio.Event()}

        async def hold(route: Route) -> None:
            await held["slow" if "slow.txt" in route.request.url else "voice"].wait()
            await route.continue_()

        await reader.page.route("**/files?*", hold)
        await reader.page.click("#record")
        await expect(reader.page.locator("#recorded")).to_have_text("0:01")
        await reader.page.keyboard.press("Enter")
        await expect(reader.page.locator("#tray li")).to_have_count(1)
        await reader.page.set_input_files("#files", file("slow.txt", b"slow", "text/plain"))
        held["voice"].set()
        await expect(reader.page.locator("#tray progress")).to_have_count(1)
        held["slow"].set()
        await reader.page.click("#send:not(:disabled)")
        await until(lambda: stage.heard != [])
        assert [each.kind for each in stage.heard[0].attachments] == [
            AttachmentKind.VOICE,
            AttachmentKind.DOCUMENT,
        ]


class Hesitant(MemoryTranscript):
    """It takes its time to store an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.goes_on = asyncio.Event()

    async def append(self, chat: str, author: Any, text: str, **more: Any) -> Entry:
        if author == "bot":
            await self.goes_on.wait()
        return await super().append(chat, author, text, **more)


class TestWhileAnAnswerIsStored:
    @beside_browser
    async def stage(self) -> AsyncIterator[Stage]:
        host = FakeHost(transcript=Hesitant())
        async with Stage(WebSettings(access="open"), script=quiet, host=host) as stage:
            yield stage

    async def test_it_is_seen_beside_words_that_wait(self, stage: Stage, reader: Reader) -> None:
        assert isinstance(stage.host.transcript, Hesitant)
        await greet(stage, reader)
        stage.refusing = True
        await reader.write("and this")
        await reader.sees(".mine.pending .bubble", "and this")
        saying = asyncio.create_task(stage.say("Hello", final=False))
        await reader.sees(".answer .md", "Hello")
        stage.host.transcript.goes_on.set()
        await saying
        stage.refusing = False
        await until(lambda: stage.texts == ["hi", "and this"])


class TestPlaces:
    async def test_a_place_is_sent_by_a_press(self, stage: Stage, reader: Reader) -> None:
        await greet(stage, reader)
        ask = Button("Share my location", "", Wanted.LOCATION)
        await stage.say("Where are you?", buttons=(ask, Button("No", "No")))
        await reader.page.click("text=Share my location")
        await until(lambda: len(stage.heard) == 2)
        assert stage.heard[1].place == Place(31.25, 121.5)
        await reader.sees(".mine .bubble", "Location: 31.25, 121.5")

    async def test_who_does_not_say_where_they_are_reads_so(
        self, stage: Stage, reader: Reader
    ) -> None:
        await reader.page.context.clear_permissions()
        await reader.page.context.set_geolocation(None)
        await greet(stage, reader)
        await stage.say("Where?", buttons=(Button("Share", "", Wanted.LOCATION),))
        await reader.page.click("text=Share")
        await reader.sees("#notice", "The browser does not give your location.")
        assert stage.texts == ["hi"]


class TestThumbs:
    async def test_a_rating_is_given_changed_and_withdrawn(
        self, stage: Stage, reader: Reader
    ) -> None:
        await greet(stage, reader)
        answer = await stage.say("Sunny", rates=True)
        like = reader.page.get_by_role("button", name="Good answer", exact=True)
        dislike = reader.page.get_by_role("button", name="Not a good answer")
        await like.click()
        await expect(like).to_have_attribute("aria-pressed", "true")
        await until(lambda: len(stage.heard) == 2)
        await dislike.click()
        await expect(like).to_have_attribute("aria-pressed", "false")
        await reader.page.fill(".why input", "too short")
        await reader.page.keyboard.press("Enter")
        await until(lambda: len(stage.heard) == 4)
        await reader.page.reload()
        await expect(dislike).to_have_attribute("aria-pressed", "true")
        await dislike.click()
        await until(lambda: len(stage.heard) == 5)
        rest = stage.heard[1:]
        assert [event.text for event in rest] == [
            "/feedback like",
            "/feedback dislike",
            "/feedback dislike too short",
            "/feedback none",
        ]
        assert {(event.about, event.pressed) for event in rest} == {(answer.id, True)}
        assert all(one.event_id != other.event_id for one, other in pairwise(rest))
        await expect(dislike).to_have_attribute("aria-pressed", "false")
        assert await reader.count(".mine") == 1  # nobody reads commands they did not write

    async def test_nobody_has_to_say_why(self, stage: Stage, reader: Reader) -> None:
        await greet(stage, reader)
        await stage.say("Sunny", rates=True)
        await reader.page.get_by_role("button", name="Not a good answer").click()
        await expect(reader.page.locator(".why input")).to_be_focused()
        await reader.page.keyboard.press("Escape")
        await expect(reader.page.locator(".why")).to_have_count(0)
        await until(lambda: len(stage.heard) == 2)

    async def test_what_cannot_be_rated_has_no_thumbs(self, stage: Stage, reader: Reader) -> None:
        await greet(stage, reader)
        await stage.say("Commands: …")
        await reader.sees(".answer .md", "Commands: …")
        await expect(reader.page.locator(".thumbs")).to_be_hidden()


class TestChanging:
    async def test_the_last_question_gets_other_words(self, stage: Stage, reader: Reader) -> None:
        await reader.write("first")
        await until(lambda: len(stage.heard) == 1)
        await reader.write("tee")
        await until(lambda: len(stage.heard) == 2)
        message = await stage.say("A tee is …")
        await reader.page.fill("#words", "a draft")
        await reader.page.hover(".mine >> nth=1")
        await expect(reader.page.locator(".change:visible")).to_have_count(1)
        await reader.page.locator(".change:visible").click()
        assert await reader.page.input_value("#words") == "tee"
        await reader.page.fill("#words", "tea")
        await reader.page.keyboard.press("Enter")
        await until(lambda: len(stage.heard) == 3)
        assert stage.heard[2].text == "tea"
        assert stage.heard[2].edits == stage.heard[1].event_id
        await reader.sees(".mine .bubble", "tea")
        assert await reader.page.input_value("#words") == "a draft"
        await stage.change(message, "Tea is …", final=True)
        await reader.sees(".answer .md", "Tea is …")
        await reader.page.reload()
        await reader.sees(".mine .bubble", "tea")
        assert await reader.count(".mine") == 2

    async def test_escape_leaves_it_as_it_was(self, stage: Stage, reader: Reader) -> None:
        await greet(stage, reader)
        await reader.page.locator(".change").focus()
        await reader.page.keyboard.press("Enter")
        await expect(reader.page.locator("#editing")).to_be_visible()
        await reader.page.keyboard.press("Escape")
        await expect(reader.page.locator("#editing")).to_be_hidden()
        assert await reader.page.input_value("#words") == ""
        assert stage.texts == ["hi"]


async def test_where_changes_are_ignored_no_pencil_is_shown(browser: Browser) -> None:
    host = FakeHost(edit_window=0.0)
    async with Stage(WebSettings(access="open"), script=quiet, host=host) as stage:
        context = await browser.new_context()
        reader = await Reader.sit_down(context)
        await reader.page.goto(stage.url)
        await greet(stage, reader)
        await reader.sees(".mine .bubble", "hi")
        await expect(reader.page.locator(".change")).to_be_hidden()
        await context.close()


class TestThoughts:
    async def test_long_thoughts_are_folded_once_the_answer_comes(
        self, stage: Stage, reader: Reader
    ) -> None:
        await greet(stage, reader)
        thoughts = "> " + "I think. " * 60
        message = await stage.say(thoughts, final=False)
        await reader.page.wait_for_selector(".answer blockquote")
        assert await reader.count(".answer details") == 0
        await stage.change(message, f"{thoughts}\n\nYes.\n\n> a quote {'of old ' * 60}", final=True)
        await expect(reader.page.locator(".answer details")).to_have_count(1)
        inner = reader.page.locator(".answer details blockquote")
        await expect(inner).to_be_hidden()
        await reader.page.locator("summary").focus()
        await reader.page.keyboard.press("Enter")
        await expect(inner).to_be_visible()


class TestLooks:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    async def test_everything_fits_on_a_phone_and_is_readable(
        self, browser: Browser, stage: Stage, scheme: str
    ) -> None:
        context = await browser.new_context(
            viewport={"width": 360, "height": 640},
            color_scheme=scheme,  # type: ignore[arg-type]  # one of two
            permissions=["microphone"],
        )
        reader = await Reader.sit_down(context)
        await reader.page.goto(stage.url)
        long = "very-long-" * 15 + ".png"
        await attach(reader, file(long, PNG, "image/png"), file(long, SVG, ""))
        await reader.page.click("#send")
        await until(lambda: stage.heard != [])
        await stage.say("Yes.", rates=True)
        for kind, content in (
            (EnclosureKind.IMAGE, PNG),
            (EnclosureKind.VOICE, NOTE),
            (EnclosureKind.DOCUMENT, SVG),
        ):
            await stage.send(kind, long, content)
        wanted = Button("Share my location", "", Wanted.LOCATION)
        await stage.say("> " + "thought " * 90 + "\n\nNo.", rates=True, buttons=(wanted,))
        await reader.page.wait_for_selector(".wants")
        await reader.page.locator(".answer:last-child .thumbs button").last.click()
        await attach(reader, file(long, PNG, "image/png"), file(long, SVG, ""))
        await self._judge(reader)
        for _ in range(2):
            await reader.page.locator("#tray button").first.click()
        await reader.page.click("#record")
        await expect(reader.page.locator("#recording")).to_be_visible()
        await self._judge(reader)
        assert reader.complaints == []
        await context.close()

    async def _judge(self, reader: Reader) -> None:
        """Nothing is wider than the page, and every text stands out from what is behind it."""
        wide = """() => [...document.querySelectorAll("body *")]
            .filter((e) => e.checkVisibility() && !e.closest(".unseen, summary > *"))
            .filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5)
            .map((e) => e.outerHTML.slice(0, 80))"""
        assert await reader.page.evaluate(wide) == []
        ratios = await reader.page.evaluate(CONTRAST)
        assert {text: ratio for text, ratio in ratios if ratio < 4.5} == {}
