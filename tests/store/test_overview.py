"""What an operator sees, and what becomes of turns that are taken up again."""

from datetime import timedelta

import pytest

from bridge.events import ChatRef, Inbound, Page, User
from bridge.lanes import lanes_of_chat
from bridge.store import Store
from bridge.store.again import drop, requeue
from bridge.store.inbox import accept
from bridge.store.ledger import Ledger
from bridge.store.links import offer, redeem
from bridge.store.outbox import Pages
from bridge.store.overview import (
    Which,
    held,
    newest_of,
    states_of,
    talk,
    talks,
    turns_of,
    unanswered,
)
from bridge.store.people import costs, everybody, identities_at, identities_of, spent
from bridge.store.sessions import Known, Session, begin_conversation, remember_user
from bridge.store.turns import TurnState
from bridge.upstream import Trace, Usage
from tests.store.moment import NOW

ANNA, LI = User("u1", name="Anna"), User("u2", name="李雷", username="li")


def place(chat: str, platform: str = "fake") -> ChatRef:
    return ChatRef(platform, platform, chat)


def lane(chat: str, platform: str = "fake") -> str:
    return lanes_of_chat(platform, platform, chat)


class Archive:
    """Puts conversations and turns into a database."""

    def __init__(self, store: Store, ledger: Ledger) -> None:
        self.store = store
        self.ledger = ledger
        self._events = 0

    async def says(self, text: str, chat: str, user: User, platform: str = "fake") -> int:
        self._events += 1
        event = Inbound(f"e{self._events}", place(chat, platform), user, text, NOW)
        accepted = await self.store.write(accept(event, lane(chat, platform), NOW))
        assert accepted is not None
        return accepted.id

    async def talks(
        self, chat: str, user: User, minute: int, platform: str = "fake", agent: str = "default"
    ) -> None:
        await self.says("my secret", chat, user, platform)
        session = Session(lane(chat, platform), agent, f"uid-{user.id}")
        at = NOW + timedelta(minutes=minute)
        begun = begin_conversation(session, f"c-{chat}", "my secret", at)
        await self.store.write(begun)

    async def dies(self, number: int, chat: str, error: str | None = "no such agent") -> None:
        """Take the oldest open turn of a chat to its end, with an apology."""
        _, waiting = await self.ledger.take_over(lane(chat))
        turn = await self.ledger.take(waiting[0], [])
        assert turn.id == number
        turn = await self.ledger.asked(turn, Trace("c1", "chat1"))
        session = Session(lane(chat), "default", "uid")
        page = Page("Sorry.", final=True)
        turn = await self.ledger.answered(turn, session, [page], text="", error=error)
        await Pages(self.store).posted(turn, 0, "m1")
        await self.ledger.ended(turn, TurnState.DEAD)


@pytest.fixture
def archive(store: Store, ledger: Ledger) -> Archive:
    return Archive(store, ledger)


# Talks


async def test_the_talk_used_last_comes_first(store: Store, archive: Archive) -> None:
    await archive.talks("a", ANNA, 1)
    await archive.talks("b", LI, 2)
    found = await store.read(talks(Which()))
    assert [it.lane for it in found] == [lane("b"), lane("a")]
    assert [it.said.user if it.said else None for it in found] == [LI, ANNA]
    assert [it.open_turns for it in found] == [1, 1]


@pytest.mark.parametrize(
    ("which", "chats"),
    [
        (Which(platform="fake"), ["b", "a"]),
        (Which(platform="fak"), []),
        (Which(platform="Fake"), []),
        (Which(agent="other"), ["x"]),
        (Which(search="anna"), ["a"]),
        (Which(search="李"), ["x", "b"]),
        (Which(search="c-x"), ["x"]),
        (Which(search="secret"), []),  # what people wrote is not searched
        (Which(limit=1), ["x"]),
        (Which(search="u2", limit=1), ["x"]),
    ],
    ids=repr,
)
async def test_talks_are_chosen(
    store: Store, archive: Archive, which: Which, chats: list[str]
) -> None:
    await archive.talks("a", ANNA, 1)
    await archive.talks("b", LI, 2)
    await archive.talks("x", LI, 3, platform="faked", agent="other")
    found = await store.read(talks(which))
    assert [it.lane.split("/")[2] for it in found] == chats


async def test_many_talks_are_searched_to_the_end(store: Store, archive: Archive) -> None:
    for number in range(1_050):
        session = Session(lane(f"r{number}"), "default", "uid")
        await store.write(begin_conversation(session, f"c{number}", "", NOW))
    found = await store.read(talks(Which(search="r1049/", limit=5)))
    assert [it.conversation_id for it in found] == ["c1049"]


async def test_a_lane_is_found_with_and_without_its_last_slash(
    store: Store, archive: Archive
) -> None:
    await archive.talks("a", ANNA, 1)
    for name in (lane("a"), lane("a").rstrip("/")):
        found = await store.read(talk(name))
        assert found is not None
        assert (found.lane, found.platform, found.account) == (lane("a"), "fake", "fake")
    assert await store.read(talk("a")) is None


async def test_conversations_and_turns_of_a_lane(store: Store, archive: Archive) -> None:
    await archive.talks("a", ANNA, 1)
    second = await archive.says("and", "a", ANNA)
    assert [it.title for it in await store.read(held(lane("a"), 5))] == ["my secret"]
    found = await store.read(turns_of(lane("a"), 5))
    assert [it.question for it in found] == ["and", "my secret"]
    assert found[0].reference == f"{second:05d}"
    assert len(await store.read(turns_of(lane("a"), 1))) == 1


