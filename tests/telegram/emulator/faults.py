"""What may go wrong on the way to the Bot API and back, on demand."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.platforms import faults
from tests.telegram.emulator.errors import Refused, too_many


@dataclass(frozen=True, slots=True)
class Fault(faults.Trouble):
    """One thing that goes wrong. code, description: the refusal, word for word."""

    @property
    def refusal(self) -> Refused | None:
        """What the Bot API answers; None where it does not refuse."""
        if self.retry_after is not None:
            return too_many(self.retry_after)
        return Refused(self.code, self.description) if self.code and not self.html else None


NOTHING = Fault()


def parse(told: Mapping[str, object]) -> Fault:
    """Read a fault from JSON. Raises `ValueError` naming what is wrong."""
    return faults.parse(Fault, told)
