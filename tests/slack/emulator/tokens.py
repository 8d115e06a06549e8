"""Tokens: whom they stand for, what they may do, and how long."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.slack.emulator.errors import Refused, missing_scope

if TYPE_CHECKING:
    from tests.slack.emulator.installs import Installation

LIFE = 12 * 3600.0  # seconds a rotated token is good for
SCOPES = (
    "app_mentions:read,assistant:write,channels:history,channels:read,chat:write,commands,"
    "files:read,files:write,groups:history,groups:read,im:history,im:read,im:write,"
    "mpim:history,mpim:read,reactions:read,reactions:write,team:read,users:read"
)


@dataclass(slots=True, eq=False)
class Token:
    """One token. installation: None for the app's own; ended: the error of a dead one."""

    value: str
    installation: "Installation | None"
    scopes: frozenset[str]
    expires: float | None = None
    ended: str = ""

    @property
    def is_app(self) -> bool:
        return self.value.startswith("xapp-")

    def check_scope(self, *needed: str) -> None:
        """Raises `Refused` unless it has one of these scopes."""
        if needed and self.scopes.isdisjoint(needed):
            raise missing_scope(needed[0], ",".join(sorted(self.scopes)))


class Tokens:
    """Every token there ever was, so that a dead one can be told from one nobody knows."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._all: dict[str, Token] = {}
        self._serial = itertools.count(1)

    def app(self, value: str) -> Token:
        token = Token(value, None, frozenset({"connections:write"}))
        self._all[value] = token
        return token

    def bot(
        self, installation: "Installation", *, value: str = "", scopes: str, rotates: bool
    ) -> Token:
        """Give out a token; one that rotates ends after twelve hours."""
        number = next(self._serial)
        prefix = "xoxe.xoxb-1" if rotates else "xoxb"
        expires = self._clock() + LIFE if rotates else None
        granted = frozenset(filter(None, scopes.split(",")))
        value = value or f"{prefix}-{number:012d}-{number * 7919:013d}-EmulatedBotToken"
        token = Token(value, installation, granted, expires)
        self._all[value] = token
        return token

    def check(self, value: str) -> Token:
        """Raises `Refused` for one that is missing, unknown, ended or too old."""
        if not value:
            raise Refused("not_authed")
        token = self._all.get(value)
        if token is None:
            raise Refused("invalid_auth")
        if token.ended:
            raise Refused(token.ended)
        if token.expires is not None and token.expires <= self._clock():
            raise Refused("token_expired")
        return token
