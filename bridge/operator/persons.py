"""Who is meant by a PERSON on the command line: somebody on a platform, or a connector_uid."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.config import Settings
from bridge.errors import Misconfigured, Permanent
from bridge.store import Store
from bridge.store.people import Identity, identities_at, identities_of

_UID = re.compile(r"[0-9a-f]{32}")  # see `bridge.sessions`


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as one agent knows them. known: all they go by; empty for a bare uid."""

    uid: str
    agent: str
    known: Sequence[Identity] = ()

    @property
    def called(self) -> str:
        """For people."""
        addresses = ", ".join(dict.fromkeys(each.address for each in self.known))
        name = next((each.name for each in self.known if each.name), "")
        return f"{name} ({addresses})" if name else addresses or self.uid


async def find(store: Store, settings: Settings, who: str, agent: str) -> list[Person]:
    """Find a person, once for each agent they may have talked to; with `agent` only for it.

    Raises `Misconfigured` for what names nobody by its form, or an unknown agent; `Permanent`
    where nobody is known by it.
    """
    _require(agent, settings)
    if _UID.fullmatch(who):
        named = await store.read(identities_of({who}))
        return _persons({who: named}, settings, agent)
    platform, colon, user = who.partition(":")
    if not colon or not platform or not user:
        text = 'must look like "telegram:12345", "slack:T123/U456", or be a connector_uid'
        raise Misconfigured([f"{who}: {text}"])
    met = await store.read(identities_at(platform, user))
    if not met:
        text = "never wrote to this bridge; `coze-bridge sessions list --search …` finds people"
        raise Permanent(f"{who}: {text}")
    everything = await store.read(identities_of({each.uid for each in met}))
    by_uid = {each.uid: [it for it in everything if it.uid == each.uid] for each in met}
    return _persons(by_uid, settings, agent)


def everyone(known: Sequence[Identity], settings: Settings, agent: str) -> list[Person]:
    """Group identities into persons, for each agent that is configured for their accounts.

    Raises `Misconfigured` for an unknown agent.
    """
    _require(agent, settings)
    by_uid: dict[str, list[Identity]] = {}
    for each in known:
        by_uid.setdefault(each.uid, []).append(each)
    return [
        Person(uid, name, named)
        for uid, named in by_uid.items()
        for name in _agents(named, settings)
        if agent in ("", name)
    ]


def _require(agent: str, settings: Settings) -> None:
    if agent and agent not in settings.agents:
        raise Misconfigured([f"--agent: must be one of {', '.join(settings.agents)}"])


def _persons(
    by_uid: Mapping[str, Sequence[Identity]], settings: Settings, agent: str
) -> list[Person]:
    return [
        Person(uid, name, named)
        for uid, named in by_uid.items()
        for name in ([agent] if agent else _agents(named, settings) or list(settings.agents))
    ]


def _agents(named: Sequence[Identity], settings: Settings) -> list[str]:
    """The agents of the accounts, as far as those are still configured."""
    accounts = dict.fromkeys(each.account for each in named)
    tables = (settings.adapters[account] for account in accounts if account in settings.adapters)
    return list(dict.fromkeys(table.agent for table in tables))
