"""Every setting: its name, its default, and what it may be. Times are seconds."""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from bridge.config.values import (
    Count,
    DatabaseUrl,
    Days,
    DaysOfMessages,
    Duration,
    Hosts,
    Id,
    Methods,
    Names,
    OptionalUrl,
    People,
    Port,
    Positive,
    PrivateKey,
    PublicUrl,
    Seconds,
    SecretKey,
    TimeZone,
    Token,
    Url,
    VariableSource,
    Window,
)
from bridge.platform import AdapterSettings


class GroupScope(StrEnum):
    """Whose conversation it is in a group."""

    USER = "user"
    CHAT = "chat"


class Busy(StrEnum):
    """What becomes of a message that arrives while another is being answered."""

    QUEUE = "queue"
    INTERRUPT = "interrupt"
    REJECT = "reject"


class Edited(StrEnum):
    """What becomes of a question whose writer changes it afterwards."""

    IGNORE = "ignore"
    ASK = "ask"


class Reasoning(StrEnum):
    """What becomes of the thoughts of a reasoning model."""

    HIDE = "hide"
    QUOTE = "quote"


class Voice(StrEnum):
    """How a voice message reaches the agent."""

    AUDIO = "audio"
    TRANSCRIBE = "transcribe"
    OFF = "off"


class LogLevel(StrEnum):
    """The least important event that is still logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a log line looks; `auto` is console on a terminal and JSON elsewhere."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class Section(BaseModel):
    """One table of the configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def conflicts(self) -> Iterator[tuple[str, str]]:
        """Tell which keys do not fit together: pairs of a key and what to do about it."""
        yield from ()


class OAuthSettings(Section):
    """`[coze.oauth]`: a service identity instead of a personal token.

    per_user: one Coze token for each user, so that conversations are apart at Coze as well.
    """

    client_id: Id = ""
    public_key_id: str = ""
    private_key: PrivateKey = SecretStr("")
    per_user: bool = False


class CozeSettings(Section):
    """`[coze]`: where the agents live and how long to wait for them.

    token: empty where `oauth` is used.
    idle_timeout: the longest silence inside one answer.
    turn_timeout: the longest answer.
    """

    base_url: Url = "https://api.coze.cn"
    token: Token = SecretStr("")
    oauth: OAuthSettings | None = None
    connect_timeout: Seconds = 10
    idle_timeout: Seconds = 120
    turn_timeout: Seconds = 900
    max_concurrent_turns: Positive = 1000

    def conflicts(self) -> Iterator[tuple[str, str]]:
        has_token = bool(self.token.get_secret_value())
        if self.oauth is None:
            if not has_token:
                yield "token", "missing; create one at Coze, or give token_file or [coze.oauth]"
            return
        if has_token:
            yield "token", "given together with [coze.oauth]; keep one"
        for name in ("client_id", "public_key_id", "private_key"):
            value = getattr(self.oauth, name)
            if not (value.get_secret_value() if isinstance(value, SecretStr) else value):
                yield f"oauth.{name}", "missing"


class AgentSettings(Section):
    """`[agents.<name>]`: one agent or chatflow published at Coze.

    connector_id: the channel the agent is published to; 1024 is the API.
    variables: Coze's user variable = where its value comes from.
    variables_wait: how long a question may wait until Coze knows them; 0 for no longer than is
        hardly noticed.
    custom_variables, parameters: of each question, from the same sources.
    reply_voice_id: set it and a voice message is answered with speech as well.
    messages_per_minute, tokens_per_day: of each person at this agent, in place of `[access]`'s;
        None for those, 0 for no limit. tokens_per_day_total: of everybody at this agent.
    """

    bot_id: Id = ""
    workflow_id: Id = ""
    app_id: Id = ""
    reasoning: Reasoning = Reasoning.HIDE
    suggestions: bool = True
    feedback: bool = True
    voice: Voice = Voice.AUDIO
    reply_voice_id: Id = ""
    connector_id: Id = "1024"
    variables: Mapping[str, VariableSource] = {}
    variables_wait: Window = 0
    custom_variables: Mapping[str, VariableSource] = {}
    parameters: Mapping[str, VariableSource] = {}
    messages_per_minute: Count | None = None
    tokens_per_day: Count | None = None
    tokens_per_day_total: Count = 0

    def conflicts(self) -> Iterator[tuple[str, str]]:
        if self.bot_id and self.workflow_id:
            yield "workflow_id", "given together with bot_id; keep one"
        elif self.workflow_id and not self.app_id:
            yield "app_id", "missing; a chatflow needs the app it belongs to"
        elif self.app_id and not self.workflow_id:
            yield "workflow_id", "missing; app_id says where a chatflow lives"
        elif not self.bot_id and not self.workflow_id:
            yield "bot_id", "missing; it stands in the address of the agent's page at Coze"
        if self.workflow_id and self.custom_variables:
            yield "custom_variables", "a chatflow has none; give it parameters instead"


