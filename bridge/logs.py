"""Log lines: events with ids, on stderr, never with a token in them.

Our own events and those of every library take the same way out, so both are redacted, and both
look the same. Message texts are not redacted: do not log them.
"""

import logging
import os
import re
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TextIO, cast

from bridge.lean import without

with without("rich"):  # 3 MB, for tracebacks of a kind that `_last` does not let come about
    import structlog
    from structlog.typing import FilteringBoundLogger, Processor, WrappedLogger

HIDDEN = "[redacted]"

_TOKENS = re.compile(
    r"""
      (?<![A-Za-z0-9])(?:pat|sat|czs|czu)_[A-Za-z0-9_-]{8,}   # Coze
    | (?<![0-9])[0-9]{5,}:[A-Za-z0-9_-]{20,}                  # Telegram; its URLs say /bot<token>/
    | (?<![A-Za-z0-9])(?:xox[a-z]|xapp)-[A-Za-z0-9-]{8,}      # Slack
    | (?<=Bearer\s)[^\s"',]+
    | (?<=://)[^\s/@:]*:[^\s/]+(?=@)                          # the password in a database URL
    """,
    re.VERBOSE | re.IGNORECASE,
)

_CHATTY = ("httpx", "httpcore", "aiohttp.access", "alembic", "asyncio", "telegram")
"""Libraries that log each request, httpx with the whole URL: Telegram's has the token.

python-telegram-bot logs every parameter and every update at DEBUG, which is what people wrote.
"""

_INDISCREET = ("telegram.request",)
"""Libraries that log, as an error, what people wrote: here the body of an answer cut short.

Whatever they complain of they raise as well.
"""


def configure(level: str, format: str, stream: TextIO) -> None:  # noqa: A002 - the setting's name
    """Send every log line to `stream`, replacing what was configured before.

    level: debug, info, warning or error.
    format: json, console, or auto for console on a terminal.
    """
    console = format == "console" or (format == "auto" and stream.isatty())
    colors = stream.isatty() and not os.environ.get("NO_COLOR")  # https://no-color.org
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared(), processors=_last(console=console, colors=colors)
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    set_level(level)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # a logger made at import must follow a later configure
    )


def set_level(level: str) -> None:
    """Leave out what is less important than this, from now on. level: as for `configure`."""
    root = logging.getLogger()
    root.setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    for name in _INDISCREET:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


@contextmanager
def about(**ids: int | str) -> Iterator[None]:
    """Add these to every line of this context, and of the tasks that begin in it."""
    with structlog.contextvars.bound_contextvars(**ids):
        yield


def get(name: str) -> FilteringBoundLogger:
    """Give a logger; `name` is the module's."""
    return cast("FilteringBoundLogger", structlog.stdlib.get_logger(name))


def redact(text: str) -> str:
    """Replace whatever looks like a token."""
    return _TOKENS.sub(HIDDEN, text)


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _last(*, console: bool, colors: bool) -> list[Processor]:
    """Turn tracebacks into text before redacting, so that a token in one is found too."""
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=colors)
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _redacted,
        renderer,
    ]


def _redacted(
    _logger: WrappedLogger, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    return {key: _clean(value) for key, value in event.items()}


def _clean(value: object) -> object:
    """Redact inside containers too; whatever else a value is, its text may hold a token."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {key: _clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(inner) for inner in value]
    return redact(str(value))
