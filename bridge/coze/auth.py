"""Who we are to Coze."""

from typing import Protocol, Self

from bridge.errors import Misconfigured


class Credentials(Protocol):
    """Where the bearer token of each call comes from."""

    async def token(self) -> str:
        """Return a token that should be good for the next minute. Raises `Unauthorised`."""

    async def refused(self, token: str) -> bool:
        """Hear that Coze refused `token`.

        True: `token()` now gives another one, so the call is worth one repetition; False: it
        would not help. May be called by many calls at once with the same token. Raises like
        `token`.
        """

    def of(self, uid: str) -> "Credentials":
        """Return the credentials for what is done on behalf of one person.

        The same ones where everybody shares an identity at Coze. Cheap: ask for each call.
        """


class Pat:
    """A personal or service access token: it is what it is, until the operator changes it."""

    def __init__(self, token: str) -> None:
        """Raise `Misconfigured` for what cannot stand in an HTTP header."""
        self._token = token.strip()
        if not self._token or not self._token.isascii() or not self._token.isprintable():
            raise Misconfigured(["coze.token: must be one line of printable ASCII, such as pat_…"])

    async def token(self) -> str:
        return self._token

    async def refused(self, token: str) -> bool:
        return False

    def of(self, uid: str) -> Self:
        return self

    def __repr__(self) -> str:
        return "Pat(…)"
