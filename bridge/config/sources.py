"""Where settings come from: a TOML file, the environment, files that hold a secret.

Tables of text go in, validated models come out, and whatever is wrong ends up in `Problems`.
Nothing here knows which settings exist. A problem never repeats a value, because any value may
be a secret in the wrong place.
"""

import difflib
import shlex
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, get_args

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bridge.config.values import KeptPrivate, MayBeAFile
from bridge.errors import Misconfigured

_OTHERS = 0o027  # may its group change it, or anybody else do anything (stat(2))

PREFIX = "COZE_BRIDGE_"
CONFIG_VARIABLE = "COZE_BRIDGE_CONFIG"
"""Names the configuration file; every other variable with the prefix is a setting."""

Table: TypeAlias = dict[str, Any]
"""A TOML table before validation. It never leaves `bridge/config.py`."""

M = TypeVar("M", bound=BaseModel)

_PLAIN_WORDS = {
    "missing": "missing",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": "must be a table",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "model_type": "must be a table",
    "string_type": "must be text in quotes",
    "tuple_type": "must be a list",
}


class Problems:
    """What is wrong so far: at most one line for each key, in the order found."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._variables = {name.upper() for name, value in environ.items() if value}
        self._lines: dict[str, str] = {}

    def add(self, key: str, text: str) -> None:
        """Report one key; a later line about the same key would only be an echo."""
        if self.mentions(key):
            return
        origin = f" (set by {variable(key)})" if self.from_environment(key) else ""
        self._lines[key] = f"{key}: {text}{origin}"

    def mentions(self, key: str) -> bool:
        """Tell whether the key was reported, by itself, as a secret's file, or inside it."""
        return any(
            line == key or line.startswith((f"{key}_file", f"{key}.")) for line in self._lines
        )

    def from_environment(self, key: str) -> bool:
        """Tell whether the environment, not the file, gave this key."""
        return variable(key) in self._variables

    @property
    def lines(self) -> list[str]:
        """What is wrong, a line each."""
        return list(self._lines.values())

    def raise_if_any(self) -> None:
        """Raises `Misconfigured` with every line."""
        if self._lines:
            raise Misconfigured(self.lines)


def variable(key: str) -> str:
    """Name the environment variable of a dotted key."""
    return PREFIX + key.replace(".", "__").upper()


def read_tables(path: Path | None, environ: Mapping[str, str], problems: Problems) -> Table:
    """Merge the file and the environment, which wins. Raises `Misconfigured` for a bad file."""
    given = _environment(environ, problems)
    written = {} if path is None else _written(path)

    class Tables(BaseSettings):
        model_config = SettingsConfigDict(extra="allow")

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            file = InitSettingsSource(settings_cls, written)
            return InitSettingsSource(settings_cls, given), file

    return dict(Tables().model_extra or {})


def _written(path: Path) -> Table:
    """Read the file. Raises `Misconfigured`."""
    try:
        # Some editors of Windows begin UTF-8 with a mark (BOM), which TOML does not allow for.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Misconfigured([f"{path}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise Misconfigured([f"{path}: not UTF-8; save it in that encoding"]) from error
    except ValueError as error:  # TOMLDecodeError; it names line and column
        raise Misconfigured([f"{path}: not valid TOML: {error}"]) from error


def _environment(environ: Mapping[str, str], problems: Problems) -> Table:
    """Turn `COZE_BRIDGE_A__B=c` into `{"a": {"b": "c"}}`.

    Values stay text until a model asks for more, so that an id of 19 digits remains an id.
    An empty variable counts as unset: Compose files pass on variables that nobody filled.
    """
    tables: Table = {}
    for name in sorted(environ):
        upper = name.upper()
        if not upper.startswith(PREFIX) or upper == CONFIG_VARIABLE or not environ[name]:
            continue
        *parents, key = upper.removeprefix(PREFIX).lower().split("__")
        if not parents:
            problems.add(name, f"not a setting; names look like {PREFIX}COZE__TOKEN")
        elif (table := _descend(tables, parents)) is None:
            problems.add(name, "one of its parents is set to a value, not a table")
        else:
            table[key] = environ[name]
    return tables


def _descend(table: Table, names: list[str]) -> Table | None:
    for name in names:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            return None
    return table


