"""What the page does not do."""


class Refused(Exception):
    """The request cannot be served as it stands; nothing was changed.

    message: one sentence for the operator. retry_after: seconds.
    """

    def __init__(self, status: int, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after
