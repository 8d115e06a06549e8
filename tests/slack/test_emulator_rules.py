"""What Slack refuses, and in which words."""

import pytest

from tests.platforms.budgets import Clock
from tests.slack.emulator import Channel, Emulator, Person, Ping, Seat
from tests.slack.emulator.clients import Raw, raw

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}


def section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def button(**fields: object) -> dict[str, object]:
    label = {"type": "plain_text", "text": "OK"}
    element = {"type": "button", "action_id": "a", "text": label, **fields}
    return {"type": "actions", "elements": [element]}


GOOD: list[dict[str, object]] = [
    {"text": "x"},
    {"markdown_text": "x" * 12_000},
    {"blocks": [SECTION] * 50},
    {"blocks": [section("x" * 3000)]},
    {"blocks": [{"type": "markdown", "text": "x" * 12_000}]},
    {"text": "x", "blocks": [button()]},
]
BAD: list[tuple[dict[str, object], str]] = [
    ({}, "no_text"),
    ({"text": ""}, "no_text"),
    ({"markdown_text": "x" * 12_001}, "msg_too_long"),
    ({"markdown_text": "x", "text": "x"}, "markdown_text_conflict"),
    ({"markdown_text": "x", "blocks": [SECTION]}, "markdown_text_conflict"),
    ({"blocks": [SECTION] * 51}, "invalid_blocks"),
    ({"blocks": [section("x" * 3001)]}, "invalid_blocks"),
    ({"blocks": [section("")]}, "invalid_blocks"),
    ({"blocks": [{"type": "section"}]}, "invalid_blocks"),
    ({"blocks": [{"type": "poem"}]}, "invalid_blocks"),
    ({"blocks": [{"type": "actions"}]}, "invalid_blocks"),
    ({"blocks": [button(value="x" * 2001)]}, "invalid_blocks"),
    ({"blocks": [button(text={"type": "plain_text", "text": "x" * 76})]}, "invalid_blocks"),
    ({"blocks": ["x"]}, "invalid_blocks_format"),
    ({"blocks": [{"type": "markdown", "text": "x" * 6001}] * 2}, "msg_blocks_too_long"),
    ({"blocks": [section("x" * 2700)] * 5}, "msg_blocks_too_long"),
    ({"text": ["x"]}, "invalid_arguments"),
    ({"text": "x", "thread_ts": "yesterday"}, "invalid_thread_ts"),
]


@pytest.mark.parametrize("said", GOOD)
async def test_content_within_the_limits_is_posted(
    api: Raw, dm: Seat, said: dict[str, object]
) -> None:
    await api.ok("chat.postMessage", channel=dm.id, **said)
    assert len(dm.answers) == 1


@pytest.mark.parametrize(("said", "error"), BAD)
async def test_content_beyond_the_limits_is_refused(
    api: Raw, dm: Seat, said: dict[str, object], error: str
) -> None:
    assert await api.error("chat.postMessage", channel=dm.id, **said) == error
    assert dm.answers == []


async def test_long_text_is_cut_when_posted_and_refused_when_updated(api: Raw, dm: Seat) -> None:
    posted = await api.ok("chat.postMessage", channel=dm.id, text="x" * 40_001)
    assert len(dm.answers[0].text) == 40_000
    place = {"channel": dm.id, "ts": posted["ts"]}
    assert await api.error("chat.update", text="x" * 4001, **place) == "msg_too_long"
    await api.ok("chat.update", text="x" * 4000, **place)


async def test_text_without_blocks_takes_old_blocks_away(api: Raw, dm: Seat) -> None:
    posted = await api.ok("chat.postMessage", channel=dm.id, text="x", blocks=[SECTION])
    await api.ok("chat.update", channel=dm.id, ts=posted["ts"], text="y")
    assert dm.answers[0].blocks == ()


