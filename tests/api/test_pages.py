"""Pages: the four ways Coze numbers them, and every way a list can end."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from bridge.api.pages import first, following, is_paged, joined
from bridge.coze.exchange import Ask

BY_NUMBER = (["workspace_id", "page_num", "page_size"], [])


def page(*items: object, **beside: object) -> dict[str, Any]:
    return {"code": 0, "data": {"items": list(items), **beside}}


def test_what_has_pages() -> None:
    assert is_paged(["bot_id", "page_num"])
    assert is_paged(["after_id"])
    assert not is_paged(["bot_id"])


def test_the_first_page_is_asked_for_by_its_number() -> None:
    assert first(Ask("GET", "/x"), BY_NUMBER[0]).query == [("page_num", "1")]
    third = Ask("GET", "/x", [("page_num", "3")])
    assert first(third, BY_NUMBER[0]) == third
    assert first(Ask("GET", "/x"), ["page_token"]).query == ()


@pytest.mark.parametrize(
    ("ask", "known", "last", "after"),
    [
        (
            Ask("GET", "/x", [("workspace_id", "7")]),
            BY_NUMBER,
            page(1, has_more=True),
            Ask("GET", "/x", [("workspace_id", "7"), ("page_num", "2")]),
        ),
        (
            Ask("GET", "/x", [("page_index", "9")]),
            (["page_index"], []),
            page(1, total=5),
            Ask("GET", "/x", [("page_index", "10")]),
        ),
        (
            Ask("POST", "/x", body={"dataset_id": "1"}),
            ([], ["dataset_id", "page"]),
            {"code": 0, "document_infos": [1], "total": 2},
            Ask("POST", "/x", body={"dataset_id": "1", "page": 2}),
        ),
        (
            Ask("GET", "/x"),
            (["page_token", "page_size"], []),
            page(1, has_more=True, next_page_token="t2"),
            Ask("GET", "/x", [("page_token", "t2")]),
        ),
        (
            Ask("POST", "/x", [("conversation_id", "1")], {"limit": 2}),
            (["conversation_id"], ["limit", "after_id"]),
            {"code": 0, "data": [{"id": "5"}], "last_id": "5", "has_more": True},
            Ask("POST", "/x", [("conversation_id", "1")], {"limit": 2, "after_id": "5"}),
        ),
    ],
    ids=["number", "index", "in the body", "token", "last id"],
)
def test_the_next_page(
    ask: Ask,
    known: tuple[Sequence[str], Sequence[str]],
    last: Mapping[str, object],
    after: Ask,
) -> None:
    assert following(ask, known, [last]) == after


@pytest.mark.parametrize(
    "found",
    [
        [page(1, has_more=False)],
        [page(has_more=True)],
        [page(1, 2, total=3), page(3, total=3)],
        [page(1, 2), page(3)],
        [page(1, has_more=True), page(1, has_more=True)],
        [{"code": 0, "msg": ""}],
        [{"code": 0, "data": [], "has_more": False}],
    ],
    ids=["no more", "empty", "total", "not full", "the same again", "no list", "bare list"],
)
def test_the_end_of_a_list(found: Sequence[Mapping[str, object]]) -> None:
    assert following(Ask("GET", "/x"), BY_NUMBER, found) is None


def test_a_full_page_without_a_word_about_the_end_is_not_the_last() -> None:
    found = [page(1, 2), page(3, 4)]
    assert following(Ask("GET", "/x", [("page_num", "2")]), BY_NUMBER, found) is not None


def test_no_token_is_the_end() -> None:
    last = page(1, has_more=True, next_page_token="")
    assert following(Ask("GET", "/x"), (["page_token"], []), [last]) is None


def test_pages_become_one_answer() -> None:
    assert joined([page(1, 2, has_more=True), page(3, has_more=False)]) == page(
        1, 2, 3, has_more=False
    )
    bare = [{"code": 0, "data": [1], "has_more": True}, {"code": 0, "data": [2], "last_id": "2"}]
    assert joined(bare) == {"code": 0, "data": [1, 2], "last_id": "2"}
    nothing = {"code": 0, "msg": ""}
    assert joined([nothing]) == nothing
