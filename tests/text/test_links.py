"""Pictures and files that an answer links to."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.events import Enclosure, EnclosureKind
from bridge.text.links import linked

CAT = "https://example.org/cat.png"
IMAGE = EnclosureKind.IMAGE


def enclosures(markdown: str, most: int) -> tuple[Enclosure, ...]:
    return tuple(each.file for each in linked(markdown, most))


def urls(markdown: str, most: int = 10) -> list[str]:
    return [each.url for each in enclosures(markdown, most)]


@pytest.mark.parametrize(
    "markdown",
    [
        f"Look: ![a cat]({CAT})",
        f'![]({CAT} "my cat")',
        f"![]( <{CAT}> )",
        f"> - ![cat]({CAT})",
        f"| a | ![cat]({CAT}) |",
        f"**![cat]({CAT})**",
        f"[![cat]({CAT})](https://example.org/page)",
        f"[the cat]({CAT})",
        f"Here it is: {CAT}.",
        f"图片：{CAT}。",
        f"<{CAT}>",
    ],
)
def test_a_picture_is_found_however_it_is_written(markdown: str) -> None:
    assert enclosures(markdown, 3) == (Enclosure(IMAGE, "cat.png", url=CAT),)


@pytest.mark.parametrize(
    ("markdown", "kind", "name"),
    [
        ("[report](https://x.org/a/report.pdf?sig=1)", EnclosureKind.DOCUMENT, "report.pdf"),
        ("[报告.pdf](https://x.org/d/1f2e)", EnclosureKind.DOCUMENT, "报告.pdf"),
        ("[song](https://x.org/song.MP3)", EnclosureKind.AUDIO, "song.mp3"),
        ("https://x.org/film.mp4", EnclosureKind.VIDEO, "film.mp4"),
        ("![clip](https://x.org/film.mp4)", EnclosureKind.VIDEO, "film.mp4"),
        ("![](https://x.org/render?id=7)", IMAGE, "render.png"),
        ("![](https://x.org/)", IMAGE, "image.png"),
        ("[image](https://s.coze.cn/t/AbC/)", IMAGE, "image.png"),
        ("[audio](https://s.coze.cn/t/AbC)", EnclosureKind.AUDIO, "AbC.mp3"),
        ("[file](https://lf-bot.coze.cn/obj/x/data)", EnclosureKind.DOCUMENT, "data"),
        ("![](https://x.org/a%2F..%2Fevil.png)", IMAGE, "evil.png"),
        ("![](https://x.org/cat%E2%80%AEgnp.png)", IMAGE, "catgnp.png"),
    ],
)
def test_what_it_is_and_how_it_is_called(markdown: str, kind: EnclosureKind, name: str) -> None:
    assert [(each.kind, each.name) for each in enclosures(markdown, 1)] == [(kind, name)]


@pytest.mark.parametrize(
    "markdown",
    [
        f"`![cat]({CAT})`",
        f"``a ` ![cat]({CAT})``",
        f"```\n![cat]({CAT})\n```",
        f"```\n![cat]({CAT})",
        f"> ~~~\n> ![cat]({CAT})\n> ~~~",
        "[a page](https://example.org/cats)",
        "[a page](https://www.coze.cn/docs)",
        "![x](javascript:alert.png)",
        "![x](data:image/png;base64,AAAA)",
        "![x](file:///etc/cat.png)",
        "![x](/cat.png)",
        "![x](https://user:secret@example.org/cat.png)",
        "![x](https://[bad/cat.png)",
        "![x](https:///cat.png)",
        "![x]()",
        "cat.png",
        "",
    ],
)
def test_what_is_no_file_is_left_alone(markdown: str) -> None:
    assert enclosures(markdown, 3) == ()


def test_an_unclosed_backtick_hides_nothing() -> None:
    assert urls(f"5` wide\n\n![cat]({CAT})`") == [CAT]
    assert urls(f"` ![cat]({CAT}) ``") == [CAT]


def test_each_file_once_in_order_and_at_most_so_many() -> None:
    markdown = " ".join(f"![]({CAT}?{n}) [again]({CAT}?{n})" for n in range(5))
    assert urls(markdown, 3) == [f"{CAT}?{n}" for n in range(3)]
    assert urls(markdown, 0) == []


@pytest.mark.parametrize(
    ("markdown", "words"),
    [
        (f"![a *sleepy* cat]({CAT})", "a *sleepy* cat"),
        (f"![]({CAT})", ""),
        (f"![cat.png]({CAT})", ""),
        (f"[the cat]({CAT})", ""),
        (CAT, ""),
    ],
)
def test_what_is_said_of_a_picture_goes_with_it(markdown: str, words: str) -> None:
    assert [each.words for each in linked(markdown, 1)] == [words]


def test_an_address_is_read_as_markdown_reads_it() -> None:
    assert urls("![](https://x.org/a_(1).png?b=1&amp;c=2)") == ["https://x.org/a_(1).png?b=1&c=2"]


@pytest.mark.parametrize(
    "markdown",
    [
        "&amp;" * 10_000,
        "[" * 20_000,
        "![" * 10_000,
        "[a](" * 10_000,
        "![a](https://x.org/" * 5_000,
        "`" * 1 + " ``" * 10_000,
        "".join("`" * n + " " for n in range(1, 200)),
        "![x](" + "(" * 20_000,
        "https://" * 10_000,
        "https://x.org/" + "a" * 100_000,
        "<https://x" * 10_000,
        "![](https://x.org/" + "(a)" * 10_000 + ")",
        "\\" * 20_000 + "[a](b)",
        f"![cat]({CAT}) " * 10_000,
    ],
)
def test_what_was_written_to_be_slow_is_not(markdown: str) -> None:
    before = time.process_time()
    linked(markdown, 4)
    assert time.process_time() - before < 2


@given(st.text(alphabet="![]()<>`\\ \nhtps:/.gpnx&;\"'", max_size=300))
def test_nothing_breaks_it(markdown: str) -> None:
    for each in enclosures(markdown, 4):
        assert each.url.startswith(("http://", "https://"))
        assert each.name
