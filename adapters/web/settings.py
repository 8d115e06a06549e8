"""The keys of an `[adapters.web]` table."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from bridge.platform import AdapterSettings, Platform


def _stripped(value: SecretStr | None) -> SecretStr | None:
    """The page trims what is typed, so a blank at an end would lock everybody out."""
    return None if value is None else SecretStr(value.get_secret_value().strip())


class WebSettings(AdapterSettings):
    """The chat page.

    access: who may open it: whoever has the `token`, or (on loopback only) anybody.
    token: what a visitor shows once; made and stored by the bridge when left out.
    title: what the page calls the agent.
    files: the folder for what is sent; beside the database when left out. Replicas need one that
        all of them see.
    file_limit, room: megabytes of one file, and of all that are kept.
    """

    access: Literal["token", "open"] = "token"
    token: Annotated[SecretStr | None, AfterValidator(_stripped)] = None
    title: str = "Chat"
    files: str = ""
    file_limit: Annotated[int, Field(ge=1, le=512)] = 100
    room: Annotated[int, Field(ge=1)] = 5_000

    def conflicts(self, *, local: bool, public_url: str) -> Iterable[tuple[str, str]]:
        """An open page is for whoever sits at this machine."""
        if self.access == "open" and not local:
            yield "access", "open only while server.host is this machine's own address"
        if self.token is not None and not self.token.get_secret_value():
            yield "token", "empty; leave it out and one is made"


PLATFORM = Platform(
    settings=WebSettings,
    adapter="adapters.web.adapter:WebAdapter",
    interview="adapters.web.interview:INTERVIEW",
)
