"""`coze-bridge sessions`, `dead`, `usage` and `vars`: what is stored, beside a running daemon.

Imports wait for their command, so that `--help` is quick.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bridge.cli.beside import BY, AsJson, beside, echo, quietly, utcnow, with_store
from bridge.cli.shell import Config, exit_codes, fail, run
from bridge.errors import Misconfigured

if TYPE_CHECKING:
    from bridge.operator.desk import Desk
    from bridge.view.unanswered import Done

T = TypeVar("T")

sessions = typer.Typer(
    help="Who talks to which agent, and where.", no_args_is_help=True, rich_markup_mode=None
)
dead = typer.Typer(
    help="Messages that ended without an answer.", no_args_is_help=True, rich_markup_mode=None
)
variables = typer.Typer(
    help="What agents know of their users.", no_args_is_help=True, rich_markup_mode=None
)

Limit = Annotated[int, typer.Option(min=1, help="How many at most.")]
Lane = Annotated[str, typer.Argument(help="As `sessions list` shows it.")]
Numbers = Annotated[
    list[str] | None,
    typer.Argument(metavar="ID…", help="Reference numbers, as `dead list` shows them."),
]
All = Annotated[bool, typer.Option("--all", help="All that `dead list` can show.")]
Person = Annotated[
    str,
    typer.Argument(metavar="PERSON", help="Such as telegram:12345, slack:T1/U1, a connector_uid."),
]
Anybody = Annotated[
    str, typer.Argument(metavar="[PERSON]", help="Such as telegram:12345; everybody if left out.")
]
Agent = Annotated[str, typer.Option(help="Which [agents.NAME], where there are several.")]


_NOBODY_WORKS = "No bridge works on this database just now; it will when one does."


class By(StrEnum):
    """What the sums of `usage` are of."""

    DAY = "day"
    USER = "user"
    AGENT = "agent"


@sessions.command("list")
def list_sessions(
    platform: Annotated[str, typer.Option(help="Only this platform's.")] = "",
    agent: Annotated[str, typer.Option(help="Only this agent's.")] = "",
    search: Annotated[
        str, typer.Option(help="Only where a name, a group, an id or the lane contains this.")
    ] = "",
    limit: Limit = 50,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List conversations, the one used last first."""
    with exit_codes():
        from bridge.operator import talks
        from bridge.store.overview import Which

        which = Which(platform, agent, search, limit)
        found = with_store(quietly(config), lambda store: talks.list_of(store, which))
        echo(talks.list_data(found), talks.list_lines(found, which), as_json=as_json)


