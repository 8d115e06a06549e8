"""`coze-bridge check` with the network: everything at once, each with a time of its own."""

import asyncio
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from adapters.registry import examiner
from bridge.config import CozeSettings, ServerSettings, Settings
from bridge.coze.examine import Examiner, open_examiner
from bridge.errors import BridgeError
from bridge.operator import paper, sights
from bridge.operator.attempts import PATIENCE, bounded
from bridge.platform import AdapterSettings, Finding, Surroundings
from bridge.store import Store, holder_of, open_beside
from bridge.store.variables import Refusal, refusals
from bridge.web.ask import Answer, readiness, trouble_listening

SKEW = timedelta(minutes=1)
"""How wrong a clock may be. Coze refuses a service's key earlier than a person's token, Slack's
signatures are good for five minutes."""

ROOM = 200 * 1024 * 1024  # bytes that should be free beside the database

_SQLITE = "sqlite:///"


async def online(
    settings: Settings,
    now: Callable[[], datetime],
    *,
    room: int = ROOM,
    patience: float = PATIENCE,
) -> list[Finding]:
    """Look at everything that needs the network. Changes nothing. Never raises for what it sees.

    now: the clock that is compared with Coze's. room, patience: see the constants.
    """
    answer, holder = await readiness(settings.server), _holder(settings)
    around = Surroundings(
        public_url=settings.server.public_url,
        is_running=bool(holder) or (answer is not None and answer.is_bridge),
    )
    refused = await _refusals(settings)
    looks = {"coze": _coze(settings, refused, now)} | {
        f"adapters.{account}": _account(account, table, around)
        for account, table in settings.adapters.items()
    }
    found = await asyncio.gather(
        *(bounded(part, looking, patience) for part, looking in looks.items())
    )
    return [
        *(finding for findings in found for finding in findings),
        *_disk(settings.database.url, room),
        *_daemon(answer, holder, settings.server),
    ]


# Coze


async def _coze(
    settings: Settings,
    refused: Mapping[str, Mapping[str, Refusal]],
    now: Callable[[], datetime],
) -> list[Finding]:
    async with open_examiner(settings.coze) as examiner:
        agents, clock = await asyncio.gather(
            asyncio.gather(
                *(_agent(settings, name, examiner, refused) for name in settings.agents)
            ),
            _clock(settings.coze, examiner, now),
        )
    return sights.once([*(each for found in agents for each in found), *clock])


async def _agent(
    settings: Settings,
    name: str,
    examiner: Examiner,
    refused: Mapping[str, Mapping[str, Refusal]],
) -> list[Finding]:
    its = settings.agents[name]
    try:
        sight = await examiner.see(its)
    except BridgeError as error:
        return [sights.of_error(name, its, error, settings.coze)]
    return list(sights.of_agent(name, its, sight, refused.get(name, {})))


async def _clock(
    coze: CozeSettings, examiner: Examiner, now: Callable[[], datetime]
) -> list[Finding]:
    try:
        theirs = await examiner.clock()
    except BridgeError:
        return []  # Coze out of reach is told of with the agents
    if theirs is None or abs(off := now() - theirs) <= SKEW:
        return []
    way = "ahead of" if off > timedelta() else "behind"
    cure = "set it (`timedatectl set-ntp true`)"
    text = f"this machine's clock is {paper.lasting(abs(off))} {way} that of {coze.base_url}"
    return [Finding("wrong", f"clock: {text}; {cure}")]


# Platforms


async def _account(account: str, table: AdapterSettings, around: Surroundings) -> Sequence[Finding]:
    try:
        examine = examiner(table.platform or account)
    except KeyError as error:
        return [Finding("wrong", f"adapters.{account}.platform: {error.args[0]}")]
    return [] if examine is None else await examine(account, table, around)


# This machine


def _holder(settings: Settings) -> str:
    url = settings.database.url
    return holder_of(Path(url.removeprefix(_SQLITE))) if url.startswith(_SQLITE) else ""


async def _refusals(settings: Settings) -> dict[str, Mapping[str, Refusal]]:
    """What Coze has refused, as far as there is a database; about that, `offline` tells."""
    try:
        store = await open_beside(settings.database.url)
    except BridgeError:
        return {}
    try:
        return await _read_refusals(store, settings)
    except BridgeError:
        return {}
    finally:
        await store.close()


async def _read_refusals(store: Store, settings: Settings) -> dict[str, Mapping[str, Refusal]]:
    return {name: await store.read(refusals(name)) for name in settings.agents}


def _disk(url: str, room: int) -> Iterator[Finding]:
    """See how much room there is; with a full disk no message can be stored any more."""
    if not url.startswith(_SQLITE):
        return
    folder = Path(url.removeprefix(_SQLITE)).absolute().parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return  # there is no such folder, as `offline` tells
    if free < room:
        text = f"only {free // 1024**2} MB are free in {folder}, where the database is"
        yield Finding("wrong", f"disk: {text}; make room")


def _daemon(answer: Answer | None, holder: str, server: ServerSettings) -> Iterator[Finding]:
    process = f" (process {holder})" if holder else ""
    if answer is None:
        if holder:
            yield Finding("ok", f"daemon: running{process}")
        elif trouble := trouble_listening(server):
            yield Finding("wrong", trouble)
    elif not answer.is_bridge:
        text = f"another program answers at {answer.url}; choose another port, or stop it"
        yield Finding("wrong", f"server.port: {text}")
    elif not answer.problems:
        yield Finding("ok", f"daemon: running and ready at {answer.url}{process}")
    else:
        for part, told in answer.problems.items():
            cure = "the other lines, or its log, tell more"
            yield Finding("wrong", f"daemon: running, but not ready: {part}: {told}; {cure}")
