"""Whether the queue still speaks with the database, seen from outside of both."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg


class Pulse:
    """Notices a queue whose connections hang though the database is well.

    So it was after a server had been frozen for a while and thawed: each query of the queue's
    pool waited for ever, and only a new process helped. What hangs there must not keep us from
    noticing it, hence neither the pool nor the event loop is used here.

    url: as `conninfo` gives it. worker: the queue's name at the moment, None between two.
    longest: seconds without a beat.
    """

    def __init__(self, url: str, worker: Callable[[], int | None], longest: float) -> None:
        self._url = url
        self._worker = worker
        self._longest = longest
        self._silent_since: float | None = None

    def is_gone(self) -> bool:
        """The database has answered us for a while, and has not heard the queue for longer."""
        since = self._silent_since
        return since is not None and time.monotonic() - since > self._longest / 2

    @contextmanager
    def felt(self, every: float) -> Iterator[None]:
        """Look every so many seconds for as long as the context is open."""
        over = threading.Event()
        # A daemon: where it waits for a server that hangs, the process must be able to end.
        threading.Thread(target=self._feel, args=(every, over), name="pulse", daemon=True).start()
        try:
            yield
        finally:
            over.set()

    def _feel(self, every: float, over: threading.Event) -> None:
        while not over.wait(every):
            try:
                with self._connected() as connection:
                    while not over.wait(every):
                        self._note(self._age(connection))
            except psycopg.Error:  # told by those whose work it is
                self._silent_since = None

    def _connected(self) -> psycopg.Connection:
        return psycopg.connect(self._url, autocommit=True)

    def _age(self, connection: psycopg.Connection) -> float | None:
        worker = self._worker()
        if worker is None:
            return None
        row = connection.execute(_AGE, (worker,)).fetchone()
        return None if row is None else float(row[0])

    def _note(self, age: float | None) -> None:
        if age is None or age < self._longest:
            self._silent_since = None
        elif self._silent_since is None:
            self._silent_since = time.monotonic()


_AGE = """
SELECT extract(epoch FROM clock_timestamp() - last_heartbeat)
FROM procrastinate_workers WHERE id = %s
"""
