"""What the agent knows when it is asked."""

from collections.abc import Mapping

from bridge.emulator.answer import Memory, Sent
from bridge.emulator.emulator import Emulator
from bridge.emulator.question import content
from bridge.emulator.request import Asking
from bridge.emulator.shelves import Isolation
from bridge.emulator.state import Conversation, Identity, Status, refused


def memory_of(emulator: Emulator, asking: Asking, conversation: Conversation) -> Memory:
    """Gather it. Raises `Refused` 4200, 4000 for files that cannot be part of a question."""
    before = [content(message).text for message in asking.messages[:-1] if message.role == "user"]
    whose = Isolation(asking.caller, asking.user_id, "1024", asking.product_id)
    values = emulator.variables.get(whose, asking.known)
    sent = _sent(emulator, asking)
    return Memory(
        said=(*emulator.archive.said(conversation), *before),
        variables={value.keyword: value.value for value in values},
        files=tuple(each.name for each in sent),
        sent=sent,
        place=_place(asking.extra),
        asked=_asked(emulator, conversation),
        url=emulator.url,
        seed=emulator.seed,
    )


def _sent(emulator: Emulator, asking: Asking) -> tuple[Sent, ...]:
    """Look at the files that came with the question. Raises `Refused` 4200, 4000."""
    return tuple(_file(emulator, asking.caller, kind, key) for kind, key in asking.files)


def _file(emulator: Emulator, caller: Identity, kind: str, key: str) -> Sent:
    if key.startswith(("http://", "https://")):
        return Sent(kind, key)
    stored = emulator.files.get(caller, key)
    if not stored.is_fit_for(kind):
        raise refused(4000, f"Request parameter error: {stored.name} is no {kind}")
    return Sent(kind, stored.name, stored.size)


def _place(extra: Mapping[str, str]) -> tuple[str, str] | None:
    place = extra.get("latitude", ""), extra.get("longitude", "")
    return place if all(place) else None


def _asked(emulator: Emulator, conversation: Conversation) -> str:
    """Return what the agent asked back last, if it still waits for the reply."""
    last = emulator.archive.chats.get(conversation.newest)
    if last is None or last.status is not Status.REQUIRES_ACTION:
        return ""
    return last.question
