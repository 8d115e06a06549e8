"""Increments of an answer, of which there are hundreds: many are read at once. Pure."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from bridge.coze.wire import message, parse


class Increment(msgspec.Struct, frozen=True):
    """What of a message an increment brings; names as on the wire."""

    id: str | None = ""
    conversation_id: str | None = ""
    chat_id: str | None = ""
    role: str | None = ""
    type: str | None = ""
    content: str | None = ""
    content_type: str | None = ""
    reasoning_content: str | None = ""


_INCREMENTS = msgspec.json.Decoder(list[Increment])


def increments(told: Sequence[str]) -> Iterator[Increment]:
    """Read increments; neighbours that differ in their words alone become one.

    Like `message`, in a ninth of its time (0.4 µs for 3.4), where all is of the types that Coze
    promises; else by way of it.
    """
    try:
        read = _INCREMENTS.decode(f"[{','.join(told)}]")
    except (msgspec.MsgspecError, RecursionError):
        read = []
    if len(read) != len(told):
        read = [_increment(each) for each in told]
    for _, alike in groupby(read, key=_all_but_words):
        yield _sum(list(alike))


def _increment(data: str) -> Increment:
    odd = message(parse(data))
    return Increment(
        odd.id,
        odd.conversation_id,
        odd.chat_id,
        odd.role,
        odd.type,
        odd.content,
        odd.content_type,
        odd.reasoning,
    )


def _all_but_words(it: Increment) -> tuple[str | None, ...]:
    return it.id, it.conversation_id, it.chat_id, it.role, it.type, it.content_type


def _sum(alike: Sequence[Increment]) -> Increment:
    return msgspec.structs.replace(
        alike[0],
        content="".join(each.content or "" for each in alike),
        reasoning_content="".join(each.reasoning_content or "" for each in alike),
    )
