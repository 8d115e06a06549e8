"""What both ways of receiving share: a delivery is committed, and only then acknowledged."""

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from adapters.slack.afterwards import Pressed
from adapters.slack.courtesy import Courtesy
from adapters.slack.foreign_files import looked_up
from adapters.slack.heard import Ears, Heard, Here, Opened, Understood
from adapters.slack.missed import as_told, is_late, said_below
from adapters.slack.normalise import understood
from adapters.slack.people import People
from adapters.slack.place import in_team, spot
from adapters.slack.queue import Ticket
from adapters.slack.raw import moment
from adapters.slack.reacted import placed
from adapters.slack.threads import Threads
from adapters.slack.workspaces import Workspace
from bridge.adapter import Sink
from bridge.errors import BridgeError, Unreachable
from bridge.events import ChatKind, ChatRef, Inbound, User
from bridge.foreign import Json, fields, items, text
from bridge.logs import get

log = get(__name__)


class Told(Protocol):
    """What the speaking half wants to know of what was heard."""

    def asked_by(self, chat: ChatRef, ts: str, user: str, language: str) -> None:
        """Whose message `ts` is, and what they speak (BCP 47; empty if nobody knows)."""

    def may_be_told(self, chat: ChatRef, address: str, language: str) -> None:
        """Where somebody who typed a command can be told something that only they see."""

    def was_pressed(self, chat: ChatRef, press: Pressed, language: str) -> None:
        """What somebody pressed below a message of ours; language: theirs, like above."""

    def was_stopped(self, chat: ChatRef, streams: Collection[str]) -> None:
        """That somebody pressed Slack's Stop button, which ended the streams of these messages."""


class Intake:
    """Deliveries in, events out.

    told: the speaking half, which learns who asks and what was stopped.
    """

    def __init__(
        self,
        ears: Ears,
        *,
        threads: Threads,
        people: People,
        courtesy: Courtesy,
        told: Told,
    ) -> None:
        self._ears = ears
        self._threads = threads
        self._people = people
        self._courtesy = courtesy
        self._told = told
        self._sink: Sink | None = None

    @property
    def is_listening(self) -> bool:
        """Whether there is somebody to tell."""
        return self._sink is not None

    @contextmanager
    def telling(self, sink: Sink) -> Iterator[None]:
        """Put what is heard into `sink` until the block ends."""
        self._sink = sink
        try:
            yield
        finally:
            self._sink = None

    async def take(self, body: Json, workspace: Workspace, ticket: Ticket) -> None:
        """Commit what a delivery means. Raises `Transient`: then do not acknowledge it."""
        match self._understood(body, workspace):
            case Heard() as heard:
                await self._hear(heard, workspace, ticket)
                for missed in await self._missed(heard, body, workspace):
                    await self._hear(missed, workspace, ticket)
            case Opened(channel, thread):
                self._courtesy.welcome(workspace, channel, thread)
            case None:
                log.debug("delivery.passed_over", account=self._ears.account, kind=kind(body))

    async def _missed(self, heard: Heard, body: Json, workspace: Workspace) -> list[Heard]:
        """What was said in a thread, and passed over, before we heard that it is ours.

        Also where the thread is ours meanwhile: a process may have died between the two.
        """
        is_news = not (heard.overheard or heard.event.edits or heard.event.about)
        if not is_news or not is_late(heard.event, body):
            return []
        below = await said_below(workspace, spot(heard.event.chat), heard.event.sent_at)
        found = [self._understood(as_told(body, message), workspace) for message in below]
        return [each for each in found if isinstance(each, Heard) and each.overheard]

    def _understood(self, body: Json, workspace: Workspace) -> Understood | None:
        try:
            return understood(body, self._here(body, workspace))
        except Exception:
            # Refused, it would come again, and be no better.
            log.exception("delivery.malformed", account=self._ears.account, kind=kind(body))
            return None

    def _here(self, body: Json, workspace: Workspace) -> Here:
        team = home(body)[0] or workspace.team
        own = {team, workspace.team, workspace.enterprise, workspace.organisation}

        def name_of(person: str) -> str:
            return self._people.name(User(in_team(team, person)))

        return Here(
            ears=self._ears,
            team=team,
            enterprise=workspace.enterprise,
            bot_user=workspace.bot_user,
            own=frozenset(own),  # as `auth.test` tells it, not as a delivery does
            name_of=name_of,
            organisation=workspace.organisation,
        )

    async def _hear(self, heard: Heard, workspace: Workspace, ticket: Ticket) -> None:
        if heard.doubtful and not await self._is_colleague(heard, workspace):
            return
        if heard.reacted:
            found = await placed(heard.event, workspace)
            if found is None:
                return
            heard = replace(heard, event=found)
        event = await looked_up(heard.event, workspace)
        author = await self._people.describe(event.user, heard.person, workspace)
        event = replace(event, user=author)
        await ticket.turn()
        if heard.overheard and not await self._threads.is_ours(event.chat):
            return
        self._tell(heard, event)
        committing = self._commit(event)
        ticket.leave()  # tasks begin, and so queue, in the order in which they were made
        await _all(committing)
        if heard.pressed:
            self._told.was_pressed(event.chat, heard.pressed, event.user.language)
        self._entitle(heard, workspace)

    async def _is_colleague(self, heard: Heard, workspace: Workspace) -> bool:
        found = await self._people.is_colleague(heard.event.user, heard.person, workspace)
        if not found:
            log.info("press.of_outsider", account=self._ears.account, person=heard.person)
        return found

    def _tell(self, heard: Heard, event: Inbound) -> None:
        if event.chat.reply_to and not heard.reacted:
            author, asked = event.user, event.chat.reply_to
            self._told.asked_by(event.chat, asked, author.id, author.language)
        if heard.address:
            self._told.may_be_told(event.chat, heard.address, event.user.language)
        if heard.stopped is not None:
            self._told.was_stopped(event.chat, heard.stopped)

    def _commit(self, event: Inbound) -> list[asyncio.Task[None]]:
        """The message, and that its thread is ours, in one commit where the database can."""
        if self._sink is None:
            raise Unreachable("not receiving")
        jobs = [self._put(self._sink, event)]
        if event.chat.kind is ChatKind.THREAD:
            self._threads.enter(event.chat)  # before the next one asks
            jobs.append(self._threads.store(event.chat))
        return [asyncio.create_task(job, name="commit") for job in jobs]

    async def _put(self, sink: Sink, event: Inbound) -> None:
        await sink(event)

    def _entitle(self, heard: Heard, workspace: Workspace) -> None:
        """A conversation in private is called after the question it began with."""
        place, chat = spot(heard.event.chat), heard.event.chat
        if not heard.opening:
            return
        if chat.thread == chat.reply_to or self._courtesy.is_new_pane(place.channel, place.thread):
            question = heard.event.text
            self._courtesy.entitle(workspace, place.channel, place.thread, question)

    async def close(self) -> None:
        """Leave out what nobody waits for."""
        await self._people.close()
        await self._courtesy.close()


