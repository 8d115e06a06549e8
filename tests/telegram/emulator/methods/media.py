"""Files: uploads, resending by id, and where to download."""

from collections.abc import Callable

from tests.telegram.emulator import files
from tests.telegram.emulator.ask import Ask, Handler
from tests.telegram.emulator.entities import LONGEST_CAPTION
from tests.telegram.emulator.errors import bad
from tests.telegram.emulator.files import LARGEST_PHOTO, LARGEST_UPLOAD, File
from tests.telegram.emulator.inbox import Json
from tests.telegram.emulator.methods.messages import send
from tests.telegram.emulator.params import Upload

Shape = Callable[[File], Json]


def _sender(kind: str, folder: str, shape: Shape, most: int = LARGEST_UPLOAD) -> Handler:
    async def handle(ask: Ask) -> Json:
        body = ask.formatted("caption", "caption_entities", longest=LONGEST_CAPTION, empty=True)
        return send(ask, body, shape(_file(ask, kind, folder, most)))

    return handle


def _file(ask: Ask, kind: str, folder: str, most: int) -> File:
    """What was uploaded, or what the id names. Raises `Refused`."""
    told = ask.params.text(kind)
    upload = ask.params.uploads.get(told.removeprefix("attach://") if told else kind)
    if upload is not None:
        return _stored(ask, upload, folder, most)
    if not told:
        raise bad(f"there is no {kind} in the request")
    if told.startswith(("http://", "https://")):
        return ask.emulator.files.add(told.encode(), folder=folder, name=told.rpartition("/")[2])
    return ask.emulator.files.get(told)


def _stored(ask: Ask, upload: Upload, folder: str, most: int) -> File:
    if not upload.data:
        raise bad("file must be non-empty")
    if len(upload.data) > most:
        raise bad("file is too big")
    if folder == "photos" and upload.data.lstrip().startswith(b"<"):  # a page, a drawing
        raise bad("IMAGE_PROCESS_FAILED")
    return ask.emulator.files.add(upload.data, folder=folder, name=upload.name, mime=upload.mime)


async def get_file(ask: Ask) -> Json:
    files = ask.emulator.files
    file = files.get(ask.params.text("file_id"))
    return file.shown() | {"file_path": files.path_of(file)}


METHODS: dict[str, Handler] = {
    "getFile": get_file,
    "sendPhoto": _sender("photo", "photos", files.photo, LARGEST_PHOTO),
    "sendDocument": _sender("document", "documents", files.document),
    "sendVoice": _sender("voice", "voice", files.voice),
    "sendAudio": _sender("audio", "music", files.audio),
    "sendVideo": _sender("video", "videos", files.video),
    "sendAnimation": _sender("animation", "animations", files.animation),
}
