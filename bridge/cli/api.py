"""The command `coze-bridge api`: its options, and what they become."""

import os
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.shell import Config, exit_codes, run
from bridge.errors import Misconfigured

Query = Annotated[
    list[str] | None, typer.Option("--query", "-q", metavar="NAME=VALUE", help="A parameter.")
]
Data = Annotated[
    str | None, typer.Option("--data", "-d", metavar="JSON|@FILE", help="The body, an object.")
]
Form = Annotated[
    list[str] | None,
    typer.Option("--form", "-F", metavar="NAME=@FILE|NAME=TEXT", help="A part of a form."),
]
Paginate = Annotated[bool, typer.Option("--paginate", help="All pages, as one answer.")]
ForScript = Annotated[bool, typer.Option("--json", help="One line of JSON for each thing.")]
Listed = Annotated[
    bool, typer.Option("--list", help="List the endpoints; only those with the words given.")
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="The file for an answer that is no text.")
]
User = Annotated[str, typer.Option(help="Use this user's token, where coze.oauth.per_user is on.")]
Unchecked = Annotated[
    bool, typer.Option("--unchecked", help="Send what the index of endpoints does not know, too.")
]


def api(  # noqa: PLR0913 - each is an option of the command line
    method: Annotated[str, typer.Argument(help="GET, POST, PUT, DELETE or PATCH.")] = "",
    path: Annotated[str, typer.Argument(help="Such as /v1/bots/7342866812345678901.")] = "",
    *,
    query: Query = None,
    data: Data = None,
    form: Form = None,
    paginate: Paginate = False,
    for_script: ForScript = False,
    listed: Listed = False,
    output: Output = None,
    user: User = "",
    unchecked: Unchecked = False,
    config: Config = None,
) -> None:
    """Call any endpoint of Coze with the configured credentials.

    Prints the answer as JSON, and the events of a stream as they arrive. Exits 1 if the answer
    is no.
    """
    with exit_codes():
        from bridge.api import Wishes, Words, call, listing

        words = Words(method, path, query or (), data, form or (), unchecked)
        if listed:
            for line in listing([word for word in (method, path) if word], for_script=for_script):
                typer.echo(line)
            return
        if not path:
            raise Misconfigured(["api: needs METHOD and PATH; --list shows what there is"])
        from bridge.config import find, load_coze

        coze = load_coze(find(config, os.environ), os.environ)
        wishes = Wishes(paginate, for_script, output, user)
        run(call(coze, words, wishes, typer.echo))
