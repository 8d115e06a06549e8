"""Traces on the wire, to a small collector over real HTTP."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bridge import tracing
from bridge.spans import Traced
from bridge.tracing import LAST_WORDS

TURN = Traced(7, datetime(2026, 1, 2, 12, tzinfo=UTC))


class Collector:
    """Takes OTLP over HTTP, as any collector does."""

    def __init__(self) -> None:
        self.requests: list[tuple[ExportTraceServiceRequest, str]] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        await self.answers.wait()
        parsed = ExportTraceServiceRequest.FromString(body)
        self.requests.append((parsed, request.headers.get("x-api-key", "")))
        return web.Response(content_type="application/x-protobuf")

    @property
    def spans(self) -> list[str]:
        return [
            span.name
            for request, _ in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def service(self) -> str:
        resource = self.requests[0][0].resource_spans[0].resource
        found = {each.key: each.value.string_value for each in resource.attributes}
        return found["service.name"]


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    it = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", it.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield it
    it.answers.set()
    await runner.cleanup()


def tell() -> None:
    with tracing.at_work(TURN), tracing.span("edit", platform="fake"):
        pass
    tracing.ended(TURN, state="delivered")


async def test_what_was_told_has_arrived_when_the_process_ends(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=hunter2")
    async with tracing.tracing(collector.url, {}):
        tell()
    assert sorted(collector.spans) == ["edit", "turn"]
    assert collector.service == "coze-bridge"
    assert collector.requests[0][1] == "hunter2"


async def test_the_standard_variables_are_enough(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    standard = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_SERVICE_NAME": "front desk"}
    for name, value in standard.items():
        monkeypatch.setenv(name, value)
    async with tracing.tracing("", standard):
        tell()
    assert collector.service == "front desk"


async def test_a_collector_that_hangs_does_not_hold_the_end_up(collector: Collector) -> None:
    collector.answers.clear()
    loop = asyncio.get_running_loop()
    async with tracing.tracing(collector.url, {}):
        tell()
        began = loop.time()
    assert loop.time() - began < LAST_WORDS + 20  # not for ever; the machine may be busy


@pytest.mark.parametrize(
    ("endpoint", "environment", "wanted"),
    [
        ("", {}, False),
        ("http://x", {}, True),
        ("", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, True),
        ("", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, True),
        ("http://x", {"OTEL_SDK_DISABLED": "true"}, False),
        ("http://x", {"OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_tracing_is_on_where_somebody_wants_it(
    endpoint: str, environment: dict[str, str], wanted: bool
) -> None:
    assert tracing.is_wanted(endpoint, environment) is wanted
