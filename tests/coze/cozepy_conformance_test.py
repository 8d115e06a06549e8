"""The official SDK, written by somebody else, works against the emulator."""

import asyncio
import time
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bridge.emulator import (
    DEMO_APP_ID,
    DEMO_BOT_ID,
    DEMO_TOKEN,
    DEMO_WORKFLOW_ID,
    DEMO_WORKSPACE_ID,
    FAULTS,
    Emulator,
    OAuthApp,
    Scenario,
    ToolCall,
    serve,
)

with warnings.catch_warnings():
    # cozepy 0.20 imports authlib.jose, which is deprecated. A pytest mark cannot silence that:
    # authlib puts an "always" filter of its own in front when it is imported.
    from authlib.deprecate import AuthlibDeprecationWarning

    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    import cozepy

from cozepy import ChatEventType, ChatStatus, Message, MessageContentType, MessageRole, MessageType

QUESTION = [Message.build_user_question_text("12*7")]


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with serve(Emulator(pace=0.002)) as emulator:
        yield emulator


@pytest.fixture
async def coze(emulator: Emulator) -> AsyncIterator[cozepy.AsyncCoze]:
    async with cozepy.AsyncHTTPClient() as http:
        auth = cozepy.AsyncTokenAuth(DEMO_TOKEN)
        yield cozepy.AsyncCoze(auth, base_url=emulator.url, http_client=http)


async def test_chat_stream(coze: cozepy.AsyncCoze) -> None:
    events = [
        event
        async for event in coze.chat.stream(
            bot_id=DEMO_BOT_ID, user_id="u1", additional_messages=QUESTION
        )
    ]
    kinds = [event.event for event in events]
    assert kinds[:2] == [
        ChatEventType.CONVERSATION_CHAT_CREATED,
        ChatEventType.CONVERSATION_CHAT_IN_PROGRESS,
    ]
    assert kinds[-1] == ChatEventType.CONVERSATION_CHAT_COMPLETED
    deltas = [e.message for e in events if e.event == ChatEventType.CONVERSATION_MESSAGE_DELTA]
    whole = [
        e.message
        for e in events
        if e.event == ChatEventType.CONVERSATION_MESSAGE_COMPLETED
        and e.message.type == MessageType.ANSWER
    ]
    assert [m.content for m in whole] == ["".join(d.content for d in deltas)]
    assert "84" in whole[0].content
    assert events[-1].chat.status == ChatStatus.COMPLETED
    assert events[-1].chat.usage.token_count > 0


async def test_chat_create_and_retrieve(coze: cozepy.AsyncCoze, emulator: Emulator) -> None:
    conversation = await coze.conversations.create()
    chat = await coze.chat.create(
        bot_id=DEMO_BOT_ID,
        user_id="u1",
        conversation_id=conversation.id,
        additional_messages=QUESTION,
        meta_data={"turn": "1"},
    )
    assert chat.conversation_id == conversation.id
    assert chat.status in (ChatStatus.CREATED, ChatStatus.IN_PROGRESS)
    await emulator.until(lambda e: e.asked[0].finished_at is not None)
    chat = await coze.chat.retrieve(conversation_id=conversation.id, chat_id=chat.id)
    assert chat.status == ChatStatus.COMPLETED
    messages = await coze.chat.messages.list(conversation_id=conversation.id, chat_id=chat.id)
    assert "84" in next(m.content for m in messages if m.type == MessageType.ANSWER)


async def test_chat_create_and_poll(emulator: Emulator) -> None:
    def poll() -> cozepy.ChatPoll:
        with cozepy.SyncHTTPClient() as http:
            auth = cozepy.TokenAuth(DEMO_TOKEN)
            coze = cozepy.Coze(auth, base_url=emulator.url, http_client=http)
            return coze.chat.create_and_poll(
                bot_id=DEMO_BOT_ID, user_id="u1", additional_messages=QUESTION
            )

    # Only the sync client can poll, and it blocks: so it gets a thread.
    polled = await asyncio.to_thread(poll)
    assert polled.chat.status == ChatStatus.COMPLETED
    assert any("84" in message.content for message in polled.messages)


async def test_chat_cancel(coze: cozepy.AsyncCoze, emulator: Emulator) -> None:
    emulator.install(Scenario(times=1, hang_after=2))
    chat = await coze.chat.create(bot_id=DEMO_BOT_ID, user_id="u1", additional_messages=QUESTION)
    ids = {"conversation_id": chat.conversation_id, "chat_id": chat.id}
    cancelled = await coze.chat.cancel(**ids)
    assert cancelled.status == ChatStatus.CANCELED
    assert (await coze.chat.retrieve(**ids)).status == ChatStatus.CANCELED
    with pytest.raises(cozepy.CozeAPIError) as refused:
        await coze.chat.cancel(**ids)
    assert refused.value.code == 4104


