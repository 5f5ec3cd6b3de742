"""Numbers by which what is kept in memory is known to be old.

Whatever changes a person's rights or a name raises the directory's version. Beside a resource's version, which
every change of its bookings raises, its revision counts those that calendars show.

Revision ID: 0002
Revises: 0001
"""

from alembic import op
from sqlalchemy import Column, Integer

revision = "0002"
down_revision = "0001"

# Not the versions of users and projects: each booking raises those.
EVENTS = {
    "users": ("UPDATE OF public_id, email, name, role, organisation_id, active, renamed_at",),
    "organisations": ("UPDATE",),
    "projects": ("UPDATE OF code, name, organisation_id, confidential, active",),
    "memberships": ("INSERT", "UPDATE", "DELETE"),
    "coordinators": ("INSERT", "UPDATE", "DELETE"),
    "duties": ("INSERT", "UPDATE", "DELETE"),
}
RAISE = "UPDATE directory SET version = version + 1 WHERE id = 1"
SQLITE = "CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN {what}; END"
POSTGRESQL_FUNCTION = f"""
CREATE FUNCTION raise_directory() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {RAISE};
    RETURN NULL;
END
$$
"""
POSTGRESQL = (
    "CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION raise_directory()"
)


def _triggers() -> list[tuple[str, str, str]]:
    return [
        (f"directory_{table}_{event.split()[0].lower()}", event, table)
        for table, events in EVENTS.items()
        for event in events
    ]


def upgrade() -> None:
    op.add_column("resources", Column("revision", Integer, nullable=False, server_default="0"))
    sqlite = op.get_bind().dialect.name == "sqlite"
    if not sqlite:
        op.execute(POSTGRESQL_FUNCTION)
    for name, event, table in _triggers():
        op.execute((SQLITE if sqlite else POSTGRESQL).format(name=name, event=event, table=table, what=RAISE))


def downgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for name, _, table in _triggers():
        op.execute(f"DROP TRIGGER {name}" if sqlite else f"DROP TRIGGER {name} ON {table}")
    if not sqlite:
        op.execute("DROP FUNCTION raise_directory()")
    op.execute("ALTER TABLE resources DROP COLUMN revision")
