"""Where a browser's request comes from: our own page, or another site's."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Outside:
    """How we are reached from outside. host: as browsers write it; empty if nobody said."""

    host: str
    is_https: bool

    @classmethod
    def of(cls, public_url: str) -> "Outside":
        """Read `server.public_url`."""
        parts = urlsplit(public_url)
        return cls(parts.netloc.lower(), parts.scheme == "https")

    def came_by_https(self, request: web.Request) -> bool:
        """Tell how the browser sees it: behind a proxy the request itself is plain http.

        A proxy may put another Host; `Origin`, which a POST carries, passes as it is.
        """
        if request.secure or request.headers.get("Origin", "").startswith("https://"):
            return True
        return self.is_https and request.host == self.host

    def is_own(self, request: web.Request) -> bool:
        """Tell whether the page itself, or no browser at all, sent this.

        Sec-Fetch-Site is believed first: no script can set it. Origin is for browsers without.
        """
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site in {"same-origin", "none"}
        origin = request.headers.get("Origin")
        host = _host_of(origin or "")
        return origin is None or (host != "" and host in {request.host, self.host})


def port_of(request: web.Request) -> str:
    """For a cookie's name: cookies are shared between the daemons of one machine."""
    port = request.host.rpartition(":")[2]
    return port if port.isdecimal() else ""


def _host_of(origin: str) -> str:
    """Return the host and port of an `Origin`; empty for what is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:  # such as half an IPv6 address
        return ""
