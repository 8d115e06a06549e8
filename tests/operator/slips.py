"""What `check` found, and slips that more than one test makes."""

from collections.abc import Awaitable, Callable

from bridge.emulator import DEMO_BOT_ID, Scenario, Trouble
from bridge.platform import Finding
from tests.operator.installation import Installation

Spoil = Callable[[Installation], Awaitable[None] | None]


def findings(found: list[Finding], verdict: str) -> list[str]:
    return [each.text for each in found if each.verdict == verdict]


def wrong_token(its: Installation) -> None:
    its.tables["coze"]["token"] = "pat_of_somebody"


def no_permission(its: Installation) -> None:
    refusal = Trouble(4101, "The token has no permission", 401)
    its.coze.install(Scenario(endpoint=f"/v1/bots/{DEMO_BOT_ID}", refuse=refusal))


def slack_secret(its: Installation) -> None:
    table = its.on_slack(client_id=its.slack.client_id, client_secret="wrong")
    del table["bot_token"]
    its.tables["server"]["public_url"] = "https://bridge.example"
    its.database["secret_key"] = "a long key to seal them with"
