"""The waiting list and its offers; who is in a room is read from the index alone.

Revision ID: 0009
Revises: 0008
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from booking.base.db import UTCDateTime

revision = "0009"
down_revision = "0008"

STATES = "status IN ('waiting', 'offered', 'booked', 'left', 'over')"
ACTIVE: dict[str, Any] = {
    "sqlite_where": sa.text("active = 1"),
    "postgresql_where": sa.text("active"),
}


def upgrade() -> None:
    op.add_column("bookings", sa.Column("offered_until", UTCDateTime(), nullable=True))
    op.create_table(
        "waits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(16), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(8), nullable=False),
        sa.Column("wish", sa.JSON(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("earliest", UTCDateTime(), nullable=False),
        sa.Column("latest", UTCDateTime(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(STATES, name=op.f("ck_waits_status")),
        sa.CheckConstraint("earliest < latest AND minutes > 0", name=op.f("ck_waits_order")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_waits_user_id")),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_waits_booking_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waits")),
        sa.UniqueConstraint("public_id", name=op.f("uq_waits_public_id")),
    )
    op.create_index("ix_waits_user", "waits", ["user_id", "id"])
    op.create_index("ix_waits_booking", "waits", ["booking_id"])
    op.create_table(
        "wait_resources",
        sa.Column("wait_id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["wait_id"], ["waits.id"], name=op.f("fk_wait_resources_wait_id")),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resources.id"], name=op.f("fk_wait_resources_resource_id")
        ),
        sa.PrimaryKeyConstraint("wait_id", "resource_id", name=op.f("pk_wait_resources")),
    )
    op.create_index(op.f("ix_wait_resources_resource_id"), "wait_resources", ["resource_id"])
    _presence("room_id", "starts_at", "ends_at", "people", "hold_id")


def downgrade() -> None:
    _presence("room_id", "starts_at")
    op.drop_table("wait_resources")
    op.drop_table("waits")
    op.drop_column("bookings", "offered_until")


def _presence(*columns: str) -> None:
    op.drop_index("ix_presence_room", table_name="presence")
    op.create_index("ix_presence_room", "presence", list(columns), **ACTIVE)