@pytest.mark.parametrize("streamed", [True, False])
async def test_chat_submit_tool_outputs(
    coze: cozepy.AsyncCoze, emulator: Emulator, streamed: bool
) -> None:
    emulator.install(FAULTS["tools"])
    chat = None
    async for event in coze.chat.stream(
        bot_id=DEMO_BOT_ID, user_id="u1", additional_messages=QUESTION
    ):
        if event.event == ChatEventType.CONVERSATION_CHAT_REQUIRES_ACTION:
            chat = event.chat
    assert chat is not None
    [call] = chat.required_action.submit_tool_outputs.tool_calls
    assert call.function.name == "get_rain_probability"
    outputs = [cozepy.ToolOutput(tool_call_id=call.id, output="80%")]
    ids = {"conversation_id": chat.conversation_id, "chat_id": chat.id}
    if streamed:
        events = [
            event
            async for event in coze.chat.submit_tool_outputs_stream(**ids, tool_outputs=outputs)
        ]
        assert events[-1].event == ChatEventType.CONVERSATION_CHAT_COMPLETED
    else:
        resumed = await coze.chat.submit_tool_outputs(**ids, tool_outputs=outputs)
        assert resumed.status == ChatStatus.IN_PROGRESS
        await emulator.until(lambda e: e.asked[0].status == "completed")
    messages = await coze.chat.messages.list(**ids)
    assert any("80%" in m.content for m in messages if m.type == MessageType.ANSWER)


async def test_errors_carry_code_and_log_id(coze: cozepy.AsyncCoze) -> None:
    with pytest.raises(cozepy.CozeAPIError) as refused:
        await coze.chat.create(bot_id="1", user_id="u1", additional_messages=QUESTION)
    assert refused.value.code == 4006
    assert refused.value.logid


async def test_conversations(coze: cozepy.AsyncCoze) -> None:
    first = await coze.conversations.create(
        bot_id=DEMO_BOT_ID, name="first", meta_data={"k": "v"}, messages=QUESTION
    )
    second = await coze.conversations.create(bot_id=DEMO_BOT_ID)
    assert (first.name, first.meta_data, first.last_section_id) == ("first", {"k": "v"}, first.id)
    found = await coze.conversations.retrieve(conversation_id=first.id)
    assert found.id == first.id

    listed = await coze.conversations.list(bot_id=DEMO_BOT_ID, page_num=1, page_size=1)
    assert [c.id async for c in listed] == [second.id, first.id]

    renamed = await coze.conversations.update(conversation_id=first.id, name="renamed")
    assert renamed.name == "renamed"
    section = await coze.conversations.clear(conversation_id=first.id)
    assert section.id != first.id
    assert section.conversation_id == first.id
    cleared = await coze.conversations.retrieve(conversation_id=first.id)
    assert cleared.last_section_id == section.id

    await coze.conversations.delete(conversation_id=first.id)
    with pytest.raises(cozepy.CozeAPIError) as refused:
        await coze.conversations.retrieve(conversation_id=first.id)
    assert refused.value.code == 4002


async def test_messages(coze: cozepy.AsyncCoze) -> None:
    conversation = (await coze.conversations.create()).id
    created = [
        await coze.conversations.messages.create(
            conversation_id=conversation,
            role=MessageRole.USER,
            content=f"message {number}",
            content_type=MessageContentType.TEXT,
            meta_data={"number": str(number)},
        )
        for number in range(5)
    ]
    listed = await coze.conversations.messages.list(
        conversation_id=conversation, order="asc", limit=2
    )
    assert [m.id async for m in listed] == [m.id for m in created]
    newest = await coze.conversations.messages.list(conversation_id=conversation, limit=2)
    assert [m.content for m in newest.items] == ["message 4", "message 3"]
    assert newest.has_more

    one = {"conversation_id": conversation, "message_id": created[0].id}
    assert (await coze.conversations.messages.retrieve(**one)).meta_data == {"number": "0"}
    changed = await coze.conversations.messages.update(
        **one, content="changed", content_type=MessageContentType.TEXT
    )
    assert changed.content == "changed"
    assert (await coze.conversations.messages.delete(**one)).id == created[0].id
    with pytest.raises(cozepy.CozeAPIError) as refused:
        await coze.conversations.messages.retrieve(**one)
    assert refused.value.code == 4005


