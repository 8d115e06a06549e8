"""What may go wrong on the way to Slack and back, on demand."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.platforms import faults
from tests.slack.emulator.errors import Refused, too_many


@dataclass(frozen=True, slots=True)
class Fault(faults.Trouble):
    """One thing that goes wrong. error: Slack's word for it; code: the status, 200 if 0."""

    error: str = ""

    @property
    def refusal(self) -> Refused | None:
        """What Slack answers; None where it does not refuse."""
        if self.retry_after is not None:
            return too_many(self.retry_after)
        if self.html or not (self.error or self.code):
            return None
        return Refused(self.error or "internal_error", status=self.code or 200)


NOTHING = Fault()


def parse(told: Mapping[str, object]) -> Fault:
    """Read a fault from JSON. Raises `ValueError` naming what is wrong."""
    return faults.parse(Fault, told, chat=str, error=str)
