"""Facts about single characters that Markdown and page cuts depend on."""

import unicodedata

_CJK_RANGES = (
    ("\u2e80", "\u9fff"),  # radicals, CJK punctuation, kana, Hangul compatibility, ideographs
    ("\uff00", "\uffef"),  # full-width forms
    ("\u1100", "\u11ff"),  # Hangul jamo
    ("\uac00", "\ud7af"),  # Hangul syllables
    ("\uf900", "\ufaff"),
    ("\ufe10", "\ufe1f"),
    ("\ufe30", "\ufe4f"),
    ("\U00020000", "\U0003ffff"),
)
_SHARED_WITH_CJK = frozenset("“”‘’—…·")  # Chinese typesetting uses these Latin code points


def is_cjk(char: str) -> bool:
    """Tell whether it is an East Asian letter or East Asian punctuation."""
    if not char or char < "\u1100":
        return char == "·"
    for low, high in _CJK_RANGES:
        if low <= char <= high:
            return True
    return char in _SHARED_WITH_CJK


def is_punctuation(char: str) -> bool:
    """Tell whether CommonMark calls it punctuation: Unicode P and S."""
    return bool(char) and unicodedata.category(char)[0] in "PS"


def is_glued(text: str, at: int) -> bool:
    """Tell whether a cut before `text[at]` would tear one visible character apart.

    The common part of https://unicode.org/reports/tr29/: combining marks, variation selectors,
    skin tones, tags, joiner sequences, flags, Hangul jamo, CR LF and halves of a surrogate pair.
    """
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if before < "\u0300" and after < "\u0300":
        return before == "\r" and after == "\n"
    if before == "\u200d" or _extends(after):
        return True
    if _is_flag_half(before) and _is_flag_half(after):
        return _flag_halves_before(text, at) % 2 == 1
    return is_surrogate_pair(text, at) or _is_jamo_pair(before, after)


def is_surrogate_pair(text: str, at: int) -> bool:
    """Tell whether `text[at]` is the second half of a surrogate pair (a str may hold halves)."""
    return (
        0 < at < len(text)
        and "\ud800" <= text[at - 1] <= "\udbff"
        and "\udc00" <= text[at] <= "\udfff"
    )


def _extends(char: str) -> bool:
    if char < "\u0300":
        return False
    return (
        char in "\u200c\u200d"
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or "\U000e0020" <= char <= "\U000e007f"
        or unicodedata.category(char)[0] == "M"
    )


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _flag_halves_before(text: str, at: int) -> int:
    start = at
    while start and _is_flag_half(text[start - 1]):
        start -= 1
    return at - start


def _is_jamo_pair(before: str, after: str) -> bool:
    leads = "\u1100" <= before <= "\u11ff" or "\uac00" <= before <= "\ud7a3"
    return leads and ("\u1160" <= after <= "\u11ff")
