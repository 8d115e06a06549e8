"""What systemd hears of a real process, on a socket of the test's own."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon_process import Daemon, World, answer_to, eventually

from bridge.emulator import Scenario, ToolCall

WATCHDOG = 1.5  # seconds after which systemd would end it


class Systemd:
    """The other end of the socket."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "notify")
        self.told: list[dict[str, str]] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.setblocking(False)

    def heard(self, key: str) -> list[str]:
        """Every value of a key so far."""
        while True:
            try:
                lines = self._socket.recv(65536).decode().splitlines()
            except BlockingIOError:
                return [told[key] for told in self.told if key in told]
            self.told.append(dict(line.split("=", 1) for line in lines))

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    it = Systemd(tmp_path)
    yield it
    it.close()


def service(world: World, systemd: Systemd, **settings: str) -> Daemon:
    """A daemon as systemd would start it, with a watchdog."""
    daemon = world.daemon(**settings)
    daemon.environment["NOTIFY_SOCKET"] = systemd.address
    daemon.environment["WATCHDOG_USEC"] = str(int(WATCHDOG * 1e6))
    return daemon


async def test_it_says_when_it_is_ready_and_how_it_goes(world: World, systemd: Systemd) -> None:
    daemon = service(world, systemd)
    daemon.start()
    await eventually(lambda: systemd.heard("READY"))
    assert daemon.url
    await eventually(lambda: len(systemd.heard("WATCHDOG")) > 3)
    await eventually(lambda: "idle" in systemd.heard("STATUS"))


async def test_a_blocked_process_says_nothing(world: World, systemd: Systemd) -> None:
    daemon = service(world, systemd)
    await daemon.ready()
    await eventually(lambda: systemd.heard("WATCHDOG"))
    daemon.signal(signal.SIGSTOP)
    heard = len(systemd.heard("WATCHDOG"))
    await asyncio.sleep(2 * WATCHDOG)  # as long as systemd would have waited, twice
    assert len(systemd.heard("WATCHDOG")) <= heard + 1  # one may have been under way
    daemon.signal(signal.SIGCONT)
    await eventually(lambda: len(systemd.heard("WATCHDOG")) > heard + 1)


async def test_a_loop_that_something_blocks_says_nothing(world: World, systemd: Systemd) -> None:
    """The process is alive and well but for its loop: a tool of the operator's holds it."""
    daemon = service(world, systemd, tools__hold__use="errands:hold", tools__hold__timeout="60")
    world.coze.install(Scenario(tools=(ToolCall("hold", "{}"),)))
    await daemon.ready()
    await eventually(lambda: systemd.heard("WATCHDOG"))
    world.platform.say("anna", "wait")
    holding = world.folder / "holding"
    await eventually(holding.exists)
    heard = len(systemd.heard("WATCHDOG"))
    await asyncio.sleep(2 * WATCHDOG)
    assert len(systemd.heard("WATCHDOG")) <= heard + 1
    holding.unlink()
    await eventually(lambda: len(systemd.heard("WATCHDOG")) > heard + 1)


async def test_it_says_when_it_stops_and_asks_for_the_time_it_needs(
    world: World, systemd: Systemd
) -> None:
    daemon = service(world, systemd)
    await daemon.ready()
    world.coze.install(Scenario(pace=0.2))
    world.platform.say("anna", "tea")
    await eventually(lambda: world.platform.in_chat("anna"))
    daemon.signal(signal.SIGTERM)
    await eventually(lambda: systemd.heard("STOPPING"))
    assert await daemon.exit_code() == 0
    assert systemd.heard("EXTEND_TIMEOUT_USEC")
    assert world.platform.shown("anna") == [answer_to("tea")]
