"""Traces by OpenTelemetry. Imported only where the extra `tracing` is there and tracing is on."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace import Span as Recorded

from bridge.spans import Traced, Value

SERVICE = "coze-bridge"
PATH = "/v1/traces"  # below a collector's address, by the protocol

_parent: ContextVar[Context | None] = ContextVar("parent", default=None)


@dataclass(frozen=True, slots=True)
class Ids:
    """Of a turn's trace, and of the turn itself within it."""

    trace: int
    span: int

    @classmethod
    def of(cls, turn: Traced) -> "Ids":
        """Always the same, and different for the turns of two bridges: nobody is this exact."""
        digest = sha256(f"{SERVICE} {turn.turn} {turn.at.timestamp():.6f}".encode()).digest()
        return cls(int.from_bytes(digest[:16], "big"), int.from_bytes(digest[16:24], "big"))


class TurnIds(IdGenerator):
    """Ids at random, but for a turn itself."""

    def __init__(self) -> None:
        self.next: Ids | None = None
        self._random = RandomIdGenerator()

    def generate_trace_id(self) -> int:
        return self.next.trace if self.next else self._random.generate_trace_id()

    def generate_span_id(self) -> int:
        return self.next.span if self.next else self._random.generate_span_id()


class Part:
    """A span under way."""

    def __init__(self, span: Recorded) -> None:
        self._span = span

    def event(self, name: str) -> None:
        self._span.add_event(name)

    def note(self, **values: Value) -> None:
        self._span.set_attributes(values)

    def failed(self, error: str) -> None:
        self._span.set_status(Status(StatusCode.ERROR, error))


class OtlpTracer:
    """A `bridge.spans.Tracer` over a provider whose ids are `TurnIds`."""

    def __init__(self, provider: TracerProvider, ids: TurnIds) -> None:
        self._provider = provider
        self._ids = ids
        self._tracer = provider.get_tracer(SERVICE)

    @classmethod
    def to(cls, endpoint: str, environment: Mapping[str, str]) -> "OtlpTracer":
        """Send to a collector; everything else is as the standard variables say."""
        url = f"{endpoint.rstrip('/')}{PATH}" if endpoint else None
        ids = TurnIds()
        provider = TracerProvider(
            id_generator=ids, resource=resource(environment), shutdown_on_exit=False
        )
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
        return cls(provider, ids)

    @contextmanager
    def at_work(self, turn: Traced) -> Iterator[None]:
        token = _parent.set(self._context(turn))
        try:
            yield
        finally:
            _parent.reset(token)

    @contextmanager
    def span(self, name: str, values: Mapping[str, Value]) -> Iterator[Part]:
        parent = _parent.get() or Context()
        span = self._tracer.start_span(name, parent, SpanKind.CLIENT, attributes=values)
        part = Part(span)
        try:
            yield part
        except Exception as error:
            part.failed(type(error).__name__)  # what it says may be for the log alone
            raise
        finally:
            span.end()

    def past(self, turn: Traced, name: str, began: datetime, values: Mapping[str, Value]) -> None:
        self._tracer.start_span(
            name,
            self._context(turn),
            SpanKind.INTERNAL,
            attributes=values,
            start_time=_nanoseconds(began),
        ).end()

    def ended(self, turn: Traced, values: Mapping[str, Value]) -> None:
        self._ids.next = Ids.of(turn)
        try:
            span = self._tracer.start_span(
                "turn",
                Context(),
                SpanKind.CONSUMER,
                attributes={"turn": turn.turn, **values},
                start_time=_nanoseconds(turn.at),
            )
        finally:
            self._ids.next = None
        span.end()

    def close(self) -> None:
        self._provider.shutdown()

    def _context(self, turn: Traced) -> Context:
        """As if the turn were a span elsewhere: perhaps another process will tell of it."""
        ids = Ids.of(turn)
        sampled = self._provider.sampler.should_sample(
            None, ids.trace, "turn"
        ).decision.is_sampled()  # type: ignore[no-untyped-call]
        flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
        there = SpanContext(ids.trace, ids.span, is_remote=True, trace_flags=flags)
        return set_span_in_context(NonRecordingSpan(there), Context())


def resource(environment: Mapping[str, str]) -> Resource:
    """Say who we are; what the standard variables say comes first."""
    ours: dict[str, str] = {}
    attributes = environment.get("OTEL_RESOURCE_ATTRIBUTES", "")
    if not environment.get("OTEL_SERVICE_NAME") and "service.name" not in attributes:
        ours["service.name"] = SERVICE
    if "service.version" not in attributes:
        ours["service.version"] = _version()
    return Resource.create(ours)


def _version() -> str:
    try:
        return version(SERVICE)
    except PackageNotFoundError:
        return "unknown"


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1e9)
