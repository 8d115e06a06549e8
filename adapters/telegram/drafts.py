"""Answers that grow as drafts (Bot API 9.5): a preview with a stop button, of which nothing stays.

https://core.telegram.org/bots/api#sendmessagedraft
"""

from zlib import crc32

from adapters.telegram.bots import RawBot
from adapters.telegram.faults import as_bridge_errors
from adapters.telegram.markup import body
from bridge.errors import Gone, Permanent, Rejected, Unauthorised
from bridge.events import ChatKind, ChatRef, Page


class Drafts:
    """Remembers where there are none after all, so that each answer need not find out anew."""

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted
        self._refused: set[str] = set()  # chats

    def exist_in(self, chat: ChatRef) -> bool:
        """Only private chats have drafts, and not those of a business account."""
        private = chat.kind is ChatKind.PRIVATE and not chat.via
        return self._wanted and private and chat.chat not in self._refused

    async def show(self, bot: RawBot, chat: ChatRef, page: Page, *, key: str) -> None:
        """Raises `Permanent` where there are no drafts, and like `Adapter.send`."""
        try:
            with as_bridge_errors():
                await _send(bot, chat, page, key)
        except Unauthorised as error:
            # The library calls an unknown method a wrong token, and this token has worked.
            self._wanted = False
            raise Permanent("this server knows no drafts", code=error.code) from error
        except (Gone, Rejected):  # of this user, of this text
            raise
        except Permanent:
            self._refused.add(chat.chat)
            raise


async def _send(bot: RawBot, chat: ChatRef, page: Page, key: str) -> None:
    await bot.call(
        "sendMessageDraft",
        chat_id=int(chat.chat),
        draft_id=draft_id(key),
        message_thread_id=int(chat.thread) if chat.thread else None,
        can_stop=True,  # Bot API 10.3: a stop button under the draft; older servers ignore it
        **body(page),
    )


def draft_id(key: str) -> int:
    """One text grows under one id, which must not be 0 and fits 31 bits."""
    return crc32(key.encode()) & 0x7FFFFFFF or 1
