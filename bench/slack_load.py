"""Many Slack users at once, with Slack's published tiers enforced.

    python -m bench.slack_load --users 20 --stream auto
    python -m bench.slack_load --users 40 --stream edit
    python -m bench.slack_load --users 200 --mode http --over 1 --tokens 20 --free

Three processes: the Coze emulator, the bridge, and this one, which is Slack and everybody in the
workspace. A first text's delay is from the first delta that the Coze emulator wrote to the moment
this Slack showed text; a final's, from the end of the chat at Coze to the last change here. Exits 1
if an answer is not whole, a stream was left open, more than 1 % of the calls were answered 429, or
1 in 100 events waited longer than 500 ms for its acknowledgement.
"""

import argparse
import asyncio
import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import uvloop

from bench.figures import distribution, percentile
from bench.processes import bridge, cpu_seconds, emulator, free_port, peak_megabytes
from bench.scripts import asked, script
from tests.slack.emulator import Call, Emulator, Limits, Seat, serve

PATIENCE = 300.0  # seconds beyond the answers' own length: the tiers let few through
STOP = "⏹"  # stands on the button of an answer that grows by edits
MOST_REFUSED = 0.01  # of all calls
LATEST_ACK = 0.5  # seconds, p99


@dataclass(frozen=True)
class Load:
    """Who asks and how. over: seconds in which all of them begin. free: no tiers."""

    users: int
    shared: int
    tokens: int
    pace: float
    over: float
    seed: int
    stream: str
    mode: Literal["socket", "http"]
    free: bool

    @property
    def chunks(self) -> list[str]:
        return [f"word{i} " if i % 20 else f"\n\n**{i}** " for i in range(self.tokens)]

    @property
    def words(self) -> list[str]:
        return "".join(self.chunks).split()


@dataclass(frozen=True)
class Result:
    """What happened to one question. Times are of `time.monotonic`; the first two are Coze's."""

    first_delta: float
    finished: float
    first_text: float
    final: float
    whole: bool
    changes: int
    widest_gap: float  # seconds between two changes a reader saw


def question(number: int) -> str:
    return f"user {number} asks"


def seats(slack: Emulator, load: Load) -> list[Seat]:
    """Everybody's direct messages; for the first of them, a channel they share."""
    people = [slack.person(f"Person{number}") for number in range(load.users)]
    general = slack.channel("general", *people[: load.shared])
    together = [person.at(general) for person in people[: load.shared]]
    return [*together, *(person.dm() for person in people[load.shared :])]


def is_whole(thread: Seat, load: Load) -> bool:
    text = " ".join(message.text for message in thread.answers)
    growing = any(message.streaming or STOP in message.labels for message in thread.answers)
    return text.split() == load.words and not growing


async def crowd(slack: Emulator, places: Sequence[Seat], load: Load) -> list[Seat]:
    """Let everybody ask, and wait until every answer stands; returns the threads."""
    dice = random.Random(load.seed)

    async def one(number: int, seat: Seat) -> Seat:
        await asyncio.sleep(dice.uniform(0, load.over))
        text = question(number)
        mention = "" if seat.channel.is_direct else f"{slack.bot.mention} "
        return seat.in_thread(await seat.say(mention + text))

    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(one(*each)) for each in enumerate(places)]
    threads = [each.result() for each in asking]
    waiting = list(threads)

    def all_whole(_: Emulator) -> bool:
        while waiting and is_whole(waiting[-1], load):
            waiting.pop()
        return not waiting

    try:
        await slack.until(all_whole, within=load.tokens * load.pace + PATIENCE)
    except TimeoutError:
        print("not all answers came in time", file=sys.stderr)
    return threads


def judged(thread: Seat, load: Load, entry: dict[str, Any], offset: float) -> Result:
    changes = [r.at for m in thread.answers for r in m.revisions if r.content.seen]
    times = sorted(changes) or [float("inf")]
    return Result(
        first_delta=entry["first_delta_at"],
        finished=entry["finished_at"] - offset,
        first_text=times[0],
        final=times[-1],
        whole=is_whole(thread, load),
        changes=len(times),
        widest_gap=max((b - a for a, b in itertools.pairwise(times)), default=0.0),
    )


@dataclass(frozen=True)
class Run:
    """left_open: streams nobody stopped. acks: seconds each acknowledgement took."""

    results: Sequence[Result]
    calls: Sequence[Call]
    acks: Sequence[float]
    left_open: int
    took: float
    cpu: float
    memory: float


