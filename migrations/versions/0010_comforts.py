"""the notice board of facilities and rooms; favourites of people; read-only links to bookings"""

import sqlalchemy as sa
from alembic import op

from booking.base.db import UTCDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

EVENTS = ("INSERT", "UPDATE", "DELETE")
RAISE = "UPDATE directory SET version = version + 1 WHERE id = 1"
SQLITE = "CREATE TRIGGER {name} AFTER {event} ON banners BEGIN {what}; END"
POSTGRESQL = (
    "CREATE TRIGGER {name} AFTER {event} ON banners FOR EACH STATEMENT EXECUTE FUNCTION raise_directory()"
)


def upgrade() -> None:
    op.create_table(
        "banners",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=False),
        sa.Column("room_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.String(300), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_banners_order")),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_banners_facility_id")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_banners_room_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_banners")),
    )
    op.create_index("ix_banners_facility", "banners", ["facility_id", "last_day"])
    pattern = SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL
    for event in EVENTS:
        op.execute(pattern.format(name=f"directory_banners_{event.lower()}", event=event, what=RAISE))
    op.create_table(
        "favourites",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_favourites_user_id")),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.id"], name=op.f("fk_favourites_resource_id")),
        sa.PrimaryKeyConstraint("user_id", "resource_id", name=op.f("pk_favourites")),
    )
    op.create_table(
        "booking_links",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_booking_links_booking_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["users.id"], name=op.f("fk_booking_links_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_booking_links_token_hash")),
    )
    op.create_index(op.f("ix_booking_links_booking_id"), "booking_links", ["booking_id"])


def downgrade() -> None:
    op.drop_table("booking_links")
    op.drop_table("favourites")
    op.drop_table("banners")
