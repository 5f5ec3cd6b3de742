"""the notice board of facilities and rooms; resources that people have marked as their favourites"""

import sqlalchemy as sa
from alembic import op

from booking.base.db import UTCDateTime

revision = "0010"
down_revision = "0005"
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


def downgrade() -> None:
    op.drop_table("favourites")
    op.drop_table("banners")