@sessions.command("show")
def show_session(
    lane: Lane,
    text: Annotated[bool, typer.Option("--text", help="With what was said.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many turns.")] = 10,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show one conversation: who, with whom, and its last turns."""
    with exit_codes():
        from bridge.operator import talks
        from bridge.view.talks import show

        shown = with_store(quietly(config), lambda store: show(store, lane, turns=limit))
        data = talks.show_data(shown, text=text)
        echo(data, talks.show_lines(shown, utcnow(), text=text), as_json=as_json)


@sessions.command("reset")
def reset_session(lane: Lane, config: Config = None, as_json: AsJson = False) -> None:
    """Let the next question begin a new conversation."""
    with exit_codes():
        from bridge.view.talks import reset

        work = partial(reset, lane=lane, by=BY, now=utcnow())
        before = with_store(quietly(config), work)
        data = {"lane": before.lane, "ended": before.conversation_id}
        ended = f"; {before.conversation_id} stays in its history" if before.conversation_id else ""
        echo(data, [f"{before.lane}: the next question begins anew{ended}"], as_json=as_json)


@dead.command("list")
def list_dead(limit: Limit = 50, config: Config = None, as_json: AsJson = False) -> None:
    """List dead and failed turns, and why.

    The newest comes first.
    """
    with exit_codes():
        from bridge.operator import dead as its

        found = with_store(quietly(config), lambda store: its.list_of(store, limit))
        now = utcnow()
        echo(its.list_data(found, now), its.list_lines(found, now, limit), as_json=as_json)


@dead.command()
def requeue(
    ids: Numbers = None, everything: All = False, config: Config = None, as_json: AsJson = False
) -> None:
    """Ask again, as if the messages had just come in.

    A running daemon begins within seconds.
    """
    with exit_codes():
        from bridge.operator.dead import numbers
        from bridge.store import is_worked_on
        from bridge.view.unanswered import Wish, change

        chosen = _chosen(ids, everything, numbers)
        settings = quietly(config)
        work = partial(change, wanted=chosen, wish=Wish.REQUEUE, by=BY, now=utcnow())
        done = with_store(settings, work)
        waits = [] if is_worked_on(settings.database.url) else [_NOBODY_WORKS]
        _tell(done, "requeued", waits if done.changed else [], as_json=as_json)


@dead.command()
def drop(
    ids: Numbers = None, everything: All = False, config: Config = None, as_json: AsJson = False
) -> None:
    """Strike turns off the list.

    They stay in their conversation's history.
    """
    with exit_codes():
        from bridge.operator.dead import numbers
        from bridge.view.unanswered import Wish, change

        chosen = _chosen(ids, everything, numbers)
        work = partial(change, wanted=chosen, wish=Wish.DROP, by=BY, now=utcnow())
        done = with_store(quietly(config), work)
        _tell(done, "dropped", [], as_json=as_json)


def usage(
    by: Annotated[By, typer.Option(help="What the sums are of.")] = By.DAY,
    since: Annotated[str, typer.Option(help='Such as "12h" or "30d", or "ever".')] = "7d",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Add up what answers have cost, in Coze's tokens."""
    with exit_codes():
        from bridge.operator import spending

        began = _since(since)
        kind = spending.By(by.value)
        found = with_store(quietly(config), lambda store: spending.sums(store, kind, began))
        echo(spending.data(found, began), spending.lines(found), as_json=as_json)


@variables.command("get")
def get_variables(
    person: Person, agent: Agent = "", config: Config = None, as_json: AsJson = False
) -> None:
    """Show what Coze has of a person."""
    with exit_codes():
        from bridge.operator import sheets

        found = _with_desk(config, lambda desk: desk.get(person, agent))
        echo(sheets.get_data(found), sheets.get_lines(found), as_json=as_json)


@variables.command("set")
def set_variable(
    person: Person,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    value: Annotated[str, typer.Argument(metavar="VALUE")],
    agent: Agent = "",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Set a variable of a person at Coze.

    One that comes from the platform stays so until the platform tells something new.
    """
    with exit_codes():
        whose = _with_desk(config, lambda desk: desk.put(person, agent, name, value))
        data = {"uid": whose.uid, "agent": whose.agent, "keyword": name, "value": value}
        echo(data, [f"{whose.called}: {name} is set"], as_json=as_json)


@variables.command()
def sync(
    person: Anybody = "",
    agent: Agent = "",
    again: Annotated[
        bool, typer.Option("--again", help="Also what Coze took already, or has refused.")
    ] = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Tell Coze what it has not heard of people.

    What it refuses is named.
    """
    with exit_codes():
        from bridge.operator import sheets

        done = _with_desk(config, lambda desk: desk.sync(person, agent, again=again))
        echo(sheets.sync_data(done), sheets.sync_lines(done), as_json=as_json)
        if not done.is_well:
            raise typer.Exit(1)


def _chosen(
    ids: list[str] | None, everything: bool, numbers: Callable[[list[str]], list[int]]
) -> list[int] | None:
    if bool(ids) == everything:
        raise Misconfigured(["ID: say which turns, or --all"])
    return numbers(ids) if ids else None


def _tell(done: "Done", deed: str, more: list[str], *, as_json: bool) -> None:
    """Say what was done; a turn that was named and left alone is the answer no."""
    left = [{"id": number, "why": why} for number, why in done.left]
    lines = [f"{number:05d}: {deed}" for number in done.changed] + more
    if not done.changed and not done.left:
        lines = ["Nothing is dead."]
    echo({deed: list(done.changed), "left": left}, lines, as_json=as_json)
    if done.left:
        fail([f"{number:05d}: {why}" for number, why in done.left], 1)


def _since(given: str) -> datetime:
    from pydantic import TypeAdapter, ValidationError

    from bridge.config import Duration

    if given == "ever":
        return datetime(1970, 1, 1, tzinfo=UTC)
    with suppress(ValidationError, OverflowError):
        seconds: float | None = TypeAdapter(Duration).validate_python(given)
        if seconds is not None:  # "never" is a duration, too
            return utcnow() - timedelta(seconds=seconds)
    raise Misconfigured(['--since: must be such as "12h" or "30d", or "ever"'])


def _with_desk(config: Path | None, work: "Callable[[Desk], Awaitable[T]]") -> T:
    """Open the database and Coze for one piece of work."""
    from bridge.operator.desk import open_desk

    settings = quietly(config)

    async def opened() -> T:
        async with beside(settings) as store, open_desk(settings, store, utcnow) as desk:
            return await work(desk)

    return run(opened())
