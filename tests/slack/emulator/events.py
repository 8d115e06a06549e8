"""Events: which installations hear of what, and how it is wrapped."""

from typing import TYPE_CHECKING

from tests.slack.emulator.channels import Channel
from tests.slack.emulator.model import Message, Workspace
from tests.slack.emulator.params import Json

if TYPE_CHECKING:
    from tests.slack.emulator.emulator import Emulator
    from tests.slack.emulator.installs import Installation

_PLURAL = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}
EVERY = frozenset(
    {
        "app_home_opened",
        "app_mention",
        "agent_session_stopped",
        "app_uninstalled",
        "assistant_thread_context_changed",
        "assistant_thread_started",
        "member_joined_channel",
        "message.channels",
        "message.groups",
        "message.im",
        "message.mpim",
        "reaction_added",
        "reaction_removed",
        "tokens_revoked",
    }
)


class Events:
    """subscribed: the app's bot events. echo: whether it hears of its own messages."""

    def __init__(self, emulator: "Emulator") -> None:
        self._emulator = emulator
        self.subscribed = set(EVERY)
        self.echo = True

    def posted(self, message: Message) -> None:
        """Tell of a message; one that names the bot is told twice, under different ids."""
        if message.whisper or (message.from_app and not self.echo):
            return
        event = _about(message)
        for installation in self.hearers(message.channel):
            plain = not message.subtype and not message.sender.is_bot
            mentioned = installation.bot.mention in message.text
            if plain and mentioned and not message.channel.is_direct:
                mention = {key: value for key, value in event.items() if key != "channel_type"}
                self.emit(installation, message.channel, mention | {"type": "app_mention"})
            self.emit(installation, message.channel, event)

    def edited(self, message: Message, before: Json) -> None:
        """A change is a message about a message."""
        about: Json = {"message": message.shown(), "previous_message": before}
        self._hidden(message, "message_changed", about)

    def deleted(self, message: Message) -> None:
        about: Json = {"deleted_ts": message.ts, "previous_message": message.shown()}
        self._hidden(message, "message_deleted", about)

    def _hidden(self, message: Message, subtype: str, about: Json) -> None:
        if message.whisper or (message.from_app and not self.echo):
            return
        ts = self._emulator.next_ts()
        event: Json = {"type": "message", "subtype": subtype, "hidden": True, "ts": ts}
        self.tell(message.channel, event | _place(message.channel, ts) | about)

    def tell(self, channel: Channel, event: Json) -> None:
        """Tell everybody who hears what happens in this channel."""
        for installation in self.hearers(channel):
            self.emit(installation, channel, event)

    def hearers(self, channel: Channel) -> "list[Installation]":
        return [
            installation
            for installation in self._emulator.installations
            if installation.active
            and installation.bot.id in channel.members
            and any(installation.covers(team) for team in channel.teams)
        ]

    def emit(self, installation: "Installation", place: Channel | Workspace, event: Json) -> None:
        """Wrap an event for one installation and send it, if the app wants to hear of it."""
        if _name(event) not in self.subscribed:
            return
        self._emulator.deliveries.add("events_api", self._wrapped(installation, place, event))

    def _wrapped(
        self, installation: "Installation", place: Channel | Workspace, event: Json
    ) -> Json:
        home = place.team if isinstance(place, Channel) else place
        team = installation.team or home
        authorization: Json = {
            "enterprise_id": team.enterprise_id,
            "team_id": installation.team.id if installation.team else None,
            "user_id": installation.bot.id,
            "is_bot": True,
            "is_enterprise_install": installation.team is None,
        }
        return {
            "token": "legacy-verification-token",
            "team_id": team.id,
            "enterprise_id": team.enterprise_id,
            "context_team_id": team.id,
            "context_enterprise_id": team.enterprise_id,
            "api_app_id": self._emulator.app_id,
            "type": "event_callback",
            "event_id": f"Ev{next(self._emulator.serial):010d}",
            "event_time": int(self._emulator.clock()),
            "authorizations": [authorization],
            "is_ext_shared_channel": isinstance(place, Channel) and place.is_shared,
            "event_context": f"4-context-{next(self._emulator.serial)}",
            "event": event,
        }


def _name(event: Json) -> str:
    """What the app subscribes to."""
    if event["type"] != "message":
        return str(event["type"])
    return f"message.{_PLURAL[str(event['channel_type'])]}"


def _place(channel: Channel, ts: str) -> Json:
    return {"channel": channel.id, "channel_type": channel.kind, "event_ts": ts}


def _about(message: Message) -> Json:
    event = message.shown() | _place(message.channel, message.ts)
    if message.subtype == "bot_message":
        event |= {"bot_id": "B0000000000", "username": event.pop("user")}
    if not message.sender.is_bot and not message.subtype:
        said = {"type": "text", "text": message.text}
        section: Json = {"type": "rich_text_section", "elements": [said]}
        event["client_msg_id"] = f"client-{message.ts}"
        event["blocks"] = [{"type": "rich_text", "block_id": "b", "elements": [section]}]
    if message.sender.team not in (message.channel.team, None):
        event |= {"user_team": message.sender.team.id, "source_team": message.sender.team.id}
    return event
