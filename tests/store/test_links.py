"""Who is joined with whom, by one-time codes."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, select

from bridge.events import ChatRef, User
from bridge.store import Store, open_store
from bridge.store.links import (
    CODE_LIFE,
    MOST_WRONG,
    MOST_WRONG_IN_ALL,
    WRONG_WINDOW,
    Parted,
    Redeemed,
    offer,
    part,
    redeem,
    spoil,
)
from bridge.store.sessions import (
    Known,
    Resumed,
    Session,
    StoredSession,
    begin_conversation,
    resume,
)
from bridge.store.tables import link_attempts, link_codes, links, metadata

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CHAT = ChatRef("fake", "fake", "room")


async def person(store: Store, uid: str) -> str:
    """The uid that an identity goes by."""
    return (await store.read(resume("lane", Known(CHAT, User(uid), uid), uid))).uid


async def join(store: Store, uid: str, to: str, now: datetime = NOW) -> Redeemed:
    """Let `to` make a code, and `uid` send it."""
    code = f"{to}'s at {now}"
    assert await store.write(offer(code, to, now))
    return await store.write(redeem(code, uid, now))


async def people(store: Store, *uids: str) -> list[str]:
    return [await person(store, uid) for uid in uids]


async def rows(store: Store, table: object) -> int:
    return len(await store.read(lambda c: c.execute(select(table)).all()))  # type: ignore[call-overload]


async def test_an_identity_goes_by_its_own_uid_until_it_is_joined(store: Store) -> None:
    assert await person(store, "b") == "b"
    assert await join(store, "b", to="a") is Redeemed.JOINED
    assert await people(store, "a", "b", "c") == ["a", "a", "c"]


async def test_person_and_conversation_are_found_together(store: Store) -> None:
    assert await store.read(resume("lane", Known(CHAT, User("b"), "b"), "b")) == Resumed("b", None)
    await join(store, "b", to="a")
    await store.write(begin_conversation(Session("lane", "default", "a"), "c1", "title", NOW))
    assert await store.read(resume("lane", Known(CHAT, User("b"), "b"), "b")) == Resumed(
        "a", StoredSession("default", "c1", NOW), begun_by="a"
    )


async def test_code_works_once(store: Store) -> None:
    await store.write(offer("code", "a", NOW))
    assert await store.write(redeem("code", "b", NOW)) is Redeemed.JOINED
    assert await store.write(redeem("code", "c", NOW)) is Redeemed.USED
    assert await people(store, "b", "c") == ["a", "c"]


async def test_of_many_who_send_a_code_at_once_one_is_joined(store: Store) -> None:
    await store.write(offer("code", "a", NOW))
    senders = [f"b{number}" for number in range(8)]
    sent = await asyncio.gather(*(store.write(redeem("code", uid, NOW)) for uid in senders))
    assert sorted(sent) == sorted([Redeemed.JOINED, *[Redeemed.USED] * 7])
    assert (await people(store, *senders)).count("a") == 1


async def test_sending_a_code_again_after_a_crash_is_joining_once(store: Store) -> None:
    await store.write(offer("code", "a", NOW))
    for _ in range(2):
        assert await store.write(redeem("code", "b", NOW)) is Redeemed.JOINED
    await store.write(part("b", NOW))
    assert await store.write(redeem("code", "b", NOW)) is Redeemed.USED


async def test_code_lives_ten_minutes(store: Store) -> None:
    for code, maker in (("one", "a"), ("two", "b")):
        await store.write(offer(code, maker, NOW))
    late = NOW + CODE_LIFE
    assert timedelta(minutes=10) == CODE_LIFE
    assert await store.write(redeem("one", "x", late - timedelta(seconds=1))) is Redeemed.JOINED
    assert await store.write(redeem("two", "y", late)) is Redeemed.EXPIRED


async def test_new_code_makes_the_one_before_void(store: Store) -> None:
    await store.write(offer("old", "a", NOW))
    await store.write(offer("new", "a", NOW))
    assert await store.write(redeem("old", "b", NOW)) is Redeemed.EXPIRED
    assert await store.write(redeem("new", "b", NOW)) is Redeemed.JOINED


async def test_spoilt_code_and_code_of_somebody_who_left_are_void(store: Store) -> None:
    await store.write(offer("seen by others", "a", NOW))
    await store.write(spoil("seen by others", NOW))
    await store.write(offer("before leaving", "b", NOW))
    await store.write(part("b", NOW))
    for code in ("seen by others", "before leaving"):
        assert await store.write(redeem(code, "c", NOW)) is Redeemed.EXPIRED


async def test_code_that_is_taken_is_not_given_to_another(store: Store) -> None:
    assert await store.write(offer("code", "a", NOW)) is True
    assert not await store.write(offer("code", "b", NOW))
    await store.write(redeem("code", "c", NOW))
    assert await person(store, "c") == "a"


async def test_nobody_is_joined_with_themselves_and_the_code_stays_good(store: Store) -> None:
    await store.write(offer("code", "a", NOW))
    assert await store.write(redeem("code", "a", NOW)) is Redeemed.ONESELF
    assert await store.write(redeem("code", "b", NOW)) is Redeemed.JOINED


async def test_joining_back_or_twice_makes_no_circle(store: Store) -> None:
    await join(store, "b", to="a")
    assert await join(store, "a", to="b") is Redeemed.ALREADY
    assert await join(store, "b", to="a", now=NOW + CODE_LIFE) is Redeemed.ALREADY
    assert await people(store, "a", "b") == ["a", "a"]


async def test_joining_two_with_each_other_at_once_makes_no_circle(store: Store) -> None:
    await store.write(offer("a's", "a", NOW))
    await store.write(offer("b's", "b", NOW))
    both = await asyncio.gather(
        store.write(redeem("a's", "b", NOW)), store.write(redeem("b's", "a", NOW))
    )
    assert sorted(both) == [Redeemed.ALREADY, Redeemed.JOINED]
    assert len(set(await people(store, "a", "b"))) == 1


async def test_whoever_joins_brings_along_all_who_are_the_same_person(store: Store) -> None:
    await join(store, "b", to="a")
    await join(store, "c", to="a", now=NOW + CODE_LIFE)
    await join(store, "b", to="z")  # one that goes by another's uid speaks for all of them
    assert await people(store, "a", "b", "c", "z") == ["z"] * 4
    await join(store, "y", to="c")  # and so does its code
    assert await person(store, "y") == "z"


async def test_leaving_gives_an_identity_its_own_uid_back_and_no_other(store: Store) -> None:
    await join(store, "b", to="a")
    await join(store, "c", to="a", now=NOW + CODE_LIFE)
    assert await store.write(part("b", NOW)) is Parted.LEFT
    assert await people(store, "a", "b", "c") == ["a", "b", "a"]
    assert await store.write(part("b", NOW)) is Parted.ALONE


async def test_if_the_one_leaves_whose_uid_it_is_each_gets_its_own_back(store: Store) -> None:
    await join(store, "b", to="a")
    await join(store, "c", to="a", now=NOW + CODE_LIFE)
    assert await store.write(part("a", NOW)) is Parted.DISSOLVED
    assert await people(store, "a", "b", "c") == ["a", "b", "c"]


async def guess(store: Store, uid: str, now: datetime = NOW) -> Redeemed:
    return await store.write(redeem("not a code", uid, now))


async def test_after_some_wrong_codes_not_even_the_right_one_is_tried(store: Store) -> None:
    await store.write(offer("code", "a", NOW))
    guesses = [await guess(store, "thief") for _ in range(MOST_WRONG)]
    assert guesses == [Redeemed.UNKNOWN] * MOST_WRONG
    assert await store.write(redeem("code", "thief", NOW)) is Redeemed.TOO_OFTEN
    assert await person(store, "thief") == "thief"
    assert await store.write(redeem("code", "b", NOW)) is Redeemed.JOINED


async def test_limit_is_lifted_after_an_hour_and_asking_does_not_put_it_off(store: Store) -> None:
    for _ in range(MOST_WRONG):
        await guess(store, "b")
    soon = NOW + WRONG_WINDOW - timedelta(seconds=1)
    assert await guess(store, "b", soon) is Redeemed.TOO_OFTEN
    again = NOW + WRONG_WINDOW
    assert [await guess(store, "b", again) for _ in range(MOST_WRONG + 1)] == [
        *[Redeemed.UNKNOWN] * MOST_WRONG,
        Redeemed.TOO_OFTEN,
    ]


async def test_guesses_of_many_are_limited_together_exactly_and_at_once(store: Store) -> None:
    thieves = [f"thief {number}" for number in range(MOST_WRONG_IN_ALL + 10)]
    guesses = await asyncio.gather(*(guess(store, thief) for thief in thieves))
    assert guesses.count(Redeemed.UNKNOWN) == MOST_WRONG_IN_ALL
    assert guesses.count(Redeemed.TOO_OFTEN) == 10
    assert await join(store, "b", to="a") is Redeemed.TOO_OFTEN


async def test_used_and_expired_codes_count_as_guesses_and_right_ones_do_not(
    store: Store,
) -> None:
    for code in ("used", "expired"):
        await store.write(offer(code, code, NOW))
    await store.write(redeem("used", "x", NOW))
    await store.write(offer("expired", "expired", NOW))  # is taken, so the one there is void
    for number in range(MOST_WRONG - 2):
        await guess(store, "b")
        assert await join(store, "b", to=f"a{number}") is Redeemed.JOINED
    assert await store.write(redeem("used", "b", NOW)) is Redeemed.USED
    assert await store.write(redeem("expired", "b", NOW)) is Redeemed.EXPIRED
    assert await guess(store, "b") is Redeemed.TOO_OFTEN


async def test_restart_forgets_no_guess(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    for _ in range(MOST_WRONG):
        opened = await open_store(url)
        assert await guess(opened, "thief") is Redeemed.UNKNOWN
        await opened.close()
    opened = await open_store(url)
    assert await guess(opened, "thief") is Redeemed.TOO_OFTEN
    await opened.close()


async def test_what_is_over_does_not_pile_up(store: Store) -> None:
    for number in range(5):
        await join(store, f"b{number}", to=f"a{number}")
    later = NOW + timedelta(hours=2)
    await join(store, "b", to="a", now=later)
    assert await rows(store, link_codes) == 1
    assert await rows(store, link_attempts) == 2  # of "b", and of all


def contents(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("x.db*"))


async def test_code_is_nowhere_in_the_database(tmp_path: Path) -> None:
    opened = await open_store(f"sqlite:///{tmp_path / 'x.db'}")
    await opened.write(offer("BCDFGHJK", "uid-of-anna", NOW))
    await opened.write(redeem("WXZWXZWX", "uid-of-ben", NOW))
    content = contents(tmp_path)
    await opened.close()
    assert b"uid-of-anna" in content
    assert b"uid-of-ben" in content
    assert b"BCDFGHJK" not in content
    assert b"WXZWXZWX" not in content


Step = tuple[str, str, str]
IDENTITIES = "abcde"
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["join", "part"]), st.sampled_from(IDENTITIES), st.sampled_from(IDENTITIES)
    ),
    max_size=30,
)


class Groups:
    """What should be: each identity's person, kept in the plainest way."""

    def __init__(self) -> None:
        self.person = {uid: uid for uid in IDENTITIES}

    def join(self, uid: str, to: str) -> None:
        mine, theirs = self.person[uid], self.person[to]
        for each, person in self.person.items():
            if person == mine:
                self.person[each] = theirs

    def part(self, uid: str) -> None:
        for each, person in self.person.items():
            if uid in (each, person):
                self.person[each] = each


@settings(max_examples=100, deadline=None)
@given(steps=STEPS)
def test_whatever_is_joined_and_parted_every_identity_has_one_person(steps: list[Step]) -> None:
    engine, groups = create_engine("sqlite://"), Groups()
    with engine.begin() as connection:
        metadata.create_all(connection)
        for number, (verb, uid, other) in enumerate(steps):
            if verb == "join":
                offer(f"code {number}", other, NOW)(connection)
                redeem(f"code {number}", uid, NOW)(connection)
                groups.join(uid, other)
            else:
                part(uid, NOW)(connection)
                groups.part(uid)
            found = [
                resume("l", Known(CHAT, User(uid), uid), uid)(connection) for uid in IDENTITIES
            ]
            assert [each.uid for each in found] == list(groups.person.values())
            assert chains(connection) == 0
    engine.dispose()


def chains(connection: Connection) -> int:
    """Rows that lead to one which leads on."""
    further = select(links.c.uid)
    return len(connection.execute(select(links).where(links.c.root.in_(further))).all())
