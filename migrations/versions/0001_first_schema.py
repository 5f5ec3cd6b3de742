"""first schema"""

import sqlalchemy as sa
from alembic import op

from booking.base.db import UTCDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


OVERLAP = "occupancy_no_overlap"
CLEARANCE = "occupancy_clearance"

# Held times of one unit never overlap: only the first row that ends after the new start can be in the way.
SQLITE_OVERLAP = """
CREATE TRIGGER {name} BEFORE {event} ON occupancy WHEN NEW.active
BEGIN
    SELECT RAISE(ABORT, 'occupancy_no_overlap') WHERE (
        SELECT o.starts_at FROM occupancy AS o
        WHERE o.unit_id = NEW.unit_id AND o.active AND o.held_until > NEW.starts_at AND o.id IS NOT NEW.id
        ORDER BY o.held_until LIMIT 1
    ) < NEW.held_until;
END
"""
# 42 days: the longest hold of a normal resource (35) and the longest clearance (7).
SQLITE_CLEARANCE = """
CREATE TRIGGER {name} BEFORE {event} ON occupancy WHEN NEW.active AND NEW.client IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'occupancy_clearance') WHERE EXISTS (
        SELECT 1 FROM occupancy AS o
        WHERE o.unit_id = NEW.unit_id AND o.active AND o.id IS NOT NEW.id
          AND o.starts_at > NEW.starts_at - 42 * 86400 AND o.starts_at < NEW.cleared_until
          AND o.cleared_until > NEW.starts_at AND o.client <> NEW.client
    ) OR EXISTS (
        SELECT 1 FROM occupancy AS o
        WHERE o.unit_id = NEW.unit_id AND o.active AND o.long_stay AND o.id IS NOT NEW.id
          AND o.held_until > NEW.starts_at - 7 * 86400 AND o.starts_at < NEW.cleared_until
          AND o.cleared_until > NEW.starts_at AND o.client <> NEW.client
    );
END
"""
SQLITE_EVENTS = {
    "insert": "INSERT",
    "update": "UPDATE OF unit_id, client, starts_at, held_until, cleared_until, active",
}
POSTGRESQL_EXCLUSION = """
ALTER TABLE occupancy ADD CONSTRAINT occupancy_no_overlap EXCLUDE USING gist (
    int8range(unit_id, unit_id, '[]') WITH &&,
    tstzrange(starts_at, held_until) WITH &&
) WHERE (active)
"""
# The unit's row is locked first, so that two sessions that write past the application see each other's rows.
POSTGRESQL_CLEARANCE = """
CREATE FUNCTION occupancy_clearance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT NEW.active OR NEW.client IS NULL THEN
        RETURN NEW;
    END IF;
    IF current_setting('transaction_isolation') = 'repeatable read' THEN
        RAISE EXCEPTION 'occupancy_clearance: use READ COMMITTED or SERIALIZABLE'
            USING ERRCODE = 'check_violation';
    END IF;
    PERFORM 1 FROM units WHERE id = NEW.unit_id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT 1 FROM occupancy AS o
        WHERE o.unit_id = NEW.unit_id AND o.active AND o.id <> NEW.id
          AND o.starts_at > NEW.starts_at - interval '1008 hours' AND o.starts_at < NEW.cleared_until
          AND o.cleared_until > NEW.starts_at AND o.client <> NEW.client
    ) OR EXISTS (
        SELECT 1 FROM occupancy AS o
        WHERE o.unit_id = NEW.unit_id AND o.active AND o.long_stay AND o.id <> NEW.id
          AND o.held_until > NEW.starts_at - interval '168 hours' AND o.starts_at < NEW.cleared_until
          AND o.cleared_until > NEW.starts_at AND o.client <> NEW.client
    ) THEN
        RAISE EXCEPTION 'occupancy_clearance'
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'occupancy_clearance';
    END IF;
    RETURN NEW;
END
$$
"""
POSTGRESQL_CLEARANCE_TRIGGER = """
CREATE TRIGGER occupancy_clearance
BEFORE INSERT OR UPDATE OF unit_id, client, starts_at, held_until, cleared_until, active ON occupancy
FOR EACH ROW EXECUTE FUNCTION occupancy_clearance()
"""


