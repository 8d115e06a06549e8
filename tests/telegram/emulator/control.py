"""`/_emulator/…`: what another process, such as a load generator, asks the emulator.

GET state, log?since=N, violations; POST say, press, faults, limits, outage; DELETE faults.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeAlias

from aiohttp import web

from tests.platforms import control as orders
from tests.platforms.control import number
from tests.telegram.emulator.chats import Chat
from tests.telegram.emulator.faults import parse
from tests.telegram.emulator.inbox import Json
from tests.telegram.emulator.limits import Limits
from tests.telegram.emulator.model import Message
from tests.telegram.emulator.people import Group

if TYPE_CHECKING:
    from tests.telegram.emulator.emulator import Emulator

Deed: TypeAlias = Callable[["Emulator", Mapping[str, object]], Awaitable[Json]]


def add_routes(app: web.Application, emulator: "Emulator") -> None:
    """Register everything below /_emulator."""

    async def state(_: web.Request) -> web.Response:
        return web.json_response(shown(emulator))

    async def violations(_: web.Request) -> web.Response:
        return web.json_response({"violations": emulator.violations})

    async def clear(_: web.Request) -> web.Response:
        emulator.faults.clear()
        return web.Response(status=204)

    app.router.add_get("/_emulator/state", state)
    app.router.add_get("/_emulator/log", orders.calls(emulator.journal))
    app.router.add_get("/_emulator/violations", violations)
    app.router.add_delete("/_emulator/faults", clear)
    for name, deed in _DEEDS.items():
        app.router.add_post(f"/_emulator/{name}", orders.handler(emulator, deed))


def shown(emulator: "Emulator") -> Json:
    """Every chat with every message and its history, and what was counted."""
    return {
        "chats": [_chat(chat) for chat in emulator.chats.values()],
        "pending": len(emulator.inbox.pending),
        "webhook": emulator.webhook.info(),
        "calls": dict(emulator.journal.calls),
        "refused": [
            {"method": method, "chat": chat, "count": count}
            for (method, chat), count in emulator.journal.refusals.items()
        ],
        "violations": emulator.violations,
    }


def _chat(chat: Chat) -> Json:
    return chat.brief() | {
        "status": chat.status,
        "messages": [_message(message) for message in chat.messages.values()],
        "draft": chat.draft.text if chat.draft else None,
    }


def _message(message: Message) -> Json:
    return {
        "id": message.id,
        "from_bot": message.from_bot,
        "thread": message.thread,
        "reply_to": message.reply_to.id if message.reply_to else None,
        "deleted": message.deleted,
        "buttons": [button.label for button in message.buttons],
        "file": message.chat.emulator.files.id_of(message),
        "history": [{"text": each.body.text, "at": each.at} for each in message.revisions],
    }


async def _say(emulator: "Emulator", told: Mapping[str, object]) -> Json:
    """`{"person": 1, "text": "hi"}`, in a group with `"chat": -4000001`."""
    person = emulator.person(number(told, "person"))
    text = told.get("text")
    if not isinstance(text, str) or not text:
        raise ValueError("text: must be a non-empty string")
    if told.get("chat") is None:
        return _message(await person.chat().say(text))
    chat = emulator.chats.get(number(told, "chat"))
    if not isinstance(chat, Group):
        raise ValueError("chat: there is no such group")
    return _message(await chat.say(person, text))


async def _press(emulator: "Emulator", told: Mapping[str, object]) -> Json:
    """`{"person": 1, "chat": 1, "message": 7, "label": "Yes"}`."""
    chat = emulator.chats.get(number(told, "chat"))
    message = chat.messages.get(number(told, "message")) if chat else None
    if message is None:
        raise ValueError("message: there is none")
    person = emulator.person(number(told, "person"))
    return {"query": await message.press(str(told.get("label", "")), person)}


async def _inject(emulator: "Emulator", told: Mapping[str, object]) -> Json:
    emulator.inject(parse(told))
    return {"open": len(emulator.faults.open)}


async def _limit(emulator: "Emulator", told: Mapping[str, object]) -> Json:
    """`{"on": false}` lets everything pass; other keys are those of `Limits`."""
    limits = orders.limits(Limits, told)
    emulator.throttle.set(limits)
    return {"limits": asdict(limits) if limits else None}


async def _fail(emulator: "Emulator", told: Mapping[str, object]) -> Json:
    """`{"seconds": 120}`: answer, then nobody answers for so long."""
    seconds = number(told, "seconds")
    emulator.fail_for(float(seconds))
    return {"seconds": seconds}


_DEEDS: dict[str, Deed] = {
    "say": _say,
    "press": _press,
    "faults": _inject,
    "limits": _limit,
    "outage": _fail,
}
