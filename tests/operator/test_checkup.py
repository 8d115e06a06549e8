"""What is deliberately wrong is found by `check`, with its cause and its cure."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from bridge.emulator import DEMO_BOT_ID, Scenario
from bridge.store import migrate, open_store
from bridge.store.variables import Refusal, refuse
from bridge.variables import FORGOTTEN
from tests.operator.installation import Installation, closed
from tests.operator.slips import Spoil, findings, slack_secret, wrong_token
from tests.slack.emulator import Fault as SlackFault
from tests.telegram.emulator import Fault
from tests.telegram.emulator.webhook import Address

# All is well


async def test_where_all_is_well_nothing_is_complained_of(its: Installation) -> None:
    its.variables(user_name="user.name", plan="constant:free")
    its.on_slack()
    its.telegram.privacy = False
    its.on_telegram()
    await its.telegram.person(1).chat().say("hello?")
    found = await its.check()
    assert {each.verdict for each in found} == {"ok"}
    told = "\n".join(each.text for each in found)
    assert "agents.default: Bridgekeeper, version 1000" in told
    assert "adapters.telegram: @coze_bridge_bot" in told
    assert "adapters.slack: coze in Acme" in told
    assert "adapters.slack.app_token: opens connections" in told


async def test_a_check_takes_nothing_and_changes_nothing(its: Installation) -> None:
    its.variables(user_name="user.name")
    its.on_telegram()
    its.on_slack()
    await its.telegram.person(1).chat().say("hello?")
    await its.check()
    [update] = its.telegram.inbox.pending
    assert update.body["message"]["text"] == "hello?"  # type: ignore[index]
    assert its.coze.variables.puts == []
    assert its.coze.asked == []
    assert its.slack.messages == []
    assert sorted(each.name for each in its.folder.iterdir()) == ["config.toml"]
    methods = {call.method for call in its.telegram.journal.entries}
    assert methods == {"getMe", "getWebhookInfo", "getUpdates"}


async def test_everything_is_looked_at_at_once(its: Installation) -> None:
    its.telegram.privacy = False
    its.on_telegram()
    its.on_slack()
    await its.telegram.person(1).chat().say("hello?")
    its.telegram.inject(Fault("getMe", delay=1.0))
    its.slack.inject(SlackFault("auth.test", delay=1.0))
    its.coze.install(Scenario(endpoint=f"/v1/bots/{DEMO_BOT_ID}", slow_headers=1.0))
    began = asyncio.get_running_loop().time()
    assert findings(await its.check(), "wrong") == []
    assert asyncio.get_running_loop().time() - began < 2.0


# Coze


def no_coze(its: Installation) -> None:
    its.tables["coze"]["base_url"] = closed(its.coze.url)


async def another_server(its: Installation) -> None:
    its.tables["coze"]["base_url"] = await its.served("<html>Welcome to our portal</html>")


def unknown_bot(its: Installation) -> None:
    its.tables["agents.default"]["bot_id"] = "7000000000000000404"


def unpublished_bot(its: Installation) -> None:
    its.coze.bots.get(DEMO_BOT_ID).channels.clear()


def unknown_workflow(its: Installation) -> None:
    its.chatflow("7000000000000000404")


def another_app(its: Installation) -> None:
    its.chatflow("7350583675492345678", app_id="7000000000000000404")


def misspelt_variable(its: Installation) -> None:
    its.variables(user_nam="user.name")


def variable_switched_off(its: Installation) -> None:
    its.variables(retired="constant:x")


def variable_of_coze(its: Installation) -> None:
    its.variables(sys_uuid="user.id")


def variable_of_a_chatflow(its: Installation) -> None:
    its.chatflow("7350583675492345678")
    its.variables(nowhere="user.name")


async def refused_variable(its: Installation) -> None:
    its.variables(plan="constant:free")
    store = await open_store(its.settings().database.url)
    refusal = Refusal(FORGOTTEN, "then", datetime(2026, 1, 2, tzinfo=UTC))
    await store.write(refuse("default", "plan", refusal))
    await store.close()


def clock_ahead(its: Installation) -> None:
    its.ahead = 600


def clock_behind(its: Installation) -> None:
    its.ahead = -7200


COZE: list[tuple[Spoil, str, str]] = [
    (wrong_token, "coze.token: the token is wrong, expired", "make a new one at Coze"),
    (
        no_coze,
        "agents.default: cannot connect to 127.0.0.1:9",
        "is coze.base_url right (http://127.0.0.1:9)",
    ),
    (another_server, "agents.default: ", "is coze.base_url right"),
    (unknown_bot, "agents.default: the agent does not exist", "is bot_id right"),
    (unpublished_bot, "agents.default: the agent is not published", "publish it at Coze"),
    (unknown_workflow, "agents.default: ", "is workflow_id right"),
    (another_app, "agents.default: the workflow 7350583675492345678 belongs to", "correct app_id"),
    (misspelt_variable, ".variables.user_nam: the agent has no such", "did you mean user_name?"),
    (variable_switched_off, ".variables.retired: switched off", "switch it on at Coze"),
    (variable_of_coze, ".variables.sys_uuid: this variable is Coze's own", "drop it here"),
    (variable_of_a_chatflow, ".variables.nowhere: the agent has no such", "make it at Coze"),
    (refused_variable, ".variables.plan: Coze refused it on 2026-01-0", "vars sync --again"),
    (clock_ahead, "clock: this machine's clock is 10 min ahead of that of http", "set-ntp"),
    (clock_behind, "clock: this machine's clock is 2 h behind that of http", "set-ntp"),
]

# Telegram


def telegram_token(its: Installation) -> None:
    its.on_telegram(token="7000000001:revoked")


def no_telegram(its: Installation) -> None:
    its.on_telegram(api_base_url=closed(its.telegram.url))


def webhook_while_polling(its: Installation) -> None:
    its.on_telegram()
    its.telegram.webhook.set(Address("https://old.example/hook"))


def webhook_with_a_token(its: Installation) -> None:
    its.on_telegram()
    its.telegram.webhook.set(Address(f"https://old.example/bot{its.telegram.token}"))


def webhook_of_another(its: Installation) -> None:
    its.on_telegram(mode="webhook")
    its.tables["server"]["public_url"] = "https://bridge.example"
    its.telegram.webhook.set(Address("https://old.example/hook"))


def webhook_that_fails(its: Installation) -> None:
    webhook_of_another(its)
    its.telegram.webhook.set(Address("https://bridge.example/telegram/telegram"))
    its.telegram.webhook.last_error = "Connection refused"
    its.telegram.webhook.last_error_at = its.telegram.clock()


TELEGRAM: list[tuple[Spoil, str, str]] = [
    (telegram_token, "adapters.telegram.token: Telegram refuses the bot's token", "@BotFather"),
    (no_telegram, "adapters.telegram: Telegram cannot be reached", "is api_base_url right"),
    (
        webhook_while_polling,
        "adapters.telegram: a webhook is set, so messages go to https://old.example/hook",
        "`coze-bridge run` removes it",
    ),
    (
        webhook_with_a_token,
        "adapters.telegram: a webhook is set, so messages go to https://old.example/bot[redacted]",
        "stop whoever has set it",
    ),
    (
        webhook_of_another,
        "adapters.telegram: the webhook leads to https://old.example/hook",
        "`coze-bridge run` sets https://bridge.example/telegram/telegram",
    ),
    (
        webhook_that_fails,
        "adapters.telegram: Telegram reports: Connection refused",
        "can Telegram reach server.public_url",
    ),
]

# Slack


def slack_token(its: Installation) -> None:
    its.on_slack(bot_token="xoxb-of-somebody")


def slack_removed(its: Installation) -> None:
    its.on_slack()
    its.slack.uninstall()


def slack_revoked(its: Installation) -> None:
    its.on_slack()
    its.slack.revoke()


def slack_scopes(its: Installation) -> None:
    token = its.slack.installed(its.slack.team).tokens[0]
    token.scopes -= {"chat:write", "users:read"}
    its.on_slack()


def slack_app_token(its: Installation) -> None:
    its.on_slack(app_token="xapp-1-somebody")


def slack_app_token_scope(its: Installation) -> None:
    its.on_slack()
    its.slack.tokens.check(its.slack.app_token).scopes = frozenset()


def slack_socket_mode_off(its: Installation) -> None:
    its.on_slack()
    its.slack.mode = "http"


def no_slack(its: Installation) -> None:
    its.on_slack(api_base_url=f"{closed(its.slack.url)}/api/")


SLACK: list[tuple[Spoil, str, str]] = [
    (slack_token, "adapters.slack.bot_token: Slack refuses the token: invalid_auth", "copy it"),
    (slack_removed, "adapters.slack.bot_token: Slack refuses the token: acc", "install the app"),
    (slack_revoked, "adapters.slack.bot_token: Slack refuses the token: tok", "install the app"),
    (slack_scopes, "adapters.slack.bot_token: the token lacks chat:write, users:read", "OAuth &"),
    (slack_app_token, "adapters.slack.app_token: Slack refuses the token: invalid", "copy it"),
    (slack_app_token_scope, "adapters.slack.app_token: Slack refuses the token: mi", "App-Level"),
    (slack_socket_mode_off, "adapters.slack.app_token: Slack refuses: socket_mode", "turn on"),
    (slack_secret, "adapters.slack.client_id: Slack refuses the token: bad_client", "Basic Info"),
    (no_slack, "adapters.slack: Slack cannot be reached", "is api_base_url right"),
]

# This machine


async def port_taken(its: Installation) -> None:
    url = await its.served("Hello, I am a web shop.")
    its.tables["server"]["port"] = int(url.rsplit(":", 1)[1])


async def newer_schema(its: Installation) -> None:
    await migrate(its.settings().database.url)
    with closing(sqlite3.connect(its.folder / "bridge.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = 'future'")
        database.commit()


def tokens_for_all_to_read(its: Installation) -> None:
    its.mode = 0o644


def misspelt_key(its: Installation) -> None:
    its.tables["coze"]["tokn"] = "x"


def no_folder(its: Installation) -> None:
    its.tables["database"] = {"url": "sqlite:////nowhere/at/all.db"}


MACHINE: list[tuple[Spoil, str, str]] = [
    (port_taken, "server.port: another program answers at http", "choose another port"),
    (newer_schema, "database: the database schema (future) is newer", "install the version"),
    (tokens_for_all_to_read, "config.toml: others may read its tokens", "chmod 600"),
    (misspelt_key, "coze.tokn: unknown key", "did you mean token?"),
    (no_folder, "database: there is no folder /nowhere/at", "create it"),
]

SECRETS = ("pat_of_somebody", "7000000001:revoked", "xoxb-", "xapp-1", "a long key")
ALL = [*COZE, *TELEGRAM, *SLACK, *MACHINE]


@pytest.mark.parametrize(("spoil", "cause", "cure"), ALL, ids=[case[0].__name__ for case in ALL])
async def test_what_is_wrong_is_named_with_its_cure(
    its: Installation, spoil: Spoil, cause: str, cure: str
) -> None:
    if (doing := spoil(its)) is not None:
        await doing
    [line] = findings(await its.check(), "wrong")
    assert cause in line
    assert cure in line[line.index(cause) + len(cause) :]
    assert "\n" not in line
    assert not [secret for secret in SECRETS if secret in line]
