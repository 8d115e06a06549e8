"""A request to stop, which may come before or after there is something to stop."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

T = TypeVar("T")


class Stop:
    """Asked for once, obeyed by whoever is at work then."""

    def __init__(self) -> None:
        self._asked = False
        self._hurried = False
        self._awake = asyncio.Event()
        self._obey: Callable[[], object] | None = None

    @property
    def asked(self) -> bool:
        return self._asked

    def ask(self) -> None:
        """Stop what runs now, or what would begin next."""
        self._asked = True
        self._awake.set()
        if self._obey:
            self._obey()

    def hurry(self) -> None:
        """End every sleep, now and later, without asking anybody to stop."""
        self._hurried = True
        self._awake.set()

    @contextmanager
    def stops(self, obey: Callable[[], object]) -> Iterator[None]:
        """Inside, a request calls `obey`; one that came before calls it at once."""
        self._obey = obey
        if self.asked:
            obey()
        try:
            yield
        finally:
            self._obey = None

    async def unless(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Do some work, unless it is asked to stop: then the work is cancelled, and it is None."""
        task = asyncio.ensure_future(work)
        try:
            with self.stops(task.cancel):
                await asyncio.wait([task])
        finally:
            if task.cancel():
                await asyncio.wait([task])
        return None if task.cancelled() else task.result()

    async def sleep(self, seconds: float) -> None:
        """Sleep, but not longer than until the request, or until `hurry`.

        A request that came before ends one sleep: whoever sleeps again after it could not obey.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self._awake.wait(), seconds)
        if not self._hurried:
            self._awake.clear()
