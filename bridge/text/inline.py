"""What happens within one Markdown paragraph: what is closed, what is still open.

A reading of CommonMark's inline rules that stays close to the renderers: code spans first,
then links, then delimiter runs (https://spec.commonmark.org/0.31.2/#emphasis-and-strong-emphasis).
One deviation: East Asian letters and punctuation never stop a delimiter, because
`markdown.prep` moves the punctuation that would (`**重要：**这`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bridge.text.chars import is_cjk, is_punctuation

_LABEL = r"(?:[^\[\]\n\\]|\\.|\[[^\[\]\n]*\]){0,400}"  # bounded: no quadratic search
_TARGET = r"(?:<[^<>\n]*>|[^\s()<]*(?:\([^\s()]*\)[^\s()]*)*)"
_TITLE = r"(?:[ \t]+(?:\"[^\"\n]*\"|'[^'\n]*'))?"
_LINK = rf"!?\[{_LABEL}\]\([ \t]*{_TARGET}{_TITLE}[ \t]*\)"
_HALF_TARGET = r"(?:<[^>\n]*>?|[^\s<]*)(?:[ \t]+(?:\"[^\"\n]*\"?|'[^'\n]*'?)?[ \t]*)?"
_CODE = r"(?<!`)(?P<tick>`+)(?!`)(?:[^\n]|\n(?![ \t\r]*\n))+?(?<!`)(?P=tick)(?!`)"

# Both look at the first letter before they try each way of going on: that is ten times as fast.
_TOKEN = re.compile(
    rf"""(?=[\\`!\[<*_~])(?:
         (?P<escape>\\[!-/:-@\[-`{{-~])
       | (?P<code>{_CODE})
       | (?P<tickrun>`+)
       | (?P<link>{_LINK})
       | (?P<image>(?:!\[)+[^\[\]\n]*(?:\](?:\({_HALF_TARGET})?)?\Z)
       | (?P<half>\[(?P<label>{_LABEL})\]\({_HALF_TARGET}\Z)
       | (?P<auto><[A-Za-z][A-Za-z0-9+.-]{{1,31}}:[^\s<>]*>)
       | (?P<halfauto><(?P<address>[A-Za-z][A-Za-z0-9+.-]{{1,31}}:[^\s<>]*)\Z)
       | (?P<run>\*+|_+|(?<!~)~~(?!~))
       )
    """,
    re.VERBOSE,
)
_ATOM = re.compile(
    rf"""(?=[\\`!\[<*~])(?:
         \\[!-/:-@\[-`{{-~]
       | (?<!`)(?P<tick>`+)(?!`)[^\n]+?(?<!`)(?P=tick)(?!`)
       | {_LINK}
       | <[A-Za-z][A-Za-z0-9+.-]{{1,31}}:[^\s<>]*>
       | (?<![*~])(?P<mark>\*{{1,3}}|~~)(?![*~\s])[^\n*~]*?(?<=[^\s*~])(?P=mark)(?![*~])
       )
    """,
    re.VERBOSE,
)
_TRAILING_MARKER = re.compile(r"(?P<char>[*_~`])(?P=char)*\Z|\\\Z")
_BRACKET = re.compile(rf"!?\[(?:{_LABEL}|{_LABEL}\](?:\({_HALF_TARGET})?)\Z")

MAX_OPEN = 3  # more unclosed markers than this on one line are decoration, not emphasis


@dataclass(slots=True)
class Run:
    """A run of delimiters; `count` is what is left of it, always its outer end.

    ate_into: it closed a part of a longer opener, so it may be the first half of a closer.
    """

    at: int
    size: int
    count: int
    char: str
    opens: bool
    closes: bool
    ate_into: bool = False


@dataclass(frozen=True, slots=True)
class Opener:
    """A marker that waits for its closer: a code span's backticks or emphasis."""

    at: int
    marker: str


@dataclass(frozen=True, slots=True)
class Loose:
    """What is unfinished in a paragraph.

    openers: outermost first; only those on the last line that plausibly await a closer.
    cut, label: a link or an image that breaks off begins at `cut`; `label` is what to show of it.
    closed_to: where the last closed code span ends.
    last: the last delimiter run.
    """

    openers: tuple[Opener, ...] = ()
    cut: int | None = None
    label: str = ""
    closed_to: int = 0
    last: Run | None = None


def loose(text: str) -> Loose:
    """Find what is unfinished in the paragraph `text`."""
    line = text.rfind("\n") + 1
    stack: list[Run] = []
    last: Run | None = None
    cut, label, closed_to = None, "", 0
    code: list[Opener] = []
    for token in _TOKEN.finditer(text):
        match token.lastgroup:
            case "run":
                last = _run(text, token)
                _apply(stack, last)
            case "code":
                closed_to = token.end()
            case "tickrun" if _awaits_code(text, token, line):
                code = [Opener(token.start(), token[0])]
                break
            case "image" | "half" | "halfauto":
                cut, label = token.start(), token["label"] or token["address"] or ""
                break
            case _:
                pass
    openers = [each for each in _emphasis(text, stack) if each.at >= line] + code
    return Loose(tuple(openers if len(openers) <= MAX_OPEN else ()), cut, label, closed_to, last)


def atoms(text: str) -> Iterator[tuple[int, int]]:
    """Spans that should not be cut apart: escapes, code spans, links, emphasis, in order."""
    for token in _ATOM.finditer(text):
        yield token.span()


def breaks_off(text: str, half: int) -> int:
    """Where on the last line something begins that the end of `text` cuts off; else its end.

    half: a marker before that is left alone, since moving it would leave little on this side.
    """
    line = text.rfind("\n") + 1
    tail = text[line:]
    state = loose(tail)
    starts = [each.at for each in state.openers]
    run = _TRAILING_MARKER.search(tail)
    if run and state.closed_to < len(tail) and not (state.last and _closes(state.last, run)):
        starts.append(run.start())
    starts = [at for at in starts if line + at >= half]
    if state.cut is not None:
        starts.append(state.cut)
    elif bracket := _BRACKET.search(tail):
        starts.append(bracket.start())
    return line + min(starts, default=len(tail))


def _closes(last: Run, run: re.Match[str]) -> bool:
    return last.at == run.start() and not last.count


def _run(text: str, token: re.Match[str]) -> Run:
    before = text[token.start() - 1 : token.start()]
    after = text[token.end() : token.end() + 1]
    left, right = _flanks(before, after), _flanks(after, before)
    char = token[0][0]
    opens, closes = left, right
    if char == "_":
        opens = left and (not right or is_punctuation(before))
        closes = right and (not left or is_punctuation(after))
    size = len(token[0])
    return Run(token.start(), size, size, char, opens, closes)


def _flanks(outside: str, inside: str) -> bool:
    """Tell whether a run hugs `inside`, with CommonMark's rule for punctuation."""
    if not inside or inside.isspace():
        return False
    if not is_punctuation(inside) or is_cjk(inside):
        return True
    return not outside or outside.isspace() or is_punctuation(outside) or is_cjk(outside)


def _apply(stack: list[Run], run: Run) -> None:
    """Close what `run` closes, then let the rest of it open."""
    while run.closes and run.count and (opener := _partner(stack, run)):
        used = 2 if min(opener.count, run.count) >= 2 else 1
        del stack[stack.index(opener) + 1 :]
        opener.count -= used
        run.count -= used
        run.ate_into = opener.count > 0
        if not opener.count:
            stack.pop()
    if run.count and run.opens:
        stack.append(run)


def _partner(stack: list[Run], run: Run) -> Run | None:
    for opener in reversed(stack):
        both_ways = opener.closes or run.opens
        odd = both_ways and (opener.size + run.size) % 3 == 0
        thirds = opener.size % 3 == 0 and run.size % 3 == 0
        if opener.char == run.char and (not odd or thirds):
            return opener
    return None


def _emphasis(text: str, stack: list[Run]) -> Iterator[Opener]:
    for run in stack:
        inner = run.at + run.size
        if run.count <= 3 and _is_plausible(
            text[run.at - 1 : run.at], run, text[inner : inner + 1]
        ):
            yield Opener(run.at, run.char * run.count)


def _is_plausible(before: str, run: Run, after: str) -> bool:
    """Tell emphasis in the making from a power, a product or a footnote mark."""
    if run.char == "~":
        return True
    in_a_word = before.isalnum() and not is_cjk(before)
    if run.char == "*" and in_a_word:
        return False
    return after.isalnum() or is_cjk(after) or after in "*_~`[(<\"'“‘\\!"


def _awaits_code(text: str, token: re.Match[str], line: int) -> bool:
    after = text[token.end() : token.end() + 1]
    if token.start() < line or len(token[0]) > 2 or not text[token.end() :].strip():
        return False
    return len(token[0]) == 2 or not after.isspace()
