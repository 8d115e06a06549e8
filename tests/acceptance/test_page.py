"""The chat page in a real Chromium, over real HTTP, with a scripted agent behind it."""

from collections.abc import AsyncIterator

import pytest
from page_stage import Reader, Stage, beside_browser, beside_it, quiet, until
from playwright.async_api import Browser, Route, expect
from pydantic import SecretStr

from adapters.web.settings import WebSettings
from bridge.events import Button, Inbound

pytestmark = [pytest.mark.browser, beside_it]

# However long the browser takes, whatever is done from here on is done in the same instant.
_AT_ONCE = "Object.defineProperty(Event.prototype, 'timeStamp', { get: () => 1e9 })"


@beside_browser
async def stage() -> AsyncIterator[Stage]:
    async with Stage(WebSettings(access="open", title="Sunny")) as stage:
        yield stage


@beside_browser
async def reader(browser: Browser, stage: Stage) -> AsyncIterator[Reader]:
    """Somebody who has the page open. The page must not complain while they use it."""
    context = await browser.new_context()
    reader = await Reader.sit_down(context)
    await reader.page.goto(stage.url)
    await reader.page.wait_for_selector("#welcome:not([hidden])")
    yield reader
    assert reader.complaints == []
    await context.close()


class TestTalking:
    async def test_an_answer_is_written_in_place(self, stage: Stage, reader: Reader) -> None:
        stage.script = quiet
        await reader.write("hello 你好")
        await reader.sees(".mine .bubble", "hello 你好")
        await until(lambda: stage.texts == ["hello 你好"])
        message = await stage.say("Once", final=False)
        await reader.sees(".answer .md", "Once")
        handle = await reader.page.query_selector(".answer")
        await stage.change(message, "Once upon a **time**")
        await reader.sees(".answer .md strong", "time")
        await stage.change(message, "Once upon a **time**.", final=True)
        await reader.page.wait_for_selector('.answer[aria-busy="false"]')
        assert handle is not None
        assert await handle.evaluate("element => element.isConnected")
        assert await reader.count(".answer") == 1
        await reader.sees(".answer .md", "Once upon a time.")

    async def test_what_is_selected_above_stays_selected_while_more_arrives(
        self, stage: Stage, reader: Reader
    ) -> None:
        stage.script = quiet
        await reader.write("go")
        await until(lambda: stage.heard != [])
        text = "First paragraph.\n\n```python\nx = 1\n"
        message = await stage.say(text + "```", final=False)
        await reader.page.wait_for_selector(".md pre code")
        await reader.page.evaluate(
            "getSelection().selectAllChildren(document.querySelector('.md p'))"
        )
        for number in range(5):
            text += f"y = {number}\n"
            await stage.change(message, text + "```")
            await reader.until(f"document.querySelector('pre').innerText.includes('y = {number}')")
        await stage.change(message, text + "```\n\nLast.", final=True)
        await reader.page.wait_for_selector(".hljs-number")
        assert await reader.page.evaluate("getSelection().toString()") == "First paragraph."

    async def test_stop_shows_while_answering_and_says_stop(
        self, stage: Stage, reader: Reader
    ) -> None:
        stage.script = quiet
        await expect(reader.page.locator("#stop")).to_be_hidden()
        await reader.write("tell me everything")
        await until(lambda: stage.heard != [])
        await stage.adapter.typing(stage.chat)
        await expect(reader.page.locator("#typing")).to_be_visible()
        message = await stage.say("Well", final=False)
        await expect(reader.page.locator("#typing")).to_be_hidden()
        await reader.page.click("#stop")
        await until(lambda: stage.texts == ["tell me everything", "/stop"])
        await stage.change(message, "Well (stopped)", final=True)
        await expect(reader.page.locator("#stop")).to_be_hidden()
        assert await reader.count(".bubble") == 1  # nobody needs to read "/stop" as well

    async def test_the_second_half_of_a_double_click_does_nothing(
        self, stage: Stage, reader: Reader
    ) -> None:
        async def typing(stage: Stage, event: Inbound) -> None:
            await stage.adapter.typing(event.chat)

        stage.script = typing
        await reader.page.fill("#words", "tell me everything")
        await reader.page.evaluate(_AT_ONCE)
        await reader.page.click("#send")
        await reader.page.click("#stop")  # comes up in the same place, while the finger is down
        await reader.page.dblclick("#new")
        await reader.write("the last")
        await until(lambda: "the last" in stage.texts)
        assert stage.texts == ["tell me everything", "the last"]

    async def test_new_is_pressed_once_by_a_double_click(
        self, stage: Stage, reader: Reader
    ) -> None:
        await reader.page.dblclick("#new")
        await reader.write("the last")
        await until(lambda: "the last" in stage.texts)
        assert stage.texts == ["/new", "the last"]

    async def test_a_new_conversation_is_drawn_as_a_line(
        self, stage: Stage, reader: Reader
    ) -> None:
        await reader.write("one")
        await reader.sees(".answer .md", "You said: one")
        await reader.page.click("#new")
        await until(lambda: stage.texts == ["one", "/new"])
        await reader.sees(".divider", "New conversation")
        await reader.page.reload()
        await reader.sees(".divider", "New conversation")

    async def test_an_apology_that_is_asked_to_try_again_becomes_the_answer(
        self, stage: Stage, reader: Reader
    ) -> None:
        stage.script = quiet
        again = (Button("Try again", "/retry 00001"),)
        await reader.write("why?")
        await until(lambda: stage.heard != [])
        apology = await stage.say("Sorry.", buttons=again)
        button = reader.page.locator(".answer .suggestions button")
        await button.click()
        await expect(button).to_have_count(0)
        await until(lambda: stage.texts == ["why?", "/retry 00001"])
        await stage.change(apology, "Sorry once more.", final=True, buttons=again)
        await button.click()  # the second time in vain
        await until(lambda: len(stage.texts) == 3)
        await stage.change(apology, "Because.", final=True)
        await reader.sees(".answer .md", "Because.")
        for _ in range(2):
            await expect(reader.page.locator(".bubble")).to_have_text(["why?"])
            await reader.page.reload()

    async def test_suggestions_are_said_by_a_press_and_gone_after_it(
        self, stage: Stage, reader: Reader
    ) -> None:
        stage.script = quiet
        await reader.write("hi")
        await until(lambda: stage.heard != [])
        offers = (Button("Tomorrow?", "And tomorrow?"), Button("Why?", "Why?"))
        message = await stage.say("Sunny", final=False)
        await stage.change(message, "Sunny", final=True, buttons=offers)
        await reader.page.click("text=Tomorrow?")
        await reader.sees(".mine .bubble", "And tomorrow?")
        await until(lambda: stage.texts == ["hi", "And tomorrow?"])
        assert await reader.count(".answer .suggestions button") == 0

    async def test_the_welcome_can_be_pressed(self, stage: Stage, reader: Reader) -> None:
        await reader.page.click("text=Introduce yourself")
        await until(lambda: stage.texts == ["/start"])
        await expect(reader.page.locator("#welcome")).to_be_hidden()

    async def test_enter_sends_but_not_with_shift_nor_while_composing(
        self, stage: Stage, reader: Reader
    ) -> None:
        await reader.page.fill("#words", "ni")
        await reader.page.evaluate(
            """document.querySelector('#words').dispatchEvent(new KeyboardEvent(
                'keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true}))"""
        )
        await reader.page.press("#words", "Shift+Enter")
        await reader.page.keyboard.type("hao")
        assert await reader.page.input_value("#words") == "ni\nhao"
        assert stage.heard == []
        await reader.page.press("#words", "Enter")
        await until(lambda: stage.texts == ["ni\nhao"])
        assert await reader.page.input_value("#words") == ""

    async def test_a_name_given_on_the_page_goes_with_the_message(
        self, stage: Stage, reader: Reader
    ) -> None:
        await reader.page.click("#profile")
        await reader.page.fill("#name", "小明")
        await reader.page.press("#name", "Enter")
        await reader.write("who am I?")
        await until(lambda: stage.heard != [])
        user = stage.heard[0].user
        assert user.name == "小明"
        assert user.language == "en-US"
        assert user.timezone != ""

    async def test_code_and_answers_can_be_copied(self, stage: Stage, reader: Reader) -> None:
        await reader.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        stage.script = lambda stage, event: stage.say("Run:\n```sh\necho hi\n```")
        await reader.write("how?")
        await reader.page.click("figcaption .copy")
        await reader.sees("figcaption .copy", "Copied")
        read = "navigator.clipboard.readText()"
        assert await reader.page.evaluate(read) == "echo hi"
        await reader.page.click(".tools .copy")
        await reader.until("document.querySelector('.tools .copy').title === 'Copied'")
        assert await reader.page.evaluate(read) == "Run:\n```sh\necho hi\n```"

    async def test_too_much_text_is_said_before_it_is_sent(
        self, stage: Stage, reader: Reader
    ) -> None:
        await reader.write("汉" * 25_000)
        await expect(reader.page.locator("#notice")).to_contain_text("too long")
        assert len(await reader.page.input_value("#words")) == 25_000
        assert stage.heard == []

    async def test_a_paste_too_large_to_be_kept_leaves_the_page_alive(
        self, stage: Stage, reader: Reader
    ) -> None:
        await reader.page.evaluate(
            """() => {
                const box = document.getElementById("words");
                box.value = "x".repeat(6_000_000);
                box.dispatchEvent(new Event("input"));
            }"""
        )
        await reader.page.click("#send")
        await expect(reader.page.locator("#notice")).to_be_visible()
        await reader.write("shorter")
        await reader.sees(".answer .md", "You said: shorter")
        assert reader.complaints == []

    async def test_half_a_character_is_mended_before_it_is_sent(
        self, stage: Stage, reader: Reader
    ) -> None:
        await reader.page.evaluate("document.getElementById('words').value = 'a \\ud83d b'")
        await reader.page.press("#words", "Enter")
        await until(lambda: stage.texts == ["a \ufffd b"])

    async def test_a_finished_answer_is_read_aloud_once(self, stage: Stage, reader: Reader) -> None:
        stage.script = quiet
        await reader.write("go")
        await until(lambda: stage.heard != [])
        message = await stage.say("half", final=False)
        await reader.sees(".answer .md", "half")
        assert await reader.page.inner_text("#spoken") == ""
        await stage.change(message, "half and half", final=True)
        await reader.until("document.querySelector('#spoken').textContent === 'half and half'")


