"""What agents know of their users, read, set and told by an operator."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from bridge.config import Settings
from bridge.emulator import DEMO_BOT_ID
from bridge.errors import Misconfigured, Permanent
from bridge.events import ChatRef, Inbound, User
from bridge.lanes import lanes_of_chat
from bridge.operator import sheets
from bridge.operator.desk import Desk, open_desk
from bridge.operator.persons import find
from bridge.store import Store, open_store
from bridge.store.inbox import accept
from bridge.store.links import offer, redeem
from bridge.store.operator_log import deeds
from bridge.store.sessions import Known, remember_user
from bridge.store.variables import Refusal, known, refusals, refuse, wish
from bridge.variables import FORGOTTEN
from tests.operator.installation import Installation

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
UID, OTHER = "a" * 32, "b" * 32
ANNA = User("12345", name="Anna Karenina", language="en")
SOURCES = {"user_name": "user.name", "plan": "constant:free", "mood": "user-set"}


@dataclass
class Office:
    """A desk, and the database and the Coze it works with."""

    its: Installation
    settings: Settings
    store: Store
    desk: Desk

    async def wrote(
        self, user: User, uid: str, platform: str = "telegram", account: str = "telegram"
    ) -> None:
        """Somebody has written to the bridge."""
        chat = ChatRef(platform, account, user.id)
        event = Inbound(f"{account}-{user.id}", chat, user, "my secret", NOW)
        lane = lanes_of_chat(platform, account, user.id)
        await self.store.write(accept(event, lane, NOW))
        await self.store.write(remember_user(Known(chat, user, uid), NOW))

    async def at_coze(self, uid: str = UID) -> dict[str, str]:
        found = await self.desk.agents["default"].variables(uid)
        return {each.keyword: each.value for each in found}

    def puts(self) -> list[dict[str, str]]:
        return [values for _, values in self.its.coze.variables.puts]


@pytest.fixture
async def office(its: Installation) -> AsyncIterator[Office]:
    its.on_telegram()
    its.on_page()
    its.variables(**SOURCES)
    async with opened(its) as office:
        yield office


@asynccontextmanager
async def opened(its: Installation) -> AsyncIterator[Office]:
    settings = its.settings()
    async with contextlib.AsyncExitStack() as stack:
        store = await open_store(settings.database.url)
        stack.push_async_callback(store.close)
        desk = await stack.enter_async_context(open_desk(settings, store, lambda: NOW))
        yield Office(its, settings, store, desk)


# Who is meant


async def test_a_person_is_found_by_platform_and_by_uid(office: Office) -> None:
    await office.wrote(ANNA, UID)
    for who in ("telegram:12345", UID):
        [found] = await find(office.store, office.settings, who, "")
        assert (found.uid, found.agent) == (UID, "default")
        assert found.called == "Anna Karenina (telegram:12345)"


async def test_somebody_who_is_joined_with_others_is_one_person(office: Office) -> None:
    await office.wrote(ANNA, UID)
    await office.wrote(User("v1", name="Anna"), OTHER, "web", "web")
    await office.store.write(offer("CODE", UID, NOW))
    await office.store.write(redeem("CODE", OTHER, NOW))
    [found] = await find(office.store, office.settings, "web:v1", "")
    assert found.uid == UID
    assert {each.address for each in found.known} == {"telegram:12345", "web:v1"}


@pytest.mark.parametrize("who", ["anna", "telegram:", ":12345", "A" * 32])
async def test_what_names_nobody_by_its_form_is_a_usage_error(office: Office, who: str) -> None:
    with pytest.raises(Misconfigured, match="must look like"):
        await find(office.store, office.settings, who, "")


async def test_somebody_who_never_wrote_is_not_known(office: Office) -> None:
    with pytest.raises(Permanent, match="telegram:9: never wrote"):
        await find(office.store, office.settings, "telegram:9", "")


async def test_an_agent_must_be_configured(office: Office) -> None:
    with pytest.raises(Misconfigured, match="--agent: must be one of default"):
        await find(office.store, office.settings, UID, "other")
    with pytest.raises(Misconfigured, match="--agent: must be one of default"):
        await office.desk.sync("", "other", again=False)


async def test_where_several_agents_may_be_meant_one_is_to_be_named(its: Installation) -> None:
    its.tables["agents.second"] = {"bot_id": DEMO_BOT_ID}
    async with opened(its) as office:
        with pytest.raises(Misconfigured, match="--agent: say which one: default, second"):
            await office.desk.put(UID, "", "plan", "gold")
        await office.desk.put(UID, "second", "plan", "gold")
        listed = await office.desk.get(UID, "")
        assert [each.person.agent for each in listed] == ["default", "second"]


# get


async def test_what_coze_has_stands_beside_what_is_noted(office: Office) -> None:
    await office.wrote(ANNA, UID)
    await office.store.write(wish(UID, "default", {"mood": "fine"}))
    refusal = Refusal("not enabled", "then", NOW)
    await office.store.write(refuse("default", "user_name", refusal))
    [listed] = await office.desk.get("telegram:12345", "")
    rows = {row.keyword: row for row in listed.rows}
    assert rows["plan"].value == "free"
    assert rows["plan"].source == "constant:free"
    assert rows["user_name"].refused == "not enabled"
    [told] = sheets.get_data([listed])
    assert told["uid"] == UID
    lines = list(sheets.get_lines([listed]))
    assert lines[0] == "Anna Karenina (telegram:12345), agent default"
    assert "       refused: not enabled" in lines
    assert max(map(len, lines)) <= 80


# set


async def test_a_value_is_set_and_read_back(office: Office) -> None:
    await office.wrote(ANNA, UID)
    person = await office.desk.put("telegram:12345", "", "plan", "gold")
    assert person.uid == UID
    assert (await office.at_coze())["plan"] == "gold"
    noted = (await office.store.read(known(UID, "default")))["plan"]
    assert (noted.remote, noted.synced) == ("gold", None)  # a fact may still replace it
    [(_, deed)] = await office.store.read(deeds(9))
    detail = f"plan of {UID} at default"
    assert (deed.who, deed.what, deed.detail) == ("command line", "set variable", detail)


async def test_what_users_set_themselves_stays_set(office: Office) -> None:
    await office.desk.put(UID, "", "mood", "calm")
    noted = (await office.store.read(known(UID, "default")))["mood"]
    assert (noted.wanted, noted.synced) == ("calm", "calm")


@pytest.mark.parametrize(
    ("keyword", "why"),
    [
        ("nowhere", "the agent has no such variable"),
        ("retired", "switched off in the agent"),
        ("sys_uuid", "Coze's own"),
    ],
)
async def test_what_coze_refuses_is_explained(office: Office, keyword: str, why: str) -> None:
    with pytest.raises(Permanent, match=f"agents.default.variables.{keyword}: .*{why}"):
        await office.desk.put(UID, "", keyword, "x")


async def test_an_unpublished_agent_is_named_as_the_reason(office: Office) -> None:
    office.its.coze.bots.get(DEMO_BOT_ID).channels.clear()
    with pytest.raises(Permanent, match=r"not published to the API channel.*publish it"):
        await office.desk.put(UID, "", "plan", "gold")


# sync


async def test_everybody_is_told_what_is_news(office: Office) -> None:
    await office.wrote(ANNA, UID)
    await office.wrote(User("9", name="李雷"), OTHER)
    done = await office.desk.sync("", "", again=False)
    assert done.is_well
    assert (await office.at_coze())["user_name"] == "Anna Karenina"
    assert (await office.at_coze(OTHER))["user_name"] == "李雷"
    assert {each.person.uid for each in done.people} == {UID, OTHER}
    again = await office.desk.sync("", "", again=False)
    assert again.people == []
    assert len(office.puts()) == 2
    assert list(sheets.sync_lines(again))[-1] == "Nobody had news."


async def test_with_again_all_of_it_is_told_once_more(office: Office) -> None:
    await office.wrote(ANNA, UID)
    await office.desk.sync(UID, "", again=False)
    done = await office.desk.sync(UID, "", again=True)
    [told] = done.people
    assert told.told == {"user_name": "Anna Karenina", "plan": "free"}
    assert len(office.puts()) == 2


async def test_what_users_wished_while_coze_was_away_is_told(office: Office) -> None:
    await office.wrote(ANNA, UID)
    await office.store.write(wish(UID, "default", {"mood": "fine"}))
    await office.desk.sync("telegram:12345", "", again=False)
    assert (await office.at_coze())["mood"] == "fine"


async def test_refused_names_are_listed_and_the_others_told(its: Installation) -> None:
    its.on_telegram()
    its.variables(user_name="user.name", retired="constant:x", nowhere="constant:x")
    async with opened(its) as office:
        await office.wrote(ANNA, UID)
        done = await office.desk.sync("", "", again=False)
        assert not done.is_well
        wrong = [each.text for each in done.findings if each.verdict == "wrong"]
        assert len(wrong) == 2
        assert "variables.retired: switched off" in wrong[0]
        assert "variables.nowhere: the agent has no such variable" in wrong[1]
        assert (await office.at_coze())["user_name"] == "Anna Karenina"
        assert set(await office.store.read(refusals("default"))) == {"retired", "nowhere"}


async def test_a_refusal_stays_until_it_is_tried_again(office: Office) -> None:
    await office.wrote(ANNA, UID)
    await office.store.write(refuse("default", "plan", Refusal(FORGOTTEN, "then", NOW)))
    done = await office.desk.sync("", "", again=True)
    assert done.is_well
    await office.store.write(refuse("default", "plan", await untold(office)))
    done = await office.desk.sync("", "", again=False)
    [line] = [each.text for each in done.findings if each.verdict == "wrong"]
    assert line.startswith("agents.default.variables.plan: Coze refused it on 2026-01-0")
    assert FORGOTTEN in line
    assert "vars sync --again" in line
    assert len(office.puts()) == 1
    done = await office.desk.sync("", "", again=True)
    assert done.is_well
    assert await office.store.read(refusals("default")) == {}
    assert len(office.puts()) == 2


async def untold(office: Office) -> Refusal:
    """A refusal under the circumstances of today, so that it is still worth nothing to try."""
    circumstances = await office.desk.variables.refusals.circumstances("default")
    return Refusal(FORGOTTEN, circumstances, NOW)


async def test_an_unpublished_agent_gets_one_line_and_no_call_for_anybody(office: Office) -> None:
    await office.wrote(ANNA, UID)
    office.its.coze.bots.get(DEMO_BOT_ID).channels.clear()
    done = await office.desk.sync("", "", again=False)
    assert not done.is_well
    [line] = done.findings
    assert "not published to the API channel" in line.text
    assert office.puts() == []
    assert await office.store.read(refusals("default")) == {}
    assert list(sheets.sync_lines(done))[-1] == "Nobody was told anything."


async def test_nothing_of_what_people_wrote_is_told(office: Office) -> None:
    await office.wrote(ANNA, UID)
    done = await office.desk.sync("", "", again=False)
    listed = await office.desk.get(UID, "")
    told = repr((sheets.sync_data(done), sheets.get_data(listed)))
    assert "secret" not in told
