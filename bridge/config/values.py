"""What a value may look like: annotated types for the schema, each with its own complaint."""

import json
import re
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
VARIABLE_SOURCES = (
    "user.id",
    "user.name",
    "user.first_name",
    "user.username",
    "user.language",
    "user.timezone",
    "user.email",
    "platform",
    "account",
    "chat.id",
    "chat.type",
    "chat.title",
    "message.date",
    "user-set",
)


class KeptPrivate:
    """Marks a secret whose file nobody but its owner, or its group, may read."""


class MayBeAFile:
    """Marks a text with a password in it, which may stand in a file of its own like a secret."""


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach the host."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _number(value: object) -> object:
    if isinstance(value, bool):  # pydantic would take true for 1
        raise ValueError("must be a number")
    return value


def _identifier(value: object) -> object:
    """Accept an id written without quotes: Python's integers lose no digit of it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else value


def _list(value: object) -> object:
    """Accept a list as one text, JSON or separated by commas, as the environment gives it."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValueError("must be a JSON list, or values separated by commas") from error
    return [part.strip() for part in value.split(",") if part.strip()]


def _duration(value: object) -> object:
    if value is None or value == "never":
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw]?)", str(value).strip())
    seconds = float(match[1]) * _UNITS[match[2] or "s"] if match else 0
    if isinstance(value, bool) or seconds <= 0:
        raise ValueError('must be a duration such as "30m", "12h" or "1d", or "never"')
    return seconds


def _outlasts_redelivery(days: int) -> int:
    if 0 < days < 3:
        raise ValueError("must be 0, or at least 3: platforms deliver a message again for days")
    return days


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an address that starts with https:// or http://")
    return value.rstrip("/")


def _optional_url(value: str) -> str:
    return _http_url(value) if value else value


def _public_url(value: str) -> str:
    if not value:
        return value
    url = _http_url(value)
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("must start with https:// (http:// only on this machine's own address)")
    return url


def _database_url(value: str) -> str:
    if not value.startswith(("sqlite:///", "postgresql://")):
        raise ValueError("must start with sqlite:/// or postgresql://")
    return value


def _token(value: SecretStr) -> SecretStr:
    text = value.get_secret_value().strip()
    if not all("!" <= letter <= "~" for letter in text):
        raise ValueError("has spaces or letters that no token has; was it copied in full?")
    return SecretStr(text)


def _secret_key(value: SecretStr) -> SecretStr:
    lines = list(filter(None, map(str.strip, value.get_secret_value().splitlines())))
    if any(len(line) < 16 for line in lines):
        raise ValueError("a key has at least 16 characters; `openssl rand -base64 32` makes one")
    return SecretStr("\n".join(lines))


def _host(value: str) -> str:
    name = value.strip().lower()
    if not re.fullmatch(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?(:[0-9]{1,5})?", name):
        raise ValueError('must be a name such as "api.example.com", or "api.example.com:8443"')
    return name


def _method(value: str) -> str:
    verb = value.strip().upper()
    if not re.fullmatch(r"[A-Z]{3,10}", verb) or verb in {"CONNECT", "TRACE"}:
        raise ValueError('must be an HTTP method such as "GET"')
    return verb


def _access_entry(value: str) -> str:
    platform, _, who = value.partition(":")
    if not platform.strip() or not who.strip():
        raise ValueError('must look like "telegram:12345" or "slack:T123/U456"')
    return value


def _timezone(value: str) -> str:
    if not is_timezone(value):
        raise ValueError('must be a name such as "Asia/Shanghai" or "UTC"')
    return value


def is_timezone(name: str) -> bool:
    """Tell whether this machine knows the rules of a zone, by its IANA name."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):  # OSError: a folder has such a name
        return name == "UTC"  # which a machine without any rules knows as well
    return True


def _variable_source(value: str) -> str:
    if value not in VARIABLE_SOURCES and not value.startswith("constant:"):
        known = ", ".join(VARIABLE_SOURCES)
        raise ValueError(f"must be one of {known}, or constant:TEXT")
    return value


Seconds = Annotated[float, BeforeValidator(_number), Field(gt=0, allow_inf_nan=False)]
Window = Annotated[float, BeforeValidator(_number), Field(ge=0, le=60, allow_inf_nan=False)]
Duration = Annotated[float | None, BeforeValidator(_duration)]
"""Seconds, written with a unit; None is "never"."""

Count = Annotated[int, BeforeValidator(_number), Field(ge=0)]
Days = Annotated[int, BeforeValidator(_number), Field(ge=0, le=36500)]
"""How long something is kept; 0 is for ever."""

DaysOfMessages = Annotated[Days, AfterValidator(_outlasts_redelivery)]
Positive = Annotated[int, BeforeValidator(_number), Field(gt=0)]
Port = Annotated[int, BeforeValidator(_number), Field(ge=0, le=65535)]

Id = Annotated[str, BeforeValidator(_identifier)]
Url = Annotated[str, AfterValidator(_http_url)]
OptionalUrl = Annotated[str, AfterValidator(_optional_url)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
DatabaseUrl = Annotated[str, MayBeAFile(), AfterValidator(_database_url)]
Token = Annotated[SecretStr, AfterValidator(_token)]
PrivateKey = Annotated[SecretStr, KeptPrivate()]
SecretKey = Annotated[SecretStr, KeptPrivate(), AfterValidator(_secret_key)]
TimeZone = Annotated[str, AfterValidator(_timezone)]
VariableSource = Annotated[str, AfterValidator(_variable_source)]

Person = Annotated[str, AfterValidator(_access_entry)]
People = Annotated[tuple[Person, ...], BeforeValidator(_list)]

Host = Annotated[str, AfterValidator(_host)]
Hosts = Annotated[tuple[Host, ...], BeforeValidator(_list)]
Method = Annotated[str, AfterValidator(_method)]
Methods = Annotated[tuple[Method, ...], BeforeValidator(_list), Field(min_length=1)]
Names = Annotated[tuple[str, ...], BeforeValidator(_list)]
