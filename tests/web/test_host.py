"""What an account is lent: secrets of its own, and a memory."""

from bridge.host import StoreHost
from bridge.testing.clock import Clock
from tests.stages.world import PatientStore


def host(store: PatientStore, clock: Clock, account: str = "web") -> StoreHost:
    return StoreHost(
        store,
        platform="fake",
        account=account,
        public_url="https://bridge.example.org",
        now=clock.now,
    )


async def test_a_secret_is_made_once_and_kept(store: PatientStore, clock: Clock) -> None:
    first = await host(store, clock).secret("webhook")
    assert await host(store, clock).secret("webhook") == first
    assert len(first) >= 32


async def test_accounts_and_names_have_secrets_of_their_own(
    store: PatientStore, clock: Clock
) -> None:
    made = {
        await host(store, clock, account).secret(name)
        for account in ("web", "other")
        for name in ("webhook", "login")
    }
    assert len(made) == 4


async def test_a_transcript_belongs_to_its_account(store: PatientStore, clock: Clock) -> None:
    await host(store, clock).transcript.open_chat("room")
    assert await host(store, clock).transcript.knows("room")
    assert not await host(store, clock, "other").transcript.knows("room")


async def test_an_adapter_knows_where_it_is_reached(store: PatientStore, clock: Clock) -> None:
    assert host(store, clock).public_url == "https://bridge.example.org"