async def play(load: Load) -> Run:
    """Start everything, let everybody ask, and end everything."""
    limits = None if load.free else Limits()
    async with serve(Emulator(mode=load.mode, limits=limits)) as slack:
        places = seats(slack, load)
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory()))
            coze = await asyncio.to_thread(stack.enter_context, emulator())
            port = free_port()
            started = bridge(coze, folder, settings(slack, load), port=port)
            slack.hooks.url = f"http://127.0.0.1:{port}/slack/slack/events"
            _, running = await asyncio.to_thread(stack.enter_context, started)
            await script(coze, load.chunks, load.pace)
            used, began = cpu_seconds(running.pid), time.monotonic()
            threads = await crowd(slack, places, load)
            took, cpu = time.monotonic() - began, cpu_seconds(running.pid) - used
            memory = peak_megabytes(running.pid)
            log = {entry["text"]: entry for entry in await asked(coze)}
            offset = time.time() - time.monotonic()
            results = [
                judged(thread, load, log[question(number)], offset)
                for number, thread in enumerate(threads)
            ]
            run = Run(
                results,
                list(slack.journal.entries),
                slack.deliveries.latencies,
                len(slack.open_streams),
                took,
                cpu,
                memory,
            )
            await asyncio.to_thread(stack.close)
    return run


def settings(slack: Emulator, load: Load) -> dict[str, str]:
    told = {
        "BOT_TOKEN": slack.token,
        "APP_TOKEN": slack.app_token if load.mode == "socket" else "",
        "SIGNING_SECRET": slack.signing_secret if load.mode == "http" else "",
        "API_BASE_URL": f"{slack.url}/api/",
        "MODE": load.mode,
        "STREAM": load.stream,
    }
    return {f"COZE_BRIDGE_ADAPTERS__SLACK__{key}": value for key, value in told.items()}


def report(run: Run, load: Load) -> int:
    refused = [call for call in run.calls if call.refused]
    share = len(refused) / len(run.calls)
    wrong = [number for number, result in enumerate(run.results) if not result.whole]
    latest = percentile(list(run.acks), 0.99)
    print(f"answers {len(run.results)}, not whole {len(wrong)} {wrong[:5]}")
    print(f"streams left open {run.left_open}")
    print(f"whole run {run.took:.1f} s, calls {len(run.calls)} ({len(run.calls) / run.took:.1f}/s)")
    print(f"calls by method: {dict(by_method(run.calls))}")
    print(f"answered 429: {share:.2%} {dict(by_method(refused))}")
    firsts = (r.first_text - r.first_delta for r in run.results)
    print("first text after the first delta, ms:", distribution(firsts))
    finals = (r.final - r.finished for r in run.results)
    print("final after Coze ended, ms:          ", distribution(finals))
    gaps = (r.widest_gap for r in run.results)
    print("widest gap of an answer, ms:         ", distribution(gaps))
    print("acknowledgement of an event, ms:     ", distribution(run.acks))
    print(f"changes an answer: {sum(r.changes for r in run.results) / len(run.results):.1f}")
    each = run.cpu / len(run.results) * 1000
    print(f"CPU of the bridge {run.cpu:.2f} s ({each:.0f} ms an answer), peak {run.memory:.0f} MB")
    bad = wrong or run.left_open or share > MOST_REFUSED or latest > LATEST_ACK
    return 1 if bad else 0


def by_method(calls: Sequence[Call]) -> Counter[str]:
    return Counter(call.method for call in calls)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--users", type=int, default=20)
    options.add_argument("--shared", type=int, default=0, help="so many ask in one channel")
    options.add_argument("--tokens", type=int, default=200)
    options.add_argument("--pace", type=float, default=0.05, help="seconds a token")
    options.add_argument("--over", type=float, default=0.0, help="seconds in which they begin")
    options.add_argument("--stream", choices=("auto", "edit", "final"), default="auto")
    options.add_argument("--mode", choices=("socket", "http"), default="socket")
    options.add_argument("--free", action="store_true", help="without Slack's tiers")
    options.add_argument("--seed", type=int, default=1)
    load = Load(**vars(options.parse_args()))
    return report(uvloop.run(play(load)), load)


if __name__ == "__main__":
    sys.exit(main())
