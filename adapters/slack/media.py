"""The files in a message, and what else it carries beside its words. Pure.

https://docs.slack.dev/reference/objects/file-object
"""

from collections.abc import Callable

from adapters.slack.raw import number
from bridge.events import Attachment, AttachmentKind
from bridge.foreign import Json, fields, items, text

_KINDS = {
    "image": AttachmentKind.PHOTO,
    "audio": AttachmentKind.AUDIO,
    "video": AttachmentKind.VIDEO,
}
_GONE = frozenset({"tombstone", "hidden_by_limit"})
_SUFFIXES = {"javascript": "js", "markdown": "md", "python": "py", "text": "txt"}


def attachments(event: Json) -> tuple[Attachment, ...]:
    """The files of a message, and of those that are forwarded with it.

    One that was deleted is left out, and so is one that lies elsewhere (see `carried`).
    """
    forwarded = (file for share in _shares(event) for file in items(share.get("files")))
    found = map(fields, (*items(event.get("files")), *forwarded))
    return tuple(map(attachment_of, filter(_is_kept, found)))


def carried(event: Json, readable: Callable[[str], str]) -> str:
    """What was forwarded, as a quote, and the links of files that Slack has not got.

    readable: reads a text of Slack's.
    """
    quotes = [_quoted(share, readable) for share in _shares(event)]
    files = map(fields, items(event.get("files")))
    links = [_link(file) for file in files if _is_elsewhere(file)]
    return "\n\n".join(filter(None, (*quotes, *links)))


def _shares(event: Json) -> list[Json]:
    """Messages that were forwarded; a preview of a link is none."""
    found = map(fields, items(event.get("attachments")))
    return [each for each in found if each.get("is_share") is True]


def _quoted(share: Json, readable: Callable[[str], str]) -> str:
    said = readable(text(share.get("text"))).strip()
    author = text(share.get("author_name"))
    if not said:
        return ""
    lines = f"{author}: {said}" if author else said
    return "\n".join(f"> {line}".rstrip() for line in lines.splitlines())


def _is_kept(file: Json) -> bool:
    is_gone = text(file.get("mode")) in _GONE
    return bool(text(file.get("id"))) and not is_gone and not _is_elsewhere(file)


def _is_elsewhere(file: Json) -> bool:
    """Of another service, such as Google Drive: Slack knows the link alone."""
    return file.get("is_external") is True or text(file.get("mode")) == "external"


def _link(file: Json) -> str:
    address = text(file.get("url_private")) or text(file.get("external_url"))
    name = text(file.get("title")) or text(file.get("name"))
    return f"[{name}]({address})" if name and address else address


def attachment_of(file: Json) -> Attachment:
    """What a file is to us."""
    mime = text(file.get("mimetype"))
    return Attachment(
        kind=_kind(mime, text(file.get("subtype"))),
        ref=referred(text(file.get("id")), address_of(file)),
        name=_name(file),
        size=number(file.get("size")),
        mime=mime,
    )


def address_of(file: Json) -> str:
    """Where a file can be read; empty where Slack does not tell that here (Slack Connect)."""
    return text(file.get("url_private_download")) or text(file.get("url_private"))


def referred(file: str, address: str) -> str:
    """A file's id and, where it is known, its address as one text; see `file_and_address`."""
    return f"{file} {address}".rstrip()


def file_and_address(ref: str) -> tuple[str, str]:
    """Take such a text apart."""
    file, _, address = ref.partition(" ")
    return file, address


def _name(file: Json) -> str:
    """A snippet's may lack its ending, by which others tell what it is."""
    name, kind = text(file.get("name")), text(file.get("filetype"))
    if not name or "." in name or text(file.get("mode")) != "snippet":
        return name
    return f"{name}.{_SUFFIXES.get(kind, kind or 'txt')}"


def _kind(mime: str, subtype: str) -> AttachmentKind:
    if subtype == "slack_audio":  # recorded in Slack
        return AttachmentKind.VOICE
    return _KINDS.get(mime.partition("/")[0], AttachmentKind.DOCUMENT)
