"""User variables and uploaded files."""

import hashlib
import shutil
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from uuid import uuid4

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


_FIT = {
    "image": ["jpg", "jpg2", "jpeg", "png", "gif", "webp", "heic", "heif", "bmp", "pcd", "tiff"],
    "audio": ["wav", "ogg"],  # for others the answer would not be spoken
}
_IN_MEMORY = 1024 * 1024  # bytes of a file; larger ones go into a temporary folder


class Intake:
    """A file while it arrives, piece by piece. limit: bytes."""

    def __init__(self, name: str, limit: int = LARGEST_FILE, folder: Path | None = None) -> None:
        self.name = name
        self.size = 0
        self._limit = limit
        self._folder = folder
        self._digest = hashlib.sha256()
        self._held = bytearray()
        self._path: Path | None = None

    def add(self, piece: bytes) -> None:
        """Take a piece. Raises `Refused` 4302 when it is too much."""
        self.size += len(piece)
        if self.size > self._limit:
            self.drop()
            raise refused(4302, f"The file is larger than {self._limit // 1024**2} MB")
        self._digest.update(piece)
        self._held += piece
        if self._folder is not None and len(self._held) > _IN_MEMORY:
            self._flush(self._folder)

    def _flush(self, folder: Path) -> None:
        self._path = self._path or folder / uuid4().hex
        with self._path.open("ab") as file:
            file.write(self._held)
        self._held.clear()

    def drop(self) -> None:
        """Forget what arrived."""
        self._held.clear()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def stored(self, key: str, owner: Identity, at: int) -> "StoredFile":
        """Return the file, once it is here."""
        if self._path is not None and self._folder is not None:
            self._flush(self._folder)
        sha256 = self._digest.hexdigest()
        held = bytes(self._held)
        return StoredFile(key, owner, self.name, self.size, sha256, at, held, self._path)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An upload. created_at: seconds since 1970."""

    id: str
    owner: Identity
    name: str
    size: int
    sha256: str
    created_at: int
    held: bytes = field(default=b"", repr=False)
    path: Path | None = None

    @property
    def content(self) -> bytes:
        """Its bytes, all at once."""
        return self.held if self.path is None else self.path.read_bytes()

    @property
    def extension(self) -> str:
        """What follows the last dot of its name, in lower case: it is judged by that."""
        return self.name.rpartition(".")[2].lower()

    def is_fit_for(self, kind: str) -> bool:
        """Tell whether it may be an item of an object_string of this kind."""
        return kind not in _FIT or self.extension in _FIT[kind]


class Files:
    """Uploaded files. Only the account that uploaded one may use it."""

    def __init__(self, ids: Ids, clock: Callable[[], float]) -> None:
        self.all: dict[str, StoredFile] = {}
        self._ids = ids
        self._clock = clock
        self._folder: Path | None = None

    def intake(self, name: str, limit: int = LARGEST_FILE) -> Intake:
        """Begin to take a file; what is large goes to a folder that goes with the emulator."""
        if self._folder is None:
            self._folder = Path(mkdtemp(prefix="emulator-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return Intake(name, limit, self._folder)

    def put(self, owner: Identity, taken: Intake) -> StoredFile:
        """Keep a file. Raises `Refused` 4300 if empty, 4303 by its type."""
        stored = self.checked(owner, taken)
        self.all[stored.id] = stored
        return stored

    def checked(self, owner: Identity, taken: Intake, types: str = _TYPES) -> StoredFile:
        """Look at a file, without keeping it. Raises `Refused` 4300, 4303."""
        stored = taken.stored(self._ids.next(), owner, int(self._clock()))
        if not stored.size:
            raise refused(4300, "The file is empty")
        if stored.extension not in types.split():
            taken.drop()
            raise refused(4303, f"The type of the file {stored.name!r} is not supported")
        return stored

    def get(self, owner: Identity, file_id: str) -> StoredFile:
        """Find a file. Raises `Refused` 4200 for one that is not the owner's."""
        stored = self.all.get(file_id)
        if stored is None or stored.owner.account != owner.account:
            raise refused(4200, f"The file {file_id} does not exist")
        return stored


@dataclass(slots=True)
class Audio:
    """What was written down and read aloud.

    transcripts: what the next recordings say; without one it is told what they are.
    recordings: as they arrived. spoken: texts, voices and formats.
    """

    transcripts: deque[str] = field(default_factory=deque)
    recordings: list[StoredFile] = field(default_factory=list)
    spoken: list[tuple[str, str, str]] = field(default_factory=list)
