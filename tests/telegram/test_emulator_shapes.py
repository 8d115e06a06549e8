"""What the emulator says has the shapes of the real API, by aiogram's models."""

from collections.abc import AsyncIterator

import pytest

from tests.telegram.emulator import Emulator, serve
from tests.telegram.emulator.clients import Raw, raw
from tests.telegram.emulator.conformance import AVAILABLE, misshapen

pytestmark = pytest.mark.skipif(not AVAILABLE, reason="needs aiogram's models to check against")


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with serve(Emulator()) as emulator:
        yield emulator


@pytest.fixture
async def api(emulator: Emulator) -> AsyncIterator[Raw]:
    async with raw(emulator) as api:
        yield api


async def _everything_people_do(emulator: Emulator, api: Raw) -> None:
    person = emulator.person(1, "Ann", "zh-hans", username="ann_x")
    ann = person.chat()
    said = await ann.say("hi @coze_bridge_bot 😀 /new")
    await ann.edit(said, "ho")
    await ann.react(said, "👍")
    await ann.album(b"1", b"2", caption="x")
    for deed in (ann.photo, ann.document, ann.voice, ann.audio, ann.video, ann.sticker):
        await deed()
    await ann.location(1.5, 2.5)
    await ann.contact("+86", "Bob")
    keyboard = {"inline_keyboard": [[{"text": "Go", "callback_data": "g"}]]}
    await api.ok("sendMessage", chat_id=1, text="x", reply_markup=keyboard)
    await ann.answers[0].press("Go")
    await ann.say("and?", reply_to=ann.answers[0])
    await api.ok("sendMessageDraft", chat_id=1, draft_id=5, text="a", can_stop=True)
    await ann.stop_draft()
    await ann.block()
    await ann.unblock()
    group = emulator.group("Friends", person)
    await group.say(person, "/help")
    await group.set_bot_status("administrator", person)
    new = await group.migrate(person)
    await new.kick_bot(person)
    forum = emulator.forum("Work", person)
    await forum.in_topic("News").say(person, "/help")
    channel = emulator.channel("Daily")
    await channel.edit(await channel.publish("a"), "b")
    connection = await emulator.person(5, "Shop").connect_business()
    customer = connection.chat(emulator.person(6))
    asked = await customer.say("open?")
    await customer.edit(asked, "open today?")
    await customer.delete(asked)
    await connection.disable()


async def test_every_update_has_its_shape(api: Raw, emulator: Emulator) -> None:
    kinds = sorted(emulator.inbox.allowed | {"message_reaction"})
    await api.updates(allowed_updates=kinds)
    await _everything_people_do(emulator, api)
    updates = await api.updates()
    assert [problem for update in updates for problem in misshapen("Update", update)] == []
    heard = {kind for update in updates for kind in update if kind != "update_id"}
    assert heard == set(kinds), "nothing was left out"


async def test_every_result_has_its_shape(api: Raw, emulator: Emulator) -> None:
    person = emulator.person(1, "Ann")
    group = emulator.group("Friends", person)
    await person.chat().document(b"x")
    sent = await api.message("sendMessage", chat_id=1, text="x")
    await api.ok("setWebhook", url="https://bot.example/", ip_address="192.0.2.1")
    results = {
        "Message": sent,
        "User": await api.ok("getMe"),
        "ChatFullInfo": await api.ok("getChat", chat_id=group.id),
        "WebhookInfo": await api.ok("getWebhookInfo"),
        "ChatMemberMember": await api.ok("getChatMember", chat_id=group.id, user_id=1),
    }
    assert [problem for kind, body in results.items() for problem in misshapen(kind, body)] == []
    photo = await api.message("sendPhoto", chat_id=1, photo="https://pictures.example/a.png")
    assert misshapen("Message", photo) == []
    sizes = photo["photo"]
    assert isinstance(sizes, list)
    file = await api.ok("getFile", file_id=sizes[-1]["file_id"])
    assert misshapen("File", file) == []


def test_misshapen_thing_is_named() -> None:
    assert misshapen("User", {"id": 1, "is_bot": False}) == ["User: first_name: Field required"]
    wrong = {"id": 1, "is_bot": False, "first_name": "A", "colour": "red"}
    assert misshapen("User", wrong) == ["User: colour: no such field"]
