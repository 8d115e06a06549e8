"""What the text functions cost per edit, and how that grows. Run: python bench/text.py"""

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from bridge.text.markdown import mend, prep
from bridge.text.pages import paginate
from bridge.text.reply import Reply, fold
from bridge.text.split import split
from bridge.upstream import Delta

ANSWER = """## 第二章：**重要概念**

**注意：**这一段混合了中文和 English words，增长了**50%**的用户。See [the page](https://example.com/a)
for `details`, and remember that *emphasis* costs nothing. 还有一句话……然后结束。

```python
def answer(question: str) -> str:
    return f"{question}? 42."
```

1. A list item with **bold text** and some more words to fill the line properly.
2. Another one, with a nested list:
   - one thing
   - another thing

| Name  | Value |
|-------|-------|
| alpha | 1     |
| beta  | 2     |

"""


T = TypeVar("T")


def milliseconds(work: Callable[[T], object], given: Iterable[T]) -> float:
    """The fastest of several runs: the one least disturbed by other processes."""
    best = float("inf")
    for each in given:
        began = time.perf_counter()
        work(each)
        best = min(best, time.perf_counter() - began)
    return best * 1000


def growing(length: int, edits: int = 15) -> list[str]:
    """An answer as it is at each edit, since what is known of one text is not looked for twice."""
    return [answer(length - 5 * number) for number in reversed(range(edits))]


def answer(length: int) -> str:
    return (ANSWER * (length // len(ANSWER) + 1))[:length]


def fold_deltas(count: int) -> Reply:
    reply = Reply()
    for _ in range(count):
        reply = fold(reply, Delta("m", "字字字 "))
    return reply


def main() -> None:
    cases: dict[str, Callable[[str], object]] = {
        "paginate, Telegram": lambda text: paginate(text, 3_800, utf16=True, max_spans=100),
        "paginate, 4096 UTF-16": lambda text: paginate(text, 4096, utf16=True),
        "paginate, 4096": lambda text: paginate(text, 4096),
        "paginate, 11000": lambda text: paginate(text, 11_000),
        "split, 4096 UTF-16": lambda text: split(text, 4096, utf16=True),
        "prep": prep,
        "mend": mend,
    }
    print(f"{'milliseconds for':24}{'3,000':>10}{'30,000':>10}{'ratio':>8}")
    for name, case in cases.items():
        small, large = (milliseconds(case, growing(n)) for n in (3_000, 30_000))
        print(f"{name:24}{small:10.3f}{large:10.3f}{large / small:8.1f}")
    print(f"{'fold, 1,000 / 10,000':24}", end="")
    small, large = (milliseconds(fold_deltas, [n] * 3) for n in (1_000, 10_000))
    print(f"{small:10.3f}{large:10.3f}{large / small:8.1f}")


if __name__ == "__main__":
    main()
