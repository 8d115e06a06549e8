"""Where settings come from: a file, variables, defaults, and the files of secrets."""

from pathlib import Path

import pytest

from adapters.registry import settings_model
from bridge.config import Busy, GroupScope, find, load
from bridge.platform import AdapterSettings
from tests.configuration import ID, SMALLEST, read, with_key_file

ENVIRONMENT = {
    "COZE_BRIDGE_COZE__TOKEN": "pat_secret_of_mine",
    "COZE_BRIDGE_AGENTS__DEFAULT__BOT_ID": ID,
    "COZE_BRIDGE_ADAPTERS__WEB__TITLE": "Chat",
}


def test_smallest_file_gives_the_defaults(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert settings.coze.token.get_secret_value() == "pat_secret_of_mine"
    assert settings.coze.base_url == "https://api.coze.cn"
    assert (settings.coze.idle_timeout, settings.coze.turn_timeout) == (120, 900)
    assert settings.sessions.busy is Busy.QUEUE
    assert settings.sessions.group_scope is GroupScope.USER
    assert settings.sessions.idle_reset is None
    assert settings.database.url == "sqlite:///coze-bridge.db"
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8080)
    assert settings.adapters["web"].platform == "web"
    assert settings.adapters["web"].agent == "default"


def test_environment_alone_is_enough(tmp_path: Path) -> None:
    assert read(tmp_path, None, ENVIRONMENT) == read(tmp_path, SMALLEST)


def test_environment_wins_over_the_file(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        SMALLEST + "[server]\nport = 1\nhost = 'localhost'\n",
        {"COZE_BRIDGE_SERVER__PORT": "9000"},
    )
    assert (settings.server.port, settings.server.host) == (9000, "localhost")


def test_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    assert read(tmp_path, SMALLEST, {"COZE_BRIDGE_SERVER__PORT": ""}).server.port == 8080


def test_foreign_variables_are_left_alone(tmp_path: Path) -> None:
    assert read(tmp_path, SMALLEST, {"PATH": "/bin", "COZE_BRIDGE_CONFIG": "x"})


def test_ids_of_19_digits_keep_every_digit(tmp_path: Path) -> None:
    in_quotes, as_number = f'"{ID}"', ID
    bare = read(tmp_path, SMALLEST.replace(in_quotes, as_number)).agents["default"].bot_id
    assert bare == read(tmp_path, None, ENVIRONMENT).agents["default"].bot_id == ID


def test_tables_of_tables_come_from_the_environment(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        SMALLEST,
        {
            "COZE_BRIDGE_AGENTS__SALES__BOT_ID": "1",
            "COZE_BRIDGE_AGENTS__DEFAULT__VARIABLES__USER_NAME": "user.name",
            "COZE_BRIDGE_ADAPTERS__TELEGRAM__TOKEN": "123456:ABC-def_9",
            "COZE_BRIDGE_ADAPTERS__TELEGRAM__AGENT": "sales",
        },
    )
    assert settings.agents["sales"].bot_id == "1"
    assert settings.agents["default"].variables == {"user_name": "user.name"}
    assert settings.adapters["telegram"].agent == "sales"


@pytest.mark.parametrize("text", ["telegram:1, slack:T1/U2", '["telegram:1", "slack:T1/U2"]'])
def test_lists_in_the_environment_are_json_or_commas(tmp_path: Path, text: str) -> None:
    access = read(tmp_path, SMALLEST, {"COZE_BRIDGE_ACCESS__ALLOW": text}).access
    assert access.allow == ("telegram:1", "slack:T1/U2")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [('"12h"', 43200), ('"1d"', 86400), ('"90m"', 5400), ('"30 s"', 30), ("60", 60)],
)
def test_durations(tmp_path: Path, text: str, seconds: float) -> None:
    assert read(tmp_path, f"{SMALLEST}[sessions]\nidle_reset = {text}").sessions.idle_reset == (
        seconds
    )


def test_one_platform_may_have_several_accounts(tmp_path: Path) -> None:
    settings = read(tmp_path, SMALLEST + '[adapters.intern]\nplatform = "web"\n')
    assert {name: its.platform for name, its in settings.adapters.items()} == {
        "web": "web",
        "intern": "web",
    }


def test_settings_are_frozen(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        read(tmp_path).server.port = 1  # type: ignore[misc]  # the point of it


def test_secrets_do_not_show_in_a_printed_setting(tmp_path: Path) -> None:
    assert "pat_secret_of_mine" not in repr(read(tmp_path))


def test_which_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {"COZE_BRIDGE_CONFIG": "from-environment.toml"}
    assert find(None, {}) is None
    (tmp_path / "config.toml").touch()
    assert find(None, {}) == Path("config.toml")
    assert find(None, environ) == Path("from-environment.toml")
    assert find(Path("given.toml"), environ) == Path("given.toml")


def test_platform_of_a_third_party_is_asked_for_by_name(tmp_path: Path) -> None:
    class Pigeon(AdapterSettings):
        loft: str = ""

    def platforms(name: str) -> type[AdapterSettings]:
        return Pigeon if name == "pigeon" else settings_model(name)

    path = tmp_path / "config.toml"
    path.write_text(SMALLEST + '[adapters.pigeon]\nloft = "roof"\n', encoding="utf-8")
    assert load(path, {}, platforms).adapters["pigeon"] == Pigeon(platform="pigeon", loft="roof")


# Secrets in files


def test_secret_is_read_from_its_file_without_the_newline(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("pat_from_file\n", encoding="utf-8")
    toml = SMALLEST.replace('token = "pat_secret_of_mine"', f"token_file = '{tmp_path}/token'")
    assert read(tmp_path, toml).coze.token.get_secret_value() == "pat_from_file"


def test_environment_may_replace_a_token_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("pat_from_file", encoding="utf-8")
    environ = {"COZE_BRIDGE_COZE__TOKEN_FILE": f"{tmp_path}/token"}
    assert read(tmp_path, SMALLEST, environ).coze.token.get_secret_value() == "pat_from_file"


def test_environment_may_replace_a_file_by_a_token(tmp_path: Path) -> None:
    toml = SMALLEST.replace('token = "pat_secret_of_mine"', "token_file = '/nowhere'")
    assert read(tmp_path, toml, {"COZE_BRIDGE_COZE__TOKEN": "pat_x"})


def test_every_secret_of_every_section_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("xoxb-1", encoding="utf-8")
    (tmp_path / "app").write_text("xapp-1", encoding="utf-8")
    toml = f"""{SMALLEST}
[server]
admin_token_file = "{tmp_path}/secret"
[adapters.slack]
bot_token_file = "{tmp_path}/secret"
app_token_file = "{tmp_path}/app"
"""
    settings = read(tmp_path, toml)
    assert settings.server.admin_token.get_secret_value() == "xoxb-1"
    assert "xapp" not in repr(settings.adapters["slack"])


def test_address_of_a_database_may_come_from_a_file_because_it_has_a_password(
    tmp_path: Path,
) -> None:
    (tmp_path / "url").write_text("postgresql://bridge:secret@db/bridge\n", encoding="utf-8")
    environ = {"COZE_BRIDGE_DATABASE__URL_FILE": f"{tmp_path}/url"}
    assert read(tmp_path, SMALLEST, environ).database.url.endswith("@db/bridge")


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_oauth_key_may_come_from_a_file(tmp_path: Path, mode: int) -> None:
    oauth = read(tmp_path, with_key_file(tmp_path, mode)).coze.oauth
    assert oauth is not None
    assert oauth.client_id == "17"
    assert oauth.private_key.get_secret_value() == "-----BEGIN\nKEY-----"
