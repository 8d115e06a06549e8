"""One trace for each turn: its way in, Coze's answer, the calls to its platform.

A trace's id comes from the turn, so what another process takes up goes on in the same trace. The
turn itself is told of when it has ended, by whichever process that is; its parts are told of as
they end. Nothing of what people say or are called is in it.

Where tracing is off, every function here is a look at one variable. What it takes to be on is an
extra, and in `bridge/otel.py`.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime

from bridge.errors import Misconfigured
from bridge.logs import get
from bridge.spans import Span, Traced, Tracer, Value

log = get(__name__)

EXTRA = "needs the extra `tracing`: pip install 'coze-bridge[tracing]'"
LAST_WORDS = 5.0  # seconds for what is not sent yet when the process ends


class _Nothing:
    """A span that nobody asked for."""

    def event(self, name: str) -> None:
        pass

    def note(self, **values: Value) -> None:
        pass

    def failed(self, error: str) -> None:
        pass


_NOTHING = _Nothing()
_tracer: Tracer | None = None  # one per process, as the event loop is


@contextmanager
def at_work(turn: Traced) -> Iterator[None]:
    """Let spans of this context be parts of the turn."""
    if _tracer is None:
        yield
    else:
        with _tracer.at_work(turn):
            yield


@contextmanager
def span(name: str, **values: Value) -> Iterator[Span]:
    """Time a part of the turn at work."""
    if _tracer is None:
        yield _NOTHING
    else:
        with _tracer.span(name, values) as it:
            yield it


def past(turn: Traced, name: str, began: datetime, **values: Value) -> None:
    """Tell of a part of a turn that ends now."""
    if _tracer is not None:
        _tracer.past(turn, name, began, values)


def ended(turn: Traced, **values: Value) -> None:
    """Tell that a turn is over."""
    if _tracer is not None:
        _tracer.ended(turn, values)


@contextmanager
def telling(tracer: Tracer) -> Iterator[None]:
    """Send spans there, for as long as the context is open."""
    global _tracer  # noqa: PLW0603  what is told of is everywhere, and one process has one tracer
    before, _tracer = _tracer, tracer
    try:
        yield
    finally:
        _tracer = before


@asynccontextmanager
async def tracing(endpoint: str, environment: Mapping[str, str]) -> AsyncIterator[None]:
    """Trace for as long as the context is open, if anybody wants that.

    endpoint: of an OTLP collector (HTTP); empty for what `OTEL_EXPORTER_OTLP_…` say, and off
        where they say nothing. Raises `Misconfigured` where the extra is missing.
    """
    if not is_wanted(endpoint, environment):
        yield
        return
    try:
        from bridge.otel import OtlpTracer  # noqa: PLC0415  an extra, for who wants it
    except ImportError as error:
        if endpoint:
            raise Misconfigured([f"tracing.endpoint: {EXTRA} ({error})"]) from error
        log.warning("tracing.off", why=EXTRA)  # others may have set the variables for others
        yield
        return
    tracer = OtlpTracer.to(endpoint, environment)
    try:
        with telling(tracer):
            yield
    finally:
        await _within(LAST_WORDS, tracer.close)


def is_wanted(endpoint: str, environment: Mapping[str, str]) -> bool:
    """Tell whether to trace, by the setting and the standard variables."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if environment.get("OTEL_TRACES_EXPORTER", "otlp").strip().lower() not in {"", "otlp"}:
        return False
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return bool(endpoint or any(environment.get(name, "").strip() for name in names))


async def _within(seconds: float, work: Callable[[], None]) -> None:
    """Not in the loop's executor: the end of the process would wait for that without end."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def run() -> None:
        work()
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=run, name="last traces", daemon=True).start()
    with suppress(TimeoutError):
        await asyncio.wait_for(done.wait(), seconds)
