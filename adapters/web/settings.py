"""The keys of an `[adapters.web]` table."""

from typing import Literal

from pydantic import SecretStr

from bridge.adapter import AdapterSettings, Platform


class WebSettings(AdapterSettings):
    """The chat page.

    access: who may open it: whoever has the `token`, or (on loopback only) anybody.
    token: what a visitor shows once; made and stored by the bridge when left out.
    title: what the page calls the agent.
    """

    access: Literal["token", "open"] = "token"
    token: SecretStr | None = None
    title: str = "Chat"


PLATFORM = Platform(settings=WebSettings, adapter="adapters.web.adapter:WebAdapter")