class TestLines:
    async def test_the_page_comes_back_after_the_server_was_gone(
        self, stage: Stage, reader: Reader
    ) -> None:
        stage.script = quiet
        await reader.write("first")
        await until(lambda: stage.heard != [])
        message = await stage.say("half", final=False)
        await reader.sees(".answer .md", "half")
        await stage.stop()
        await expect(reader.page.locator("#connection")).to_have_text("Reconnecting…")
        await reader.write("while you were away")
        await reader.sees(".mine.pending .bubble", "while you were away")
        await stage.start()
        await stage.change(message, "half and the rest", final=True)
        await until(lambda: stage.texts == ["first", "while you were away"])
        await reader.sees(".answer .md", "half and the rest")
        await reader.sees(".mine:not(.pending) .bubble", "while you were away")
        await expect(reader.page.locator("#connection")).to_be_hidden()
        assert await reader.count(".mine") == 2

    async def test_a_message_waits_for_the_database_and_survives_a_reload(
        self, stage: Stage, reader: Reader
    ) -> None:
        stage.refusing = True
        await reader.write("keep me")
        await reader.sees(".mine.pending .state", "Waiting for the connection…")
        await reader.page.reload()
        await reader.page.wait_for_selector(".mine.pending")
        stage.refusing = False
        await reader.sees(".mine:not(.pending) .bubble", "keep me")
        await reader.sees(".answer .md", "You said: keep me")
        assert stage.texts == ["keep me"]
        assert await reader.count(".mine") == 1

    async def test_a_message_that_is_refused_can_be_tried_again_or_dropped(
        self, stage: Stage, reader: Reader
    ) -> None:
        refusal = '{"error": {"code": "no", "message": "Not today."}}'
        await reader.page.route(
            "**/messages", lambda route: route.fulfill(status=400, body=refusal)
        )
        await reader.write("one")
        await reader.write("two")
        await expect(reader.page.locator(".failed .state")).to_have_count(2)
        await expect(reader.page.locator(".failed .state").first).to_contain_text("Not today.")
        await reader.page.unroute("**/messages")
        await reader.page.locator(".failed").nth(1).get_by_text("Discard").click()
        await reader.page.locator(".failed").first.get_by_text("Try again").click()
        await until(lambda: stage.texts == ["one"])
        await reader.sees(".mine:not(.pending) .bubble", "one")
        assert await reader.count(".mine") == 1

    @pytest.mark.parametrize("spoilt", ["null", "{", '"x"'])
    async def test_a_spoilt_storage_does_not_keep_the_page_from_talking(
        self, stage: Stage, reader: Reader, spoilt: str
    ) -> None:
        await reader.page.evaluate(
            "spoilt => localStorage.setItem('coze-bridge:outbox:/web/web/', spoilt)", spoilt
        )
        await reader.page.reload()
        await reader.write("hello")
        await reader.sees(".answer .md", "You said: hello")

    async def test_an_answer_to_a_lost_acknowledgement_is_not_doubled(
        self, stage: Stage, reader: Reader
    ) -> None:
        lost = 0

        async def lose_the_first(route: Route) -> None:
            nonlocal lost
            lost += 1
            if lost > 1:
                await route.continue_()
            else:
                await route.fetch()
                await route.abort()

        await reader.page.route("**/messages", lose_the_first)
        await reader.write("once only")
        await until(lambda: lost == 2)
        await reader.sees(".answer .md", "You said: once only")
        await reader.until("localStorage.getItem('coze-bridge:outbox:/web/web/') === '[]'")
        assert stage.texts == ["once only"]
        assert await reader.count(".mine") == 1

    async def test_tabs_show_the_same(self, stage: Stage, reader: Reader) -> None:
        other = await Reader.sit_down(reader.page.context)
        await other.page.goto(stage.url)
        await other.page.wait_for_selector("#welcome:not([hidden])")
        await reader.write("from here")
        for tab in (reader, other):
            await tab.sees(".mine .bubble", "from here")
            await tab.sees(".answer .md", "You said: from here")
        await other.write("from there")
        await reader.sees(".answer .md", "You said: from there")
        assert other.complaints == []

    async def test_a_chat_that_was_lost_is_opened_again(self, stage: Stage, reader: Reader) -> None:
        await reader.write("first")
        await reader.sees(".answer .md", "You said: first")
        await stage.stop()
        stage.host.transcript.forget(stage.chat.chat)  # type: ignore[attr-defined]
        await stage.start()
        await reader.write("second")
        await reader.sees(".answer .md", "You said: second")

    async def test_another_visitor_sees_nothing(
        self, browser: Browser, stage: Stage, reader: Reader
    ) -> None:
        await reader.write("a secret")
        await reader.sees(".answer .md", "You said: a secret")
        context = await browser.new_context()
        stranger = await Reader.sit_down(context)
        await stranger.page.goto(stage.url)
        await stranger.page.wait_for_selector("#welcome:not([hidden])")
        assert await stranger.count("article") == 0
        await context.close()


