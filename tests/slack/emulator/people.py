"""The people's side: whom a test lets write, share, press and stop.

What a person does is a coroutine, although nothing here waits: their app talks over a network
too, and so a test may be pointed at the real one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from tests.slack.emulator.channels import Channel
from tests.slack.emulator.content import Content, typed
from tests.slack.emulator.files import File
from tests.slack.emulator.interactions import Invocation
from tests.slack.emulator.model import Message, User, Workspace
from tests.slack.emulator.params import Json

if TYPE_CHECKING:
    from tests.slack.emulator.emulator import Emulator
    from tests.slack.emulator.installs import Installation

T = TypeVar("T")


class Person(User):
    """Somebody with an account in one workspace. is_bot: of another app's bot."""

    def __init__(
        self, emulator: "Emulator", number: int, name: str, team: Workspace, *, bot: bool = False
    ) -> None:
        bot_id = f"B{number:010d}" if bot else ""
        super().__init__(f"U{number:010d}", name, team, bot_id=bot_id)
        self.emulator = emulator

    def dm(self, installation: "Installation | None" = None) -> "Seat":
        """The direct messages with our bot."""
        return Seat(self, self.emulator.dm(self, installation))

    def at(self, channel: Channel, thread: str = "") -> "Seat":
        return Seat(self, channel, thread)


