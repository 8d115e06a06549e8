from hypothesis import given
from hypothesis import strategies as st

from bridge.events import Button, Page
from bridge.text.plan import Drop, Edit, Post, Step, plan

pages = st.builds(Page, text=st.sampled_from("abc"), final=st.booleans())


def screen_after(shown: list[Page | None], steps: list[Step]) -> list[Page | None]:
    """What a screen shows once the steps were carried out."""
    screen: list[Page | None] = list(shown)
    for step in steps:
        match step:
            case Post(index, page):
                screen.extend([None] * (index + 1 - len(screen)))
                assert screen[index] is None
                screen[index] = page
            case Edit(index, page):
                assert screen[index] not in (None, page)
                screen[index] = page
            case Drop(index):
                assert screen[index] is not None
                screen[index] = None
    return screen


def test_an_empty_screen_gets_every_page_in_reading_order() -> None:
    one, two = Page("one"), Page("two")
    assert plan([], [one, two]) == [Post(0, one), Post(1, two)]


def test_unchanged_pages_cost_nothing() -> None:
    frozen, old, new = Page("frozen"), Page("tail"), Page("tail grows")
    assert plan([frozen, old], [frozen, new]) == [Edit(1, new)]
    assert plan([frozen, old], [frozen, old]) == []


def test_a_page_that_only_becomes_final_or_gets_buttons_is_edited() -> None:
    shown = Page("same")
    final = Page("same", final=True)
    asked = Page("same", buttons=(Button("More", "Tell me more"),))
    assert plan([shown], [final]) == [Edit(0, final)]
    assert plan([shown], [asked]) == [Edit(0, asked)]


def test_a_page_nobody_saw_is_posted_though_its_successor_is_there() -> None:
    assert plan([None, Page("b")], [Page("a"), Page("b")]) == [Post(0, Page("a"))]


def test_a_shorter_answer_drops_the_surplus_and_only_what_is_shown() -> None:
    assert plan([Page("a"), Page("b"), None], [Page("a")]) == [Drop(1)]


@given(shown=st.lists(st.none() | pages, max_size=5), wanted=st.lists(pages, max_size=5))
def test_the_steps_turn_what_is_shown_into_what_is_wanted(
    shown: list[Page | None], wanted: list[Page]
) -> None:
    after = screen_after(shown, plan(shown, wanted))
    assert after[: len(wanted)] == wanted
    assert all(page is None for page in after[len(wanted) :])
    assert plan(after, wanted) == []
