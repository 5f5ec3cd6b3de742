"""quotas; how many students a supervisor may have; whether the second person in a room must be competent"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KINDS = (
    "kind IN ('workstation', 'incubator', 'bioreactor', 'downstream', 'analytical', "
    "'storage', 'support', 'teaching', 'people', 'room')"
)
CHECKS = {
    "kind": KINDS,
    "running": "running IN ('attended', 'ends', 'free')",
    "shared_by": "shared_by IN ('user', 'project', 'organisation')",
    "span": "span IN ('day', 'week', 'month', 'open')",
    "one_measure": "(minutes IS NULL) <> (bookings IS NULL)",
    "amount": "minutes >= 0 AND bookings >= 0",
}
REFERS = {
    "facility_id": "facilities",
    "resource_id": "resources",
    "project_id": "projects",
    "organisation_id": "organisations",
}
EVENTS = ("INSERT", "UPDATE", "DELETE")
RAISE = "UPDATE directory SET version = version + 1 WHERE id = 1"
SQLITE = "CREATE TRIGGER {name} AFTER {event} ON quotas BEGIN {what}; END"
POSTGRESQL = (
    "CREATE TRIGGER {name} AFTER {event} ON quotas FOR EACH STATEMENT EXECUTE FUNCTION raise_directory()"
)


def upgrade() -> None:
    op.create_table(
        "quotas",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("set_by", sa.String(200), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=True),
        sa.Column("running", sa.String(10), nullable=True),
        sa.Column("resource_id", sa.Integer(), nullable=True),
        sa.Column("each_resource", sa.Boolean(), nullable=False),
        sa.Column("role", sa.String(20), nullable=True),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("shared_by", sa.String(12), nullable=False),
        sa.Column("prime", sa.Boolean(), nullable=False),
        sa.Column("span", sa.String(8), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("bookings", sa.Integer(), nullable=True),
        *(sa.CheckConstraint(what, name=op.f(f"ck_quotas_{name}")) for name, what in CHECKS.items()),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_quotas_{column}"))
            for column, table in REFERS.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotas")),
        sa.UniqueConstraint("facility_id", "name", name="uq_quotas_name"),
    )
    pattern = SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL
    for event in EVENTS:
        op.execute(pattern.format(name=f"directory_quotas_{event.lower()}", event=event, what=RAISE))
    op.add_column("facilities", sa.Column("most_supervised", sa.Integer(), nullable=True))
    op.add_column(
        "rooms", sa.Column("second_competent", sa.Boolean(), nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    op.execute("ALTER TABLE rooms DROP COLUMN second_competent")
    op.execute("ALTER TABLE facilities DROP COLUMN most_supervised")
    op.drop_table("quotas")
    op.execute("DELETE FROM opening_hours WHERE hours = 'prime'")
