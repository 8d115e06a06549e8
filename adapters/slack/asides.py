"""What only they see who typed a command where the app is no member.

Nothing can be posted there, and a command that is met with silence looks broken. Slack gives each
an address for half an hour: https://docs.slack.dev/interactivity/handling-user-interaction
"""

import logging
from collections.abc import Callable

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from adapters.slack.faults import as_bridge_errors
from adapters.slack.lately import Lately
from bridge.errors import BridgeError
from bridge.events import ChatRef
from bridge.logs import get

log = get(__name__)

SORRY = "I am not in this conversation. /invite me to it, or write to me directly."
SORRY_ZH = "我不在这个对话里，无法回答。请用 /invite 邀请我，或直接给我发消息。"
_LIFE = 1700.0  # seconds; a little less than Slack's
_MOST = 5  # people who are told at once in one place


class Asides:
    """The addresses, by place. clock: seconds, monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._waiting: Lately[str, tuple[tuple[str, str], ...]] = Lately(_LIFE, clock=clock)

    def typed(self, chat: ChatRef, address: str, language: str) -> None:
        """Somebody typed a command. language: theirs (BCP 47), empty if nobody knows."""
        others = self._waiting.get(chat.chat) or ()
        self._waiting.put(chat.chat, (*others, (address, language))[-_MOST:])

    def answered(self, chat: ChatRef) -> None:
        """Whoever waited there can read for themselves."""
        self._waiting.pop(chat.chat)

    async def excuse(self, chat: ChatRef, client: AsyncWebClient) -> None:
        """Tell who waits there why there will be no answer. Raises no `BridgeError`."""
        for address, language in self._waiting.pop(chat.chat) or ():
            text = SORRY_ZH if language.lower().startswith("zh") else SORRY
            try:
                with as_bridge_errors():
                    await _tell(address, text, client)
            except BridgeError as error:
                log.info("command.not_excused", chat=chat.chat, error=str(error))


async def _tell(address: str, text: str, client: AsyncWebClient) -> None:
    logger = logging.getLogger("slack_sdk.web")  # which does not log the address; see make_client
    webhook = AsyncWebhookClient(address, session=client.session, retry_handlers=[], logger=logger)
    await webhook.send(text=text, response_type="ephemeral")
