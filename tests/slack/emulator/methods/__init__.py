"""The methods of the Web API, by name."""

from tests.slack.emulator.ask import Method
from tests.slack.emulator.methods import (
    accounts,
    agents,
    chat,
    conversations,
    media,
    streaming,
)

METHODS: dict[str, Method] = {
    **accounts.METHODS,
    **agents.METHODS,
    **chat.METHODS,
    **conversations.METHODS,
    **media.METHODS,
    **streaming.METHODS,
}

__all__ = ["METHODS"]
