"""Nothing that people write, or call themselves or their files, runs or forges on the page."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bridge.events import User
from bridge.store.guests import Guest, Standing, guest_of, knock
from bridge.store.operator_log import Deed, deeds, note
from bridge.upstream import Variable
from bridge.web.admin.html import Html, tag
from bridge.web.admin.parts import name, words
from tests.admin.stage import TOKEN, Stage

sys.path.insert(0, str(Path(__file__).parent.parent / "acceptance"))

from page_stage import Reader, launched
from test_page_safety import BATTERY as MARKUP

BREAKOUTS = [
    '"><script>owned=1</script>',
    "'><img src=x onerror=owned=1>",
    '" autofocus onfocus="owned=1',
    "</title><script>owned=1</script>",
    "</textarea></form><form action=//evil.example><input name=csrf>",
    "javascript:owned=1",
    "{{owned=1}}${owned=1}",
    "&lt;script&gt;owned=1&lt;/script&gt;",
    "<!--",
    "]]>",
    "\u202e<script>owned=1</script>",
    "\x00\x1b[31m<img src=x onerror=owned=1>",
]
BATTERY = [*MARKUP, *BREAKOUTS]
MARKS = ("<script>owned=1</script>", '"><img src=x onerror=owned=1>')

PATHS = ("", "/conversations", "/unanswered", "/people", "/log")


# Every text that is put into a page


@given(st.text())
def test_a_text_stays_a_text(text: str) -> None:
    inner = tag("p", text)[3:-4]
    assert "<" not in inner
    assert '"' not in tag("p", x=text)[6:-6]


@given(st.text())
def test_names_and_words_cannot_turn_what_is_around_them(text: str) -> None:
    for shown in (name(text), words(text)):
        assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def test_only_html_of_ours_is_html() -> None:
    assert tag("p", tag("b", "x")) == "<p><b>x</b></p>"
    assert not isinstance(tag("b", "x") + "<i>", Html)


# In a browser


@pytest.fixture
async def reader(stage: Stage) -> AsyncIterator[Reader]:
    async with launched() as browser:
        context = await browser.new_context()
        reader = await Reader.sit_down(context)
        await reader.page.goto(f"{stage.url}/admin")
        await reader.page.fill("#token", TOKEN)
        await reader.page.press("#token", "Enter")
        await reader.page.wait_for_selector("#charts")
        yield reader
        await context.close()


async def poisoned(stage: Stage, attack: str, number: int) -> tuple[str, str]:
    """Put an attack wherever somebody can put anything; the lane and the uid."""
    attack = attack.replace("\x00", "")
    user = User(f"u{number}{attack}"[:200], name=attack, username=attack)
    _, lane = await stage.says(attack, user, title=attack, file=f"{attack}.pdf")
    await stage.answers(lane, attack, error=f"Coze says {attack}")
    await stage.says(attack, user, title=attack)
    stranger = Guest("fake", f"s{user.id}", attack, Standing.UNKNOWN, stage.now)
    await stage.store.write(knock(stranger, stage.now, lambda: f"CODE{number}", most=9999))
    await stage.store.write(note(Deed(stage.now, attack[:200], "reset", attack)))
    stage.agent.keep(stage.uid(user), Variable(attack[:50], attack, stage.now))
    return lane, stage.uid(user)


@pytest.mark.browser
async def test_nothing_that_anybody_writes_runs(stage: Stage, reader: Reader) -> None:
    asked: list[str] = []
    page = reader.page
    page.on("request", lambda request: asked.append(request.url))
    places = [await poisoned(stage, attack, at) for at, attack in enumerate(BATTERY)]
    stage.adapter.in_trouble = "".join(MARKS)
    ones = places[:: len(places) // 8] + places[-len(BREAKOUTS) :]
    shown = [f"{stage.url}/admin{path}" for path in PATHS]
    for lane, uid in ones:
        shown.append(f"{stage.url}/admin/conversations/one?" + _query(lane=lane))
        shown.append(f"{stage.url}/admin/people/one?" + _query(uid=uid))
    shown += [f"{stage.url}/admin/conversations?" + _query(search=mark) for mark in MARKS]
    shown += [f"{stage.url}/admin/people?" + _query(search=mark) for mark in MARKS]
    shown += [f"{stage.url}/admin/people?" + _query(done=mark, after=mark) for mark in MARKS]
    for address in shown:
        await page.goto(address)
        assert await page.evaluate(_STRAY) == [], address
        assert await page.evaluate("globalThis.owned") is None, address
    await page.goto(f"{stage.url}/admin/people")
    stage.now += timedelta(seconds=1)
    await stage.says("one more", User("u-more", name="".join(MARKS)))
    await page.wait_for_function("() => document.body.innerText.includes('fake:u-more')")
    assert await page.evaluate(_STRAY) == []
    assert await page.evaluate("globalThis.owned") is None
    assert not [url for url in asked if not url.startswith(stage.url)]
    assert reader.complaints == []


def _query(**fields: str) -> str:
    return urlencode(fields)


# What a page of ours consists of, whoever fills it.
_STRAY = """() => [...document.querySelectorAll("*")].flatMap((e) => [
    ...(["IFRAME", "OBJECT", "EMBED", "IMG", "STYLE", "BASE", "MATH", "TEMPLATE", "VIDEO",
        "TEXTAREA"].includes(e.tagName) ? [e.outerHTML] : []),
    ...(e.tagName === "SCRIPT" && e.getAttribute("src") !== "/admin/page/live.js"
        ? [e.outerHTML] : []),
    ...[...e.attributes]
        .filter(({name}) => /^on|^style$|^srcdoc$|^formaction$/.test(name))
        .map(({name}) => `${e.tagName} ${name}`),
    ...(e.tagName === "A" && !e.getAttribute("href").match(/^(\\/admin|#content)/)
        ? [e.outerHTML] : []),
    ...(e.tagName === "FORM" && !e.getAttribute("action").startsWith("/admin/")
        ? [e.outerHTML] : []),
])"""


@pytest.mark.browser
async def test_the_policy_alone_stops_a_script_that_got_through(reader: Reader) -> None:
    """The last fence, tried without the others."""
    refused = await reader.page.evaluate(
        """() => [
            () => { document.body.innerHTML += "<img src=x onerror='owned=1'>"; },
            () => { document.createElement("script").text = "owned=1"; },
            () => { setTimeout("owned=1"); },
            () => { trustedTypes.createPolicy("admin", {createHTML: (text) => text}); },
            () => { trustedTypes.createPolicy("other", {createHTML: (text) => text}); },
        ].map((attempt) => { try { attempt(); } catch (error) { return error.name; } })"""
    )
    assert refused == ["TypeError"] * 5
    assert await reader.page.evaluate("globalThis.owned") is None


@asynccontextmanager
async def site(content: str) -> AsyncIterator[str]:
    """Somebody else's page, on a port of its own; where it is."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=content, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


@pytest.mark.browser
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_another_site_gets_nothing_done_in_the_operators_browser(
    stage: Stage, reader: Reader, host: str
) -> None:
    """It posts a form, asks for a page and frames it; the operator is signed in.

    host: of the page; to a browser the first is of the attacker's site, whose requests bring the
    cookie, and the second is not.
    """
    await stage.says("hello")
    target = stage.url.replace("127.0.0.1", host)
    page = reader.page
    if host == "localhost":
        await page.goto(f"{target}/admin")
        await page.fill("#token", TOKEN)
        await page.press("#token", "Enter")
        await page.wait_for_selector("#charts")
    before = await stage.store.read(deeds(50))
    attack = f"""<form method=post action="{target}/admin/people" target=out>
        <input name=address value="fake:u-anna"><input name=standing value=blocked>
        <input name=csrf value=x></form><iframe name=out></iframe>
        <iframe name=framed src="{target}/admin"></iframe>"""
    async with site(attack) as evil:
        tab = await page.context.new_page()
        await tab.goto(evil)
        async with tab.expect_response(f"{target}/admin/people") as posted:
            await tab.evaluate("document.forms[0].submit()")
        assert (await posted.value).status in {401, 403}
        reading = """async (url) => {
            try { return await (await fetch(url, {credentials: "include"})).text(); }
            catch (error) { return error.name; }
        }"""
        assert await tab.evaluate(reading, f"{target}/admin/people") == "TypeError"
        framed = next(frame for frame in tab.frames if frame.name == "framed")
        assert "coze-bridge" not in await framed.content()
        await tab.close()
    assert await stage.store.read(guest_of("fake", "u-anna")) is None
    assert await stage.store.read(deeds(50)) == before
