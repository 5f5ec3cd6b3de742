"""On SQLite, the clearance guard finds long stays by when they end: by their start it read a unit's whole past.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"

EVENTS = {
    "insert": "INSERT",
    "update": "UPDATE OF unit_id, client, starts_at, held_until, cleared_until, active",
}
# `{start}` is the start as SQLite may use it for an index, or with a plus before it, by which it may not.
CLEARANCE = """
CREATE TRIGGER occupancy_clearance_{verb} BEFORE {event} ON occupancy WHEN NEW.active AND NEW.client IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'occupancy_clearance') WHERE EXISTS (
        SELECT 1 FROM occupancy AS o
        WHERE o.unit_id = NEW.unit_id AND o.active AND o.id IS NOT NEW.id
          AND o.starts_at > NEW.starts_at - 42 * 86400 AND o.starts_at < NEW.cleared_until
          AND o.cleared_until > NEW.starts_at AND o.client <> NEW.client
    ) OR EXISTS (
        SELECT 1 FROM occupancy AS o
        WHERE o.unit_id = NEW.unit_id AND o.active AND o.long_stay AND o.id IS NOT NEW.id
          AND o.held_until > NEW.starts_at - 7 * 86400 AND {start} < NEW.cleared_until
          AND o.cleared_until > NEW.starts_at AND o.client <> NEW.client
    );
END
"""


def _replace(start: str) -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    for verb, event in EVENTS.items():
        op.execute(f"DROP TRIGGER occupancy_clearance_{verb}")
        op.execute(CLEARANCE.format(verb=verb, event=event, start=start))


def upgrade() -> None:
    _replace("+o.starts_at")


def downgrade() -> None:
    _replace("o.starts_at")
