"""From words to a request: everything wrong is told at once, and before anything is sent."""

from pathlib import Path

import pytest

from bridge.api.asking import Words, understood
from bridge.coze.exchange import Ask, Attachment
from bridge.errors import Misconfigured


def problems(words: Words) -> list[str]:
    with pytest.raises(Misconfigured) as refused:
        understood(words)
    return list(refused.value.problems)


def test_a_question_in_the_query() -> None:
    words = Words("get", "/v1/bots", query=["workspace_id=1", "page_size=5"])
    assert understood(words) == Ask("GET", "/v1/bots", [("workspace_id", "1"), ("page_size", "5")])


def test_a_value_may_have_any_sign_in_it() -> None:
    ask = understood(Words("GET", "/v1/variables", query=["keywords=a=b,c&d"]))
    assert ask.query == [("keywords", "a=b,c&d")]


def test_a_body_from_the_line_and_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text('{"name": "冬"}', encoding="utf-8")
    told = understood(Words("PUT", "/v1/conversations/7", data='{"name": "冬"}'))
    read = understood(Words("PUT", "/v1/conversations/7", data=f"@{tmp_path}/body.json"))
    assert told == read
    assert told.body == {"name": "冬"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "/v1/files/retrieve", None), ("POST", "/v1/conversations/7/clear", {})],
)
def test_only_a_get_goes_without_a_body(method: str, path: str, body: object) -> None:
    assert understood(Words(method, path)).body == body


def test_a_form_has_files_and_texts(tmp_path: Path) -> None:
    sound = tmp_path / "me.wav"
    sound.write_bytes(b"RIFF")
    form = [f"file=@{sound}", "voice_name=me", "audio_format=wav"]
    ask = understood(Words("POST", "/v1/audio/voices/clone", form=form))
    assert ask.files == (Attachment("file", sound),)
    assert ask.texts == {"voice_name": "me", "audio_format": "wav"}
    assert ask.body is None


def test_a_header_that_an_endpoint_wants_is_sent() -> None:
    ask = understood(Words("POST", "/open_api/knowledge/document/list", data='{"dataset_id": "1"}'))
    assert ask.headers == {"Agw-Js-Conv": "str"}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            Words("GET", "/v1/bots", query=["workspce_id=1"]),
            "-q workspce_id: the endpoint has no such parameter; did you mean workspace_id?",
        ),
        (
            Words("POST", "/v3/chat/cancel", data='{"chatid": 1}'),
            "-d chatid: the endpoint has no such parameter; did you mean chat_id?",
        ),
        (
            Words("GET", "/v1/folders/1", query=["zzz=1"]),
            "-q zzz: the endpoint has no such parameter; it takes none",
        ),
        (Words("GET", "/v1/bots", query=["workspace_id"]), "-q workspace_id: must be name=value"),
        (
            Words("GTE", "/v1/bots"),
            "GTE: must be one of GET, POST, PUT, DELETE, PATCH; did you mean GET?",
        ),
        (
            Words("GET", "/v1/bots?id=1"),
            "/v1/bots?id=1: parameters go into -q NAME=VALUE, and a value in place of {…}",
        ),
        (
            Words("GET", "/v1/bot"),
            "GET /v1/bot: no endpoint of Coze; did you mean GET /v1/bots?",
        ),
        (
            Words("GET", "/v9/quite/new"),
            "GET /v9/quite/new: no endpoint of Coze; --list shows them, --unchecked sends it all"
            " the same",
        ),
        (Words("POST", "/v1/files/upload"), "-F: missing file; give it as file=@FILE"),
        (
            Words("POST", "/v1/files/upload", data="{}"),
            "-d: this endpoint takes a form, -F name=@FILE",
        ),
        (Words("POST", "/v3/chat", data="[1]"), "-d: must be a JSON object"),
        (
            Words("POST", "/v3/chat", data="{bot_id: 1}"),
            "-d: not JSON: Expecting property name enclosed in double quotes:"
            " line 1 column 2 (char 1)",
        ),
        (
            Words("POST", "/v3/chat", data="@/nowhere/body.json"),
            "-d @/nowhere/body.json: cannot be read: No such file or directory",
        ),
        (
            Words("POST", "/v1/files/upload", form=["file=@/nowhere/x.png"]),
            "-F file: there is no file /nowhere/x.png",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line(words: Words, line: str) -> None:
    assert line in problems(words)


def test_all_mistakes_come_together() -> None:
    assert len(problems(Words("POST", "/v3/chat", ["x=1", "y"], "nonsense"))) == 3


def test_what_the_index_does_not_know_can_be_sent_all_the_same() -> None:
    ask = understood(Words("POST", "/v9/new", ["a=1"], '{"b": 2}', unchecked=True))
    assert ask == Ask("POST", "/v9/new", [("a", "1")], {"b": 2})


@pytest.mark.parametrize("path", ["https://example.com/v1", "//example.com/v1", "v1/bots", ""])
@pytest.mark.parametrize("unchecked", [True, False])
def test_no_other_host_gets_the_token(path: str, unchecked: bool) -> None:
    (line,) = problems(Words("GET", path, unchecked=unchecked))
    assert "must begin with one /" in line
