"""What waits of a schedule: parts that an event must tell, or a hold has stopped.

A schedule version sums to its charge line with what is carried, its lines and what waits.
"""

import sqlalchemy as sa
from alembic import op

from revrec.store.database import guards

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

SUMS = """
    BEFORE INSERT ON schedule
    WHEN NEW.amount IS NOT (SELECT c.amount FROM charge_line c WHERE c.no = NEW.charge_no)
      OR NEW.amount IS NOT {waiting} (SELECT {valid} FROM schedule_line l
                            WHERE l.charge_no = NEW.charge_no AND l.superseded_by IS NULL)
      OR NEW.amount - NEW.carried IS NOT {waiting} (SELECT coalesce(sum(l.amount), 0) FROM schedule_line l
                            WHERE l.charge_no = NEW.charge_no AND l.version = NEW.version)
    BEGIN SELECT RAISE(ABORT, 'a schedule sums to its charge line'); END"""
WAITING = """coalesce((SELECT w.amount FROM schedule_wait w
                      WHERE w.charge_no = NEW.charge_no AND w.version = NEW.version), 0) +"""

OLD_SUMS = {"schedule_sums_to_charge": SUMS.format(waiting="", valid="sum(l.amount)")}
NEW_SUMS = {"schedule_sums_to_charge": SUMS.format(waiting=WAITING, valid="coalesce(sum(l.amount), 0)")}
GUARDS = {
    "schedule_wait_sealed": """
        BEFORE INSERT ON schedule_wait
        WHEN EXISTS (SELECT 1 FROM schedule s WHERE s.charge_no = NEW.charge_no AND s.version = NEW.version)
        BEGIN SELECT RAISE(ABORT, 'a schedule version is complete: nothing that waits can be added to it'); END""",
    **guards.append_only(["schedule_wait"]),
    **guards.never_deleted(["schedule_wait"]),
}


def upgrade() -> None:
    op.create_table(
        "schedule_wait",
        sa.Column("charge_no", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.CheckConstraint("amount <> 0", name="schedule_wait_amount"),
        sa.CheckConstraint("code IN ('waiting', 'held')", name="schedule_wait_code"),
        sa.ForeignKeyConstraint(
            ["charge_no", "version"],
            ["schedule.charge_no", "schedule.version"],
            name="schedule_wait_schedule",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("charge_no", "version"),
        sqlite_with_rowid=False,
    )
    guards.drop(op, OLD_SUMS)
    guards.create(op, {**GUARDS, **NEW_SUMS})


def downgrade() -> None:
    waits = op.get_bind().execute(sa.text("SELECT count(*) FROM schedule_wait")).scalar_one()
    if waits:
        raise RuntimeError(f"{waits} schedule versions wait in part; revision 0001 cannot hold them")
    guards.drop(op, {**NEW_SUMS, **GUARDS})
    op.drop_table("schedule_wait")
    guards.create(op, OLD_SUMS)
