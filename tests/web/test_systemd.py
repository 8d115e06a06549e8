"""What systemd hears, on a socket of the test's own."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from bridge.systemd import EVERY, Notifier, pulse


class Systemd:
    """The other end of the socket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address.replace("@", "\0", 1))
        self._socket.setblocking(False)

    def heard(self) -> list[dict[str, str]]:
        """What came since the last look."""
        found = []
        while True:
            try:
                lines = self._socket.recv(65536).decode().splitlines()
            except BlockingIOError:
                return found
            found.append(dict(line.split("=", 1) for line in lines))

    def close(self) -> None:
        self._socket.close()


class Vitals:
    """A process that goes as the test says."""

    def __init__(self, line: str) -> None:
        self.are_good = True
        self._line = line

    def __str__(self) -> str:
        return self._line


@pytest.fixture(params=["file", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Systemd]:
    abstract = request.param == "abstract"
    it = Systemd(f"@coze-bridge/{uuid4()}" if abstract else str(tmp_path / "notify"))
    yield it
    it.close()


def test_keys_and_values_arrive_in_one_datagram(systemd: Systemd) -> None:
    Notifier(systemd.address).tell(READY=1, STATUS="well")
    assert systemd.heard() == [{"READY": "1", "STATUS": "well"}]


def test_where_nobody_listens_nothing_happens(tmp_path: Path) -> None:
    Notifier().tell(READY=1)
    Notifier(str(tmp_path / "nobody")).tell(READY=1)


@pytest.mark.parametrize(
    ("environment", "watchdog"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),  # somebody else is meant
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_read_from_the_environment(
    environment: dict[str, str], watchdog: float | None
) -> None:
    assert Notifier.of(environment).watchdog == watchdog


@pytest.mark.parametrize(
    ("watchdog", "every"), [(None, EVERY), (3.0, 1.0), (30.0, EVERY), (0.3, 0.1)]
)
def test_signs_of_life_come_well_before_patience_ends(watchdog: float | None, every: float) -> None:
    assert Notifier("", watchdog).every == pytest.approx(every)


async def test_a_life(systemd: Systemd) -> None:
    stop = asyncio.Event()
    async with pulse(Notifier(systemd.address, 3.0), stop, grace=5.0) as it:
        it.watch(Vitals("2 open\nturns"))
        it.ready()
        await asyncio.sleep(2.5)
        stop.set()
        await asyncio.sleep(60)
    told = systemd.heard()
    assert told[0] == {"READY": "1", "STATUS": "2 open turns"}
    assert told[1:4] == [{"STATUS": "2 open turns", "WATCHDOG": "1"}] * 3
    assert told[4]["STOPPING"] == "1"
    # Then more time is asked for, but not for ever.
    assert [each["EXTEND_TIMEOUT_USEC"] for each in told[5:]] == ["3000000"] * 5


async def test_a_process_that_gets_nothing_done_gives_no_sign_of_life(
    systemd: Systemd,
) -> None:
    vitals = Vitals("well")
    async with pulse(Notifier(systemd.address, 3.0), asyncio.Event(), grace=5.0) as it:
        it.watch(vitals)
        await asyncio.sleep(0.5)
        vitals.are_good = False
        systemd.heard()
        await asyncio.sleep(60)
        assert systemd.heard() == []


async def test_without_a_watchdog_only_the_status_is_told(systemd: Systemd) -> None:
    async with pulse(Notifier(systemd.address), asyncio.Event(), grace=5.0):
        await asyncio.sleep(EVERY / 2)
    assert systemd.heard() == [{"STATUS": "starting"}]


async def test_a_status_tells_no_token(systemd: Systemd) -> None:
    async with pulse(Notifier(systemd.address), asyncio.Event(), grace=5.0) as it:
        it.watch(Vitals("POST https://x/bot123456789:ABCdefGHIjklMNOpqrSTU failed"))
        it.ready()
    assert "ABCdef" not in str(systemd.heard())
