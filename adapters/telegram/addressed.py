"""What of a text is meant for the bot. Pure.

In a private chat all of it is. In a group: commands, mentions of the bot, and replies to it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from adapters.telegram.raw import number
from bridge.foreign import Json, fields, items, text

_BETWEEN = " \t,:，：、\u3000"  # what stands between the bot's name and what it is told


@dataclass(frozen=True, slots=True)
class Me:
    """The bot itself, from getMe."""

    id: int
    username: str


def addressed(message: Json, me: Me, *, private: bool) -> str | None:
    """The text meant for the bot, without its name; None if it is meant for others."""
    said = text(message.get("text")) or text(message.get("caption"))
    spans = _spans(said, items(message.get("entities")) or items(message.get("caption_entities")))
    if spans and spans[0].is_command and spans[0].start == 0:
        return _command(said, spans[0], me)
    named = {(span.start, span.end) for span in spans if span.names(me)}
    if private or named or _answers(message, me):
        return _without(said, named).strip()
    return None


@dataclass(frozen=True, slots=True)
class _Span:
    """An entity, in characters instead of UTF-16 units."""

    type: str
    start: int
    end: int
    text: str
    user: int

    @property
    def is_command(self) -> bool:
        return self.type == "bot_command"

    def names(self, me: Me) -> bool:
        if self.type == "text_mention":
            return self.user == me.id
        return self.type == "mention" and self.text.lower() == f"@{me.username}".lower()


def _spans(said: str, entities: Iterable[object]) -> list[_Span]:
    units = said.encode("utf-16-le", "surrogatepass")
    found = [_span(said, units, fields(entity)) for entity in entities]
    return sorted(found, key=lambda span: span.start)


def _span(said: str, units: bytes, entity: Json) -> _Span:
    offset = max(0, number(entity.get("offset")))
    start = _characters(units, offset)
    end = _characters(units, offset + max(0, number(entity.get("length"))))
    user = number(fields(entity.get("user")).get("id"))
    return _Span(text(entity.get("type")), start, end, said[start:end], user)


def _characters(units: bytes, offset: int) -> int:
    return len(units[: offset * 2].decode("utf-16-le", "replace"))


def _command(said: str, span: _Span, me: Me) -> str | None:
    """`/new@our_bot now` as `/new now`; None for a command of another bot."""
    word, _, name = span.text.partition("@")
    if name and name.lower() != me.username.lower():
        return None
    return word + said[span.end :]


def _without(said: str, spans: Iterable[tuple[int, int]]) -> str:
    for start, end in sorted(spans, reverse=True):
        before, after = said[:start].rstrip(" \t"), said[end:]
        if not before:
            said = after.lstrip(_BETWEEN)
        else:
            after = after.lstrip(" \t")
            glue = "" if before.endswith("\n") or after.startswith("\n") else " "
            said = before + glue + after
    return said


def _answers(message: Json, me: Me) -> bool:
    """Tell whether it is a reply to the bot.

    Every message in a topic seems to reply to the one that opened it, which does not count.
    """
    replied = fields(message.get("reply_to_message"))
    if "forum_topic_created" in replied:
        return False
    return number(fields(replied.get("from")).get("id")) == me.id
