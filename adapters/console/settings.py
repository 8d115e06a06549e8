"""The keys of a console's table: none of its own."""

from bridge.platform import AdapterSettings, Platform


class ConsoleSettings(AdapterSettings):
    """A terminal has nothing to set."""


PLATFORM = Platform(settings=ConsoleSettings, adapter="adapters.console.adapter:ConsoleAdapter")
