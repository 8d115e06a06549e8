"""Who may come in, whom settings or an admin decide; and what becomes of a stranger's message.

A stranger gets one polite sentence, or with `access.pairing` a code that an admin approves. So
few of them, and so seldom, that nobody can make the bot write to people: what they said is not
stored, and where they may not have spoken to the bot at all they get none.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bridge.access import Rules
from bridge.events import ChatKind, Inbound
from bridge.linking import code_in, draw_code, is_between_us, shown
from bridge.notices import Notice
from bridge.phrases import say
from bridge.store import Job, Store
from bridge.store.guests import CODE_LIFE, Guest, Standing, approve, blocked, guest_of, knock
from bridge.text.reply import Reply

LOOK_EVERY = timedelta(seconds=5)  # until another replica's block is known here

_HOURS = str(int(CODE_LIFE.total_seconds() // 3600))


class Guests:
    """Raises `Unreachable` (database)."""

    def __init__(
        self,
        store: Store,
        rules: Rules,
        *,
        now: Callable[[], datetime],
        draw: Callable[[], str] = draw_code,
    ) -> None:
        self._store = store
        self._rules = rules
        self._now = now
        self._draw = draw
        self._blocked: frozenset[tuple[str, str]] = frozenset()
        self._looked_at: datetime | None = None

    async def may_talk(self, event: Inbound) -> bool:
        """Tell whether a message may be taken in."""
        if self._rules.is_denied(event):
            return False
        if self._rules.is_admin(event):
            return True
        who = (event.chat.platform, event.user.id)
        if who in await self._shut_out():
            return False
        if not self._rules.is_closed or self._rules.is_named(event):
            return True
        guest = await self._store.read(guest_of(*who))
        return guest is not None and guest.standing is Standing.ADMITTED

    def is_admins_word(self, event: Inbound) -> bool:
        """Tell whether it is for the bridge itself, from somebody who may say so."""
        return self._rules.is_admins_word(event)

    def knock(self, event: Inbound) -> Job[bool] | None:
        """What decides whether somebody who may not talk gets an answer; None if they do not."""
        if self._rules.is_denied(event) or not _has_spoken_to_us(event):
            return None
        who = (event.chat.platform, event.user.id, event.user.name)
        guest = Guest(*who, Standing.UNKNOWN, self._now())
        return knock(guest, self._now(), self._draw if self._gives_code(event) else None)

    async def greet(self, event: Inbound) -> Reply:
        """Answer somebody who is not known, as they were promised."""
        guest = await self._store.read(guest_of(event.chat.platform, event.user.id))
        if guest is None or guest.standing is not Standing.UNKNOWN:
            return Reply.silence()  # an admin was quicker
        language = event.user.language
        if not self._rules.access.pairing:
            return Reply.saying(say(Notice.STRANGER, language))
        if not self._gives_code(event):
            return Reply.saying(say(Notice.PAIRING_IN_PRIVATE, language))
        return Reply.saying(say(Notice.PAIRING, language, code=shown(guest.code), hours=_HOURS))

    async def approve(self, said: str, by: str) -> Guest | None:
        """Let in who was given this code; None if nobody was, or it has expired."""
        code = code_in(said)
        return await self._store.write(approve(code, by, self._now())) if code else None

    def _gives_code(self, event: Inbound) -> bool:
        return self._rules.access.pairing and is_between_us(event)

    async def _shut_out(self) -> frozenset[tuple[str, str]]:
        """A few people at most, so they are kept in mind: every message asks for them."""
        now = self._now()
        if self._looked_at is None or abs(now - self._looked_at) >= LOOK_EVERY:
            self._blocked = await self._store.read(blocked())
            self._looked_at = now
        return self._blocked


def without_words(event: Inbound) -> Inbound:
    """Keep of a stranger's message who sent it, and where."""
    said = replace(event, text="", title="", album="", about="")
    return replace(said, attachments=(), place=None, pressed=False)


def _has_spoken_to_us(event: Inbound) -> bool:
    """In a group only who mentioned the bot is heard at all; in a thread, anybody may talk."""
    if event.chat.kind is ChatKind.THREAD or event.overheard:
        return False
    return not (event.pressed or event.edits or event.about)
