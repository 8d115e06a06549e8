"""Files people send and bots upload, and where to download them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tests.telegram.emulator.errors import bad
from tests.telegram.emulator.inbox import Json
from tests.telegram.emulator.model import Message

LARGEST_DOWNLOAD = 20 * 1024 * 1024  # bytes
LARGEST_UPLOAD = 50 * 1024 * 1024
LARGEST_PHOTO = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class File:
    """A stored file. size: as told to the bot, whatever the data really is."""

    id: str
    name: str
    mime: str
    data: bytes
    size: int
    path: str

    @property
    def unique(self) -> str:
        return f"AQAD{self.id[-12:]}"

    def shown(self) -> Json:
        return {"file_id": self.id, "file_unique_id": self.unique, "file_size": self.size}


class Files:
    """Everything stored, by id and by path.

    local: the folder of a server that runs with --local: it tells paths on the disk, and has no
    limit; None for a server that hands files out over HTTP.
    """

    local: Path | None = None

    def __init__(self) -> None:
        self._by_id: dict[str, File] = {}
        self._by_path: dict[str, File] = {}

    def add(
        self, data: bytes, *, folder: str, name: str = "", mime: str = "", size: int | None = None
    ) -> File:
        number = len(self._by_id) + 1
        digest = hashlib.sha256(f"{number} {name}".encode()).hexdigest()
        ending = name.rpartition(".")[2] if "." in name else "bin"
        file = File(
            f"BQACAgIAAx{digest[:32]}",
            name,
            mime,
            data,
            len(data) if size is None else size,
            f"{folder}/file_{number}.{ending}",
        )
        self._by_id[file.id] = file
        self._by_path[file.path] = file
        if self.local is not None:
            self._write(self.local / file.path, data)
        return file

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def forget(self, file: File) -> None:
        """Keep its id, and nothing behind it: an hour has passed."""
        del self._by_path[file.path]

    def path_of(self, file: File) -> str:
        """What getFile tells. Raises `Refused` for a file that is too large."""
        if self.local is not None:
            return str(self.local / file.path)
        if file.size > LARGEST_DOWNLOAD:
            raise bad("file is too big")
        return file.path

    def get(self, file_id: str) -> File:
        """Raises `Refused`."""
        if not file_id:
            raise bad("file_id not specified")
        file = self._by_id.get(file_id)
        if file is None:
            raise bad("wrong file_id or the file is temporarily unavailable")
        return file

    def of(self, message: Message) -> File:
        """The file of a message; of a photo the largest. Raises `LookupError`."""
        for held in message.extra.values():
            one = held[-1] if isinstance(held, list) else held
            if isinstance(one, dict) and one.get("file_id") in self._by_id:
                return self._by_id[one["file_id"]]
        raise LookupError(f"no file in {message}")

    def id_of(self, message: Message) -> str | None:
        """The id of its file, if it has one."""
        try:
            return self.of(message).id
        except LookupError:
            return None

    def at(self, path: str) -> File | None:
        return self._by_path.get(path)


def photo(file: File) -> Json:
    """A photo in two sizes, the larger one last, as they always come."""
    small = file.shown() | {"width": 90, "height": 67, "file_size": min(file.size, 1500)}
    return {"photo": [small, file.shown() | {"width": 1280, "height": 960}]}


def document(file: File) -> Json:
    return {"document": file.shown() | {"file_name": file.name, "mime_type": file.mime}}


def voice(file: File, seconds: int = 2) -> Json:
    return {"voice": file.shown() | {"duration": seconds, "mime_type": file.mime}}


def audio(file: File, seconds: int = 180) -> Json:
    more: Json = {"duration": seconds, "file_name": file.name, "mime_type": file.mime}
    return {"audio": file.shown() | more}


def video(file: File, seconds: int = 5) -> Json:
    more: Json = {"duration": seconds, "width": 640, "height": 480, "mime_type": file.mime}
    return {"video": file.shown() | more}


def video_note(file: File, seconds: int = 3) -> Json:
    return {"video_note": file.shown() | {"duration": seconds, "length": 240}}


def animation(file: File, seconds: int = 2) -> Json:
    """An animation; older clients get it once more, as a document."""
    told = document(file)
    shape: Json = {"duration": seconds, "width": 320, "height": 240}
    return {"animation": told["document"] | shape, **told}


def sticker(file: File, emoji: str, *, moves: str = "", still: File | None = None) -> Json:
    """A sticker. moves: "animated" or "video"; still: the picture that stands for it then."""
    more: Json = {
        "type": "regular",
        "width": 512,
        "height": 512,
        "is_animated": moves == "animated",
        "is_video": moves == "video",
        "emoji": emoji,
    }
    if still is not None:
        more["thumbnail"] = still.shown() | {"width": 128, "height": 128}
    return {"sticker": file.shown() | more}
