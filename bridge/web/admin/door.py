"""Who may see the page: whoever has shown the admin token, in this browser, for half a day.

The browser gets 256 random bits in a cookie; the database has only what a hash with the token as
its key makes of them. So a new token ends all sessions, and a stolen database opens no door. What
a form must bring is another hash of the same bits, which no other site can know.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from bridge.logs import get
from bridge.store import Store
from bridge.store.admin_sessions import begin, end, is_open
from bridge.store.operator_log import ADMIN_PAGE, Deed, note
from bridge.web.admin.refused import Refused
from bridge.web.admin.tries import Tries
from bridge.web.origin import Outside, port_of

log = get(__name__)

LIFE = timedelta(hours=12)

_ID = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Session:
    """digest: names it in the database. csrf: what each of its forms must bring."""

    digest: str
    csrf: str


class Door:
    """Lets operators in and out. Raises `Unreachable` (database)."""

    def __init__(
        self,
        store: Store,
        token: str,
        public_url: str,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._store = store
        self._token = token.encode()
        self._key = hashlib.sha256(b"coze-bridge admin\0" + self._token).digest()
        self._outside = Outside.of(public_url)
        self._now = now
        self._tries = Tries(monotonic)

    async def session(self, request: web.Request) -> Session | None:
        """Tell who asks; None for somebody who is not signed in."""
        its = request.cookies.get(_cookie(request), "")
        if not _ID.fullmatch(its):
            return None
        session = self._session(its)
        return session if await self._store.read(is_open(session.digest, self._now())) else None

    async def enter(self, request: web.Request, token: str, response: web.Response) -> None:
        """Let in who shows the token. Raises `Refused`: 403, or 429 after too many guesses."""
        address = request.remote or ""
        if (wait := self._tries.wait(address)) > 0:
            raise Refused(429, "Too many wrong tokens. Wait a minute.", retry_after=wait)
        if not hmac.compare_digest(token.encode(errors="replace"), self._token):
            self._tries.wrong(address)
            log.warning("admin.wrong_token", address=address)
            raise Refused(403, "This is not the admin token.")
        its, now = secrets.token_urlsafe(32), self._now()
        await self._store.write(begin(self._session(its).digest, now, now + LIFE))
        await self._store.write(note(Deed(now, ADMIN_PAGE, "sign in", address)))
        response.set_cookie(
            _cookie(request),
            its,
            max_age=int(LIFE.total_seconds()),
            path="/admin",
            secure=self._outside.came_by_https(request),
            httponly=True,
            samesite="Strict",
        )

    async def leave(self, request: web.Request, session: Session, response: web.Response) -> None:
        """End a session, here and in the database."""
        await self._store.write(end(session.digest))
        response.del_cookie(_cookie(request), path="/admin")

    def refuse_other_sites(self, request: web.Request) -> None:
        """Raise `Refused` (403) for what another site has sent."""
        if not self._outside.is_own(request):
            raise Refused(403, "Another site may not do this.")

    @staticmethod
    def refuse_forgeries(session: Session, csrf: str) -> None:
        """Raise `Refused` (403) for a form that is not from a page of this session."""
        if not hmac.compare_digest(csrf.encode(errors="replace"), session.csrf.encode()):
            raise Refused(403, "This form is out of date. Go back, reload, and try again.")

    def _session(self, its: str) -> Session:
        return Session(self._hash("session", its), self._hash("form", its))

    def _hash(self, purpose: str, its: str) -> str:
        return hmac.new(self._key, f"{purpose}/{its}".encode(), hashlib.sha256).hexdigest()


def _cookie(request: web.Request) -> str:
    return f"coze-bridge-admin-{port_of(request)}"
