import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.text.markdown import literal, mend, prep

from .samples import FINISHED, SAMPLES, parser, prose, visible

salad = st.text(st.sampled_from("ab1 \n\n**__~~``[]()!#->|\\:重，：“”。<\"'%\t\r"), max_size=60)
LEFTOVERS = ("**", "~~", "`", "](", "![")


@pytest.mark.parametrize(
    ("source", "moved"),
    [
        ("**重要：**这是", "**重要**：这是"),
        ("**“你好”**", "“**你好**”"),
        ("他说**“你好”**然后", "他说“**你好**”然后"),
        ("这是**【注意】**内容", "这是【**注意**】内容"),
        ("***重要：***这是", "***重要***：这是"),
        ("增长**50%**的", "增长**50**%的"),
        ('说**"好"**的', '说"**好**"的'),
        ("**a：**b **c：**d", "**a**：b **c**：d"),
        ("`**重要：**这`", "`**重要：**这`"),
        ("```\n**重要：**这\n```", "```\n**重要：**这\n```"),
        ("**《红楼梦》作者**是", "**《红楼梦》作者**是"),
        ("是**《红楼梦》作者**吗", "是《**红楼梦》作者**吗"),
        ("**50%** of", "**50%** of"),
        ("**note:** text", "**note:** text"),
        ("**[链接](http://e.com)**是", "**[链接](http://e.com)**是"),
        ("\\**重要：**这", "\\**重要：**这"),
        ("2 ** 3：** 4", "2 ** 3：** 4"),
        ("**：**", "**：**"),
    ],
)
def test_prep_moves_punctuation_out_of_bold_and_nothing_else(source: str, moved: str) -> None:
    assert prep(source) == moved


@pytest.mark.parametrize("source", ["**重要：**这", "说**“你好”**吧", "涨**50%**的", "**完！**好"])
def test_prepped_chinese_bold_is_bold_for_commonmark(source: str) -> None:
    assert "<strong>" not in parser.render(source)
    assert "<strong>" in parser.render(prep(source))
    assert "*" not in prose(prep(source))


@given(salad)
def test_prep_is_idempotent_and_only_moves(text: str) -> None:
    once = prep(text)
    assert sorted(once) == sorted(text)
    assert prep(once) == once


@pytest.mark.parametrize("name", SAMPLES)
def test_prep_on_every_prefix_only_moves_and_is_idempotent(name: str) -> None:
    text = SAMPLES[name]
    for end in range(len(text) + 1):
        once = prep(text[:end])
        assert sorted(once) == sorted(text[:end])
        assert prep(once) == once


@pytest.mark.parametrize(
    ("half", "mended"),
    [
        ("**bold", "**bold**"),
        ("**bold ", "**bold** "),
        ("**bold*", "**bold**"),
        ("**bold **", "**bold** "),
        ("***both*", "***both***"),
        ("*a **b", "*a **b***"),
        ("**a `b", "**a `b`**"),
        ("~~gone~", "~~gone~~"),
        ("_em", "_em_"),
        ("`co", "`co`"),
        ("``a`", "``a``"),
        ("text **", "text "),
        ("text `", "text "),
        ("**重要：", "**重要：**"),
        ("see [x](http://a(b", "see x"),
        ('see [x](http://a "ti', "see x"),
        ("see **[x](http", "see **x**"),
        ("a ![pic](http", "a "),
        ("a ![pic", "a "),
        ("text\n-", "text\n"),
        ("text\n> ", "text\n"),
        ("text\n##", "text\n"),
        ("- a\n- [", "- a\n"),
        ("text\n--", "text\n"),
        ("| a | b", ""),
        ("| a | b |\n|--", ""),
        ("| a | b |\n|---|---", "| a | b |\n|---|---"),
        ("| a | b |\n|---|---|\n| 1 |", "| a | b |\n|---|---|\n| 1 |"),
        ("| a | b |\n|---|---|\n| 1 | 2", "| a | b |\n|---|---|\n"),
        ("| a | b |\n|---|---|\n|", "| a | b |\n|---|---|\n"),
        ("text\n```py", "text\n"),
        ("text\n```py\n", "text\n"),
        ("```py\nx = 1", "```py\nx = 1\n```"),
        ("```py\nx = 1\n``", "```py\nx = 1\n```"),
        ("````\n```\nx", "````\n```\nx\n````"),
        ("~~~\nx\n~", "~~~\nx\n~~~"),
        ("> ```\n> x", "> ```\n> x\n> ```"),
        ("1. a\n   ```\n   x", "1. a\n   ```\n   x\n   ```"),
        ("**a\\", "**a**"),
        ("costs \\", "costs "),
        ("这是**“", "这是“"),
        ("``a ` ", "``a ` ``"),
        ("an <http://exa", "an http://exa"),
    ],
)
def test_what_is_half_finished_looks_finished(half: str, mended: str) -> None:
    assert mend(half) == mended


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2 * 3 * 4",
        "2 * 3 *\n4",
        "2**3",
        "5*3 = 15",
        "snake_case",
        "snake_",
        "a _ b",
        "好的~",
        "wow!",
        "a [note",
        "a [note]",
        "x = a ` b",
        "above\n\n---",
        "above\n\n***",
        "The answer is:\n\n42.",
        "|x| is\nabsolute",
        "**two\nlines** and",
        "*foo**bar*",
        "**foo*bar**",
        "```\ncode\n```",
        "~~~\ncode\n~~~",
        "> ```\n> code\n> ```",
        "    indented ``` code",
    ],
)
def test_what_is_no_markup_stays(text: str) -> None:
    assert mend(text) == text


