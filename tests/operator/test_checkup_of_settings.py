"""What `check` finds without asking anybody: keys that do not fit, and this machine."""

import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bridge.check import offline
from tests.operator.installation import Installation
from tests.operator.slips import Spoil, findings
from tests.test_cli import SMALLEST, environment, write_config

# Settings


def key_without_a_seal(its: Installation) -> None:
    table = its.on_slack(client_id=its.slack.client_id, client_secret="x")
    del table["bot_token"]
    its.tables["server"]["public_url"] = "https://bridge.example"


def chatflow_without_its_app(its: Installation) -> None:
    its.tables["agents.default"] = {"workflow_id": "7350583675492345678"}


def two_agents_in_one(its: Installation) -> None:
    its.tables["agents.default"]["workflow_id"] = "7350583675492345678"


def agent_that_is_nowhere(its: Installation) -> None:
    its.on_telegram(agent="sales")


def one_bot_for_two_accounts(its: Installation) -> None:
    its.on_telegram()
    its.tables["adapters.second"] = {**its.tables["adapters.telegram"], "platform": "telegram"}


def one_app_for_two_accounts(its: Installation) -> None:
    its.on_slack()
    its.tables["adapters.second"] = {
        **its.tables["adapters.slack"],
        "bot_token": "xoxb-2",
        "platform": "slack",
    }


def webhook_without_an_address(its: Installation) -> None:
    its.on_telegram(mode="webhook")


def webhook_on_an_odd_port(its: Installation) -> None:
    its.on_telegram(mode="webhook")
    its.tables["server"]["public_url"] = "https://bridge.example:8081"


def webhook_without_tls(its: Installation) -> None:
    its.on_telegram(mode="webhook")
    its.tables["server"]["public_url"] = "http://127.0.0.1:8080"


def tokens_mixed_up(its: Installation) -> None:
    its.on_slack(bot_token="xapp-1-mine")


def requests_nobody_can_prove(its: Installation) -> None:
    its.on_slack(mode="http")


def page_open_to_all(its: Installation) -> None:
    its.on_page()
    its.tables["server"]["host"] = "0.0.0.0"


def unknown_platform(its: Installation) -> None:
    its.tables["adapters.pigeon"] = {"agent": "default"}


def guest_of_nowhere(its: Installation) -> None:
    its.tables["access"] = {"allow": "pigeon:12"}


def token_in_a_file_that_is_gone(its: Installation) -> None:
    del its.tables["coze"]["token"]
    its.tables["coze"]["token_file"] = "/nowhere/token"


def service_key_that_is_none(its: Installation) -> None:
    del its.tables["coze"]["token"]
    its.tables["coze.oauth"] = {
        "client_id": "1",
        "public_key_id": "2",
        "private_key": "not a key",
    }


def tool_that_is_not_installed(its: Installation) -> None:
    its.tables["tools.weather"] = {"use": "no_such_package:weather"}


def requests_to_nowhere(its: Installation) -> None:
    its.tables["tools.http_request"] = {"enabled": "true"}


SETTINGS: list[tuple[Spoil, str, str]] = [
    (key_without_a_seal, "database.secret_key: missing", "it seals what adapters.slack has"),
    (chatflow_without_its_app, "agents.default.app_id: missing", "needs the app it belongs to"),
    (two_agents_in_one, "agents.default.workflow_id: given together with bot_id", "keep one"),
    (agent_that_is_nowhere, "adapters.telegram.agent: there is no table", "[agents.sales]"),
    (
        one_bot_for_two_accounts,
        "adapters.second.token: the same as adapters.telegram.token",
        "each account needs one of its own",
    ),
    (
        one_app_for_two_accounts,
        "adapters.second.app_token: the same as adapters.slack.app_token",
        "each account needs one of its own",
    ),
    (webhook_without_an_address, "adapters.telegram.mode: webhook needs", "server.public_url"),
    (
        webhook_on_an_odd_port,
        "server.public_url: Telegram delivers to the ports 443, 80, 88 and 8443 only",
        "choose one of them",
    ),
    (
        webhook_without_tls,
        "server.public_url: Telegram delivers to https:// only",
        "put TLS in front",
    ),
    (tokens_mixed_up, "adapters.slack.bot_token: must be the bot user", "starts with xoxb-"),
    (requests_nobody_can_prove, "adapters.slack.signing_secret: missing", "proves by it"),
    (page_open_to_all, "adapters.web.access: open only while", "server.host"),
    (unknown_platform, "adapters.pigeon.platform: unknown platform", "this version knows"),
    (guest_of_nowhere, "access.allow: begins with an unknown platform", "this version knows"),
    (token_in_a_file_that_is_gone, "coze.token_file: cannot be read", "No such file"),
    (service_key_that_is_none, "coze.oauth.private_key: ", "PEM"),
    (tool_that_is_not_installed, "tools.weather.use: no_such_package", "install it beside"),
    (requests_to_nowhere, "tools.http_request.hosts: missing", "name those"),
]

