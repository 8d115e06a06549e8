"""SIGHUP: the configuration is read again, and what can change while the bridge runs does.

A configuration with mistakes changes nothing. What cannot change is named, and stays as it was
until a restart.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pydantic import BaseModel

from bridge.access import Rules
from bridge.adapter import Adapter, Adjusts
from bridge.config import Settings
from bridge.errors import Misconfigured
from bridge.logs import get, set_level

log = get(__name__)

LIMITS = ("messages_per_minute", "tokens_per_day", "tokens_per_day_total")
"""What may change of an agent; the rest of its table is wired into the stages."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something that can change while it runs.

    keys: patterns of the dotted names that concern it. take: called with the whole new settings,
    of which it takes only those.
    """

    keys: Sequence[str]
    take: Callable[[Settings], object]

    def wants(self, key: str) -> bool:
        """Tell whether a key concerns it."""
        return any(fnmatchcase(key, pattern) for pattern in self.keys)


class Reload:
    """Reads the configuration again when it is called.

    settings: those the bridge was started with. read: raises `Misconfigured`.
    """

    def __init__(
        self, settings: Settings, read: Callable[[], Settings], parts: Sequence[Part]
    ) -> None:
        self._started = settings
        self._current = settings
        self._read = read
        self._parts = parts

    def __call__(self) -> None:
        """Change what can change, and tell the log; never raises for a mistake of an operator."""
        try:
            wanted = self._read()
        except (Misconfigured, OSError) as error:
            problems = error.problems if isinstance(error, Misconfigured) else [str(error)]
            log.error("reload.refused", problems=problems, remedy="mend them, and reload again")
            return
        changed = [key for key in differences(self._current, wanted) if self._is_live(key)]
        fixed = [key for key in differences(self._started, wanted) if not self._is_live(key)]
        for part in self._parts:
            if any(map(part.wants, changed)):
                part.take(wanted)
        self._current = wanted
        for key in fixed:
            log.warning("reload.needs_restart", key=key, remedy="this key needs a restart")
        log.info("reload.done", changed=changed, needs_restart=fixed)

    def _is_live(self, key: str) -> bool:
        return any(part.wants(key) for part in self._parts)


def parts_of(rules: Rules, adapters: Mapping[str, Adapter]) -> list[Part]:
    """List everything that can change: access and limits, the log's level, some of the pace."""
    limits = [f"agents.*.{limit}" for limit in LIMITS]
    return [
        Part(("log.level",), lambda its: set_level(its.log.level)),
        Part(("access.*", *limits), lambda its: _replace(rules, its)),
        *(
            _adjustable(account, adapter)
            for account, adapter in adapters.items()
            if isinstance(adapter, Adjusts)
        ),
    ]


def _replace(rules: Rules, wanted: Settings) -> None:
    """Agents come and go with a restart only, so those there are remain."""
    known = {name: its for name, its in wanted.agents.items() if name in rules.agents}
    rules.replace(wanted.access, {**rules.agents, **known})


def _adjustable(account: str, adapter: Adjusts) -> Part:
    keys = [f"adapters.{account}.{key}" for key in adapter.adjustable]
    return Part(keys, lambda its: adapter.adjust(its.adapters[account]))


def differences(before: object, after: object, where: str = "") -> Iterator[str]:
    """Name what is not the same, as deep as both sides have it; never a value."""
    if before == after:
        return
    both = _fields(before), _fields(after)
    if both[0] is None or both[1] is None or type(before) is not type(after):
        yield where
        return
    for name in sorted(both[0].keys() | both[1].keys()):
        inner = f"{where}.{name}".lstrip(".")
        yield from differences(both[0].get(name), both[1].get(name), inner)


def _fields(value: object) -> Mapping[str, object] | None:
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    return value if isinstance(value, Mapping) else None


@contextmanager
def on_hangup(reload: Callable[[], None], stop: asyncio.Event) -> Iterator[None]:
    """Reload on SIGHUP, inside.

    A terminal that is closed sends the same signal. Then there is nothing to reload for: it is a
    request to stop, like Ctrl-C.
    """
    terminals = [number for number in range(3) if os.isatty(number)]
    loop = asyncio.get_running_loop()

    def handle() -> None:
        if all(map(os.isatty, terminals)):
            reload()
        else:
            stop.set()

    loop.add_signal_handler(signal.SIGHUP, handle)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
