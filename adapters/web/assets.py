"""The page's own files: read once, served from memory with the headers that fence them in."""

import gzip
import hashlib
import html
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from aiohttp import web

# `img-src` lets pictures in answers through. Nothing else leaves the page's own server, nothing
# inline runs, and only DOMPurify may turn text into elements (Trusted Types).
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' https: http:",
        "media-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types dompurify",
    )
)

HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",  # ask each time; the ETag makes the answer 304
}

_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".md": "text/plain"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, ready to be sent."""

    body: bytes
    packed: bytes
    content_type: str
    etag: str

    def response(self, request: web.Request) -> web.Response:
        """Answer `request` with it, or with 304 where the browser has it."""
        headers = {**HEADERS, "ETag": f'"{self.etag}"', "Vary": "Accept-Encoding"}
        if any(tag.value in {self.etag, "*"} for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        headers["Content-Type"] = self.content_type
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return web.Response(body=self.packed, headers=headers)
        return web.Response(body=self.body, headers=headers)


def asset(name: str, body: bytes) -> Asset:
    """Prepare a file. `name` decides its type."""
    suffix = "." + name.rpartition(".")[2]
    content_type = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "text/plain"
    if content_type.startswith("text/"):
        content_type += "; charset=utf-8"
    etag = hashlib.sha256(body).hexdigest()[:20]
    return Asset(body, gzip.compress(body, mtime=0), content_type, etag)


def load() -> dict[str, Asset]:
    """Read everything under `page/`, by its path there."""
    return {name: asset(name, body) for name, body in _walk(files("adapters.web") / "page", "")}


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for child in folder.iterdir():
        if child.is_dir():
            found += _walk(child, f"{prefix}{child.name}/")
        else:
            found.append((prefix + child.name, child.read_bytes()))
    return found


def index(assets: Mapping[str, Asset], *, base: str, title: str) -> Asset:
    """Fill in the page's title, and where its files are relative to the page itself."""
    text = assets["index.html"].body.decode()
    filled = text.replace("{{base}}", html.escape(base)).replace("{{title}}", html.escape(title))
    return asset("index.html", filled.encode())
