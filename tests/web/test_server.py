"""The built-in HTTP server."""

import socket
from collections.abc import AsyncIterator, Iterable
from io import BytesIO

import aiohttp
import pytest
from aiohttp import web

from bridge.config import ServerSettings
from bridge.errors import Permanent, Unreachable
from bridge.health import Health
from bridge.metrics import MESSAGES
from bridge.published import Published
from bridge.testing.clock import Clock
from bridge.web.server import BODY_LIMIT, Status, serve_http
from tests.stages.world import World
from tests.web.test_health import Silent

LOCAL = ServerSettings(host="127.0.0.1", port=0)


class Echo:
    """A part with a route of its own, as an adapter has."""

    def routes(self) -> Iterable[web.RouteDef]:
        return (web.post("/fake/echo", self._echo),)

    async def _echo(self, request: web.Request) -> web.Response:
        return web.json_response({"length": len(await request.read())})


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(60)) as session:
        yield session


@pytest.fixture
async def health(world: World) -> Health:
    agents = {"default": world.agent}
    return Health(world.store, agents, {"fake": world.adapter}, Published(agents))


@pytest.fixture
async def url(health: Health, clock: Clock) -> AsyncIterator[str]:
    async with serve_http(LOCAL, [Status(health, clock.now), Echo()]) as address:
        yield address


async def test_healthz_is_well_while_the_loop_turns(
    http: aiohttp.ClientSession, url: str, world: World
) -> None:
    world.store.broken = Unreachable("database: away")
    async with http.get(f"{url}/healthz") as response:
        assert (response.status, await response.json()) == (200, {"ok": True})


async def test_readyz_names_what_is_not_ready(
    http: aiohttp.ClientSession, url: str, health: Health, world: World
) -> None:
    world.adapter.in_trouble = "socket closed"
    async with http.get(f"{url}/readyz") as response:
        assert response.status == 503
        assert await response.json() == {
            "ready": False,
            "problems": {"coze.default": "not asked yet", "adapters.fake": "socket closed"},
        }
    world.adapter.in_trouble = None
    await health.ask_agents()
    async with http.get(f"{url}/readyz") as response:
        assert response.status == 200
        assert await response.json() == {"ready": True, "problems": {}}


async def test_readyz_tells_nobody_a_token(
    http: aiohttp.ClientSession, url: str, world: World
) -> None:
    world.adapter.in_trouble = "POST https://x/bot123456789:ABCdefGHIjklMNOpqrSTU failed"
    async with http.get(f"{url}/readyz") as response:
        assert "ABCdef" not in await response.text()


async def test_readyz_answers_within_five_seconds_though_the_database_does_not(
    http: aiohttp.ClientSession, world: World, clock: Clock
) -> None:
    health = Health(Silent(world.store), {}, {}, Published({}))
    async with serve_http(LOCAL, [Status(health, clock.now)]) as url:
        began = clock.monotonic()
        async with http.get(f"{url}/readyz") as response:
            assert response.status == 503
            assert list((await response.json())["problems"]) == ["database"]
        assert clock.monotonic() - began < 5


async def test_metrics_are_prometheus_text(http: aiohttp.ClientSession, url: str) -> None:
    MESSAGES.labels("fake", "accepted").inc()
    async with http.get(f"{url}/metrics") as response:
        text = await response.text()
        assert response.headers["Content-Type"].startswith("text/plain")
    assert 'coze_bridge_messages_total{outcome="accepted",platform="fake"}' in text


async def test_an_adapter_serves_its_own_routes(http: aiohttp.ClientSession, url: str) -> None:
    async with http.post(f"{url}/fake/echo", data=b"x" * 1000) as response:
        assert await response.json() == {"length": 1000}


@pytest.mark.parametrize(("size", "status"), [(BODY_LIMIT, 200), (BODY_LIMIT + 1, 413)])
async def test_a_body_has_a_limit(
    http: aiohttp.ClientSession, url: str, size: int, status: int
) -> None:
    async with http.post(f"{url}/fake/echo", data=BytesIO(b"x" * size)) as response:
        assert response.status == status


@pytest.mark.parametrize(("method", "status"), [("GET", 404), ("POST", 404)])
async def test_what_nobody_serves_is_not_found(
    http: aiohttp.ClientSession, url: str, method: str, status: int
) -> None:
    async with http.request(method, f"{url}/fake/nothing") as response:
        assert response.status == status


async def test_a_taken_address_names_the_key(health: Health, clock: Clock) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        settings = ServerSettings(host="127.0.0.1", port=port)
        with pytest.raises(Permanent, match=rf"^server\.port: .*127\.0\.0\.1:{port}"):
            async with serve_http(settings, [Status(health, clock.now)]):
                pass


async def test_an_address_that_is_not_ours_names_the_key(health: Health, clock: Clock) -> None:
    settings = ServerSettings(host="192.0.2.1", port=0)
    with pytest.raises(Permanent, match=r"^server\.host: "):
        async with serve_http(settings, [Status(health, clock.now)]):
            pass


async def test_an_ipv6_address_is_written_as_a_url(health: Health, clock: Clock) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    settings = ServerSettings(host="::1", port=0)
    try:
        async with serve_http(settings, [Status(health, clock.now)]) as url:
            assert url.startswith("http://[::1]:")
    except Permanent:
        pytest.skip("this machine has no IPv6 loopback")