# This machine


def port_kept_in_silence(its: Installation) -> None:
    """Somebody has it without listening yet, such as another bridge that is starting."""
    keeper = socket.socket()
    its.stack.callback(keeper.close)
    keeper.bind(("127.0.0.1", 0))
    its.tables["server"]["port"] = keeper.getsockname()[1]


def host_of_nobody(its: Installation) -> None:
    its.tables["server"] = {"host": "no-such-host.invalid", "port": 8080}
    its.tables["adapters.web"] = {"access": "token"}


def host_of_another_machine(its: Installation) -> None:
    its.tables["server"] = {"host": "192.0.2.1", "port": 8080}  # of nobody, by RFC 5737
    its.tables["adapters.web"] = {"access": "token"}


def no_postgres(its: Installation) -> None:
    its.database["url"] = "postgresql://bridge@127.0.0.1:9/bridge"


def another_kind_of_file(its: Installation) -> None:
    (its.folder / "bridge.db").write_text("a shopping list")


MACHINE: list[tuple[Spoil, str, str]] = [
    (port_kept_in_silence, "server.port: cannot listen on 127.0.0.1:", "choose another port"),
    (host_of_nobody, "server.host: cannot listen on no-such-host.invalid", "127.0.0.1 is this"),
    (host_of_another_machine, "server.host: cannot listen on 192.0.2.1", "127.0.0.1 is this"),
    (no_postgres, "database: ", "is database.url right, does the server run"),
    (another_kind_of_file, "database: ", "is another kind of file; move it away"),
]

ALL = [*SETTINGS, *MACHINE]


@pytest.mark.parametrize(("spoil", "cause", "cure"), ALL, ids=[case[0].__name__ for case in ALL])
async def test_what_is_wrong_is_named_with_its_cure(
    its: Installation, spoil: Spoil, cause: str, cure: str
) -> None:
    if (doing := spoil(its)) is not None:
        await doing
    wrong = findings(await its.check(), "wrong")
    assert [line for line in wrong if cause in line and cure in line], wrong
    assert len(set(wrong)) == 1
    assert not [secret for secret in ("not a key", "xapp-1-mine") if secret in wrong[0]]


async def test_without_any_adapter_nobody_can_reach_the_agent(its: Installation) -> None:
    text = its.write().read_text("utf-8").partition("[adapters")[0]
    its.path.write_text(text, encoding="utf-8")
    [line] = findings(await offline(its.path, {}), "wrong")
    assert line.startswith("adapters: nobody can reach the agent; add a table")


NOBODY = 65534
LOOK = f"""
import asyncio, os, pathlib
from bridge.check import offline
look = lambda: asyncio.run(offline(pathlib.Path("config.toml"), {{}}))
look()  # from now on all is imported, and where the interpreter is may be closed to others
if os.geteuid() == 0:
    os.setuid({NOBODY})  # root is stopped by no mode
print([each.text for each in look() if each.verdict == "wrong"])
"""


def test_a_folder_that_cannot_be_written_to_is_told_of() -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_config(folder, SMALLEST, mode=0o644)
        folder.chmod(0o555)
        told = subprocess.run(
            [sys.executable, "-c", LOOK],
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        folder.chmod(0o755)
    assert "database: cannot write to .; change its owner or mode" in told.stdout
