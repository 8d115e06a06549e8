# ruff: noqa: E501  # a sample reads best on one line
"""Nasty Markdown, and a way to see what a reader would see of it."""

import re
from collections.abc import Iterable

from markdown_it import MarkdownIt
from markdown_it.token import Token

FINISHED = {
    "plain": "One sentence. Another one! And a third?\n\nA new paragraph, with a comma.",
    "chinese bold": "**重要：**这是**“引号”**的例子，增长了**50%**的用户；**《红楼梦》**是名著。**注意！**请看。",
    "chinese prose": "今天天气很好。我们去公园吧！你觉得怎么样？我想可以……不过要下雨；那就算了。",
    "emphasis": "Some **bold text**, some *emphasis*, **bold with *nested* inside**, ~~gone~~ and __strong__.",
    "three stars": "This is ***very* important** and ***both at once*** indeed.",
    "arithmetic": "2 * 3 * 4 = 24, 2**3 = 8, a*b is a product, and snake_case_name or __init__ is code.",
    "inline code": "Call `f(x)` or ``a ` b`` and `x * y` but not \\`this\\` or 5 \\* 6.",
    "fence": "Look:\n\n```python\ndef f():\n    return '**not bold**'\n\n\nprint(f())\n```\n\nDone.",
    "fence without blank lines": "Look:\n```\none\ntwo\n```\nDone.",
    "four backticks": "````markdown\n```python\nx = 1\n```\nmore\n````\nafter",
    "tildes": "~~~sh\necho ```\n~~~\n\ntext ~ tilde",
    "two fences": "```js\nlet a = 1;\n```\n```js\nlet b = 2;\n```\nend",
    "fence in a list": "1. First:\n\n   ```sh\n   ls -la\n   cd /tmp\n   ```\n\n2. Second\n   more of it",
    "fence in a nested list": "- a\n  - b\n\n    ```py\n    x = 1\n    if x:\n        y = 2\n    ```\n  - c\n- d",
    "quote with code": "> A quote\n>\n> ```py\n> x = 1\n> y = 2\n> ```\n>\n> over\n\nand out",
    "table": "| Name | Value |\n|------|:-----:|\n| alpha | 1 |\n| beta | `2` |\n| gamma | **3** |\n\nAfter.",
    "wide table": "Intro\n\n| A | B | C |\n| --- | --- | --- |\n| one | two | three |\n| four | five | six |",
    "links": "See [the page](https://example.com/a_(b)), [two](<http://x y>) and ![pic](http://e.com/p.png) here.",
    "link with title": 'A [link](http://example.com "The title") and an <https://auto.example/x> end.',
    "nested lists": "- one\n  - two\n    - three\n      - four\n- five\n\n* star\n+ plus",
    "numbered": "1. one\n2. two\n3. three\n\n10) ten\n11) eleven",
    "headings": "# Title\n\n## Second *level*\n\nText\n\n### Third\n- item",
    "rule": "above\n\n---\n\nbelow\n\n***\n\nend",
    "emoji": "Family 👨‍👩‍👧‍👦 and flags 🇩🇪🇨🇳🇺🇸 and skin 👍🏽 and heart ❤️ all in a row.",
    "combining": "Zalgo e\u0301 n\u0303 a\u0308\u0323 and क्षि and 한국어 각 done.",
    "right to left": "مرحبا بالعالم. هذا نص طويل، مع فواصل؟ نعم! שלום עולם.",
    "html": "<think>hidden</think> a<b>c <div>x</div> 1 < 2 > 0 done",
    "windows": "Line one\r\nLine two\r\n\r\n- item **bold**\r\n- item\r\n",
    "separators": "a\u2028b\u2029c\u0085d\x0be\x0cf end",
    "latex": "The area is $A = \\pi r^2$ and\n\n$$\n\\sum_{i=1}^{n} i = \\frac{n(n+1)}{2}\n$$\n\nso \\(x_1\\).",
    "task list": "- [x] done\n- [ ] open **now**\n- [ ] later",
}
"""Finished, well-formed answers."""

BROKEN = {
    "salad": "_*[]~`_*[](*_~~`*[!_**__~~~`` *a_b*c~ [x](_ ![",
    "entities": "fish &amp; chips &lt;b&gt; &copy",
    "unclosed fence": "text\n```py\nx = 1\ny = 2",
    "unclosed everything": "**bold *em ~~gone `code [label](http://exa",
    "no spaces": "x" * 160,
    "no spaces in chinese": "字" * 160,
    "only newlines": "\n" * 160,
    "only spaces": " " * 160,
    "newlines and one word": "\n" * 120 + "word" + " \n" * 120 + "end",
    "blank fence": "```\n" + "\n" * 150 + "x\n" + "\n" * 150 + "```\nend",
    "long line of code": "```python title=x\n" + "abc def(" * 16 + "\n```\nend",
    "long info": "```" + "i" * 120 + "\ncode\n```\nend",
    "many backticks": "`" * 90 + "\ncode\n" + "`" * 90 + "\nend",
    "long link": "see [a label](http://example.com/" + "path/" * 24 + ") end",
    "long bold": "**" + "word " * 24 + "end** after",
    "wide row": "| a | b |\n|---|---|\n| " + "cell " * 18 + "| x |\n| 1 | 2 |",
    "wide header": "| " + "head | " * 20 + "\n|" + "---|" * 20 + "\n| 1 | 2 |\n| 3 | 4 |",
    "half surrogates": "a\ud83d b\ude00 \ud83d\ude00 " * 12 + "\udfff",
    "one huge cluster": "e" + "\u0301" * 120 + " end",
    "joined emoji": "👨‍👩‍👧‍👦" * 20,
    "many flags": "🇩🇪" * 60,
    "stray markers": "a ** b * c _ d ` e ~~ f ** g",
    "pipes in prose": "|x| is absolute, |y| too\nand | here\n| or here",
    "list left in the middle of code": "1. x\n   ```py\n   code\nsloppy\n```\nmore text after it",
    "quote left in the middle of code": "> ```\n> code\nout of it\n\nmore",
    "deep quote": "> > > ```\n> > > " + "code " * 20 + "\n> > > ```\nend",
    "bullets of nothing": "-\n*\n+\n#\n>\n1.\n- [ ]\n" * 4,
}
"""Answers that no renderer likes. They must lose nothing and stay in their limits all the same."""

SAMPLES = FINISHED | BROKEN

parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def visible(markdown: str) -> str:
    """What a reader sees, white space left out: text, code, alternative texts, list numbers."""
    seen = "".join(_visible(parser.parse(markdown.encode("utf-8", "replace").decode())))
    return re.sub(r"\s+", "", seen)


def prose(markdown: str) -> str:
    """What a reader sees outside code."""
    tokens = [each for block in parser.parse(markdown) for each in (block.children or [])]
    return "\n".join(each.content for each in tokens if each.type == "text")


def _visible(tokens: Iterable[Token]) -> Iterable[str]:
    for token in tokens:
        if token.type == "list_item_open":
            yield f"{token.info}{token.markup if token.info else ''}"
        elif token.type == "inline":
            yield from _visible(token.children or [])
        elif token.type in {"text", "code_inline", "fence", "code_block"}:
            yield token.content
