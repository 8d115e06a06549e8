"""What `coze-bridge init` asks for an app in one workspace, which is reached by a socket."""

from collections.abc import Sequence

from adapters.slack.examine import examine
from adapters.slack.manifest import app, link, manifest
from adapters.slack.settings import SlackSettings
from bridge.platform import Finding, Interview, Question, Surroundings

_LINK = link(manifest(app("slack", SlackSettings(), "")))


async def _attempt(account: str, settings: SlackSettings, key: str) -> Sequence[Finding]:
    # With a bridge that is said to run, the app's token, which nobody gave yet, is left alone.
    return await examine(account, settings, Surroundings(is_running=key != "app_token"))


INTERVIEW = Interview(
    offer="Slack",
    begin="in Slack, find the app under Apps and write to it; in a channel, invite and mention it",
    questions=(
        Question(
            "bot_token",
            "The bot user OAuth token (xoxb-…)",
            steps=(
                "This link makes the app. Open it, choose the workspace, press Create:",
                _LINK,
                "Then, in the app's settings: Install App, Install to Workspace, and copy the "
                "bot user OAuth token.",
            ),
        ),
        Question(
            "app_token",
            "The app-level token (xapp-…)",
            steps=(
                "Basic Information, App-Level Tokens, Generate: with the scope connections:write.",
            ),
        ),
    ),
    attempt=_attempt,
)
