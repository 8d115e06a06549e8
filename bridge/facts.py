"""What a message tells of its sender and its place, by the names of the configuration. Pure."""

from collections.abc import Callable, Mapping

from bridge.events import Inbound

USER_SET = "user-set"
_CONSTANT = "constant:"

_FACTS: Mapping[str, Callable[[Inbound], str]] = {
    "user.id": lambda event: event.user.id,
    "user.name": lambda event: event.user.name,
    "user.first_name": lambda event: event.user.first_name,
    "user.username": lambda event: event.user.username,
    "user.language": lambda event: event.user.language,
    "user.timezone": lambda event: event.user.timezone,
    "user.email": lambda event: event.user.email,
    "platform": lambda event: event.chat.platform,
    "account": lambda event: event.chat.account,
    "chat.id": lambda event: event.chat.chat,
    "chat.type": lambda event: event.chat.kind,
    "chat.title": lambda event: event.title,
    "message.date": lambda event: event.sent_at.isoformat(),
}


def facts(event: Inbound, sources: Mapping[str, str]) -> dict[str, str]:
    """Fill in what is known; a name whose source this platform does not tell is left out.

    sources: name = source, as in `[agents.<name>.variables]`; what users set themselves
    (`user-set`) is no fact.
    """
    known = {name: _fact(event, source) for name, source in sources.items()}
    return {name: value for name, value in known.items() if value}


def is_same_for_all(source: str) -> bool:
    """Tell whether the operator alone decides what comes from a source."""
    return source.startswith(_CONSTANT) or source in ("platform", "account")


def _fact(event: Inbound, source: str) -> str:
    if source.startswith(_CONSTANT):
        return source.removeprefix(_CONSTANT)
    tell = _FACTS.get(source)
    return tell(event) if tell else ""
