"""What a person can do in a place: write, edit, delete, react, send files.

What a person does is a coroutine, although nothing here waits: their app talks over a network
too, and so a test may be pointed at the real one.
"""

from typing import TYPE_CHECKING, Protocol

from tests.telegram.emulator import files
from tests.telegram.emulator.entities import Formatted, found
from tests.telegram.emulator.hearing import heard
from tests.telegram.emulator.inbox import Json
from tests.telegram.emulator.model import Message

if TYPE_CHECKING:
    from tests.telegram.emulator.chats import Chat
    from tests.telegram.emulator.people import Person


class _Place(Protocol):
    """Somebody somewhere: what the verbs below need to know."""

    @property
    def chat(self) -> "Chat": ...
    @property
    def person(self) -> "Person": ...
    @property
    def topic(self) -> int | None: ...


class Verbs:
    """What a person can do in a place. Each returns the message it made."""

    async def say(
        self: _Place, text: str, *, reply_to: Message | None = None, silently: bool = False
    ) -> Message:
        """Write a text. silently: the bot is not told (it came while the bot was away)."""
        return _posted(self, Formatted(text, found(text)), {}, reply_to, told=not silently)

    async def edit(self: _Place, message: Message, text: str) -> Message:
        """Change a text one wrote."""
        message.chat.revise(message, Formatted(text, found(text)), message.markup)
        if heard(message):
            kinds = {"business": "edited_business_message", "channel": "edited_channel_post"}
            kind = kinds.get("business" if message.business else message.chat.kind)
            message.chat.tell(kind or "edited_message", message.shown())
        return message

    async def delete(self: _Place, message: Message) -> None:
        """Delete a message, one's own or the bot's. Bots are told only in business chats."""
        message.chat.remove(message, "person")
        if message.business:
            payload: Json = {
                "business_connection_id": message.business,
                "chat": message.chat.brief(),
                "message_ids": [message.id],
            }
            message.chat.tell("deleted_business_messages", payload)

    async def react(self: _Place, message: Message, emoji: str) -> None:
        """React to a message; the bot is told if it asked for it."""
        old = [{"type": "emoji", "emoji": message.reaction}] if message.reaction else []
        message.reaction = emoji
        payload: Json = {
            "chat": self.chat.brief(),
            "message_id": message.id,
            "user": self.person.shown(),
            "date": int(self.chat.emulator.clock()),
            "old_reaction": old,
            "new_reaction": [{"type": "emoji", "emoji": emoji}] if emoji else [],
        }
        self.chat.tell("message_reaction", payload)

    async def photo(
        self: _Place, data: bytes = b"\xff\xd8\xff photo", caption: str = ""
    ) -> Message:
        file = self.chat.emulator.files.add(data, folder="photos", name="photo.jpg")
        return _posted(self, _caption(caption), files.photo(file))

    async def document(
        self: _Place,
        data: bytes = b"%PDF-1.7",
        *,
        name: str = "paper.pdf",
        mime: str = "application/pdf",
        caption: str = "",
        size: int | None = None,
    ) -> Message:
        """Send a file. size: what the bot is told, instead of the data's own."""
        file = self.chat.emulator.files.add(
            data, folder="documents", name=name, mime=mime, size=size
        )
        return _posted(self, _caption(caption), files.document(file))

    async def voice(self: _Place, data: bytes = b"OggS voice", *, seconds: int = 2) -> Message:
        file = self.chat.emulator.files.add(
            data, folder="voice", name="voice.oga", mime="audio/ogg"
        )
        return _posted(self, Formatted(), files.voice(file, seconds))

    async def audio(self: _Place, data: bytes = b"ID3 audio", *, name: str = "song.mp3") -> Message:
        file = self.chat.emulator.files.add(data, folder="music", name=name, mime="audio/mpeg")
        return _posted(self, Formatted(), files.audio(file))

    async def video(self: _Place, data: bytes = b"video", caption: str = "") -> Message:
        file = self.chat.emulator.files.add(
            data, folder="videos", name="video.mp4", mime="video/mp4"
        )
        return _posted(self, _caption(caption), files.video(file))

    async def sticker(self: _Place, emoji: str = "👍") -> Message:
        file = self.chat.emulator.files.add(b"RIFF", folder="stickers", name="sticker.webp")
        return _posted(self, Formatted(), files.sticker(file, emoji))

    async def album(self: _Place, *photos: bytes, caption: str = "") -> list[Message]:
        """Send several photos as one album; the first bears the caption."""
        group = str(13_000_000_000_000_000 + next(self.chat.emulator.serial))
        messages = []
        for number, data in enumerate(photos):
            file = self.chat.emulator.files.add(data, folder="photos", name="photo.jpg")
            extra = files.photo(file) | {"media_group_id": group}
            messages.append(_posted(self, _caption("" if number else caption), extra))
        return messages

    async def location(self: _Place, latitude: float, longitude: float) -> Message:
        where: Json = {"latitude": latitude, "longitude": longitude}
        return _posted(self, Formatted(), {"location": where})

    async def contact(self: _Place, phone: str, name: str) -> Message:
        who: Json = {"phone_number": phone, "first_name": name}
        return _posted(self, Formatted(), {"contact": who})

    async def service(self: _Place, **event: object) -> Message:
        """A service message, as in `service(new_chat_title="x")`."""
        return _posted(self, Formatted(), event)


def _caption(text: str) -> Formatted:
    return Formatted(text, found(text))


def _posted(
    place: _Place,
    body: Formatted,
    extra: Json,
    reply_to: Message | None = None,
    *,
    told: bool = True,
) -> Message:
    place.chat.started = True
    message = place.chat.post(
        place.person, body, thread=place.topic, reply_to=reply_to, extra=extra
    )
    if told and heard(message):
        place.chat.tell("business_message" if message.business else "message", message.shown())
    return message
