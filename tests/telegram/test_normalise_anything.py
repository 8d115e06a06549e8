"""No update is too odd to be read: what is not as documented is passed over, and never raises."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.telegram.normalise import Heard, understood
from tests.telegram.updates import (
    GROUP,
    ME,
    Json,
    entity,
    mentioning,
    reacted,
    said,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
WORDS = sorted(
    {"message", "chat", "id", "type", "from", "text", "entities", "data", "photo", "is_bot"}
    | {"callback_query", "business_message", "stopped_message_generation", "message_id", "date"}
    | {"reply_to_message", "caption", "caption_entities", "document", "sender_chat", "user"}
    | {"edited_message", "edit_date", "message_reaction", "new_reaction", "old_reaction", "emoji"}
    | {"location", "latitude", "longitude", "venue", "contact", "poll", "options", "dice", "value"}
    | {"sticker", "thumbnail", "is_animated", "checklist", "tasks", "media_group_id", "title"}
    | {"reply_markup", "inline_keyboard", "callback_data", "offset", "length", "update_id"}
)
updates = st.recursive(
    json_values | st.sampled_from(["private", "group", "=0", "mention", "bot_command"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6)
    ),
    max_leaves=20,
).filter(lambda value: isinstance(value, dict))


@given(updates)
def test_no_object_is_too_odd(update: Json) -> None:
    understood(update, ME, "bot")


@given(st.sampled_from(sorted(said()["message"])), json_values, st.booleans())
def test_no_field_is_too_odd(field: str, value: object, group: bool) -> None:
    update = mentioning("@coze_bridge_bot hi") if group else said()
    update["message"] = {**update["message"], field: value}
    understood(update, ME, "bot")


@given(st.sampled_from(sorted(reacted("👍")["message_reaction"])), json_values)
def test_no_reaction_is_too_odd(field: str, value: object) -> None:
    update = reacted("👍", "👎")
    update["message_reaction"][field] = value
    understood(update, ME, "bot")


@given(
    st.sampled_from(["location", "venue", "contact", "poll", "checklist", "dice", "sticker"]),
    json_values,
)
def test_nothing_that_is_sent_is_too_odd(name: str, value: object) -> None:
    understood(said(None, **{name: value}), ME, "bot")
    understood(
        said(None, **{name: {"location": value, "options": value, "tasks": value}}), ME, "bot"
    )


def test_half_a_character_becomes_one_that_can_be_stored() -> None:
    anna = {"id": 1001, "is_bot": False, "first_name": "A\ud83d"}
    odd = said(
        "\udc00 @coze_bridge_bot hi", GROUP, sender=anna, entities=[entity("mention", 2, 16)]
    )
    found = understood(odd, ME, "bot")
    assert isinstance(found, Heard)
    assert (found.event.text, found.event.user.name) == ("\ufffd hi", "A\ufffd")


@given(json_values, json_values, json_values)
def test_no_entity_is_too_odd(offset: object, length: object, kind: object) -> None:
    odd = {"type": kind, "offset": offset, "length": length}
    update = said("@coze_bridge_bot 😀 hi", GROUP, entities=[odd, entity("mention", 0, 16)])
    found = understood(update, ME, "bot")
    assert isinstance(found, Heard)
    assert found.event.text.endswith("hi")
