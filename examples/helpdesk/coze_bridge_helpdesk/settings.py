"""The keys of an [adapters.helpdesk] table, and what the bridge is told of the platform."""

from collections.abc import Iterable

from pydantic import SecretStr

from bridge.platform import AdapterSettings, Interview, Platform, Question


class HelpdeskSettings(AdapterSettings):
    """One help desk.

    api_url: where its API is. token: the same on both ways: we show it there, and whoever calls
    us shows it here.
    """

    its_own = ("token",)

    api_url: str = ""
    token: SecretStr = SecretStr("")

    def conflicts(self, *, local: bool, public_url: str) -> Iterable[tuple[str, str]]:
        """Without these nothing works; a line for each, with what to do."""
        if not self.api_url:
            yield "api_url", "missing; it stands under Settings, API"
        if not self.token.get_secret_value():
            yield "token", "missing; it stands under Settings, API, or give token_file"


INTERVIEW = Interview(
    offer="the help desk",
    begin="at the desk, set the webhook to <where the bridge is reached>/helpdesk/helpdesk",
    questions=(
        Question("api_url", "The address of its API", ("Settings, API, has both.",), secret=False),
        Question("token", "The API token"),
    ),
)

PLATFORM = Platform(
    settings=HelpdeskSettings,
    adapter="coze_bridge_helpdesk.adapter:HelpdeskAdapter",  # imported only if an account uses it
    interview="coze_bridge_helpdesk.settings:INTERVIEW",
)
