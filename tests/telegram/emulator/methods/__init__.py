"""The methods of the Bot API, by name."""

from tests.telegram.emulator.ask import Handler
from tests.telegram.emulator.methods import account, chats, drafts, intake, media, messages

METHODS: dict[str, Handler] = {
    **account.METHODS,
    **chats.METHODS,
    **drafts.METHODS,
    **intake.METHODS,
    **media.METHODS,
    **messages.METHODS,
}

__all__ = ["METHODS"]
