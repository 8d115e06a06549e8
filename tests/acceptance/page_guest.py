"""Somebody who has the chat page open and allows it everything: fixtures to be imported."""

from collections.abc import AsyncIterator

from page_stage import Reader, Stage, beside_browser, quiet, until
from playwright.async_api import Browser, FilePayload

from adapters.web.settings import WebSettings

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="owned=1"><script>owned=1</script></svg>'
HTML = b"<!doctype html><script>parent.owned=1;owned=1</script>"


def file(name: str, content: bytes, mime: str) -> FilePayload:
    return {"name": name, "mimeType": mime, "buffer": content}


@beside_browser
async def stage() -> AsyncIterator[Stage]:
    async with Stage(WebSettings(access="open", file_limit=1), script=quiet) as stage:
        yield stage


@beside_browser
async def reader(browser: Browser, stage: Stage) -> AsyncIterator[Reader]:
    """Somebody who has the page open and allows it everything."""
    context = await browser.new_context(
        permissions=["microphone", "geolocation"],
        geolocation={"latitude": 31.25, "longitude": 121.5},
    )
    reader = await Reader.sit_down(context)
    await reader.page.goto(stage.url)
    await reader.page.wait_for_selector("#welcome:not([hidden])")
    yield reader
    assert reader.complaints == []
    assert await reader.page.evaluate("window.owned") is None
    await context.close()


async def attach(reader: Reader, *files: FilePayload) -> None:
    """Choose files and wait until they are there."""
    before = await reader.count("#tray li")
    await reader.page.set_input_files("#files", list(files))
    there = f"document.querySelectorAll('#tray li').length === {before + len(files)}"
    await reader.until(f"{there} && !document.querySelector('#tray progress')")


async def greet(stage: Stage, reader: Reader) -> None:
    """Begin, so that there is a chat to answer in."""
    await reader.write("hi")
    await until(lambda: stage.heard != [])
