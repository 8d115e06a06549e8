"""Reading on the chat page, in a real Chromium: what is above, on a phone, in the dark."""

import asyncio

import pytest
from page_guest import file
from page_stage import CONTRAST, TOO_SMALL, Reader, Stage, beside_it, quiet, until
from playwright.async_api import Browser, Route, expect
from test_page import reader, stage

from bridge.events import Button, EnclosureKind

__all__ = ["reader", "stage"]

pytestmark = [pytest.mark.browser, beside_it]

# Scroll to the top, wait for what comes above, and tell how far the first message has moved.
_SCROLL_UP = """async () => {
    const first = document.querySelector("article");
    document.querySelector("#scroll").scrollTop = 0;
    const before = first.getBoundingClientRect().top;
    while (document.querySelector("article") === first) {
        await new Promise(requestAnimationFrame);
    }
    return first.getBoundingClientRect().top - before;
}"""


# From here on frames wait until `paint` is called; what was asked of them is counted.
_HOLD_FRAMES = """() => {
    window.held = [];
    window.requestAnimationFrame = (draw) => window.held.push(draw);
}"""

_TOP_OF_OLDEST = """() => {
    window.oldest ??= document.querySelector("article");
    return window.oldest.getBoundingClientRect().top;
}"""


class TestReading:
    async def test_older_messages_load_on_the_way_up_and_nothing_jumps(
        self, stage: Stage, reader: Reader
    ) -> None:
        stage.script = quiet
        await reader.write("start")
        await until(lambda: stage.heard != [])
        await reader.has_said_all()  # or the words stand below as well until they are said again
        for number in range(220):
            await stage.say(f"message {number}")
        await reader.page.reload()
        await reader.sees(".answer .md", "message 219")
        await expect(reader.page.locator("#jump")).to_be_hidden()
        jumps = []
        while not await reader.count(".bubble"):
            jumps.append(await reader.page.evaluate(_SCROLL_UP))
        assert len(jumps) == 3
        assert max(map(abs, jumps)) < 2
        await reader.sees(".mine .bubble", "start")
        shown = await reader.page.locator(".answer .md").all_inner_texts()
        assert [text.strip() for text in shown] == [f"message {n}" for n in range(220)]

    async def test_an_answer_that_grows_below_moves_nothing_when_older_messages_come(
        self, stage: Stage, reader: Reader
    ) -> None:
        stage.script = quiet
        await reader.write("start")
        await until(lambda: stage.heard != [])
        await reader.has_said_all()
        for number in range(120):
            await stage.say(f"message {number}")
        growing = await stage.say("line\n\n", final=False)
        await reader.page.reload()
        await reader.sees(".answer .md", "line")
        asked, given = asyncio.Event(), asyncio.Event()

        async def take_time(route: Route) -> None:
            asked.set()
            await given.wait()
            await route.continue_()

        await reader.page.route("**/messages?*", take_time)
        await reader.page.evaluate("document.querySelector('#scroll').scrollTop = 0")
        await asked.wait()
        await reader.page.evaluate(_HOLD_FRAMES)
        before = await reader.page.evaluate(_TOP_OF_OLDEST)
        await stage.change(growing, "line\n\n" * 50)
        await reader.until("window.held.length > 0")
        given.set()
        await reader.until("document.querySelector('article') !== window.oldest")
        assert abs(await reader.page.evaluate(_TOP_OF_OLDEST) - before) < 2
        await reader.until("document.querySelectorAll('.block').length >= 50")

    async def test_who_reads_above_is_left_alone_and_can_jump_down(
        self, stage: Stage, reader: Reader
    ) -> None:
        stage.script = quiet
        await reader.write("start")
        await until(lambda: stage.heard != [])
        message = await stage.say("line\n\n" * 100, final=False)
        at_end = (
            "(({scrollTop: t, scrollHeight: h, clientHeight: c}) => h - t - c < 3)"
            "(document.querySelector('#scroll'))"
        )
        await reader.until(f"document.querySelectorAll('.block').length === 100 && {at_end}")
        await stage.change(message, "line\n\n" * 120)
        await reader.until(f"document.querySelectorAll('.block').length === 120 && {at_end}")
        await reader.page.hover("#log")
        await reader.page.mouse.wheel(0, -300)
        await expect(reader.page.locator("#jump")).to_be_visible()
        top = "document.querySelector('#scroll').scrollTop"
        before = await reader.page.evaluate(top)
        await stage.change(message, "line\n\n" * 150, final=True)
        await reader.until("document.querySelectorAll('.block').length === 150")
        assert await reader.page.evaluate(top) <= before
        await reader.page.click("#jump")
        await reader.until(at_end)
        await expect(reader.page.locator("#jump")).to_be_hidden()

    async def test_nothing_is_wider_than_a_phone(self, browser: Browser, stage: Stage) -> None:
        context = await browser.new_context(
            viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True, locale="zh-CN"
        )
        reader = await Reader.sit_down(context)
        await reader.page.goto(stage.url)
        await reader.page.fill("#words", "x" * 300)
        await reader.page.press("#words", "Enter")
        assert stage.heard == []  # Enter is a new line where there is no other
        await reader.page.tap("#send")
        await reader.page.wait_for_selector(".answer")
        cells = "|" + "wide cell |" * 12
        await stage.say(
            f"{cells}\n{'|-' * 12}|\n{cells}\n\n```\n{'y' * 400}\n```\n\n"
            f"https://example.com/{'z' * 300}\n\n# {'标题' * 60}",
            buttons=(Button("很长的按钮" * 12, "x"),),
        )
        await reader.page.wait_for_selector(".answer h1")
        await reader.until(
            "[document.documentElement, document.querySelector('#scroll')]"
            ".every((e) => e.scrollWidth <= e.clientWidth)"
        )
        for selector in ("#send", "#new", "#log .suggestions button"):
            box = await reader.page.locator(selector).first.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 360
        assert await reader.page.get_attribute("#words", "placeholder") == "输入消息"
        assert reader.complaints == []
        await context.close()

    async def test_nothing_is_too_small_for_a_finger(self, browser: Browser, stage: Stage) -> None:
        context = await browser.new_context(
            viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
        )
        reader = await Reader.sit_down(context)
        page = reader.page
        await page.goto(stage.url)
        await page.wait_for_selector("#welcome:not([hidden])")
        assert await page.evaluate(TOO_SMALL) == []
        await page.fill("#words", "hello")
        await page.tap("#send")
        await page.wait_for_selector(".answer")
        thoughts = "> " + "I think. " * 60  # folded
        await stage.say(f"{thoughts}\n\n```\ncode\n```", buttons=(Button("A", "x"),))
        await page.wait_for_selector("#log .suggestions button")
        await stage.send(EnclosureKind.DOCUMENT, "plan.pdf", b"%PDF-")
        await page.wait_for_selector("a.parcel")
        assert await page.locator("summary").is_visible()
        await page.set_input_files("#files", [file("a.txt", b"a", "text/plain")])
        await page.wait_for_selector("#tray li button")
        await page.tap("#profile")
        assert await page.evaluate(TOO_SMALL) == []
        assert reader.complaints == []
        await context.close()

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    async def test_every_text_is_readable_in_light_and_dark(
        self, browser: Browser, stage: Stage, scheme: str
    ) -> None:
        context = await browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]
        reader = await Reader.sit_down(context)
        await reader.page.goto(stage.url)
        await reader.write("`code`")
        await reader.page.wait_for_selector(".answer code")
        await stage.say(
            "# Title\n\n> quote\n\n[link](https://example.com)\n\n```python\n"
            "def f(x: int) -> str:  # note\n    return 'text' * 2\n```",
            buttons=(Button("More", "More"),),
        )
        await reader.page.wait_for_selector(".hljs-comment")
        ratios = await reader.page.evaluate(CONTRAST)
        assert len(ratios) > 10
        assert {text: ratio for text, ratio in ratios if ratio < 4.5} == {}
        background = await reader.page.evaluate("getComputedStyle(document.body).backgroundColor")
        red = int(background.removeprefix("rgb(").split(",")[0])
        assert (red < 60) == (scheme == "dark")
        await context.close()
