"""What a right to one call costs. Run: python -m bench.pacing [--postgres]

Embedded, that is arithmetic. With `--postgres`, it is a round trip to a real server on this
machine: first with nobody else about, then where 50 chats want more than a bot may send.
"""

import argparse
import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from bench.figures import percentile
from bridge.flow.pacing import Pacer, Pacing, Priority
from bridge.flow.sharing import sharing
from bridge.limits import Limit, Pace, Quota
from bridge.store import migrate
from bridge.store.buckets import PostgresBuckets
from bridge.testing import postgres

ROUNDS = 20_000
BOT = Quota("bot", 29, 1.0)
CHATS = 50
SECONDS = 10.0


def limits(chat: int) -> list[Limit]:
    return [Pace(("bot", chat), 1.1), BOT]


async def embedded() -> None:
    passed = itertools.count()
    pacer = Pacer(lambda: next(passed) * 0.02)  # so that nobody has to wait

    async def one(chat: int) -> None:
        await pacer.grant(limits(chat), Priority.FINAL)
        pacer.answered(limits(chat))

    print(f"embedded: {await best(one) * 1e6:.1f} µs for a claim and its answer")
    print(f"          {await best(nothing) * 1e6:.2f} µs of it for awaiting")


async def nothing(_: int) -> None:
    return


async def best(work: Callable[[int], Awaitable[None]]) -> float:
    """Seconds a call takes, in the run least disturbed by other processes."""
    fastest = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        for number in range(ROUNDS):
            await work(number % CHATS)
        fastest = min(fastest, (time.perf_counter() - began) / ROUNDS)
    return fastest


async def calls(pacer: Pacing, chat: int, quota: Quota, took: list[float], end: float) -> None:
    """One chat that always has something to send; adds the seconds that granted claims took."""
    limits: list[Limit] = [Pace(("bot", chat), 0.0), quota]
    while (began := time.perf_counter()) < end:
        wait = await pacer.grant(limits, Priority.FINAL)
        if wait <= 0:
            took.append(time.perf_counter() - began)
            pacer.answered(limits)
        await asyncio.sleep(max(wait, 0.01))


async def shared(url: str, replicas: int, chats: int, quota: Quota) -> None:
    took: list[float] = []
    end = time.perf_counter() + SECONDS

    async with AsyncExitStack() as stack:
        pacers = []
        for _ in range(replicas):
            buckets = PostgresBuckets(url)
            stack.push_async_callback(buckets.close)
            pacers.append(await stack.enter_async_context(sharing(buckets)))
        async with asyncio.TaskGroup() as group:
            for chat in range(chats):
                group.create_task(calls(pacers[chat % replicas], chat, quota, took, end))
    warm = [each * 1000 for each in took[chats:]]
    shares = ", ".join(f"p{share * 100:.0f} {percentile(warm, share):.1f}" for share in (0.5, 0.99))
    calls_a_second = f"{len(took) / SECONDS:.1f} calls a second"
    print(f"replicas {replicas}, chats {chats:2}: {calls_a_second:>22}, {shares} ms each")


async def on_postgres(url: str) -> None:
    await migrate(url)
    await shared(url, 1, 1, Quota("plenty", 10_000, 1.0))
    for replicas in (1, 2, 3):
        await shared(url, replicas, CHATS, BOT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", action="store_true")
    asyncio.run(embedded())
    if parser.parse_args().postgres:
        with postgres.database(postgres.server()) as url:
            asyncio.run(on_postgres(url))


if __name__ == "__main__":
    main()
