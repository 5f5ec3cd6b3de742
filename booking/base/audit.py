"""Who did what to which object, before and after: one row per action, written in its transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, Text, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from booking.base import clock
from booking.base.db import Base, UTCDateTime, db, write


class AuditEntry(Base):
    """One line of an object's history; never changed."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_object", "object_kind", "object_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor_id: Mapped[int | None]
    action: Mapped[str] = mapped_column(String(40))
    object_kind: Mapped[str] = mapped_column(String(40))
    object_id: Mapped[int]
    before: Mapped[dict[str, Any]] = mapped_column(JSON)
    after: Mapped[dict[str, Any]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(Text, default="")


def record(
    action: str,
    object_kind: str,
    object_id: int,
    actor_id: int | None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
) -> None:
    """Write one line of history; `before` and `after` hold only what changed, as plain JSON values."""
    entry = {
        "at": clock.now(),
        "actor_id": actor_id,
        "action": action,
        "object_kind": object_kind,
        "object_id": object_id,
        "before": dict(before or {}),
        "after": dict(after or {}),
        "reason": reason,
    }
    write(_ENTRY, entry)


_ENTRY = insert(AuditEntry)


def history(object_kind: str, object_id: int, limit: int = 200) -> list[AuditEntry]:
    """List an object's history, newest first."""
    query = (
        select(AuditEntry)
        .where(AuditEntry.object_kind == object_kind, AuditEntry.object_id == object_id)
        .order_by(AuditEntry.id.desc())
        .limit(limit)
    )
    return list(db.session.scalars(query))
