"""Whoever answers a crowd: the floor, the bridge on SQLite, one or more replicas on PostgreSQL."""

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from sqlalchemy.engine import URL

from bench.processes import (
    bridge,
    family_cpu_seconds,
    fine_cpu_seconds,
    module,
    process,
    resident_megabytes,
    settings,
    waited_seconds,
)
from bench.world import Tuning, World
from bridge.testing import postgres

MIGRATING = 60.0  # seconds


@dataclass(frozen=True)
class Answerer:
    """Whoever answers: processes, and the addresses of their `/metrics` if they have any.

    database: the process of the server that they share, if they do.
    """

    pids: tuple[int, ...]
    urls: tuple[str, ...] = ()
    database: int | None = None

    @property
    def cpu(self) -> float:
        """Seconds of all processes together; so are the others."""
        return sum(map(fine_cpu_seconds, self.pids))

    @property
    def database_cpu(self) -> float:
        return family_cpu_seconds(self.database) if self.database else 0.0

    @property
    def waited(self) -> float:
        return sum(map(waited_seconds, self.pids))

    @property
    def megabytes(self) -> float:
        return sum(map(resident_megabytes, self.pids))


Stand: TypeAlias = Callable[[World, Path, Tuning], AbstractContextManager[Answerer]]


def environment(world: World, tuning: Tuning) -> dict[str, str]:
    """The bridge's settings in this world, but for its database."""
    platform = world.platform
    table = platform.settings(world.platform_url, tuning)
    prefix = f"COZE_BRIDGE_ADAPTERS__{platform.name.upper()}"
    return {
        "COZE_BRIDGE_SESSIONS__MERGE_WINDOW": "0",  # else each question waits for more of it
        "COZE_BRIDGE_COZE__MAX_CONCURRENT_TURNS": "10000",
        **{f"{prefix}__{key}": value for key, value in table.items()},
    }


@contextmanager
def floor(world: World, folder: Path, tuning: Tuning) -> Iterator[Answerer]:
    """Run the least that does the work."""
    name, interval = world.platform.name, str(world.platform.interval(tuning))
    urls = (world.platform_url, world.coze_url)
    with module("bench.floor", *urls, "--platform", name, "--interval", interval) as running:
        yield Answerer((running.pid,))


@contextmanager
def embedded(world: World, folder: Path, tuning: Tuning) -> Iterator[Answerer]:
    """Run the bridge on SQLite."""
    with bridge(world.coze_url, folder, environment(world, tuning)) as (url, running):
        yield Answerer((running.pid,), (url,))


@contextmanager
def cluster(world: World, folder: Path, tuning: Tuning, replicas: int = 1) -> Iterator[Answerer]:
    """Run so many replicas on an empty PostgreSQL, which does not wait for its disk."""
    told = environment(world, tuning)
    with ExitStack() as stack:
        server = _server()
        told["COZE_BRIDGE_DATABASE__URL"] = stack.enter_context(postgres.database(server))
        migrate(settings(world.coze_url, folder, 0, told))
        running = [
            stack.enter_context(bridge(world.coze_url, folder, told)) for _ in range(replicas)
        ]
        yield Answerer(
            tuple(one.pid for _, one in running), tuple(url for url, _ in running), _pid_of(server)
        )


def migrate(env: Mapping[str, str]) -> None:
    with process("migrate", env=env) as migrating:
        if migrating.wait(MIGRATING):
            raise SystemExit("coze-bridge migrate failed")


@functools.cache
def _server() -> URL:
    """One for all runs of this process, at whose end it goes."""
    return postgres.server()


def _pid_of(server: URL) -> int | None:
    """Of a server of our own; None for another, which may be on another machine."""
    file = Path(str(server.query.get("host", ""))) / "postmaster.pid"
    return int(file.read_text().split()[0]) if file.exists() else None


STANDS: Mapping[str, Stand] = MappingProxyType(
    {
        "floor": floor,
        "embedded": embedded,
        "cluster": cluster,
        "cluster 2": functools.partial(cluster, replicas=2),
    }
)
