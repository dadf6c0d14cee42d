"""The record of cleaning, and what became of rows that were set aside: fixes, releases, dismissals."""

import sqlalchemy as sa
from alembic import op

from revrec.store.database import guards

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

TABLES = ("cleaning", "quarantine_fix", "quarantine_outcome")
GUARDS = {
    "quarantine_fix_before_its_end": """
        BEFORE INSERT ON quarantine_fix
        WHEN EXISTS (SELECT 1 FROM quarantine_outcome o WHERE o.quarantine_id = NEW.quarantine_id)
        BEGIN SELECT RAISE(ABORT, 'a row that left the quarantine is not fixed any more'); END""",
    **guards.append_only(TABLES),
    **guards.never_deleted(TABLES),
}


def upgrade() -> None:
    op.create_table(
        "cleaning",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("import_id", KEY, nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("steps", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["import_file.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("cleaning_row", "cleaning", ["import_id", "row"])
    op.create_table(
        "quarantine_fix",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("quarantine_id", KEY, nullable=False),
        sa.Column("fields", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("at", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("audit_seq", KEY, nullable=False),
        sa.ForeignKeyConstraint(["quarantine_id"], ["quarantine.id"]),
        sa.ForeignKeyConstraint(["audit_seq"], ["audit_event.seq"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("quarantine_fix_of", "quarantine_fix", ["quarantine_id"])
    op.create_table(
        "quarantine_outcome",
        sa.Column("quarantine_id", KEY, autoincrement=False, nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("charge", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("at", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("audit_seq", KEY, nullable=False),
        sa.CheckConstraint("outcome IN ('released', 'dismissed')", name="quarantine_outcome_kind"),
        sa.ForeignKeyConstraint(["quarantine_id"], ["quarantine.id"]),
        sa.ForeignKeyConstraint(["audit_seq"], ["audit_event.seq"]),
        sa.PrimaryKeyConstraint("quarantine_id"),
    )
    guards.create(op, GUARDS)


def downgrade() -> None:
    guards.drop(op, GUARDS)
    op.drop_table("quarantine_outcome")
    op.drop_index("quarantine_fix_of", "quarantine_fix")
    op.drop_table("quarantine_fix")
    op.drop_index("cleaning_row", "cleaning")
    op.drop_table("cleaning")
