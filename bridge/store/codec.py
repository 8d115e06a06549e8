"""Values of the core as JSON in a column, and back."""

from typing import Generic, TypeVar

from pydantic import TypeAdapter

from bridge.events import Button, Inbound, Page
from bridge.lent import EntryFile

T = TypeVar("T")


class Json(Generic[T]):
    """One type's way into a text column and out of it."""

    def __init__(self, kind: type[T]) -> None:
        self._adapter = TypeAdapter(kind)

    def dump(self, value: T) -> str:
        """The value as JSON text."""
        return self._adapter.dump_json(value).decode()

    def load(self, text: str) -> T:
        """Raises `pydantic.ValidationError` for what another program wrote."""
        return self._adapter.validate_json(text)


INBOUND = Json(Inbound)
PAGE = Json(Page)
BUTTONS: Json[tuple[Button, ...]] = Json(tuple[Button, ...])
ENTRY_FILES: Json[tuple[EntryFile, ...]] = Json(tuple[EntryFile, ...])