async def test_form_is_read_like_json(api: Raw, dm: Seat) -> None:
    form = {"token": api.token, "channel": dm.id, "text": "x", "blocks": '[{"type":"divider"}]'}
    async with api.http.post("/api/chat.postMessage", data=form) as response:
        assert (await response.json())["ok"] is True
    assert dm.answers[0].blocks == ({"type": "divider"},)


@pytest.mark.parametrize(("token", "error"), [("", "not_authed"), ("xoxb-guessed", "invalid_auth")])
async def test_token_is_needed(slack: Emulator, token: str, error: str) -> None:
    async with raw(slack, token) as api:
        assert await api.error("auth.test") == error


async def test_dead_tokens_say_what_they_died_of(slack: Emulator, api: Raw, dm: Seat) -> None:
    slack.uninstall()
    assert await api.error("auth.test") == "account_inactive"
    await dm.say("Anybody?")
    told = [delivery.event["type"] for delivery in slack.deliveries.all]
    assert told == ["tokens_revoked", "app_uninstalled"]


async def test_revoked_token_says_so(slack: Emulator, api: Raw) -> None:
    assert (await api.ok("auth.revoke", test=True))["revoked"] is False
    await api.ok("auth.revoke")
    assert await api.error("auth.test") == "token_revoked"


async def test_missing_scope_is_named(slack: Emulator) -> None:
    other = slack.workspace("Other")
    installation = slack.install(other, scopes="commands,im:read")
    token = slack.installs.grant(installation)
    dm = slack.person("Zoe", other).dm()
    async with raw(slack, token.value) as api:
        answer = await api.call("chat.postMessage", channel=dm.id, text="x")
        assert answer.body["error"] == "missing_scope"
        assert (answer.body["needed"], answer.body["provided"]) == (
            "chat:write",
            "commands,im:read",
        )


async def test_unknown_method_and_broken_body(api: Raw) -> None:
    assert await api.error("chat.sing") == "unknown_method"
    headers = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/json"}
    async with api.http.post("/api/auth.test", data=b"{", headers=headers) as response:
        assert (await response.json())["error"] == "invalid_json"


async def test_places_refuse(slack: Emulator, api: Raw, ann: Person, general: Channel) -> None:
    async def post(channel: str) -> str:
        return await api.error("chat.postMessage", channel=channel, text="x")

    assert await post("C999") == "channel_not_found"
    assert await post(slack.channel("out", ann, bot=False).id) == "not_in_channel"
    hidden = slack.channel("hidden", ann, private=True, bot=False)
    assert await post(hidden.id) == "channel_not_found"
    elsewhere = slack.channel("elsewhere", team=slack.workspace("Other"))
    assert await post(elsewhere.id) == "channel_not_found"
    general.archived = True
    assert await post(general.id) == "is_archived"
    general.archived, general.locked = False, True
    assert await post(general.id) == "restricted_action"


async def test_id_of_a_person_means_their_direct_messages(api: Raw, ann: Person) -> None:
    posted = await api.ok("chat.postMessage", channel=ann.id, text="x")
    assert posted["channel"] == ann.dm().id


async def test_messages_refuse(api: Raw, dm: Seat, clock: Clock) -> None:
    async def update(ts: object) -> str:
        return await api.error("chat.update", channel=dm.id, ts=ts, text="y")

    assert await update("1.000001") == "message_not_found"
    theirs = await dm.say("mine")
    assert await update(theirs.ts) == "cant_update_message"
    assert await api.error("chat.delete", channel=dm.id, ts=theirs.ts) == "cant_delete_message"
    posted = await api.ok("chat.postMessage", channel=dm.id, text="x")
    dm.channel.edit_window = 60
    clock.move(61)
    assert await update(posted["ts"]) == "edit_window_closed"
    await api.ok("chat.delete", channel=dm.id, ts=posted["ts"])
    assert await update(posted["ts"]) == "message_not_found"


