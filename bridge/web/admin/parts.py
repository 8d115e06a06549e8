"""Pieces that all pages are made of. Pure."""

import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from bridge.web.admin.html import Html, document, join, tag

_PAGES = (
    ("", "Overview"),
    ("/conversations", "Conversations"),
    ("/unanswered", "Unanswered"),
    ("/people", "People"),
    ("/log", "Log"),
)


def page(title: str, here: str, csrf: str, *content: str) -> str:
    """A whole page of somebody who is signed in.

    title: our own, or what somebody is called. here: the path of its place in the menu.
    """
    links = [
        tag("a", name, href=f"/admin{path}", aria_current="page" if path == here else None)
        for path, name in _PAGES
    ]
    out = tag(
        "form",
        hidden(csrf),
        tag("button", "Sign out", class_="quiet"),
        method="post",
        action="/admin/logout",
    )
    skip = tag("a", "To the content", href="#content", class_="skip")
    home = tag("a", "coze-bridge", href="/admin", class_="name")
    bar = tag("header", home, tag("nav", *links, aria_label="Pages"), out)
    lost = tag(
        "p", "Not connected. What you see may be old.", id="lost", role="status", hidden=True
    )
    main = tag("main", tag("h1", name(title)), *content, id="content", tabindex="-1")
    script = tag("script", src="/admin/page/live.js", type="module")
    return document(_head(title, script), tag("body", skip, bar, lost, main))


def entrance(trouble: str = "") -> str:
    """The page of somebody who is not signed in; it shows nothing of the bridge."""
    word = tag("p", trouble, class_="trouble", role="alert") if trouble else ""
    field = tag(
        "input",
        type="password",
        name="token",
        id="token",
        required=True,
        autofocus=True,
        autocomplete="current-password",
        aria_describedby="hint",
    )
    # For password managers, which want to know whose password it is.
    whose = tag("input", name="username", value="admin", autocomplete="username", hidden=True)
    hint = tag("p", tag("code", "server.admin_token"), " in the configuration.", id="hint")
    form = tag(
        "form",
        word,
        whose,
        tag("label", "Admin token", for_="token"),
        field,
        hint,
        tag("button", "Sign in"),
        method="post",
        action="/admin/login",
        class_="entrance",
    )
    main = tag("main", tag("h1", "coze-bridge"), form)
    return document(_head("Sign in"), tag("body", main))


def sorry(message: str, title: str = "Not done") -> str:
    """What stands there instead of a page, or of a deed."""
    back = tag("p", tag("a", "To the overview", href="/admin"))
    main = tag("main", tag("h1", title), tag("p", message, class_="trouble"), back)
    return document(_head(title), tag("body", main))


def live(name: str, *content: str, title: str = "", kind: str = "") -> Html:
    """A piece that the script exchanges when it has changed. name: its own on the page."""
    head = tag("h2", title) if title else ""
    return tag("section", head, *content, id=name, data_live=True, class_=kind or None)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, nothing: str) -> Html:
    """Rows of cells under their heads; on a phone each row is a card. nothing: said if empty."""
    if not rows:
        return tag("p", nothing, class_="nothing")
    head = tag("thead", tag("tr", *(tag("th", each, scope="col") for each in heads)))
    body = tag("tbody", *(tag("tr", *_cells(heads, row)) for row in rows))
    return tag("div", tag("table", head, body), class_="scroll", tabindex="0", role="region")


def pairs(rows: Sequence[tuple[str, str]]) -> Html:
    """Names and what they are."""
    return tag("dl", *(tag("div", tag("dt", of), tag("dd", its)) for of, its in rows))


def when(at: datetime | None) -> Html:
    """A time; the script writes it in the browser's zone and language."""
    if at is None:
        return Html("")
    shown = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return tag("time", shown, datetime=at.astimezone(UTC).isoformat(timespec="seconds"))


def lasting(span: timedelta) -> str:
    """A span as people say it: `0.4 s`, `12 s`, `3 min`."""
    seconds = max(0.0, span.total_seconds())
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def name(of: str) -> Html:
    """What somebody is called, or calls something: in one line, and it turns nothing around it."""
    return tag("bdi", _line(of))


def words(said: str) -> Html:
    """What somebody said, with its lines."""
    kept = "".join(letter if letter in "\n\t" else shown for letter, shown in _shown(said))
    return tag("p", kept, class_="words", dir="auto")


def mark(kind: str, label: str) -> Html:
    """A word in a colour. kind: good, bad, busy or plain."""
    return tag("span", label, class_=f"mark {kind}")


def hidden(csrf: str, **fields: str) -> Html:
    """What a form brings along unseen."""
    own = {"csrf": csrf, **fields}
    return join(*(tag("input", type="hidden", name=key, value=it) for key, it in own.items()))


def button(label: str, *, confirm: str = "", kind: str = "", **more: str) -> Html:
    """Ends a form. confirm: asked before, where there is a script."""
    return tag("button", label, data_confirm=confirm or None, class_=kind or None, **more)


def nothing(yet: str, *, sought: bool, more: bool) -> str:
    """What an empty list says. yet: where nobody has looked for anything. more: it goes on."""
    if more:
        return "None of those that were looked at."
    return "Nothing was found." if sought else yet


def search(action: str, said: str, label: str, *more: str) -> Html:
    """Find something in a list."""
    field = tag(
        "input",
        type="search",
        name="search",
        value=said,
        placeholder=label,
        aria_label=label,
        maxlength=200,
    )
    return tag("form", field, *more, tag("button", "Search"), action=action, class_="search")


def on(href: str, label: str) -> Html:
    """To where a list goes on."""
    return tag("p", tag("a", label, href=href, rel="next"), class_="on")


def told(line: str) -> Html:
    """What was done."""
    return tag("p", line, class_="told", role="status")


def _head(title: str, *more: str) -> Html:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", _line(title), " · coze-bridge"),
        tag("link", rel="icon", href="/admin/page/icon.svg"),
        tag("link", rel="stylesheet", href="/admin/page/style.css"),
        *more,
    )


def _cells(heads: Sequence[str], row: Sequence[str]) -> Iterator[Html]:
    for head, cell in zip(heads, row, strict=True):
        inner = tag("div", cell) if cell else ""  # one piece beside the head, on a phone
        yield tag("td", inner, data_of=head or None)


def _line(of: str) -> str:
    return "".join(shown for _, shown in _shown(of)).strip() or "no name"


def _shown(said: str) -> Iterator[tuple[str, str]]:
    """Each letter, and what is shown for it: nothing that turns the direction of writing."""
    for letter in said:
        turns = unicodedata.bidirectional(letter) in _TURNS
        yield letter, "" if turns else letter if letter.isprintable() else " "


_TURNS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
