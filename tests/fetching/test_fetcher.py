"""Downloads against a real server: what a stranger's link cannot make us do."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from bridge.errors import Rejected, Unreachable
from bridge.events import EnclosureKind
from bridge.fetching import Fetcher

PNG = b"\x89PNG\r\n\x1a\n" + bytes(2000)
LIMIT = 100_000


@dataclass
class Site:
    """A server that answers as the test says, on one address and port of this machine."""

    port: int = 0
    asked: list[web.Request] = field(default_factory=list)
    answer: Callable[[web.Request], web.StreamResponse] = lambda _: web.Response(body=PNG)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        if request.path == "/slow":
            return await _drip(request)
        return self.answer(request)

    def url(self, path: str = "/cat.png", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


async def _drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(PNG)
    await asyncio.sleep(30)
    return response


async def serve(address: str, port: int = 0) -> tuple[Site, web.AppRunner]:
    site = Site()
    app = web.Application()
    app.router.add_get("/{any:.*}", site.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.01, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, address, port).start()
    site.port = runner.addresses[0][1]
    return site, runner


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site, runner = await serve("127.0.0.1")
    yield site
    await runner.cleanup()


@dataclass
class Names:
    """A name server; each answer is given once, the last one for ever."""

    answers: list[Sequence[str]]
    asked: list[str] = field(default_factory=list)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def lenient(**options: object) -> Fetcher:
    """One that may read from 127.0.0.1, which stands for the world here."""
    given = {"largest": LIMIT, "timeout": 5.0, "allowed": lambda it: it == "127.0.0.1", **options}
    return Fetcher(**given)  # type: ignore[arg-type]


def strict(names: Names | None = None) -> Fetcher:
    return Fetcher(largest=LIMIT, timeout=5.0, resolve=names)


async def read(fetcher: Fetcher, url: str, kind: EnclosureKind = EnclosureKind.IMAGE) -> bytes:
    async with fetcher.fetch(url, kind) as download:
        return b"".join([piece async for piece in download.content])


async def test_a_picture_is_read_as_what_it_is(site: Site) -> None:
    async with lenient().fetch(site.url(), EnclosureKind.IMAGE) as download:
        content = b"".join([piece async for piece in download.content])
    assert (content, download.size, download.mime) == (PNG, len(PNG), "image/png")


async def test_nothing_of_ours_is_told_to_the_stranger(site: Site) -> None:
    await read(lenient(), site.url())
    headers = {name.lower() for name in site.asked[0].headers}
    assert not headers & {"cookie", "authorization", "referer"}
    assert site.asked[0].headers["Accept-Encoding"] == "identity"


async def test_a_cookie_is_not_kept(site: Site) -> None:
    def answer(_: web.Request) -> web.Response:
        response = web.Response(body=PNG)
        response.set_cookie("who", "you")
        return response

    site.answer = answer
    fetcher = lenient()
    await read(fetcher, site.url())
    await read(fetcher, site.url())
    assert "Cookie" not in site.asked[1].headers


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://0.0.0.0:{port}/",
        "http://localhost:{port}/",
        "http://127.1:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f.0.0.1:{port}/",
        "http://0177.0.0.1:{port}/",
        "http://127.0.0.1.:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://metadata.google.internal./computeMetadata/v1/",
        "ftp://127.0.0.1:{port}/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/",
        "//127.0.0.1:{port}/",
        "http://user:secret@8.8.8.8/",
        "http://8.8.8.8@127.0.0.1:{port}/",
        "http://127.0.0.1:99999/",
        "http://[::1/",
        "http:///cat.png",
        "javascript:alert(1)",
        "",
    ],
)
async def test_no_address_of_ours_is_read(site: Site, url: str) -> None:
    with pytest.raises((Rejected, Unreachable)):
        await read(strict(), url.replace("{port}", str(site.port)))
    assert site.asked == []


@pytest.mark.parametrize("inner", ["127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1"])
async def test_a_name_of_a_private_address_is_refused(site: Site, inner: str) -> None:
    with pytest.raises(Rejected, match="no public address"):
        await read(strict(Names([[inner]])), site.url(host="cats.example"))
    assert site.asked == []


async def test_of_several_addresses_only_public_ones_are_tried(site: Site) -> None:
    names = Names([["127.0.0.9", "127.0.0.1", "10.0.0.1"]])
    assert await read(lenient(resolve=names), site.url(host="cats.example")) == PNG


async def test_a_name_that_changes_between_check_and_connect_changes_nothing() -> None:
    """The address that was judged is the one that is connected to: it is asked for once."""
    site, runner = await serve("127.0.0.1")
    secret, other = await serve("127.0.0.2", site.port)
    try:
        names = Names([["127.0.0.1"], ["127.0.0.2"]])
        fetcher = lenient(resolve=names)
        assert await read(fetcher, site.url(host="cats.example")) == PNG
        assert names.asked == ["cats.example"]
        with pytest.raises(Rejected):
            await read(fetcher, site.url(host="cats.example"))
        assert secret.asked == []
    finally:
        await runner.cleanup()
        await other.cleanup()


@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/latest/", "http://10.0.0.1/", "file:///etc/passwd", "http://[::1]/x"],
)
async def test_a_redirect_is_judged_like_the_first_step(site: Site, target: str) -> None:
    site.answer = lambda _: web.Response(status=302, headers={"Location": target})
    with pytest.raises(Rejected):
        await read(lenient(), site.url())
    assert len(site.asked) == 1


async def test_a_redirect_is_followed(site: Site) -> None:
    site.answer = lambda request: (
        web.Response(body=PNG)
        if request.path == "/there.png"
        else web.Response(status=307, headers={"Location": "/there.png"})
    )
    assert await read(lenient(), site.url()) == PNG


async def test_redirects_have_an_end(site: Site) -> None:
    site.answer = lambda _: web.Response(status=302, headers={"Location": "/again"})
    with pytest.raises(Rejected, match="redirects"):
        await read(lenient(), site.url())
    assert len(site.asked) == 6


async def test_what_says_that_it_is_too_large_is_not_read(site: Site) -> None:
    site.answer = lambda _: web.Response(body=PNG + bytes(LIMIT))
    with pytest.raises(Rejected, match="too many"):
        await read(lenient(), site.url())


async def test_what_turns_out_too_large_is_not_read_to_its_end(site: Site) -> None:
    def endless(_: web.Request) -> web.Response:
        async def body() -> AsyncIterator[bytes]:
            yield PNG
            while True:
                yield bytes(50_000)

        return web.Response(body=body())

    site.answer = endless
    with pytest.raises(Rejected, match="more than"):
        await read(lenient(), site.url())


async def test_what_never_ends_is_given_up(site: Site) -> None:
    with pytest.raises(Unreachable):
        await read(lenient(timeout=0.3), site.url("/slow"))


async def test_a_bomb_is_not_unpacked(site: Site) -> None:
    """10 MB of nothing in 10 KB, and the picture within."""
    bomb = gzip.compress(PNG + bytes(10_000_000))
    assert len(bomb) < 20_000
    site.answer = lambda _: web.Response(body=bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(Rejected, match="packed"):
        await read(lenient(), site.url())


@pytest.mark.parametrize(
    "body",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><title>Sign in</title>",
        b"\n\n<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY a 'aaaa'>]><svg>&a;</svg>",
        b"MZ" + bytes(300),
        b"just words",
        b"",
    ],
)
async def test_what_is_no_picture_is_none_whatever_it_says_of_itself(
    site: Site, body: bytes
) -> None:
    site.answer = lambda _: web.Response(body=body, content_type="image/png")
    with pytest.raises(Rejected, match="promised as image"):
        await read(lenient(), site.url())


async def test_a_page_is_no_document(site: Site) -> None:
    site.answer = lambda _: web.Response(body=b"<html>", content_type="application/pdf")
    with pytest.raises(Rejected):
        await read(lenient(), site.url("/paper.pdf"), EnclosureKind.DOCUMENT)


@pytest.mark.parametrize(
    ("status", "error"), [(404, Rejected), (403, Rejected), (503, Unreachable), (429, Unreachable)]
)
async def test_a_refusal_is_named_by_what_to_do_about_it(
    site: Site, status: int, error: type[Exception]
) -> None:
    site.answer = lambda _: web.Response(status=status)
    with pytest.raises(error):
        await read(lenient(), site.url())


async def test_nobody_there_is_worth_another_try(site: Site) -> None:
    with pytest.raises(Unreachable):
        await read(lenient(), "http://127.0.0.1:1/cat.png")


async def test_a_name_that_does_not_exist_is_worth_another_try() -> None:
    async def nowhere(host: str, port: int) -> Sequence[str]:
        raise OSError("no such host")

    with pytest.raises(Unreachable):
        await read(lenient(resolve=nowhere), "http://nowhere.example/cat.png")
