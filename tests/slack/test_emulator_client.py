"""The emulator as slack_sdk sees it."""

from collections.abc import AsyncIterator

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.slack.emulator import Channel, Emulator, Person, Seat
from tests.slack.emulator.clients import library


@pytest.fixture
async def client(slack: Emulator) -> AsyncIterator[AsyncWebClient]:
    async with library(slack) as client:
        yield client


async def test_bot_learns_who_it_is(client: AsyncWebClient, slack: Emulator) -> None:
    told = await client.auth_test()
    assert (told["user_id"], told["team_id"]) == (slack.bot.id, slack.team.id)
    assert "chat:write" in told.headers["X-OAuth-Scopes"]
    bot = await client.bots_info(bot=told["bot_id"])
    assert bot["bot"]["user_id"] == slack.bot.id
    assert (await client.team_info())["team"]["name"] == "Acme"


async def test_post_update_and_delete_leave_a_history(client: AsyncWebClient, dm: Seat) -> None:
    posted = await client.chat_postMessage(channel=dm.id, text="one")
    await client.chat_update(channel=dm.id, ts=posted["ts"], markdown_text="**two**")
    (message,) = dm.answers
    assert [revision.content.seen for revision in message.revisions] == ["one", "**two**"]
    assert message.ts == posted["ts"]
    await client.chat_delete(channel=dm.id, ts=posted["ts"])
    assert dm.answers == []


async def test_thread_is_read_page_by_page(client: AsyncWebClient, dm: Seat) -> None:
    asked = await dm.say("Well?")
    for text in ("a", "b", "c"):
        await client.chat_postMessage(channel=dm.id, thread_ts=asked.ts, text=text)
    first = await client.conversations_replies(channel=dm.id, ts=asked.ts, limit=3)
    assert [each["text"] for each in first["messages"]] == ["Well?", "a", "b"]
    cursor = first["response_metadata"]["next_cursor"]
    rest = await client.conversations_replies(channel=dm.id, ts=asked.ts, limit=3, cursor=cursor)
    assert [each["text"] for each in rest["messages"]] == ["c"]
    history = await client.conversations_history(channel=dm.id)
    assert [each["reply_count"] for each in history["messages"]] == [3]


async def test_streaming_helper_of_the_library_works(
    client: AsyncWebClient, slack: Emulator, dm: Seat
) -> None:
    asked = await dm.say("Tell me")
    stream = await client.chat_stream(channel=dm.id, thread_ts=asked.ts, buffer_size=1)
    await stream.append(markdown_text="Once ")
    assert [message.text for message in slack.open_streams] == ["Once "]
    await stream.append(markdown_text="upon a time")
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "The end"}}
    await stream.stop(blocks=[block])
    message = await dm.in_thread(asked).final("a time")
    assert message.text == "Once upon a time"
    assert message.blocks == (block,)
    assert slack.open_streams == []


async def test_files_go_both_ways(client: AsyncWebClient, slack: Emulator, dm: Seat) -> None:
    shared = await dm.share(b"data", name="a.txt", mime="text/plain", text="look")
    file_id = shared.files[0].id
    told = await client.files_info(file=file_id)
    assert told["file"]["size"] == 4
    await client.files_upload_v2(
        channel=dm.id, content="answer", filename="b.txt", initial_comment="here"
    )
    (answer,) = dm.answers
    assert (answer.text, answer.files[0].data) == ("here", b"answer")


async def test_people_and_places_are_described(
    client: AsyncWebClient, slack: Emulator, ann: Person, general: Channel
) -> None:
    user = await client.users_info(user=ann.id, include_locale=True)
    assert (user["user"]["real_name"], user["user"]["locale"]) == ("Ann", "en-US")
    assert (await client.conversations_info(channel=general.id))["channel"]["is_channel"] is True
    members = await client.conversations_members(channel=general.id)
    assert set(members["members"]) == {ann.id, slack.bot.id}
    opened = await client.conversations_open(users=[ann.id])
    assert opened["channel"]["id"] == ann.dm().id
    bob = slack.person("Bob")
    several = await client.conversations_open(users=[ann.id, bob.id])
    assert several["channel"]["is_mpim"] is True


async def test_agent_shows_status_title_and_prompts(client: AsyncWebClient, dm: Seat) -> None:
    asked = await dm.say("Hm")
    await client.assistant_threads_setStatus(
        channel_id=dm.id, thread_ts=asked.ts, status="is thinking…", loading_messages=["Reading"]
    )
    assert dm.channel.status(asked.ts) == "is thinking…"
    await client.chat_postMessage(channel=dm.id, thread_ts=asked.ts, text="Yes")
    assert dm.channel.status(asked.ts) == ""
    await client.assistant_threads_setTitle(channel_id=dm.id, thread_ts=asked.ts, title="Doubts")
    assert dm.channel.titles == {asked.ts: "Doubts"}
    await client.assistant_threads_setSuggestedPrompts(
        channel_id=dm.id, prompts=[{"title": "Poem", "message": "Write a poem"}]
    )
    assert dm.prompts == ["Poem"]
    assert (await dm.pick("Poem")).text == "Write a poem"


async def test_session_of_an_agent_may_be_stopped(client: AsyncWebClient, dm: Seat) -> None:
    asked = await dm.say("Hm")
    thread = dm.in_thread(asked)
    with pytest.raises(LookupError):
        await thread.stop()
    await client.agents_sessions_setStatus(
        channel_id=dm.id, thread_ts=asked.ts, status="processing"
    )
    await thread.stop()
    (stopped,) = dm.emulator.deliveries.of("agent_session_stopped")
    assert stopped.event["thread_ts"] == asked.ts


async def test_view_opens_by_a_fresh_trigger_once(
    client: AsyncWebClient, slack: Emulator, dm: Seat
) -> None:
    trigger = (await dm.command("/coze")).delivery.payload["trigger_id"]
    view = {"type": "modal", "title": {"type": "plain_text", "text": "x"}, "blocks": []}
    opened = await client.views_open(trigger_id=str(trigger), view=view)
    await client.views_update(view_id=opened["view"]["id"], view=view)
    with pytest.raises(SlackApiError, match="invalid_trigger_id"):
        await client.views_open(trigger_id=str(trigger), view=view)


async def test_reaction_is_added_once(client: AsyncWebClient, dm: Seat) -> None:
    message = await dm.say("Nice")
    await client.reactions_add(channel=dm.id, timestamp=message.ts, name="eyes")
    with pytest.raises(SlackApiError, match="already_reacted"):
        await client.reactions_add(channel=dm.id, timestamp=message.ts, name="eyes")
    assert [name for name, _ in message.reactions] == ["eyes"]


async def test_ephemeral_message_is_seen_by_one_and_never_updated(
    client: AsyncWebClient, general: Channel, ann: Person
) -> None:
    told = await client.chat_postEphemeral(channel=general.id, user=ann.id, text="psst")
    assert [answer.whisper for answer in general.answers] == [ann.id]
    with pytest.raises(SlackApiError, match="message_not_found"):
        await client.chat_update(channel=general.id, ts=told["message_ts"], text="x")
