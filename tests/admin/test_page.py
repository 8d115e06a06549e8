"""The operator's page in a real Chromium: the main paths, on a desktop and on a phone."""

import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser

from bridge.events import User
from bridge.store.overview import states_of
from bridge.store.turns import TurnState
from tests.admin.stage import TOKEN, Stage

sys.path.insert(0, str(Path(__file__).parent.parent / "acceptance"))

from page_stage import TOO_SMALL, Reader, launched

pytestmark = pytest.mark.browser
LANE = "fake/fake/chat-u-anna/"
LI = User("u-li", name="李雷")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launched() as browser:
        yield browser


@pytest.fixture
async def reader(stage: Stage, browser: Browser) -> AsyncIterator[Reader]:
    """Somebody who has signed in, with the keyboard alone. The page never complains."""
    context = await browser.new_context(locale="en-GB", timezone_id="UTC")
    reader = await Reader.sit_down(context)
    await reader.page.goto(f"{stage.url}/admin")
    await reader.until("document.activeElement.id === 'token'")
    await reader.page.keyboard.type(TOKEN)
    await reader.page.keyboard.press("Enter")
    await reader.page.wait_for_selector("#charts")
    yield reader
    assert [line for line in reader.complaints if not line.startswith("dialog:")] == []
    await context.close()


async def test_a_wrong_token_is_told_and_the_right_one_opens(
    stage: Stage, browser: Browser
) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(f"{stage.url}/admin/people")
    assert page.url.endswith("/admin/login")
    await page.fill("#token", "wrong")
    await page.press("#token", "Enter")
    assert await page.inner_text("[role=alert]") == "This is not the admin token."
    await page.fill("#token", TOKEN)
    await page.press("#token", "Enter")
    await page.wait_for_selector("#charts")
    await page.click("text=Sign out")
    await page.wait_for_selector("#token")
    await page.go_back()
    await page.wait_for_selector("#token")
    await context.close()


async def test_the_overview_keeps_itself_up_to_date(stage: Stage, reader: Reader) -> None:
    await reader.sees("#running .nothing", "Nothing just now.")
    await stage.health.ask_agents()
    _, lane = await stage.says("hello")
    await reader.sees("#health", "Everything works.")
    await reader.sees("#running .lane", LANE)
    await stage.answers(lane, "an answer")
    stage.adapter.in_trouble = "no getUpdates for <b>90 s</b>"
    await reader.sees("#health", "1 part is in trouble: adapters.fake")
    await reader.sees("#parts td:has(.bad)", "in trouble no getUpdates for <b>90 s</b>")
    await reader.until("document.querySelectorAll('#charts rect.answered').length === 1")
    assert await reader.count("#charts path.median") == 1


