"""A call as its handler sees it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from tests.platforms.journal import Call
from tests.telegram.emulator import entities, keyboards
from tests.telegram.emulator.chats import Chat
from tests.telegram.emulator.entities import Formatted
from tests.telegram.emulator.errors import bad, too_many
from tests.telegram.emulator.keyboards import Markup
from tests.telegram.emulator.limits import Kind
from tests.telegram.emulator.markup import parse_html
from tests.telegram.emulator.model import Message
from tests.telegram.emulator.params import Parameters

if TYPE_CHECKING:
    from tests.telegram.emulator.emulator import Emulator

LONGEST_RAW = 1 << 15  # bytes of text before anything is parsed


@dataclass(frozen=True, slots=True)
class Done:
    """A result, with the remark some methods add."""

    result: object
    description: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A call: what was asked, of whom, and where it is logged."""

    emulator: "Emulator"
    params: Parameters
    call: Call

    def chat_id(self) -> int | str:
        """Raises `Refused` if it is missing or neither a number nor an @username."""
        value = self.params.text("chat_id").strip()
        if not value:
            raise bad("chat_id is empty")
        if value.startswith("@"):
            return value
        number = self.params.chat_id
        if number is None:
            raise bad("chat not found")
        return number

    def chat(self, *, write: bool = False) -> Chat:
        """The chat meant, a business one if the call says so. Raises `Refused`."""
        connection = self.params.text("business_connection_id")
        if connection:
            return self.emulator.business_chat(connection, self.chat_id())
        chat = self.emulator.chat(self.chat_id())
        chat.check_access(write=write)
        return chat

    def pay(self, chat: Chat, kind: Kind | None = None) -> None:
        """Count this call against the limits. Raises `Refused` 429."""
        wait = self.emulator.throttle.claim(chat.lane, kind or chat.budget)
        if wait:
            raise too_many(wait)

    def message(self, chat: Chat, what: str) -> Message:
        """The message `message_id` names. Raises `Refused`."""
        return chat.find(self.params.integer("message_id"), what)

    def markup(self) -> Markup:
        return keyboards.read(self.params.given("reply_markup"))

    def formatted(self, name: str, entities_name: str, *, longest: int, empty: bool) -> Formatted:
        """A text with its entities. empty: whether it may be. Raises `Refused`."""
        text = self.params.text(name)
        if not text and not empty:
            raise bad("message text is empty")
        if len(text.encode()) > LONGEST_RAW:
            raise bad("text is too long")
        mode = self.params.text("parse_mode").lower()
        if text and mode not in {"", "none"}:
            text, given = _parsed(text, mode)
        else:
            given = self.params.items(entities_name)
        body = entities.clean(text, given)
        if text and not body.text and not empty:
            raise bad("text must be non-empty")
        if entities.units(body.text) > longest:
            what = "message" if name == "text" else "message caption"
            raise bad(f"{what} is too long")
        return body


def _parsed(text: str, mode: str) -> tuple[str, list[object]]:
    if mode == "html":
        return parse_html(text)
    if mode in {"markdown", "markdownv2"}:
        raise bad("can't parse entities: this emulator reads HTML and entities, no Markdown")
    raise bad("unsupported parse_mode")


Handler: TypeAlias = Callable[[Ask], Awaitable[object]]
