"""One daemon per database file."""

import fcntl  # not on Windows, where the daemon does not run either
import os
from pathlib import Path

from bridge.errors import Permanent


class FileLock:
    """A lock that the operating system releases when the process dies, however it dies."""

    def __init__(self, path: Path) -> None:
        """Take the lock. Raises `Permanent` naming the holder if another process has it."""
        self._file = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            database = path.with_suffix("")
            raise Permanent(
                f"database {database} is in use by another coze-bridge (process {holder})"
            ) from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Let another process have it. The file stays: removing it would race with a taker."""
        self._file.close()


def holder_of(database: Path) -> str:
    """Tell which process has a database, by its number; empty if none has."""
    try:
        with database.with_name(database.name + ".lock").open(encoding="utf-8") as file:
            # Shared, and for a moment only, so that many may look at once.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return database.with_name(database.name + ".lock").read_text(encoding="utf-8").strip()
    except OSError:
        return ""
    return ""
