"""training sessions, levels, permit needs and documents, service certificates"""

import sqlalchemy as sa
from alembic import op

from booking.base.db import UTCDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KINDS = (
    "resource_kind IN ('workstation', 'incubator', 'bioreactor', 'downstream', 'analytical', "
    "'storage', 'support', 'teaching', 'people', 'room')"
)


def upgrade() -> None:
    op.add_column("modules", sa.Column("set_by", sa.String(200), nullable=False, server_default=""))
    op.add_column(
        "resource_modules", sa.Column("level", sa.String(12), nullable=False, server_default="competent")
    )
    op.add_column("competences", sa.Column("used_on", sa.Date(), nullable=True))
    op.create_index("ix_competences_valid_through", "competences", ["valid_through"])
    op.add_column("permits", sa.Column("withdrawn_on", sa.Date(), nullable=True))
    op.create_index(op.f("ix_permits_project_id"), "permits", ["project_id"])
    op.create_index(op.f("ix_permits_user_id"), "permits", ["user_id"])
    op.create_index("ix_permits_valid_through", "permits", ["valid_through"])
    _sessions()
    _permits()
    _certificates()


def _sessions() -> None:
    op.create_table(
        "training_sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("module_id", sa.Integer(), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=False),
        sa.Column("trainer_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("place", sa.String(200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("cancelled_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_training_sessions_order")),
        sa.CheckConstraint("places > 0", name=op.f("ck_training_sessions_places")),
        sa.ForeignKeyConstraint(["module_id"], ["modules.id"], name=op.f("fk_training_sessions_module_id")),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facilities.id"], name=op.f("fk_training_sessions_facility_id")
        ),
        sa.ForeignKeyConstraint(["trainer_id"], ["users.id"], name=op.f("fk_training_sessions_trainer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_sessions")),
    )
    op.create_index("ix_training_sessions_module", "training_sessions", ["module_id", "starts_at"])
    op.create_index("ix_training_sessions_starts", "training_sessions", ["starts_at"])
    op.create_table(
        "session_places",
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("booked_at", UTCDateTime(), nullable=False),
        sa.Column("outcome", sa.String(12), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('passed', 'practice', 'failed', 'absent')", name=op.f("ck_session_places_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["training_sessions.id"], name=op.f("fk_session_places_session_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_session_places_user_id")),
        sa.PrimaryKeyConstraint("session_id", "user_id", name=op.f("pk_session_places")),
    )
    op.create_index(op.f("ix_session_places_user_id"), "session_places", ["user_id"])


def _permits() -> None:
    op.create_table(
        "permit_resources",
        sa.Column("permit_id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["permit_id"], ["permits.id"], name=op.f("fk_permit_resources_permit_id")),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resources.id"], name=op.f("fk_permit_resources_resource_id")
        ),
        sa.PrimaryKeyConstraint("permit_id", "resource_id", name=op.f("pk_permit_resources")),
    )
    op.create_table(
        "permit_documents",
        sa.Column("permit_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("media_type", sa.String(40), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["permit_id"], ["permits.id"], name=op.f("fk_permit_documents_permit_id")),
        sa.PrimaryKeyConstraint("permit_id", name=op.f("pk_permit_documents")),
    )
    op.create_table(
        "permit_needs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=False),
        sa.Column("permit_kind", sa.String(60), nullable=False),
        sa.Column("set_by", sa.String(200), nullable=False),
        sa.Column("room_id", sa.Integer(), nullable=True),
        sa.Column("resource_id", sa.Integer(), nullable=True),
        sa.Column("resource_kind", sa.String(20), nullable=True),
        sa.Column("work", sa.String(60), nullable=True),
        sa.Column("at_times", sa.String(12), nullable=False),
        sa.CheckConstraint(KINDS, name=op.f("ck_permit_needs_resource_kind")),
        sa.CheckConstraint(
            "at_times IN ('always', 'out_of_hours', 'overnight')", name=op.f("ck_permit_needs_at_times")
        ),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_permit_needs_facility_id")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_permit_needs_room_id")),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.id"], name=op.f("fk_permit_needs_resource_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permit_needs")),
    )
    op.create_table(
        "project_works",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("work", sa.String(60), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_project_works_project_id")),
        sa.PrimaryKeyConstraint("project_id", "work", name=op.f("pk_project_works")),
    )


def _certificates() -> None:
    op.create_table(
        "service_certificates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resource_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("reference", sa.String(60), nullable=False),
        sa.Column("examined_on", sa.Date(), nullable=False),
        sa.Column("valid_through", sa.Date(), nullable=False),
        sa.Column("issued_by", sa.String(200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("examined_on <= valid_through", name=op.f("ck_service_certificates_order")),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resources.id"], name=op.f("fk_service_certificates_resource_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_certificates")),
    )
    op.create_index(
        "ix_service_certificates_resource", "service_certificates", ["resource_id", "valid_through"]
    )


def downgrade() -> None:
    for table in (
        "service_certificates",
        "project_works",
        "permit_needs",
        "permit_documents",
        "permit_resources",
        "session_places",
        "training_sessions",
    ):
        op.drop_table(table)
    for index in ("ix_permits_valid_through", "ix_permits_user_id", "ix_permits_project_id"):
        op.drop_index(index, "permits")
    op.drop_column("permits", "withdrawn_on")
    op.drop_index("ix_competences_valid_through", "competences")
    op.drop_column("competences", "used_on")
    op.drop_column("resource_modules", "level")
    op.drop_column("modules", "set_by")