async def test_feedback(coze: cozepy.AsyncCoze, emulator: Emulator) -> None:
    chat = await coze.chat.create(bot_id=DEMO_BOT_ID, user_id="u1", additional_messages=QUESTION)
    await emulator.until(lambda e: e.asked[0].finished_at is not None)
    conversation = emulator.archive.conversations[chat.conversation_id]
    [answer] = [m for m in conversation.messages if m.type == "answer"]
    one = {"conversation_id": conversation.id, "message_id": answer.id}
    feedback = coze.conversations.messages.feedback
    like = type_of_feedback("like")
    await feedback.create(**one, feedback_type=like, reason_types=["kind"], comment="nice")
    assert conversation.feedback[answer.id].feedback_type == "like"
    await feedback.create(**one, feedback_type=type_of_feedback("unlike"))
    assert conversation.feedback[answer.id].feedback_type == "unlike"
    await feedback.delete(**one)
    assert conversation.feedback == {}


def type_of_feedback(value: str) -> object:
    from cozepy.conversations.message.feedback import FeedbackType

    return FeedbackType(value)


async def test_variables(coze: cozepy.AsyncCoze) -> None:
    whose = {"bot_id": DEMO_BOT_ID, "connector_uid": "u1"}
    before = await coze.variables.retrieve(**whose, keywords=["plan", "nonsense"])
    assert [(v.keyword, v.value, v.create_time) for v in before] == [("plan", "free", 0)]
    gold = cozepy.VariableValue(keyword="plan", value="gold")
    await coze.variables.update(**whose, data=[gold])
    [after] = await coze.variables.retrieve(**whose, keywords=["plan"])
    assert (after.value, after.update_time > 0) == ("gold", True)
    [other] = await coze.variables.retrieve(
        bot_id=DEMO_BOT_ID, connector_uid="u2", keywords=["plan"]
    )
    assert other.value == "free"
    for keyword in ("nonsense", "retired", "sys_uuid"):
        with pytest.raises(cozepy.CozeAPIError) as refused:
            value = cozepy.VariableValue(keyword=keyword, value="x")
            await coze.variables.update(**whose, data=[gold, value])
        assert refused.value.code == 4000


async def test_files(coze: cozepy.AsyncCoze, emulator: Emulator) -> None:
    uploaded = await coze.files.upload(file=("goat.png", b"not really a goat"))
    assert (uploaded.file_name, uploaded.bytes) == ("goat.png", 17)
    assert (await coze.files.retrieve(file_id=uploaded.id)).id == uploaded.id
    assert emulator.files.all[uploaded.id].content == b"not really a goat"
    with pytest.raises(cozepy.CozeAPIError) as refused:
        await coze.files.upload(file=("empty.png", b""))
    assert refused.value.code == 4300
    picture = Message.build_user_question_objects(
        [
            cozepy.MessageObjectString.build_text("what is this?"),
            cozepy.MessageObjectString.build_image(file_id=uploaded.id),
        ]
    )
    chat = await coze.chat.create(bot_id=DEMO_BOT_ID, user_id="u1", additional_messages=[picture])
    await emulator.until(lambda e: e.asked[0].finished_at is not None)
    said = await coze.chat.messages.list(conversation_id=chat.conversation_id, chat_id=chat.id)
    assert "goat.png" in said[0].content


async def test_speech_and_transcriptions(coze: cozepy.AsyncCoze, emulator: Emulator) -> None:
    opus = cozepy.AudioFormat.OGG_OPUS
    speech = await coze.audio.speech.create(input="hello", voice_id="1", response_format=opus)
    sound = b"".join([chunk async for chunk in speech._raw_response.aiter_bytes()])
    assert sound.startswith(b"OggS")
    emulator.audio.transcripts.append("hello")
    heard = await coze.audio.transcriptions.create(file=("hello.ogg", sound))
    assert heard.text == "hello"
    assert emulator.audio.recordings[0].content == sound


async def test_tools_step_by_step(coze: cozepy.AsyncCoze, emulator: Emulator) -> None:
    rain, tide = ToolCall("rain", "{}"), ToolCall("tide", "{}")
    emulator.install(Scenario(tools=(rain, rain), next_tools=((tide,),), reply="Stay in."))
    asked = coze.chat.stream(bot_id=DEMO_BOT_ID, user_id="u1", additional_messages=QUESTION)
    steps = []
    events = [event async for event in asked]
    needs = ChatEventType.CONVERSATION_CHAT_REQUIRES_ACTION
    while waiting := [event for event in events if event.event == needs]:
        chat = waiting[0].chat
        calls = chat.required_action.submit_tool_outputs.tool_calls
        steps.append([call.function.name for call in calls])
        outputs = [cozepy.ToolOutput(tool_call_id=call.id, output="ok") for call in calls]
        goes_on = coze.chat.submit_tool_outputs_stream(
            conversation_id=chat.conversation_id, chat_id=chat.id, tool_outputs=outputs
        )
        events = [event async for event in goes_on]
    assert steps == [["rain", "rain"], ["tide"]]
    assert events[-1].event == ChatEventType.CONVERSATION_CHAT_COMPLETED


