"""python-telegram-bot as an independent witness: it understands all the emulator says."""

from collections.abc import AsyncIterator

import pytest
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllPrivateChats,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    MessageEntity,
    ReplyParameters,
    Update,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TimedOut,
)

from tests.telegram.emulator import Drop, Emulator, Fault, serve
from tests.telegram.emulator.clients import library, raw

# The library would rather have its seconds as timedelta; that is for the adapter to choose.
pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with serve(Emulator()) as emulator:
        yield emulator
        assert emulator.violations == []


@pytest.fixture
async def bot(emulator: Emulator) -> AsyncIterator[Bot]:
    async with library(emulator) as bot:
        yield bot


async def test_bot_knows_who_it_is(bot: Bot, emulator: Emulator) -> None:
    me = await bot.get_me()
    assert (me.id, me.username) == (emulator.bot.id, "coze_bridge_bot")
    assert me.can_read_all_group_messages is False


async def test_message_is_received_answered_edited_and_deleted(
    bot: Bot, emulator: Emulator
) -> None:
    ann = emulator.person(1, "Ann", "zh-hans").chat()
    await ann.say("/start now")
    (update,) = await bot.get_updates()
    assert update.message is not None
    assert update.message.from_user is not None
    assert update.message.from_user.language_code == "zh-hans"
    assert update.message.parse_entities() == {update.message.entities[0]: "/start"}

    sent = await bot.send_message(
        1,
        "Hello 😀 you",
        entities=[MessageEntity("bold", 9, 3)],
        reply_parameters=ReplyParameters(update.message.message_id),
    )
    assert sent.parse_entities() == {sent.entities[0]: "you"}
    assert sent.reply_to_message is not None
    assert sent.reply_to_message.text == "/start now"

    edited = await sent.edit_text("Goodbye")
    assert not isinstance(edited, bool)
    assert edited.edit_date is not None
    shown = ann.messages[sent.message_id]
    assert [each.body.text for each in shown.revisions] == ["Hello 😀 you", "Goodbye"]
    assert shown.revisions[0].at <= shown.revisions[1].at

    assert await sent.delete()
    assert ann.answers == []
    assert shown.deleted_by == "bot"


async def test_button_is_pressed_and_answered(bot: Bot, emulator: Emulator) -> None:
    ann = emulator.person(1).chat()
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data="y")]])
    await bot.send_message(1, "Sure?", reply_markup=keyboard)
    query_id = await ann.answers[0].press("Yes")
    (update,) = await bot.get_updates()
    assert update.callback_query is not None
    assert (update.callback_query.id, update.callback_query.data) == (query_id, "y")
    assert await update.callback_query.answer("fine", show_alert=True)
    press = emulator.callbacks.all[query_id]
    assert (press.text, press.alert) == ("fine", True)
    assert press.answered is not None

    await bot.edit_message_reply_markup(1, ann.answers[0].id)
    assert ann.answers[0].buttons == []
    with pytest.raises(LookupError):
        await ann.answers[0].press("Yes")
    with pytest.raises(BadRequest, match="not modified"):
        await bot.edit_message_reply_markup(1, ann.answers[0].id)


async def test_every_kind_of_message_is_read(bot: Bot, emulator: Emulator) -> None:
    ann = emulator.person(1).chat()
    await ann.photo(b"jpeg", "look @coze_bridge_bot")
    await ann.document(b"%PDF", name="计划.pdf")
    await ann.voice(b"ogg")
    await ann.audio(b"mp3")
    await ann.video(b"mp4")
    await ann.sticker("👍")
    await ann.location(31.2, 121.5)
    await ann.contact("+86 1", "Bob")
    album = await ann.album(b"one", b"two", caption="both")
    messages = [update.message for update in await bot.get_updates()]
    assert len(messages) == 10
    photo, document, voice, audio, video, sticker, location, contact, one, two = messages
    assert photo is not None
    assert photo.caption == "look @coze_bridge_bot"
    assert photo.photo[-1].file_size == 4
    assert document is not None
    assert document.document is not None
    assert document.document.file_name == "计划.pdf"
    for message, kind in (
        (voice, "voice"),
        (audio, "audio"),
        (video, "video"),
        (sticker, "sticker"),
        (location, "location"),
        (contact, "contact"),
    ):
        assert getattr(message, kind) is not None
    assert one is not None
    assert two is not None
    assert one.media_group_id == two.media_group_id
    assert (one.caption, two.caption) == ("both", None)
    assert [message.id for message in album] == [one.message_id, two.message_id]


