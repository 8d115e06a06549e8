"""The routes of `/admin`, and what every answer of theirs has in common."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import TypeAlias

from aiohttp import web

from bridge.access import Rules
from bridge.config import Settings
from bridge.errors import BridgeError, Misconfigured, Transient
from bridge.health import Health
from bridge.logs import redact
from bridge.pausing import Pausing
from bridge.store import Store
from bridge.store.guests import Standing
from bridge.store.operator_log import ADMIN_PAGE as BY
from bridge.store.operator_log import deeds
from bridge.store.overview import Which, crowd, unanswered
from bridge.upstream import Agent
from bridge.view import people, pulse, talks, variables
from bridge.view.unanswered import Done, Wish, change
from bridge.web.admin import conversations, overview, parts
from bridge.web.admin import deeds as log_page
from bridge.web.admin import people as people_page
from bridge.web.admin import unanswered as unanswered_page
from bridge.web.admin.asked import Asked, as_id, asked, form, link
from bridge.web.admin.door import Door, Session
from bridge.web.admin.refused import Refused
from bridge.web.assets import FENCES, Asset, etag_of, has, load

# Nothing inline runs, nothing is loaded from elsewhere, no other site may frame it, and only the
# page's one policy may turn text into elements: that of the page itself (page/live.js).
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types admin",
    )
)
HEADERS = {
    **FENCES,
    "Content-Security-Policy": _POLICY,
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
_PUBLIC = {"style.css", "icon.svg"}  # what the entrance needs; they say nothing

Reader: TypeAlias = Callable[[web.Request, Session], Awaitable[str]]
Writer: TypeAlias = Callable[[Asked, Session], Awaitable[str]]
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Office:
    """What the page is about."""

    store: Store
    settings: Settings
    agents: Mapping[str, Agent]
    health: Health
    rules: Rules
    now: Callable[[], datetime]


def pages(office: Office) -> list["Admin"]:
    """The page, where there is a token for it; without one there is none."""
    token = office.settings.server.admin_token.get_secret_value()
    return [Admin(office, token)] if token else []


class Admin:
    """Lets operators see and change what they may. monotonic: in seconds, for who guesses."""

    def __init__(
        self, office: Office, token: str, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._office = office
        self._store = office.store
        url = office.settings.server.public_url
        self._door = Door(office.store, token, url, now=office.now, monotonic=monotonic)
        self._files = load("bridge.web.admin", HEADERS)

    def routes(self) -> list[web.RouteDef]:
        """Everything but the entrance needs a session, and every POST a form of that session."""
        reads: dict[str, Reader] = {
            "": self._overview,
            "/conversations": self._conversations,
            "/conversations/one": self._conversation,
            "/unanswered": self._unanswered,
            "/people": self._people,
            "/people/one": self._person,
            "/log": self._log,
        }
        writes: dict[str, Writer] = {
            "/pause": self._pause,
            "/conversations/reset": self._reset,
            "/unanswered": self._change,
            "/people": self._decide,
            "/people/variable": self._set,
        }
        return [
            web.get("/admin/", _safe(self._home)),
            web.get("/admin/login", _safe(self._entrance)),
            web.post("/admin/login", _safe(self._enter)),
            web.post("/admin/logout", _safe(self._leave)),
            web.get("/admin/page/{name}", _safe(self._file)),
            *(web.get(f"/admin{path}", _safe(self._reading(it))) for path, it in reads.items()),
            *(web.post(f"/admin{path}", _safe(self._writing(it))) for path, it in writes.items()),
            web.get("/admin/{nowhere:.*}", _safe(self._nowhere)),
        ]

    # In and out

    async def _home(self, _: web.Request) -> web.StreamResponse:
        return _to("/admin")

    async def _entrance(self, request: web.Request) -> web.StreamResponse:
        if await self._door.session(request):
            return _to("/admin")
        return _html(parts.entrance())

    async def _enter(self, request: web.Request) -> web.StreamResponse:
        self._door.refuse_other_sites(request)
        given = await form(request)
        response = _to("/admin")
        try:
            await self._door.enter(request, given.get("token"), response)
        except Refused as refused:
            return _html(parts.entrance(refused.message), refused.status, refused.retry_after)
        return response

    async def _leave(self, request: web.Request) -> web.StreamResponse:
        session, _ = await self._writer(request)
        response = _to("/admin/login")
        await self._door.leave(request, session, response)
        return response

    async def _file(self, request: web.Request) -> web.StreamResponse:
        its = request.match_info["name"]
        if its not in _PUBLIC and await self._door.session(request) is None:
            raise Refused(401, "Sign in first.")
        found: Asset | None = self._files.get(its)
        if found is None:
            raise Refused(404, "There is no such file.")
        return found.response(request)

    async def _nowhere(self, request: web.Request) -> web.StreamResponse:
        """Tell operators only what there is not: nobody else learns which pages there are."""
        if await self._door.session(request) is None:
            return _to("/admin/login")
        return _html(parts.sorry("There is no such page.", "Not found"), 404)

    def _reading(self, handler: Reader) -> Handler:
        async def read(request: web.Request) -> web.StreamResponse:
            session = await self._door.session(request)
            if session is None:
                if "X-Live" in request.headers:
                    raise Refused(401, "Sign in first.")
                return _to("/admin/login")
            return _fresh(request, await handler(request, session))

        return read

    def _writing(self, handler: Writer) -> Handler:
        async def write(request: web.Request) -> web.StreamResponse:
            session, given = await self._writer(request)
            return _to(await handler(given, session))

        return write

    async def _writer(self, request: web.Request) -> tuple[Session, Asked]:
        """Raise `Refused` unless a page of a session has sent this."""
        self._door.refuse_other_sites(request)
        session = await self._door.session(request)
        if session is None:
            raise Refused(401, "Sign in first.")
        given = await form(request)
        self._door.refuse_forgeries(session, given.get("csrf"))
        return session, given

    # What is seen

    async def _overview(self, request: web.Request, session: Session) -> str:
        span = asked(request).get("span")
        span = span if span in overview.SPANS else overview.USUAL
        found = await pulse.pulse(self._store, self._office.now(), overview.SPANS[span])
        troubles = self._office.health.standing()
        health = {part: redact(troubles.get(part, "")) for part in self._parts(troubles)}
        return self._page(
            "Overview", "", session, *overview.drawn(found, health, span, session.csrf)
        )

    def _parts(self, troubles: Mapping[str, str]) -> list[str]:
        return list(dict.fromkeys([*self._office.health.parts, *troubles]))

    async def _conversations(self, request: web.Request, session: Session) -> str:
        given = asked(request)
        fields = (given.get("platform"), given.get("agent"), given.get("search"))
        which = Which(*fields, conversations.PAGE)
        piece = await talks.browse(self._store, which, given.place())
        tables = self._office.settings.adapters
        platforms = sorted({it.platform or name for name, it in tables.items()})
        agents = sorted(self._office.settings.agents)
        drawn = conversations.listed(piece, which, platforms, agents)
        return self._page("Conversations", "/conversations", session, *drawn)

    async def _conversation(self, request: web.Request, session: Session) -> str:
        given = asked(request)
        shown = await talks.show(self._store, given.get("lane"), turns=conversations.TURNS)
        drawn = [*_told(given), *conversations.one(shown, session.csrf)]
        title = conversations.title(shown)
        return self._page(title, "/conversations", session, *drawn)

    async def _unanswered(self, request: web.Request, session: Session) -> str:
        given = asked(request)
        before = given.number("before")
        size = unanswered_page.PAGE
        job = unanswered(size) if before is None else unanswered(size, before)
        found = await self._store.read(job)
        _, total = await self._store.read(crowd())
        drawn = [*_told(given), *unanswered_page.listed(found, total, session.csrf)]
        return self._page("Unanswered", "/unanswered", session, *drawn)

    async def _people(self, request: web.Request, session: Session) -> str:
        given, csrf = asked(request), session.csrf
        said, place = given.get("search"), given.place()
        accounts, size = list(self._office.settings.adapters), people_page.PAGE
        piece = await people.browse(self._store, said, place, accounts=accounts, limit=size)
        rules, now = self._office.rules, self._office.now()
        judged = await people.judged(self._store, piece.found, rules.access, now)
        drawn = people_page.listed(judged, piece, said, csrf, closed=rules.is_closed)
        before = people_page.strangers(await people.strangers(self._store), csrf)
        address = people_page.by_address(csrf)
        return self._page("People", "/people", session, *_told(given), before, *drawn, address)

    async def _person(self, request: web.Request, session: Session) -> str:
        given, rules = asked(request), self._office.rules
        now = self._office.now()
        found = await people.known(self._store, given.get("uid"), rules.access, now)
        # The script exchanges the lists only: Coze is not asked again every few seconds.
        known_to = {} if "X-Live" in request.headers else self._known_to(found)
        sheets = [
            await variables.look(self._store, self._office.agents[name].of(found.uid), whose)
            for name, whose in known_to.items()
        ]
        drawn = people_page.one(found, sheets, session.csrf, closed=rules.is_closed)
        return self._page(people_page.title(found), "/people", session, *_told(given), *drawn)

    def _known_to(self, found: people.Known) -> dict[str, variables.Whose]:
        """The agents of the accounts on which somebody is known, as far as they are configured."""
        tables, agents = self._office.settings.adapters, self._office.settings.agents
        accounts = [it.identity.account for it in found.faces if it.identity.account in tables]
        names = dict.fromkeys(tables[account].agent for account in accounts)
        return {it: variables.Whose(found.uid, it, agents[it].variables) for it in names}

    async def _log(self, request: web.Request, session: Session) -> str:
        before = asked(request).number("before")
        found = await self._store.read(deeds(log_page.PAGE, before=before))
        return self._page("Log", "/log", session, *log_page.listed(found))

    @staticmethod
    def _page(title: str, here: str, session: Session, *content: str) -> str:
        return parts.page(title, here, session.csrf, *content)

    # What is done

    async def _pause(self, given: Asked, _: Session) -> str:
        pausing = Pausing(self._store, now=self._office.now)
        match given.get("wish"):
            case "pause":
                await pausing.begin(BY)
            case "resume":
                await pausing.end(BY)
            case _:
                raise Refused(400, "Say whether to pause or to resume.")
        return link("")

    async def _reset(self, given: Asked, _: Session) -> str:
        lane = given.get("lane")
        await talks.reset(self._store, lane, by=BY, now=self._office.now())
        return link("/conversations/one", lane=lane, done="reset")

    async def _change(self, given: Asked, _: Session) -> str:
        if (said := given.get("wish")) not in set(Wish):
            raise Refused(400, "Say what is to become of them.")
        ids = [number for each in given.all("id") if (number := as_id(each)) is not None]
        if not ids:
            raise Refused(400, "Tick at least one of them.")
        wish, now = Wish(said), self._office.now()
        done = await change(self._store, ids, wish, by=BY, now=now)
        if done.left:
            raise Refused(409, _left(done, wish))
        return link("/unanswered", done=wish, n=len(done.changed))

    async def _decide(self, given: Asked, _: Session) -> str:
        if (said := given.get("standing")) not in set(Standing):
            raise Refused(400, "Say whether they may talk.")
        address, name = given.get("address"), given.get("name")
        now = self._office.now()
        await people.say(self._store, address, name, Standing(said), by=BY, now=now)
        return link("/people", done=said)

    async def _set(self, given: Asked, _: Session) -> str:
        uid, agent, keyword = given.get("uid"), given.get("agent"), given.get("keyword")
        access, now = self._office.rules.access, self._office.now()
        found = await people.known(self._store, uid, access, now)
        whose = self._known_to(found).get(agent)
        if whose is None or not keyword:
            raise Refused(400, "Say which variable of which agent.")
        its = self._office.agents[agent].of(uid)
        deed = variables.deed(whose, keyword, BY, now)
        await variables.put(self._store, its, whose, keyword, given.get("value"), deed)
        return link("/people/one", uid=uid, done="set")


_DONE = {
    "reset": "The next question begins a new conversation.",
    Wish.REQUEUE: "{n} asked again; a running bridge begins within seconds.",
    Wish.DROP: "{n} dropped.",
    Standing.ADMITTED: "They may talk from now on.",
    Standing.BLOCKED: "They may not talk any more; all replicas know within seconds.",
    Standing.UNKNOWN: "Taken back: the settings alone decide.",
    "set": "The variable is set.",
}


def _told(given: Asked) -> list[str]:
    """Say what was done: one of our own sentences, whatever stands in the address."""
    sentence = _DONE.get(given.get("done"), "")
    return [parts.told(sentence.format(n=given.number("n") or 0))] if sentence else []


def _left(done: Done, wish: Wish) -> str:
    left = "; ".join(f"{number:05d} {why}" for number, why in done.left[:10])
    return f"{len(done.changed)} {unanswered_page.DEED[wish]}. Left alone: {left}"


def _safe(handler: Handler) -> Handler:
    """Tell of what went wrong. A bug is left to aiohttp, which logs it and shows nothing."""

    @wraps(handler)
    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refused as refused:
            return _sorry(refused.message, refused.status, refused.retry_after)
        except Misconfigured as error:
            return _sorry("; ".join(error.problems), 400)
        except Transient as error:
            return _sorry(redact(str(error)), 503, error.retry_after or 1.0)
        except BridgeError as error:
            return _sorry(redact(str(error)), 409)

    return answered


def _sorry(message: str, status: int, retry_after: float | None = None) -> web.Response:
    return _html(parts.sorry(message), status, retry_after)


def _html(text: str, status: int = 200, retry_after: float | None = None) -> web.Response:
    body = text.encode(errors="replace")
    headers = {**HEADERS, "Content-Type": "text/html; charset=utf-8"}
    if retry_after is not None:
        headers["Retry-After"] = str(max(1, round(retry_after)))
    return web.Response(body=body, status=status, headers=headers)


def _fresh(request: web.Request, text: str) -> web.Response:
    """A page, or 304 for the script that has the very same."""
    etag = etag_of(text.encode(errors="replace"))
    if has(request, etag):
        return web.Response(status=304, headers={**HEADERS, "ETag": f'"{etag}"'})
    response = _html(text)
    response.headers["ETag"] = f'"{etag}"'
    return response


def _to(place: str) -> web.Response:
    return web.Response(status=303, headers={**HEADERS, "Location": place})