@pytest.mark.parametrize(
    ("said", "whom"),
    [
        ({"text": "Hey <!channel>"}, "!channel"),
        ({"text": "Hey <!here|here>"}, "!here"),
        ({"markdown_text": "Hey <@U0000000003>"}, "@U0000000003"),
        ({"text": "x", "blocks": [section("<!everyone>")]}, "!everyone"),
        ({"text": "<!subteam^S123>"}, "!subteam^S123"),
        (
            {
                "text": "x",
                "blocks": [
                    {
                        "type": "rich_text",
                        "elements": [
                            {
                                "type": "rich_text_section",
                                "elements": [{"type": "broadcast", "range": "channel"}],
                            }
                        ],
                    }
                ],
            },
            "!channel",
        ),
    ],
)
async def test_ping_is_recorded_once(
    slack: Emulator, api: Raw, dm: Seat, said: dict[str, object], whom: str
) -> None:
    posted = await api.ok("chat.postMessage", channel=dm.id, **said)
    (message,) = dm.answers
    assert slack.pings == [Ping(whom, message)]
    await api.ok("chat.update", channel=dm.id, ts=posted["ts"], **said)
    assert len(slack.pings) == 1


async def test_defused_mention_is_no_ping(slack: Emulator, api: Raw, dm: Seat) -> None:
    text = "<\u200b!channel> &lt;@U0000000003&gt; @channel <https://example.org|x>"
    await api.ok("chat.postMessage", channel=dm.id, text=text)
    await dm.say("<!channel>")
    assert slack.pings == []


async def test_agents_methods_check_what_they_get(api: Raw, dm: Seat) -> None:
    place = {"channel_id": dm.id, "thread_ts": "1.000001"}
    many = [str(number) for number in range(11)]
    status = {"status": "thinking", "loading_messages": many}
    assert await api.error("assistant.threads.setStatus", **place, **status) == "invalid_arguments"
    prompts = [{"title": "x", "message": "y"}] * 5
    method = "assistant.threads.setSuggestedPrompts"
    assert await api.error(method, **place, prompts=prompts) == "invalid_arguments"
    assert await api.error("agents.sessions.setStatus", **place, status="odd") == "invalid_status"


async def test_app_deaf_to_the_stop_button_is_warned(slack: Emulator, api: Raw, dm: Seat) -> None:
    slack.events.subscribed.discard("agent_session_stopped")
    told = await api.ok("agents.sessions.setStatus", channel_id=dm.id, status="processing")
    assert told["warning"] == "missing_agent_session_stopped_event_subscription"


async def test_status_goes_by_itself_after_two_minutes(api: Raw, dm: Seat, clock: Clock) -> None:
    place = {"channel_id": dm.id, "thread_ts": "1.000001"}
    await api.ok("assistant.threads.setStatus", **place, status="is thinking…")
    clock.move(119)
    assert dm.channel.status("1.000001") == "is thinking…"
    clock.move(1)
    assert dm.channel.status("1.000001") == ""


async def test_file_is_given_to_whoever_may_read_it(slack: Emulator, api: Raw, dm: Seat) -> None:
    shared = await dm.share(b"data")
    url = str(shared.files[0].shown()["url_private_download"])
    headers = {"Authorization": f"Bearer {api.token}"}
    async with api.http.get(url, headers=headers) as response:
        assert await response.read() == b"data"
        assert response.content_type == "application/pdf"
    async with api.http.get(url) as response:
        assert (response.status, response.content_type) == (200, "text/html")


async def test_upload_has_three_steps_in_order(api: Raw, dm: Seat) -> None:
    started = await api.ok("files.getUploadURLExternal", filename="a.txt", length=3)
    files = [{"id": started["file_id"]}]
    method = "files.completeUploadExternal"
    assert await api.error(method, files=files, channel_id=dm.id) == "file_not_uploaded"
    async with api.http.post(str(started["upload_url"]), data=b"abc") as response:
        assert response.status == 200
    await api.ok(method, files=files, channel_id=dm.id)
    async with api.http.post(str(started["upload_url"]), data=b"abc") as response:
        assert response.status == 400
    assert [file.data for file in dm.answers[0].files] == [b"abc"]
