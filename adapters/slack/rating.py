"""Thumbs below an answer: Slack's own, or plain buttons where a workspace refuses those."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from adapters.slack.blocks import Block, Thumbs, under
from adapters.slack.lately import Lately
from adapters.slack.place import spot
from bridge.errors import Rejected
from bridge.events import ChatRef, Page

T = TypeVar("T")

_REFUSED = 86_400.0  # seconds until a workspace is asked again for what it did not have


class Rating:
    """wanted: whether there are thumbs at all. clock: seconds, monotonic."""

    def __init__(self, *, wanted: bool, clock: Callable[[], float]) -> None:
        self._wanted = wanted
        self._refused: Lately[str, None] = Lately(_REFUSED, clock=clock)  # workspaces

    def below(self, chat: ChatRef, page: Page) -> list[Block]:
        """What stands below a page there, as far as we know what is taken."""
        return under(page, self._thumbs(chat))

    async def show(
        self, chat: ChatRef, page: Page, show: Callable[[Sequence[Block]], Awaitable[T]]
    ) -> T:
        """Call `show` with what stands below; if Slack's thumbs may be why not, with others."""
        thumbs = self._thumbs(chat)
        try:
            return await show(under(page, thumbs))
        except Rejected:
            if thumbs is not Thumbs.NATIVE or under(page) == under(page, Thumbs.NONE):
                raise
        shown = await show(under(page, Thumbs.BUTTONS))
        self._refused.put(spot(chat).team, None)
        return shown

    def _thumbs(self, chat: ChatRef) -> Thumbs:
        if not self._wanted:
            return Thumbs.NONE
        return Thumbs.BUTTONS if spot(chat).team in self._refused else Thumbs.NATIVE
