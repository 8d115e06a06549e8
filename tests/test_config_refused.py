"""A configuration that is refused: every problem by its key, with the remedy, and no value."""

from pathlib import Path

import pytest

from adapters.registry import settings_model
from bridge.config import load
from bridge.errors import Misconfigured
from tests.configuration import ID, SMALLEST, problems, read, the_problem, with_key_file


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('token = "pat_secret_of_mine"', "", "coze.token: missing; create one at Coze, or give"),
        ("pat_secret_of_mine", "", "coze.token: missing"),
        ("pat_secret_of_mine", "pat_…", "coze.token: has spaces or letters that no token has"),
        ('"pat_secret_of_mine"', "5", "coze.token: must be text in quotes"),
        ("[coze]", '[coze]\ntoken_file = "x"', "coze.token: given twice, here and as token_file"),
        ("[coze]", '[coze]\ntokn = "x"', "coze.tokn: unknown key; did you mean token?"),
        ("[coze]", "[coze]\nidle_timeout = 0", "coze.idle_timeout: must be greater than 0"),
        ("[coze]", "[coze]\nidle_timeout = inf", "coze.idle_timeout: must be a finite number"),
        ("[coze]", '[coze]\nidle_timeout = "2 min"', "coze.idle_timeout: must be a number"),
        ("[coze]", "[coze]\nidle_timeout = true", "coze.idle_timeout: must be a number"),
        ("[coze]", '[coze]\nbase_url = "api.coze.cn"', "coze.base_url: must be an address"),
        (f'bot_id = "{ID}"', "", "agents.default.bot_id: missing"),
        (f'bot_id = "{ID}"', "workflow_id = 1", "agents.default.app_id: missing"),
        (f'bot_id = "{ID}"', "app_id = 1", "agents.default.workflow_id: missing"),
        ("bot_id", "workflow_id = 1\nbot_id", "agents.default.workflow_id: given together"),
        ("bot_id", 'voice = "loud"\nbot_id', "agents.default.voice: must be 'audio', "),
        ("bot_id", "suggestions = 7\nbot_id", "agents.default.suggestions: must be true or fa"),
        ("agents.default", "agents.other", "adapters.web.agent: there is no table [agents.default"),
        ("[adapters.web]", "", "adapters: nobody can reach the agent"),
        ("[adapters.web]", "[adapters.icq]", "adapters.icq.platform: unknown platform; this ver"),
        ("[adapters.web]", '[adapters."a b"]', "adapters.a b: a name has up to 64 let"),
        ("[adapters.web]", f"[adapters.{'x' * 65}]", f"adapters.{'x' * 65}: a name has up to 64"),
        ("[adapters.web]", "[adapters.web]\ntitel = 1", "adapters.web.titel: unknown key; did y"),
        ("[adapters.web]", "[adapters]\nweb = 5", "adapters.web: must be a table, [adapters.web]"),
        ("[coze]", "[sesions]\n[coze]", "sesions: unknown section; did you mean sessions?"),
        ("[coze]", "server = 3\n[coze]", "server: must be a table"),
    ],
)
def test_complaint(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert the_problem(tmp_path, SMALLEST.replace(old, new)).startswith(complaint)


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ('[sessions]\nbusy = "wait"', "sessions.busy: must be 'queue', 'interrupt' or 'reject'"),
        ('[sessions]\nidle_reset = "1 month"', "sessions.idle_reset: must be a duration such as"),
        ("[sessions]\nidle_reset = 0", "sessions.idle_reset: must be a duration such as"),
        ("[sessions]\nmerge_window = -1", "sessions.merge_window: must be greater than or equal"),
        ('[access]\nallow = ["12345"]', 'access.allow.0: must look like "telegram:12345"'),
        ('[access]\ndeny = ["telegrm:1"]', "access.deny: begins with an unknown platform"),
        ("[access]\ntokens_per_day = -5", "access.tokens_per_day: must be greater than or equal"),
        ('[database]\nurl = "mysql://x"', "database.url: must start with sqlite:/// or postgresql"),
        ("[server]\nport = 70000", "server.port: must be less than or equal to 65535"),
        ("[server]\nport = true", "server.port: must be a number"),
        ('[server]\npublic_url = "http://example.org"', "server.public_url: must start with http"),
        ('[log]\nlevel = "loud"', "log.level: must be 'debug', 'info', 'warning' or 'error'"),
        ("[adapters.telegram]", "adapters.telegram.token: missing; ask @BotFather"),
        ('[adapters.telegram]\ntoken = "x"', "adapters.telegram.token: must look like 123456:A"),
        (
            '[adapters.telegram]\ntoken = "1:a"\nmode = "webhook"',
            "adapters.telegram.mode: webhook needs server.public_url",
        ),
        (
            '[adapters.telegram]\ntoken = "1:a"\nedit_interval_private = 0',
            "adapters.telegram.edit_interval_private: must be greater than 0",
        ),
        ('[adapters.slack]\nbot_token = "xoxb-1"', "adapters.slack.app_token: missing"),
        (
            '[adapters.slack]\nbot_token = "xoxb-1"\nmode = "http"',
            "adapters.slack.signing_secret: missing",
        ),
        (
            '[adapters.slack]\nbot_token = "xapp-1"\napp_token = "xapp-1"',
            "adapters.slack.bot_token: must be the bot user OAuth token, which starts with xoxb-",
        ),
    ],
)
def test_complaint_about_one_more_section(tmp_path: Path, section: str, complaint: str) -> None:
    assert the_problem(tmp_path, SMALLEST + section).startswith(complaint)


