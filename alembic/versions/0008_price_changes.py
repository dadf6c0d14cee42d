"""Changes of what a charge line earns in all: a schedule version sums to the price that is in force with it."""

import sqlalchemy as sa
from alembic import op

from revrec.store.database import guards

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

SUMS = """
    BEFORE INSERT ON schedule
    WHEN NEW.amount IS NOT {changes} (SELECT c.amount FROM charge_line c WHERE c.no = NEW.charge_no)
      OR NEW.amount IS NOT {waiting} (SELECT coalesce(sum(l.amount), 0) FROM schedule_line l
                            WHERE l.charge_no = NEW.charge_no AND l.superseded_by IS NULL)
      OR NEW.amount - NEW.carried IS NOT {waiting} (SELECT coalesce(sum(l.amount), 0) FROM schedule_line l
                            WHERE l.charge_no = NEW.charge_no AND l.version = NEW.version)
    BEGIN SELECT RAISE(ABORT, 'a schedule sums to its charge line'); END"""
WAITING = """coalesce((SELECT w.amount FROM schedule_wait w
                      WHERE w.charge_no = NEW.charge_no AND w.version = NEW.version), 0) +"""
CHANGES = "coalesce((SELECT sum(p.amount) FROM price_change p WHERE p.charge_no = NEW.charge_no), 0) +"

OLD_SUMS = {"schedule_sums_to_charge": SUMS.format(waiting=WAITING, changes="")}
NEW_SUMS = {"schedule_sums_to_charge": SUMS.format(waiting=WAITING, changes=CHANGES)}
GUARDS = {
    "price_change_sealed": """
        BEFORE INSERT ON price_change
        WHEN EXISTS (SELECT 1 FROM schedule s WHERE s.charge_no = NEW.charge_no AND s.version = NEW.version)
        BEGIN SELECT RAISE(ABORT, 'a schedule version is complete: its price cannot be changed'); END""",
    **guards.append_only(["price_change"]),
    **guards.never_deleted(["price_change"]),
}


def upgrade() -> None:
    op.create_table(
        "price_change",
        sa.Column("charge_no", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.CheckConstraint("amount <> 0", name="price_change_amount"),
        sa.ForeignKeyConstraint(
            ["charge_no", "version"],
            ["schedule.charge_no", "schedule.version"],
            name="price_change_schedule",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("charge_no", "version"),
        sqlite_with_rowid=False,
    )
    guards.drop(op, OLD_SUMS)
    guards.create(op, {**GUARDS, **NEW_SUMS})


def downgrade() -> None:
    changes = op.get_bind().execute(sa.text("SELECT count(*) FROM price_change")).scalar_one()
    if changes:
        raise RuntimeError(f"{changes} prices were changed; revision 0007 cannot hold them")
    guards.drop(op, {**NEW_SUMS, **GUARDS})
    op.drop_table("price_change")
    guards.create(op, OLD_SUMS)
