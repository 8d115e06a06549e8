"""What people wrote, as they wrote it: without Slack's escapes and the bot's own name. Pure.

https://docs.slack.dev/messaging/formatting-message-text
"""

import re
from collections.abc import Callable, Collection

HELP = "/help"
_UNLISTED = frozenset({"admin", "feedback", "set", "start"})  # commands that no menu offers
_ALONE = frozenset({"clear", "help", "new", "retry", "start", "stop", "unlink", "usage", "vars"})
"""Commands without an argument: with more behind it, such a word begins a question."""

_BETWEEN = " \t\n,:，：、"  # what stands between a name and what is said to its owner
_ANGLES = re.compile(r"<([^<>]*)>")
_BANG = re.compile(r"!(?=[A-Za-z]+(?:\s|$))")
_SCHEME = re.compile(r"^(?:https?://|mailto:|tel:)")


def readable(raw: str, bot_user: str, name_of: Callable[[str], str]) -> str:
    """Read a text of Slack's. name_of: a person's name by id; empty where it is not known."""

    def said(found: re.Match[str]) -> str:
        return _said(found[1], name_of)

    plain = _ANGLES.sub(said, _without(raw, bot_user))
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def mentions(raw: str, bot_user: str) -> bool:
    """Tell whether a text of Slack's names the bot."""
    return bool(bot_user) and _own(bot_user).search(raw) is not None


def command(said: str) -> str:
    """`!word …` as `/word …`, because Slack keeps what begins with a slash for itself."""
    return _BANG.sub("/", said, count=1) if _BANG.match(said) else said


def slash_command(said: str, words: Collection[str]) -> str:
    """What stood behind `/coze`: a command, or a question. Nothing asks for help.

    words: the commands that menus offer.
    """
    said = said.strip()
    if not said:
        return HELP
    first, *rest = said.casefold().split(maxsplit=1)
    known = _UNLISTED | {word.casefold() for word in words}
    is_command = first in known and not (rest and first in _ALONE)
    return f"/{said}" if is_command else command(said)


def _own(bot_user: str) -> re.Pattern[str]:
    return re.compile(rf"<@{re.escape(bot_user)}(?:\|[^<>]*)?>")


def _without(raw: str, bot_user: str) -> str:
    if not mentions(raw, bot_user):
        return raw
    before, *rest = _own(bot_user).split(raw)
    for after in rest:
        before = _joined(before.rstrip(" \t"), after)
    return before.strip()


def _joined(before: str, after: str) -> str:
    if not before:
        return after.lstrip(_BETWEEN)
    after = after.lstrip(" \t")
    is_apart = before.endswith("\n") or after.startswith("\n")
    return before + ("" if is_apart else " ") + after


def _said(inside: str, name_of: Callable[[str], str]) -> str:
    """One thing between angle brackets, as somebody would have typed it."""
    target, _, label = inside.partition("|")
    match target[:1]:
        case "@":
            return f"@{label or name_of(target[1:]) or target[1:]}"
        case "#":
            return f"#{label or target[1:]}"
        case "!":  # <!here>, <!subteam^S1|@team>, <!date^…|tomorrow>
            return label or f"@{target[1:].partition('^')[0]}"
        case _:
            return _link(target, label)


def _link(address: str, label: str) -> str:
    """An address Slack found by itself was typed as its label; another's label was chosen."""
    if not label or label == address:
        return address
    if _SCHEME.sub("", address).rstrip("/") == label.rstrip("/"):
        return label
    return f"[{label}]({address})"
