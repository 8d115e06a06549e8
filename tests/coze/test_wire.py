"""Coze's JSON is read without trust, and written as documented."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.coze import wire
from bridge.coze.increments import Increment, increments
from bridge.coze.readable import readable
from bridge.coze.sse import Frame
from bridge.coze.telling import Telling
from bridge.errors import BridgeError
from bridge.events import Place
from bridge.upstream import (
    AnswerEvent,
    Field,
    Part,
    PartKind,
    Profile,
    Question,
    Said,
    Shortcut,
    ToolOutput,
    Usage,
)


def test_a_question_carries_its_mark_twice_and_asks_for_a_saved_stream() -> None:
    body = wire.chat_body(Question("u1", "c1", "hi", "turn-7"), "b1")
    assert body == {
        "bot_id": "b1",
        "user_id": "u1",
        "stream": True,
        "auto_save_history": True,
        "enable_card": True,
        "additional_messages": [
            {
                "role": "user",
                "type": "question",
                "content": "hi",
                "content_type": "text",
                "meta_data": {"bridge_turn": "turn-7"},
            }
        ],
        "meta_data": {"bridge_turn": "turn-7"},
    }


PARTS = (Part(PartKind.IMAGE, "7"), Part(PartKind.FILE, "8"), Part(PartKind.AUDIO, "9"))


def entered(question: Question) -> tuple[object, object]:
    """Return how a question is written, for a bot and for a chatflow alike."""
    body = wire.chat_body(question, "b1")
    flow = wire.chatflow_body(question, "w1", {"app_id": "a1"})
    (message,) = body["additional_messages"]
    assert [message] == flow["additional_messages"]
    return message["content_type"], json.loads(message["content"])


def test_files_go_into_one_message_with_the_text() -> None:
    assert entered(Question("u1", "c1", "look \ud83d", "m", parts=PARTS)) == (
        "object_string",
        [
            {"type": "text", "text": "look \ufffd"},
            {"type": "image", "file_id": "7"},
            {"type": "file", "file_id": "8"},
            {"type": "audio", "file_id": "9"},
        ],
    )


def test_a_recording_alone_has_no_empty_text() -> None:
    kind, items = entered(Question("u1", "c1", " ", "m", parts=PARTS[2:]))
    assert (kind, items) == ("object_string", [{"type": "audio", "file_id": "9"}])


def test_a_position_goes_where_each_endpoint_wants_it() -> None:
    here = Question("u1", "c1", "near?", "m", place=Place(-33.8568, 151.21529999999))
    position = {"latitude": "-33.856800", "longitude": "151.215300"}
    assert wire.chat_body(here, "b1")["extra_params"] == position
    assert wire.chatflow_body(here, "w1", {})["ext"] == {"user_id": "u1", **position}
    assert "extra_params" not in wire.chat_body(Question("u1", "c1", "hi", "m"), "b1")


def test_outputs_of_tools_are_written_as_documented() -> None:
    assert wire.outputs_body([ToolOutput("1", "80%"), ToolOutput("2", "a\x00\ud83d")]) == {
        "tool_outputs": [
            {"tool_call_id": "1", "output": "80%"},
            {"tool_call_id": "2", "output": "a\ufffd"},
        ],
        "stream": True,
    }


def test_a_question_is_always_encodable() -> None:
    body = wire.chat_body(Question("u1", "c1", "a\ud83d\x00", "m"), "b1")
    assert "a\ufffd" in json.dumps(body, ensure_ascii=False).encode().decode()


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("cancelled", wire.Status.CANCELED),
        ("canceled", wire.Status.CANCELED),
        ("required_action", wire.Status.REQUIRES_ACTION),
        ("compleated", wire.Status.COMPLETED),
        ("in_progress", wire.Status.IN_PROGRESS),
        ("queued", wire.Status.UNKNOWN),
    ],
)
def test_a_status_has_several_spellings(name: str, status: wire.Status) -> None:
    assert wire.chat({"status": name}).status is status


def test_numbers_may_be_text_and_ids_numbers() -> None:
    read = wire.message({"id": 7390342853760450000, "created_at": "1718595677", "content": None})
    assert (read.id, read.created_at, read.content) == ("7390342853760450000", 1718595677, "")


@pytest.mark.parametrize("count", [10**30, "9" * 20, 2**63, True, "x", None])
def test_a_number_that_cannot_be_stored_is_none(count: object) -> None:
    read = wire.chat({"usage": {"input_count": count, "output_count": 1}}).usage
    assert read is not None
    assert read.input_tokens in (0, 1)


def test_usage_uses_the_names_of_the_wire() -> None:
    counts = {"token_count": 9, "output_count": 4, "input_count": 5}
    assert wire.chat({"usage": counts}).usage == Usage(input_tokens=5, output_tokens=4)


def test_a_profile_without_questions_has_none() -> None:
    assert wire.profile({"name": "Bot", "onboarding_info": {"prologue": "Hi"}}) == Profile(
        "Bot", "Hi"
    )
    questions = {"suggested_questions": ["a", "", None, "b"]}
    assert wire.profile({"onboarding_info": questions}).questions == ("a", "b")


def test_a_profile_changes_with_every_version() -> None:
    assert wire.profile({"version": "171638852", "update_time": 7}).version == "171638852"
    assert wire.profile({"update_time": 7}).version == "7"
    assert wire.profile({"version": None}).version == ""


def test_shortcuts_are_read_as_documented() -> None:
    sample = {
        "id": "7457010833525570000",
        "name": "News",
        "command": "/sc_demo",
        "query_template": "Search the news about {{query}} in {{place}}",
        "components": [
            {"name": "query", "type": "text", "default_value": "science", "is_hide": False},
            {"name": "place", "type": "select", "options": ["Rome", 7, "Berlin"]},
            {"name": "image", "type": "file", "options": ["image", "doc"]},
            {"name": "unit", "type": "text", "default_value": "km", "is_hide": True},
        ],
    }
    assert wire.profile({"shortcut_commands": [sample]}).shortcuts == (
        Shortcut(
            "sc_demo",
            "News",
            "Search the news about {{query}} in {{place}}",
            (
                Field("query", "science"),
                Field("place", options=("Rome", "Berlin")),
                Field("image", is_asked=False),
                Field("unit", "km", is_asked=False),
            ),
        ),
    )


def test_a_shortcut_that_nobody_could_type_is_left_out() -> None:
    odd = [{"command": command} for command in ("", "/", " ", "/two words", None, 7, [])]
    assert [each.word for each in wire.profile({"shortcut_commands": odd}).shortcuts] == ["7"]
    assert wire.profile({"shortcut_commands": {"command": "/x"}}).shortcuts == ()


def test_a_workflow_of_a_library_has_no_app() -> None:
    detail = {"workflow_name": "Tour", "app_id": "0", "updated_at": "1752060827"}
    read = wire.workflow({"workflow_detail": detail})
    assert read == wire.Workflow("Tour", "", "1752060827")
    assert wire.workflow({"workflow_detail": {**detail, "app_id": 7}}).app_id == "7"
    assert wire.workflow({}) == wire.Workflow("", "", "")


def test_parts_of_an_answer_become_markdown() -> None:
    parts = [
        {"type": "text", "text": "See:"},
        {"type": "image", "file_url": "https://example.org/a.png"},
        {"type": "file", "name": "b.pdf", "file_url": "https://example.org/b.pdf"},
        {"type": "image", "file_id": "7"},
    ]
    assert readable("object_string", json.dumps(parts)) == (
        "See:\n\n![](https://example.org/a.png)\n\n[b.pdf](https://example.org/b.pdf)"
    )


def test_what_only_claims_to_be_structured_is_text() -> None:
    assert readable("object_string", "plain") == "plain"
    assert readable("card", "plain") == "plain"


def test_a_card_without_words_is_still_something() -> None:
    assert readable("card", json.dumps({"template_id": 7})).strip()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(
    [
        *("id", "conversation_id", "chat_id", "role", "type", "content", "content_type", "status"),
        *("reasoning_content", "meta_data", "created_at", "last_error", "usage", "code", "msg"),
        *("required_action", "data", "name", "onboarding_info", "last_section_id"),
    ]
)


@given(st.dictionaries(fields, json_values))
def test_no_object_makes_a_reader_fail(source: dict[str, object]) -> None:
    wire.chat(source)
    wire.message(source)
    wire.conversation(source)
    wire.profile(source)


events = st.sampled_from(
    [
        *(f"conversation.chat.{how}" for how in ("created", "completed", "failed", "canceled")),
        *("conversation.chat.requires_action", "error", "done", "PING"),
        *("conversation.message.delta", "conversation.message.completed"),
    ]
)
types = st.sampled_from(["answer", "verbose", "follow_up", "", "function_call"])
messages = st.dictionaries(fields, json_values).flatmap(
    lambda source: types.map(lambda kind: {**source, "type": kind})
)
odd_frames = st.builds(Frame, events, messages.map(json.dumps) | st.text())


@given(st.lists(odd_frames, max_size=12))
def test_no_stream_makes_a_walk_fail_or_say_what_cannot_be_stored(frames: list[Frame]) -> None:
    walk = Telling("c1")
    for frame in frames:
        told: list[AnswerEvent] = []
        with contextlib.suppress(BridgeError):  # refused, or done with nothing said
            told = list(walk.take([frame]))
        for event in told:
            if isinstance(event, Said):
                event.text.encode()
                assert "\0" not in event.text


def test_the_name_of_a_call_can_be_stored_whatever_a_model_made_of_it() -> None:
    function = {"name": "we\ud83d\0ather", "arguments": "{}"}
    call = {"id": "1", "type": "function", "function": function}
    action = {"submit_tool_outputs": {"tool_calls": [call]}}
    (read,) = wire.chat({"status": "requires_action", "required_action": action}).calls
    assert read.name == "we\ufffdather"


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([1, {}])
)
NAMES = st.sampled_from([*Increment.__struct_fields__, "meta_data", "created_at", "more"])


@given(st.dictionaries(NAMES, VALUES), st.sampled_from(["", "]", "{", "},{", ","]))
def test_an_increment_is_read_like_any_message(told: dict[str, object], broken: str) -> None:
    data = json.dumps(told) + broken
    (read,), whole = increments([data]), wire.message(wire.parse(data))
    for name in Increment.__struct_fields__:
        same = "reasoning" if name == "reasoning_content" else name
        assert (getattr(read, name) or "") == getattr(whole, same)


def test_increments_that_belong_together_are_one() -> None:
    said = [{"id": "m1", "content": "Hi"}, {"id": "m1", "reasoning_content": "so"}]
    others = [{"id": "m1", "content": 1, "type": "answer"}, {"id": "m2", "content": "!"}]
    told = increments([json.dumps(each) for each in [*said, {"id": "m1"}, *others]])
    assert [(each.id, each.content, each.reasoning_content) for each in told] == [
        ("m1", "Hi", "so"),
        ("m1", "1", ""),
        ("m2", "!", ""),
    ]


def test_half_a_character_in_an_increment_is_kept() -> None:
    (read,) = increments(['{"content": "\\ud83d"}'])
    assert read.content == "\ud83d"
