"""The app's manifest and its link, as `coze-bridge slack manifest` prints them."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from adapters.slack.manifest import Manifest, app, link, manifest
from adapters.slack.settings import SCOPES, SlackSettings
from bridge.errors import Misconfigured

PUBLIC = "https://bridge.example"
OAUTH = {"client_id": "12.34", "client_secret": "x"}

# What each subscription needs: https://docs.slack.dev/reference/events
NEEDED = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
}


def made(public_url: str = PUBLIC, name: str = "Coze Bridge", **table: object) -> Manifest:
    return manifest(app("support", SlackSettings.model_validate(table), public_url, name))


def complaints(told: Manifest) -> Iterator[str]:
    """What Slack would refuse (https://docs.slack.dev/reference/app-manifest)."""
    shown, features = told["display_information"], told["features"]
    if not 1 <= len(shown["name"]) <= 35 or len(shown["description"]) > 140:
        yield "display_information"
    if "long_description" in shown and not 174 <= len(shown["long_description"]) <= 4000:
        yield "long_description"
    if len(features["bot_user"]["display_name"]) > 80:
        yield "bot_user"
    for command in features["slash_commands"]:
        if not re.fullmatch(r"/[a-z0-9_-]{1,31}", command["command"]):
            yield "command"
        if len(command["description"]) > 2000 or len(command["usage_hint"]) > 1000:
            yield "slash_commands"
    if len(features["agent_view"]["agent_description"]) > 300:
        yield "agent_description"
    yield from unreachable(told)


def unreachable(told: Manifest) -> Iterator[str]:
    settings = told["settings"]
    urls = [
        settings["event_subscriptions"].get("request_url"),
        settings["interactivity"].get("request_url"),
        *(command.get("url") for command in told["features"]["slash_commands"]),
    ]
    if settings["socket_mode_enabled"] is not (urls == [None] * 3):
        yield "socket_mode_enabled"
    for url in (*filter(None, urls), *told["oauth_config"].get("redirect_urls", ())):
        if not url.startswith("https://"):
            yield url


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"mode": "http"},
        OAUTH,
        {"mode": "http", "suggested_prompts": ["What can you do?"], **OAUTH},
    ],
)
def test_slack_takes_it(table: dict[str, object]) -> None:
    assert list(complaints(made(**table))) == []
    assert list(complaints(made(name="x" * 35, **table))) == []


def test_sockets_need_no_address() -> None:
    told = made(public_url="")
    assert told["settings"]["socket_mode_enabled"]
    assert "http" not in json.dumps(told)
    assert "redirect_urls" not in told["oauth_config"]


def test_by_http_everything_comes_to_one_address() -> None:
    told = made(mode="http")
    url = "https://bridge.example/slack/support/events"
    assert told["settings"]["event_subscriptions"]["request_url"] == url
    assert told["settings"]["interactivity"] == {"is_enabled": True, "request_url": url}
    assert [command["url"] for command in told["features"]["slash_commands"]] == [url]


def test_people_who_install_it_are_sent_back_to_us() -> None:
    told = made(**OAUTH)
    back = "https://bridge.example/slack/support/oauth_redirect"
    assert told["oauth_config"]["redirect_urls"] == [back]
    assert told["settings"]["org_deploy_enabled"]
    elsewhere = made(public_url="", redirect_url="https://proxy.example/back", **OAUTH)
    assert elsewhere["oauth_config"]["redirect_urls"] == ["https://proxy.example/back"]


def test_scopes_are_those_that_are_asked_for() -> None:
    assert made()["oauth_config"]["scopes"]["bot"] == list(SCOPES)
    assert made(scopes="chat:write,im:history")["oauth_config"]["scopes"]["bot"] == [
        "chat:write",
        "im:history",
    ]


def test_scopes_allow_what_the_app_wants_to_hear() -> None:
    heard = made()["settings"]["event_subscriptions"]["bot_events"]
    assert set(NEEDED) <= set(heard)
    assert {NEEDED[event] for event in heard if event in NEEDED} <= set(SCOPES)


def test_prompts_that_there_are_none_of_are_not_in_it() -> None:
    assert list(made()["features"]["agent_view"]) == ["agent_description"]


def test_suggested_prompts_are_in_it() -> None:
    shown = made(suggested_prompts=["Hello?"])["features"]["agent_view"]["suggested_prompts"]
    assert shown == [{"title": "Hello?", "message": "Hello?"}]


@pytest.mark.parametrize("name", ["", "x" * 36])
def test_name_that_slack_refuses_is_refused_here(name: str) -> None:
    with pytest.raises(Misconfigured, match="--name"):
        made(name=name)


@pytest.mark.parametrize("public_url", ["", "http://127.0.0.1:8080"])
@pytest.mark.parametrize("table", [{"mode": "http"}, OAUTH])
def test_address_that_slack_refuses_is_refused_here(
    public_url: str, table: dict[str, object]
) -> None:
    with pytest.raises(Misconfigured, match=r"server\.public_url"):
        made(public_url=public_url, **table)


def test_link_carries_the_whole_manifest() -> None:
    told = made(name="A & B + 助手 #1", mode="http", **OAUTH)
    url = link(told)
    assert url.isascii()
    assert "+" not in url  # some read it as a space, and some do not
    query = parse_qs(urlsplit(url).query)
    assert query["new_app"] == ["1"]
    assert json.loads(query["manifest_json"][0]) == told


# The command.


def coze_bridge(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {name: its for name, its in os.environ.items() if not name.startswith("COZE_BRIDGE")}
    return subprocess.run(
        [sys.executable, "-m", "bridge", *words],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def printed(folder: Path, *words: str) -> Any:
    result = coze_bridge(folder, "slack", "manifest", "--json", *words)
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads(result.stdout)


def test_command_needs_no_configuration(tmp_path: Path) -> None:
    assert printed(tmp_path) == made(public_url="")
    told = coze_bridge(tmp_path, "slack", "manifest").stdout
    assert link(made(public_url="")) in told
    assert "connections:write" in told


def test_command_reads_a_configuration_that_has_no_tokens_yet(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        f'[server]\npublic_url = "{PUBLIC}"\n'
        '[adapters.support]\nplatform = "slack"\nmode = "http"\n[adapters.web]\n'
    )
    assert printed(tmp_path) == made(mode="http")
    assert printed(tmp_path, "--mode", "socket") == made()
    named = printed(tmp_path, "--name", "Helper")
    assert named["display_information"]["name"] == "Helper"


def test_command_asks_which_of_several_apps_is_meant(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        f'[server]\npublic_url = "{PUBLIC}"\n'
        '[adapters.slack]\n[adapters.support]\nplatform = "slack"\nmode = "http"\n'
    )
    result = coze_bridge(tmp_path, "slack", "manifest")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "--account: must be one of slack, support\n"
    assert printed(tmp_path, "--account", "support") == made(mode="http")


def test_what_is_wrong_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[adapters.slack]\nmode = "htpp"\n')
    result = coze_bridge(tmp_path, "slack", "manifest")
    assert result.returncode == 2
    assert result.stderr.startswith("adapters.slack.mode: must be 'socket' or 'http'")
    missing = coze_bridge(tmp_path, "slack", "manifest", "--config", "nowhere.toml")
    assert missing.returncode == 2
    assert "nowhere.toml" in missing.stderr


def test_help_names_the_commands_of_platforms(tmp_path: Path) -> None:
    told = coze_bridge(tmp_path, "--help").stdout
    assert "  slack " in told
    assert "manifest" in coze_bridge(tmp_path, "slack", "--help").stdout
    assert coze_bridge(tmp_path, "nonsense").returncode == 2
