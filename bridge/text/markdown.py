"""Markdown that looks right: at every prefix (`mend`) and around Chinese bold (`prep`)."""

import re

from bridge.text import blocks
from bridge.text.blocks import Fence
from bridge.text.chars import is_cjk, is_punctuation
from bridge.text.inline import Loose, Opener, loose

# Each way begins with a letter of its own, or the engine would try all of them everywhere.
_CODE_OR_BOLD = re.compile(
    r"""\\.
      | `(?<!``)(?P<ticks>`*)(?!`)(?:[^\n]|\n(?![ \t\r]*\n))+?(?<!`)`(?P=ticks)(?!`)
      | \*(?<!\*\*)(?P<stars>\*{1,2})(?![*\s])
        (?P<inner>(?:[^*`\n\\]|\\.|`[^`\n]+`|\*(?!\*))+?)
        (?<![\s*])\*(?P=stars)(?!\*)
    """,
    re.VERBOSE,
)
_MOVABLE_ASCII = frozenset("%:,.!?;\"'()")
_PARTNERS = dict(zip("“‘（《〈【「『〔", "”’）》〉】」』〕", strict=True))
_OPENER_OF = {closer: opener for opener, closer in _PARTNERS.items()}

_RULE = re.compile(r" {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}")
_LONE_MARKER = re.compile(
    r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*"
    r"(?:\#{1,6}|[-+*=_~]{1,2}|[-*+][ \t]+\[[ xX]?\]?|>)[ \t\r]*"
)
_BLOCK_START = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]|\#{1,6}[ \t]|\|)")
_TRAILING_RUN = re.compile(r"(?<![*_`~]{12})(?P<char>[*_`~])(?P=char)*\Z")  # more is decoration
_HALF_OPENER = re.compile(r"(?:!|<[A-Za-z/]*)\Z")  # of an image, of an address
_HALF_DELIMITER = re.compile(r"[ \t|:-]*")
_MARKUP = re.compile(r"[`*_\[\]<>~|\\&]|://")
_MAX_ROUNDS = 32  # an end that is more tangled than this is no Markdown in the making: it stays
_LONGEST_OPEN = 80  # characters a marker is waited for before its text is shown all the same
_LONGEST_HEADER = 400  # characters; a line of prose that begins with a pipe is shown after that


def prep(text: str) -> str:
    """Move East Asian punctuation out of `**…**`, so that CommonMark sees the bold.

    `**重要：**这是` becomes `**重要**：这是`, `**“你好”**` becomes `“**你好**”`: a closing `**`
    after punctuation and before a letter closes nothing (commonmark-spec issue 650). ASCII
    punctuation is moved only where an East Asian letter beside it would break the bold
    (`**50%**的`). Code is left alone; characters move, none is added or lost; idempotent.
    """
    if "**" not in text:
        return text
    parts: list[str] = []
    at = 0
    for fence in blocks.fences(text):
        end = len(text) if fence.end is None else fence.end
        parts += [_CODE_OR_BOLD.sub(_move_out, text[at : fence.start]), text[fence.start : end]]
        at = end
    parts.append(_CODE_OR_BOLD.sub(_move_out, text[at:]))
    return "".join(parts)


def _move_out(found: re.Match[str]) -> str:
    inner, stars = found["inner"], found["stars"]
    if not stars:
        return found[0]
    mark = f"*{stars}"
    before = found.string[found.start() - 1 : found.start()]
    after = found.string[found.end() : found.end() + 1]
    end = len(inner)
    while end and _may_leave(inner[end - 1], after, inner):
        end -= 1
    start = 0
    while start < end and _may_leave(inner[start], before, inner):
        start += 1
    core = inner[start:end]
    if not core.strip() or core != core.strip():
        return found[0]
    start, end = _keep_partners(inner, (start, end), before, after)
    return f"{inner[:start]}{mark}{inner[start:end]}{mark}{inner[end:]}"


def _may_leave(char: str, neighbour: str, inner: str) -> bool:
    if not is_punctuation(char):
        return False
    if is_cjk(char):
        return True
    beside_letter = is_cjk(neighbour) and not is_punctuation(neighbour)
    return beside_letter and char in _MOVABLE_ASCII and "](" not in inner


