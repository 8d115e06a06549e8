"""Pictures and files in a finished answer: what its Markdown links to. Pure.

Every search here is bounded, because an answer may be written to make it slow.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from bridge.events import Enclosure, EnclosureKind
from bridge.filenames import extension, harmless
from bridge.text import blocks

_URL = r"[^\s<>()]{1,2000}(?:\([^\s<>()]{0,200}\)[^\s<>()]{0,2000}){0,3}"
_TITLE = r"(?:\s{1,9}(?:\"[^\"\n]{0,300}\"|'[^'\n]{0,300}'))?"
_FOUND = re.compile(
    rf"""(?=[!\[<h])(?:  # what one begins with, before each way is tried
         (?<!\\)(?P<mark>!?)\[(?P<label>(?:[^\[\]\n\\]|\\.){{0,300}})\]
         \([ \t]{{0,9}}(?:<(?P<angled>[^<>\n]{{1,2000}})>|(?P<target>{_URL})){_TITLE}[ \t]{{0,9}}\)
       | <(?P<auto>https?://[^\s<>]{{1,2000}})>
       | (?<![\w(<\[/])(?P<bare>https?://{_URL})
       )
    """,
    re.VERBOSE,
)
_TICKS = re.compile("`+")
_BLANK = re.compile(r"\n[ \t]*\n")
_AFTER = ".,;:!?*_~'\"。，；：！？）》」』”’"  # what ends a sentence, not an address

_KINDS = {
    EnclosureKind.IMAGE: "png jpg gif webp",
    EnclosureKind.AUDIO: "mp3 wav ogg m4a aac flac",
    EnclosureKind.VIDEO: "mp4 mov webm mkv avi m4v",
    EnclosureKind.DOCUMENT: "pdf doc docx xls xlsx ppt pptx csv zip rar 7z txt md json epub",
}
_KIND_OF = {ending: kind for kind, endings in _KINDS.items() for ending in endings.split()}
# What `coze/readable.py` calls a part that has no name.
_KIND_OF_WORD = {
    "image": EnclosureKind.IMAGE,
    "audio": EnclosureKind.AUDIO,
    "video": EnclosureKind.VIDEO,
    "file": EnclosureKind.DOCUMENT,
}
_USUAL = {
    EnclosureKind.IMAGE: "png",
    EnclosureKind.AUDIO: "mp3",
    EnclosureKind.VIDEO: "mp4",
}
# Hosts that hold nothing but files: Coze's short links, and ByteDance's object storage.
_FILE_HOSTS = re.compile(
    r"(?:s\.coze\.(?:cn|com)|lf[\w-]{0,60}\.coze\.(?:cn|com)|.+\.byteimg\.com)"
)


@dataclass(frozen=True, slots=True)
class Linked:
    """A file in an answer. words: what the answer says of a picture; empty if nothing."""

    file: Enclosure
    words: str = ""


def linked(markdown: str, most: int) -> tuple[Linked, ...]:
    """The files that an answer shows or links to, in its order, each once, at most so many.

    A picture is one wherever it lies; a link is a file if its address, or its label, ends like
    one, or if it leads to where Coze keeps files. What stands in code is no link.
    """
    if "://" not in markdown:
        return ()
    found: dict[str, Linked] = {}
    for link in _FOUND.finditer(_without_code(markdown)):
        if len(found) >= most:
            break
        one = _linked(link)
        if one is not None:
            found.setdefault(one.file.url, one)
    return tuple(found.values())


def _linked(link: re.Match[str]) -> Linked | None:
    bare = link["bare"]
    target = bare.rstrip(_AFTER) if bare else link["angled"] or link["target"] or link["auto"]
    url = target.replace("&amp;", "&")
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        return None
    last = unquote(parts.path.rpartition("/")[2])
    label = (link["label"] or "").replace("\\", "").strip()
    kind = _kind(label, last, host, shown=bool(link["mark"]))
    if kind is None:
        return None
    words = label if link["mark"] and not _KIND_OF.get(extension(label)) else ""
    return Linked(Enclosure(kind, _name(label, last, kind), url=url), words)


def _kind(label: str, last: str, host: str, *, shown: bool) -> EnclosureKind | None:
    by_name = _KIND_OF.get(extension(last)) or _KIND_OF.get(extension(label))
    if shown:
        return by_name if by_name is EnclosureKind.VIDEO else EnclosureKind.IMAGE
    if by_name is not None or not _FILE_HOSTS.fullmatch(host):
        return by_name
    return _KIND_OF_WORD.get(label.lower(), EnclosureKind.DOCUMENT)


def _name(label: str, last: str, kind: EnclosureKind) -> str:
    """A name with an extension: the label's if it is a file name, else the address's."""
    given = label if _KIND_OF.get(extension(label)) is kind else last
    ending = extension(given)
    if _KIND_OF.get(ending) is not kind:
        ending = _USUAL.get(kind, ending)
    return harmless(given, ending, instead=kind.value)


def _without_code(text: str) -> str:
    """The text with blanks where there was code, so that positions and lines stay."""
    spans = [(fence.start, fence.end or len(text)) for fence in blocks.fences(text)]
    parts: list[str] = []
    at = 0
    for start, end in [*spans, (len(text), len(text))]:
        parts += [_without_spans(text[at:start]), " " * (end - start)]
        at = end
    return "".join(parts)


def _without_spans(text: str) -> str:
    parts: list[str] = []
    at = 0
    for start, end in _code_spans(text):
        parts += [text[at:start], " " * (end - start)]
        at = end
    return "".join([*parts, text[at:]])


def _code_spans(text: str) -> Iterator[tuple[int, int]]:
    """Each run of backticks and the next one of its length in the paragraph."""
    runs = [found.span() for found in _TICKS.finditer(text)]
    paragraphs = [found.start() for found in _BLANK.finditer(text)]
    starts: dict[int, list[int]] = {}
    for start, end in runs:
        starts.setdefault(end - start, []).append(start)
    at = 0
    for start, end in runs:
        if start < at:
            continue
        alike = starts[end - start]
        partner = bisect_left(alike, end)
        paragraph = bisect_left(paragraphs, end)
        limit = paragraphs[paragraph] if paragraph < len(paragraphs) else len(text)
        if partner < len(alike) and alike[partner] < limit:
            at = alike[partner] + end - start
            yield start, at
