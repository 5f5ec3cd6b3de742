"""News of training, told inside the transaction that changed it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SessionCalledOff:
    """A session will not take place; `people` had a place in it."""

    session_id: int
    by_id: int
    reason: str
    people: frozenset[int]
