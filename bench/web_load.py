"""Many web users at once, each reading one answer as it is streamed.

    python -m bench.web_load --users 200 --tokens 200 --pace 0.05

Three processes: the emulator, the bridge, and this one, which plays every browser. A user's
delay is from the moment the emulator wrote the first delta of the answer to the moment text of
it arrived here; both read CLOCK_MONOTONIC. Exits 1 if any answer is lost, doubled or not whole.
"""

import argparse
import asyncio
import json
import secrets
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import uvloop

from bench.processes import bridge, cpu_seconds, emulator, own_cpu_seconds, peak_megabytes

PATIENCE = 60.0  # seconds beyond the answers' own length


@dataclass
class User:
    """One browser: what it shows, and when the first text of the answer came."""

    name: str
    asked_at: float = 0.0
    first_text_at: float = 0.0
    done_at: float = 0.0
    updates: int = 0
    texts: dict[str, str] = field(default_factory=dict)  # message -> text, of the bot

    def take(self, kind: str, data: dict[str, Any]) -> bool:
        """Show an event; True once the answer is final."""
        messages = data["entries"] if kind == "snapshot" else [data] if kind == "upsert" else []
        finals = [self._show(message) for message in messages if message["author"] == "bot"]
        return any(finals)

    def _show(self, message: dict[str, Any]) -> bool:
        self.updates += 1
        key = str(message.get("id") or message["key"])
        # Until it is committed a message goes by its key alone.
        old = self.texts.get(key) or self.texts.pop(str(message.get("key")), "")
        # `keep` counts UTF-16 units; the script of this benchmark has no other characters.
        text = message["text"] if "text" in message else old[: message["keep"]] + message["append"]
        self.texts[key] = text
        if text and not self.first_text_at:
            self.first_text_at = time.monotonic()
        if message["final"]:
            self.done_at = time.monotonic()
        return bool(message["final"])


@asynccontextmanager
async def events(response: aiohttp.ClientResponse) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
    async def read() -> AsyncIterator[tuple[str, Any]]:
        kind = ""
        async for raw in response.content:
            line = raw.decode().rstrip("\n")
            if line.startswith("event:"):
                kind = line[6:].strip()
            elif line.startswith("data:"):
                yield kind, json.loads(line[5:])

    yield read()


async def converse(session: aiohttp.ClientSession, url: str, user: User, go: asyncio.Event) -> None:
    headers = {"X-Visitor": secrets.token_hex(16)}
    async with session.post(f"{url}/web/web/session", json={}, headers=headers) as response:
        response.raise_for_status()
        chat = (await response.json())["chat"]
    base = f"{url}/web/web/chats/{chat}"
    async with session.get(f"{base}/events", headers=headers) as response, events(response) as seen:
        await anext(seen)
        await go.wait()
        user.asked_at = time.monotonic()
        question = {"id": secrets.token_hex(8), "text": user.name}
        async with session.post(f"{base}/messages", json=question, headers=headers) as posted:
            posted.raise_for_status()
        async for kind, data in seen:
            if user.take(kind, data):
                return


async def crowd(url: str, users: list[User], longest: float) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=longest)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        go = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for user in users:
                group.create_task(converse(session, url, user, go))
            await asyncio.sleep(1.0)  # let every browser open its page first
            go.set()


async def script(coze: str, chunks: list[str], pace: float) -> None:
    async with aiohttp.ClientSession() as session:
        scenario = {"chunks": chunks, "pace": pace, "first_delay": 0.5}
        async with session.post(f"{coze}/_emulator/scenario", json=scenario) as response:
            response.raise_for_status()


async def log(coze: str) -> list[dict[str, Any]]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{coze}/_emulator/log") as response,
    ):
        found = await response.json()
        return list(found["asked"] if isinstance(found, dict) else found)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--users", type=int, default=200)
    options.add_argument("--tokens", type=int, default=200)
    options.add_argument("--pace", type=float, default=0.05, help="seconds a token")
    given = options.parse_args()
    chunks = [f"word{i} " if i % 20 else f"\n\n**{i}** " for i in range(given.tokens)]
    users = [User(f"user {i} asks") for i in range(given.users)]
    longest = given.tokens * given.pace + PATIENCE
    with (
        TemporaryDirectory() as folder,
        emulator() as coze,
        bridge(coze, Path(folder)) as (url, running),
    ):
        uvloop.run(script(coze, chunks, given.pace))
        before, own, began = cpu_seconds(running.pid), own_cpu_seconds(), time.monotonic()
        uvloop.run(crowd(url, users, longest))
        took = time.monotonic() - began
        used, own = cpu_seconds(running.pid) - before, own_cpu_seconds() - own
        asked = {entry["text"]: entry for entry in uvloop.run(log(coze))}
        memory = peak_megabytes(running.pid)
    return report(users, asked, "".join(chunks), took=took, used=used, own=own, memory=memory)


def report(
    users: list[User], asked: dict[str, dict[str, Any]], whole: str, **figures: float
) -> int:
    wrong = [
        user.name
        for user in users
        if [text.split() for text in user.texts.values()] != [whole.split()]
    ]
    delays = [
        (user.first_text_at - asked[user.name]["first_delta_at"]) * 1000
        for user in users
        if user.first_text_at and user.name in asked
    ]
    print(f"users {len(users)}, questions at Coze {len(asked)}, wrong answers {len(wrong)}")
    print(
        f"first delta -> first text on the page, ms: p50 {percentile(delays, 0.5):.0f} "
        f"p90 {percentile(delays, 0.9):.0f} p99 {percentile(delays, 0.99):.0f} "
        f"max {max(delays):.0f}"
    )
    updates = statistics.mean(user.updates for user in users)
    print(f"updates a user {updates:.0f}, whole run {figures['took']:.1f} s")
    print(
        f"CPU s: bridge {figures['used']:.2f} ({figures['used'] / len(users) * 1000:.0f} ms an "
        f"answer), browsers {figures['own']:.2f}; bridge peak {figures['memory']:.0f} MB"
    )
    for name in wrong[:3]:
        print("wrong:", name, [user.texts for user in users if user.name == name])
    return 1 if wrong or len(asked) != len(users) else 0


if __name__ == "__main__":
    sys.exit(main())
