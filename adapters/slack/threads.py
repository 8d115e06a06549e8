"""The threads we take part in: what is said there is for us, whether or not it names us.

Kept in the bridge's database, so asking costs no call of Slack's budgets, and a restart, or
another replica that was mentioned, changes nothing.
"""

from adapters.slack.lately import Lately
from bridge.events import ChatRef
from bridge.lent import Transcript

MOST = 20_000  # threads remembered without asking the database
_DAY = 86_400.0  # seconds


class Threads:
    """Of one account."""

    def __init__(self, transcript: Transcript, *, most: int = MOST) -> None:
        self._transcript = transcript
        self._joined: Lately[str, bool] = Lately(_DAY, most=most)  # and whether that is stored

    def enter(self, chat: ChatRef) -> None:
        """Take part from now on; what is said next is for us, stored or not."""
        if _key(chat) not in self._joined:
            self._joined.put(_key(chat), value=False)

    async def store(self, chat: ChatRef) -> None:
        """Remember for good that we take part; returns after commit. Raises `Transient`."""
        if self._joined.get(_key(chat)):
            return
        await self._transcript.open_chat(_key(chat))
        self._joined.put(_key(chat), value=True)

    async def is_ours(self, chat: ChatRef) -> bool:
        """Tell whether we take part. Raises `Transient`.

        A no is not remembered: another replica may have been mentioned there meanwhile.
        """
        key = _key(chat)
        if key in self._joined:
            return True
        known = await self._transcript.knows(key)
        if known:
            self._joined.put(key, value=True)
        return known


def _key(chat: ChatRef) -> str:
    return f"{chat.chat}/{chat.thread}"
