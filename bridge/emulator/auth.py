"""Who may call: personal tokens, and OAuth JWT apps that exchange a signature for a token."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bridge.emulator.state import Identity

_LONGEST = 86399  # seconds an access token may live
_HOSTS = ("api.coze.cn", "api.coze.com")


class OAuthRefused(Exception):
    """The token endpoint has an error format of its own."""

    def __init__(self, error: str, message: str, status: int = 400) -> None:
        super().__init__(f"{error}: {message}")
        self.error = error
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class OAuthApp:
    """An OAuth application of type JWT.

    client_id: `iss` of its assertions. key_id: their `kid`, the public key's fingerprint.
    public_key: PEM.
    """

    client_id: str
    key_id: str
    public_key: str


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token that was given out. expires_at: seconds since 1970, as Coze tells it."""

    token: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class _Grant:
    identity: Identity
    expires_at: float


class Keyring:
    """Which tokens are valid, and until when."""

    def __init__(
        self,
        token: str,
        apps: Sequence[OAuthApp],
        *,
        clock: Callable[[], float],
        seed: int,
    ) -> None:
        self._personal = {token: Identity("7000000000000000001")}
        self._apps = {app.key_id: app for app in apps}
        self._granted: dict[str, _Grant] = {}
        self._spent: set[str] = set()
        self._clock = clock
        self._dice = random.Random(f"tokens {seed}")

    def add_token(self, token: str, account: str) -> None:
        """Make another personal token valid; each account has its own conversations."""
        self._personal[token] = Identity(account)

    def revoke(self, token: str) -> None:
        """Make a token invalid at once."""
        self._personal.pop(token, None)
        self._granted.pop(token, None)

    def identify(self, authorization: str) -> Identity | None:
        """Say who sends this Authorization header; None for nobody we know."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        if token in self._personal:
            return self._personal[token]
        grant = self._granted.get(token)
        return grant.identity if grant and grant.expires_at > self._clock() else None

    def exchange(self, assertion: str, duration: int, *, host: str) -> AccessToken:
        """Give a token for a signed assertion, which works once.

        duration: seconds, at most 86399. host: what the caller calls us, a valid `aud`.
        Raises `OAuthRefused`.
        """
        claims = self._verified(assertion)
        self._check(claims, host)
        self._spent.add(str(claims["jti"]))
        now = self._clock()
        expires_at = now + max(1, min(duration, _LONGEST))
        token = f"czs_{self._dice.getrandbits(192):048x}"
        identity = Identity(str(claims["iss"]), str(claims.get("session_name") or ""))
        self._granted[token] = _Grant(identity, expires_at)
        return AccessToken(token, int(expires_at))

    def _verified(self, assertion: str) -> Mapping[str, object]:
        # Imported here: only who tests OAuth needs it, the daemon does not.
        try:
            from joserfc import jws, jwt  # noqa: PLC0415 - see above
            from joserfc.errors import JoseError  # noqa: PLC0415 - see above
            from joserfc.jwk import RSAKey  # noqa: PLC0415 - see above
        except ImportError as error:
            message = "the emulator needs the package joserfc to verify assertions"
            raise OAuthRefused("internal_error", message, 500) from error
        try:
            header = jws.extract_compact(assertion.encode()).headers()
            app = self._apps.get(str(header.get("kid", "")))
            if app is None:
                raise OAuthRefused("invalid_client", "unknown public key", 401)
            token = jwt.decode(assertion, RSAKey.import_key(app.public_key), algorithms=["RS256"])
        except (JoseError, ValueError) as error:
            raise OAuthRefused("invalid_request", f"invalid assertion: {error}", 401) from error
        claims: Mapping[str, object] = token.claims
        if claims.get("iss") != app.client_id:
            raise OAuthRefused("invalid_client", "iss is not the app's id", 401)
        return claims

    def _check(self, claims: Mapping[str, object], host: str) -> None:
        now = self._clock()
        expires = claims.get("exp")
        if claims.get("aud") not in (*_HOSTS, host):
            raise OAuthRefused("invalid_request", f"aud must be {_HOSTS[0]} or {_HOSTS[1]}")
        if not isinstance(expires, int | float) or expires <= now:
            raise OAuthRefused("invalid_request", "the assertion has expired", 401)
        if not claims.get("iat") or not claims.get("jti"):
            raise OAuthRefused("invalid_request", "iat and jti are required")
        if str(claims["jti"]) in self._spent:
            raise OAuthRefused("access_deny", "this jti was used before", 401)
