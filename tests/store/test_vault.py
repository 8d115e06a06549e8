"""What is sealed in the database, and for whom."""

import asyncio
import base64
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.errors import Unauthorised
from bridge.store import Store, open_store
from bridge.store.seal import Sealer
from bridge.store.vault import StoredVault, renew
from bridge.testing.clock import Clock

SALT = "of this database"
OLD, NEW = "correct horse battery staple", "another passphrase of ours"
TOKEN = "xoxb-a-token-nobody-may-read"


@pytest.fixture
def clock() -> Clock:
    return Clock()


def vault(store: Store, clock: Clock, *, key: str = OLD, account: str = "slack") -> StoredVault:
    return StoredVault(store, Sealer(key, SALT), account, clock.now)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("x.db*")}


async def test_value_comes_back_until_it_is_replaced_or_removed(store: Store, clock: Clock) -> None:
    kept = vault(store, clock)
    assert await kept.get("T1") is None
    await kept.put("T1", TOKEN)
    assert await kept.get("T1") == TOKEN
    await kept.put("T1", "other")
    assert await kept.get("T1") == "other"
    await kept.remove("T1")
    await kept.remove("T1")
    assert await kept.get("T1") is None


async def test_accounts_have_vaults_of_their_own(store: Store, clock: Clock) -> None:
    await vault(store, clock).put("T1", TOKEN)
    other = vault(store, clock, account="support")
    assert await other.get("T1") is None
    assert await other.names("") == []
    await other.remove("T1")
    assert await vault(store, clock).get("T1") == TOKEN


async def test_of_many_who_take_a_value_one_gets_it(store: Store, clock: Clock) -> None:
    kept = vault(store, clock)
    await kept.put("state/1", "x")
    taken = await asyncio.gather(*(kept.take("state/1") for _ in range(8)))
    assert sorted(filter(None, taken)) == ["x"]
    assert await kept.get("state/1") is None


async def test_expired_value_is_as_if_removed(store: Store, clock: Clock) -> None:
    kept = vault(store, clock)
    for name in ("state/1", "state/2"):
        await kept.put(name, "x", expires=clock.now() + timedelta(minutes=10))
    clock.advance(599)
    assert await kept.get("state/1") == "x"
    clock.advance(1)
    assert await kept.get("state/1") is None
    assert await kept.take("state/2") is None
    assert await kept.names("state/") == []


async def test_names_are_found_by_how_they_begin(store: Store, clock: Clock) -> None:
    kept = vault(store, clock)
    for name in ("in/T2", "in/T1", "IN/T3", "state/1", "i%/T4"):
        await kept.put(name, "x")
    assert await kept.names("in/") == ["in/T1", "in/T2"]


async def test_what_nobody_took_goes_when_something_is_put(store: Store, clock: Clock) -> None:
    kept = vault(store, clock)
    await kept.put("state/1", "x", expires=clock.now() + timedelta(seconds=1))
    clock.advance(2)
    await kept.put("state/2", "x")
    clock.set_back(2)  # were it still there, it would be seen now
    assert await kept.names("") == ["state/2"]


async def test_value_in_the_place_of_another_is_refused(store: Store, clock: Clock) -> None:
    sealer = Sealer(OLD, SALT)
    with pytest.raises(Unauthorised, match="slack/T1: what is stored there belongs to slack/T2"):
        sealer.open("slack/T1", sealer.seal("slack/T2", TOKEN))


async def test_nothing_is_readable_with_another_key(store: Store, clock: Clock) -> None:
    await vault(store, clock).put("T1", TOKEN)
    stranger = vault(store, clock, key=NEW)
    with pytest.raises(Unauthorised, match=r"database\.secret_key"):
        await stranger.get("T1")
    with pytest.raises(Unauthorised):
        await StoredVault(store, Sealer(OLD, "of another"), "slack", clock.now).get("T1")
    await stranger.put("T1", "set up again")
    assert await stranger.get("T1") == "set up again"


async def test_old_key_can_go_once_everything_is_sealed_anew(store: Store, clock: Clock) -> None:
    await vault(store, clock).put("T1", TOKEN)
    both = Sealer(f"{NEW}\n{OLD}", SALT)
    assert await StoredVault(store, both, "slack", clock.now).get("T1") == TOKEN
    assert await store.write(renew(both)) == 0
    assert await vault(store, clock, key=NEW).get("T1") == TOKEN
    assert await store.write(renew(Sealer(OLD, SALT))) == 1


def test_key_may_be_32_bytes_in_either_alphabet_of_base64() -> None:
    key = bytes([251, 239, 190] * 10 + [255, 255])  # has both letters the alphabets differ in
    spelt = [base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode().rstrip("=")]
    assert spelt[0][:4] != spelt[1][:4]
    sealed = Sealer(spelt[0], SALT).seal("x", TOKEN)
    assert Sealer(spelt[1], "the salt does not matter then").open("x", sealed) == TOKEN


async def test_database_file_does_not_show_what_is_in_the_vault(
    tmp_path: Path, clock: Clock
) -> None:
    store = await open_store(f"sqlite:///{tmp_path / 'x.db'}")
    await vault(store, clock).put("installation/T1", TOKEN)
    while_open = contents(tmp_path)
    await store.close()
    assert {"x.db", "x.db-wal"} <= set(while_open)
    assert any(b"installation/T1" in content for content in while_open.values())
    for content in (*while_open.values(), *contents(tmp_path).values()):
        assert TOKEN.encode() not in content
        assert TOKEN[5:].encode() not in content
