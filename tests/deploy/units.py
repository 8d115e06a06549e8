"""systemd units as a test reads them."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
PROGRAM = "/opt/coze-bridge/bin/coze-bridge"


def directives(unit: Path) -> list[tuple[str, str]]:
    """Every `Name=value` of a unit, in order."""
    lines = unit.read_text("utf-8").splitlines()
    pairs = [line.split("=", 1) for line in lines if re.match(r"[A-Z]\w+=", line)]
    return [(name, value) for name, value in pairs]


def environment(unit: Path) -> dict[str, str]:
    """What a unit says of the environment."""
    lines = [value for name, value in directives(unit) if name == "Environment"]
    return dict(line.split("=", 1) for line in lines)


def credentials(unit: Path) -> dict[str, str]:
    """The files that a unit hands on, by the names they get."""
    lines = [value for name, value in directives(unit) if name == "LoadCredential" and value]
    return dict(line.split(":", 1) for line in lines)
