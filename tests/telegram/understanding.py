"""What the bridge makes of one update."""

from adapters.telegram.normalise import Heard, understood
from bridge.events import Inbound
from tests.telegram.updates import ME, Json


def heard(update: Json) -> Inbound:
    found = understood(update, ME, "bot")
    assert isinstance(found, Heard)
    return found.event


def ignored(update: Json) -> bool:
    return understood(update, ME, "bot") is None