async def _all(tasks: list[asyncio.Task[None]]) -> None:
    """Wait for every one of them. Raises what the first that failed raised, as `Transient`."""
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for error in results:
        if isinstance(error, BridgeError):
            raise error
        if error is not None:
            raise Unreachable(f"not committed ({type(error).__name__})") from error


def home(body: Json) -> tuple[str, str]:
    """The workspace in which something was heard, and its organisation; empty where untold.

    In a shared channel an event's `team_id` may be another organisation's; its authorization
    is ours (https://docs.slack.dev/apis/events-api#authorizations). An app installed for a
    whole organisation is authorised for none of its workspaces in particular.
    """
    ours = fields(next(iter(items(body.get("authorizations"))), None))
    team, user = fields(body.get("team")), fields(body.get("user"))
    teams = (ours.get("team_id"), team.get("id"), body.get("context_team_id"), body.get("team_id"))
    enterprises = (
        ours.get("enterprise_id"),
        fields(body.get("enterprise")).get("id"),
        team.get("enterprise_id"),
        body.get("enterprise_id"),
    )
    return _first(*teams, user.get("team_id")), _first(*enterprises)


def is_revocation(body: Json) -> bool:
    """Tell whether the app was removed, or its bot's token taken back."""
    event = fields(body.get("event"))
    taken = items(fields(event.get("tokens")).get("bot"))
    kind = event.get("type")
    return kind == "app_uninstalled" or (kind == "tokens_revoked" and bool(taken))


def happened(body: Json) -> float | None:
    """When it did, in seconds since 1970 by Slack's clock; None for what Slack does not date."""
    event, action = fields(body.get("event")), fields(next(iter(items(body.get("actions"))), None))
    dated = moment(_first(event.get("event_ts"), event.get("ts"), action.get("action_ts")))
    return dated.timestamp() if dated else None


def kind(body: Json) -> str:
    """What a delivery is, for a log."""
    return _first(fields(body.get("event")).get("type"), body.get("type"), body.get("command"))


def _first(*values: object) -> str:
    return next(filter(None, map(text, values)), "")
