"""Series: what repeating bookings have in common, and which booking belongs to which."""

import sqlalchemy as sa
from alembic import op

from booking.base.db import UTCDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "series",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("rrule", sa.Text(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["made_by_id"], ["users.id"], name=op.f("fk_series_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
    )
    # In SQL, as Alembic adds no column with a foreign key on SQLite without making the table anew.
    op.execute(
        "ALTER TABLE bookings ADD COLUMN series_id VARCHAR(16)"
        " CONSTRAINT fk_bookings_series_id REFERENCES series (id)"
    )
    has_series = sa.text("series_id IS NOT NULL")
    op.create_index(
        "ix_bookings_series",
        "bookings",
        ["series_id", "starts_at"],
        postgresql_where=has_series,
        sqlite_where=has_series,
    )


def downgrade() -> None:
    op.execute("DELETE FROM outbox WHERE kind LIKE 'series!_%' ESCAPE '!'")
    op.drop_index("ix_bookings_series", "bookings")
    op.execute("ALTER TABLE bookings DROP COLUMN series_id")
    op.drop_table("series")
