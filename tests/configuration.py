"""The smallest configuration, and what is said of one that a test made of it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from adapters.registry import settings_model
from bridge.config import Settings, load
from bridge.errors import Misconfigured

ID = "7342866812345678901"

SMALLEST = f"""
[coze]
token = "pat_secret_of_mine"
[agents.default]
bot_id = "{ID}"
[adapters.web]
"""


def read(
    folder: Path, toml: str | None = SMALLEST, environ: Mapping[str, str] | None = None
) -> Settings:
    path = None
    if toml is not None:
        path = folder / "config.toml"
        path.write_text(toml, encoding="utf-8")
    return load(path, environ or {}, settings_model)


def problems(
    folder: Path, toml: str | None, environ: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    with pytest.raises(Misconfigured) as caught:
        read(folder, toml, environ)
    return caught.value.problems


def the_problem(folder: Path, toml: str | None, environ: Mapping[str, str] | None = None) -> str:
    (line,) = problems(folder, toml, environ)
    return line


def with_key_file(folder: Path, mode: int) -> str:
    key = folder / "key.pem"
    key.write_text("-----BEGIN\nKEY-----\n", encoding="utf-8")
    key.chmod(mode)
    return (
        SMALLEST.replace('token = "pat_secret_of_mine"', "")
        + f"""
[coze.oauth]
client_id = 17
public_key_id = "f"
private_key_file = "{key}"
"""
    )
