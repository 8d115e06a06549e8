"""Files: those people share, and those the app uploads in three steps."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.slack.emulator.errors import Refused
from tests.slack.emulator.params import Json

if TYPE_CHECKING:
    from tests.slack.emulator.emulator import Emulator

LOGIN = "<!DOCTYPE html><html><head><title>Slack</title></head><body>Sign in</body></html>"


@dataclass(slots=True, eq=False)
class File:
    """One file. data: None until it was uploaded; complete: once it was shared.

    mode: hosted, snippet, external, tombstone … moved: where its address redirects to.
    shares: channels and timestamps; Slack tells of them after `unseen` looks at the file.
    """

    url: str
    id: str
    name: str
    mime: str
    owner: str
    data: bytes | None = None
    complete: bool = True
    title: str = ""
    foreign: bool = False  # of another organisation: events tell only that it exists
    alt: str = ""
    length: int = 0  # as it was announced before an upload
    mode: str = "hosted"
    subtype: str = ""
    moved: str = ""
    shares: list[tuple[str, str]] = field(default_factory=list)
    unseen: int = 0
    shown_token: bool = False  # whoever uploaded it showed a token, which nobody asked for

    def shown(self, *, in_event: bool = False) -> Json:
        if in_event and self.foreign:
            return {"id": self.id, "mode": "file_access", "file_access": "check_file_info"}
        if self.mode == "tombstone":
            return {"id": self.id, "mode": self.mode}
        body: Json = {
            "id": self.id,
            "name": self.name,
            "title": self.title or self.name,
            "mimetype": self.mime,
            "filetype": self.name.rpartition(".")[2],
            "user": self.owner,
            "size": len(self.data or b""),
            "mode": self.mode,
            "is_external": self.mode == "external",
            "alt_txt": self.alt,
        }
        return body | self._links() | ({"subtype": self.subtype} if self.subtype else {})

    def _links(self) -> Json:
        if self.mode == "external":
            return {"url_private": self.moved}
        return {
            "url_private": f"{self.url}/files-pri/{self.id}/{self.name}",
            "url_private_download": f"{self.url}/files-pri/{self.id}/download/{self.name}",
        }

    def looked_at(self) -> Json:
        """The file as `files.info` has it. What was just shared, Slack does not know at once."""
        known = {channel: [{"ts": ts}] for channel, ts in self.shares}
        if self.unseen:
            self.unseen -= 1
            known = {}
        return self.shown() | {"shares": {"private": known} if known else {}}


class Files:
    """Every file, by id. unseen: of files uploaded from now on, see `File`."""

    def __init__(self, emulator: "Emulator") -> None:
        self._emulator = emulator
        self.unseen = 1
        self.all: dict[str, File] = {}

    def add(self, name: str, mime: str, owner: str, data: bytes | None = None) -> File:
        file_id = f"F{next(self._emulator.serial):010d}"
        file = File(self._emulator.url, file_id, name, mime, owner, data, data is not None)
        self.all[file_id] = file
        return file

    def find(self, file_id: str) -> File:
        """Raises `Refused`."""
        if file_id not in self.all:
            raise Refused("file_not_found")
        return self.all[file_id]

    def upload(self, file_id: str, data: bytes) -> File:
        """What was posted to an upload URL. Raises `Refused`."""
        file = self.find(file_id)
        if file.complete:
            raise Refused("file_already_completed")
        if len(data) != file.length:
            raise Refused("length_mismatch")
        file.data = data
        return file
