"""User variables and uploaded files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.emulator.bots import Variable
from bridge.emulator.ids import Ids
from bridge.emulator.state import Identity, refused


@dataclass(frozen=True, slots=True)
class Isolation:
    """Whose variables: nothing is shared where one of these differs."""

    owner: Identity
    connector_uid: str
    connector_id: str
    product_id: str


@dataclass(frozen=True, slots=True)
class Value:
    """A value; both times (seconds since 1970) are 0 for a default that was never set."""

    keyword: str
    value: str
    create_time: int = 0
    update_time: int = 0


class Variables:
    """Values of user variables.

    puts: every call that set some, refused ones too. delay: seconds such a call takes.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.puts: list[tuple[Isolation, dict[str, str]]] = []
        self.gets = 0
        self.delay = 0.0
        self._values: dict[tuple[Isolation, str], Value] = {}
        self._clock = clock

    def get(self, whose: Isolation, known: Sequence[Variable]) -> list[Value]:
        """Return the value, or the default, of every enabled variable in `known`."""
        return [
            self._values.get((whose, variable.keyword), Value(variable.keyword, variable.default))
            for variable in known
            if variable.enable
        ]

    def put(
        self, whose: Isolation, known: Sequence[Variable], data: Sequence[tuple[str, str]]
    ) -> None:
        """Set values. Raises `Refused` 4000 for any that may not be set, and then sets none."""
        settable = {v.keyword for v in known if v.enable and v.channel != "system"}
        for keyword, _ in data:
            if keyword not in settable:
                raise refused(4000, f"The variable {keyword} does not exist or cannot be set")
        now = int(self._clock())
        for keyword, text in data:
            old = self._values.get((whose, keyword))
            created = old.create_time if old else now
            self._values[whose, keyword] = Value(keyword, text, created, now)


_TYPES = (
    "doc docx xls xlsx ppt pptx pdf numbers csv cpp py java c jpg jpg2 jpeg png gif webp heic "
    "heif bmp pcd tiff wav mp3 flac m4a aac ogg wma midi mp4 avi mov 3gp 3gpp flv webm wmv rmvb "
    "m4v mkv rar zip 7z gz gzip bz2"
)
LARGEST_FILE = 512 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An upload, with its bytes."""

    id: str
    owner: Identity
    name: str
    content: bytes
    created_at: int


class Files:
    """Uploaded files. Only the account that uploaded one may use it."""

    def __init__(self, ids: Ids, clock: Callable[[], float]) -> None:
        self.all: dict[str, StoredFile] = {}
        self._ids = ids
        self._clock = clock

    def put(self, owner: Identity, name: str, content: bytes) -> StoredFile:
        """Keep a file. Raises `Refused` 4300 if empty, 4302 if too big, 4303 by its type."""
        if not content:
            raise refused(4300, "The file is empty")
        if len(content) > LARGEST_FILE:
            raise refused(4302, "The file is larger than 512 MB")
        if name.rpartition(".")[2].lower() not in _TYPES.split():
            raise refused(4303, f"The type of the file {name!r} is not supported")
        stored = StoredFile(self._ids.next(), owner, name, content, int(self._clock()))
        self.all[stored.id] = stored
        return stored

    def get(self, owner: Identity, file_id: str) -> StoredFile:
        """Find a file. Raises `Refused` 4200 for one that is not the owner's."""
        stored = self.all.get(file_id)
        if stored is None or stored.owner.account != owner.account:
            raise refused(4200, f"The file {file_id} does not exist")
        return stored
