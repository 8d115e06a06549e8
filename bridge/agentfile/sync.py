"""Pull, diff, push and publish: the file on one side, Coze on the other.

Each begins with the file, so that nothing is asked of Coze for a file that is not valid. Two
people who push in the same second cannot be kept apart: Coze has no conditional update.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.agentfile.fields import ICON, Change, Fields, changes, completed, same
from bridge.agentfile.folder import AgentFile
from bridge.agentfile.judge import Judged
from bridge.agentfile.merge import Base, Draft, known, merged, met, overwritten
from bridge.agentfile.workbench import Workbench
from bridge.errors import Permanent


class Conflict(Permanent):
    """Somebody else's change is in the way. `reasons` has a sentence for each."""

    def __init__(self, reasons: Sequence[str], cure: str) -> None:
        super().__init__("; ".join([*reasons, cure]))
        self.reasons = tuple(reasons)
        self.cure = cure


@dataclass(frozen=True, slots=True)
class Pulled:
    """written: files. hidden: keys of the file that Coze does not show."""

    written: Sequence[Path]
    hidden: Sequence[str]


@dataclass(frozen=True, slots=True)
class Pushed:
    """changes: what was sent. unlike: keys that Coze shows otherwise than they were sent."""

    changes: Sequence[Change]
    unlike: Sequence[str]


@dataclass(frozen=True, slots=True)
class Keeper:
    """Keeps one agent's file and Coze in step. Every method raises `bridge.errors`."""

    bench: Workbench
    bot_id: str
    file: AgentFile

    async def pull(self, *, force: bool = False) -> Pulled:
        """Bring what changed at Coze into the file, and keep what changed in the file.

        Raises `Conflict`, having written nothing, where both changed the same key; `force`
        takes Coze's value there.
        """
        old = self._judged()
        mine: Fields = old.fields if old is not None else {}
        base = self.file.base(self.bot_id)
        draft = await self.bench.draft(self.bot_id)
        both = merged(mine, base if old is not None else None, draft)
        if both.clashes and not force:
            what = "changed at Coze and in the file since the last pull"
            if base is None:
                what = "differs between Coze and this file, which was never pulled"
            cure = "agent pull --force takes Coze's, agent push --force the file's"
            raise Conflict([f"{', '.join(both.clashes)}: {what}"], cure)
        written = self.file.write(old, both.fields)
        self.file.keep(met(self.bot_id, both.fields, base, draft))
        hidden = [key for key in both.fields if key not in draft.fields and key != ICON]
        return Pulled(written, hidden)

    async def diff(self) -> tuple[Sequence[Change], Sequence[str]]:
        """Return what a push would change, and why it would be refused."""
        judged = self.file.read()
        base = self.file.base(self.bot_id)
        draft = await self.bench.draft(self.bot_id)
        differing = changes(judged.fields, known(base, draft))
        return differing, list(overwritten(judged.fields, base, draft)) if differing else []

    async def push(self, *, force: bool = False) -> Pushed:
        """Send the file, if it differs.

        Raises `Conflict`, having sent nothing, where that would undo somebody else's change
        since the last pull; `force` undoes it.
        """
        judged = self.file.read()
        base = self.file.base(self.bot_id)
        before = await self.bench.draft(self.bot_id)
        differing = changes(judged.fields, known(base, before))
        if not differing:
            return Pushed((), ())
        reasons = list(overwritten(judged.fields, base, before))
        if reasons and not force:
            raise Conflict(
                reasons,
                "agent pull brings it into the file, agent push --force undoes it",
            )
        await self._send(judged, base, before, differing)
        after = await self.bench.draft(self.bot_id)
        self.file.keep(self._after_push(judged, base, after))
        return Pushed(differing, _unlike(judged.fields, after))

    async def publish(self, channels: Sequence[str]) -> str:
        """Make the draft the version that answers, and return the version."""
        base = self.file.base(self.bot_id)
        before = await self.bench.draft(self.bot_id) if base is not None else Draft({})
        version = await self.bench.publish(self.bot_id, channels)
        if base is not None and base.update_time == before.update_time:
            # Publishing may count as an edit; ours is no reason to refuse the next push.
            after = await self.bench.draft(self.bot_id)
            self.file.keep(replace(base, update_time=after.update_time))
        return version

    def _judged(self) -> Judged | None:
        return self.file.read() if self.file.exists() else None

    async def _send(
        self, judged: Judged, base: Base | None, before: Draft, differing: Sequence[Change]
    ) -> None:
        icon_id = ""
        if judged.icon is not None and any(change.key == ICON for change in differing):
            icon_id = await self.bench.upload(judged.icon.name, judged.icon.content)
        mine = {key: value for key, value in judged.fields.items() if key != ICON}
        await self.bench.update(self.bot_id, completed(mine, known(base, before)), icon_id)

    def _after_push(self, judged: Judged, base: Base | None, after: Draft) -> Base:
        """Return the new common ground: what was sent, whatever a late reader still shows."""
        fields = {**known(base, after), **judged.fields}
        return Base(self.bot_id, fields, after.update_time, after.icon_url)


def _unlike(mine: Fields, after: Draft) -> Sequence[str]:
    return [
        key
        for key, value in mine.items()
        if key in after.fields and not same(key, value, after.fields[key])
    ]
