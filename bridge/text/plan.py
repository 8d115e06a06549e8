"""The screen is a diff: what to do so that the pages shown become the pages wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeAlias

from bridge.events import Page


@dataclass(frozen=True, slots=True)
class Post:
    """Page `index` is not on the screen yet: send it as a new message."""

    index: int
    page: Page


@dataclass(frozen=True, slots=True)
class Edit:
    """Page `index` is on the screen with other content: change that message."""

    index: int
    page: Page


@dataclass(frozen=True, slots=True)
class Drop:
    """Page `index` is on the screen and no longer wanted: the final text was shorter.

    Whether the message is deleted, emptied or left alone is the outbox's choice.
    """

    index: int


Step: TypeAlias = Post | Edit | Drop


def plan(shown: Sequence[Page | None], wanted: Sequence[Page]) -> list[Step]:
    """Compare page by page, in reading order; unchanged pages cost nothing.

    shown: None for a page of which nothing is known to be on the screen.
    """
    steps: list[Step] = []
    for index, (old, new) in enumerate(zip_longest(shown, wanted)):
        if new is None:
            steps += [] if old is None else [Drop(index)]
        elif old is None:
            steps.append(Post(index, new))
        elif old != new:
            steps.append(Edit(index, new))
    return steps
