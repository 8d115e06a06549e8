"""Files of a page: read once, served from memory with the headers that fence them in."""

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from aiohttp import web

# For whatever a browser shows of ours; each page has a Content-Security-Policy beside it.
FENCES = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".md": "text/plain"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, ready to be sent. headers: with everything it is sent with but its own."""

    body: bytes
    packed: bytes
    content_type: str
    etag: str
    headers: Mapping[str, str]

    def response(self, request: web.Request) -> web.Response:
        """Answer `request` with it, or with 304 where the browser has it."""
        headers = {**self.headers, "ETag": f'"{self.etag}"', "Vary": "Accept-Encoding"}
        if has(request, self.etag):
            return web.Response(status=304, headers=headers)
        headers["Content-Type"] = self.content_type
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return web.Response(body=self.packed, headers=headers)
        return web.Response(body=self.body, headers=headers)


def asset(name: str, body: bytes, headers: Mapping[str, str]) -> Asset:
    """Prepare a file. `name` decides its type."""
    suffix = "." + name.rpartition(".")[2]
    content_type = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "text/plain"
    if content_type.startswith("text/"):
        content_type += "; charset=utf-8"
    return Asset(body, gzip.compress(body, mtime=0), content_type, etag_of(body), headers)


def load(package: str, headers: Mapping[str, str]) -> dict[str, Asset]:
    """Read everything under a package's `page/`, by its path there."""
    return {name: asset(name, body, headers) for name, body in _walk(files(package) / "page", "")}


def etag_of(body: bytes) -> str:
    """Another one for every other content."""
    return hashlib.sha256(body).hexdigest()[:20]


def has(request: web.Request, etag: str) -> bool:
    """Tell whether the browser has it already."""
    return any(tag.value in {etag, "*"} for tag in request.if_none_match or ())


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for child in folder.iterdir():
        if child.is_dir():
            found += _walk(child, f"{prefix}{child.name}/")
        else:
            found.append((prefix + child.name, child.read_bytes()))
    return found