class ToolSettings(Section):
    """`[tools.<name>]`: a function that agents may call, under the name it has at Coze.

    use: "module:function", or the name of a built-in tool or of an installed package's; the
        table's own name where it is left out.
    timeout: of one run.
    repeatable: it may run twice for one call, if it was interrupted; None for what it says.
    agents: which may call it; empty for all.
    """

    use: str = ""
    enabled: bool = True
    timeout: Seconds = 20
    repeatable: bool | None = None
    agents: Names = ()


class WebRequestSettings(ToolSettings):
    """`[tools.http_request]`: where agents may send HTTP requests. Nowhere without `hosts`.

    max_bytes: of an answer; the rest is cut off.
    """

    hosts: Hosts = ()
    methods: Methods = ("GET",)
    max_bytes: Positive = 50_000

    def conflicts(self) -> Iterator[tuple[str, str]]:
        if self.enabled and not self.hosts:
            yield "hosts", 'missing; name those that agents may ask, such as ["api.example.com"]'


class SessionSettings(Section):
    """`[sessions]`: how messages belong together.

    merge_window: parts of a long paste that arrive within it become one turn; 0 for never.
    edited: what becomes of the newest question when its words are changed, as long after it was
        sent as `edit_window`.
    idle_reset: a new conversation begins after this silence; None for never.
    """

    group_scope: GroupScope = GroupScope.USER
    busy: Busy = Busy.QUEUE
    merge_window: Window = 0.3
    edited: Edited = Edited.IGNORE
    edit_window: Seconds = 300
    idle_reset: Duration = None


class AccessSettings(Section):
    """`[access]`: who may talk to the agents, and how much.

    allow: empty means everyone, unless `pairing` is on.
    pairing: whom nobody knows gets a code, which an admin approves.
    messages_per_minute, tokens_per_day: of each person, at all agents that say nothing else.
    tokens_per_day_total: of everybody together. 0 is no limit.
    timezone: where a day begins at midnight, an IANA name.
    """

    allow: People = ()
    deny: People = ()
    admins: People = ()
    pairing: bool = False
    messages_per_minute: Count = 0
    tokens_per_day: Count = 0
    tokens_per_day_total: Count = 0
    timezone: TimeZone = "UTC"


class DatabaseSettings(Section):
    """`[database]`: where everything is kept. The URL may hold a password: never log it.

    secret_key: seals what others entrust to the bridge; a key on each line, the newest first.
    """

    url: DatabaseUrl = Field("sqlite:///coze-bridge.db", repr=False)
    secret_key: SecretKey = SecretStr("")


class RetentionSettings(Section):
    """`[retention]`: days after which what is stored is removed; 0 keeps it for ever.

    messages: with the answers to them, counted from when the last of it was over.
    usage: what each answer cost.
    conversations: not used for so long; Coze keeps what was said in one for 180 days.
    transcripts: messages of pages that have no memory but ours.
    people: not here for so long: their names, and what the agent was told of them.
    """

    messages: DaysOfMessages = 30
    usage: Days = 400
    conversations: Days = 200
    transcripts: Days = 0
    people: Days = 0


class ServerSettings(Section):
    """`[server]`: the built-in HTTP server.

    public_url: how it is reached from outside; empty if it is not.
    grace: how long running answers may still take when the process is asked to stop.
    """

    host: str = "127.0.0.1"
    port: Port = 8080
    public_url: PublicUrl = ""
    admin_token: Token = SecretStr("")
    grace: Seconds = 20


class FilesSettings(Section):
    """`[files]`: pictures and files to which an answer links, fetched and sent as such.

    max_download: the largest of them, in megabytes. timeout: for the whole of one.
    per_answer: how many of them; 0 for none.
    allow_private: from addresses that only this machine or its network can reach, too.
    """

    max_download: Positive = 20
    timeout: Seconds = 20
    per_answer: Count = 4
    allow_private: bool = False


class LogSettings(Section):
    """`[log]`: what is written to stderr."""

    level: LogLevel = LogLevel.INFO
    format: LogFormat = LogFormat.AUTO


class TracingSettings(Section):
    """`[tracing]`: where OpenTelemetry traces go.

    endpoint: of an OTLP collector (HTTP); empty for what the standard variables say.
    """

    endpoint: OptionalUrl = ""


class Settings(Section):
    """The whole configuration. Agents and adapters go by the names of their tables."""

    coze: CozeSettings
    agents: Mapping[str, AgentSettings]
    adapters: Mapping[str, AdapterSettings]
    tools: Mapping[str, ToolSettings] = {}
    sessions: SessionSettings = SessionSettings()
    access: AccessSettings = AccessSettings()
    database: DatabaseSettings = DatabaseSettings()
    retention: RetentionSettings = RetentionSettings()
    files: FilesSettings = FilesSettings()
    server: ServerSettings = ServerSettings()
    log: LogSettings = LogSettings()
    tracing: TracingSettings = TracingSettings()
