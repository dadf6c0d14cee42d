"""Accounting periods, entries dated in another period than that of recognition, and the plans behind corrections."""

import sqlalchemy as sa
from alembic import op

from revrec.store.database import guards

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TABLES = ("period_fact", "moved_date", "schedule_plan")

OWN_GUARDS = {
    "moved_date_sealed": """
        BEFORE INSERT ON moved_date
        WHEN NEW.reason = '' OR EXISTS (SELECT 1 FROM journal_entry e WHERE e.id = NEW.entry_id)
        BEGIN SELECT RAISE(ABORT, 'another date than that of recognition is recorded with its entry'); END""",
    "schedule_plan_sealed": """
        BEFORE INSERT ON schedule_plan
        WHEN EXISTS (SELECT 1 FROM schedule s WHERE s.charge_no = NEW.charge_no AND s.version = NEW.version)
        BEGIN SELECT RAISE(ABORT, 'a schedule version is complete: no plan can be added to it'); END""",
    "journal_entry_dated": """
        BEFORE INSERT ON journal_entry
        WHEN EXISTS (SELECT 1 FROM schedule_line s WHERE s.entry_id = NEW.id AND s.date IS NOT
                       coalesce((SELECT m.recognised FROM moved_date m WHERE m.entry_id = NEW.id), NEW.date))
          OR EXISTS (SELECT 1 FROM moved_date m WHERE m.entry_id = NEW.id AND m.recognised >= NEW.date)
        BEGIN SELECT RAISE(ABORT, 'an entry is dated with the day of recognition, or later with a reason'); END""",
}


GUARDS = {**OWN_GUARDS, **guards.append_only(TABLES), **guards.never_deleted(TABLES)}


def upgrade() -> None:
    op.create_table(
        "period_fact",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("entity", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("day", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("at", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.CheckConstraint("kind IN ('through', 'closed', 'open')", name="period_fact_kind"),
        sa.CheckConstraint("source IN ('intacct', 'answer', 'person')", name="period_fact_source"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "moved_date",
        sa.Column("entry_id", KEY, autoincrement=False, nullable=False),
        sa.Column("recognised", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["journal_entry.id"], initially="DEFERRED", deferrable=True),
        sa.PrimaryKeyConstraint("entry_id"),
    )
    op.create_table(
        "schedule_plan",
        sa.Column("charge_no", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("plan", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["charge_no", "version"],
            ["schedule.charge_no", "schedule.version"],
            name="schedule_plan_schedule",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("charge_no", "version"),
        sqlite_with_rowid=False,
    )
    guards.create(op, GUARDS)


def downgrade() -> None:
    guards.drop(op, GUARDS)
    for table in reversed(TABLES):
        op.drop_table(table)
