"""What Slack says when it refuses: `ok: false` and a word, with status 200 but for 429 and 5xx."""

from collections.abc import Mapping


class Refused(Exception):
    """An answer with `ok: false`. more: fields beside the error."""

    def __init__(
        self,
        error: str,
        *,
        status: int = 200,
        retry_after: int | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(error)
        self.error = error
        self.status = status
        self.retry_after = retry_after
        self.more = dict(more or {})

    @property
    def envelope(self) -> dict[str, object]:
        return {"ok": False, "error": self.error} | self.more

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


def too_many(retry_after: int) -> Refused:
    return Refused("ratelimited", status=429, retry_after=retry_after)


def bad(*reasons: str) -> Refused:
    """Arguments that are missing or of the wrong kind."""
    return explained("invalid_arguments", *reasons)


def explained(error: str, *reasons: str) -> Refused:
    messages = [f"[ERROR] {reason}" for reason in reasons]
    return Refused(error, more={"response_metadata": {"messages": messages}})


def missing_scope(needed: str, provided: str) -> Refused:
    return Refused("missing_scope", more={"needed": needed, "provided": provided})
