"""`coze-bridge sessions`: who talks to which agent, and in which conversation."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from bridge.operator import paper
from bridge.store import Store
from bridge.store.overview import Held, Ran, Talk, Which, talks
from bridge.view.talks import Shown, who

_WHO = 20  # columns for a name in a list


async def list_of(store: Store, which: Which) -> list[Talk]:
    """Those used last. Raises `Unreachable`."""
    return await store.read(talks(which))


def list_lines(found: Sequence[Talk], which: Which) -> Iterator[str]:
    """For people. which: what they asked for."""
    if not found:
        sought = which.platform or which.agent or which.search
        yield "No conversation is like that." if sought else "No conversations yet."
        return
    rows = [
        (paper.local(it.used_at), it.agent, paper.shortened(who(it.said), _WHO), it.lane)
        for it in found
    ]
    yield from paper.columns(("last used", "agent", "who", "lane"), rows)
    if len(found) == which.limit:
        yield f"The {which.limit} used last; --limit shows more."


def list_data(found: Sequence[Talk]) -> list[dict[str, object]]:
    """For scripts."""
    return [_data(it) for it in found]


def show_lines(shown: Shown, now: datetime, *, text: bool) -> Iterator[str]:
    """For people. text: with what was said."""
    it = shown.talk
    used = f"{paper.local(it.used_at)}, {paper.lasting(now - it.used_at)} ago"
    yield from paper.pairs(
        [
            ("lane", it.lane),
            ("who", _whole(shown)),
            ("agent", it.agent),
            ("conversation", it.conversation_id or "none: the next question begins a new one"),
            ("last used", used),
        ]
    )
    if shown.held:
        yield ""
        yield from _held_lines(shown.held, text=text)
    yield ""
    yield from _turn_lines(shown.turns, text=text)


def show_data(shown: Shown, *, text: bool) -> dict[str, object]:
    """For scripts. text: with what was said."""
    return {
        **_data(shown.talk),
        "uid": shown.of.uid if shown.of else None,
        "conversations": [_held_data(it, text=text) for it in shown.held],
        "turns": [turn_data(it, text=text) for it in shown.turns],
    }


def turn_data(it: Ran, *, text: bool) -> dict[str, object]:
    """A turn for scripts, whole but for what was said."""
    said = {"question": it.question, "answer": it.answer} if text else {}
    return {
        "id": it.id,
        "reference": it.reference,
        "lane": it.lane,
        "kind": it.kind,
        "state": it.state,
        "error": it.error,
        "conversation_id": it.conversation_id,
        "chat_id": it.chat_id,
        "attempts": it.attempts,
        "retries": it.retries,
        "failures": it.failures,
        "created_at": paper.iso(it.created_at),
        "asked_at": paper.iso(it.asked_at),
        "ended_at": paper.iso(it.ended_at),
        **said,
    }


def _whole(shown: Shown) -> str:
    said, of = shown.talk.said, shown.of
    uid = f", connector_uid {of.uid}" if of else ""
    if said is not None:
        return f"{who(said)} ({shown.talk.platform}:{said.user.id}){uid}"
    return f"{of.name} ({of.address}){uid}" if of else "not stored any more"


def _data(it: Talk) -> dict[str, object]:
    said = it.said
    return {
        "lane": it.lane,
        "platform": it.platform,
        "account": it.account,
        "agent": it.agent,
        "conversation_id": it.conversation_id,
        "used_at": paper.iso(it.used_at),
        "open_turns": it.open_turns,
        "user_id": said.user.id if said else None,
        "user_name": said.user.name if said else None,
        "chat_id": said.chat.chat if said else None,
        "chat_kind": said.chat.kind if said else None,
        "chat_title": said.title if said else None,
    }


def _held_lines(found: Sequence[Held], *, text: bool) -> list[str]:
    rows = [
        (
            it.conversation_id,
            paper.local(it.created_at),
            paper.local(it.used_at),
            it.title if text else "",
        )
        for it in found
    ]
    return paper.columns(("conversations", "begun", "last used", ""), rows)


def _held_data(it: Held, *, text: bool) -> dict[str, object]:
    return {
        "conversation_id": it.conversation_id,
        "agent": it.agent,
        "uid": it.uid,
        "created_at": paper.iso(it.created_at),
        "used_at": paper.iso(it.used_at),
        **({"title": it.title} if text else {}),
    }


def _turn_lines(turns: Sequence[Ran], *, text: bool) -> Iterator[str]:
    if not turns:
        yield "No turns."
        return
    head, *lines = paper.columns(("turn", "state", "begun", "took"), [_row(it) for it in turns])
    yield head
    for it, line in zip(turns, lines, strict=True):
        yield line
        if it.error:
            yield from paper.indented(it.error)
        if text:
            yield from paper.indented(f"> {it.question}")
            yield from paper.indented(it.answer or "")


def _row(it: Ran) -> tuple[str, ...]:
    took = paper.lasting(it.ended_at - it.created_at) if it.ended_at else "not ended"
    return (it.reference, it.state, paper.local(it.created_at), took)
