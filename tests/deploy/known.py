"""Which environment variables are settings, judged by the program that reads them."""

import re
from pathlib import Path
from tempfile import NamedTemporaryFile

from adapters.registry import settings_model
from bridge.config import load
from bridge.errors import Misconfigured

STRANGE = re.compile(r": (unknown (section|key)|not a setting)")


def is_setting(name: str) -> bool:
    """Tell whether the bridge knows the variable, whatever it thinks of its value."""
    if name == "COZE_BRIDGE_CONFIG":
        return True
    with NamedTemporaryFile("w") as file:
        file.write("1")
        file.flush()
        value = file.name if name.endswith("_FILE") else "1"
        return not any(STRANGE.search(line) for line in complaints({name: value}))


def complaints(environ: dict[str, str], path: Path | None = None) -> list[str]:
    """What the bridge says of a configuration; nothing, if it would run with it."""
    try:
        load(path, environ, settings_model)
    except Misconfigured as error:
        return error.problems
    return []
