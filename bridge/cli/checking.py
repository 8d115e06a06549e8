"""What `check` looks at and how it says so; `init` ends with the same."""

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bridge.cli.shell import load, run
from bridge.errors import Misconfigured

if TYPE_CHECKING:
    from bridge.platform import Finding


def look(config: Path | None, *, offline: bool) -> "list[Finding]":
    """Everything that is to be said of an installation, each line once."""
    from bridge import check as checks

    findings = run(checks.offline(config, os.environ))
    if not offline:
        found = run(_look_around(config))
        findings += [each for each in found if each not in findings]
    return findings


def tell(findings: "Iterable[Finding]") -> None:
    """Print a line for each."""
    from bridge.operator.paper import plain

    for each in findings:
        typer.echo(plain(f"{each.verdict:5}  {each.text}"))


def is_wrong(findings: "Iterable[Finding]") -> bool:
    """Tell whether anything needs to be mended."""
    return any(each.verdict == "wrong" for each in findings)


async def _look_around(config: Path | None) -> "list[Finding]":
    """What only the network tells; nothing, where the configuration cannot be read."""
    from bridge.operator.checkup import online

    try:
        settings = load(config)
    except Misconfigured:
        return []
    return await online(settings, lambda: datetime.now(UTC))