async def test_file_is_downloaded(bot: Bot, emulator: Emulator) -> None:
    await emulator.person(1).chat().document(b"the data")
    (update,) = await bot.get_updates()
    assert update.message is not None
    assert update.message.document is not None
    file = await update.message.document.get_file()
    assert bytes(await file.download_as_bytearray()) == b"the data"


async def test_file_beyond_20_mb_is_not_given_out(bot: Bot, emulator: Emulator) -> None:
    await emulator.person(1).chat().document(b"x", size=20 * 1024 * 1024 + 1)
    (update,) = await bot.get_updates()
    assert update.message is not None
    assert update.message.document is not None
    with pytest.raises(BadRequest, match="File is too big"):
        await update.message.document.get_file()


async def test_files_are_uploaded_and_sent_again_by_id(bot: Bot, emulator: Emulator) -> None:
    ann = emulator.person(1).chat()
    photo = await bot.send_photo(1, b"\x89PNG", caption="a picture")
    again = await bot.send_photo(1, photo.photo[-1].file_id)
    document = await bot.send_document(1, b"text", filename="a.txt")
    voice = await bot.send_voice(1, b"OggS")
    assert photo.caption == "a picture"
    assert again.photo[-1].file_id == photo.photo[-1].file_id
    assert document.document is not None
    assert document.document.file_name == "a.txt"
    assert voice.voice is not None
    assert len(ann.answers) == 4
    assert emulator.files.get(document.document.file_id).data == b"text"


async def test_commands_are_kept_by_scope_and_language(bot: Bot) -> None:
    private = BotCommandScopeAllPrivateChats()
    await bot.set_my_commands([BotCommand("new", "Start anew")])
    await bot.set_my_commands([BotCommand("new", "重新开始")], scope=private, language_code="zh")
    assert [each.description for each in await bot.get_my_commands()] == ["Start anew"]
    chinese = await bot.get_my_commands(scope=private, language_code="zh")
    assert [each.description for each in chinese] == ["重新开始"]
    await bot.delete_my_commands(scope=private, language_code="zh")
    assert await bot.get_my_commands(scope=private, language_code="zh") == ()


async def test_typing_reaction_and_membership(bot: Bot, emulator: Emulator) -> None:
    ann = emulator.person(1)
    group = emulator.group("Friends", ann)
    said = await ann.chat().say("hi")
    assert await bot.send_chat_action(1, "typing")
    assert [action for _, action in ann.chat().actions] == ["typing"]
    assert await bot.set_message_reaction(1, said.id, "👍")
    assert said.reaction == "👍"
    assert (await bot.get_chat(group.id)).title == "Friends"
    assert (await bot.get_chat_member(group.id, 1)).status == "member"
    assert (await bot.get_chat_member(group.id, emulator.bot.id)).status == "member"


async def test_draft_grows_is_stopped_and_gives_way(bot: Bot, emulator: Emulator) -> None:
    ann = emulator.person(1).chat()
    stop = {"can_stop": True, "keep_on_stop": True}
    await bot.send_message_draft(1, 7, "He", api_kwargs=stop)
    await bot.send_message_draft(1, 7, "Hello", api_kwargs=stop)
    assert ann.draft is not None
    assert [each.body.text for each in ann.draft.revisions] == ["He", "Hello"]
    await ann.stop_draft()
    (update,) = await bot.get_updates(allowed_updates=["stopped_message_generation"])
    stopped = update.api_kwargs["stopped_message_generation"]
    assert (stopped["chat"]["id"], stopped["draft_id"]) == (1, 7)
    assert ann.draft is not None, "kept until the bot sends a message"
    await bot.send_message(1, "Hello")
    assert ann.draft is None
    assert [draft.ended for draft in ann.drafts] == ["sent"]


