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

    async def video_note(self: _Place, data: bytes = b"round video") -> Message:
        file = self.chat.emulator.files.add(data, folder="video_notes", name="note.mp4")
        return _posted(self, Formatted(), files.video_note(file))

    async def animation(self: _Place, data: bytes = b"film", *, name: str = "cat.mp4") -> Message:
        file = self.chat.emulator.files.add(data, folder="animations", name=name, mime="video/mp4")
        return _posted(self, Formatted(), files.animation(file))

    async def sticker(
        self: _Place,
        emoji: str = "👍",
        data: bytes = b"RIFF",
        *,
        moves: str = "",
        still: bytes | None = None,
    ) -> Message:
        """Send a sticker. moves: "animated" or "video"; still: the picture that goes with it."""
        stored = self.chat.emulator.files
        name = {"animated": "sticker.tgs", "video": "sticker.webm"}.get(moves, "sticker.webp")
        file = stored.add(data, folder="stickers", name=name)
        picture = None if still is None else stored.add(still, folder="thumbnails", name="t.webp")
        return _posted(self, Formatted(), files.sticker(file, emoji, moves=moves, still=picture))

    async def album(self: _Place, *photos: bytes, caption: str = "") -> list[Message]:
        """Send several photos as one album; the first bears the caption."""
        group = str(13_000_000_000_000_000 + next(self.chat.emulator.serial))
        return [
            _part(self, group, data, "" if number else caption)
            for number, data in enumerate(photos)
        ]

    async def part(self: _Place, album: str, data: bytes = b"part", caption: str = "") -> Message:
        """Send one photo of an album, whose other parts come sooner or later."""
        return _part(self, album, data, caption)

    async def location(self: _Place, latitude: float, longitude: float) -> Message:
        where: Json = {"latitude": latitude, "longitude": longitude}
        return _posted(self, Formatted(), {"location": where})

    async def venue(
        self: _Place, latitude: float, longitude: float, title: str, address: str
    ) -> Message:
        where: Json = {"latitude": latitude, "longitude": longitude}
        venue: Json = {"location": where, "title": title, "address": address}
        return _posted(self, Formatted(), {"location": where, "venue": venue})

    async def moved(self: _Place, message: Message, latitude: float, longitude: float) -> None:
        """Be somewhere else by now, in a live location."""
        message.extra = {"location": {"latitude": latitude, "longitude": longitude}}
        self.chat.revise(message, message.body, message.markup)
        self.chat.tell("edited_message", message.shown())

    async def contact(self: _Place, phone: str, name: str) -> Message:
        who: Json = {"phone_number": phone, "first_name": name}
        return _posted(self, Formatted(), {"contact": who})

    async def service(self: _Place, **event: object) -> Message:
        """A service message, as in `service(new_chat_title="x")`."""
        return _posted(self, Formatted(), event)


def _part(place: _Place, album: str, data: bytes, caption: str) -> Message:
    file = place.chat.emulator.files.add(data, folder="photos", name="photo.jpg")
    return _posted(place, _caption(caption), files.photo(file) | {"media_group_id": album})


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
