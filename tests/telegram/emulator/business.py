"""Business accounts: the bot reads and answers in a person's own chats."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.telegram.emulator.chats import Chat
from tests.telegram.emulator.errors import bad
from tests.telegram.emulator.inbox import Json
from tests.telegram.emulator.model import Message
from tests.telegram.emulator.people import Person, Seat
from tests.telegram.emulator.verbs import Verbs

if TYPE_CHECKING:
    from tests.telegram.emulator.emulator import Emulator

FOREIGN_EDIT = 48 * 3600.0  # seconds in which a message the bot did not send may be edited


class BusinessChat(Chat, Verbs):
    """A chat of a business account with a customer, who is the one speaking."""

    topic: int | None = None

    @property
    def chat(self) -> Chat:
        return self

    @property
    def person(self) -> Person:
        assert self.owner is not None
        return self.owner


@dataclass(slots=True)
class Connection:
    """A bot connected to a business account."""

    emulator: "Emulator"
    id: str
    owner: Person
    can_reply: bool = True
    enabled: bool = True
    chats: dict[int, BusinessChat] = field(default_factory=dict)

    def chat(self, customer: Person) -> BusinessChat:
        """The owner's chat with a customer."""
        if customer.id not in self.chats:
            self.chats[customer.id] = BusinessChat(
                self.emulator,
                customer.id,
                "private",
                customer.name,
                owner=customer,
                username=customer.username,
                business=self.id,
            )
        return self.chats[customer.id]

    async def say(self, customer: Person, text: str) -> Message:
        """The owner answers in person; the bot is told."""
        return await Seat(self.chat(customer), self.owner).say(text)

    async def disable(self) -> None:
        """Disconnect the bot."""
        self.enabled = False
        self.tell()

    def tell(self) -> None:
        self.emulator.inbox.put("business_connection", self.shown(), f"{self.id}/")
        self.emulator.changed()

    def find(self, chat_id: object) -> BusinessChat:
        """A chat to answer in. Raises `Refused`."""
        if not self.enabled:
            raise bad("BUSINESS_CONNECTION_INVALID")
        chat = self.chats.get(chat_id) if isinstance(chat_id, int) else None
        if chat is None:
            raise bad("BUSINESS_PEER_INVALID")
        if not self.can_reply:
            raise bad("BUSINESS_PEER_USAGE_MISSING")
        return chat

    def shown(self) -> Json:
        return {
            "id": self.id,
            "user": self.owner.shown(),
            "user_chat_id": self.owner.id,
            "date": int(self.emulator.clock()),
            "is_enabled": self.enabled,
            "rights": {"can_reply": True} if self.can_reply else {},
        }
