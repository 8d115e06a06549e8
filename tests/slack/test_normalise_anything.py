"""No delivery is too odd to be read: what is not as documented is passed over, without raising."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.heard import Heard
from adapters.slack.normalise import understood
from adapters.slack.people import described
from adapters.slack.receive import home, is_revocation, kind
from adapters.slack.wording import readable
from tests.slack.deliveries import Json, commanded, here, mentioning, pressed, said, told

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
WORDS = sorted(
    {"type", "event", "command", "channel", "channel_id", "user", "user_id", "text", "ts", "id"}
    | {"thread_ts", "subtype", "files", "mimetype", "team", "team_id", "authorizations", "bot_id"}
    | {"actions", "container", "message", "action_ts", "action_id", "value", "selected_option"}
    | {"view", "callback_id", "private_metadata", "state", "values", "why", "item", "reaction"}
    | {"message", "previous_message", "edited", "attachments", "is_share", "blocks", "item_user"}
    | {"assistant_thread", "tab", "streaming_message_ts", "event_ts", "tokens", "trigger_id"}
)
KINDS = ["event_callback", "block_actions", "message", "app_mention", "app_home_opened", "say/0"]
KINDS += ["view_submission", "reaction_added", "message_changed", "feedback/why", "+1"]
deliveries = st.recursive(
    json_values | st.sampled_from([*KINDS, "1.2", "nan", "1e400", "D1", "messages", "im"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6)
    ),
    max_leaves=20,
).filter(lambda value: isinstance(value, dict))
KNOWN = [said(), mentioning(), pressed(), commanded("hi")]


@given(deliveries, st.sampled_from(KINDS))
def test_no_object_is_too_odd(body: Json, kind_of: str) -> None:
    for odd in (body, {**body, "type": kind_of}, told({**body, "type": kind_of})):
        understood(odd, here())
        home(odd)
        is_revocation(odd)
        kind(odd)


@given(st.sampled_from(KNOWN), st.sampled_from(WORDS), json_values)
def test_no_field_is_too_odd(body: Json, field: str, value: object) -> None:
    understood({**body, field: value}, here())
    if "event" in body:
        understood(told({**body["event"], field: value}), here())


@given(json_values)
def test_no_account_is_too_odd(value: object) -> None:
    described({"name": value, "profile": {"display_name": value}, "tz": value})
    described({"profile": value})


@given(st.text(st.sampled_from("<>@!#|&;^U0BOT \n"), max_size=60))
def test_no_text_is_too_odd(raw: str) -> None:
    readable(raw, "U0BOT", lambda person: "")


def test_half_a_character_becomes_one_that_can_be_stored() -> None:
    found = understood(said("\udc00 hi"), here())
    assert isinstance(found, Heard)
    assert found.event.text == "\ufffd hi"
