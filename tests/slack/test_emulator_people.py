"""What people do, and what the app is told of it."""

import pytest

from tests.platforms.budgets import Clock
from tests.slack.emulator import Channel, Delivery, Emulator, Person, Seat
from tests.slack.emulator.clients import Raw
from tests.slack.emulator.params import Json


def told(slack: Emulator) -> list[Json]:
    """Every event so far."""
    return [delivery.event for delivery in slack.deliveries.all]


def kinds(slack: Emulator) -> list[tuple[object, object]]:
    return [(event["type"], event.get("subtype")) for event in told(slack)]


def last(slack: Emulator) -> Delivery:
    return slack.deliveries.all[-1]


async def test_direct_message_is_told_once(slack: Emulator, dm: Seat, ann: Person) -> None:
    message = await dm.say(f"hi {slack.bot.mention}")
    (event,) = told(slack)
    assert event["type"] == "message"
    assert (event["channel_type"], event["user"], event["ts"]) == ("im", ann.id, message.ts)
    payload = last(slack).payload
    assert (payload["type"], payload["team_id"]) == ("event_callback", slack.team.id)
    assert payload["authorizations"] == [
        {
            "enterprise_id": None,
            "team_id": slack.team.id,
            "user_id": slack.bot.id,
            "is_bot": True,
            "is_enterprise_install": False,
        }
    ]


async def test_text_is_told_as_slack_escapes_it(slack: Emulator, dm: Seat, ann: Person) -> None:
    await dm.say(f"a < b & c > d {ann.mention} see https://example.org/?a=1&b=2 now")
    event = last(slack).event
    assert event["text"] == (
        f"a &lt; b &amp; c &gt; d {ann.mention} see <https://example.org/?a=1&amp;b=2> now"
    )
    assert isinstance(event["blocks"], list)
    assert event["blocks"][0]["type"] == "rich_text"


async def test_mention_is_told_twice_under_different_ids(
    slack: Emulator, general: Channel, ann: Person
) -> None:
    message = await general.say(ann, f"{slack.bot.mention} hi")
    mention, plain = slack.deliveries.all
    assert (mention.event["type"], plain.event["type"]) == ("app_mention", "message")
    assert mention.event["ts"] == plain.event["ts"] == message.ts
    assert mention.event_id != plain.event_id


async def test_reply_names_its_thread(slack: Emulator, general: Channel, ann: Person) -> None:
    first = await general.say(ann, "first")
    await general.say(ann, "second", thread=first.ts)
    event = last(slack).event
    assert (event["thread_ts"], event["parent_user_id"]) == (first.ts, ann.id)
    await ann.at(general, first.ts).broadcast("third")
    assert last(slack).event["subtype"] == "thread_broadcast"


async def test_edits_deletions_joins_and_bots_are_told_as_what_they_are(
    slack: Emulator, general: Channel, ann: Person
) -> None:
    seat = ann.at(general)
    message = await seat.say("a")
    await seat.edit(message, "b")
    change = last(slack).event
    assert isinstance(change["message"], dict)
    assert isinstance(change["previous_message"], dict)
    assert (change["previous_message"]["text"], change["message"]["text"]) == ("a", "b")
    assert (change["hidden"], "edited" in change["message"]) == (True, True)
    await seat.delete(message)
    await slack.person("Bob").at(general).join()
    await seat.integration("Build failed")
    assert "user" not in last(slack).event
    await general.say(slack.person("Robo", bot=True), f"{slack.bot.mention} beep")
    assert kinds(slack) == [
        ("message", None),
        ("message", "message_changed"),
        ("message", "message_deleted"),
        ("message", "channel_join"),
        ("message", "bot_message"),
        ("message", None),
    ]
    assert last(slack).event["bot_id"]


async def test_bot_hears_itself_unless_it_does_not_want_to(
    slack: Emulator, api: Raw, dm: Seat
) -> None:
    posted = await api.ok("chat.postMessage", channel=dm.id, text="x")
    await api.ok("chat.update", channel=dm.id, ts=posted["ts"], text="y")
    assert kinds(slack) == [("message", None), ("message", "message_changed")]
    assert last(slack).event["channel"] == dm.id
    slack.events.echo = False
    await api.ok("chat.postMessage", channel=dm.id, text="x")
    assert len(told(slack)) == 2


async def test_app_hears_only_where_it_is_and_what_it_wants(slack: Emulator, ann: Person) -> None:
    away = slack.channel("away", ann, bot=False)
    await away.say(ann, f"{slack.bot.mention} hi")
    slack.events.subscribed.discard("message.groups")
    hidden = slack.channel("hidden", ann, private=True)
    await hidden.say(ann, "hi")
    await ann.dm().say("ssh", silently=True)
    assert told(slack) == []


async def test_several_people_talk_with_the_bot(slack: Emulator, ann: Person) -> None:
    group = slack.group_dm(ann, slack.person("Bob"))
    await group.say(ann, "hi both")
    assert last(slack).event["channel_type"] == "mpim"


async def test_shared_file_is_described(slack: Emulator, dm: Seat) -> None:
    await dm.share(b"data", text="look")
    event = last(slack).event
    assert (event["subtype"], event["text"]) == ("file_share", "look")
    assert isinstance(event["files"], list)
    assert event["files"][0]["size"] == 4


async def test_shared_channel_has_people_and_apps_of_two_workspaces(slack: Emulator) -> None:
    other = slack.workspace("Other")
    slack.installs.grant(slack.install(other))
    zoe = slack.person("Zoe", other)
    shared = slack.channel("shared", zoe, shared_with=[other])
    await zoe.at(shared).share(b"secret")
    here, there = slack.deliveries.all
    assert here.event["user_team"] == other.id
    assert here.event["files"] == [
        {
            "id": next(iter(slack.files.all)),
            "mode": "file_access",
            "file_access": "check_file_info",
        }
    ]
    assert [here.payload["team_id"], there.payload["team_id"]] == [slack.team.id, other.id]
    assert here.payload["is_ext_shared_channel"] is True
    assert here.event_id != there.event_id


