"""What an agent knows of a person, read and told."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bridge.errors import BridgeError, Permanent
from bridge.facts import USER_SET
from bridge.store import Store
from bridge.store.operator_log import Deed, note
from bridge.store.variables import heard, known, told
from bridge.upstream import KeepsVariables
from bridge.variables import FORGOTTEN

PATIENCE = 5.0  # seconds for Coze, while somebody looks at a page


@dataclass(frozen=True, slots=True)
class Whose:
    """A person as one agent knows them. sources: of the agent's variables, as configured."""

    uid: str
    agent: str
    sources: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Variable:
    """value: at Coze, or as it was last heard of; None if there is none. source: as configured."""

    keyword: str
    value: str | None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """trouble: why this is only what was last heard; empty if Coze was asked just now."""

    agent: str
    rows: Sequence[Variable]
    trouble: str = ""


async def look(store: Store, its: KeepsVariables, whose: Whose) -> Sheet:
    """Read what Coze has; where it does not say, what the bridge has noted."""
    try:
        async with asyncio.timeout(PATIENCE):
            values = {it.keyword: it.value for it in await its.variables(whose.uid)}
    except TimeoutError:
        trouble = f"Coze did not answer within {PATIENCE:.0f} s"
    except BridgeError as error:
        trouble = str(error)
    else:
        return Sheet(whose.agent, _rows(values, whose.sources))
    noted = await store.read(known(whose.uid, whose.agent))
    last = {k: it.remote or it.synced for k, it in noted.items()}
    there = {keyword: value for keyword, value in last.items() if value is not None}
    return Sheet(whose.agent, _rows(there, whose.sources), trouble)


async def put(
    store: Store, its: KeepsVariables, whose: Whose, keyword: str, value: str, deed: Deed
) -> None:
    """Set one variable, and see that it stays. Raises `Permanent` where it does not."""
    await its.set_variables(whose.uid, {keyword: value})
    await settle(store, its, whose, keyword, value, deed)


async def settle(
    store: Store, its: KeepsVariables, whose: Whose, keyword: str, value: str, deed: Deed
) -> None:
    """Note what was just set, and who did it; see that it stays. Raises like `put`."""
    await store.write(note(deed))
    found = await its.variables(whose.uid)
    await store.write(heard(whose.uid, whose.agent, found))
    if not any(each.keyword == keyword and each.value == value for each in found):
        raise Permanent(f"{keyword}: {FORGOTTEN}")
    if whose.sources.get(keyword) == USER_SET:
        # Else the next message would bring back what the user has set.
        await store.write(told(whose.uid, whose.agent, {keyword: value}))


def deed(whose: Whose, keyword: str, by: str, now: datetime) -> Deed:
    """What is written down of it: not the value, which is somebody's own."""
    return Deed(now, by, "set variable", f"{keyword} of {whose.uid} at {whose.agent}")


def _rows(values: Mapping[str, str], sources: Mapping[str, str]) -> list[Variable]:
    return [Variable(k, values.get(k), sources.get(k, "")) for k in {**values, **sources}]
