"""What `coze-bridge init` asks for a bot."""

from collections.abc import Sequence

from adapters.telegram.examine import examine
from adapters.telegram.settings import TelegramSettings
from bridge.platform import Finding, Interview, Question, Surroundings


async def _attempt(account: str, settings: TelegramSettings, key: str) -> Sequence[Finding]:
    # Nobody may poll yet: where a bridge runs already, it would take that for a rival.
    return await examine(account, settings, Surroundings(is_running=True))


INTERVIEW = Interview(
    offer="Telegram",
    begin="in Telegram, open the bot and write to it; in a group, add it and mention it",
    questions=(
        Question(
            "token",
            "The bot's token",
            steps=(
                "Open https://t.me/BotFather and send it /newbot.",
                "It asks for a name, then for a username that ends in bot, and answers with a "
                "token such as 123456:ABC…",
            ),
        ),
    ),
    attempt=_attempt,
)
