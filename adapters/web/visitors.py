"""Who is at the door: tokens, cookies, and what keeps other sites out.

A visitor is 128 random bits that only their browser knows (an HttpOnly, SameSite=Strict cookie).
The chat's id is a hash of it, so what is stored, logged or shown gives no access. The cookie is
signed with the token: a new token shuts the old cookies out, and the right token lets their
owners back into their chats.
"""

import hashlib
import hmac
import ipaddress
import re
import secrets
from dataclasses import dataclass

from aiohttp import web

from adapters.web.faults import Refused, bad_request
from bridge.web.origin import Outside, port_of

_VISITOR_ID = re.compile(r"[A-Za-z0-9_-]{16,128}")
JSON = "application/json"
_COOKIE_AGE = 400 * 86400  # seconds; browsers cut longer lives down to this


@dataclass(frozen=True, slots=True)
class Visitor:
    """One browser, or one API client. `id` is a secret; `chat` is not."""

    id: str
    chat: str


class Door:
    """Lets visitors of one account in.

    token: what a new visitor shows; None where everybody may enter.
    public_url: where the page is reached from outside; empty if nobody said.
    """

    def __init__(self, account: str, token: str | None, public_url: str = "") -> None:
        self._account = account
        self._token = token
        self._outside = Outside.of(public_url)

    def identify(self, request: web.Request) -> Visitor:
        """Tell who asks. Raises `Refused` (401) for a stranger."""
        if "X-Visitor" in request.headers:
            return self._api_client(request)
        visitor = self._from_cookie(request)
        if visitor is None:
            raise Refused(401, "unauthorised", "Please sign in again.")
        return visitor

    def admit(self, request: web.Request, token: str) -> Visitor:
        """Let a known visitor pass, or a new one who shows the token. Raises `Refused` (401)."""
        if "X-Visitor" in request.headers:
            return self._api_client(request)
        known = self._from_cookie(request)
        if known is not None:
            return known
        if not self._opens(token):
            code = "wrong_token" if token else "token_needed"
            raise Refused(401, code, "This chat needs its access token.")
        return self._visitor(self._returning(request) or secrets.token_urlsafe(16))

    def remember(self, request: web.Request, response: web.Response, visitor: Visitor) -> None:
        """Give the visitor's cookie to a browser; an API client has none."""
        if "X-Visitor" in request.headers:
            return
        response.set_cookie(
            self._cookie_name(request),
            f"{visitor.id}.{self._signature(visitor.id)}",
            max_age=_COOKIE_AGE,
            path="/",
            secure=self._outside.came_by_https(request),
            httponly=True,
            samesite="Strict",
        )

    def refuse_other_sites(self, request: web.Request, content_type: str = JSON) -> None:
        """Raise `Refused` unless the page itself, or no browser at all, sent this POST.

        content_type: the only one taken. JSON and plain bytes, as well as `X-Visitor`, already
        force a preflight that is never answered. This also stops a browser too old for SameSite,
        and forms.
        """
        if (
            request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            != content_type
        ):
            raise Refused(415, "wrong_type", f"Send {content_type}.")
        if not self._outside.is_own(request):
            raise Refused(403, "other_site", "Another site may not write here.")

    def refuse_strange_names(self, request: web.Request) -> None:
        """Raise `Refused` (403) where an open page is reached under somebody else's name.

        A site can point its own name at 127.0.0.1 (DNS rebinding) and would be "same origin".
        """
        if self._token is None and not self._is_ours(request.host):
            hint = "Set server.public_url to reach an open page under this name."
            raise Refused(403, "strange_host", hint)

    def _is_ours(self, host: str) -> bool:
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
        name = name.strip("[]")
        if host == self._outside.host or name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _opens(self, token: str) -> bool:
        if self._token is None:
            return True
        # aiohttp keeps a header's undecodable bytes as lone surrogates
        shown = token.encode(errors="surrogateescape")
        return hmac.compare_digest(shown, self._token.encode())

    def _api_client(self, request: web.Request) -> Visitor:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if self._token is not None and not (scheme.lower() == "bearer" and self._opens(token)):
            raise Refused(401, "wrong_token", "Authorization must be Bearer and the token.")
        visitor_id = request.headers["X-Visitor"]
        if not _VISITOR_ID.fullmatch(visitor_id):
            raise bad_request("X-Visitor must be 16 to 128 letters, digits, - or _.")
        return self._visitor(visitor_id)

    def _from_cookie(self, request: web.Request) -> Visitor | None:
        visitor_id = self._returning(request)
        if visitor_id is None:
            return None
        _, _, signature = self._cookie(request).partition(".")
        expected = self._signature(visitor_id)
        return self._visitor(visitor_id) if hmac.compare_digest(signature, expected) else None

    def _returning(self, request: web.Request) -> str | None:
        """Return the id in the cookie, signed or not: it is a secret of its own."""
        visitor_id, _, _ = self._cookie(request).partition(".")
        return visitor_id if _VISITOR_ID.fullmatch(visitor_id) else None

    def _cookie(self, request: web.Request) -> str:
        value = request.cookies.get(self._cookie_name(request), "")
        return value if value.isascii() else ""

    def _cookie_name(self, request: web.Request) -> str:
        return f"visitor-{self._account}-{port_of(request)}"

    def _signature(self, visitor_id: str) -> str:
        key = (self._token or "open").encode()
        return hmac.new(key, visitor_id.encode(), hashlib.sha256).hexdigest()

    def _visitor(self, visitor_id: str) -> Visitor:
        return Visitor(visitor_id, chat_of(self._account, visitor_id))


def chat_of(account: str, visitor_id: str) -> str:
    """Name a visitor's chat: 128 bits that say nothing about who may enter it."""
    return hashlib.sha256(f"{account}/{visitor_id}".encode()).hexdigest()[:32]
