"""What can go wrong, as data for the doors.

BookingError
├── Invalid        422  the shape of the input: field → messages
├── NotFound       404  missing, or not for this viewer to know of
├── Forbidden      403  seen, but not theirs to do
├── Refused        422  a rule says no: all refusals at once, with alternatives
│   └── SlotTaken  409  every refusal is about what others hold
├── NotChangeable  409  cancelled or past
├── Stale          412  changed by somebody else since it was read
└── Busy           503  a lock could not be had in time
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

TAKEN_CODES = frozenset(
    {"slot_taken", "changeover", "segregation", "room_full", "kit_short", "out_of_service"}
)


@dataclass(frozen=True)
class Refusal:
    """One reason why a booking is refused, what it comes from and what would help."""

    code: str
    message: str
    resource: str | None = None
    rule: str = ""
    set_by: str = ""
    fix: str = ""
    ok_from: datetime | None = None


@dataclass(frozen=True)
class Alternative:
    """A booking that would be accepted as it stands: when, on what, and how it differs."""

    starts_at: datetime
    ends_at: datetime
    resources: tuple[tuple[str, int], ...]
    differs: tuple[str, ...]


class BookingError(Exception):
    """Anything a person can be told about."""

    status = 500
    code = "error"


class Invalid(BookingError):
    status = 422
    code = "invalid"

    def __init__(self, errors: Mapping[str, Sequence[str]]) -> None:
        super().__init__("; ".join(f"{field}: {', '.join(texts)}" for field, texts in errors.items()))
        self.errors: dict[str, list[str]] = {field: list(texts) for field, texts in errors.items()}


class NotFound(BookingError):
    status = 404
    code = "not_found"

    def __init__(self, message: str = "There is nothing here, or it is not for you to see.") -> None:
        super().__init__(message)


class Forbidden(BookingError):
    status = 403
    code = "forbidden"

    def __init__(self, message: str = "You may see this, but not do it.") -> None:
        super().__init__(message)


class Refused(BookingError):
    status = 422

    def __init__(self, refusals: Sequence[Refusal], alternatives: Sequence[Alternative] = ()) -> None:
        super().__init__("; ".join(refusal.message for refusal in refusals))
        self.refusals = list(refusals)
        self.alternatives = list(alternatives)

    @property
    def code(self) -> str:  # type: ignore[override]
        """The single reason's code, or `refused` where there are several."""
        codes = {refusal.code for refusal in self.refusals}
        return codes.pop() if len(codes) == 1 else "refused"


class SlotTaken(Refused):
    status = 409


class NotChangeable(BookingError):
    status = 409
    code = "not_changeable"


class Stale(BookingError):
    status = 412
    code = "stale"

    def __init__(self, message: str = "Somebody changed this since you read it.") -> None:
        super().__init__(message)


class Busy(BookingError):
    status = 503
    code = "busy"
    retry_after = 1

    def __init__(self, message: str = "Many people are booking this moment; please try again.") -> None:
        super().__init__(message)


def refuse(refusals: Sequence[Refusal], alternatives: Sequence[Alternative] = ()) -> Refused:
    """Return the error that fits the refusals: `SlotTaken` if all are about what others hold."""
    taken = all(refusal.code in TAKEN_CODES for refusal in refusals)
    return (SlotTaken if taken else Refused)(refusals, alternatives)


def problem(error: BookingError) -> dict[str, Any]:
    """Return the members that every RFC 9457 answer about this error shares."""
    return {"status": error.status, "code": error.code, "detail": str(error)}