async def test_business_message_is_answered_through_its_connection(
    bot: Bot, emulator: Emulator
) -> None:
    connection = await emulator.person(1, "Shop").connect_business()
    customer = connection.chat(emulator.person(2, "Customer"))
    question = await customer.say("open today?")
    connected, asked = await bot.get_updates()
    assert connected.business_connection is not None
    assert connected.business_connection.user.first_name == "Shop"
    assert asked.business_message is not None
    assert asked.business_message.business_connection_id == connection.id

    sent = await bot.send_message(2, "yes", business_connection_id=connection.id)
    assert sent.from_user is not None
    assert sent.sender_business_bot is not None
    assert (sent.from_user.id, sent.sender_business_bot.id) == (1, emulator.bot.id)
    assert [message.text for message in await customer.final("yes")] == ["yes"]
    await connection.say(customer.person, "until six")
    await customer.edit(question, "open on Sunday?")
    await customer.delete(question)
    by_owner, edited, deleted = await bot.get_updates(offset=asked.update_id + 1)
    assert by_owner.business_message is not None
    assert by_owner.business_message.from_user is not None
    assert by_owner.business_message.from_user.id == 1
    assert edited.edited_business_message is not None
    assert deleted.deleted_business_messages is not None
    assert deleted.deleted_business_messages.message_ids == (question.id,)


async def test_errors_are_the_exceptions_a_client_expects(bot: Bot, emulator: Emulator) -> None:
    ann = emulator.person(1).chat()
    sent = await bot.send_message(1, "hi")
    with pytest.raises(BadRequest, match="Message is not modified"):
        await sent.edit_text("hi")
    await ann.delete(ann.answers[0])
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await sent.edit_text("ho")
    await ann.block()
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(1, "hi")
    emulator.inject(Fault("sendMessage", retry_after=7))
    with pytest.raises(RetryAfter) as flood:
        await bot.send_message(1, "hi")
    assert flood.value.retry_after == 7


async def test_faults_are_the_exceptions_a_client_expects(bot: Bot, emulator: Emulator) -> None:
    ann = emulator.person(1).chat()
    emulator.inject(Fault("sendMessage", code=502, html="<h1>Bad Gateway</h1>"))
    with pytest.raises(NetworkError):
        await bot.send_message(1, "a")
    emulator.inject(Fault("sendMessage", drop=Drop.AFTER))
    with pytest.raises(NetworkError):
        await bot.send_message(1, "b")
    gate = emulator.hold("sendMessage", times=1)
    with pytest.raises(TimedOut):
        await bot.send_message(1, "c", read_timeout=0.05)
    gate.open()
    await ann.final("bc")


async def test_group_that_became_a_supergroup_says_where_it_went(
    bot: Bot, emulator: Emulator
) -> None:
    ann = emulator.person(1)
    group = emulator.group("Friends", ann)
    new = await group.migrate(ann)
    with pytest.raises(ChatMigrated) as moved:
        await bot.send_message(group.id, "hi")
    assert moved.value.new_chat_id == new.id
    told = [update.message for update in await bot.get_updates()]
    assert [message.migrate_to_chat_id for message in told if message] == [new.id, None]
    assert [message.migrate_from_chat_id for message in told if message] == [None, group.id]
    await bot.send_message(new.id, "hi")


async def test_wrong_token_is_told(emulator: Emulator) -> None:
    other = Emulator(token="7000000001:AAotherotherotherotherotherother")
    other.url = emulator.url
    with pytest.raises(InvalidToken):
        async with library(other):
            pytest.fail("a wrong token was accepted")


async def test_logged_out_bot_is_gone(bot: Bot, emulator: Emulator) -> None:
    with pytest.raises(RetryAfter):
        await bot.close()
    await bot.log_out()
    with pytest.raises(BadRequest, match="Logged out"):
        await bot.get_me()
    emulator.logged_out = False


async def test_webhook_stands_in_the_way_of_polling(bot: Bot, emulator: Emulator) -> None:
    await bot.set_webhook("https://bot.example/hook", secret_token="s", max_connections=5)
    info = await bot.get_webhook_info()
    assert (info.url, info.max_connections) == ("https://bot.example/hook", 5)
    with pytest.raises(Conflict, match="webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook()
    assert await bot.get_updates() == ()


async def test_updates_are_understood_one_by_one(bot: Bot, emulator: Emulator) -> None:
    """A client may read raw updates, because one malformed update spoils a typed batch."""
    emulator.inbox.spoil()
    await emulator.person(1).chat().say("fine")
    with pytest.raises(KeyError):
        await bot.get_updates()
    async with raw(emulator) as http:
        _, second = await http.updates()
    fine = Update.de_json(second, bot)
    assert fine.message is not None
    assert fine.message.text == "fine"
