"""What was understood of a delivery, and who and where that is. Pure."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeAlias

from adapters.slack.afterwards import Pressed
from adapters.slack.place import in_team
from bridge.events import ChatKind, ChatRef, Inbound, User
from bridge.foreign import Json

SLACKBOT = "USLACKBOT"


@dataclass(frozen=True, slots=True)
class Ears:
    """How an account listens.

    outsiders: whether to people of other organisations. words: what is a command after `/coze`,
    asked each time, because an agent that is published anew may have others.
    """

    account: str
    outsiders: bool = False
    words: Callable[[], Collection[str]] = frozenset


@dataclass(frozen=True, slots=True)
class Here:
    """Where something was heard.

    enterprise: the organisation an app was installed for as a whole, else empty.
    own: ids of our workspace and its organisation; who belongs to another is an outsider.
    organisation: to which the workspace belongs, wherever the app was installed; else empty.
    name_of: see `wording.readable`.
    """

    ears: Ears
    team: str
    enterprise: str
    bot_user: str
    own: frozenset[str]
    name_of: Callable[[str], str]
    organisation: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message for the bridge; `event.user` has only an id yet.

    person: their id at Slack. overheard: it was said in a thread, to nobody in particular, so
    it is for us only where we take part. opening: it began a conversation in private.
    stopped: the streams that its writer ended by pressing Stop; None if they did not.
    doubtful: they may be a colleague or an outsider, and who they are has to be asked.
    address: where they alone can be told something, for half an hour; empty if nowhere.
    pressed: what was, below a message of ours. reacted: `event.about` may be anybody's message,
    and its thread is not known yet.
    """

    event: Inbound
    person: str
    overheard: bool = False
    opening: bool = False
    stopped: tuple[str, ...] | None = None
    doubtful: bool = False
    address: str = ""
    pressed: Pressed | None = None
    reacted: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """Somebody looks at an empty conversation. thread: empty in the agent's tab."""

    channel: str
    thread: str


Understood: TypeAlias = Heard | Opened


def user_of(person: str, teams: Collection[str], here: Here) -> User | None:
    """Name somebody; None for an outsider who is not welcome."""
    foreign = next((team for team in teams if team and team not in here.own), "")
    if foreign and not here.ears.outsiders:
        return None
    return User(in_team(foreign or here.team, person))


def is_direct(channel: str, event: Json) -> bool:
    """Tell whether a channel is the direct messages with one person."""
    return event.get("channel_type") == "im" or channel.startswith("D")


def chat_of(here: Here, channel: str, thread: str, *, direct: bool, reply_to: str) -> ChatRef:
    """Name a place. reply_to: the `ts` of the message that is answered there, or empty."""
    open_kind = ChatKind.THREAD if thread else ChatKind.GROUP
    return ChatRef(
        platform="slack",
        account=here.ears.account,
        chat=in_team(here.team, channel),
        thread=thread,
        kind=ChatKind.PRIVATE if direct else open_kind,
        via=here.enterprise,
        reply_to=reply_to,
    )
