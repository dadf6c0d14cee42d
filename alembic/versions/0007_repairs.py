"""Repairs: the versions of those that mended something, and every value that they put in the place of another."""

import sqlalchemy as sa
from alembic import op

from revrec.store.database import guards

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

TABLES = ("repair_version", "repaired_value")
GUARDS = {**guards.append_only(TABLES), **guards.never_deleted(TABLES)}


def upgrade() -> None:
    op.create_table(
        "repair_version",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("file", TEXT, nullable=False),
        sa.Column("recorded_at", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", "version"),
        sa.UniqueConstraint("name", "sha256"),
    )
    op.create_table(
        "repaired_value",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("entry_id", KEY, nullable=False),
        sa.Column("repair_version_id", KEY, nullable=False),
        sa.Column("charge_no", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("side", TEXT, nullable=False),
        sa.Column("field", TEXT, nullable=False),
        sa.Column("before", TEXT, nullable=True),
        sa.Column("after", TEXT, nullable=True),
        sa.CheckConstraint("side IN ('debit', 'credit')", name="repaired_value_side"),
        sa.ForeignKeyConstraint(["entry_id"], ["journal_entry.id"]),
        sa.ForeignKeyConstraint(["repair_version_id"], ["repair_version.id"]),
        sa.ForeignKeyConstraint(
            ["charge_no", "version", "seq"],
            ["schedule_line.charge_no", "schedule_line.version", "schedule_line.seq"],
            name="repaired_value_schedule_line",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("repaired_value_entry", "repaired_value", ["entry_id"])
    op.create_index(
        "repaired_value_once",
        "repaired_value",
        ["charge_no", "version", "seq", "repair_version_id", "side", "field"],
        unique=True,
    )
    guards.create(op, GUARDS)


def downgrade() -> None:
    guards.drop(op, GUARDS)
    op.drop_table("repaired_value")
    op.drop_table("repair_version")
