"""Which proxy the environment wants on the way to a server."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


def proxy_to(url: str) -> str | None:
    """Read `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case.

    For connections that are kept: aiohttp's `trust_env` would read them for each request, in a
    thread, and put a password of `~/.netrc` in the place of our token.
    """
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    found = getproxies()
    return found.get(parts.scheme) or found.get("all")
