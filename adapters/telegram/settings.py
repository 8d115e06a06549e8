"""The keys of a Telegram table, and which of them need another."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from bridge.platform import AdapterSettings, Platform


def _bot_token(value: SecretStr) -> SecretStr:
    text = value.get_secret_value().strip()
    if text and not re.fullmatch(r"\d+:[A-Za-z0-9_-]+", text):
        raise ValueError("must look like 123456:ABC…, as @BotFather gives it")
    return SecretStr(text)


def _webhook_secret(value: SecretStr) -> SecretStr:
    # https://core.telegram.org/bots/api#setwebhook, secret_token
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", value.get_secret_value()):
        raise ValueError("may have only letters, digits, - and _, and at most 256 of them")
    return value


def _http_url(value: str) -> str:
    if not re.match(r"https?://[^/]", value):
        raise ValueError("must be an address that starts with https:// or http://")
    return value.rstrip("/")


Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class TelegramSettings(AdapterSettings):
    """One bot.

    webhook_secret: generated and stored when empty.
    stream: how an answer grows on the screen; `final` shows only the finished one.
    edit_interval_private, edit_interval_group: seconds to leave between two edits.
    calls_per_second: of the whole bot. Telegram takes 30 (core.telegram.org/bots/faq) unless it
        has granted the bot more; one is left for what does not go through the outbox.
    local_files: the folder in which a Bot API server that runs with --local keeps files, as this
        machine sees it. Then files of any size can be read; they do not come over HTTP.
    """

    its_own = ("token",)

    token: Annotated[SecretStr, AfterValidator(_bot_token)] = SecretStr("")
    api_base_url: Annotated[str, AfterValidator(_http_url)] = "https://api.telegram.org"
    mode: Literal["polling", "webhook"] = "polling"
    webhook_secret: Annotated[SecretStr, AfterValidator(_webhook_secret)] = SecretStr("")
    stream: Literal["edit", "native", "final"] = "edit"
    edit_interval_private: Seconds = 1.1
    edit_interval_group: Seconds = 3.1
    calls_per_second: Annotated[int, Field(ge=1)] = 29
    local_files: str = ""

    @property
    def folder(self) -> Path | None:
        """Where files lie on this machine; None where they come over HTTP."""
        return Path(self.local_files) if self.local_files else None

    def conflicts(self, *, local: bool, public_url: str) -> Iterable[tuple[str, str]]:
        """Without a token nothing works; a webhook needs an address Telegram can reach."""
        if not self.token.get_secret_value():
            yield "token", "missing; ask @BotFather for one, or give token_file"
        if self.mode == "webhook" and not public_url:
            yield "mode", "webhook needs server.public_url, where Telegram can reach the bridge"
        if self.folder is not None and not self.folder.is_dir():
            cure = "give the folder of your Bot API server, or leave it out"
            yield "local_files", f"there is no folder {self.local_files}; {cure}"


PLATFORM = Platform(
    settings=TelegramSettings,
    adapter="adapters.telegram.entry:TelegramAdapter",
    examine="adapters.telegram.examine:examine",
    interview="adapters.telegram.interview:INTERVIEW",
)
