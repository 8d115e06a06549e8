"""Access tokens that expire: kept until they are nearly over, asked for once at a time."""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bridge.errors import BridgeError, Transient

MARGIN = 60.0
"""Seconds before its end at which a token is replaced; a quarter of its life if that is less."""

AGAIN = 5.0
"""Seconds until a token that could not be replaced in time is tried to be replaced again."""

AT_MOST_EVERY = 60.0
"""Seconds between two replacements of tokens that were refused before their time: where a
permission is missing the next token will be refused as well, and each call asks for another."""

MOST = 10_000
"""Tokens kept; the one unused for longest goes first, and is asked for again when it is needed."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it was given out. `expires_at`: seconds since 1970, by our own clock."""

    text: str
    expires_at: float


@dataclass(slots=True)
class _Place:
    """The token of one person, or none yet.

    flights: requests that came to an end. dropped_at: when a token was refused last.
    """

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: Token | None = None
    renew_at: float = 0.0
    flights: int = 0
    dropped_at: float = -math.inf
    failure: BridgeError | None = None


class Tokens:
    """One token for each name. `fetch` gets a new one, and raises `BridgeError`.

    However many callers need the same token at once, one of them asks for it; what that one
    hears, good or bad, is the answer to all who waited.
    """

    def __init__(
        self,
        fetch: Callable[[str], Awaitable[Token]],
        *,
        clock: Callable[[], float],
        most: int = MOST,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._most = most
        self._places: OrderedDict[str, _Place] = OrderedDict()

    async def get(self, name: str) -> str:
        """Return a token that is good for the next moments. Raises what `fetch` raises."""
        place = self._place(name)
        seen = place.flights
        if self._is_fresh(place):
            return self._text(place)
        async with place.lock:
            if place.flights == seen or (place.token is None and place.failure is None):
                await self._fly(name, place)
            if place.failure is not None:
                raise place.failure.with_traceback(None)
            return self._text(place)

    def drop(self, name: str, token: str) -> bool:
        """Forget a token that was refused; False if another one is not worth a try so soon."""
        place = self._places.get(name)
        if place is None or place.token is None or place.token.text != token:
            return True  # it has been replaced already, or is about to be
        now = self._clock()
        if now - place.dropped_at < AT_MOST_EVERY:
            return False
        place.token, place.dropped_at = None, now
        return True

    async def _fly(self, name: str, place: _Place) -> None:
        """Ask once. Somebody who is cancelled here leaves the asking to the next in line."""
        place.failure = None
        try:
            place.token = await self._fetch(name)
            left = place.token.expires_at - self._clock()
            place.renew_at = place.token.expires_at - min(MARGIN, left / 4)
        except BridgeError as error:
            place.failure = self._survive(error, place)
        place.flights += 1

    def _survive(self, error: BridgeError, place: _Place) -> BridgeError | None:
        """Go on with a token in its last minute: nobody needs to notice that trouble."""
        if place.token is None or not isinstance(error, Transient):
            return error
        now = self._clock()
        if now >= place.token.expires_at:
            return error
        place.renew_at = min(now + AGAIN, place.token.expires_at)
        return None

    def _place(self, name: str) -> _Place:
        place = self._places.setdefault(name, _Place())
        self._places.move_to_end(name)
        if len(self._places) > self._most:
            self._make_room(place)
        return place

    def _make_room(self, keep: _Place) -> None:
        """Forget the oldest token that nobody is waiting for."""
        for name, place in self._places.items():
            if place is not keep and not place.lock.locked():
                del self._places[name]
                return

    def _is_fresh(self, place: _Place) -> bool:
        return place.token is not None and self._clock() < place.renew_at

    @staticmethod
    def _text(place: _Place) -> str:
        assert place.token is not None  # noqa: S101  fresh, or just given out without a failure
        return place.token.text