def _keep_partners(inner: str, core: tuple[int, int], before: str, after: str) -> tuple[int, int]:
    """Leave a bracket inside whose partner stays inside, unless that would break the bold."""
    start, end = core
    lone_opener = start and _PARTNERS.get(inner[start - 1], "\0") in inner[start:end]
    if lone_opener and not _is_letter(before):
        start -= 1
    lone_closer = end < len(inner) and _OPENER_OF.get(inner[end], "\0") in inner[start:end]
    if lone_closer and not _is_letter(after):
        end += 1
    return start, end


def _is_letter(char: str) -> bool:
    return bool(char) and not char.isspace() and not is_punctuation(char)


def literal(text: str) -> str:
    """Write somebody's words on one line so that they are shown as they are, as code if need be.

    Not with backslashes, which not every platform takes for what they are.
    """
    line = re.sub(r"[\r\n]+", " ", text).strip()
    if not _MARKUP.search(line):
        return line
    ticks = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    room = " " if "`" in line else ""
    return f"{ticks}{room}{line}{room}{ticks}"


def mend(text: str) -> str:
    """Make half-finished Markdown look as it will, as far as one can know.

    Closes an open fence, code span, emphasis or strikethrough; shows a link that breaks off as
    its label; leaves out what has no content yet: an image, a fence, a row of a table or its
    head, a marker at the very end. Idempotent; finished, well-formed Markdown stays the same.

    A marker is closed only where it plausibly waits for its partner on the last line, so that
    `2 * 3 * 4`, `2**3` and `snake_case` stay.
    """
    short = text
    for _ in range(_MAX_ROUNDS):
        shorter = _shortened(short)
        if shorter == short:
            return _completed(short)
        short = shorter
    return text


def steady(text: str) -> str:
    """Cut half-finished Markdown to the beginning that stays as it is, whatever follows.

    Leaves out what `mend` leaves out, and what it would close: an emphasis, a code span, a link
    whose end is not in sight. One that is open for `_LONGEST_OPEN` characters is none, and stays.
    A fence stays open. Idempotent up to what follows; a beginning of `text`.
    """
    for _ in range(_MAX_ROUNDS):
        shorter = _steadier(text)
        if shorter == text:
            break
        text = shorter
    return text


def _steadier(text: str) -> str:
    line = text.rfind("\n") + 1
    last = text[line:]
    if last and (blocks.is_row(last) or not last.strip(" \t>")) and len(last) < _LONGEST_HEADER:
        return text[:line]  # a row goes on until its line ends
    shorter = _shortened(text)
    if not text.startswith(shorter):  # a link that was shown as its label
        shorter = text[: _common(text, shorter)]
    found = blocks.fences(shorter)
    floor = found[-1].end if found else 0
    if floor is None:
        return shorter
    start = max(floor, _paragraph_start(shorter, shorter.rfind("\n") + 1))
    label = shorter.rfind("[", max(start, len(shorter) - _LONGEST_OPEN))
    if label >= 0 and "]" not in shorter[label:-1]:
        return shorter[:label]  # its address may follow
    shorter = _HALF_OPENER.sub("", shorter)
    paragraph = shorter[start:].rstrip("*_~`")  # what seems closed may be the half of a marker
    openers = [each.at for each in loose(paragraph).openers]
    near = [at for at in openers if len(paragraph) - at <= _LONGEST_OPEN]
    return shorter[: start + near[0]] if near else shorter


