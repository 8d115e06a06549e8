"""The keys of an `[adapters.web]` table."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, SecretStr

from bridge.platform import AdapterSettings, Platform


def _stripped(value: SecretStr | None) -> SecretStr | None:
    """The page trims what is typed, so a blank at an end would lock everybody out."""
    return None if value is None else SecretStr(value.get_secret_value().strip())


class WebSettings(AdapterSettings):
    """The chat page.

    access: who may open it: whoever has the `token`, or (on loopback only) anybody.
    token: what a visitor shows once; made and stored by the bridge when left out.
    title: what the page calls the agent.
    """

    access: Literal["token", "open"] = "token"
    token: Annotated[SecretStr | None, AfterValidator(_stripped)] = None
    title: str = "Chat"

    def conflicts(self, *, local: bool, public_url: str) -> Iterable[tuple[str, str]]:
        """An open page is for whoever sits at this machine."""
        if self.access == "open" and not local:
            yield "access", "open only while server.host is this machine's own address"
        if self.token is not None and not self.token.get_secret_value():
            yield "token", "empty; leave it out and one is made"


PLATFORM = Platform(settings=WebSettings, adapter="adapters.web.adapter:WebAdapter")
