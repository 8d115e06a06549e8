"""Pages that hold no more markup than a platform accepts."""

import pytest

from bridge.text.pages import Tail, paginate

DENSE = " ".join(f"**bold{i}** and `code{i}` and [link{i}](https://x.y/{i})" for i in range(200))


@pytest.mark.parametrize("most", [10, 100])
def test_a_page_has_no_more_stretches_of_markup_than_allowed(most: int) -> None:
    for page in paginate(DENSE, 3800, max_spans=most, tail=Tail.FINAL):
        assert page.count("**") // 2 + page.count("`") // 2 + page.count("](") <= most + 1


def test_nothing_is_lost_when_markup_cuts_pages_short() -> None:
    pages = paginate(DENSE, 3800, max_spans=100, tail=Tail.FINAL)
    assert "".join(pages).replace(" ", "") == DENSE.replace(" ", "")
    assert len(pages) > len(paginate(DENSE, 3800, tail=Tail.FINAL))


def test_pages_stay_put_while_text_with_much_markup_grows() -> None:
    before: list[str] = []
    for end in range(0, len(DENSE), 37):
        pages = paginate(DENSE[:end], 3800, max_spans=20)
        assert pages[: max(0, len(before) - 1)] == before[:-1]
        before = pages


def test_plain_text_is_cut_by_its_width_alone() -> None:
    plain = "word " * 3000
    assert paginate(plain, 3800, max_spans=1) == paginate(plain, 3800)
