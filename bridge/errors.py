"""Errors, named by what to do about them.

    BridgeError
    ├─ Transient         again later
    │  ├─ RateLimited    the far side said when
    │  ├─ Occupied       the conversation is still answering another question
    │  └─ Unreachable    no answer, or half of one
    ├─ Permanent         never, as it stands
    │  ├─ Rejected       this content; other content may pass
    │  ├─ Gone           this place or thing no longer exists
    │  │  ├─ Moved       it does, under another id
    │  │  └─ Departed    nobody is there to read any more
    │  ├─ Exhausted      a quota or a balance is used up
    │  └─ Unauthorised   the key
    └─ Misconfigured     the operator's configuration, every problem at once

A library's exception is translated once, where the library is called (`coze/client.py`,
`adapters/*/faults.py`), most specific first, keeping the cause. A bug is not in this tree.
"""

from collections.abc import Sequence


class BridgeError(Exception):
    """Something the far side, or the operator, has to do with.

    code: the far side's own number or word for it (Coze 4016, Telegram 403), for the operator.
    logid: Coze's log id, which its support asks for.
    """

    def __init__(
        self, message: str = "", *, code: int | str | None = None, logid: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.logid = logid

    def __str__(self) -> str:
        """The message with its code and log id, as one line for a log."""
        parts = [self.message or type(self).__name__]
        if self.code is not None:
            parts.append(f"code {self.code}")
        if self.logid:
            parts.append(f"logid {self.logid}")
        return ", ".join(parts)


class Transient(BridgeError):
    """The same call may succeed later.

    retry_after: seconds to leave alone, where the far side said so.
    happened: the call may have taken effect already, so repeating it blindly may do it twice.
    """

    def __init__(
        self,
        message: str = "",
        *,
        code: int | str | None = None,
        logid: str | None = None,
        retry_after: float | None = None,
        happened: bool = False,
    ) -> None:
        super().__init__(message, code=code, logid=logid)
        self.retry_after = retry_after
        self.happened = happened


class RateLimited(Transient):
    """Too many calls; `retry_after` says when the next one is welcome."""


class Occupied(Transient):
    """The conversation has a running chat (Coze 4016): wait for it or cancel it."""


class Unreachable(Transient):
    """The network, or the far side, gave no usable answer."""


class Permanent(BridgeError):
    """The same call will fail again, whatever the time of day."""


class Rejected(Permanent):
    """This content was refused; the place and the key are fine."""


class Gone(Permanent):
    """The chat, message, conversation or file does not exist any more, or the bot was removed."""


class Moved(Gone):
    """The chat goes on under another id, `to`; messages of the old one cannot be edited."""

    def __init__(self, to: str, *, code: int | str | None = None) -> None:
        super().__init__(f"the chat moved to {to}", code=code)
        self.to = to


class Departed(Gone):
    """The chat itself is gone: the bot was blocked or removed, so there is nobody to tell."""


class Exhausted(Permanent):
    """A quota or a balance is used up, until somebody pays or a day passes."""


class Unauthorised(Permanent):
    """The key is wrong, expired, or lacks a permission: only the operator can help."""


class Misconfigured(BridgeError):
    """The configuration cannot be used. `problems` has one line each, naming its key."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)
