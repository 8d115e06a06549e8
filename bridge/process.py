"""The process: runs the bridge until it is asked to stop, and tells whoever watches it.

signals ─> systemd ─> tracing ─> the bridge (`app.py`) ─> HTTP server
"""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from functools import partial
from typing import Protocol, runtime_checkable

from bridge.adapter import Adapter
from bridge.app import open_bridge, utcnow
from bridge.config import Settings
from bridge.ending import end_within
from bridge.errors import BridgeError, Unreachable
from bridge.logs import get
from bridge.reload import Reload, on_hangup, parts_of
from bridge.systemd import Notifier, Pulse, pulse
from bridge.tracing import tracing
from bridge.web.server import ServesHttp, Status, serve_http

log = get(__name__)

CLOSING = 30.0  # seconds that the end may take beyond `server.grace`


@runtime_checkable
class CanBeAsked(Protocol):
    """An adapter with one user, who is this program."""

    async def ask(self, text: str, write: Callable[[str], None]) -> None:
        """Send one message and write its answer as it grows; return when it is whole."""


@runtime_checkable
class HasPage(Protocol):
    """An adapter that people reach with a browser."""

    def login_url(self, base: str) -> str:
        """A link that signs in whoever opens it; `base` is where the server listens."""


async def serve(
    settings: Settings,
    *,
    started: Callable[[str], None] | None = None,
    read: Callable[[], Settings] | None = None,
    ending: Callable[[float], None] = end_within,
) -> None:
    """Run the bridge until SIGTERM or SIGINT.

    started: told where it listens, once it does. read: reads the settings again, on SIGHUP; where
    it is left out, that signal ends the process. ending: told how many seconds the end may take,
    once it begins, for whatever reason. Raises `BridgeError`.
    """
    begun = partial(ending, settings.server.grace + CLOSING)
    with _one_error():
        async with AsyncExitStack() as stack:
            stop = stack.enter_context(_stop_signals(begun))
            try:
                life = await stack.enter_async_context(_pulse(settings, stop))
                await stack.enter_async_context(tracing(settings.tracing.endpoint, os.environ))
                bridge = await stack.enter_async_context(open_bridge(settings))
                life.watch(bridge.vitals)
                if read is not None:
                    parts = parts_of(bridge.rules, bridge.adapters)
                    stack.enter_context(on_hangup(Reload(settings, read, parts), stop))
                served = [a for a in bridge.adapters.values() if isinstance(a, ServesHttp)]
                status = Status(bridge.health, utcnow)
                everything = [status, *bridge.pages, *served]
                url = await stack.enter_async_context(serve_http(settings.server, everything))
                log.info("listening", url=url, accounts=sorted(bridge.adapters))
                if started:
                    started(_greeting(url, bridge.adapters))
                life.ready()
                await bridge.run(stop)
            finally:
                stop.set()  # before anything is closed, which may take its time


async def say(
    settings: Settings,
    text: str,
    write: Callable[[str], None],
    *,
    timeout: float,  # noqa: ASYNC109  the caller's patience, and it raises an error of ours
) -> None:
    """Send one message through the whole pipeline and write its answer as it grows.

    The settings have one console account and no other. Raises `BridgeError`.
    """
    with _one_error():
        async with open_bridge(settings) as bridge, asyncio.TaskGroup() as group:
            (console,) = bridge.adapters.values()
            if not isinstance(console, CanBeAsked):
                raise TypeError(f"{type(console).__name__} cannot be asked")
            stop = asyncio.Event()
            running = group.create_task(bridge.run(stop))
            asking = group.create_task(console.ask(text, write))
            either = asyncio.FIRST_COMPLETED
            done, _ = await asyncio.wait([running, asking], timeout=timeout, return_when=either)
            stop.set()
            asking.cancel()
            if asking not in done and running not in done:
                raise Unreachable(f"no whole answer within {timeout:.0f} s")


def _pulse(settings: Settings, stop: asyncio.Event) -> AbstractAsyncContextManager[Pulse]:
    """What systemd hears, from the start to the end."""
    return pulse(Notifier.of(os.environ), stop, settings.server.grace + CLOSING)


def _greeting(url: str, adapters: Mapping[str, Adapter]) -> str:
    """Where to go, for a person at a terminal: only there may a token appear."""
    lines = [f"coze-bridge listens on {url}/"]
    pages = [(name, a) for name, a in adapters.items() if isinstance(a, HasPage)]
    lines += [f"{name}: {page.login_url(url)}" for name, page in pages]
    return "\n".join(lines)


class _Stop(asyncio.Event):
    """Set when the end begins, whoever wanted it. begun: called then, once."""

    def __init__(self, begun: Callable[[], None]) -> None:
        super().__init__()
        self._begun = begun

    def set(self) -> None:
        if not self.is_set():
            self._begun()
        super().set()


@contextmanager
def _stop_signals(begun: Callable[[], None]) -> Iterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set. A signal after that ends the process at once."""
    stop = _Stop(begun)
    loop = asyncio.get_running_loop()

    def handle() -> None:
        if stop.is_set():
            os._exit(1)  # whoever asks twice does not want to wait; the ledger has everything
        stop.set()

    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, handle)
    try:
        yield stop
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


@contextmanager
def _one_error() -> Iterator[None]:
    """A task group wraps even a single error; the operator wants to read that one."""
    try:
        yield
    except BaseExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        if isinstance(first, BridgeError):
            raise first from group
        raise
