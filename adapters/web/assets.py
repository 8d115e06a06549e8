"""The page's own files, and what fences them in."""

import html
from collections.abc import Mapping

from bridge.web.assets import FENCES, Asset, asset
from bridge.web.assets import load as read

# Nothing comes from anywhere but the page's own server, pictures of answers neither; nothing
# inline runs, and only DOMPurify may turn text into elements (Trusted Types).
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
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
    **FENCES,
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-cache",  # ask each time; the ETag makes the answer 304
}


def load() -> dict[str, Asset]:
    """Read everything under `page/`, by its path there."""
    return read("adapters.web", HEADERS)


def index(assets: Mapping[str, Asset], *, base: str, title: str) -> Asset:
    """Fill in the page's title, and where its files are relative to the page itself."""
    text = assets["index.html"].body.decode()
    filled = text.replace("{{base}}", html.escape(base)).replace("{{title}}", html.escape(title))
    return asset("index.html", filled.encode(), HEADERS)
