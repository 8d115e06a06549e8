"""From neutral Markdown to text and entities that Telegram takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.telegram.adapter import MAX_SOURCE
from adapters.telegram.markup import (
    MAX_CAPTION,
    MAX_ENTITIES,
    MAX_TEXT,
    Entity,
    caption,
    converted,
    rendered,
)
from adapters.telegram.pieces import pieces
from bridge.events import Page
from bridge.text.pages import Tail, paginate
from tests.text.samples import SAMPLES, visible

KINDS_OF_CODE = {"pre", "code"}
PROSE = "## 第{n}章 · Chapter {n}\n\n**重要：**长桥有{n}个拱，*每个*都不同；see [map {n}](https://b.example/{n}).\n\n"
SOURCE = "```python\ndef arch_{n}(x: int) -> str:\n    return f'**{{x}}** <b> {n}'\n```\n\n"
TABLE = "| 桥 | Length | Year |\n|---|---|---|\n" + "| 第{n}号 | {n} m | 16{n} |\n" * 6 + "\n"


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def part(text: str, entity: Entity) -> str:
    """The words an entity covers; raises if it cuts a character in two."""
    raw = text.encode("utf-16-le")
    end = entity.offset + entity.length
    return raw[entity.offset * 2 : end * 2].decode("utf-16-le")


def complaints(text: str, entities: list[Entity]) -> list[str]:
    """What Telegram would refuse, or ignore."""
    found = []
    if not text.strip() or units(text) > MAX_TEXT:
        found.append(f"{units(text)} units")
    if len(entities) > MAX_ENTITIES:
        found.append(f"{len(entities)} entities")
    for entity in entities:
        end = entity.offset + entity.length
        if entity.offset < 0 or entity.length <= 0 or end > units(text):
            found.append(f"{entity} beyond the text")
            continue
        part(text, entity)
    return found + [f"{a} in {b}" for a in entities for b in entities if _clash(a, b)]


def _clash(a: Entity, b: Entity) -> bool:
    """Entities nest or are apart, none within one of its own kind, and no code in code.

    Of code within bold Telegram makes code with bold around it.
    """
    if a is b:
        return False
    a_end, b_end = a.offset + a.length, b.offset + b.length
    apart = a_end <= b.offset or b_end <= a.offset
    nested = (a.offset <= b.offset and b_end <= a_end) or (b.offset <= a.offset and a_end <= b_end)
    same = a.type == b.type or (a.type in KINDS_OF_CODE and b.type in KINDS_OF_CODE)
    return not apart and (not nested or same)


def shown(markdown: str) -> tuple[str, list[tuple[str, str]]]:
    """The text, and what each entity covers."""
    text, entities = rendered(Page(markdown, final=True))
    assert complaints(text, list(entities)) == []
    return text, [(entity.type, part(text, entity)) for entity in entities]


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("final", [False, True])
def test_every_sample_is_valid_on_every_page(name: str, final: bool) -> None:
    for limit in (60, MAX_SOURCE):
        tail = Tail.FINAL if final else Tail.MENDED
        for source in paginate(SAMPLES[name], limit, utf16=True, max_spans=100, tail=tail):
            text, entities = rendered(Page(source, final=final))
            assert complaints(text, list(entities)) == []


@given(st.sampled_from(sorted(SAMPLES)), st.integers(min_value=0, max_value=400))
def test_every_beginning_is_valid(name: str, end: int) -> None:
    for source in paginate(SAMPLES[name][:end], MAX_SOURCE, utf16=True, max_spans=100):
        text, entities = rendered(Page(source))
        assert complaints(text, list(entities)) == []


@given(st.text(max_size=300))
def test_any_text_at_all_is_valid(source: str) -> None:
    for page in paginate(source, MAX_SOURCE, utf16=True, max_spans=100):
        text, entities = rendered(Page(page))
        # Some characters Telegram shows as nothing; a page of only those is not ours to judge.
        assert [told for told in complaints(text, list(entities)) if "units" not in told] == []


# In pieces


GAPS = st.sampled_from(["\n\n", "\n\n\n", " \n\n", "\n"])
BLOCKS = (
    *(sample for name, sample in SAMPLES.items() if name != "half surrogates"),
    "A line of words, with `a<b` and **bold** and 👍",
    "```py\nx = 1\n\ny = 2\n```",
    "~~~\n```\n\n~~~",
    "    indented\n\n    more",
    "- one\n- two",
    "- one\n\n  its second paragraph",
    "1. > quoted\n2. ```\n   code\n   ```",
    "> quoted\n> as well",
    "---",
    "$$x$$ and $5",
    "words $$x + \\alpha$$ more",
)


@given(
    st.lists(
        st.tuples(st.sampled_from(BLOCKS), st.sampled_from(["\n\n", "\n\n\n", " \n\n", "\n"]))
    ),
    st.integers(min_value=0, max_value=60),
)
def test_text_in_pieces_is_shown_as_the_whole_of_it(
    blocks: list[tuple[str, str]], missing: int
) -> None:
    source = "".join(block + gap for block, gap in blocks)
    source = source[: len(source) - missing]
    assert converted(source) == converted(source, lambda whole: [whole])


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("One.\n\nTwo.\n\n\n## Three", 3),
        ("Look:\n\n```py\na\n\nb\n```\n\nDone.", 3),
        ("Look:\n\n```py\na\n\nb", 2),
        ("- one\n\n- two\n\n  more\n\nover", 2),
        ("1. one\n\n2. two", 1),
        ("Code\n\n    in two\n\n    parts\n\nover", 2),
        ("[a][1]\n\n[1]: https://b.example", 1),
        ("||hidden\n\nas well||", 1),
        ("Odd:\n\nx\n  ```\n\na\n\n  ```", 2),
        ("\n\nlate", 1),
    ],
)
def test_text_is_cut_between_blocks_and_not_within_one(source: str, count: int) -> None:
    assert len(pieces(source)) == count
    assert "".join(pieces(source)) == source


def test_what_looks_like_html_is_kept() -> None:
    source = "<think>hidden</think> a<b>c <div>x</div> 1 < 2 `<i>` <!channel>"
    text, _ = shown(source)
    assert text == "<think>hidden</think> a<b>c <div>x</div> 1 < 2 <i> <!channel>"


def test_html_in_code_is_left_alone() -> None:
    text, marks = shown("```html\n<b>x</b>\n```")
    assert text.strip() == "<b>x</b>"
    assert marks[0][0] == "pre"


def test_link_in_angles_is_a_link() -> None:
    text, _ = shown("see <https://auto.example/x>")
    assert text == "see https://auto.example/x"


def test_chinese_bold_is_bold() -> None:
    [source] = paginate("**重要：**这是**“引号”**的例子。", MAX_SOURCE, utf16=True, tail=Tail.FINAL)
    text, marks = shown(source)
    assert "*" not in text
    assert [kind for kind, _ in marks] == ["bold", "bold"]
    assert [words.strip("：“”") for _, words in marks] == ["重要", "引号"]


def test_table_is_aligned_code() -> None:
    text, marks = shown("| Name | Value |\n|---|---|\n| alpha | 1 |\n| beta | 2 |")
    assert [kind for kind, _ in marks] == ["pre"]
    assert "alpha" in text
    assert "beta" in text


def test_code_has_its_language() -> None:
    _, entities = rendered(Page("```python\nx = 1\n```", final=True))
    assert [(each.type, each.language) for each in entities] == [("pre", "python")]


def test_links_have_their_addresses() -> None:
    text, entities = rendered(Page("[the page](https://example.com/a_(b)) here", final=True))
    assert text == "the page here"
    assert [(each.type, each.url) for each in entities] == [
        ("text_link", "https://example.com/a_(b)")
    ]


def test_offsets_count_utf16_units() -> None:
    _, marks = shown("😀👨‍👩‍👧‍👦 **bold 😀** and `code`")
    assert marks == [("bold", "bold 😀"), ("code", "code")]


def test_plain_page_is_shown_as_written() -> None:
    assert rendered(Page("**a** <b> `c`", plain=True)) == ("**a** <b> `c`", ())


def test_half_a_character_becomes_a_mark() -> None:
    """The API refuses what is not UTF-8, and the library cannot even encode it."""
    for page in (Page("a\ud83d b", plain=True), Page("**a\ud83d** b")):
        text, _ = rendered(page)
        assert text == "a\ufffd b"


def test_table_too_wide_when_aligned_is_shown_as_written() -> None:
    wide = "| " + "x" * 300 + " | b |\n|---|---|\n" + "| a | b |\n" * 30
    text, entities = rendered(Page(wide, final=True))
    assert (text, list(entities)) == (wide, [])


def long_answer(length: int) -> str:
    """Prose, code and tables in two languages."""
    parts: list[str] = []
    while sum(map(len, parts)) < length:
        parts += [kind.format(n=len(parts) + at) for at, kind in enumerate((PROSE, SOURCE, TABLE))]
    return "".join(parts)[:length]


def test_thirty_thousand_characters_are_complete_in_order_and_within_limits() -> None:
    answer = long_answer(30_000)
    pages = paginate(answer, MAX_SOURCE, utf16=True, max_spans=MAX_ENTITIES, tail=Tail.FINAL)
    assert 8 <= len(pages) <= 40
    for page in pages:
        text, entities = rendered(Page(page, final=True))
        assert complaints(text, list(entities)) == []
        assert text != page  # none had to be shown as written
    texts = "".join(rendered(Page(page, final=True))[0] for page in pages)
    at = 0
    for word in answer.split("\n"):
        if "Chapter" in word or "def arch" in word:  # what occurs once, in its order
            at = texts.index(word.removeprefix("## "), at)
    assert len(visible(answer)) <= len("".join(texts.split())) * 1.02


# Long quotes


@pytest.mark.parametrize(
    ("quoted", "kind"),
    [
        ("> one\n> two\n> three", "blockquote"),
        ("> one\n> two\n> three\n> four", "expandable_blockquote"),
        ("> " + "想" * 241, "expandable_blockquote"),
        ("> **one** 😀", "blockquote"),
    ],
)
def test_long_quote_is_folded_up(quoted: str, kind: str) -> None:
    text, entities = rendered(Page(f"{quoted}\n\nThe answer.", final=True))
    [quote] = [each for each in entities if "quote" in each.type]
    assert quote.type == kind
    assert text.endswith("The answer.")
    assert complaints(text, list(entities)) == []


def test_caption_has_its_own_limit() -> None:
    assert caption(" ") == {"caption": None, "caption_entities": None}
    assert caption("**a**") == {
        "caption": "a",
        "caption_entities": [{"type": "bold", "offset": 0, "length": 1}],
    }
    long = caption("a" + "😀" * 600)
    assert long["caption_entities"] is None
    assert units(str(long["caption"])) <= MAX_CAPTION
    assert str(long["caption"]).endswith("😀…")
