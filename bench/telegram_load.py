"""Many Telegram users at once, with Telegram's flood limits enforced.

    python -m bench.telegram_load --users 50 --tokens 200 --pace 0.02 --over 0 --times 4

Three processes: the Coze emulator, the bridge, and this one, which is Telegram and everybody on
it. Who asks more than once thinks for up to a second after the answer before; with `--together`
all wait until everybody has an answer, and ask again in one instant. With `--apart` the bridge
has a core that nobody else uses, as where the platforms are elsewhere. A final's delay is from
the moment the Coze emulator ended a chat to the moment this Telegram had carried out the last
edit (or post) of the answer. Exits 1 if an answer is not whole or more than 1 % of the calls were
answered 429.
"""

import argparse
import asyncio
import itertools
import math
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import uvloop

from bench.figures import distribution
from bench.processes import bridge, cpu_seconds, emulator, peak_megabytes
from bench.scripts import asked, script
from tests.telegram.emulator import Call, Chat, Emulator, Fault, Limits, Message, serve

T = TypeVar("T")

LOOK_EVERY = 0.1  # seconds between two looks of somebody at their answer
PATIENCE = 120.0  # seconds beyond the answers' own length
MOST_REFUSED = 0.01  # of all calls


@dataclass(frozen=True)
class Load:
    """Who asks and how.

    over: seconds in which all of them begin. times: how often each asks. think: seconds at most
    between an answer and the next question. together: the next one is asked when everybody has
    an answer. apart: the bridge has a core, the emulators have the others. held: who is told to
    wait.
    """

    users: int
    groups: int
    tokens: int
    pace: float
    over: float
    times: int
    think: float
    together: bool
    apart: bool
    seed: int
    held: int

    @property
    def chunks(self) -> list[str]:
        return [f"word{i} " if i % 20 else f"\n\n**{i}** " for i in range(self.tokens)]

    @property
    def ending(self) -> str:
        return f"word{self.tokens - 1}"


@dataclass
class Question:
    """at: when it was asked. until: from when on the next may be; both `time.monotonic`."""

    who: int
    text: str
    at: float
    until: float = math.inf


@dataclass(frozen=True)
class Result:
    """What happened to one question. Times are seconds of `time.monotonic`; finished is Coze's."""

    chat: Chat
    asked: float
    first_text: float
    finished: float
    final: float
    whole: bool
    edits: int
    widest_gap: float  # seconds between two changes a reader saw


def chats(telegram: Emulator, load: Load) -> list[Chat]:
    people = [telegram.person(n) for n in range(1, load.users + 1)]
    groups = [telegram.group(f"group {person.id}", person) for person in people[: load.groups]]
    return [*groups, *(person.chat() for person in people[load.groups :])]


async def ask(chat: Chat, telegram: Emulator, number: int, text: str) -> None:
    person = telegram.person(number)
    if chat.is_private:
        await person.chat().say(text)
    else:
        await telegram.chats[chat.id].seat(person).say(f"@{telegram.bot.username} {text}")  # type: ignore[attr-defined]  # it is a group


def answer(chat: Chat, question: Question) -> list[Message]:
    """The messages between a question and the next one."""
    return [each for each in chat.answers if question.at <= each.revisions[0].at < question.until]


def is_whole(chat: Chat, question: Question, load: Load) -> bool:
    """Whether the answer stands, finished: without its stop button."""
    messages = answer(chat, question)
    if not messages or "/stop" in [button.data for button in messages[-1].buttons]:
        return False
    return load.ending in messages[-1].text


async def crowd(telegram: Emulator, places: Sequence[Chat], load: Load) -> list[Question]:
    """Let everybody ask, and wait until every answer stands."""
    dice = random.Random(load.seed)
    everything: list[Question] = []
    longest = load.tokens * load.pace + PATIENCE
    everybody = asyncio.Barrier(len(places) if load.together else 1)

    async def one(number: int, chat: Chat) -> None:
        await asyncio.sleep(dice.uniform(0, load.over))
        for turn in range(1, load.times + 1):
            question = Question(number, f"user {number} asks, {turn}", time.monotonic())
            everything.append(question)
            await ask(chat, telegram, number, question.text)
            # Woken by each change, fifty would look at once, just when calls are measured.
            while not is_whole(chat, question, load):  # noqa: ASYNC110
                await asyncio.sleep(LOOK_EVERY)
            await asyncio.sleep(dice.uniform(0, load.think))
            await everybody.wait()
            question.until = time.monotonic()

    async with asyncio.timeout(load.over + longest * load.times), asyncio.TaskGroup() as group:
        for number, chat in enumerate(places, 1):
            group.create_task(one(number, chat))
    return everything


def judged(chat: Chat, load: Load, question: Question, finished: float) -> Result:
    messages = answer(chat, question)
    times = sorted(revision.at for each in messages for revision in each.revisions)
    text = "\n".join(each.text for each in messages)
    wanted = "".join(load.chunks).replace("**", "")
    return Result(
        chat,
        question.at,
        first_text=times[0],
        finished=finished,
        final=times[-1],
        whole=text.split() == wanted.split(),
        edits=len(times) - len(messages),
        widest_gap=max((b - a for a, b in itertools.pairwise(times)), default=0.0),
    )


