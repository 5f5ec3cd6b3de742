"""mails and timed acts"""

import sqlalchemy as sa
from alembic import op

from booking.base.db import UTCDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NEW = ("next_try_at IS NOT NULL", "done_at IS NULL AND dead_at IS NULL", "dead_at IS NOT NULL")


def only_where(condition: str) -> dict:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def defaults() -> tuple[sa.TextClause, sa.TextClause]:
    """Return what the version before, which knows none of the new columns, writes into them: now, and a name."""
    if op.get_bind().dialect.name == "sqlite":
        return sa.text("(CAST(strftime('%s', 'now') AS INTEGER))"), sa.text("(lower(hex(randomblob(8))))")
    return sa.text("now()"), sa.text("substr(md5(random()::text || clock_timestamp()::text), 1, 16)")


def old_columns() -> list[sa.Column]:
    return [
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("recipient_id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("sent_at", UTCDateTime(), nullable=True),
    ]


def new_columns() -> list[sa.Column]:
    now, name = defaults()
    return [
        sa.Column("public_id", sa.String(length=16), nullable=False, server_default=name),
        sa.Column("due_at", UTCDateTime(), nullable=False, server_default=now),
        sa.Column("next_try_at", UTCDateTime(), nullable=True, server_default=now),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("last_error", sa.Text(), nullable=False, server_default=""),
        sa.Column("done_at", UTCDateTime(), nullable=True),
        sa.Column("dead_at", UTCDateTime(), nullable=True),
        sa.Column("digest_id", sa.Integer(), nullable=True),
    ]


def new_constraints() -> list[sa.Constraint]:
    return [
        sa.UniqueConstraint("public_id", name=op.f("uq_outbox_public_id")),
        sa.ForeignKeyConstraint(["digest_id"], ["outbox.id"], name=op.f("fk_outbox_digest_id")),
    ]


def rebuild(columns: list[sa.Column], constraints: list[sa.Constraint]) -> None:
    """Make SQLite's table anew, as it adds no such columns: the same on every run, which Alembic's way is not."""
    op.create_table(
        "outbox_new",
        *columns,
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_outbox_booking_id")),
        sa.ForeignKeyConstraint(["recipient_id"], ["users.id"], name=op.f("fk_outbox_recipient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        *constraints,
    )
    kept = ", ".join(column.name for column in old_columns())
    op.execute(f"INSERT INTO outbox_new ({kept}) SELECT {kept} FROM outbox")  # noqa: S608 (names from above)
    op.drop_table("outbox")
    op.rename_table("outbox_new", "outbox")


def upgrade() -> None:
    op.create_table(
        "timed_acts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("next_try_at", UTCDateTime(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("done_at", UTCDateTime(), nullable=True),
        sa.Column("dead_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timed_acts")),
    )
    op.create_index("ix_timed_acts_due", "timed_acts", ["next_try_at", "id"], **only_where(NEW[0]))
    op.create_index("ix_timed_acts_dead", "timed_acts", ["dead_at"], **only_where(NEW[2]))
    op.create_index(
        "uq_timed_acts_open",
        "timed_acts",
        ["kind", "subject_id"],
        unique=True,
        **only_where("done_at IS NULL"),
    )
    op.execute(
        "INSERT INTO timed_acts (kind, subject_id, due_at, next_try_at, tries, last_error)"
        " SELECT 'request_expires', id, answer_due_at, answer_due_at, 0, '' FROM bookings"
        " WHERE status = 'requested' AND answer_due_at IS NOT NULL"
    )

    op.create_table(
        "mail_preferences",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("topic", sa.String(length=20), nullable=False),
        sa.Column("how", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_mail_preferences_user_id")),
        sa.PrimaryKeyConstraint("user_id", "topic", name=op.f("pk_mail_preferences")),
    )

    op.create_table(
        "one_use_links",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("used_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_one_use_links_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_use_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_one_use_links_token_hash")),
    )
    op.create_index(op.f("ix_one_use_links_user_id"), "one_use_links", ["user_id"])
    op.create_index(op.f("ix_one_use_links_expires_at"), "one_use_links", ["expires_at"])

    op.drop_index("ix_outbox_waiting", "outbox")
    if op.get_bind().dialect.name == "sqlite":
        rebuild(old_columns() + new_columns(), new_constraints())
    else:
        for column in new_columns():
            op.add_column("outbox", column)
        op.create_unique_constraint(op.f("uq_outbox_public_id"), "outbox", ["public_id"])
        op.create_foreign_key(op.f("fk_outbox_digest_id"), "outbox", "outbox", ["digest_id"], ["id"])
    op.create_index("ix_outbox_due", "outbox", ["next_try_at", "id"], **only_where(NEW[0]))
    op.create_index("ix_outbox_open", "outbox", ["recipient_id"], **only_where(NEW[1]))
    op.create_index("ix_outbox_dead", "outbox", ["dead_at"], **only_where(NEW[2]))
    op.create_index("ix_outbox_booking", "outbox", ["booking_id"])
    op.create_index("ix_outbox_digest", "outbox", ["digest_id"])
    op.execute(
        "UPDATE outbox SET due_at = created_at, done_at = sent_at,"
        " next_try_at = CASE WHEN sent_at IS NULL THEN created_at END"
    )


def downgrade() -> None:
    for index in ("booking", "dead", "digest", "due", "open"):
        op.drop_index(f"ix_outbox_{index}", "outbox")
    op.execute("UPDATE outbox SET digest_id = NULL")
    op.execute("DELETE FROM outbox WHERE kind IN ('digest', 'password_reset', 'invitation')")
    if op.get_bind().dialect.name == "sqlite":
        rebuild(old_columns(), [])
    else:
        for column in reversed(new_columns()):
            op.drop_column("outbox", column.name)
    op.create_index("ix_outbox_waiting", "outbox", ["sent_at", "id"])
    op.drop_table("one_use_links")
    op.drop_table("mail_preferences")
    op.drop_table("timed_acts")
