"""Sending a file as what it is: a picture, a voice message, a document.

Telegram gets its address where it can fetch it by itself, else the file; and what it does not
take as its kind goes as a document. It is never fetched here: who opens a file looks whether it
is safe to.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import assert_never
from urllib.parse import urlsplit

import httpx

from adapters.telegram.bots import FILE_TIMEOUT, RawBot
from adapters.telegram.faults import as_bridge_errors
from adapters.telegram.uploads import Form, upload
from bridge.adapter import Download, Outgoing
from bridge.errors import BridgeError, Exhausted, Gone, Permanent, Rejected, Unauthorised
from bridge.events import Enclosure, EnclosureKind
from bridge.foreign import Json
from bridge.logs import get

log = get(__name__)

LARGEST_PHOTO = 10 * 1024 * 1024  # bytes, https://core.telegram.org/bots/api#sendphoto


@dataclass(frozen=True, slots=True)
class Way:
    """How a file is sent: by which method, as which of its parameters."""

    method: str
    part: str


PHOTO = Way("sendPhoto", "photo")
ANIMATION = Way("sendAnimation", "animation")
AUDIO = Way("sendAudio", "audio")
VIDEO = Way("sendVideo", "video")
VOICE = Way("sendVoice", "voice")
DOCUMENT = Way("sendDocument", "document")

# What Telegram shows as such, by the ending of its name; everything else is a document.
_IMAGES = {".gif": ANIMATION} | dict.fromkeys((".jpg", ".jpeg", ".png", ".webp", ".bmp"), PHOTO)
_SOUNDS = dict.fromkeys((".mp3", ".m4a"), AUDIO)
_FILMS = dict.fromkeys((".mp4", ".m4v", ".mov"), VIDEO)
# It fetches no other documents than these (https://core.telegram.org/bots/api#sending-files).
_FETCHED = frozenset({".pdf", ".zip"})


def way(enclosure: Enclosure) -> Way:
    """How a file is best shown. Pure."""
    end = _ending(enclosure.name)
    match enclosure.kind:
        case EnclosureKind.IMAGE:
            return _IMAGES.get(end, DOCUMENT if end else PHOTO)
        case EnclosureKind.AUDIO:
            return _SOUNDS.get(end, DOCUMENT)
        case EnclosureKind.VIDEO:
            return _FILMS.get(end, DOCUMENT)
        case EnclosureKind.VOICE:
            return VOICE
        case EnclosureKind.DOCUMENT:
            return DOCUMENT
        case _:
            assert_never(enclosure.kind)


def _ending(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


class Sender:
    """Sends the files of one bot. base_url: the Bot API's, with the token."""

    def __init__(self, bot: RawBot, http: httpx.AsyncClient, base_url: str) -> None:
        self._bot = bot
        self._http = http
        self._base = base_url

    async def send(self, file: Outgoing, asked: Mapping[str, object]) -> Json:
        """Send a file and return its message. asked: the other parameters; None is left out.

        Raises like `SendsFiles.send_file`.
        """
        best = way(file.enclosure)
        given = {name: value for name, value in asked.items() if value is not None}
        if file.url and (best is not DOCUMENT or _ending(urlsplit(file.url).path) in _FETCHED):
            try:
                return await self._by_address(best, file.url, given)
            except _Refused as refused:
                log.debug("file.address_refused", why=str(refused))
        if best is not DOCUMENT:
            try:
                return await self._by_upload(best, file, given)
            except _Refused as refused:
                log.info("file.as_document", method=best.method, why=str(refused))
        try:
            return await self._by_upload(DOCUMENT, file, given)
        except _Refused as refused:
            raise Rejected(str(refused)) from refused

    async def _by_address(self, how: Way, url: str, asked: Mapping[str, object]) -> Json:
        with _as_refusals():
            # It answers once it has fetched the file, and who gives up before knows nothing.
            given = {**asked, how.part: url}
            return await self._bot.call_within(FILE_TIMEOUT, how.method, given)

    async def _by_upload(self, how: Way, file: Outgoing, asked: Mapping[str, object]) -> Json:
        async with file.open() as download:
            if _is_no_photo(how, download):
                raise _Refused("no photo by its size or type")
            form = Form(asked, how.part, file.enclosure.name, download)
            try:
                with _as_refusals():
                    return await upload(self._http, f"{self._base}/{how.method}", form)
            except (BridgeError, _Refused):
                if form.failure is not None:
                    raise form.failure from None
                raise


def _is_no_photo(how: Way, download: Download) -> bool:
    """Tell whether asking would be in vain; a drawing in SVG or a page is no photo either."""
    if how is not PHOTO:
        return False
    kind = download.mime.partition(";")[0].strip().lower()
    other = kind.startswith(("text/", "application/xml", "application/xhtml", "image/svg"))
    return other or (download.size or 0) > LARGEST_PHOTO


class _Refused(Exception):
    """Telegram does not take it like this."""


@contextmanager
def _as_refusals() -> Iterator[None]:
    """What is not about the chat or the bot is about the file, and may be taken another way.

    A chat that lets nobody send photos is there all the same.
    """
    try:
        with as_bridge_errors():
            yield
    except (Exhausted, Unauthorised):
        raise
    except Gone as error:
        if "rights" not in error.message.lower():
            raise
        raise _Refused(error.message) from error
    except Permanent as error:
        raise _Refused(error.message) from error