@pytest.mark.parametrize("version", [1, 2])
async def test_bots_retrieve_and_list(coze: cozepy.AsyncCoze, version: int) -> None:
    bot = await coze.bots.retrieve(bot_id=DEMO_BOT_ID, use_api_version=version)
    assert bot.name == "Bridgekeeper"
    assert "{{user_name}}" in bot.onboarding_info.prologue
    assert len(bot.onboarding_info.suggested_questions) == 4
    listed = await coze.bots.list(space_id=DEMO_WORKSPACE_ID, use_api_version=version)
    assert [b.bot_id async for b in listed] == [DEMO_BOT_ID]


async def test_bot_is_created_edited_published_and_taken_down(coze: cozepy.AsyncCoze) -> None:
    created = await coze.bots.create(space_id=DEMO_WORKSPACE_ID, name="Second")
    chat = {"bot_id": created.bot_id, "user_id": "u1", "additional_messages": QUESTION}
    with pytest.raises(cozepy.CozeAPIError) as refused:
        await coze.chat.create(**chat)
    assert refused.value.code == 4015
    await coze.bots.publish(bot_id=created.bot_id)
    await coze.chat.create(**chat)
    await coze.bots.update(bot_id=created.bot_id, name="Renamed")
    one = {"bot_id": created.bot_id, "use_api_version": 2}
    assert (await coze.bots.retrieve(**one)).name == "Second"
    assert (await coze.bots.retrieve(**one, is_published=False)).name == "Renamed"
    await coze.bots.unpublish(bot_id=created.bot_id, connector_id="1024")
    with pytest.raises(cozepy.CozeAPIError) as refused:
        await coze.bots.retrieve(**one)
    assert refused.value.code == 4015


async def test_workflows_chat(coze: cozepy.AsyncCoze) -> None:
    conversation = await coze.conversations.create()
    events = [
        event
        async for event in coze.workflows.chat.stream(
            workflow_id=DEMO_WORKFLOW_ID,
            app_id=DEMO_APP_ID,
            additional_messages=QUESTION,
            parameters={},
            conversation_id=conversation.id,
            ext={"user_id": "u1"},
        )
    ]
    assert events[0].chat.conversation_id == conversation.id
    assert events[-1].event == ChatEventType.CONVERSATION_CHAT_COMPLETED


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


async def test_oauth_jwt_gives_one_token_per_session(key: rsa.RSAPrivateKey) -> None:
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    public = (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    app = OAuthApp("app-1", "fingerprint", public)
    async with (
        serve(Emulator(pace=0, oauth_apps=[app])) as emulator,
        cozepy.AsyncHTTPClient() as http,
        _oauth_app(private, "fingerprint", emulator.url) as oauth,
        _oauth_app(private, "other key", emulator.url) as stranger,
    ):
        tokens = [
            await oauth.get_access_token(ttl=600, session_name=name) for name in ("anna", "ben")
        ]
        assert all(570 < token.expires_in - time.time() <= 600 for token in tokens)
        anna, ben = (
            cozepy.AsyncCoze(
                cozepy.AsyncTokenAuth(token.access_token),
                base_url=emulator.url,
                http_client=http,
            )
            for token in tokens
        )
        hers = await anna.conversations.create()
        assert (await anna.conversations.retrieve(conversation_id=hers.id)).id == hers.id
        with pytest.raises(cozepy.CozeAPIError) as refused:
            await ben.conversations.retrieve(conversation_id=hers.id)
        assert refused.value.code == 4002
        whose = {"bot_id": DEMO_BOT_ID, "connector_uid": "u1"}
        gold = cozepy.VariableValue(keyword="plan", value="gold")
        await anna.variables.update(**whose, data=[gold])
        [his] = await ben.variables.retrieve(**whose, keywords=["plan"])
        assert his.value == "free"

        with pytest.raises(cozepy.CozeAPIError, match="unknown public key"):
            await stranger.get_access_token(ttl=600)


@asynccontextmanager
async def _oauth_app(private: str, kid: str, url: str) -> AsyncIterator[cozepy.AsyncJWTOAuthApp]:
    app = cozepy.AsyncJWTOAuthApp("app-1", private, kid, base_url=url)
    try:
        yield app
    finally:
        # It has a client of its own and no way to close it.
        await app._requester.async_client.aclose()
