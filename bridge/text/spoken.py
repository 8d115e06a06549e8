"""What of an answer is read aloud, and in which pieces. Pure."""

import re
from collections.abc import Iterator

from bridge.text import blocks

_TITLE = r"(?:[ \t]{1,9}\"[^\"\n]{0,300}\")?"
_TARGET = rf"\([^()\s]{{0,2000}}(?:\([^()\s]{{0,200}}\)[^()\s]{{0,500}})?{_TITLE}\)"
_IMAGE = re.compile(rf"!\[[^\[\]\n]{{0,300}}\]{_TARGET}")
_LINK = re.compile(rf"\[([^\[\]\n]{{0,300}})\]{_TARGET}")
_ADDRESS = re.compile(r"<?https?://[^\s<>()，。；）]+>?")
_ROW = re.compile(r"^ {0,3}\|.*$", re.MULTILINE)
_RULE = re.compile(r"^ {0,3}(?:[-*_][ \t]*){3,}$", re.MULTILINE)
_LEAD = re.compile(
    r"^[ \t]*+(?:>[ \t]?|#{1,6}[ \t]+|[-*+][ \t]+(?:\[[ xX]\][ \t]+)?)++", re.MULTILINE
)
_MARKS = re.compile(r"(?<!\\)(?:\*+|~~|`+|(?<!\w)_++|(?<!_)_++(?!\w))")  # each run looked at once
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_SENTENCE = re.compile(
    r"""[\s\S]*?
        (?: (?<![.!?…]) [.!?…]++ ["')\]”’]*+ (?=\s|\Z)
          | [。！？；…]++ [”’）》」』]*+
          | \n | \Z ) \s*""",
    re.VERBOSE,
)
_CLAUSE = re.compile(r"[\s\S]*?(?:[,;:](?=\s)|[，、：；]|\s|\Z)\s*")


def speakable(markdown: str) -> str:
    """The words of an answer: no code blocks, no tables, no pictures; of a link, its label."""
    text = _without_fences(markdown)
    for pattern, instead in (
        (_ROW, ""),
        (_RULE, ""),
        (_LEAD, ""),
        (_IMAGE, ""),
        (_LINK, r"\1"),
        (_ADDRESS, ""),
        (_MARKS, ""),
        (_ESCAPE, r"\1"),
    ):
        text = pattern.sub(instead, text)
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def pieces(text: str, limit: int) -> list[str]:
    """Cut a text into pieces of at most so many bytes of UTF-8, at ends of sentences if it can.

    limit: at least 4, because one character may have as many.
    """
    found: list[str] = []
    for part in _parts(text, limit):
        if found and len((found[-1] + part).rstrip().encode()) <= limit:
            found[-1] += part
        else:
            found.append(part)
    return [piece.strip() for piece in found if piece.strip()]


def _parts(text: str, limit: int) -> Iterator[str]:
    """Sentences; of a longer one its clauses, of a longer clause what fits."""
    for sentence in _SENTENCE.findall(text):
        if len(sentence.encode()) <= limit:
            yield sentence
            continue
        for clause in _CLAUSE.findall(sentence):
            yield from _fitting(clause, limit)


def _fitting(text: str, limit: int) -> Iterator[str]:
    while len(text.encode()) > limit:
        cut = text.encode()[:limit].decode(errors="ignore")  # no half of a character
        yield cut
        text = text[len(cut) :]
    if text:
        yield text


def _without_fences(text: str) -> str:
    parts: list[str] = []
    at = 0
    for fence in blocks.fences(text):
        parts.append(text[at : fence.start])
        at = len(text) if fence.end is None else fence.end
    return "".join([*parts, text[at:]])