class TestEntering:
    @beside_browser
    async def stage(self) -> AsyncIterator[Stage]:
        async with Stage(WebSettings(token=SecretStr("open & sesame"))) as stage:
            yield stage

    @beside_browser
    async def reader(self, browser: Browser) -> AsyncIterator[Reader]:
        context = await browser.new_context()
        reader = await Reader.sit_down(context)
        yield reader
        assert reader.complaints == []
        await context.close()

    async def test_the_form_lets_in_who_knows_the_token(self, stage: Stage, reader: Reader) -> None:
        await reader.page.goto(stage.url)
        await reader.page.fill("#token", "guess")
        await reader.page.press("#token", "Enter")
        await expect(reader.page.locator("#login-error")).to_contain_text("does not open")
        await reader.page.fill("#token", "open & sesame")
        await reader.page.press("#token", "Enter")
        await reader.write("hello")
        await reader.sees(".answer .md", "You said: hello")
        await reader.page.reload()
        await reader.sees(".answer .md", "You said: hello")

    async def test_the_link_lets_in_and_leaves_no_token_behind(
        self, stage: Stage, reader: Reader
    ) -> None:
        asked: list[str] = []
        reader.page.on("request", lambda request: asked.append(request.url))
        await reader.page.goto(stage.adapter.login_url(stage.url))
        await reader.page.wait_for_selector("#welcome:not([hidden])")
        assert reader.page.url == stage.url
        assert not any("sesame" in url for url in asked)
        assert "sesame" not in str(await reader.page.context.cookies())

    async def test_a_new_token_asks_again_and_keeps_what_was_written(
        self, stage: Stage, reader: Reader
    ) -> None:
        await reader.page.goto(stage.adapter.login_url(stage.url))
        await reader.write("hello")
        await reader.sees(".answer .md", "You said: hello")
        await stage.stop()
        stage.settings = WebSettings(token=SecretStr("another"))
        await reader.write("unsent")
        await stage.start()
        await reader.page.wait_for_selector("#login:not([hidden])")
        await reader.page.fill("#token", "another")
        await reader.page.press("#token", "Enter")
        await reader.sees(".answer .md", "You said: unsent")
        await reader.sees(".answer .md", "You said: hello")
