"""What an operator is told about a Slack table that cannot work."""

from pathlib import Path

import pytest

from adapters.registry import settings_model
from bridge.config import load
from bridge.errors import Misconfigured

OAUTH = """
client_id = "12.34"
client_secret = "x"
app_token = "xapp-1"
"""
SERVER = """
[server]
public_url = "https://bridge.example"
"""
KEY = """
[database]
secret_key = "a passphrase of ours"
"""


def problems(folder: Path, table: str, more: str = "") -> tuple[str, ...]:
    path = folder / "config.toml"
    path.write_text(
        '[coze]\ntoken = "pat_1"\n[agents.default]\nbot_id = "1"\n'
        f"[adapters.slack]\n{table}\n{more}"
    )
    try:
        load(path, {}, settings_model)
    except Misconfigured as error:
        return error.problems
    return ()


def test_app_that_others_install_needs_no_bot_token(tmp_path: Path) -> None:
    assert problems(tmp_path, OAUTH, SERVER + KEY) == ()


def test_address_to_come_back_to_may_be_another(tmp_path: Path) -> None:
    table = OAUTH + 'redirect_url = "https://proxy.example/back"'
    assert problems(tmp_path, table, KEY) == ()


def test_tokens_of_others_need_a_key_and_people_a_way_back(tmp_path: Path) -> None:
    assert problems(tmp_path, OAUTH) == (
        "adapters.slack.client_id: needs server.public_url, where Slack sends people back to",
        "database.secret_key: missing; it seals what adapters.slack has to keep",
    )


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ('client_id = "12.34"\napp_token = "xapp-1"', "adapters.slack.client_secret: missing"),
        ('client_secret = "x"\napp_token = "xapp-1"', "adapters.slack.client_id: missing"),
        (OAUTH + 'bot_token = "xoxb-1"', "adapters.slack.bot_token: given together with client_id"),
        (OAUTH + 'workspaces = ["acme"]', "adapters.slack.workspaces.0: must be the ID"),
        (OAUTH + 'redirect_url = "proxy"', "adapters.slack.redirect_url: must be an address"),
        (OAUTH.replace("12.34", "12"), "adapters.slack.client_id: must be the client ID"),
        ('workspaces = "T1"\napp_token = "xapp-1"', "adapters.slack.workspaces: is for an app"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, table: str, problem: str) -> None:
    (line, *more) = problems(tmp_path, table, SERVER + KEY)
    assert line.startswith(problem)
    assert more == []


def test_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("a passphrase of ours\nand the one before\n")
    more = SERVER + f'[database]\nsecret_key_file = "{key}"'
    key.chmod(0o600)
    assert problems(tmp_path, OAUTH, more) == ()
    key.chmod(0o644)
    (line,) = problems(tmp_path, OAUTH, more)
    assert line.startswith("database.secret_key_file: others may read")


def test_short_key_is_refused(tmp_path: Path) -> None:
    (line,) = problems(tmp_path, OAUTH, SERVER + KEY.replace("a passphrase of ours", "short"))
    assert line.startswith("database.secret_key: a key has at least 16 characters")
