"""Defects to be seeded: each takes one safeguard away, by name, for the length of a block."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def seeded(name: str) -> Iterator[None]:
    """Seed a defect; without a name, none."""
    with pytest.MonkeyPatch.context() as patch:
        if name:
            DEFECTS[name](patch)
        yield


def _no_locks(patch: pytest.MonkeyPatch) -> None:
    """Rows are read but not locked."""
    from booking.base import db as database
    from booking.bookings import actions, facts

    def read_only(model: Any, ids: Any) -> dict[int, Any]:
        rows = database.db.session.query(model).filter(model.id.in_(sorted(ids))).populate_existing()
        return {row.id: row for row in rows.order_by(model.id)} if ids else {}

    for module in (database, facts, actions):
        patch.setattr(module, "lock", read_only)


DEFECTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {"no locks": _no_locks}
