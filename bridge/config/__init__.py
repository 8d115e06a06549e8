"""The configuration: a TOML file and the environment become frozen settings, once."""

from bridge.config.load import Platforms, find, load, load_coze, load_outline
from bridge.config.schema import (
    AccessSettings,
    AgentSettings,
    Busy,
    CozeSettings,
    DatabaseSettings,
    GroupScope,
    LogFormat,
    LogLevel,
    LogSettings,
    OAuthSettings,
    Reasoning,
    Section,
    ServerSettings,
    SessionSettings,
    Settings,
    Voice,
)
from bridge.config.values import Duration, is_loopback

__all__ = [
    "AccessSettings",
    "AgentSettings",
    "Busy",
    "CozeSettings",
    "DatabaseSettings",
    "Duration",
    "GroupScope",
    "LogFormat",
    "LogLevel",
    "LogSettings",
    "OAuthSettings",
    "Platforms",
    "Reasoning",
    "Section",
    "ServerSettings",
    "SessionSettings",
    "Settings",
    "Voice",
    "find",
    "is_loopback",
    "load",
    "load_coze",
    "load_outline",
]