def _raise_guard() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb, event in SQLITE_EVENTS.items():
            op.execute(SQLITE_OVERLAP.format(name=f"{OVERLAP}_{verb}", event=event))
            op.execute(SQLITE_CLEARANCE.format(name=f"{CLEARANCE}_{verb}", event=event))
        return
    for statement in (POSTGRESQL_EXCLUSION, POSTGRESQL_CLEARANCE, POSTGRESQL_CLEARANCE_TRIGGER):
        op.execute(statement)


def _lower_guard() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb in SQLITE_EVENTS:
            op.execute(f"DROP TRIGGER {OVERLAP}_{verb}")
            op.execute(f"DROP TRIGGER {CLEARANCE}_{verb}")
        return
    op.execute("DROP TRIGGER occupancy_clearance ON occupancy")
    op.execute("DROP FUNCTION occupancy_clearance()")


def _lengths() -> list[sa.CheckConstraint]:
    """No hold is longer than its class allows, so that no window query looks further back than that."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    hold = "35 * 86400" if sqlite else "interval '840 hours'"
    clearance = "7 * 86400" if sqlite else "interval '168 hours'"
    return [
        sa.CheckConstraint(
            f"long_stay OR held_until <= starts_at + {hold}", name=op.f("ck_occupancy_longest_hold")
        ),
        sa.CheckConstraint(
            f"cleared_until <= held_until + {clearance}", name=op.f("ck_occupancy_longest_clearance")
        ),
    ]


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("object_kind", sa.String(length=40), nullable=False),
        sa.Column("object_id", sa.Integer(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index("ix_audit_object", ["object_kind", "object_id", "id"], unique=False)

    op.create_table(
        "directory",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory")),
    )
    op.create_table(
        "facilities",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("holidays", sa.String(length=20), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facilities")),
        sa.UniqueConstraint("code", name=op.f("uq_facilities_code")),
    )
    op.create_table(
        "holds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    op.create_table(
        "modules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("mode", sa.String(length=40), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("valid_months", sa.Integer(), nullable=False),
        sa.Column("lapse_months", sa.Integer(), nullable=False),
        sa.Column("assessed", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_modules")),
        sa.UniqueConstraint("code", name=op.f("uq_modules_code")),
    )
    op.create_table(
        "organisations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("alias", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("tier", sa.String(length=20), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('host', 'academic', 'member', 'industry', 'supplier')",
            name=op.f("ck_organisations_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("code", name=op.f("uq_organisations_code")),
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_failures")),
    )
    with op.batch_alter_table("sign_in_failures", schema=None) as batch_op:
        batch_op.create_index("ix_sign_in_failures_account", ["account", "at"], unique=False)
        batch_op.create_index("ix_sign_in_failures_address", ["address", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sign_in_failures_at"), ["at"], unique=False)

    op.create_table(
        "opening_hours",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=False),
        sa.Column("hours", sa.String(length=10), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.CheckConstraint("opens < closes", name=op.f("ck_opening_hours_order")),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_opening_hours_weekday")),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facilities.id"], name=op.f("fk_opening_hours_facility_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening_hours")),
        sa.UniqueConstraint("facility_id", "hours", "weekday", "opens", name="uq_opening_hours"),
    )
    op.create_table(
        "prerequisites",
        sa.Column("module_id", sa.Integer(), nullable=False),
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["first_id"], ["modules.id"], name=op.f("fk_prerequisites_first_id")),
        sa.ForeignKeyConstraint(["module_id"], ["modules.id"], name=op.f("fk_prerequisites_module_id")),
        sa.PrimaryKeyConstraint("module_id", "first_id", name=op.f("pk_prerequisites")),
    )
    op.create_table(
        "projects",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("confidential", sa.Boolean(), nullable=False),
        sa.Column("cost_code", sa.String(length=40), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_projects_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("code", name=op.f("uq_projects_code")),
    )
    with op.batch_alter_table("projects", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_projects_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "rooms",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("room_class", sa.String(length=200), nullable=False),
        sa.Column("max_persons", sa.Integer(), nullable=False),
        sa.Column("lone_working", sa.String(length=200), nullable=False),
        sa.Column("accessible", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("max_persons >= 0", name=op.f("ck_rooms_max_persons")),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_rooms_facility_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rooms")),
        sa.UniqueConstraint("code", name=op.f("uq_rooms_code")),
    )
    with op.batch_alter_table("rooms", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rooms_facility_id"), ["facility_id"], unique=False)

    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("group", sa.String(length=100), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("renamed_at", UTCDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "role IN ('student', 'researcher', 'industry', 'staff', 'admin')", name=op.f("ck_users_role")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_users_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
        sa.UniqueConstraint("public_id", name=op.f("uq_users_public_id")),
    )
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_users_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=10), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=True),
        sa.Column("last_used_at", UTCDateTime(), nullable=True),
        sa.Column("revoked_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_api_tokens_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("public_id", name=op.f("uq_api_tokens_public_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    with op.batch_alter_table("api_tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_tokens_user_id"), ["user_id"], unique=False)

    op.create_table(
        "bookings",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("client", sa.String(length=40), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=False),
        sa.Column("organiser_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("supervisor_id", sa.Integer(), nullable=True),
        sa.Column("made_by_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.Column("revised_at", UTCDateTime(), nullable=False),
        sa.Column("answer_due_at", UTCDateTime(), nullable=True),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("long_stay", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status IN ('requested', 'confirmed', 'in_use', 'completed', 'cancelled', 'declined', 'no_show')",
            name=op.f("ck_bookings_status"),
        ),
        sa.CheckConstraint("people >= 0", name=op.f("ck_bookings_people")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_bookings_order")),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_bookings_facility_id")),
        sa.ForeignKeyConstraint(["id"], ["holds.id"], name=op.f("fk_bookings_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["users.id"], name=op.f("fk_bookings_made_by_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_bookings_organisation_id")
        ),
        sa.ForeignKeyConstraint(["organiser_id"], ["users.id"], name=op.f("fk_bookings_organiser_id")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_bookings_project_id")),
        sa.ForeignKeyConstraint(["supervisor_id"], ["users.id"], name=op.f("fk_bookings_supervisor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookings")),
        sa.UniqueConstraint("public_id", name=op.f("uq_bookings_public_id")),
        sa.UniqueConstraint("uid", name=op.f("uq_bookings_uid")),
    )
    with op.batch_alter_table("bookings", schema=None) as batch_op:
        batch_op.create_index(
            "ix_bookings_long",
            ["ends_at"],
            unique=False,
            sqlite_where=sa.text("long_stay = 1"),
            postgresql_where=sa.text("long_stay"),
        )
        batch_op.create_index("ix_bookings_organisation", ["organisation_id", "starts_at"], unique=False)
        batch_op.create_index("ix_bookings_organiser", ["organiser_id", "starts_at"], unique=False)
        batch_op.create_index("ix_bookings_project", ["project_id", "starts_at"], unique=False)
        batch_op.create_index("ix_bookings_requests", ["status", "answer_due_at"], unique=False)
        batch_op.create_index("ix_bookings_supervisor", ["supervisor_id", "starts_at"], unique=False)
        batch_op.create_index(
            "ix_bookings_window",
            ["starts_at"],
            unique=False,
            sqlite_where=sa.text("long_stay = 0"),
            postgresql_where=sa.text("NOT long_stay"),
        )

    op.create_table(
        "competences",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("module_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(length=12), nullable=False),
        sa.Column("awarded_on", sa.Date(), nullable=False),
        sa.Column("valid_through", sa.Date(), nullable=True),
        sa.CheckConstraint("level IN ('trainee', 'competent', 'trainer')", name=op.f("ck_competences_level")),
        sa.ForeignKeyConstraint(["module_id"], ["modules.id"], name=op.f("fk_competences_module_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_competences_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_competences")),
        sa.UniqueConstraint("user_id", "module_id", name="uq_competences"),
    )
    op.create_table(
        "coordinators",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_coordinators_organisation_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_coordinators_user_id")),
        sa.PrimaryKeyConstraint("organisation_id", "user_id", name=op.f("pk_coordinators")),
    )
    with op.batch_alter_table("coordinators", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_coordinators_user_id"), ["user_id"], unique=False)

    op.create_table(
        "duties",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=False),
        sa.Column("duty", sa.String(length=20), nullable=False),
        sa.CheckConstraint(
            "duty IN ('facility_manager', 'technician', 'trainer', 'quality_officer', 'observer')",
            name=op.f("ck_duties_duty"),
        ),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_duties_facility_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_duties_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duties")),
        sa.UniqueConstraint("user_id", "facility_id", "duty", name="uq_duties"),
    )
    with op.batch_alter_table("duties", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_duties_user_id"), ["user_id"], unique=False)

    op.create_table(
        "idempotency_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_idempotency_keys_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_keys")),
        sa.UniqueConstraint("user_id", "key", name="uq_idempotency_keys_user_key"),
    )
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotency_keys_created_at"), ["created_at"], unique=False)

    op.create_table(
        "memberships",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("lead", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_memberships_project_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_memberships_user_id")),
        sa.PrimaryKeyConstraint("project_id", "user_id", name=op.f("pk_memberships")),
    )
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_memberships_user_id"), ["user_id"], unique=False)

    op.create_table(
        "permits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("room_id", sa.Integer(), nullable=True),
        sa.Column("granted_by", sa.String(length=200), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_through", sa.Date(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_permits_project_id")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_permits_room_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_permits_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permits")),
        sa.UniqueConstraint("reference", name=op.f("uq_permits_reference")),
    )
    op.create_table(
        "presence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hold_id", sa.Integer(), nullable=False),
        sa.Column("room_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("starts_at < ends_at AND people > 0", name=op.f("ck_presence_order")),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_presence_hold_id")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_presence_room_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_presence")),
    )
    with op.batch_alter_table("presence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_presence_hold_id"), ["hold_id"], unique=False)
        batch_op.create_index(
            "ix_presence_room",
            ["room_id", "starts_at"],
            unique=False,
            sqlite_where=sa.text("active = 1"),
            postgresql_where=sa.text("active"),
        )

    op.create_table(
        "resources",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=False),
        sa.Column("room_id", sa.Integer(), nullable=True),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("model_class", sa.String(length=200), nullable=False),
        sa.Column("unit_name", sa.String(length=40), nullable=False),
        sa.Column("running", sa.String(length=10), nullable=False),
        sa.Column("approval", sa.Boolean(), nullable=False),
        sa.Column("needs", sa.String(length=200), nullable=False),
        sa.Column("long_stay", sa.Boolean(), nullable=False),
        sa.Column("outlook", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("renamed_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('workstation', 'incubator', 'bioreactor', 'downstream', 'analytical', 'storage', 'support', 'teaching', 'people', 'room')",
            name=op.f("ck_resources_kind"),
        ),
        sa.CheckConstraint("running IN ('attended', 'ends', 'free')", name=op.f("ck_resources_running")),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_resources_facility_id")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_resources_room_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resources")),
        sa.UniqueConstraint("code", name=op.f("uq_resources_code")),
    )
    with op.batch_alter_table("resources", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_resources_facility_id"), ["facility_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_resources_room_id"), ["room_id"], unique=False)

    op.create_table(
        "sign_ins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("last_seen_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("revoked_at", UTCDateTime(), nullable=True),
        sa.Column("device", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sign_ins_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
        sa.UniqueConstraint("public_id", name=op.f("uq_sign_ins_public_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_ins_token_hash")),
    )
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_ins_user_id"), ["user_id"], unique=False)

    op.create_table(
        "booking_resources",
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("left_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["bookings.id"], name=op.f("fk_booking_resources_booking_id")
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resources.id"], name=op.f("fk_booking_resources_resource_id")
        ),
        sa.PrimaryKeyConstraint("booking_id", "resource_id", name=op.f("pk_booking_resources")),
    )
    with op.batch_alter_table("booking_resources", schema=None) as batch_op:
        batch_op.create_index("ix_booking_resources_window", ["resource_id", "starts_at"], unique=False)

    op.create_table(
        "closures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=False),
        sa.Column("room_id", sa.Integer(), nullable=True),
        sa.Column("resource_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_closures_order")),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_closures_facility_id")),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.id"], name=op.f("fk_closures_resource_id")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_closures_room_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closures")),
    )
    with op.batch_alter_table("closures", schema=None) as batch_op:
        batch_op.create_index("ix_closures_facility", ["facility_id", "last_day"], unique=False)

    op.create_table(
        "event_bytes",
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("audience", sa.String(length=60), nullable=False),
        sa.Column("stamp", sa.String(length=80), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_event_bytes_booking_id")),
        sa.PrimaryKeyConstraint("booking_id", "audience", name=op.f("pk_event_bytes")),
    )
    op.create_table(
        "feeds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=20), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=True),
        sa.Column("room_id", sa.Integer(), nullable=True),
        sa.Column("resource_id", sa.Integer(), nullable=True),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("detail", sa.String(length=10), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("revoked_at", UTCDateTime(), nullable=True),
        sa.Column("fetched_at", UTCDateTime(), nullable=True),
        sa.Column("fetched_by", sa.String(length=40), nullable=False),
        sa.CheckConstraint("detail IN ('full', 'busy')", name=op.f("ck_feeds_detail")),
        sa.CheckConstraint(
            "scope IN ('me', 'resource', 'room', 'facility', 'project', 'organisation')",
            name=op.f("ck_feeds_scope"),
        ),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_feeds_facility_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_feeds_organisation_id")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_feeds_owner_id")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_feeds_project_id")),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.id"], name=op.f("fk_feeds_resource_id")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_feeds_room_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feeds")),
        sa.UniqueConstraint("public_id", name=op.f("uq_feeds_public_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_feeds_token_hash")),
    )
    with op.batch_alter_table("feeds", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_feeds_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "lifecycle_steps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=True),
        sa.Column("resource_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "state IN ('planned', 'commissioning', 'pilot', 'live', 'retiring', 'closed')",
            name=op.f("ck_lifecycle_steps_state"),
        ),
        sa.CheckConstraint(
            "(facility_id IS NULL) <> (resource_id IS NULL)", name=op.f("ck_lifecycle_steps_one_owner")
        ),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facilities.id"], name=op.f("fk_lifecycle_steps_facility_id")
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resources.id"], name=op.f("fk_lifecycle_steps_resource_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lifecycle_steps")),
        sa.UniqueConstraint("facility_id", "starts_on", name="uq_lifecycle_steps_facility"),
        sa.UniqueConstraint("resource_id", "starts_on", name="uq_lifecycle_steps_resource"),
    )
    with op.batch_alter_table("lifecycle_steps", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lifecycle_steps_facility_id"), ["facility_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_lifecycle_steps_resource_id"), ["resource_id"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("recipient_id", sa.Integer(), nullable=False),
        sa.Column("booking_id", sa.Integer(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("sent_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_outbox_booking_id")),
        sa.ForeignKeyConstraint(["recipient_id"], ["users.id"], name=op.f("fk_outbox_recipient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index("ix_outbox_waiting", ["sent_at", "id"], unique=False)

    op.create_table(
        "participants",
        sa.Column("booking_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_participants_booking_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_participants_user_id")),
        sa.PrimaryKeyConstraint("booking_id", "user_id", name=op.f("pk_participants")),
    )
    with op.batch_alter_table("participants", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_participants_user_id"), ["user_id"], unique=False)

    op.create_table(
        "policies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("set_by", sa.String(length=200), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=True),
        sa.Column("resource_id", sa.Integer(), nullable=True),
        sa.Column("role", sa.String(length=20), nullable=True),
        sa.Column("roles", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("opens_on", sa.Date(), nullable=True),
        sa.Column("min_minutes", sa.Integer(), nullable=True),
        sa.Column("max_minutes", sa.Integer(), nullable=True),
        sa.Column("grid_minutes", sa.Integer(), nullable=True),
        sa.Column("notice_minutes", sa.Integer(), nullable=True),
        sa.Column("horizon_days", sa.Integer(), nullable=True),
        sa.Column("setup_minutes", sa.Integer(), nullable=True),
        sa.Column("changeover_minutes", sa.Integer(), nullable=True),
        sa.Column("clearance_minutes", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_policies_facility_id")),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.id"], name=op.f("fk_policies_resource_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policies")),
    )
    with op.batch_alter_table("policies", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_policies_facility_id"), ["facility_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_policies_resource_id"), ["resource_id"], unique=False)

    op.create_table(
        "resource_modules",
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("module_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["module_id"], ["modules.id"], name=op.f("fk_resource_modules_module_id")),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resources.id"], name=op.f("fk_resource_modules_resource_id")
        ),
        sa.PrimaryKeyConstraint("resource_id", "module_id", name=op.f("pk_resource_modules")),
    )
    op.create_table(
        "substitutes",
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("twin_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.id"], name=op.f("fk_substitutes_resource_id")),
        sa.ForeignKeyConstraint(["twin_id"], ["resources.id"], name=op.f("fk_substitutes_twin_id")),
        sa.PrimaryKeyConstraint("resource_id", "twin_id", name=op.f("pk_substitutes")),
    )
    op.create_table(
        "units",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.id"], name=op.f("fk_units_resource_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_units")),
        sa.UniqueConstraint("resource_id", "number", name="uq_units_resource_number"),
    )
    op.create_table(
        "occupancy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hold_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("client", sa.String(length=40), nullable=True),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("held_until", UTCDateTime(), nullable=False),
        sa.Column("cleared_until", UTCDateTime(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("long_stay", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("kind IN ('booking', 'outage', 'move')", name=op.f("ck_occupancy_kind")),
        sa.CheckConstraint(
            "starts_at < held_until AND held_until <= cleared_until", name=op.f("ck_occupancy_order")
        ),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_occupancy_hold_id")),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.id"], name=op.f("fk_occupancy_resource_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_occupancy_unit_id")),
        *_lengths(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_occupancy")),
    )
    with op.batch_alter_table("occupancy", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_occupancy_hold_id"), ["hold_id"], unique=False)
        batch_op.create_index(
            "ix_occupancy_long",
            ["resource_id", "held_until"],
            unique=False,
            sqlite_where=sa.text("active = 1 AND long_stay = 1"),
            postgresql_where=sa.text("active AND long_stay"),
        )
        batch_op.create_index(
            "ix_occupancy_unit_held",
            ["unit_id", "held_until", "starts_at"],
            unique=False,
            sqlite_where=sa.text("active"),
            postgresql_where=sa.text("active"),
        )
        batch_op.create_index(
            "ix_occupancy_unit_start",
            ["unit_id", "starts_at"],
            unique=False,
            sqlite_where=sa.text("active"),
            postgresql_where=sa.text("active"),
        )
        batch_op.create_index(
            "ix_occupancy_window",
            ["resource_id", "starts_at"],
            unique=False,
            sqlite_where=sa.text("active = 1 AND long_stay = 0"),
            postgresql_where=sa.text("active AND NOT long_stay"),
        )
    _raise_guard()
    op.execute("INSERT INTO directory (id, version) VALUES (1, 1)")


def downgrade() -> None:
    _lower_guard()
    with op.batch_alter_table("occupancy", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_occupancy_window",
            sqlite_where=sa.text("active = 1 AND long_stay = 0"),
            postgresql_where=sa.text("active AND NOT long_stay"),
        )
        batch_op.drop_index(
            "ix_occupancy_unit_start", sqlite_where=sa.text("active"), postgresql_where=sa.text("active")
        )
        batch_op.drop_index(
            "ix_occupancy_unit_held", sqlite_where=sa.text("active"), postgresql_where=sa.text("active")
        )
        batch_op.drop_index(
            "ix_occupancy_long",
            sqlite_where=sa.text("active = 1 AND long_stay = 1"),
            postgresql_where=sa.text("active AND long_stay"),
        )
        batch_op.drop_index(batch_op.f("ix_occupancy_hold_id"))

    op.drop_table("occupancy")
    op.drop_table("units")
    op.drop_table("substitutes")
    op.drop_table("resource_modules")
    with op.batch_alter_table("policies", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_policies_resource_id"))
        batch_op.drop_index(batch_op.f("ix_policies_facility_id"))

    op.drop_table("policies")
    with op.batch_alter_table("participants", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_participants_user_id"))

    op.drop_table("participants")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_waiting")

    op.drop_table("outbox")
    with op.batch_alter_table("lifecycle_steps", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lifecycle_steps_resource_id"))
        batch_op.drop_index(batch_op.f("ix_lifecycle_steps_facility_id"))

    op.drop_table("lifecycle_steps")
    with op.batch_alter_table("feeds", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_feeds_owner_id"))

    op.drop_table("feeds")
    op.drop_table("event_bytes")
    with op.batch_alter_table("closures", schema=None) as batch_op:
        batch_op.drop_index("ix_closures_facility")

    op.drop_table("closures")
    with op.batch_alter_table("booking_resources", schema=None) as batch_op:
        batch_op.drop_index("ix_booking_resources_window")

    op.drop_table("booking_resources")
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_ins_user_id"))

    op.drop_table("sign_ins")
    with op.batch_alter_table("resources", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_resources_room_id"))
        batch_op.drop_index(batch_op.f("ix_resources_facility_id"))

    op.drop_table("resources")
    with op.batch_alter_table("presence", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_presence_room", sqlite_where=sa.text("active = 1"), postgresql_where=sa.text("active")
        )
        batch_op.drop_index(batch_op.f("ix_presence_hold_id"))

    op.drop_table("presence")
    op.drop_table("permits")
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_memberships_user_id"))

    op.drop_table("memberships")
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotency_keys_created_at"))

    op.drop_table("idempotency_keys")
    with op.batch_alter_table("duties", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_duties_user_id"))

    op.drop_table("duties")
    with op.batch_alter_table("coordinators", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_coordinators_user_id"))

    op.drop_table("coordinators")
    op.drop_table("competences")
    with op.batch_alter_table("bookings", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_bookings_window",
            sqlite_where=sa.text("long_stay = 0"),
            postgresql_where=sa.text("NOT long_stay"),
        )
        batch_op.drop_index("ix_bookings_supervisor")
        batch_op.drop_index("ix_bookings_requests")
        batch_op.drop_index("ix_bookings_project")
        batch_op.drop_index("ix_bookings_organiser")
        batch_op.drop_index("ix_bookings_organisation")
        batch_op.drop_index(
            "ix_bookings_long", sqlite_where=sa.text("long_stay = 1"), postgresql_where=sa.text("long_stay")
        )

    op.drop_table("bookings")
    with op.batch_alter_table("api_tokens", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_tokens_user_id"))

    op.drop_table("api_tokens")
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_users_organisation_id"))

    op.drop_table("users")
    with op.batch_alter_table("rooms", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rooms_facility_id"))

    op.drop_table("rooms")
    with op.batch_alter_table("projects", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_projects_organisation_id"))

    op.drop_table("projects")
    op.drop_table("prerequisites")
    op.drop_table("opening_hours")
    with op.batch_alter_table("sign_in_failures", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_in_failures_at"))
        batch_op.drop_index("ix_sign_in_failures_address")
        batch_op.drop_index("ix_sign_in_failures_account")

    op.drop_table("sign_in_failures")
    op.drop_table("organisations")
    op.drop_table("modules")
    op.drop_table("holds")
    op.drop_table("facilities")
    op.drop_table("directory")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_object")

    op.drop_table("audit")
