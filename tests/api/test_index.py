"""What is known of Coze's endpoints, and what is guessed from a typing error."""

import re

import pytest

from bridge.api.index import bare, endpoints, find, matching, nearest


def test_every_endpoint_is_told_in_english() -> None:
    for each in endpoints():
        assert each.about, each.path
        assert each.about.isascii(), each.path


def test_marks_stand_behind_plain_names() -> None:
    names = [n for each in endpoints() for n in (*each.query, *each.body, *each.form)]
    assert len(names) > 200
    assert all(re.fullmatch(r"[A-Za-z_]+\*?@?", name) for name in names)
    assert bare(["file*@", "text", "bot_id*"]) == ["file", "text", "bot_id"]


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("GET", "/v1/bots/7342866812345678901", "/v1/bots/{bot_id}"),
        ("GET", "/v1/bots/1/versions", "/v1/bots/{bot_id}/versions"),
        ("POST", "/v1/workflows/chat", "/v1/workflows/chat"),
        ("GET", "/v1/workflows/chat", "/v1/workflows/{workflow_id}"),
        ("PUT", "/v1/variables", "/v1/variables"),
        ("PUT", "/v1/conversations/a-b.c_d", "/v1/conversations/{conversation_id}"),
    ],
)
def test_a_call_finds_its_endpoint(method: str, path: str, found: str) -> None:
    endpoint = find(method, path)
    assert endpoint is not None
    assert endpoint.path == found
    assert endpoint.method == method


@pytest.mark.parametrize("path", ["/v1/bots/", "/v1/bots/1/2", "/v1/botsX", "v1/bots", ""])
def test_a_call_that_has_none(path: str) -> None:
    assert find("GET", path) is None


@pytest.mark.parametrize(
    ("method", "path", "guess"),
    [
        ("GET", "/v1/bot/7342866812345678901", "; did you mean GET /v1/bots/{bot_id}?"),
        ("POST", "/v3/chatt", "; did you mean POST /v3/chat?"),
        ("GET", "/v1/conversation", "; did you mean GET /v1/conversations?"),
        ("GET", "/v3/chat", "; it knows POST"),
        ("POST", "/v1/variables", "; it knows GET and PUT"),
        (
            "GET",
            "/completely/different",
            "; --list shows them, --unchecked sends it all the same",
        ),
    ],
)
def test_a_typing_error_gets_a_guess(method: str, path: str, guess: str) -> None:
    assert nearest(method, path) == guess


def test_words_narrow_the_list() -> None:
    assert len(matching([])) == len(endpoints()) == 83
    assert [each.path for each in matching(["get", "voices"])] == ["/v1/audio/voices"]
    assert matching(["speech into TEXT"])[0].path == "/v1/audio/transcriptions"
    assert matching(["nonsense"]) == []
