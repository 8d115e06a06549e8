"""What is drawn of people: who they are, what they used, and whether they may. Pure."""

from collections.abc import Sequence

from bridge.store.browsing import Piece
from bridge.store.guests import Guest, Standing
from bridge.store.people import Identity, Spent
from bridge.upstream import is_the_agents
from bridge.view.people import Judged, Known
from bridge.view.variables import Sheet, Variable
from bridge.web.admin.asked import after, link
from bridge.web.admin.html import Html, join, tag
from bridge.web.admin.parts import (
    button,
    hidden,
    live,
    mark,
    name,
    nothing,
    on,
    pairs,
    search,
    table,
    when,
)

PAGE = 50  # people

_SAID = {
    "admin": mark("good", "admin"),
    "allowed": mark("good", "allowed"),
    "admitted": mark("good", "let in"),
    "denied": mark("bad", "denied"),
    "blocked": mark("bad", "blocked"),
}
_FIXED = {"admin", "denied"}  # by the settings, which an operator does not overrule here


def listed(
    people: Sequence[Judged],
    piece: Piece[Identity],
    said: str,
    csrf: str,
    *,
    closed: bool,
) -> list[Html]:
    """The list. closed: only who is named, or let in, may talk."""
    finder = search("/admin/people", said, "Name or address, such as telegram:12345")
    heads = ("who", "address", "last here", "tokens, 24 h", "tokens, 30 d", "may talk", "")
    rows = [_row(it, csrf, closed=closed) for it in people]
    empty = nothing("Nobody has written yet.", sought=bool(said), more=piece.then is not None)
    found = table(heads, rows, nothing=empty)
    return [finder, live("list", found, _onward(piece, said))]


def strangers(found: Sequence[Guest], csrf: str) -> Html:
    """Who wrote and may not talk."""
    if not found:
        return live("strangers")
    rows = [
        (
            name(it.name),
            name(it.address),
            when(it.since),
            tag("code", it.code),
            join(
                _deed(csrf, it.address, it.name, Standing.ADMITTED, "Let in"),
                _deed(csrf, it.address, it.name, Standing.BLOCKED, "Block"),
            ),
        )
        for it in found
    ]
    heads = ("who", "address", "since", "code", "")
    return live("strangers", table(heads, rows, nothing=""), title="Before the door")


def by_address(csrf: str) -> Html:
    """For somebody who is in no list."""
    field = tag(
        "input",
        name="address",
        required=True,
        placeholder="telegram:12345",
        aria_label="Address",
        maxlength=320,
        id="address",
    )
    buttons = [
        button(label, name="standing", value=standing)
        for standing, label in ((Standing.ADMITTED, "Let in"), (Standing.BLOCKED, "Block"))
    ]
    return tag(
        "form",
        hidden(csrf),
        tag("label", "Somebody by their address", for_="address"),
        field,
        *buttons,
        method="post",
        action="/admin/people",
        class_="search",
    )


def _row(it: Judged, csrf: str, *, closed: bool) -> Sequence[str]:
    who = it.identity
    usual = mark("plain", "no" if closed else "yes")
    return (
        tag("a", name(who.name or who.user), href=link("/people/one", uid=who.uid)),
        name(who.address),
        when(who.seen_at),
        _tokens(it.day),
        _tokens(it.month),
        _SAID.get(it.standing, usual),
        _deeds(it, csrf, closed=closed),
    )


def _tokens(it: Spent) -> str:
    return f"{it.input_tokens + it.output_tokens:,}"


def _answers(it: Spent) -> str:
    return "1 answer" if it.answers == 1 else f"{it.answers:,} answers"


def _deeds(it: Judged, csrf: str, *, closed: bool) -> Html:
    who = it.identity
    if it.standing in _FIXED:
        return tag("small", "by the settings")
    wishes: list[tuple[Standing, str]] = []
    if it.standing == Standing.BLOCKED:
        wishes.append((Standing.UNKNOWN, "Unblock"))
    elif it.standing == Standing.ADMITTED:
        wishes.append((Standing.UNKNOWN, "Take back"))
    elif closed and not it.standing:
        wishes.append((Standing.ADMITTED, "Let in"))
    if it.standing != Standing.BLOCKED:
        wishes.append((Standing.BLOCKED, "Block"))
    return join(*(_deed(csrf, who.address, who.name, wish, label) for wish, label in wishes))


def _deed(csrf: str, address: str, called: str, standing: Standing, label: str) -> Html:
    blocks = standing is Standing.BLOCKED
    ask = f"Block {address}? They get no answers any more." if blocks else ""
    return tag(
        "form",
        hidden(csrf, address=address, name=called, standing=standing),
        button(label, confirm=ask, aria_label=f"{label}: {address}"),
        method="post",
        action="/admin/people",
        class_="deed",
    )


def _onward(piece: Piece[Identity], said: str) -> Html:
    if piece.then is None:
        return Html("")
    label = "Others" if len(piece.found) >= PAGE else "Look further back"
    return on(link("/people", search=said, after=after(piece.then)), label)


def title(it: Known) -> str:
    """What the page of a person is called."""
    first = it.faces[0].identity
    return first.name or first.user


def one(it: Known, sheets: Sequence[Sheet], csrf: str, *, closed: bool) -> list[Html]:
    """A person with all they go by, and what agents know of them."""
    first = it.faces[0]
    about = pairs(
        [
            ("connector_uid", name(it.uid)),
            ("tokens, 24 h", _tokens(first.day)),
            ("tokens, 30 d", f"{_tokens(first.month)} for {_answers(first.month)}"),
        ]
    )
    heads = ("name", "address", "account", "first here", "last here", "may talk", "")
    faces = table(heads, [_face(each, csrf, closed=closed) for each in it.faces], nothing="")
    talks = [
        tag(
            "a",
            f"Conversations of {each.identity.address}",
            href=link("/conversations", search=each.identity.user),
        )
        for each in it.faces
    ]
    return [
        live("about", about),
        live("faces", faces, tag("p", *talks, class_="links"), title="Goes by"),
        *(_sheet(each, it.uid, csrf) for each in sheets),
    ]


def _face(it: Judged, csrf: str, *, closed: bool) -> Sequence[str]:
    who = it.identity
    return (
        name(who.name or who.user),
        name(who.address),
        name(who.account),
        when(who.created_at),
        when(who.seen_at),
        _SAID.get(it.standing, mark("plain", "no" if closed else "yes")),
        _deeds(it, csrf, closed=closed),
    )


def _sheet(it: Sheet, uid: str, csrf: str) -> Html:
    rows = [
        (name(each.keyword), _value(each, it.agent, uid, csrf), each.source or _whose(each))
        for each in it.rows
    ]
    trouble = tag("p", f"As last heard; now: {it.trouble}", class_="trouble") if it.trouble else ""
    listed = table(("variable", "value", "comes from"), rows, nothing="No variables.")
    return tag("section", tag("h2", f"Variables of {it.agent}"), trouble, listed)


def _whose(it: Variable) -> str:
    return "" if is_the_agents(it.keyword) else "Coze"


def _value(it: Variable, agent: str, uid: str, csrf: str) -> Html:
    if not is_the_agents(it.keyword):
        return name(it.value) if it.value else join()
    field = tag("input", name="value", value=it.value or "", aria_label=it.keyword, dir="auto")
    return tag(
        "form",
        hidden(csrf, uid=uid, agent=agent, keyword=it.keyword),
        field,
        button("Set", aria_label=f"Set {it.keyword}"),
        method="post",
        action="/admin/people/variable",
        class_="deed",
    )
