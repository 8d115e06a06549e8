"""What is drawn of conversations: a list, and one of them with what was said. Pure."""

from collections.abc import Sequence

from bridge.store.browsing import Piece
from bridge.store.overview import Held, Ran, Talk, Which
from bridge.view.talks import Shown, who
from bridge.web.admin.asked import after, link
from bridge.web.admin.html import Html, join, tag
from bridge.web.admin.overview import lane, to_talk
from bridge.web.admin.parts import (
    button,
    hidden,
    lasting,
    live,
    mark,
    name,
    nothing,
    on,
    pairs,
    search,
    table,
    when,
    words,
)

PAGE = 50  # conversations
TURNS = 30  # of one of them

_STATES = {"delivered": "good", "failed": "bad", "dead": "bad", "dropped": "plain"}


def listed(
    piece: Piece[Talk], which: Which, platforms: Sequence[str], agents: Sequence[str]
) -> list[Html]:
    """The list. platforms, agents: that can be chosen."""
    chosen = (
        _choice("platform", "All platforms", platforms, which.platform),
        _choice("agent", "All agents", agents, which.agent),
    )
    finder = search("/admin/conversations", which.search, "Name, group, id or lane", *chosen)
    rows = [
        (
            to_talk(it.lane, name(who(it.said)) if it.said else "not stored any more"),
            when(it.used_at),
            it.agent,
            mark("busy", f"{it.open_turns} running") if it.open_turns else "",
            lane(it.lane),
        )
        for it in piece.found
    ]
    heads = ("who", "last used", "agent", "now", "lane")
    sought = bool(which.search or which.platform or which.agent)
    empty = nothing("No conversations yet.", sought=sought, more=piece.then is not None)
    found = table(heads, rows, nothing=empty)
    return [finder, live("list", found, _onward(piece, which))]


def _onward(piece: Piece[Talk], which: Which) -> Html:
    if piece.then is None:
        return Html("")
    here = {"search": which.search, "platform": which.platform, "agent": which.agent}
    label = "Older ones" if len(piece.found) >= PAGE else "Look further back"
    return on(link("/conversations", **here, after=after(piece.then)), label)


def _choice(key: str, all_of_them: str, values: Sequence[str], chosen: str) -> Html:
    options = [tag("option", all_of_them, value="")]
    options += [tag("option", each, value=each, selected=each == chosen) for each in values]
    return tag("select", *options, name=key, aria_label=all_of_them)


def title(shown: Shown) -> str:
    """What the page of one conversation is called."""
    return who(shown.talk.said) if shown.talk.said else "Conversation"


def one(shown: Shown, csrf: str) -> list[Html]:
    """One conversation, with what was said in it as far as that is stored."""
    return [
        live("about", _about(shown), _reset(shown, csrf)),
        live("turns", *_said(shown.turns), title="What was said"),
        live("held", _held(shown.held), title="Conversations at Coze"),
    ]


def _about(shown: Shown) -> Html:
    it, of = shown.talk, shown.of
    person = name(who(it.said)) if it.said else name(of.name) if of else "not stored any more"
    whose = tag("a", person, href=link("/people/one", uid=of.uid)) if of else person
    return pairs(
        [
            ("who", whose),
            ("agent", it.agent),
            ("account", name(it.account)),
            ("lane", name(it.lane)),
            ("conversation", name(it.conversation_id) if it.conversation_id else "none: anew"),
            ("last used", when(it.used_at)),
        ]
    )


def _reset(shown: Shown, csrf: str) -> Html:
    if shown.talk.conversation_id is None:
        return tag("p", "The next question begins a new conversation.")
    ask = "Let the next question begin a new conversation?"
    return tag(
        "form",
        hidden(csrf, lane=shown.talk.lane),
        button("Begin anew", confirm=ask),
        " The old conversation stays in the history.",
        method="post",
        action="/admin/conversations/reset",
    )


def _said(turns: Sequence[Ran]) -> list[Html]:
    if not turns:
        return [tag("p", "Nothing that is still stored.", class_="nothing")]
    more = [tag("p", f"The newest {TURNS}.")] if len(turns) >= TURNS else []
    return [*(_turn(it) for it in turns), *more]


def _turn(it: Ran) -> Html:
    took = lasting(it.ended_at - it.created_at) if it.ended_at else "not ended"
    state = mark(_STATES.get(it.state, "busy"), it.state)
    head = tag("header", tag("b", it.reference), state, when(it.created_at), tag("span", took))
    return tag(
        "article",
        head,
        tag("div", tag("h3", name(who(it.said))), words(it.question), _files(it), class_="asked"),
        tag("div", words(it.answer), class_="answered") if it.answer else "",
        tag("p", it.error, class_="trouble") if it.error else "",
    )


def _files(it: Ran) -> Html:
    return join(
        *(
            tag("p", f"{each.kind}: ", name(each.name), class_="file")
            for each in it.said.attachments
        )
    )


def _held(found: Sequence[Held]) -> Html:
    rows = [
        (name(it.title), name(it.conversation_id), when(it.created_at), when(it.used_at))
        for it in found
    ]
    return table(("title", "id", "begun", "last used"), rows, nothing="None.")