def _common(one: str, other: str) -> int:
    """How far two texts are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _shortened(text: str) -> str:
    """Take away one thing at the end that has nothing to show yet."""
    found = blocks.fences(text)
    floor = found[-1].end if found else 0
    if floor is None:
        return _shorten_fence(text, found[-1])
    line = text.rfind("\n") + 1
    last = text[line:]
    if _RULE.fullmatch(last):
        return text
    if _LONE_MARKER.fullmatch(last):
        return text[:line]
    if blocks.is_row(last or text[text.rfind("\n", 0, -1) + 1 :]):
        return _shorten_table(text, line)
    start = max(floor, _paragraph_start(text, line))
    return text[:start] + _shorten_inline(text[start:])


def _completed(text: str) -> str:
    """Close what is open at the end."""
    found = blocks.fences(text)
    floor = found[-1].end if found else 0
    if floor is None:
        return _closed(text, found[-1])
    line = text.rfind("\n") + 1
    if blocks.is_row(text[line:]) or _RULE.fullmatch(text[line:]):
        return text
    start = max(floor, _paragraph_start(text, line))
    return text[:start] + _complete_inline(text[start:])


def _closed(text: str, fence: Fence) -> str:
    line_end = "" if text.endswith("\n") else "\n"
    return f"{text}{line_end}{fence.closer}"


def fence_is_blank(text: str, fence: Fence) -> bool:
    """Tell whether an open fence has nothing to show yet."""
    return fence.body is None or not text[fence.body :].strip(" \t\r\n>")


def _shorten_fence(text: str, fence: Fence) -> str:
    if fence_is_blank(text, fence):
        return text[: fence.start]
    line = text.rfind("\n") + 1
    half_closer = text[line:].strip(" \t\r>")
    if half_closer and not half_closer.strip(fence.marker[0]):
        return text[:line]
    return text


def _shorten_table(text: str, line: int) -> str:
    """Leave out a row, or a whole head, that is not there yet."""
    last = text[line:]
    at = line
    while at and blocks.is_row(text[(above := text.rfind("\n", 0, at - 1) + 1) : at]):
        at = above
    rows = text[at:].split("\n")
    if len(rows) > 1 and blocks.is_delimiter(rows[1], blocks.columns(rows[0])):
        is_whole = last.rstrip().endswith("|") and blocks.columns(last) > 0
        half = last and len(rows) > 2 and not is_whole
        return text[:line] if half else text
    return text[:at] if _is_half_head(rows) else text


def _is_half_head(rows: list[str]) -> bool:
    """Tell whether it may still become a table's header and delimiter row.

    A second row that is finished is no delimiter, or this would be a table.
    """
    if len(rows) > 2 or len(rows[0]) > _LONGEST_HEADER:
        return False
    return len(rows) == 1 or bool(_HALF_DELIMITER.fullmatch(rows[1]))


def _paragraph_start(text: str, line: int) -> int:
    """Where the paragraph, list item, heading or quote that holds the last line begins."""
    start = line
    while start and not _BLOCK_START.match(text, start):
        above = text.rfind("\n", 0, start - 1) + 1
        if not text[above:start].strip():
            break
        start = above
    return start


def _complete_inline(text: str) -> str:
    body = text.rstrip(" \t\r")
    openers = loose(body).openers
    if not openers:
        return text
    if openers[-1].marker[0] == "`" and body.endswith("`"):
        body = text  # the white space keeps the code's own backtick apart from the closer
    closers = "".join(each.marker for each in reversed(openers))
    done = body + closers
    if loose(done).openers or _shorten_inline(done) != done:
        return text  # too tangled to be closed: it stays as it is
    return done + text[len(body) :]


def _shorten_inline(text: str) -> str:
    state = loose(text)
    if state.cut is not None:
        return text[: state.cut] + state.label
    inner = state.openers[-1] if state.openers else None
    if (not inner or inner.marker[0] != "`") and _ends_in_escape(text):
        return text[:-1]
    run = _TRAILING_RUN.search(text)
    if run and _is_meaningless(text, run, state):
        return text[: run.start()]
    if inner and inner.marker[0] != "`":
        content = text[inner.at + len(inner.marker) :]
        if all(is_punctuation(char) or char.isspace() for char in content):
            return text[: inner.at] + content  # CommonMark may not see an opener here
    return text


def _ends_in_escape(text: str) -> bool:
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1


def _is_meaningless(text: str, run: re.Match[str], state: Loose) -> bool:
    """Tell whether the markers at the very end neither close anything nor stand for themselves."""
    before = text[: run.start()]
    if _ends_in_escape(before):
        return False
    waiting = loose(before).openers
    inside_code = bool(waiting) and waiting[-1].marker[0] == "`"
    match run["char"]:
        case "`":
            return state.closed_to != len(text)
        case _ if inside_code:
            return False
        case "~" if len(run[0]) != 2:
            return _awaited(run, waiting) or (len(run[0]) == 1 and before[-1:].isspace())
        case "_" if before[-1:].isalnum() and not _awaited(run, waiting):
            return False
        case _:
            last = state.last
            return last is None or last.at != run.start() or last.count > 0 or last.ate_into


def _awaited(run: re.Match[str], waiting: tuple[Opener, ...]) -> bool:
    return any(each.marker[0] == run["char"] for each in waiting)
