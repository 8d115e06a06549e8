"""Text as every database and platform can hold it. Pure."""


def clean(text: str) -> str:
    r"""Make text that can be stored and sent.

    JSON can spell half a character ("\ud83d"); halves that meet are joined, lone ones and NUL
    (which PostgreSQL refuses) are replaced or dropped.
    """
    if "\0" in text:
        text = text.replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