def parse(model: type[M], table: object, where: str, problems: Problems) -> M | None:
    """Validate one table. A refused key is reported and left out, so the rest is judged too."""
    if not isinstance(table, dict):
        problems.add(where, "must be a table")
        return None
    rest = _read_secrets(model, table, where, problems)
    while True:
        try:
            return model.model_validate(rest)
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
        for detail in details:
            problems.add(".".join([where, *map(str, detail["loc"])]), _explain(detail, model))
        smaller = rest
        for detail in details:
            smaller = _without(smaller, detail["loc"])
        if smaller == rest:
            return None
        rest = smaller


def _without(table: Table, loc: tuple[int | str, ...]) -> Table:
    """Copy a table, leaving out the key at `loc`, or the list that contains it."""
    if not loc or loc[0] not in table:
        return table
    key = str(loc[0])
    inner = table[key]
    if len(loc) > 1 and isinstance(inner, dict) and loc[1] in inner:
        return {**table, key: _without(inner, loc[1:])}
    return {name: value for name, value in table.items() if name != key}


def _explain(detail: ErrorDetails, model: type[BaseModel]) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        *parents, key = detail["loc"]
        return f"unknown key{did_you_mean(str(key), keys(_inner(model, parents)))}"
    if kind == "value_error":
        return str(context["error"])
    if kind in {"enum", "literal_error"}:
        return f"must be {context['expected']}"
    if kind in _PLAIN_WORDS:
        return _PLAIN_WORDS[kind]
    return detail["msg"].replace("Input should be", "must be").replace("Value error, ", "")


def _inner(model: type[BaseModel], loc: Iterable[int | str]) -> type[BaseModel]:
    for name in loc:
        field = model.model_fields.get(str(name))
        model = (field and _model_of(field)) or model
    return model


def keys(model: type[BaseModel]) -> list[str]:
    """List the keys a table of this model may have, `x_file` for every secret `x` included."""
    names = []
    for name, field in model.model_fields.items():
        names += [name, f"{name}_file"] if _is_secret(field) else [name]
    return names


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggest the nearest known name, as the tail of a sentence; empty if none is near."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _read_secrets(
    model: type[BaseModel], table: Table, where: str, problems: Problems
) -> dict[str, Any]:
    """Replace every `x_file` of a secret `x` by the file's content."""
    read = dict(table)
    for name, field in model.model_fields.items():
        inner = _model_of(field)
        if inner and isinstance(read.get(name), dict):
            read[name] = _read_secrets(inner, read[name], f"{where}.{name}", problems)
        elif _is_secret(field) and f"{name}_file" in read:
            secret = _secret(name, read, where, problems)
            path = read.pop(f"{name}_file")
            if secret and _is_kept_private(field):
                _judge_mode(Path(path), f"{where}.{name}_file", problems)
            read = {**read, name: secret} if secret else read
    return read


def _secret(name: str, table: Table, where: str, problems: Problems) -> str | None:
    """Choose between `x` and `x_file`. None leaves `x` as it stands."""
    key, file_key = f"{where}.{name}", f"{where}.{name}_file"
    if table.get(name):
        from_file = problems.from_environment(file_key)
        if from_file == problems.from_environment(key):
            problems.add(key, f"given twice, here and as {name}_file; keep one")
        if not from_file or problems.mentions(key):
            return None
    try:
        return _content(table[f"{name}_file"])
    except ValueError as error:
        problems.add(file_key, str(error))
        return None


def _content(path: object) -> str:
    """Read a secret, stripped. Raises `ValueError` with the reason; empty is one of them."""
    if not isinstance(path, str):
        raise ValueError("must be the path of a file")
    try:
        content = Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ValueError("is not a text file") from error
    if not content:
        raise ValueError("the file is empty")
    return content


def _is_kept_private(field: FieldInfo) -> bool:
    return any(isinstance(mark, KeptPrivate) for mark in field.metadata)


def _judge_mode(path: Path, file_key: str, problems: Problems) -> None:
    """Report a key that others may read. It was read already, so there is a file."""
    if not _is_mount(path) and path.stat().st_mode & _OTHERS:
        mend = f"chmod 600 {shlex.quote(str(path))}"
        problems.add(file_key, f"others may read or change the key; {mend}")


def _is_mount(file: Path) -> bool:
    """Tell whether a container's runtime put the file there: it is 0444, but no others exist."""
    return file.is_relative_to("/run/secrets")


def _is_secret(field: FieldInfo) -> bool:
    marked = any(isinstance(mark, MayBeAFile) for mark in field.metadata)
    return marked or SecretStr in {field.annotation, *get_args(field.annotation)}


def _model_of(field: FieldInfo) -> type[BaseModel] | None:
    for annotation in (field.annotation, *get_args(field.annotation)):
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return annotation
    return None
