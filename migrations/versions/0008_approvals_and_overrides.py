"""Approval rules, owners of resources, deputies and the steps of requests; what was overruled.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

from booking.base.db import UTCDateTime

revision = "0008"
down_revision = "0007"

DECIDERS = "('supervisor', 'owner', 'quality_officer', 'staff', 'facility_manager')"
KEPT = ("approval_rules", "resource_owners", "deputies")  # kept in memory under the directory's version
EVENTS = ("INSERT", "UPDATE", "DELETE")
RAISE = "UPDATE directory SET version = version + 1 WHERE id = 1"
SQLITE = f"CREATE TRIGGER {{name}} AFTER {{event}} ON {{table}} BEGIN {RAISE}; END"
POSTGRESQL = (
    "CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION raise_directory()"
)
WAITING = """
INSERT INTO approval_steps
    (booking_id, round, position, decider, facility_id, rule, set_by, own, answer_days, opened_at, due_at, note)
SELECT id, 1, 1, 'staff', facility_id, 'Approval', 'the facility''s staff', :yes, 2, updated_at, answer_due_at, ''
FROM bookings WHERE status = 'requested'
"""


def upgrade() -> None:
    _rules()
    _people()
    _steps()
    _overruled()
    op.add_column("policies", sa.Column("overridable", sa.JSON(none_as_null=True), nullable=True))
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table in KEPT:
        for event in EVENTS:
            name = f"directory_{table}_{event.lower()}"
            op.execute((SQLITE if sqlite else POSTGRESQL).format(name=name, event=event, table=table))
    op.execute(sa.text(WAITING).bindparams(yes=True))


def _rules() -> None:
    op.create_table(
        "approval_rules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("set_by", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(20), nullable=True),
        sa.Column("resource_id", sa.Integer(), nullable=True),
        sa.Column("role", sa.String(20), nullable=True),
        sa.Column("longer_than_minutes", sa.Integer(), nullable=True),
        sa.Column("outside_hours", sa.Boolean(), nullable=False),
        sa.Column("first", sa.String(20), nullable=False),
        sa.Column("second", sa.String(20), nullable=True),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.Column("answer_days", sa.Integer(), nullable=False),
        sa.CheckConstraint(f"first IN {DECIDERS}", name=op.f("ck_approval_rules_first")),
        sa.CheckConstraint(f"second IN {DECIDERS}", name=op.f("ck_approval_rules_second")),
        sa.CheckConstraint("first <> second", name=op.f("ck_approval_rules_two")),
        sa.CheckConstraint("answer_days BETWEEN 1 AND 20", name=op.f("ck_approval_rules_answer_days")),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facilities.id"], name=op.f("fk_approval_rules_facility_id")
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resources.id"], name=op.f("fk_approval_rules_resource_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_rules")),
    )
    for column in ("facility_id", "resource_id"):
        op.create_index(op.f(f"ix_approval_rules_{column}"), "approval_rules", [column])


def _people() -> None:
    op.create_table(
        "resource_owners",
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resources.id"], name=op.f("fk_resource_owners_resource_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_resource_owners_user_id")),
        sa.PrimaryKeyConstraint("resource_id", "user_id", name=op.f("pk_resource_owners")),
    )
    op.create_index(op.f("ix_resource_owners_user_id"), "resource_owners", ["user_id"])
    op.create_table(
        "deputies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("deputy_id", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_deputies_order")),
        sa.CheckConstraint("user_id <> deputy_id", name=op.f("ck_deputies_somebody_else")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_deputies_user_id")),
        sa.ForeignKeyConstraint(["deputy_id"], ["users.id"], name=op.f("fk_deputies_deputy_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deputies")),
    )
    for column in ("user_id", "deputy_id"):
        op.create_index(op.f(f"ix_deputies_{column}"), "deputies", [column])


def _steps() -> None:
    op.create_table(
        "approval_steps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("decider", sa.String(20), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=True),
        sa.Column("rule", sa.String(200), nullable=False),
        sa.Column("set_by", sa.String(200), nullable=False),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.Column("answer_days", sa.Integer(), nullable=False),
        sa.Column("opened_at", UTCDateTime(), nullable=True),
        sa.Column("due_at", UTCDateTime(), nullable=True),
        sa.Column("escalated_at", UTCDateTime(), nullable=True),
        sa.Column("closed_at", UTCDateTime(), nullable=True),
        sa.Column("approved", sa.Boolean(), nullable=True),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("deputy_for_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint(f"decider IN {DECIDERS}", name=op.f("ck_approval_steps_decider")),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_approval_steps_booking_id")),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facilities.id"], name=op.f("fk_approval_steps_facility_id")
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resources.id"], name=op.f("fk_approval_steps_resource_id")
        ),
        sa.ForeignKeyConstraint(
            ["answered_by_id"], ["users.id"], name=op.f("fk_approval_steps_answered_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["deputy_for_id"], ["users.id"], name=op.f("fk_approval_steps_deputy_for_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_steps")),
    )
    op.create_index("ix_approval_steps_booking", "approval_steps", ["booking_id", "round"])
    is_open = sa.text("opened_at IS NOT NULL AND closed_at IS NULL")
    op.create_index(
        "ix_approval_steps_open",
        "approval_steps",
        ["facility_id"],
        postgresql_where=is_open,
        sqlite_where=is_open,
    )


def _overruled() -> None:
    op.create_table(
        "overruled",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(20), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("rule", sa.String(450), nullable=False),
        sa.Column("set_by", sa.String(250), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("void_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_overruled_booking_id")),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_overruled_facility_id")),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.id"], name=op.f("fk_overruled_resource_id")),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("fk_overruled_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_overruled")),
    )
    op.create_index(op.f("ix_overruled_booking_id"), "overruled", ["booking_id"])
    op.create_index("ix_overruled_facility", "overruled", ["facility_id", "id"])


def downgrade() -> None:
    op.drop_column("policies", "overridable")
    for table in ("overruled", "approval_steps", *reversed(KEPT)):
        op.drop_table(table)
