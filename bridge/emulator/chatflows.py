"""Published chatflows of apps, and what no document settles about them."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Workflow:
    """A published workflow. updated_at: seconds since 1970. app_id: "0" in a library."""

    name: str
    app_id: str
    updated_at: int


@dataclass(slots=True)
class Chatflows:
    """All of them, by id. Tests try both readings of the rest.

    retrievable: the endpoints of `/v3/chat` know the chats of chatflows.
    bound: a conversation must have been created for the app that asks in it.
    """

    all: dict[str, Workflow] = field(default_factory=dict)
    retrievable: bool = True
    bound: bool = False
