"""A request to answer, already checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bridge.emulator.bots import Variable
from bridge.emulator.question import EnterMessage, content
from bridge.emulator.state import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What somebody asks, and how.

    product_id: the bot or app whose variables `known` are. kept: auto_save_history.
    cards: question nodes may say cards. extra: `extra_params`, or `ext` of a chatflow.
    """

    caller: Identity
    user_id: str
    bot_id: str
    product_id: str
    known: Sequence[Variable]
    messages: Sequence[EnterMessage]
    meta_data: Mapping[str, str]
    kept: bool = True
    workflow: bool = False
    cards: bool = True
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def files(self) -> tuple[tuple[str, str], ...]:
        """Kinds and ids, or addresses, of the files that came with it."""
        return tuple(each for message in self.messages for each in content(message).files)

    @property
    def text(self) -> str:
        """What the user asks, files left out."""
        return content(self.messages[-1]).text if self.messages else ""
