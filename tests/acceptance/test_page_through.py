"""Files, thumbs and the rest from a real browser through a real daemon to Coze, and back."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from mimetypes import guess_type

import pytest
from daemon_process import Daemon, World, answer_to, eventually
from page_stage import Reader, launched
from playwright.async_api import expect

from bridge.emulator import Answer, Memory, Scenario
from bridge.testing.file_contract import PNG

pytestmark = pytest.mark.browser

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 1000


@pytest.fixture
def daemon(world: World) -> Daemon:
    return world.daemon(
        adapters__web__access="open",
        adapters__web__file_limit="1",
        files__allow_private="true",
        sessions__edited="ask",
        agents__default__feedback="true",
        agents__default__suggestions="true",
    )


@pytest.fixture
async def reader(daemon: Daemon) -> AsyncIterator[Reader]:
    """Somebody who has the page of the daemon open."""
    await daemon.ready()
    async with launched() as browser:
        context = await browser.new_context(
            permissions=["geolocation"], geolocation={"latitude": 30.5, "longitude": 119.25}
        )
        reader = await Reader.sit_down(context)
        await reader.page.goto(daemon.url)
        await reader.page.wait_for_selector("#welcome:not([hidden])")
        yield reader
        assert reader.complaints == []
        await context.close()


async def test_two_files_and_words_are_one_question_byte_for_byte(
    world: World, reader: Reader
) -> None:
    await reader.page.set_input_files(
        "#files",
        [
            {"name": "点.png", "mimeType": "image/png", "buffer": PNG},
            {"name": "paper.pdf", "mimeType": "application/pdf", "buffer": PDF},
        ],
    )
    await reader.until("document.querySelectorAll('#tray li').length === 2")
    await reader.until("!document.querySelector('#tray progress')")
    await reader.write("tea")
    await reader.sees(".answer .md", answer_to("tea"))
    assert {f.name: f.content for f in world.coze.files.all.values()} == {
        "点.png": PNG,
        "paper.pdf": PDF,
    }
    [asked] = world.coze.asked
    assert sorted(kind for kind, _ in asked.files) == ["file", "image"]


KINDS = {
    "story.docx": b"PK\x03\x04" + bytes(range(256)) * 20,
    "photo.jpg": b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20,
    "song.mp3": b"ID3\x04" + bytes(range(256)) * 20,
    "film.mp4": b"\x00\x00\x00\x18ftypisom" + bytes(range(256)) * 20,
}


async def test_every_kind_reaches_coze_byte_for_byte(world: World, reader: Reader) -> None:
    types = {name: guess_type(name)[0] or "" for name in KINDS}
    await reader.page.set_input_files(
        "#files",
        [{"name": n, "mimeType": types[n], "buffer": content} for n, content in KINDS.items()],
    )
    await reader.until(f"document.querySelectorAll('#tray li').length === {len(KINDS)}")
    await reader.until("!document.querySelector('#tray progress')")
    await reader.write("tea")
    await reader.sees(".answer .md", answer_to("tea"))
    assert {f.name: f.content for f in world.coze.files.all.values()} == KINDS
    [asked] = world.coze.asked
    assert sorted(kind for kind, _ in asked.files) == ["file", "file", "file", "image"]


async def test_a_file_is_there_for_the_daemon_that_comes_after_a_kill(
    world: World, daemon: Daemon, reader: Reader
) -> None:
    world.coze.install(Scenario(endpoint="/v1/files/upload", slow_headers=2))
    await reader.page.set_input_files(
        "#files", {"name": "paper.pdf", "mimeType": "application/pdf", "buffer": PDF}
    )
    await reader.until("document.querySelector('#send:not(:disabled)') !== null")
    await reader.write("tea")
    await eventually(lambda: _is_stored(world, "paper.pdf"))
    port = daemon.url.rpartition(":")[2]
    daemon.kill()
    daemon.start(server__port=port)
    await reader.sees(".answer .md", answer_to("tea"))
    assert PDF in [file.content for file in world.coze.files.all.values()]
    assert world.questions() == ["tea"]
    await reader.sees(".mine .parcel .name", "paper.pdf")


def _is_stored(world: World, name: str) -> bool:
    with closing(sqlite3.connect(world.database)) as connection:
        (found,) = connection.execute(
            "select count(*) from inbox where payload like ?", [f"%{name}%"]
        ).fetchone()
        return bool(found)


async def test_a_picture_of_an_answer_is_shown_from_our_own_address(
    world: World, daemon: Daemon, reader: Reader
) -> None:
    def paint(question: str, _: Memory) -> Answer:
        return Answer(f"Here is {question}: [a picture]({world.coze.url}/_emulator/bridge.png)")

    world.coze.agent = paint
    await reader.write("tea")
    for _ in range(2):
        await reader.until("document.querySelector('.answer .picture img')?.naturalWidth > 1")
        source = await reader.page.get_attribute(".answer .picture img", "src")
        assert (source or "").startswith(f"{daemon.url}/web/web/chats/")
        await reader.page.reload()


async def test_thumbs_reach_coze_changed_and_withdrawn(world: World, reader: Reader) -> None:
    await reader.write("tea")
    await reader.sees(".answer .md", answer_to("tea"))
    like = reader.page.get_by_role("button", name="Good answer", exact=True)
    dislike = reader.page.get_by_role("button", name="Not a good answer")

    def rated() -> list[str]:
        said = [each.feedback for each in world.coze.opinions]
        return [each.feedback_type if each else "none" for each in said]

    await like.click()
    await eventually(lambda: rated() == ["like"])
    await dislike.click()
    await eventually(lambda: rated() == ["like", "unlike"])
    await dislike.click()
    await eventually(lambda: rated() == ["like", "unlike", "none"])
    assert await reader.count("article") == 2


async def test_a_changed_question_is_answered_in_the_same_place(
    world: World, reader: Reader
) -> None:
    await reader.write("tee")
    await reader.sees(".answer .md", answer_to("tee"))
    await reader.page.locator(".change").focus()
    await reader.page.keyboard.press("Enter")
    await reader.page.fill("#words", "tea")
    await reader.page.keyboard.press("Enter")
    await reader.sees(".answer .md", answer_to("tea"))
    assert await reader.count("article") == 2
    assert world.questions() == ["tee", "tea"]


@pytest.mark.parametrize("by_button", [True, False], ids=["button", "text"])
async def test_the_options_of_a_question_are_buttons_and_the_answer_goes_on(
    world: World, reader: Reader, by_button: bool
) -> None:
    question = Scenario(
        match="^order$", reply="Which tea?", needs_reply=True, options=("Green", "Black")
    )
    world.coze.install(question)
    await reader.write("order")
    await reader.page.wait_for_selector("text=Green")
    await (reader.page.click("text=Green") if by_button else reader.write("Green"))
    await reader.sees(".mine .bubble", "Green")
    await eventually(lambda: "Green" in world.questions())
    await expect(
        reader.page.locator(".answer .suggestions button", has_text="Black")
    ).to_have_count(0)


async def test_a_suggestion_is_said_as_ones_own_and_gone(world: World, reader: Reader) -> None:
    world.coze.install(Scenario(match="^tea$", reply="Tea.", follow_ups=("And coffee?", "Why?")))
    await reader.write("tea")
    await reader.page.click("text=And coffee?")
    await reader.sees(".mine .bubble", "And coffee?")
    await reader.sees(".answer .md", answer_to("And coffee?"))
    assert world.questions() == ["tea", "And coffee?"]
    assert await reader.count("text=Why?") == 0
