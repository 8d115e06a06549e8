"""Who is who, what they have used, and whether they may."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.config import AccessSettings
from bridge.errors import Permanent
from bridge.store import Store
from bridge.store.browsing import (
    Piece,
    Place,
    identities_called,
    people_from,
    spent_each,
    standings,
)
from bridge.store.guests import Guest, Standing, decide, guests_with
from bridge.store.people import Identity, Spent, identities_of

DAY = timedelta(days=1)
MONTH = timedelta(days=30)
LOOK = 1000  # people who are looked at in one go
GOES = 4  # of them, until whoever searches is asked whether to go on
WAITING = 50  # strangers who are shown


@dataclass(frozen=True, slots=True)
class Judged:
    """Somebody with everything an operator decides by.

    standing: as an admin decided, or "admin", "allowed", "denied" as the settings do; empty where
    nobody has said anything. day, month: what their answers have cost in the last of them.
    """

    identity: Identity
    standing: str
    day: Spent
    month: Spent


@dataclass(frozen=True, slots=True)
class Known:
    """A person: all they go by, and each with what an operator decides by."""

    uid: str
    faces: Sequence[Judged]


async def browse(
    store: Store, search: str, after: Place | None, *, accounts: Collection[str], limit: int
) -> Piece[Identity]:
    """Turn over a list, however long; who was here last first. Raises `Unreachable`."""
    if after is None and ":" in search:
        exact = await store.read(identities_called(search, accounts))
        if exact:
            return Piece(exact, None)
    found: list[Identity] = []
    for _ in range(GOES if search else 1):
        look = LOOK if search else limit + 1
        piece = await store.read(people_from(search, limit - len(found), after, look))
        found += piece.found
        after = piece.then
        if after is None or len(found) >= limit:
            break
    return Piece(found, after)


async def judged(
    store: Store, people: Sequence[Identity], access: AccessSettings, now: datetime
) -> list[Judged]:
    """Add what they have used, and whether they may."""
    decided = await store.read(standings(people))
    uids = {it.uid for it in people}
    day = await store.read(spent_each(uids, now - DAY))
    month = await store.read(spent_each(uids, now - MONTH))
    return [
        Judged(it, standing(it, decided, access), _of(it, day), _of(it, month)) for it in people
    ]


async def known(store: Store, uid: str, access: AccessSettings, now: datetime) -> Known:
    """Find a person by their connector_uid. Raises `Permanent` if nobody has it."""
    found = await store.read(identities_of({uid}))
    if not found:
        raise Permanent(f"{uid}: nobody is known by this connector_uid")
    return Known(uid, await judged(store, found, access, now))


async def strangers(store: Store) -> list[Guest]:
    """Who knocked and was not let in yet, the newest first."""
    return await store.read(guests_with(Standing.UNKNOWN, limit=WAITING))


async def say(
    store: Store, address: str, name: str, standing: Standing, *, by: str, now: datetime
) -> None:
    """Let somebody in, shut them out, or take back either; it is noted.

    Raises `Permanent` for what is no address.
    """
    platform, colon, user = address.partition(":")
    if not (platform and colon and user) or len(platform) > 64 or len(user) > 255:
        raise Permanent(f'{address}: a person looks like "telegram:12345" or "slack:T123/U456"')
    await store.write(decide(Guest(platform, user, name, standing, now), standing, by, now))


def standing(
    it: Identity, decided: Mapping[tuple[str, str], Standing], access: AccessSettings
) -> str:
    """What holds for somebody: settings that shut out or name them stand before an admin's word."""
    if it.address in access.deny:
        return "denied"
    if it.address in access.admins:
        return "admin"
    said = decided.get((it.platform, it.user))
    if said in (Standing.BLOCKED, Standing.ADMITTED):
        return said
    return "allowed" if it.address in access.allow else ""


def _of(it: Identity, found: Mapping[str, Spent]) -> Spent:
    return found.get(it.uid) or Spent(it.uid, 0, 0, 0)
