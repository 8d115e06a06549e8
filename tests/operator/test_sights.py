"""What is said of an agent, where the far side cannot be made to be wrong."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from joserfc.jwk import RSAKey
from pydantic import SecretStr

from bridge.config import AgentSettings, CozeSettings, OAuthSettings
from bridge.coze.examine import Keyword, Sight
from bridge.errors import Exhausted, Permanent, Unauthorised
from bridge.operator import sights
from bridge.store.variables import Refusal
from tests.operator.installation import Installation
from tests.operator.test_checkup import findings

BOT = AgentSettings(bot_id="1", variables={"plan": "constant:x"})


@pytest.mark.parametrize(
    ("base_url", "other"),
    [
        ("https://api.coze.cn", "if it is of the other region, base_url is https://api.coze.com"),
        ("https://api.coze.com", "if it is of the other region, base_url is https://api.coze.cn"),
        ("https://coze.company.example", "with chat permissions"),
    ],
)
def test_a_refused_token_may_be_of_the_other_region(base_url: str, other: str) -> None:
    coze = CozeSettings(base_url=base_url, token=SecretStr("pat_x"))
    finding = sights.of_error("default", BOT, Unauthorised("the token is wrong"), coze)
    assert finding.verdict == "wrong"
    assert finding.text.startswith("coze.token: the token is wrong; make a new one at Coze")
    assert finding.text.endswith(other)


def test_a_service_is_told_to_look_at_its_key() -> None:
    coze = CozeSettings(oauth=OAuthSettings(client_id="1"))
    finding = sights.of_error("default", BOT, Unauthorised("invalid_client"), coze)
    assert finding.text.startswith("coze.oauth: invalid_client; are client_id, public_key_id")


def test_a_balance_that_is_used_up_is_to_be_filled() -> None:
    coze = CozeSettings(token=SecretStr("pat_x"))
    finding = sights.of_error("default", BOT, Exhausted("the balance is used up"), coze)
    assert finding.text == (
        "agents.default: the balance is used up; buy more at Coze, or wait for the next day"
    )


def test_what_is_unknown_is_passed_on() -> None:
    coze = CozeSettings(token=SecretStr("pat_x"))
    finding = sights.of_error("default", BOT, Permanent("odd", code=4999), coze)
    assert finding.text == "agents.default: odd, code 4999; is bot_id right?"


def test_where_coze_does_not_tell_nothing_is_claimed() -> None:
    [finding] = sights.of_agent("default", BOT, Sight(name="Ann", owner="1"), {})
    assert (finding.verdict, finding.text) == ("ok", "agents.default: Ann")


def test_what_was_refused_once_is_told_of_once() -> None:
    refused = {"plan": Refusal("no", "then", datetime(2026, 1, 2, tzinfo=UTC))}
    off = Sight(name="Ann", keywords={"plan": Keyword(enabled=False)})
    wrong = findings(list(sights.of_agent("default", BOT, off, refused)), "wrong")
    assert len(wrong) == 1
    assert "switched off" in wrong[0]


async def test_a_key_that_coze_does_not_know_is_told_of(its: Installation) -> None:
    key = its.folder / "key.pem"
    pem = RSAKey.generate_key(2048).as_pem(private=True)
    write(key, pem)
    its.tables["coze"] = {"base_url": its.coze.url}
    its.tables["coze.oauth"] = {
        "client_id": "1",
        "public_key_id": "2",
        "private_key_file": str(key),
    }
    [line] = findings(await its.check(), "wrong")
    assert line.startswith("coze.oauth: ")
    assert "are client_id, public_key_id and the key those of one OAuth app" in line


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
