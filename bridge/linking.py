"""`/link` and `/unlink`: one person on several platforms, joined by a one-time code.

The code says that whoever sends it may read the chat in which it was given. So it is given, and
taken, only where nobody else reads along.
"""

import secrets
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime

from bridge.events import ChatKind, Inbound
from bridge.logs import get
from bridge.phrases import Phrase, say
from bridge.store import Store
from bridge.store.links import (
    CODE_LIFE,
    Parted,
    Redeemed,
    offer,
    part,
    redeem,
    spoil,
)

log = get(__name__)

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
CODE_LENGTH = 8
"""Letters that are not taken for others or for digits, and that make no words (RFC 8628, 6.1).

How hard a code is to guess: `bridge.store.links.MOST_WRONG`.
"""

_MINUTES = str(int(CODE_LIFE.total_seconds() // 60))

_REDEEMED: Mapping[Redeemed, Phrase] = {
    Redeemed.JOINED: Phrase.LINKED,
    Redeemed.ALREADY: Phrase.LINKED_ALREADY,
    Redeemed.ONESELF: Phrase.LINK_ONESELF,
    Redeemed.EXPIRED: Phrase.LINK_EXPIRED,
    Redeemed.USED: Phrase.LINK_USED,
    Redeemed.UNKNOWN: Phrase.LINK_UNKNOWN,
    Redeemed.TOO_OFTEN: Phrase.LINK_TOO_OFTEN,
}
_PARTED: Mapping[Parted, Phrase] = {
    Parted.ALONE: Phrase.NOT_LINKED,
    Parted.LEFT: Phrase.UNLINKED,
    Parted.DISSOLVED: Phrase.UNLINKED_ALL,
}


class Linking:
    """Answers in the user's language. Raises `Unreachable` (database).

    draw: makes codes, as letters.
    """

    def __init__(
        self,
        store: Store,
        *,
        now: Callable[[], datetime],
        draw: Callable[[], str] | None = None,
    ) -> None:
        self._store = store
        self._now = now
        self._draw = draw or draw_code

    async def link(self, event: Inbound, uid: str, said: str) -> str:
        """Give a code, or with one, join. uid: the identity's own; said: what followed /link."""
        language, code = event.user.language, code_in(said)
        if not is_between_us(event):
            if code is not None:
                await self._store.write(spoil(code, self._now()))
            return say(Phrase.LINK_IN_PRIVATE, language)
        if not said:
            return say(Phrase.LINK_CODE, language, code=await self._offer(uid), minutes=_MINUTES)
        if code is None:  # no guess either: nobody can hit anything with it
            return say(Phrase.LINK_UNKNOWN, language)
        redeemed = await self._store.write(redeem(code, uid, self._now()))
        log.info("link", result=redeemed, uid=uid)
        return say(_REDEEMED[redeemed], language)

    async def unlink(self, event: Inbound, uid: str) -> str:
        """Give the identity its own uid back, or those who go by it theirs."""
        if not is_between_us(event):
            return say(Phrase.LINK_IN_PRIVATE, event.user.language)
        parted = await self._store.write(part(uid, self._now()))
        log.info("unlink", result=parted, uid=uid)
        return say(_PARTED[parted], event.user.language)

    async def _offer(self, uid: str) -> str:
        """Make a code that is nobody's yet, and return it as it is shown: `BCDF-GHJK`."""
        code = self._draw()
        while not await self._store.write(offer(code, uid, self._now())):
            code = self._draw()
        return shown(code)


def is_between_us(event: Inbound) -> bool:
    """Tell whether nobody but the sender reads what is said here."""
    return event.chat.kind is ChatKind.PRIVATE and not event.overheard


def code_in(said: str) -> str | None:
    """Read a code as people type it: in small or full-width letters, with any punctuation."""
    wide = unicodedata.normalize("NFKC", said[:64]).upper()
    letters = "".join(letter for letter in wide if letter.isalnum())
    if len(letters) != CODE_LENGTH or not set(letters) <= set(ALPHABET):
        return None
    return letters


def shown(code: str) -> str:
    """Write a code as it is read best: `BCDF-GHJK`."""
    return f"{code[: CODE_LENGTH // 2]}-{code[CODE_LENGTH // 2 :]}"


def draw_code() -> str:
    """Make a code, as letters."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
