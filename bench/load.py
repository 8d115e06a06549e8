"""One process on SQLite, then one, two and three replicas on PostgreSQL, under the same load.

    python -m bench.load --users 200 --rate 20 --seconds 30

Many users of an emulated Telegram (one bot, polled) ask at random moments; an emulated Coze
answers each with a text that names the question. Both run in this process, each bridge in its
own. Afterwards Telegram says what everybody read and Coze what it was asked: each question once,
each answer once, whole, in the order of the questions; else the exit code is 1.

*asked* is from the moment Telegram has the message to the moment Coze has the question;
*answered* until the last edit of the answer is done. CPU and memory are of the bridges; the
database, the emulators and they share the machine.
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory

import uvloop

from bench.figures import distribution
from bench.processes import bridge, cpu_seconds, peak_megabytes, process
from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, Answer, Emulator, Memory
from bridge.emulator import serve as serve_coze
from bridge.testing import postgres
from tests.telegram.emulator import Emulator as Telegram
from tests.telegram.emulator import serve as serve_telegram

PATIENCE = 120.0  # seconds after the last question
LOOK = 0.1  # seconds between two looks
PACE = 0.02  # seconds a word
WORDS = 25  # of an answer


@dataclass(frozen=True)
class Load:
    """rate: questions a second, of all users together."""

    users: int
    rate: float
    seconds: float
    seed: int


@dataclass
class Talk:
    """What one user asked, and when; seconds since 1970."""

    number: int
    asked: list[str] = field(default_factory=list)
    at: list[float] = field(default_factory=list)


def answer_to(question: str) -> str:
    return f"About {question}: " + "word " * WORDS + f"and that is {question}."


def agent(question: str, _: Memory) -> Answer:
    return Answer(answer_to(question))


async def talk(telegram: Telegram, load: Load) -> list[Talk]:
    """Let everybody ask, at moments that only the dice know."""
    dice = random.Random(load.seed)
    talks = [Talk(number) for number in range(1, load.users + 1)]
    began = time.monotonic()
    due = 0.0
    while (due := due + dice.expovariate(load.rate)) < load.seconds:
        await asyncio.sleep(began + due - time.monotonic())
        one = dice.choice(talks)
        one.asked.append(f"question {len(one.asked)} of {one.number}")
        one.at.append(time.time())
        await telegram.person(one.number).chat().say(one.asked[-1])
    return talks


def shown(telegram: Telegram, one: Talk) -> list[str]:
    """The finished answers, which have no stop button any more."""
    answers = telegram.person(one.number).chat().answers
    return [each.text for each in answers if "/stop" not in [b.data for b in each.buttons]]


def waits(telegram: Telegram, talks: Sequence[Talk]) -> bool:
    """Whether anybody has fewer answers than questions."""
    return any(len(shown(telegram, one)) < len(one.asked) for one in talks)


@dataclass(frozen=True)
class Outcome:
    """Seconds, and what was wrong."""

    questions: int
    lost: int
    doubled: int
    disordered: int
    asked_twice: int
    asked: Sequence[float]
    answered: Sequence[float]
    cpu: float
    memory: Sequence[float]


def judged(
    telegram: Telegram, coze: Emulator, talks: Sequence[Talk], pids: Sequence[int], cpu: float
) -> Outcome:
    offset = time.time() - time.monotonic()
    heard: dict[str, list[float]] = {}
    for each in coze.asked:
        heard.setdefault(each.text, []).append(each.at)
    lost = doubled = disordered = 0
    asked: list[float] = []
    answered: list[float] = []
    for one in talks:
        there = shown(telegram, one)
        wanted = [answer_to(question) for question in one.asked]
        lost += sum(text not in there for text in wanted)
        doubled += len(there) - len(set(there))
        firsts = list(dict.fromkeys(there))
        disordered += firsts != [text for text in wanted if text in there]
        ends = {
            message.text: message.revisions[-1].at
            for message in telegram.person(one.number).chat().answers
        }
        for question, said in zip(one.asked, one.at, strict=True):
            asked += [heard[question][0] - said] if question in heard else []
            end = ends.get(answer_to(question))
            answered += [end + offset - said] if end is not None else []
    twice = sum(len(times) - 1 for times in heard.values())
    memory = [peak_megabytes(pid) for pid in pids]
    total = sum(len(one.asked) for one in talks)
    return Outcome(total, lost, doubled, disordered, twice, asked, answered, cpu, memory)


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database; PostgreSQL's is migrated."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'bridge.db'}"
        return
    with postgres.database(postgres.server()) as url:
        env = {
            "COZE_BRIDGE_COZE__TOKEN": DEMO_TOKEN,
            "COZE_BRIDGE_AGENTS__DEFAULT__BOT_ID": DEMO_BOT_ID,
            "COZE_BRIDGE_ADAPTERS__WEB__ACCESS": "open",
            "COZE_BRIDGE_DATABASE__URL": url,
        }
        with process("migrate", env=env) as migrating:
            if migrating.wait(60):
                raise SystemExit("coze-bridge migrate failed")
        yield url


@contextmanager
def bridges(number: int, coze: str, folder: Path, settings: dict[str, str]) -> Iterator[list[int]]:
    """So many of them, ready; yields their process ids."""
    with ExitStack() as stack:
        running: list[Popen[bytes]] = [
            stack.enter_context(bridge(coze, folder, settings))[1] for _ in range(number)
        ]
        yield [each.pid for each in running]


async def play(kind: str, replicas: int, load: Load) -> Outcome:
    """Start everything, let everybody ask, wait for the answers, and judge."""
    async with (
        serve_telegram(Telegram(strict=False)) as telegram,
        serve_coze(Emulator(agent=agent, pace=PACE)) as coze,
    ):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory()))
            url = await asyncio.to_thread(stack.enter_context, database(kind, folder))
            settings = {
                "COZE_BRIDGE_ADAPTERS__TELEGRAM__TOKEN": telegram.token,
                "COZE_BRIDGE_ADAPTERS__TELEGRAM__API_BASE_URL": telegram.url,
                "COZE_BRIDGE_SESSIONS__MERGE_WINDOW": "0",
                "COZE_BRIDGE_DATABASE__URL": url,
            }
            started = bridges(replicas, coze.url, folder, settings)
            pids = await asyncio.to_thread(stack.enter_context, started)
            used = sum(cpu_seconds(pid) for pid in pids)
            talks = await talk(telegram, load)
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline and waits(telegram, talks):  # noqa: ASYNC110  no bell
                await asyncio.sleep(LOOK)
            cpu = sum(cpu_seconds(pid) for pid in pids) - used
            outcome = judged(telegram, coze, talks, pids, cpu)
            await asyncio.to_thread(stack.close)
    return outcome


def report(name: str, outcome: Outcome) -> bool:
    """Print it; tells whether all was as promised."""
    wrong = (outcome.lost, outcome.doubled, outcome.disordered, outcome.asked_twice)
    print(f"{name}: {outcome.questions} questions")
    print("  lost {}, doubled {}, chats out of order {}, asked twice {}".format(*wrong))
    print(f"  asked, ms:    {distribution(outcome.asked)}")
    print(f"  answered, ms: {distribution(outcome.answered)}")
    each = outcome.cpu / max(1, outcome.questions) * 1000
    memory = " ".join(f"{peak:.0f}" for peak in outcome.memory)
    print(f"  CPU of the bridges {each:.0f} ms a question, peak memory {memory} MB", flush=True)
    return not any(wrong)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--rate", type=float, default=20.0, help="questions a second in all")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replicas", type=int, nargs="*", default=[1, 2, 3], help="on PostgreSQL")
    options = parser.parse_args()
    load = Load(options.users, options.rate, options.seconds, options.seed)
    stands = [("sqlite", 1), *(("postgres", number) for number in options.replicas)]
    fine = [
        report(f"{kind}, {number} process(es)", uvloop.run(play(kind, number, load)))
        for kind, number in stands
    ]
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
