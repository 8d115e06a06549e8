"""The files of an agent on disk: `agents/<name>.toml`, its texts and picture, and its base.

The base, `<name>.base.json`, is what the file and Coze had in common when they last met. It
belongs under version control like the file, so that a colleague's push is no conflict.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from bridge.agentfile.document import edited, written
from bridge.agentfile.fields import ICON, PROMPTS, Fields, flatten, same
from bridge.agentfile.judge import Judged, judge
from bridge.agentfile.merge import Base
from bridge.errors import Misconfigured

_LONG = 1000  # characters of a prompt that is put into a file of its own
_NOTE = "Written by coze-bridge: what the file and Coze had in common. Commit it; do not edit it."


class _Stored(BaseModel):
    """The base as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    note: str = _NOTE
    bot_id: Annotated[str, Field(min_length=1)]
    update_time: int = 0
    icon_url: str = ""
    fields: dict[str, JsonValue] = {}


@dataclass(frozen=True, slots=True)
class AgentFile:
    """One agent's files. Nothing is read before it is asked for."""

    path: Path

    @property
    def base_path(self) -> Path:
        """Where the base is."""
        return self.path.with_name(f"{self.path.stem}.base.json")

    def exists(self) -> bool:
        """Tell whether there is such a file."""
        return self.path.exists()

    def read(self) -> Judged:
        """Read and check it, and what it names. Raises `Misconfigured` with every problem."""
        return judge(str(self.path), self._text(), lambda name: self._beside(name).read_bytes())

    def base(self, bot_id: str) -> Base | None:
        """Return the base, None if there is none of this agent. Raises `Misconfigured`."""
        try:
            stored = _Stored.model_validate_json(self.base_path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            cure = "restore it, or delete it and pull again"
            raise Misconfigured([f"{self.base_path}: is broken; {cure}"]) from error
        if stored.bot_id != bot_id:
            return None
        fields = dict(flatten(stored.fields))
        return Base(bot_id, fields, stored.update_time, stored.icon_url)

    def keep(self, base: Base) -> None:
        """Write the base."""
        stored = _Stored(
            bot_id=base.bot_id,
            update_time=base.update_time,
            icon_url=base.icon_url,
            fields=json.loads(json.dumps(base.fields)),
        )
        text = json.dumps(stored.model_dump(), ensure_ascii=False, indent=2, sort_keys=True)
        _replace(self.base_path, f"{text}\n")

    def write(self, old: Judged | None, fields: Fields) -> list[Path]:
        """Bring the file to these values and return what was written; comments stay."""
        before = old.fields if old is not None else {}
        put = {k: v for k, v in fields.items() if k != ICON and not same(k, before.get(k), v)}
        beside = self._files_of_prompts(old, fields)
        drop = [key for key in before if key not in fields]
        drop += [f"{key}_file" for key in drop if key in beside]
        texts = {key: put.pop(key) for key in beside if key in put}
        put |= {f"{key}_file": name for key, name in beside.items() if key not in before}
        changed = [self._beside(beside[key]) for key in texts]
        for key, text in texts.items():
            _replace(self._beside(beside[key]), f"{text}\n")
        if put or drop or old is None:
            text = written(put) if old is None else edited(self._text(), put, drop)
            _replace(self.path, text)
            changed.append(self.path)
        return changed

    def _files_of_prompts(self, old: Judged | None, fields: Fields) -> Mapping[str, str]:
        """Name the file of each prompt that has one: as it was, or because it is long."""
        beside = dict(old.beside) if old is not None else {}
        before = old.fields if old is not None else {}
        for key in PROMPTS:
            if key not in before and len(str(fields.get(key, ""))) > _LONG:
                beside[key] = f"{self.path.stem}.{key.replace('_', '-')}.md"
        return beside

    def _beside(self, name: str) -> Path:
        return self.path.parent / name

    def _text(self) -> str:
        try:
            return self.path.read_bytes().decode("utf-8-sig")  # line ends stay as they are
        except FileNotFoundError as error:
            cure = "coze-bridge agent pull writes it"
            raise Misconfigured([f"{self.path}: there is no such file; {cure}"]) from error
        except UnicodeDecodeError as error:
            raise Misconfigured([f"{self.path}: is not text in UTF-8"]) from error


def _replace(path: Path, text: str) -> None:
    """Write a whole file or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_text(text, encoding="utf-8", newline="")
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
