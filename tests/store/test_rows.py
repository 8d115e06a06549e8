"""What a program may find in the rows of another version, earlier or later.

Of what is stored as JSON, a later version may add fields, and an earlier one leaves them out of
account; so what is added must have a default. A new value of what is stored by its name is
different: an earlier program cannot read the row.
"""

import json
from enum import StrEnum

import pytest

from bridge.events import AttachmentKind, Button, ChatKind, Inbound, Page
from bridge.store.codec import INBOUND, PAGE
from bridge.store.farewells import Kind
from bridge.store.outbox import PageState
from bridge.store.turns import TurnKind, TurnState

# As they were stored when the first revision was the newest. Do not bring them up to date.
FIRST_INBOUND = (
    '{"event_id":"1","chat":{"platform":"telegram","account":"telegram","chat":"7","thread":"",'
    '"kind":"private","via":"","reply_to":""},"user":{"id":"7","name":"Anna","first_name":"Anna",'
    '"username":"","language":"en","timezone":"","email":""},"text":"tea",'
    '"sent_at":"2026-01-01T00:00:00Z","attachments":[{"kind":"photo","ref":"x","name":"",'
    '"size":null,"mime":""}],"pressed":false,"title":"","overheard":false}'
)
FIRST_PAGE = '{"text":"tea","final":true,"buttons":[{"label":"More","says":"more"}],"plain":false}'


def test_rows_of_the_first_version_can_still_be_read() -> None:
    said: Inbound = INBOUND.load(FIRST_INBOUND)
    assert (said.text, said.user.name, said.attachments[0].kind) == ("tea", "Anna", "photo")
    assert PAGE.load(FIRST_PAGE) == Page("tea", final=True, buttons=(Button("More", "more"),))


def with_more(text: str) -> str:
    """The same row as a later version may write it, which knows more of everything."""

    def grown(value: object) -> object:
        if isinstance(value, dict):
            return {name: grown(inner) for name, inner in value.items()} | {"mood": ["good"]}
        return [grown(inner) for inner in value] if isinstance(value, list) else value

    return json.dumps(grown(json.loads(text)))


def test_what_a_later_version_adds_to_a_row_is_left_out_of_account() -> None:
    assert INBOUND.load(with_more(FIRST_INBOUND)) == INBOUND.load(FIRST_INBOUND)
    assert PAGE.load(with_more(FIRST_PAGE)) == PAGE.load(FIRST_PAGE)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (ChatKind, "private group thread"),
        (AttachmentKind, "photo document audio video voice sticker"),
        (TurnState, "received asking asked answered delivered failed dead merged dropped"),
        (TurnKind, "message busy stranger paused admin news"),
        (PageState, "wanted sending posted settled dead"),
        (Kind, "conversation variable"),
    ],
)
def test_names_that_are_stored_are_those_an_older_program_can_read(
    kind: type[StrEnum], names: str
) -> None:
    """A new one takes a migration that raises the mark (`oldest`), or a column of its own."""
    assert set(kind) == set(names.split())
