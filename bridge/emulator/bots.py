"""Agents: a draft that is edited, and published versions that answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from bridge.emulator.ids import Ids
from bridge.emulator.state import refused

API_CHANNEL = "1024"


@dataclass(frozen=True, slots=True)
class Variable:
    """A user variable an agent knows. channel: `custom`, or `system` for sys_*."""

    keyword: str
    default: str = ""
    description: str = ""
    enable: bool = True
    channel: str = "custom"


@dataclass(frozen=True, slots=True)
class Component:
    """A field of a shortcut. type: `text`, `select` or `file`."""

    name: str
    type: str = "text"
    default: str = ""
    options: tuple[str, ...] = ()
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class ShortcutCommand:
    """A command that the agent's author made. command: with its slash."""

    command: str
    name: str
    template: str
    description: str = ""
    components: tuple[Component, ...] = ()


@dataclass(frozen=True, slots=True)
class BotConfig:
    """What can be edited about an agent. `model` is passed through as it was given."""

    name: str
    description: str = ""
    prompt: str = ""
    prompt_mode: str = "standard"
    prefix_prompt: str = ""
    dynamic_prompt: str = ""
    prologue: str = ""
    questions: tuple[str, ...] | None = ()
    datasets: tuple[str, ...] = ()
    auto_call: bool = True
    search_strategy: int = 0
    plugins: tuple[tuple[str, str], ...] = ()
    workflows: tuple[str, ...] = ()
    model: Mapping[str, object] = field(default_factory=dict)
    suggest_mode: str = "enable"
    suggest_prompt: str = ""
    icon_file_id: str = ""
    voice_calls: bool = True
    variables: tuple[Variable, ...] = ()
    shortcuts: tuple[ShortcutCommand, ...] = ()


@dataclass(frozen=True, slots=True)
class Version:
    """One publication. created_at: seconds since 1970."""

    number: str
    config: BotConfig
    created_at: int


@dataclass(slots=True)
class Bot:
    """An agent. Only a published one answers on the API channel."""

    id: str
    workspace_id: str
    draft: BotConfig
    created_at: int
    updated_at: int
    versions: list[Version] = field(default_factory=list)
    channels: set[str] = field(default_factory=set)

    @property
    def published(self) -> bool:
        """Whether it answers on the API channel."""
        return API_CHANNEL in self.channels and bool(self.versions)


class Bots:
    """All agents.

    shows_all: of what can be edited, show also what is in no document of `GET /v1/bots/{id}`.
    """

    def __init__(self, ids: Ids, clock: Callable[[], float]) -> None:
        self.all: dict[str, Bot] = {}
        self.shows_all = True
        self._ids = ids
        self._clock = clock

    def get(self, bot_id: str) -> Bot:
        """Find an agent. Raises `Refused` 4006."""
        if bot_id not in self.all:
            raise refused(4006, f"The bot {bot_id} does not exist")
        return self.all[bot_id]

    def online(self, bot_id: str) -> Version:
        """Return what answers on the API channel. Raises `Refused` 4006, 4015."""
        bot = self.get(bot_id)
        if not bot.published:
            raise refused(
                4015, f"The bot {bot_id} has not been published to the channel Agent As API"
            )
        return bot.versions[-1]

    def create(self, workspace_id: str, config: BotConfig, *, bot_id: str = "") -> Bot:
        """Create a draft."""
        now = int(self._clock())
        bot = Bot(bot_id or self._ids.next(), workspace_id, config, now, now)
        self.all[bot.id] = bot
        return bot

    def update(self, bot: Bot, config: BotConfig) -> None:
        """Change the draft; what is published stays as it is."""
        bot.draft = config
        bot.updated_at = int(self._clock())

    def publish(self, bot: Bot, channels: tuple[str, ...]) -> Version:
        """Make the draft a version. Counts as an edit, the stricter of two readings."""
        now = int(self._clock())
        version = Version(str(1000 + len(bot.versions)), replace(bot.draft), now)
        bot.versions.append(version)
        bot.updated_at = now
        bot.channels.update(channels)
        return version