async def test_person_of_another_organisation_may_write_and_press(
    slack: Emulator, api: Raw
) -> None:
    zoe = slack.person("Zoe", slack.workspace("Other"))
    with pytest.raises(LookupError, match="Other"):
        zoe.dm()
    dm = zoe.dm(slack.installed(slack.team))
    await dm.say("hi")
    assert (last(slack).event["user_team"], dm.channel.is_shared) == (zoe.team.id, True)
    assert last(slack).payload["team_id"] == slack.team.id
    label = {"type": "plain_text", "text": "Yes"}
    button = {"type": "button", "action_id": "a", "text": label}
    block = {"type": "actions", "elements": [button]}
    await api.ok("chat.postMessage", channel=dm.id, text="?", blocks=[block])
    payload = await dm.answers[0].press("Yes", zoe)
    user, team = payload["user"], payload["team"]
    assert isinstance(user, dict)
    assert isinstance(team, dict)
    assert (user["team_id"], team["id"]) == (zoe.team.id, slack.team.id)


async def test_organisation_has_one_installation_for_its_workspaces(slack: Emulator) -> None:
    acme = slack.enterprise("Acme Corporation")
    teams = [slack.workspace(name, acme) for name in ("North", "South")]
    installation = slack.install(acme)
    slack.installs.grant(installation)
    people = [slack.person("Ann", team) for team in teams]
    for person in people:
        await person.dm().say("hi")
    payloads = [delivery.payload for delivery in slack.deliveries.all]
    assert [payload["team_id"] for payload in payloads] == [team.id for team in teams]
    assert {payload["enterprise_id"] for payload in payloads} == {acme.id}
    authorizations = payloads[0]["authorizations"]
    assert isinstance(authorizations, list)
    assert authorizations[0]["team_id"] is None
    assert authorizations[0]["is_enterprise_install"] is True


async def test_agents_tab_and_assistants_pane_are_told(
    slack: Emulator, dm: Seat, general: Channel
) -> None:
    await dm.open_tab()
    with pytest.raises(LookupError):
        await dm.open_assistant()
    slack.view = "assistant"
    assert last(slack).event["tab"] == "messages"
    pane = await dm.open_assistant(looking_at=general)
    about = last(slack).event["assistant_thread"]
    assert isinstance(about, dict)
    assert (about["thread_ts"], about["context"]["channel_id"]) == (pane.thread, general.id)
    await pane.look_at(slack.channel("random"))
    assert last(slack).event["type"] == "assistant_thread_context_changed"
    await pane.say("hi")
    assert last(slack).event["thread_ts"] == pane.thread


async def test_older_view_has_prompts_in_panes_only(slack: Emulator, api: Raw, dm: Seat) -> None:
    slack.view = "assistant"
    pane = await dm.open_assistant()
    prompts = {"channel_id": dm.id, "prompts": [{"title": "Poem", "message": "Write one"}]}
    method = "assistant.threads.setSuggestedPrompts"
    assert await api.error(method, **prompts) == "invalid_arguments"
    await api.ok(method, thread_ts=pane.thread, **prompts)
    assert (pane.prompts, dm.prompts) == (["Poem"], [])


async def test_prompt_that_is_not_there_cannot_be_picked(dm: Seat) -> None:
    with pytest.raises(LookupError, match="Poem"):
        await dm.pick("Poem")


async def test_response_url_is_good_for_half_an_hour_and_five_uses(
    slack: Emulator, api: Raw, dm: Seat, clock: Clock
) -> None:
    async def respond(url: str) -> tuple[int, str]:
        async with api.http.post(url, json={"text": "x"}) as response:
            return response.status, await response.text()

    used = await dm.command("/coze")
    url = str(used.delivery.payload["response_url"])
    assert [await respond(url) for _ in range(5)] == [(200, "ok")] * 5
    status, body = await respond(url)
    assert (status, "used_url" in body) == (404, True)
    assert len(used.replies) == 5
    url = str((await dm.command("/coze")).delivery.payload["response_url"])
    clock.move(1801)
    status, body = await respond(url)
    assert (status, "expired_url" in body) == (404, True)


async def test_trigger_is_good_for_three_seconds(api: Raw, dm: Seat, clock: Clock) -> None:
    trigger = (await dm.command("/coze")).delivery.payload["trigger_id"]
    clock.move(3.5)
    view = {"type": "modal"}
    assert await api.error("views.open", trigger_id=trigger, view=view) == "expired_trigger_id"


async def test_menu_is_chosen_from(slack: Emulator, api: Raw, dm: Seat, ann: Person) -> None:
    option = {"text": {"type": "plain_text", "text": "Bridges"}, "value": "7"}
    menu = {"type": "static_select", "action_id": "history", "options": [option]}
    block = {"type": "actions", "block_id": "b", "elements": [menu]}
    await api.ok("chat.postMessage", channel=dm.id, text="Which?", blocks=[block])
    (message,) = dm.answers
    assert message.labels == ["Bridges"]
    payload = await message.choose("Bridges", ann)
    assert isinstance(payload["actions"], list)
    (action,) = payload["actions"]
    assert (action["block_id"], action["selected_option"]) == ("b", option)
    container = payload["container"]
    assert isinstance(container, dict)
    assert container["message_ts"] == message.ts
    with pytest.raises(LookupError, match="Tunnels"):
        await message.choose("Tunnels", ann)
    with pytest.raises(LookupError, match="Bridges"):
        await message.press("No", ann)
