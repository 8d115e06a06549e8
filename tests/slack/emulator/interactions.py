"""Slash commands and presses, and the URLs and triggers they come with."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.slack.emulator import content
from tests.slack.emulator.deliveries import Delivery
from tests.slack.emulator.errors import Refused
from tests.slack.emulator.params import Arguments, Json

if TYPE_CHECKING:
    from tests.slack.emulator.channels import Channel
    from tests.slack.emulator.emulator import Emulator
    from tests.slack.emulator.installs import Installation
    from tests.slack.emulator.model import Message
    from tests.slack.emulator.people import Person

RESPONSE_LIFE = 1800.0  # seconds
MOST_USES = 5
TRIGGER_LIFE = 3.0  # seconds
MENUS = ("static_select", "overflow", "radio_buttons")


@dataclass(slots=True, eq=False)
class Invocation:
    """A command or a press, and what came back. delivery: how it was told.

    replies: messages by the acknowledgement and by response_url, oldest first.
    """

    by: "Person"
    channel: "Channel"
    delivery: Delivery
    expires: float
    installation: "Installation"
    origin: "Message | None" = None
    replies: "list[Message]" = field(default_factory=list)
    uses: int = 0

    async def reply(self, *, within: float = 10.0) -> "Message":
        """Wait for the newest reply."""
        await self.channel.emulator.until(lambda _: self.replies, within=within)
        return self.replies[-1]


class Interactions:
    """Everything people pressed and typed."""

    def __init__(self, emulator: "Emulator") -> None:
        self._emulator = emulator
        self.all: dict[str, Invocation] = {}
        self.triggers: dict[str, float] = {}

    def command(self, channel: "Channel", by: "Person", command: str, text: str) -> Invocation:
        """Tell the app of a slash command. Raises `LookupError` if it is not installed."""
        installation = self._emulator.serving(channel, by)
        number, url = self._response_url()
        payload: Json = {
            "token": "legacy-verification-token",
            "team_id": by.team.id,
            "team_domain": by.team.domain,
            "channel_id": channel.id,
            "channel_name": "directmessage" if channel.is_direct else channel.name,
            "user_id": by.id,
            "user_name": by.name.lower(),
            "command": command,
            "text": text,
            "api_app_id": self._emulator.app_id,
            "is_enterprise_install": "true" if installation.team is None else "false",
            "response_url": url,
            "trigger_id": self._trigger(),
        }
        if by.team.enterprise is not None:
            payload["enterprise_id"] = by.team.enterprise.id
        return self._tell("slash_commands", number, payload, channel, by)

    def press(self, message: "Message", label: str, by: "Person") -> Json:
        """Press what is labelled so. Raises `LookupError` if nothing is."""
        for block, element, button in _buttons(message):
            if label in (_label(button), element.get("action_id")):
                return self._act(message, by, _pressed(block, element, button))
        raise LookupError(f"no button {label!r}; there are {message.labels}")

    def choose(self, message: "Message", option: str, by: "Person") -> Json:
        """Choose an option of a menu. Raises `LookupError` if there is none like it."""
        for block, element in _elements(message):
            options = element.get("options")
            if element.get("type") not in MENUS or not isinstance(options, list):
                continue
            for each in options:
                if option in (_label(each), each.get("value")):
                    chosen = _action(block, element) | {"selected_option": each}
                    return self._act(message, by, chosen)
        raise LookupError(f"no option {option!r}")

    def _act(self, message: "Message", by: "Person", action: Json) -> Json:
        channel, emulator = message.channel, self._emulator
        installation = emulator.serving(channel, by)
        home = installation.team or by.team
        number, url = self._response_url()
        payload: Json = {
            "type": "block_actions",
            "token": "legacy-verification-token",
            "api_app_id": emulator.app_id,
            "trigger_id": self._trigger(),
            "response_url": url,
            "user": {"id": by.id, "username": by.name.lower(), "name": by.name.lower()}
            | {"team_id": by.team.id},
            "team": {"id": home.id, "domain": home.domain}
            | ({"enterprise_id": home.enterprise.id} if home.enterprise else {}),
            "enterprise": {"id": home.enterprise.id, "name": home.enterprise.name}
            if home.enterprise
            else None,
            "is_enterprise_install": installation.team is None,
            "channel": {"id": channel.id, "name": channel.name or "directmessage"},
            "container": _container(message),
            "message": message.shown(),
            "state": {"values": {}},
            "actions": [action | {"action_ts": emulator.next_ts()}],
        }
        self._tell("interactive", number, payload, channel, by).origin = message
        return payload

    def submit(self, view: Json, by: "Person", **values: str) -> Json:
        """Fill in a dialogue and send it off. values: what is written, by `action_id`."""
        blocks = view["blocks"]
        assert isinstance(blocks, list)
        state = {
            block["block_id"]: {
                block["element"]["action_id"]: {
                    "type": block["element"]["type"],
                    "value": values.get(block["element"]["action_id"]),
                }
            }
            for block in blocks
            if block["type"] == "input"
        }
        payload: Json = {
            "type": "view_submission",
            "api_app_id": self._emulator.app_id,
            "team": {"id": by.team.id, "domain": by.team.domain},
            "user": {"id": by.id, "team_id": by.team.id},
            "trigger_id": self._trigger(),
            "view": view | {"state": {"values": state}},
        }
        self._emulator.deliveries.add("interactive", payload)
        return payload

    def _tell(
        self, kind: str, number: str, payload: Json, channel: "Channel", by: "Person"
    ) -> Invocation:
        def heard(delivery: Delivery) -> None:
            self._answered(number, delivery.answer)

        delivery = self._emulator.deliveries.add(kind, payload, heard)
        expires = self._emulator.clock() + RESPONSE_LIFE
        installation = self._emulator.serving(channel, by)
        self.all[number] = Invocation(by, channel, delivery, expires, installation)
        return self.all[number]

    def _answered(self, number: str, answer: object) -> None:
        """What came with the acknowledgement is a reply at once."""
        if isinstance(answer, str) and answer:
            self._reply(self.all[number], {"text": answer})
        elif isinstance(answer, dict) and (answer.get("text") or answer.get("blocks")):
            self._reply(self.all[number], answer)

    def respond(self, number: str, body: Json) -> None:
        """What was posted to a response_url. Raises `Refused`."""
        invocation = self.all.get(number)
        if invocation is None:
            raise Refused("invalid_url", status=404)
        if self._emulator.clock() > invocation.expires:
            raise Refused("expired_url", status=404)
        if invocation.uses >= MOST_USES:
            raise Refused("used_url", status=404)
        invocation.uses += 1
        self._reply(invocation, body)

    def _reply(self, invocation: Invocation, body: Json) -> None:
        """A message, seen by the person only unless it says otherwise; or a change of the old."""
        origin = invocation.origin
        if body.get("delete_original") and origin is not None:
            invocation.channel.remove(origin)
            return
        said = content.read(Arguments(body))
        if body.get("replace_original") and origin is not None:
            invocation.channel.revise(origin, said)
            return
        whisper = "" if body.get("response_type") == "in_channel" else invocation.by.id
        thread = str(body.get("thread_ts", "")) or (origin.thread if origin else "")
        invocation.replies.append(
            invocation.channel.post(
                invocation.installation.bot, said, thread=thread, whisper=whisper
            )
        )
        self._emulator.changed()

    def _response_url(self) -> tuple[str, str]:
        number = str(next(self._emulator.serial))
        return number, f"{self._emulator.url}/response/{number}"

    def _trigger(self) -> str:
        trigger = f"{next(self._emulator.serial)}.trigger"
        self.triggers[trigger] = self._emulator.clock() + TRIGGER_LIFE
        return trigger

    def check_trigger(self, trigger: str) -> None:
        """Raises `Refused` unless it is a fresh one, used for the first time."""
        expires = self.triggers.pop(trigger, None)
        if expires is None:
            raise Refused("invalid_trigger_id")
        if expires < self._emulator.clock():
            raise Refused("expired_trigger_id")


def _container(message: "Message") -> Json:
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel.id,
        "is_ephemeral": bool(message.whisper),
    }
    return container | ({"thread_ts": message.thread} if message.thread else {})


def _elements(message: "Message") -> Iterator[tuple[Json, Json]]:
    """Everything interactive: (block, element)."""
    for block in message.blocks:
        elements = block.get("elements", block.get("accessory", []))
        for element in elements if isinstance(elements, list) else [elements]:
            if isinstance(element, dict) and "action_id" in element:
                yield block, element


def _buttons(message: "Message") -> Iterator[tuple[Json, Json, Json]]:
    """Buttons: (block, element, button); feedback has two in one element."""
    for block, element in _elements(message):
        if element.get("type") == "feedback_buttons":
            for name in ("positive_button", "negative_button"):
                button = element.get(name)
                if isinstance(button, dict):
                    yield block, element, button
        elif element.get("type") in {"button", "icon_button"}:
            yield block, element, element


def _label(value: Json) -> str:
    text = value.get("text")
    return str(text.get("text")) if isinstance(text, dict) else ""


def _pressed(block: Json, element: Json, button: Json) -> Json:
    return _action(block, element) | {"value": button.get("value"), "text": button.get("text")}


def _action(block: Json, element: Json) -> Json:
    return {
        "type": element.get("type"),
        "action_id": element.get("action_id"),
        "block_id": block.get("block_id", "block"),
    }