@dataclass(frozen=True, slots=True)
class Seat:
    """Somebody somewhere. thread: the `ts` its messages answer to; "" is the channel itself."""

    person: Person
    channel: Channel
    thread: str = ""

    @property
    def emulator(self) -> "Emulator":
        return self.channel.emulator

    @property
    def id(self) -> str:
        return self.channel.id

    @property
    def answers(self) -> list[Message]:
        """What our app wrote here: in the thread, if this is one."""
        return [m for m in self.channel.answers if self.thread in ("", m.thread)]

    def in_thread(self, message: Message | str) -> "Seat":
        ts = message if isinstance(message, str) else message.root
        return Seat(self.person, self.channel, ts)

    async def say(self, text: str, *, silently: bool = False) -> Message:
        """Write. silently: the app is not told."""
        message = self.channel.post(self.person, Content(typed(text)), thread=self.thread)
        if not silently:
            self.emulator.events.posted(message)
        return message

    async def broadcast(self, text: str) -> Message:
        """Answer in a thread, and show it in the channel as well."""
        return self._told(Content(typed(text)), "thread_broadcast")

    async def share(
        self,
        data: bytes = b"%PDF-1.7",
        *,
        name: str = "paper.pdf",
        mime: str = "application/pdf",
        text: str = "",
        **more: object,
    ) -> Message:
        """Share a file. more: further fields of the file."""
        return await self.share_all([self.upload(data, name, mime, **more)], text)

    def upload(
        self, data: bytes, name: str = "paper.pdf", mime: str = "application/pdf", **more: object
    ) -> File:
        """Upload a file without sharing it yet. more: further fields of it."""
        file = self.emulator.files.add(name, mime, self.person.id, data)
        file.foreign = self.person.team is not self.channel.team
        for field, value in more.items():
            setattr(file, field, value)
        return file

    async def share_all(
        self, files: list[File], text: str = "", *, silently: bool = False
    ) -> Message:
        """Share files. In a shared channel, others' apps learn only that they exist.

        silently: the app is not told.
        """
        message = self.channel.post(
            self.person,
            Content(typed(text)),
            thread=self.thread,
            subtype="file_share",
            files=files,
        )
        if not silently:
            self.emulator.events.posted(message)
        return message

    async def edit(self, message: Message, text: str) -> None:
        before = message.shown()
        self.channel.revise(message, Content(typed(text)))
        self.emulator.events.edited(message, before)

    async def forward(self, message: Message, text: str = "") -> Message:
        """Forward a message to here, with a comment or without."""
        share = {"is_share": True, "author_name": message.sender.name, "text": message.text}
        share["files"] = [file.shown(in_event=True) for file in message.files]
        posted = self.channel.post(self.person, Content(typed(text)), thread=self.thread)
        posted.attachments.append(share)
        self.emulator.events.posted(posted)
        return posted

    async def react(self, message: Message, name: str = "+1") -> None:
        """React to a message."""
        message.reactions.append((name, self.person.id))
        self._reaction("reaction_added", message, name)

    async def take_back(self, message: Message, name: str = "+1") -> None:
        """Take a reaction back."""
        message.reactions.remove((name, self.person.id))
        self._reaction("reaction_removed", message, name)

    def _reaction(self, kind: str, message: Message, name: str) -> None:
        event: Json = {
            "type": kind,
            "user": self.person.id,
            "reaction": name,
            "item_user": message.sender.id,
            "item": {"type": "message", "channel": self.channel.id, "ts": message.ts},
            "event_ts": self.emulator.next_ts(),
        }
        self.emulator.events.tell(self.channel, event)
        self.emulator.changed()

    async def delete(self, message: Message) -> None:
        self.channel.remove(message)
        self.emulator.events.deleted(message)

    async def integration(self, text: str) -> Message:
        """An older integration of this person's writes: a bot without a user."""
        return self._told(Content(text), "bot_message")

    async def join(self) -> Message:
        """Come into the channel."""
        self.channel.members[self.person.id] = self.person
        text = f"{self.person.mention} has joined the channel"
        return self._told(Content(text), "channel_join")

    def _told(self, content: Content, subtype: str) -> Message:
        message = self.channel.post(self.person, content, thread=self.thread, subtype=subtype)
        self.emulator.events.posted(message)
        return message

    async def final(self, end: str, *, within: float = 10.0) -> Message:
        """Wait for an answer that ends like this and is not being streamed any more."""
        return await self.channel.final(end, thread=self.thread, within=within)

    async def until(self, happened: "Callable[[Seat], T]", *, within: float = 10.0) -> T:
        """Wait for something to be true here, and return what it was."""
        await self.emulator.until(lambda _: happened(self), within=within)
        return happened(self)

    async def command(self, command: str, text: str = "") -> Invocation:
        """Type a slash command, as in `command("/coze", "help")`."""
        return self.emulator.interactions.command(self.channel, self.person, command, text)

    # What agents have beside.

    async def open_tab(self, tab: str = "messages") -> None:
        """Open the app. `home` is its other tab."""
        event: Json = {
            "type": "app_home_opened",
            "user": self.person.id,
            "channel": self.channel.id,
            "tab": tab,
            "event_ts": self.emulator.next_ts(),
        }
        self.emulator.events.tell(self.channel, event)

    async def open_assistant(self, looking_at: Channel | None = None) -> "Seat":
        """Open the older assistant's pane, which is a thread of its own.

        Raises `LookupError` if the app has the newer view, which has no panes.
        """
        if self.emulator.view != "assistant":
            raise LookupError("this app has the agent's view")
        ts = self.emulator.next_ts()
        self._assistant("assistant_thread_started", ts, looking_at)
        return Seat(self.person, self.channel, ts)

    async def look_at(self, other: Channel) -> None:
        """Go to another channel while the assistant's pane is open."""
        self._assistant("assistant_thread_context_changed", self.thread, other)

    def _assistant(self, kind: str, thread: str, looking_at: Channel | None) -> None:
        context: Json = {}
        if looking_at is not None:
            context = {"channel_id": looking_at.id, "team_id": looking_at.team.id}
        about: Json = {
            "user_id": self.person.id,
            "context": context,
            "channel_id": self.channel.id,
            "thread_ts": thread,
        }
        event: Json = {"type": kind, "assistant_thread": about, "event_ts": self.emulator.next_ts()}
        self.emulator.events.tell(self.channel, event)

    @property
    def prompts(self) -> list[str]:
        """The titles of the prompts suggested here."""
        return [str(prompt["title"]) for prompt in self.channel.prompts.get(self.thread, [])]

    async def pick(self, title: str) -> Message:
        """Take a suggested prompt. Raises `LookupError` if there is none of this title."""
        for prompt in self.channel.prompts.get(self.thread, []):
            if prompt["title"] == title:
                return await self.say(str(prompt["message"]))
        raise LookupError(f"no prompt {title!r}; there are {self.prompts}")

    async def stop(self) -> None:
        """Press Stop, which ends the streams of this thread.

        Raises `LookupError` unless something is streamed or the session is being processed.
        """
        streaming = [m for m in self.answers if m.streaming]
        states = self.channel.sessions.get(self.thread, [])
        if not streaming and states[-1:] != ["processing"]:
            raise LookupError("there is nothing to stop")
        for message in streaming:
            assert message.stream is not None
            message.stream.ended = "by user"
        event: Json = {
            "type": "agent_session_stopped",
            "channel": self.channel.id,
            "thread_ts": self.thread,
            "user": self.person.id,
            "streaming_message_ts": [message.ts for message in streaming],
            "event_ts": self.emulator.next_ts(),
        }
        self.emulator.events.tell(self.channel, event)
        self.emulator.changed()