async def test_nobody_is_asked_while_nobody_looks(stage: Stage, reader: Reader) -> None:
    asked: list[str] = []
    hide = """(hidden) => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    await reader.page.evaluate(hide, True)
    reader.page.on("request", lambda request: asked.append(request.url))
    await stage.says("hello")
    await reader.page.wait_for_timeout(5000)  # longer than it waits between two looks
    assert asked == []
    await reader.page.evaluate(hide, False)
    await reader.sees("#running .lane", LANE)


async def test_a_conversation_is_found_opened_and_begun_anew(stage: Stage, reader: Reader) -> None:
    await stage.says("a question of mine", LI, minutes=1)
    _, lane = await stage.says("What is\nthe weather?", file="report.pdf")
    await stage.answers(lane, "It is **fine**.")
    page = reader.page
    await page.click("text=Conversations")
    assert await reader.count("#list tbody tr") == 2
    await page.fill("[name=search]", "anna")
    await page.press("[name=search]", "Enter")
    await page.wait_for_url("**search=anna**")
    assert await reader.count("#list tbody tr") == 1
    await page.click("#list >> text=Anna")
    await reader.sees(".asked .words", "What is\nthe weather?")
    await reader.sees(".answered .words", "It is **fine**.")
    await reader.sees(".file", "document: report.pdf")
    page.once("dialog", lambda dialog: dialog.accept())
    await page.click("text=Begin anew")
    await reader.sees(".told", "The next question begins a new conversation.")


async def test_a_question_before_a_deed_can_be_answered_with_no(
    stage: Stage, reader: Reader
) -> None:
    number, lane = await stage.says("hello")
    await stage.answers(lane, "", error="no such agent")
    page = reader.page
    await page.click("text=Unanswered")
    await page.check("#all")
    page.once("dialog", lambda dialog: dialog.dismiss())
    await page.click("text=Drop")
    assert await stage.store.read(states_of([number])) == {number: TurnState.FAILED}
    page.once("dialog", lambda dialog: dialog.accept())
    await page.click("text=Drop")
    await reader.sees(".told", "1 dropped.")
    assert await stage.store.read(states_of([number])) == {number: TurnState.DROPPED}
    await page.click("text=Log")
    await reader.sees("#list tbody tr:first-child td:nth-child(3)", "drop")


async def test_what_is_ticked_stays_while_the_list_changes(stage: Stage, reader: Reader) -> None:
    _, lane = await stage.says("hello")
    await stage.answers(lane, "", error="no such agent")
    page = reader.page
    await page.click("text=Unanswered")
    await page.check("[name=id]")
    await stage.says("hello", LI)
    await stage.answers("fake/fake/chat-u-li/", "", error="no such agent")
    async with page.expect_response(lambda answer: answer.status == 200):
        pass
    assert await page.is_checked("[name=id]")
    await page.uncheck("[name=id]")
    await page.evaluate("document.activeElement.blur()")
    await reader.until("document.querySelectorAll('[name=id]').length === 2")


async def test_somebody_is_blocked(stage: Stage, reader: Reader) -> None:
    await stage.says("hello")
    page = reader.page
    await page.click("text=People")
    page.once("dialog", lambda dialog: dialog.accept())
    await page.click("#list >> text=Block")
    await reader.sees("#list .mark", "blocked")
    await page.click("#list >> text=Unblock")
    await reader.sees("#list .mark", "yes")


async def test_who_was_signed_out_is_led_to_the_entrance(stage: Stage, reader: Reader) -> None:
    stage.now += timedelta(hours=13)
    await reader.page.wait_for_selector("#token")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_fits_a_phone_and_a_finger(stage: Stage, browser: Browser, scheme: str) -> None:
    long = User("u-long", name="N" * 120)
    _, lane = await stage.says("w" * 400, long, file="f" * 120 + ".pdf", title="T" * 90)
    await stage.answers(lane, "", error="e" * 300)
    context = await browser.new_context(
        viewport={"width": 360, "height": 740},
        color_scheme="dark" if scheme == "dark" else "light",
        has_touch=True,
        is_mobile=True,
    )
    page = await context.new_page()
    await page.goto(f"{stage.url}/admin")
    assert await page.evaluate(TOO_SMALL) == []
    await page.fill("#token", TOKEN)
    await page.press("#token", "Enter")
    await page.wait_for_selector("#charts")
    one = f"/conversations/one?lane={lane}"
    person = f"/people/one?uid={stage.uid(long)}"
    for path in ("", "/conversations", one, "/unanswered", "/people", person, "/log"):
        await page.goto(f"{stage.url}/admin{path}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360, path
        assert await page.evaluate(TOO_SMALL) == [], path
    ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(21, 22, 26)") is (scheme == "dark")
    await context.close()


async def test_it_works_without_a_script(stage: Stage, browser: Browser) -> None:
    _, lane = await stage.says("hello")
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{stage.url}/admin")
    await page.fill("#token", TOKEN)
    await page.press("#token", "Enter")
    await page.goto(f"{stage.url}/admin/conversations/one?lane={lane}")
    await page.click("text=Begin anew")
    assert "begins a new conversation" in await page.inner_text(".told")
    await context.close()
