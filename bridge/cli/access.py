"""`coze-bridge access`: whom settings do not name, let in, shut out, or waiting.

Imports wait for their command, so that `--help` is quick.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.beside import BY, AsJson, echo, quietly, utcnow, with_store
from bridge.cli.shell import Config, exit_codes

if TYPE_CHECKING:
    from pathlib import Path

    from bridge.store.guests import Guest, Standing

access = typer.Typer(
    help="Who may talk, beside what the configuration says.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Person = Annotated[
    str, typer.Argument(metavar="PERSON", help="Such as telegram:12345 or slack:T1/U1.")
]
Code = Annotated[str, typer.Argument(metavar="CODE", help="That the bridge gave them.")]
Limit = Annotated[int, typer.Option(min=1, help="How many at most.")]


@access.command("list")
def list_guests(limit: Limit = 100, config: Config = None, as_json: AsJson = False) -> None:
    """List who was let in, who is shut out, and who waits with a code."""
    with exit_codes():
        from bridge.store.guests import guests_with

        found = with_store(quietly(config), lambda store: store.read(guests_with(limit=limit)))
        echo([_data(each) for each in found], _lines(found), as_json=as_json)


@access.command()
def approve(code: Code, config: Config = None, as_json: AsJson = False) -> None:
    """Let in who was given this code."""
    with exit_codes():
        from bridge.errors import Permanent
        from bridge.linking import code_in
        from bridge.store.guests import approve

        letters = code_in(code) or ""
        work = approve(letters, BY, utcnow())
        guest = with_store(quietly(config), lambda store: store.write(work))
        if guest is None:
            raise Permanent(f"{code}: nobody has this code, or not any more; see `access list`")
        echo(_data(guest), [f"{guest.address} may talk to the agents now"], as_json=as_json)


@access.command()
def admit(person: Person, config: Config = None, as_json: AsJson = False) -> None:
    """Let somebody in, as if they were in access.allow."""
    with exit_codes():
        from bridge.store.guests import Standing

        said = "may talk to the agents"
        _decide(person, Standing.ADMITTED, said, config, as_json=as_json)


@access.command()
def block(person: Person, config: Config = None, as_json: AsJson = False) -> None:
    """Shut somebody out, as if they were in access.deny."""
    with exit_codes():
        from bridge.store.guests import Standing

        said = "is not heard any more"
        _decide(person, Standing.BLOCKED, said, config, as_json=as_json)


@access.command()
def revoke(person: Person, config: Config = None, as_json: AsJson = False) -> None:
    """Take back what was decided of somebody.

    The configuration alone counts for them again.
    """
    with exit_codes():
        from bridge.store.guests import Standing

        said = "is treated as the configuration says"
        _decide(person, Standing.UNKNOWN, said, config, as_json=as_json)


def _decide(
    person: str, standing: "Standing", said: str, config: "Path | None", *, as_json: bool
) -> None:
    from bridge.store.guests import decide

    work = decide(_guest(person), standing, BY, utcnow())
    guest = with_store(quietly(config), lambda store: store.write(work))
    echo(_data(guest), [f"{guest.address} {said}"], as_json=as_json)


def _guest(person: str) -> "Guest":
    from bridge.errors import Misconfigured
    from bridge.store.guests import Guest, Standing

    platform, _, user = person.partition(":")
    if not platform.strip() or not user.strip():
        raise Misconfigured([f'{person}: must look like "telegram:12345" or "slack:T123/U456"'])
    return Guest(platform.strip(), user.strip(), "", Standing.UNKNOWN, utcnow())


def _data(guest: "Guest") -> dict[str, str | None]:
    expires = guest.code_expires_at
    return {
        "person": guest.address,
        "name": guest.name,
        "standing": guest.standing.value,
        "since": guest.since.isoformat(),
        "code": guest.code or None,
        "code_expires_at": expires.isoformat() if expires else None,
        "decided_by": guest.decided_by or None,
    }


def _lines(guests: "list[Guest]") -> Iterator[str]:
    from bridge.linking import shown

    if not guests:
        yield "nobody but whom the configuration names"
    for each in guests:
        waits = each.code_expires_at is not None and each.code_expires_at > utcnow()
        code = f"  {shown(each.code)}" if waits else ""
        by = f"  by {each.decided_by}" if each.decided_by else ""
        name = f"  {each.name}" if each.name else ""
        since = f"{each.since:%Y-%m-%d %H:%M}"
        yield f"{since}  {each.standing:8}  {each.address}{name}{code}{by}"
