"""`/admin`: what an admin can see and do from their own chat. For others it is a question.

Changes are written to the operators' log, in the transaction that makes them.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version

from bridge.access import address
from bridge.events import Button
from bridge.guests import Guests
from bridge.linking import is_between_us, shown
from bridge.logs import get
from bridge.notices import Notice
from bridge.pausing import Pausing
from bridge.speaking import phrase, says
from bridge.store import Store
from bridge.store.broadcasts import broadcast, draft, release
from bridge.store.depth import depth
from bridge.store.guests import Guest, Standing, guests_with
from bridge.store.people import Identity, seen_last
from bridge.store.turns import Turn
from bridge.text.markdown import literal
from bridge.text.reply import Reply

log = get(__name__)

LATELY_DAYS = 30  # whom a broadcast is for: as long as messages are kept, unless it is changed
MOST_LISTED = 20
LONGEST_NUMBER = 19  # digits of a row's id


class Admin:
    """Raises `Unreachable` (database).

    troubles: what is wrong at the moment, by part; see `bridge.health`.
    """

    def __init__(  # noqa: PLR0913 - by name, and each is something that admins ask about
        self,
        store: Store,
        guests: Guests,
        pausing: Pausing,
        *,
        accounts: Collection[str],
        agents: Collection[str],
        troubles: Callable[[datetime], Awaitable[Mapping[str, str]]],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._guests = guests
        self._pausing = pausing
        self._accounts = accounts
        self._parts = [f"adapters.{name}" for name in accounts]
        self._parts += [f"coze.{name}" for name in agents]
        self._troubles = troubles
        self._now = now
        self._began = now()
        self._obey: Mapping[str, Callable[[Turn, str], Awaitable[Reply]]] = {
            "status": self._status,
            "pause": self._pause,
            "resume": self._resume,
            "who": self._who,
            "approve": self._approve,
            "broadcast": self._broadcast,
            "send": self._send,
        }

    async def obey(self, turn: Turn) -> Reply:
        """Do what an admin says. Again, after a crash, is as once."""
        if not is_between_us(turn.event):
            return says(turn, Notice.ADMIN_IN_PRIVATE)
        _, _, said = turn.event.text.strip().partition(" ")
        word, _, argument = said.strip().partition(" ")
        if (obey := self._obey.get(word.lower())) is None:
            return says(turn, Notice.ADMIN_HELP)
        log.info("admin", word=word.lower(), turn=turn.id)
        return await obey(turn, argument.strip())

    async def news(self, turn: Turn) -> Reply:
        """What everybody should know."""
        found = await self._store.read(broadcast(int(turn.event.about)))
        return Reply.saying(found.text) if found else Reply.silence()

    async def _status(self, turn: Turn, _: str) -> Reply:
        now = self._now()
        troubles = await self._troubles(now)
        waiting = await self._store.read(depth(self._accounts))
        values = {"version": _version(), "open": f"{max(0, waiting.open_turns - 1):,}"}
        lines = [phrase(turn, Notice.STATUS, **values, up=_long(turn, now - self._began))]
        if paused := await self._pausing.since():
            lines.append(phrase(turn, Notice.STATUS_PAUSED, by=literal(paused.by)))
        lines.append(phrase(turn, Notice.STATUS_TROUBLE if troubles else Notice.STATUS_WELL))
        well = phrase(turn, Notice.WELL)
        parts = {**dict.fromkeys(self._parts, well), **troubles}
        listed = [f"- {literal(part)}: {literal(how)}" for part, how in sorted(parts.items())]
        return Reply.saying("\n\n".join([*lines, "\n".join(listed)]))

    async def _pause(self, turn: Turn, _: str) -> Reply:
        done = await self._pausing.begin(address(turn.event))
        return says(turn, Notice.PAUSE_BEGUN if done else Notice.PAUSED_ALREADY)

    async def _resume(self, turn: Turn, _: str) -> Reply:
        done = await self._pausing.end(address(turn.event))
        return says(turn, Notice.RESUMED if done else Notice.NOT_PAUSED)

    async def _who(self, turn: Turn, _: str) -> Reply:
        now = self._now()
        here = await self._store.read(seen_last(self._accounts, MOST_LISTED))
        strangers = await self._store.read(guests_with(Standing.UNKNOWN, limit=MOST_LISTED))
        listed = [f"- {_named(each)}, {_ago(turn, now - each.seen_at)}" for each in here]
        waiting = [
            f"- {_named(each)}: `{shown(each.code)}`"
            for each in strangers
            if each.code_expires_at is not None and each.code_expires_at > now
        ]
        both = ((Notice.WHO_WAS_HERE, listed), (Notice.WHO_WAITS, waiting))
        parts = ["\n".join([phrase(turn, head), "", *lines]) for head, lines in both if lines]
        return Reply.saying("\n\n".join(parts)) if parts else says(turn, Notice.NOBODY)

    async def _approve(self, turn: Turn, code: str) -> Reply:
        if not code:
            return says(turn, Notice.HOW_TO_APPROVE)
        guest = await self._guests.approve(code, address(turn.event))
        if guest is None:
            return says(turn, Notice.NOT_APPROVED)
        return says(turn, Notice.APPROVED, who=_named(guest))

    async def _broadcast(self, turn: Turn, text: str) -> Reply:
        if not text:
            return says(turn, Notice.HOW_TO_BROADCAST)
        since = self._now() - timedelta(days=LATELY_DAYS)
        people = await self._store.write(draft(turn.id, text, address(turn.event), since))
        values = {"days": str(LATELY_DAYS), "people": f"{people:,}"}
        asked = phrase(turn, Notice.BROADCAST_ASK, **values)
        yes = Button(phrase(turn, Notice.BROADCAST_YES), f"/admin send {turn.id}")
        return Reply.saying(f"{asked}\n\n{text}", buttons=(yes,))

    async def _send(self, turn: Turn, number: str) -> Reply:
        is_number = number.isascii() and number.isdigit() and len(number) < LONGEST_NUMBER
        work = release(int(number), address(turn.event), self._now()) if is_number else None
        if work is None or not await self._store.write(work):
            return says(turn, Notice.NO_BROADCAST)
        return says(turn, Notice.BROADCAST_BEGUN)


def _named(who: Identity | Guest) -> str:
    return f"{literal(who.name)} (`{who.address}`)" if who.name else f"`{who.address}`"


def _ago(turn: Turn, passed: timedelta) -> str:
    return phrase(turn, Notice.AGO, long=_long(turn, passed))


def _long(turn: Turn, passed: timedelta) -> str:
    seconds = max(0, int(passed.total_seconds()))
    for unit, which in ((86400, Notice.DAYS), (3600, Notice.HOURS), (60, Notice.MINUTES)):
        if seconds >= 2 * unit:
            return phrase(turn, which, number=str(seconds // unit))
    return phrase(turn, Notice.SECONDS, number=str(seconds))


def _version() -> str:
    try:
        return version("coze-bridge")
    except PackageNotFoundError:
        return "unknown"
