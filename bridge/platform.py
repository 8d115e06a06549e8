"""How a platform introduces itself to the bridge: its settings, and where its adapter is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict


class AdapterSettings(BaseModel):
    """The keys every `[adapters.<account>]` table has. Each adapter extends it with its own.

    platform: which adapter serves the table; the table's own name where it is left out.
    agent: the `[agents.<name>]` table that answers here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    its_own: ClassVar[tuple[str, ...]] = ()
    """Keys whose values no other account may have, such as a token that only one may use."""

    platform: str = ""
    agent: str = "default"

    def conflicts(self, *, local: bool, public_url: str) -> Iterable[tuple[str, str]]:
        """Tell which keys do not fit together: pairs of a key and what to do about it.

        Asked once, after every key was accepted on its own.
        local: only this machine can reach the built-in server; public_url: how it is reached
        from outside, empty if nobody said.
        """
        return ()

    def keeps_secrets(self) -> bool:
        """Tell whether the account needs `Host.vault`, and so a key in the configuration."""
        return False


@dataclass(frozen=True, slots=True)
class Outline:
    """What a platform's own commands (`adapters/commands.py`) are told of a configuration.

    It may not be finished.

    public_url: empty if nobody said. accounts: the tables of this platform; keys that are
    missing, or were refused, are at their defaults.
    """

    public_url: str
    accounts: Mapping[str, AdapterSettings]


@dataclass(frozen=True, slots=True)
class Platform:
    """How a platform introduces itself to `adapters/registry.py`.

    settings: the model of its `[adapters.<account>]` table; importing it must be cheap.
    adapter: "package.module:Class", imported only when an account uses it and called with
        `(account: str, settings, host: Host)`; None for a platform whose settings are known
        but which this version cannot connect to yet.
    examine: "package.module:function", an `Examine`; None where there is nothing to look at.
    interview: "package.module:INTERVIEW", an `Interview`; None for a platform that
        `coze-bridge init` does not offer.
    """

    settings: type[AdapterSettings]
    adapter: str | None
    examine: str | None = None
    interview: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `coze-bridge check` looked at.

    verdict: "note" for what need not be wrong. text: begins with the key, or the part, and names
    the cure where it is not "ok".
    """

    verdict: Literal["ok", "note", "wrong"]
    text: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an `Examine` is told of the installation.

    public_url: empty if nobody said. is_running: a bridge works with this configuration just
    now, so nothing may be done that would take its events away.
    """

    public_url: str = ""
    is_running: bool = False


class Examine(Protocol):
    """Looks at what an account needs on the side of its platform."""

    async def __call__(
        self, account: str, settings: Any, around: Surroundings
    ) -> Sequence[Finding]:
        """Look, and change nothing: no event is acknowledged, nothing is registered.

        settings: of the platform's own model. Raises `bridge.errors`.
        """


@dataclass(frozen=True, slots=True)
class Question:
    """One key of an account's table that `coze-bridge init` asks for.

    asks: what is asked, without a question mark. steps: how to come by an answer, a line each.
    secret: hidden while it is typed.
    """

    key: str
    asks: str
    steps: Sequence[str] = ()
    secret: bool = True


@dataclass(frozen=True, slots=True)
class Interview:
    """What `coze-bridge init` asks whoever wants an account on a platform.

    offer: the platform, as people call it. questions: in the order in which they are asked; a
        finding of `attempt` that is wrong and begins with the key of one sends us back to it.
    attempt: looks at the questions answered so far; None where there is nothing to try.
    begin: what to do there once the bridge runs. fixed: keys and values that are written anyway.
    """

    offer: str
    begin: str
    questions: Sequence[Question] = ()
    attempt: "Attempt | None" = None
    fixed: Mapping[str, str] = field(default_factory=dict)


class Attempt(Protocol):
    """Tries what was answered for an account."""

    async def __call__(self, account: str, settings: Any, key: str) -> Sequence[Finding]:
        """Look, and change nothing. Raises `bridge.errors`.

        settings: of the platform's own model; what was not asked yet is at its default.
        key: of the question that was answered last.
        """
