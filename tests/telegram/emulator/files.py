"""Files people send and bots upload, and where to download them."""

import hashlib
from dataclasses import dataclass

from tests.telegram.emulator.errors import bad
from tests.telegram.emulator.inbox import Json

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
    """Everything stored, by id and by path."""

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
        return file

    def get(self, file_id: str) -> File:
        """Raises `Refused`."""
        if not file_id:
            raise bad("file_id not specified")
        file = self._by_id.get(file_id)
        if file is None:
            raise bad("wrong file_id or the file is temporarily unavailable")
        return file

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


def sticker(file: File, emoji: str) -> Json:
    more: Json = {
        "type": "regular",
        "width": 512,
        "height": 512,
        "is_animated": False,
        "is_video": False,
        "emoji": emoji,
    }
    return {"sticker": file.shown() | more}
