"""Where the adapter is imported from, and python-telegram-bot with it, without its passports.

For those it would load `cryptography`: 8 MB.
"""

from bridge.lean import without

with without("cryptography"):
    from adapters.telegram.adapter import TelegramAdapter

__all__ = ["TelegramAdapter"]
