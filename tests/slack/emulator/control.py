"""`/_emulator/…`: what another process, such as a load generator, asks the emulator.

GET state, log?since=N; POST say, press, faults, limits, outage, refresh; DELETE faults.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeAlias

from aiohttp import web

from tests.platforms import control as orders
from tests.slack.emulator.channels import Channel
from tests.slack.emulator.faults import parse
from tests.slack.emulator.limits import Limits
from tests.slack.emulator.model import Message
from tests.slack.emulator.params import Json

if TYPE_CHECKING:
    from tests.slack.emulator.emulator import Emulator

Deed: TypeAlias = Callable[["Emulator", Mapping[str, object]], Awaitable[Json]]


def add_routes(app: web.Application, emulator: "Emulator") -> None:
    """Register everything below /_emulator."""

    async def state(_: web.Request) -> web.Response:
        return web.json_response(shown(emulator))

    async def clear(_: web.Request) -> web.Response:
        emulator.faults.clear()
        return web.Response(status=204)

    app.router.add_get("/_emulator/state", state)
    app.router.add_get("/_emulator/log", orders.calls(emulator.journal))
    app.router.add_delete("/_emulator/faults", clear)
    for name, deed in _DEEDS.items():
        app.router.add_post(f"/_emulator/{name}", orders.handler(emulator, deed))


def shown(emulator: "Emulator") -> Json:
    """Every place with every message and its history, and what was counted."""
    return {
        "channels": [_channel(channel) for channel in emulator.channels.values()],
        "open_streams": [message.ts for message in emulator.open_streams],
        "pings": [{"whom": p.whom, "ts": p.message.ts} for p in emulator.pings],
        "calls": dict(emulator.journal.calls),
        "refused": [
            {"method": method, "channel": channel, "count": count}
            for (method, channel), count in emulator.journal.refusals.items()
        ],
        "connections": len(emulator.sockets.connections),
        "undelivered": len(emulator.deliveries.open),
        "lost": [delivery.event_id for delivery in emulator.deliveries.lost],
        "latencies": emulator.deliveries.latencies,
    }


def _channel(channel: Channel) -> Json:
    return channel.shown() | {
        "members": list(channel.members),
        "messages": [_message(message) for message in channel.messages.values()],
    }


def _message(message: Message) -> Json:
    return {
        "channel": message.channel.id,
        "ts": message.ts,
        "thread": message.thread,
        "user": message.sender.id,
        "from_app": message.from_app,
        "streaming": message.streaming,
        "deleted": message.deleted,
        "buttons": message.labels,
        "history": [{"text": each.content.seen, "at": each.at} for each in message.revisions],
    }


async def _say(emulator: "Emulator", told: Mapping[str, object]) -> Json:
    """`{"person": "Ann", "text": "hi"}`, with `"channel": "C…"` and `"thread"` if one likes."""
    person = emulator.person(_text(told, "person"))
    thread = _text(told, "thread") if "thread" in told else ""
    seat = person.dm().in_thread(thread)
    if "channel" in told:
        seat = person.at(_known(emulator, told), thread)
    return _message(await seat.say(_text(told, "text")))


async def _press(emulator: "Emulator", told: Mapping[str, object]) -> Json:
    """`{"person": "Ann", "channel": "D…", "ts": "…", "label": "Yes"}`."""
    message = _known(emulator, told).messages.get(_text(told, "ts"))
    if message is None:
        raise ValueError("ts: there is no such message")
    person = emulator.person(_text(told, "person"))
    return await message.press(_text(told, "label"), person)


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
    seconds = orders.number(told, "seconds")
    emulator.fail_for(float(seconds))
    return {"seconds": seconds}


async def _refresh(emulator: "Emulator", _: Mapping[str, object]) -> Json:
    """Ask every WebSocket to make way for a new one."""
    asked = len(emulator.sockets.usable)
    await emulator.sockets.refresh()
    return {"asked": asked}


def _known(emulator: "Emulator", told: Mapping[str, object]) -> Channel:
    channel = emulator.channels.get(_text(told, "channel"))
    if channel is None:
        raise ValueError("channel: there is no such channel")
    return channel


def _text(told: Mapping[str, object], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name}: must be a non-empty string")
    return value


_DEEDS: dict[str, Deed] = {
    "say": _say,
    "press": _press,
    "faults": _inject,
    "limits": _limit,
    "outage": _fail,
    "refresh": _refresh,
}
