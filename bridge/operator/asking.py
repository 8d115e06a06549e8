"""Whoever answers the questions of `coze-bridge init`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bridge.config.sources import variable
from bridge.errors import Misconfigured, Permanent


class Asker(Protocol):
    """Whoever answers: a person at a terminal, or what a script has given."""

    def say(self, line: str = "") -> None:
        """Explain something."""

    def tell(self, line: str) -> None:
        """Show what came of an answer."""

    def ask(self, key: str, asks: str, default: str, *, secret: bool) -> str:
        """Have an answer. Raises `Misconfigured` where nobody is there to give one.

        default: what an empty answer stands for, if not empty.
        """

    def agrees(self, to: str, *, default: bool) -> bool:
        """Have a yes or a no."""

    def must_answer_again(self) -> None:
        """Hear that the answers were wrong. Raises `Permanent` where they will not change."""


@dataclass(frozen=True, slots=True)
class Given:
    """`--yes`: nobody is asked, everything was given beforehand. shown: what came of trying."""

    shown: Callable[[str], None]

    def say(self, line: str = "") -> None:
        """Nobody reads along to whom anything would have to be explained."""

    def tell(self, line: str) -> None:
        self.shown(line)

    def ask(self, key: str, asks: str, default: str, *, secret: bool) -> str:
        if not default:
            raise Misconfigured([missing(key, asks)])
        return default

    def agrees(self, to: str, *, default: bool) -> bool:
        return True

    def must_answer_again(self) -> None:
        raise Permanent("nothing was written")


def missing(key: str, asks: str) -> str:
    """Say how a script gives an answer."""
    return f"{key}: missing ({asks}); set {variable(key)}, or give --set {key}=…"