@pytest.mark.parametrize("name", FINISHED)
def test_a_finished_answer_is_left_alone(name: str) -> None:
    assert mend(FINISHED[name]) == FINISHED[name]


@pytest.mark.parametrize("name", SAMPLES)
def test_mending_every_prefix_is_idempotent(name: str) -> None:
    text = SAMPLES[name]
    for end in range(len(text) + 1):
        once = mend(text[:end])
        assert mend(once) == once


@given(salad)
def test_mending_anything_is_idempotent(text: str) -> None:
    assert mend(mend(text)) == mend(text)


def brackets_left_out(text: str) -> str:
    """What may still become a link or stay as it is: until then it is shown as it stands."""
    return re.sub(r"[\[\]<]|!$", "", text)


@pytest.mark.parametrize("name", FINISHED)
def test_a_mended_prefix_shows_the_beginning_of_what_will_be_shown(name: str) -> None:
    text = FINISHED[name]
    whole = brackets_left_out(visible(prep(text)))
    for end in range(len(text) + 1):
        seen = brackets_left_out(visible(prep(mend(text[:end]))))
        assert whole.startswith(seen), (text[:end], mend(text[:end]))


@pytest.mark.parametrize("name", FINISHED)
def test_a_mended_prefix_shows_no_markers(name: str) -> None:
    text = FINISHED[name]
    allowed = prose(prep(text))
    for end in range(len(text) + 1):
        seen = prose(prep(mend(text[:end])))
        found = [each for each in LEFTOVERS if seen.count(each) > allowed.count(each)]
        assert not found, (text[:end], mend(text[:end]))


@pytest.mark.parametrize(
    "unit", ["*_", "<ab:", '[x](u "', "1. ```\n", "![", "[a\\", "`a``", "**a", "-\n", "| a |\n"]
)
def test_a_hopeless_tangle_costs_no_minutes_and_is_mended_once(unit: str) -> None:
    tangle = unit * (4000 // len(unit))
    began = time.process_time()
    once = mend(tangle)
    assert time.process_time() - began < 2  # below 0.1 s; generous for a slow machine
    assert mend(once) == once


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("Queen of  Sheba", "Queen of  Sheba"),
        ("*bold*", "`*bold*`"),
        ("a ` b `` c", "``` a ` b `` c ```"),
        ("one\ntwo", "one two"),
        ("https://example.org", "`https://example.org`"),
    ],
)
def test_somebodys_words_stand_as_they_are(words: str, shown: str) -> None:
    assert literal(words) == shown


@given(salad)
def test_somebodys_words_mean_nothing(words: str) -> None:
    [item] = [each for each in parser.parse(f"- x: {literal(words)}") if each.type == "inline"]
    assert {each.type for each in item.children or []} <= {"text", "code_inline"}
    assert visible(f"x: {literal(words)}") == re.sub(r"\s+", "", f"x: {words}")
