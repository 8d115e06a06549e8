"""Which scenario a question gets: installed ones in order, or a fault typed into the chat."""

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.emulator.faults import FAULTS
from bridge.emulator.scenario import NORMAL, Scenario, Trouble

_TYPED = "fault: "
_BUSY = Trouble(4016, "Another chat is running in this conversation")


@dataclass(slots=True)
class _Installed:
    scenario: Scenario
    struck: int = 0
    since: float | None = None

    def strike(self, now: float) -> Scenario | None:
        """Return what happens this time; None once the scenario is over."""
        scenario = self.scenario
        if scenario.times is not None and self.struck >= scenario.times:
            return None
        if scenario.busy_for:
            self.since = now if self.since is None else self.since
            if now - self.since >= scenario.busy_for:
                return None
            return replace(scenario, refuse=_BUSY)
        self.struck += 1
        return scenario


class Playbook:
    """The scenarios. The first one installed that matches and is not over is played."""

    def __init__(self) -> None:
        self._installed: list[_Installed] = []
        self._typed: dict[tuple[str, str], _Installed] = {}

    def install(self, scenario: Scenario) -> None:
        """Add a scenario behind the others."""
        self._installed.append(_Installed(scenario))

    def clear(self) -> None:
        """Remove all scenarios."""
        self._installed.clear()
        self._typed.clear()

    @property
    def scenarios(self) -> Sequence[Scenario]:
        """Every installed scenario, those that are over included."""
        return tuple(entry.scenario for entry in self._installed)

    def pick(self, path: str, text: str, user_id: str, now: float) -> Scenario:
        """Decide what happens to a question.

        now: seconds since 1970.
        """
        for entry in self._installed:
            if _matches(entry.scenario, path, text) and (hit := entry.strike(now)) is not None:
                return hit
        return self._typed_fault(text, user_id, now)

    def about(self, path: str, now: float) -> Scenario:
        """Decide what happens to a request that is not a question."""
        return self.pick(path, "", "", now)

    def _typed_fault(self, text: str, user_id: str, now: float) -> Scenario:
        """Play what a person typed. One that strikes once lets the repetition through."""
        name = text.removeprefix(_TYPED).strip() if text.startswith(_TYPED) else ""
        if name not in FAULTS:
            return NORMAL
        entry = self._typed.setdefault((user_id, name), _Installed(FAULTS[name]))
        hit = entry.strike(now)
        if hit is None:
            del self._typed[user_id, name]
            return NORMAL
        return hit


def _matches(scenario: Scenario, path: str, text: str) -> bool:
    return (
        fnmatch.fnmatchcase(path, scenario.endpoint) and re.search(scenario.match, text) is not None
    )
