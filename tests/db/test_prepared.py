"""Prepared statements: what they send and read is what SQLAlchemy itself would."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Select, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from booking.base.audit import AuditEntry
from booking.base.db import db, read, store, transaction, write
from booking.facilities.models import Directory, Resource
from booking.notifications.models import OutboxMessage
from tests.factories import World

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
_ENTRY = insert(AuditEntry)
_AMONG = (
    select(Resource.id, Resource.code, Resource.approval, Resource.renamed_at)
    .where(Resource.code.in_(bindparam("codes", expanding=True)), Resource.version >= bindparam("least"))
    .where(Resource.id > 0)
    .order_by(Resource.code)
)


def entry(action: str, at: datetime = NOON, **after: Any) -> dict[str, Any]:
    return {
        "at": at,
        "actor_id": None,
        "action": action,
        "object_kind": "thing",
        "object_id": 1,
        "before": {},
        "after": after,
    }


@pytest.mark.parametrize("codes", [[], ["H-BSC1"], ["H-BSC1", "H-LC", "nothing"]])
def test_rows_are_those_of_sqlalchemy(world: World, codes: list[str]) -> None:
    values = {"codes": codes, "least": 0}
    expected = db.session.execute(_AMONG, values).all()
    found = read(_AMONG, values)
    assert [tuple(row) for row in found] == [tuple(row) for row in expected]
    assert [(row.id, row.code, row.approval) for row in found] == [tuple(row)[:3] for row in expected]
    assert all(type(row.approval) is bool and row.renamed_at.tzinfo is UTC for row in found)


def test_lists_of_other_lengths_are_other_statements(world: World) -> None:
    for codes in (["H-BSC1"], ["H-BSC1", "H-BSC2"], ["H-LC"], ["H-BSC2", "H-LC"], []):
        assert [row.code for row in read(_AMONG, {"codes": codes, "least": 0})] == codes


def test_values_are_bound_as_the_types_say(world: World) -> None:
    with transaction():
        write(_ENTRY, entry("one", told=["ü", 1, None]))
        write(_ENTRY, [entry("many", NOON + timedelta(hours=n), n=n) for n in range(3)])
    first, *rest = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id))
    assert (first.at, first.after, first.reason) == (NOON, {"told": ["ü", 1, None]}, "")
    assert [(one.at, one.after["n"]) for one in rest] == [(NOON + timedelta(hours=n), n) for n in range(3)]


def test_nothing_is_written_for_no_values(world: World) -> None:
    with transaction():
        write(_ENTRY, [])
    assert read(select(func.count(AuditEntry.id).label("entries")))[0].entries == 0


def test_a_default_that_is_computed_is_new_each_time(world: World) -> None:
    message = {
        "kind": "booking_ended",
        "recipient_id": world.users["student"],
        "booking_id": None,
        "facts": {},
        "created_at": NOON,
        "due_at": NOON,
        "next_try_at": NOON,
    }
    with transaction():
        write(insert(OutboxMessage), [message, message])
    found = db.session.scalars(select(OutboxMessage.public_id)).all()
    assert len(set(found)) == 2
    assert all(found)


def test_what_the_database_refuses_is_sqlalchemys_error(world: World) -> None:
    same = {"id": 1, "version": 1}
    with pytest.raises(IntegrityError) as refused, transaction():
        write(insert(Directory), same)
    assert "directory" in str(refused.value)


def test_constants_and_expressions_are_kept(world: World) -> None:
    raise_it = (
        update(Resource).where(Resource.code == bindparam("which")).values(version=Resource.version + 7)
    )
    query: Select[Any] = select(Resource.version).where(Resource.code == "H-BSC1")
    ((before,),) = read(query)
    with transaction():
        write(raise_it, {"which": "H-BSC1"})
        write(raise_it, {"which": "H-BSC1"})
    assert read(query)[0].version == before + 14


def test_a_stored_row_is_known_to_the_session(world: World) -> None:
    row = AuditEntry(id=77, reason="", **entry("stored"))
    with transaction():
        store(row)
        row.reason = "changed after it was stored"
    db.session.expire_all()
    assert db.session.get_one(AuditEntry, 77).reason == "changed after it was stored"


def test_lists_that_belong_to_the_statement_are_constants(world: World) -> None:
    query = select(Resource.code).where(
        Resource.code.in_(["H-LC", "H-BSC1"]), Resource.code.in_(bindparam("codes", expanding=True))
    )
    for codes in (["H-LC"], ["H-BSC2"], ["H-BSC1", "H-LC"], []):
        found = read(query.order_by(Resource.code), {"codes": codes})
        assert [row.code for row in found] == [code for code in codes if code != "H-BSC2"]
