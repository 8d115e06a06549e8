"""A service identity at Coze (OAuth JWT): signed assertions become short-lived tokens.

An assertion (RS256; `kid` the key's fingerprint, `aud` the API's host) works once. The reply
has no envelope, and its `expires_in` is a point in time, not a duration. There is no refresh
token: one signs again. (coze.cn, developer_guides/oauth_jwt, Dec 2025)
"""

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from bridge.clean import clean
from bridge.coze.arriving import body_of
from bridge.coze.auth import Credentials
from bridge.coze.codes import error_for
from bridge.coze.envelope import Reply, logid_of
from bridge.coze.faults import calling
from bridge.coze.tokens import Token, Tokens
from bridge.coze.transport import ClientSettings, address, pool
from bridge.coze.wire import Json, child, number, parse, reason, word
from bridge.errors import BridgeError, Misconfigured, Unauthorised, Unreachable

TOKEN_PATH = "/api/permission/oauth2/token"  # noqa: S105 - a path
LIFETIME = 3600
"""Seconds for which tokens are asked; Coze gives 900 by default and 86399 at most."""

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LONGEST = 86400  # seconds a token may live
_ASSERTION_LIFE = 300  # seconds in which an assertion may be exchanged, once
_CONNECTIONS = 50  # to the token endpoint; 500 people at once take turns
_LARGEST_REPLY = 64 * 1024  # bytes
_FEWEST_BITS = 2048  # https://www.rfc-editor.org/rfc/rfc7518#section-3.3


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """An OAuth app of the type JWT and its key.

    client_id: the app's id. key_id: the fingerprint that Coze shows for the public key.
    """

    client_id: str
    key_id: str
    key: RSAKey = field(repr=False)

    @classmethod
    def read(cls, client_id: str, key_id: str, pem: str) -> Self:
        """Take a private key in PEM. Raises `Misconfigured`, which never repeats the key."""
        # An environment variable holds a file of lines as one line, with \n spelt out.
        text = pem.replace("\\n", "\n").strip()
        try:
            key = RSAKey.import_key(text)
        except (ValueError, TypeError, JoseError) as error:
            raise _bad_key("is no RSA key in PEM, or has a password; download it anew") from error
        if not key.is_private:
            raise _bad_key("is the public key; the private one is needed")
        if key.raw_value.key_size < _FEWEST_BITS:
            raise _bad_key(f"is too short; RS256 needs {_FEWEST_BITS} bits")
        return cls(client_id, key_id, key)

    def assertion(self, audience: str, now: float, session: str = "") -> str:
        """Sign who we are, for one use within minutes.

        session: names one person, who is an identity of their own at Coze.
        """
        claims: dict[str, object] = {
            "iss": self.client_id,
            "aud": audience,
            "iat": int(now),
            "exp": int(now) + _ASSERTION_LIFE,
            "jti": uuid.uuid4().hex,
        }
        if session:
            claims["session_name"] = session
        header = {"alg": "RS256", "typ": "JWT", "kid": self.key_id}
        return jwt.encode(header, claims, self.key)


def _bad_key(what: str) -> Misconfigured:
    return Misconfigured([f"coze.oauth.private_key: {what}"])


class OAuth:
    """Credentials that get their tokens with signed assertions. Close them.

    per_user: a token, and with it conversations and variables, for each person apart.
    Tokens are asked for when they are needed, and replaced a minute before they expire.
    """

    def __init__(
        self,
        base_url: str,
        key: ServiceKey,
        settings: ClientSettings | None = None,
        *,
        per_user: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open nothing yet. Raises `Misconfigured` for a base_url that is no http address."""
        url = address(base_url)
        self._settings = settings or ClientSettings()
        self._key = key
        self._audience = url.netloc.decode("ascii")
        self._per_user = per_user
        self._clock = clock
        self._http = pool(url, self._settings, _CONNECTIONS)
        self._tokens = Tokens(self._exchange, clock=clock)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def token(self) -> str:
        return await self._tokens.get("")

    async def refused(self, token: str) -> bool:
        return self._tokens.drop("", token)

    def of(self, uid: str) -> Credentials:
        return _Person(self, self._tokens, uid) if self._per_user else self

    def __repr__(self) -> str:
        return f"OAuth({self._key.client_id}, per_user={self._per_user})"

    async def _exchange(self, session: str) -> Token:
        """Turn one assertion into one token. Whatever fails, no question was asked yet."""
        now = self._clock()
        request = self._http.build_request(
            "POST",
            TOKEN_PATH,
            json={"grant_type": _GRANT, "duration_seconds": LIFETIME},
            headers={
                "authorization": f"Bearer {self._key.assertion(self._audience, now, session)}",
                "accept": "application/json",
            },
        )
        try:
            with calling():
                reply = await self._send(request)
        except Unreachable as error:
            raise Unreachable(f"no token from Coze: {error.message}") from error.__cause__
        return granted(reply, self._clock())

    async def _send(self, request: httpx.Request) -> Reply:
        async with asyncio.timeout(self._settings.call_timeout):
            response = await self._http.send(request, stream=True)
            try:
                body = await body_of(response.aiter_bytes(), _LARGEST_REPLY)
            finally:
                await response.aclose()
        return Reply(response.status_code, response.headers, body)


@dataclass(frozen=True, slots=True)
class _Person(Credentials):
    """One person's part of an `OAuth`."""

    service: OAuth
    tokens: Tokens
    uid: str

    async def token(self) -> str:
        return await self.tokens.get(self.uid)

    async def refused(self, token: str) -> bool:
        return self.tokens.drop(self.uid, token)

    def of(self, uid: str) -> Credentials:
        return self.service.of(uid)


def granted(reply: Reply, now: float) -> Token:
    """Read the token out of a reply. Raises `Unauthorised`, `RateLimited`, `Unreachable`."""
    value = parse(reply.body)
    source = child(value, "data") or value
    text, expires_at = word(source, "access_token"), number(source, "expires_in")
    if reply.status >= 400 or not text:
        raise _refusal(reply, value)
    return Token(text, now + _left(expires_at, now))


def _left(expires_at: int | None, now: float) -> float:
    """Tell how many seconds a token lives.

    Coze tells a point in time; a small number can only be a duration. An end that cannot be,
    seen from here, says that one of the clocks is wrong: then it lives as long as was asked.
    """
    told = expires_at or 0
    if 0 < told <= _LONGEST:
        return told
    left = told - now
    return left if 0 < left <= LIFETIME + 60 else float(LIFETIME)


def _refusal(reply: Reply, value: Json) -> BridgeError:
    code = word(value, "error_code") or word(value, "error") or word(value, "code")
    told = clean(word(value, "error_message") or reason(value))[:500]
    logid = logid_of(reply.headers)
    if reply.status >= 500 or reply.status == 429:
        return error_for(None, told, logid, http_status=reply.status)
    if reply.status < 400 or code == "internal_error":
        return Unreachable(f"no token from Coze: {told or 'an answer without one'}", logid=logid)
    return Unauthorised(
        f"Coze gives the OAuth app no token: {told or f'HTTP {reply.status}'}; compare client_id,"
        " public_key_id and the key with the app's page at Coze, and this machine's clock",
        code=code or reply.status,
        logid=logid,
    )
