"""An agent may send requests to the hosts that its operator named, and to no other."""

import gzip
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.tools import ToolFailure
from bridge.tools.web_request import WebRequest

LIMIT = 1000
PACKED = gzip.compress(b"x" * 10_000_000)[:900]


def typed(body: bytes, kind: str) -> web.Response:
    return web.Response(body=body, headers={"content-type": kind})


ANSWERS: dict[str, Callable[[], web.Response]] = {
    "/json": lambda: web.json_response({"a": "é"}),
    "/old": lambda: typed("é".encode("latin-1"), "text/plain; charset=l1"),
    "/odd": lambda: typed(b"x", "text/plain; charset=??"),
    "/long": lambda: web.Response(text="x" * 5000),
    "/bomb": lambda: web.Response(body=PACKED, headers={"content-encoding": "gzip"}),
    "/image": lambda: typed(b"\x89PNG", "image/png"),
    "/missing": lambda: web.Response(status=404, text="nothing here"),
}


@dataclass
class Site:
    """A web server on this machine, which remembers what it was asked."""

    seen: list[str] = field(default_factory=list)
    onward: str = ""
    port: int = 0

    @property
    def here(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        self.seen.append(f"{request.method} {request.path} {body}".strip())
        if request.path == "/away":
            headers = {"location": self.onward}
            return web.Response(status=int(request.query["how"]), headers=headers)
        return ANSWERS.get(request.path, lambda: web.Response(text="hello"))()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", site.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        site.port = server.port or 0
        yield site


@pytest.fixture
def web_request(site: Site) -> WebRequest:
    return WebRequest((site.here,), ("GET", "POST"), LIMIT)


async def test_a_text_is_told_with_its_status(site: Site, web_request: WebRequest) -> None:
    assert await web_request.http_request(f"http://{site.here}/json") == {
        "status": 200,
        "content_type": "application/json",
        "body": '{"a": "\\u00e9"}',
    }
    assert (await web_request.http_request(f"http://{site.here}/missing"))["status"] == 404


async def test_a_body_is_sent(site: Site, web_request: WebRequest) -> None:
    await web_request.http_request(f"http://{site.here}/x", "post", '{"é": 1}')
    assert site.seen == ['POST /x {"é": 1}']


@pytest.mark.parametrize(("path", "body"), [("old", "é"), ("odd", "x")])
async def test_a_text_is_read_as_it_was_written(
    site: Site, web_request: WebRequest, path: str, body: str
) -> None:
    assert (await web_request.http_request(f"http://{site.here}/{path}"))["body"] == body


async def test_what_is_long_is_cut(site: Site, web_request: WebRequest) -> None:
    told = await web_request.http_request(f"http://{site.here}/long")
    assert told["body"] == "x" * LIMIT
    assert told["note"] == "the rest was cut off"


@pytest.mark.parametrize(
    ("path", "note"),
    [
        ("bomb", "the answer is compressed, though that was not asked for"),
        ("image", "the answer is no text"),
    ],
)
async def test_what_is_no_text_is_not_passed_on(
    site: Site, web_request: WebRequest, path: str, note: str
) -> None:
    told = await web_request.http_request(f"http://{site.here}/{path}")
    assert told["note"] == note
    assert "body" not in told


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",  # another port
        "http://localhost:{port}/x",  # another name for the same place
        "http://127.0.0.1:{port}@example.com/x",
        "http://example.com@127.0.0.1:{port}/x",
        "http://user:word@127.0.0.1:{port}/x",
        "http://127.0.0.1.:{port}/x",
        "http://[::1]:{port}/x",
        "http://169.254.169.254/latest/meta-data",
        "ftp://127.0.0.1:{port}/x",
        "file:///etc/passwd",
        "//127.0.0.1:{port}/x",
        "/x",
        "",
        "http://127.0.0.1:99999/x",
        "http://[/x",
    ],
)
async def test_no_other_host_is_asked(site: Site, web_request: WebRequest, url: str) -> None:
    with pytest.raises(ToolFailure):
        await web_request.http_request(url.format(port=site.port))
    assert site.seen == []


async def test_no_other_method_is_used(site: Site, web_request: WebRequest) -> None:
    with pytest.raises(ToolFailure, match="DELETE is not allowed; allowed are GET, POST"):
        await web_request.http_request(f"http://{site.here}/x", "DELETE")
    assert site.seen == []


@pytest.mark.parametrize("how", [301, 302, 303, 307, 308])
async def test_a_redirect_to_an_allowed_host_is_followed(
    site: Site, web_request: WebRequest, how: int
) -> None:
    site.onward = "/there"
    told = await web_request.http_request(f"http://{site.here}/away?how={how}")
    assert told["body"] == "hello"


@pytest.mark.parametrize(
    "onward", ["http://localhost:{port}/", "http://169.254.169.254/", "file:///"]
)
async def test_a_redirect_to_another_host_is_refused(
    site: Site, web_request: WebRequest, onward: str
) -> None:
    site.onward = onward.format(port=site.port)
    with pytest.raises(ToolFailure):
        await web_request.http_request(f"http://{site.here}/away?how=302")
    assert len(site.seen) == 1


async def test_a_redirect_without_end_is_given_up(site: Site, web_request: WebRequest) -> None:
    site.onward = "/away?how=302"
    with pytest.raises(ToolFailure, match="more than 5 redirects"):
        await web_request.http_request(f"http://{site.here}/away?how=302")


async def test_what_is_sent_is_never_sent_on(site: Site, web_request: WebRequest) -> None:
    site.onward = "/there"
    told = await web_request.http_request(f"http://{site.here}/away?how=307", "POST", "secret")
    assert told["status"] == 307
    assert len(site.seen) == 1


async def test_a_host_that_does_not_answer_is_told(unused_tcp_port: int) -> None:
    its = WebRequest((f"127.0.0.1:{unused_tcp_port}",), ("GET",), LIMIT)
    with pytest.raises(ToolFailure, match="the request failed: ClientConnectorError"):
        await its.http_request(f"http://127.0.0.1:{unused_tcp_port}/")


def test_only_reading_may_be_repeated() -> None:
    assert WebRequest((), ("GET", "HEAD"), LIMIT).is_repeatable
    assert not WebRequest((), ("GET", "POST"), LIMIT).is_repeatable
