"""`coze-bridge agent …`: an agent's configuration as a file under version control.

Imports wait for their command, so that `--help` is quick.
"""

import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bridge.cli.shell import Config, exit_codes, load, run
from bridge.errors import Misconfigured, Permanent, Unauthorised

if TYPE_CHECKING:
    from bridge.agentfile.sync import Keeper
    from bridge.agentfile.workbench import Listed, Workbench
    from bridge.config import Settings

T = TypeVar("T")

agent = typer.Typer(
    help="Keep the agent's configuration in a file.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[
    str | None,
    typer.Argument(help="Which [agents.NAME]; not needed where there is one, or a default."),
]
Folder = Annotated[Path, typer.Option(help="Where the files are.")]
AsJson = Annotated[bool, typer.Option("--json", help="For scripts.")]
Channels = Annotated[
    list[str] | None,
    typer.Option("--channel", help="Where to publish, by Coze's id; again for another. API: 1024."),
]

FOLDER = Path("agents")


@agent.command("list")
def list_(
    workspace: Annotated[
        str, typer.Option(help="All agents of this workspace instead of the configured ones.")
    ] = "",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List the configured agents, or those of a workspace."""
    with exit_codes():
        settings = _settings(config)
        if workspace:
            listed = _with_bench(settings, lambda bench: bench.agents(workspace))
            _print([asdict(its) for its in listed], map(_row, listed), as_json=as_json)
            return
        rows = _with_bench(settings, lambda bench: _configured(settings, bench))
        _print(rows, ("  ".join(row.values()) for row in rows), as_json=as_json)


@agent.command()
def pull(
    name: Name = None,
    force: Annotated[
        bool, typer.Option("--force", help="Where both changed, take Coze's.")
    ] = False,
    folder: Folder = FOLDER,
    config: Config = None,
) -> None:
    """Write the draft to FOLDER/NAME.toml.

    What was changed in the file since the last pull stays.
    """
    with exit_codes():
        pulled = _with_keeper(config, name, folder, lambda keeper: keeper.pull(force=force))
        for path in pulled.written:
            typer.echo(f"{path}: written")
        if not pulled.written:
            typer.echo("Nothing changed at Coze.")
        if pulled.hidden:
            typer.echo(f"Not shown by Coze, so as in the file: {', '.join(pulled.hidden)}")


@agent.command()
def diff(
    name: Name = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit 1 where there is a difference.")
    ] = False,
    folder: Folder = FOLDER,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show what a push would change: - at Coze, + in the file."""
    with exit_codes():
        from bridge.agentfile.tell import lines_of

        changes, refusals = _with_keeper(config, name, folder, lambda keeper: keeper.diff())
        found = {"changes": [asdict(change) for change in changes], "refusals": refusals}
        _print(found, lines_of(changes) if changes else ["No difference."], as_json=as_json)
        for refusal in refusals:
            typer.echo(f"A push would be refused: {refusal}", err=True)
        if changes and exit_code:
            raise typer.Exit(1)


@agent.command()
def push(
    name: Name = None,
    publish: Annotated[bool, typer.Option("--publish", help="Then publish.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Undo what somebody else changed since the last pull.")
    ] = False,
    folder: Folder = FOLDER,
    config: Config = None,
) -> None:
    """Send the file to the agent's draft."""
    with exit_codes():
        _with_keeper(config, name, folder, lambda keeper: _push(keeper, force, publish))


@agent.command("publish")
def publish_(
    name: Name = None,
    channels: Channels = None,
    folder: Folder = FOLDER,
    config: Config = None,
) -> None:
    """Make the agent's draft the version that answers."""
    with exit_codes():
        _with_keeper(config, name, folder, lambda keeper: _publish(keeper, channels or ()))


@agent.command()
def versions(name: Name = None, config: Config = None, as_json: AsJson = False) -> None:
    """List what was published, newest first."""
    with exit_codes():
        settings = _settings(config)
        _, bot_id = _chosen(settings, name)
        found = _with_bench(settings, lambda bench: bench.versions(bot_id))
        rows = (
            "  ".join((its.version, _when(its.created_at), its.creator, its.changelog)).rstrip()
            for its in found
        )
        _print([asdict(its) for its in found], rows, as_json=as_json)


async def _push(keeper: "Keeper", force: bool, publish: bool) -> None:
    pushed = await keeper.push(force=force)
    if pushed.changes:
        typer.echo(f"Pushed to the draft: {', '.join(its.key for its in pushed.changes)}")
    else:
        typer.echo("Nothing to push.")
    if pushed.unlike:
        text = f"{', '.join(pushed.unlike)}: Coze took it, but shows another value"
        raise Permanent(f"{text}; see agent diff{', nothing was published' if publish else ''}")
    if publish:
        await _publish(keeper, ())


async def _publish(keeper: "Keeper", channels: Sequence[str]) -> None:
    from bridge.agentfile.workbench import API_CHANNEL

    version = await keeper.publish(channels or (API_CHANNEL,))
    typer.echo(f"Published: version {version}" if version else "Published.")


async def _configured(settings: "Settings", bench: "Workbench") -> list[dict[str, str]]:
    """Describe each configured agent; what is wrong with one is its description."""
    rows = []
    for name, its in settings.agents.items():
        row = {"agent": name, "bot_id": its.bot_id, "name": "", "version": "", "state": "online"}
        if not its.bot_id:
            row |= {"state": f"chatflow {its.workflow_id}"}
        else:
            try:
                online = await bench.online(its.bot_id)
            except Unauthorised:
                raise
            except Permanent as error:
                row |= {"state": str(error)}
            else:
                row |= {"name": online.name, "version": online.version}
        rows.append(row)
    return rows


def _row(its: "Listed") -> str:
    state = "published" if its.is_published else "draft"
    return "  ".join((its.bot_id, state, _when(its.updated_at), its.name))


def _settings(config: Path | None) -> "Settings":
    from bridge import logs

    logs.configure("error", "auto", sys.stderr)  # a retry is not what was asked about
    return load(config)


def _chosen(settings: "Settings", name: str | None) -> tuple[str, str]:
    """Return the name and bot of the agent that is meant. Raises `Misconfigured`."""
    names = list(settings.agents)
    if name is None:
        if len(names) > 1 and "default" not in names:
            raise Misconfigured([f"agent: say which one: {', '.join(names)}"])
        name = names[0] if len(names) == 1 else "default"
    if name not in settings.agents:
        listed = ", ".join(names) or "none"
        raise Misconfigured([f"agents.{name}: not in the configuration, which has {listed}"])
    bot_id = settings.agents[name].bot_id
    if not bot_id:
        text = "is a chatflow; only agents with a bot_id have such a file"
        raise Misconfigured([f"agents.{name}: {text}"])
    return name, bot_id


def _with_bench(settings: "Settings", work: "Callable[[Workbench], Awaitable[T]]") -> T:
    """Open a workbench for one piece of work."""
    from bridge.coze.bots import open_bots

    async def opened() -> T:
        async with open_bots(settings.coze) as bench:
            return await work(bench)

    return run(opened())


def _with_keeper(
    config: Path | None, name: str | None, folder: Path, work: "Callable[[Keeper], Awaitable[T]]"
) -> T:
    """Do something with one agent's file."""
    from bridge.agentfile.folder import AgentFile
    from bridge.agentfile.sync import Keeper

    settings = _settings(config)
    chosen, bot_id = _chosen(settings, name)
    file = AgentFile(folder / f"{chosen}.toml")
    return _with_bench(settings, lambda bench: work(Keeper(bench, bot_id, file)))


def _print(data: object, lines: Iterable[str], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(data, ensure_ascii=False, indent=2))
        return
    for line in lines:
        typer.echo(line)


def _when(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