@dataclass(frozen=True)
class Run:
    """held: the chats that were told to wait."""

    results: Sequence[Result]
    held: Sequence[Chat]
    calls: Sequence[Call]
    took: float
    cpu: float
    memory: float


@contextmanager
def on(cores: Set[int], starting: AbstractContextManager[T]) -> Iterator[T]:
    """Let the processes that are started have these cores."""
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    with starting as started:
        os.sched_setaffinity(0, ours)
        yield started


async def play(load: Load) -> Run:
    """Start everything, let everybody ask, and end everything."""
    cores = others = os.sched_getaffinity(0)
    if load.apart:
        cores, others = {min(cores)}, cores - {min(cores)}
        os.sched_setaffinity(0, others)
    async with serve(Emulator(limits=Limits(), strict=False)) as telegram:
        places = chats(telegram, load)
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory()))
            coze = await asyncio.to_thread(stack.enter_context, on(others, emulator()))
            settings = {
                "COZE_BRIDGE_ADAPTERS__TELEGRAM__TOKEN": telegram.token,
                "COZE_BRIDGE_ADAPTERS__TELEGRAM__API_BASE_URL": telegram.url,
            }
            started = on(cores, bridge(coze, folder, settings))
            _, running = await asyncio.to_thread(stack.enter_context, started)
            await script(coze, load.chunks, load.pace)
            for chat in places[: load.held]:
                telegram.inject(Fault("editMessageText", chat.id, retry_after=60))
            used, began = cpu_seconds(running.pid), time.monotonic()
            everything = await crowd(telegram, places, load)
            took, cpu = time.monotonic() - began, cpu_seconds(running.pid) - used
            memory = peak_megabytes(running.pid)
            ends = finished_at(await asked(coze))
            results = [judged(places[it.who - 1], load, it, ends[it.text]) for it in everything]
            calls = [call for call in telegram.journal.entries if call.method != "getUpdates"]
            await asyncio.to_thread(stack.close)
    return Run(results, places[: load.held], calls, took, cpu, memory)


def finished_at(log: Sequence[dict[str, Any]]) -> dict[str, float]:
    """When Coze ended each question's chat, on this machine's monotonic clock."""
    offset = time.time() - time.monotonic()
    return {entry["text"]: entry["finished_at"] - offset for entry in log}


def report(run: Run, load: Load) -> int:
    held = [result for result in run.results if result.chat in run.held]
    ordinary = [result for result in run.results if result.chat not in run.held]
    refused = [call for call in run.calls if call.refused]
    share = max(0, len(refused) - load.held) / len(run.calls)  # without those that were asked for
    wrong = [result.chat.id for result in run.results if not result.whole]
    print(f"answers {len(run.results)}, not whole {len(wrong)} {wrong[:5]}")
    print(f"whole run {run.took:.1f} s, calls {len(run.calls)} ({len(run.calls) / run.took:.1f}/s)")
    print(f"answered 429: {len(refused)} {dict(by_method(refused))}, of themselves {share:.2%}")
    print(f"calls by method: {dict(by_method(run.calls))}")
    print(
        "first text after the question, ms:", distribution(r.first_text - r.asked for r in ordinary)
    )
    print("final after Coze ended, ms:      ", distribution(r.final - r.finished for r in ordinary))
    print("widest gap of an answer, ms:     ", distribution(r.widest_gap for r in ordinary))
    print(f"edits an answer: {sum(r.edits for r in ordinary) / len(ordinary):.1f}")
    for result in held:
        print(f"told to wait 60 s: final after {result.final - result.finished:.1f} s")
    each = run.cpu / len(run.results) * 1000
    print(f"CPU of the bridge {run.cpu:.2f} s ({each:.0f} ms an answer), peak {run.memory:.0f} MB")
    return 1 if wrong or share > MOST_REFUSED else 0


def by_method(calls: Sequence[Call]) -> Counter[str]:
    return Counter(call.method for call in calls)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--users", type=int, default=50)
    options.add_argument("--groups", type=int, default=0, help="so many of them ask in groups")
    options.add_argument("--tokens", type=int, default=200)
    options.add_argument("--pace", type=float, default=0.02, help="seconds a token")
    options.add_argument("--over", type=float, default=0.0, help="seconds in which they begin")
    options.add_argument("--times", type=int, default=1, help="so often does each of them ask")
    options.add_argument("--think", type=float, default=1.0, help="seconds at most between two")
    options.add_argument("--together", action="store_true", help="all of them each time at once")
    options.add_argument("--apart", action="store_true", help="a core for the bridge alone")
    options.add_argument("--held", type=int, default=0, help="so many get a 60 s Retry-After")
    options.add_argument("--seed", type=int, default=1)
    load = Load(**vars(options.parse_args()))
    return report(uvloop.run(play(load)), load)


if __name__ == "__main__":
    sys.exit(main())
