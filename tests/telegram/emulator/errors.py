"""What the Bot API says when it refuses."""

from collections.abc import Mapping


class Refused(Exception):
    """An answer with `ok: false`. `parameters` are the machine-readable ones."""

    def __init__(
        self, code: int, description: str, parameters: Mapping[str, int] | None = None
    ) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = dict(parameters or {})

    @property
    def envelope(self) -> dict[str, object]:
        body: dict[str, object] = {
            "ok": False,
            "error_code": self.code,
            "description": self.description,
        }
        if self.parameters:
            body["parameters"] = self.parameters
        return body


def bad(text: str) -> Refused:
    return Refused(400, f"Bad Request: {text}")


def forbidden(text: str) -> Refused:
    return Refused(403, f"Forbidden: {text}")


def conflict(text: str) -> Refused:
    return Refused(409, f"Conflict: {text}")


def too_many(retry_after: int) -> Refused:
    return Refused(
        429, f"Too Many Requests: retry after {retry_after}", {"retry_after": retry_after}
    )


def migrated(new_id: int) -> Refused:
    return Refused(
        400,
        "Bad Request: group chat was upgraded to a supergroup chat",
        {"migrate_to_chat_id": new_id},
    )


UNAUTHORISED = Refused(401, "Unauthorized")
NOT_FOUND = Refused(404, "Not Found")
NO_METHOD = Refused(404, "Not Found: method not found")
LOGGED_OUT = Refused(400, "Logged out")
OTHER_POLLER = conflict(
    "terminated by other getUpdates request; make sure that only one bot instance is running"
)
TERMINATED_BY_WEBHOOK = conflict("terminated by setWebhook request")
WEBHOOK_IS_SET = conflict(
    "can't use getUpdates method while webhook is active; "
    "use deleteWebhook to delete the webhook first"
)
NOT_MODIFIED = bad(
    "message is not modified: specified new message content and reply markup are exactly "
    "the same as a current content and reply markup of the message"
)
QUERY_TOO_OLD = bad("query is too old and response timeout expired or query ID is invalid")