def test_token_and_oauth_exclude_each_other(tmp_path: Path) -> None:
    toml = SMALLEST + '[coze.oauth]\nclient_id = 1\npublic_key_id = "f"\nprivate_key = "k"'
    assert the_problem(tmp_path, toml) == "coze.token: given together with [coze.oauth]; keep one"


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660])
def test_key_that_others_may_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    assert the_problem(tmp_path, with_key_file(tmp_path, mode)) == (
        "coze.oauth.private_key_file: others may read or change the key;"
        f" chmod 600 {tmp_path}/key.pem"
    )


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "coze.token_file: cannot be read: No such file or directory"),
        (b"", "coze.token_file: the file is empty"),
        (b" \n", "coze.token_file: the file is empty"),
        (b"\xff\xfe", "coze.token_file: is not a text file"),
    ],
)
def test_unusable_secret_file(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    toml = SMALLEST.replace('token = "pat_secret_of_mine"', f'token_file = "{tmp_path}/token"')
    assert the_problem(tmp_path, toml) == complaint


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_open_page_on_this_machine(tmp_path: Path, host: str) -> None:
    toml = f'{SMALLEST}access = "open"\n[server]\nhost = "{host}"\n'
    assert read(tmp_path, toml).server.host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.org"])
def test_open_page_that_others_can_reach_is_refused(tmp_path: Path, host: str) -> None:
    toml = f'{SMALLEST}access = "open"\n[server]\nhost = "{host}"\n'
    assert the_problem(tmp_path, toml).startswith("adapters.web.access: open only while")


def test_http_is_good_enough_on_this_machine(tmp_path: Path) -> None:
    toml = SMALLEST + '[server]\npublic_url = "http://localhost:8080/"'
    assert read(tmp_path, toml).server.public_url == "http://localhost:8080"


def test_all_problems_come_together_each_key_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """
[coze]
tokn = "x"
idle_timeout = -1
[agents.default]
voice = "loud"
[adapters.telegram]
mode = "webhook"
[adapters.slack]
[access]
allow = ["nobody", "web:1", 5]
""",
    )
    assert [line.partition(":")[0] for line in found] == [
        "coze.idle_timeout",
        "coze.tokn",
        "agents.default.voice",
        "access.allow.0",
        "access.allow.2",
        "coze.token",
        "agents.default.bot_id",
        "adapters.telegram.token",
        "adapters.telegram.mode",
        "adapters.slack.bot_token",
        "adapters.slack.app_token",
    ]


def test_no_complaint_repeats_a_value(tmp_path: Path) -> None:
    secret = "hunter2hunter2"
    toml = f"""
{secret} = 1
[coze]
token = ["{secret}"]
base_url = "{secret}"
idle_timeout = "{secret}"
[agents.default]
bot_id = ["{secret}"]
reasoning = "{secret}"
variables = {{ plan = "{secret}" }}
[adapters.telegram]
token = "{secret}"
mode = "{secret}"
[adapters.slack]
bot_token = "{secret}"
[sessions]
idle_reset = "{secret}"
[access]
allow = "[{secret}"
[database]
url = "{secret}"
"""
    lines = problems(tmp_path, toml)
    assert len(lines) >= 12
    assert [line for line in lines if secret in line] == [f"{secret}: unknown section"]


def test_a_problem_names_the_variable_that_caused_it(tmp_path: Path) -> None:
    line = the_problem(tmp_path, SMALLEST, {"COZE_BRIDGE_SERVER__PORT": "x"})
    assert line == "server.port: must be a whole number (set by COZE_BRIDGE_SERVER__PORT)"


def test_misspelt_variables_are_problems_too(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        SMALLEST,
        {
            "COZE_BRIDGE_TOKEN": "x",
            "COZE_BRIDGE_COZE__TOKN": "x",
            "COZE_BRIDGE_COZE__TOKEN__FILE": "x",
            "COZE_BRIDGE_AGENTS__A": "x",
            "COZE_BRIDGE_AGENTS__A__BOT_ID": "1",
        },
    )
    assert [line.partition(":")[0] for line in found] == [
        "COZE_BRIDGE_AGENTS__A__BOT_ID",
        "COZE_BRIDGE_TOKEN",
        "coze.token",
        "coze.tokn",
        "agents.A".lower(),
    ]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"[coze\n", "not valid TOML: "),
        (b"\xff", "not UTF-8; save it in that encoding"),
        (b"\xff\xfe[\x00c\x00]\x00", "not UTF-8; "),
        (b'a = "x"\na = "y"', "not valid TOML: "),
    ],
)
def test_file_that_is_no_toml(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(Misconfigured) as caught:
        load(path, {}, settings_model)
    (line,) = caught.value.problems
    assert line.startswith(f"{path}: {complaint}")


def test_missing_file_and_folder_for_a_file(tmp_path: Path) -> None:
    for path, reason in [(tmp_path / "no.toml", "No such file"), (tmp_path, "Is a directory")]:
        with pytest.raises(Misconfigured, match=f"cannot be read: {reason}"):
            load(path, {}, settings_model)


def test_mark_with_which_some_editors_begin_a_file_is_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(SMALLEST, encoding="utf-8-sig")
    assert load(path, {}, settings_model).agents["default"].bot_id == ID


def test_misspelt_platform_is_guessed(tmp_path: Path) -> None:
    line = the_problem(tmp_path, SMALLEST + '[adapters.telegramm]\ntoken = "x"\n')
    assert line.startswith("adapters.telegramm.platform: unknown platform; this version knows")
    assert line.endswith("; did you mean telegram?")


def test_nothing_at_all_says_how_to_begin(tmp_path: Path) -> None:
    line = the_problem(tmp_path, None)
    assert "config.example.toml" in line
    assert "--config" in line