# People


async def test_joined_identities_have_one_uid(store: Store) -> None:
    elsewhere = ChatRef("other", "other", "b")
    await store.write(remember_user(Known(place("a"), ANNA, "own-1"), NOW))
    await store.write(remember_user(Known(elsewhere, LI, "own-2"), NOW))
    await store.write(offer("CODE", "own-1", NOW))
    await store.write(redeem("CODE", "own-2", NOW))
    [li] = await store.read(identities_at("other", "u2"))
    assert (li.own_uid, li.uid, li.address) == ("own-2", "own-1", "other:u2")
    assert {it.name for it in await store.read(identities_of(["own-1"]))} == {"Anna", "李雷"}
    assert [it.name for it in await store.read(everybody(["fake"]))] == ["Anna"]
    assert await store.read(identities_of([])) == []


async def test_the_newest_message_of_each_person(store: Store, archive: Archive) -> None:
    for number in range(3):
        await archive.says(f"anna {number}", "a", ANNA)
    await archive.says("li", "a", LI)
    wanted = {("fake", "fake", "u1"), ("fake", "fake", "u3")}
    found = await store.read(newest_of(wanted))
    assert {key: said.text for key, said in found.items()} == {("fake", "fake", "u1"): "anna 2"}


async def test_costs_are_added_up(store: Store, archive: Archive, ledger: Ledger) -> None:
    for uid, tokens in (("a", 1), ("b", 5), ("a", 2)):
        await archive.says("?", "room", ANNA)
        _, waiting = await ledger.take_over(lane("room"))
        turn = await ledger.take(waiting[0], [])
        session = Session(lane("room"), "default", uid)
        turn = await ledger.answered(turn, session, [], text="", spent=Usage(tokens, 10 * tokens))
        await ledger.ended(turn, TurnState.DELIVERED)
    by_user = await store.read(spent("user", NOW))
    assert [(it.of, it.answers, it.input_tokens, it.output_tokens) for it in by_user] == [
        ("b", 1, 5, 50),
        ("a", 2, 3, 30),
    ]
    [by_agent] = await store.read(spent("agent", NOW))
    assert (by_agent.of, by_agent.answers, by_agent.input_tokens) == ("default", 3, 8)
    assert await store.read(spent("user", NOW + timedelta(seconds=1))) == []
    assert [it.input_tokens for it in await store.read(costs(NOW))] == [1, 5, 2]


# Dead


async def test_the_dead_are_listed_with_their_reason(store: Store, archive: Archive) -> None:
    first = await archive.says("one", "a", ANNA)
    await archive.dies(first, "a")
    await archive.says("two", "a", ANNA)
    [found] = await store.read(unanswered())
    assert (found.id, found.state, found.error) == (first, "dead", "no such agent")
    assert found.question == "one"


async def test_the_reason_may_be_that_a_page_could_not_be_shown(
    store: Store, archive: Archive, ledger: Ledger
) -> None:
    number = await archive.says("one", "a", ANNA)
    _, [turn] = await ledger.take_over(lane("a"))
    session = Session(lane("a"), "default", "uid")
    turn = await ledger.answered(turn, session, [Page("x", final=True)], text="x")
    await Pages(store).dead(turn, 0, "the chat is gone")
    await ledger.ended(turn, TurnState.FAILED)
    [found] = await store.read(unanswered())
    assert (found.id, found.error) == (number, "the chat is gone")


async def test_a_requeued_turn_is_as_it_was_when_it_came(
    store: Store, archive: Archive, ledger: Ledger
) -> None:
    number = await archive.says("one", "a", ANNA)
    [fresh] = await ledger.waiting(lane("a"), 0)
    await archive.dies(number, "a")
    assert await ledger.open_lanes() == []
    assert await store.write(requeue([number])) == [number]
    assert await ledger.open_lanes() == [lane("a")]
    [again] = await ledger.waiting(lane("a"), 0)
    assert again == fresh
    assert again.is_untouched
    assert await Pages(store).of(again) == []
    assert await store.read(unanswered()) == []


async def test_only_what_ended_unanswered_is_requeued_or_dropped(
    store: Store, archive: Archive, ledger: Ledger
) -> None:
    dead = await archive.says("one", "a", ANNA)
    await archive.dies(dead, "a")
    waiting = await archive.says("two", "a", ANNA)
    _, [turn] = await ledger.take_over(lane("a"))
    assert await store.write(requeue([waiting, 999])) == []
    assert await store.write(drop([waiting, 999])) == []
    await ledger.ended(turn, TurnState.DELIVERED)
    assert await store.write(requeue([waiting])) == []
    assert await store.write(drop([dead, waiting])) == [dead]
    assert await store.read(unanswered()) == []
    assert await store.write(requeue([dead])) == []
    assert await store.read(states_of([dead, waiting, 999])) == {
        dead: "dropped",
        waiting: "delivered",
    }


async def test_what_was_merged_comes_back_with_its_head(
    store: Store, archive: Archive, ledger: Ledger
) -> None:
    head = await archive.says("one", "a", ANNA)
    await archive.says("two", "a", ANNA)
    _, waiting = await ledger.take_over(lane("a"))
    turn = await ledger.take(waiting[0], waiting[1:])
    await ledger.ended(turn, TurnState.DEAD)
    [found] = await store.read(unanswered())
    assert found.question == "one\ntwo"
    await store.write(requeue([head]))
    [again] = await ledger.waiting(lane("a"), 0)
    assert again.text == "one\ntwo"
