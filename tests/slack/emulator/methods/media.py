"""Files, reactions, and the little of views there is."""

from tests.slack.emulator.ask import Ask, Method
from tests.slack.emulator.content import Content
from tests.slack.emulator.errors import Refused, bad
from tests.slack.emulator.files import File
from tests.slack.emulator.methods.chat import thread_of
from tests.slack.emulator.params import Json


async def file_info(ask: Ask) -> Json:
    return {"file": ask.emulator.files.find(ask.args.needed("file")).looked_at()}


async def upload_url(ask: Ask) -> Json:
    name = ask.args.needed("filename")
    if ask.args.number("length", 0) < 1:
        raise bad("must be greater than 0 [json-pointer:/length]")
    file = ask.emulator.files.add(name, "application/octet-stream", ask.bot.id)
    file.alt, file.length = ask.args.text("alt_txt"), ask.args.number("length", 0)
    return {"upload_url": f"{ask.emulator.url}/upload/{file.id}", "file_id": file.id}


async def complete_upload(ask: Ask) -> Json:
    files = [_uploaded(ask, given) for given in ask.args.items("files")]
    if not files:
        raise bad("missing required field: files")
    if ask.args.text("channel_id"):
        channel = ask.channel("channel_id", write=True)
        message = channel.post(
            ask.bot,
            Content(ask.args.text("initial_comment")),
            thread=thread_of(ask, channel),
            subtype="file_share",
            files=files,
        )
        ask.call.message = message.ts
        for file in files:
            file.shares.append((channel.id, message.ts))
            file.unseen = ask.emulator.files.unseen
        ask.emulator.events.posted(message)
    return {"files": [file.shown() for file in files]}


def _uploaded(ask: Ask, given: Json) -> File:
    file = ask.emulator.files.find(str(given.get("id")))
    if file.data is None:
        raise Refused("file_not_uploaded")
    file.complete = True
    file.title = str(given.get("title", ""))
    return file


async def delete_file(ask: Ask) -> Json:
    """Delete a file, and the messages that consist of it."""
    file = ask.emulator.files.find(ask.args.needed("file"))
    if file.owner != ask.bot.id:
        raise Refused("cant_delete_file")
    del ask.emulator.files.all[file.id]
    for channel, ts in file.shares:
        found = ask.emulator.channels[channel]
        found.remove(found.messages[ts])
    return {}


async def add_reaction(ask: Ask) -> Json:
    message = ask.channel().find(ask.args.needed("timestamp"))
    reaction = (ask.args.needed("name"), ask.bot.id)
    if reaction in message.reactions:
        raise Refused("already_reacted")
    message.reactions.append(reaction)
    ask.emulator.changed()
    return {}


async def open_view(ask: Ask) -> Json:
    ask.emulator.interactions.check_trigger(ask.args.text("trigger_id"))
    return _view(ask)


async def publish_view(ask: Ask) -> Json:
    if ask.args.needed("user_id") not in ask.emulator.people:
        raise Refused("user_not_found")
    return _view(ask)


def _view(ask: Ask) -> Json:
    view = ask.args.fields("view")
    if view.get("type") not in {"modal", "home"}:
        raise bad("must be a valid enum value [json-pointer:/view/type]")
    shown = view | {"id": ask.args.text("view_id") or f"V{next(ask.emulator.serial):010d}"}
    ask.emulator.views.append(shown)
    ask.emulator.changed()
    return {"view": shown}


async def update_view(ask: Ask) -> Json:
    if ask.args.text("view_id") not in {view["id"] for view in ask.emulator.views}:
        raise Refused("not_found")
    return _view(ask)


METHODS: dict[str, Method] = {
    "files.info": Method(file_info, ("files:read",)),
    "files.getUploadURLExternal": Method(upload_url, ("files:write",)),
    "files.completeUploadExternal": Method(complete_upload, ("files:write",)),
    "files.delete": Method(delete_file, ("files:write",)),
    "reactions.add": Method(add_reaction, ("reactions:write",)),
    "views.open": Method(open_view),
    "views.push": Method(open_view),
    "views.publish": Method(publish_view),
    "views.update": Method(update_view),
}
