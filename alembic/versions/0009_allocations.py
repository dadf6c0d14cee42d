"""Contracts whose price is allocated to their lines: over an allocation the differences to what was billed are zero."""

import re
from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

from revrec.store.database import guards

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

SUMS = """
    BEFORE INSERT ON schedule
    WHEN NEW.amount IS NOT {allocated} {changes} (SELECT c.amount FROM charge_line c WHERE c.no = NEW.charge_no)
      OR NEW.amount IS NOT {waiting} (SELECT coalesce(sum(l.amount), 0) FROM schedule_line l
                            WHERE l.charge_no = NEW.charge_no AND l.superseded_by IS NULL)
      OR NEW.amount - NEW.carried IS NOT {waiting} (SELECT coalesce(sum(l.amount), 0) FROM schedule_line l
                            WHERE l.charge_no = NEW.charge_no AND l.version = NEW.version)
    BEGIN SELECT RAISE(ABORT, 'a schedule sums to its charge line'); END"""
WAITING = """coalesce((SELECT w.amount FROM schedule_wait w
                      WHERE w.charge_no = NEW.charge_no AND w.version = NEW.version), 0) +"""
CHANGES = "coalesce((SELECT sum(p.amount) FROM price_change p WHERE p.charge_no = NEW.charge_no), 0) +"
ALLOCATED = "coalesce((SELECT sum(a.amount) FROM schedule_allocation a WHERE a.charge_no = NEW.charge_no), 0) +"

OLD_SUMS = {"schedule_sums_to_charge": SUMS.format(waiting=WAITING, changes=CHANGES, allocated="")}
NEW_SUMS = {"schedule_sums_to_charge": SUMS.format(waiting=WAITING, changes=CHANGES, allocated=ALLOCATED)}
TABLES = ["contract_line", "allocation", "allocation_line", "schedule_allocation"]
GUARDS = {
    "allocation_line_sealed": """
        BEFORE INSERT ON allocation_line
        WHEN EXISTS (SELECT 1 FROM allocation a WHERE a.id = NEW.allocation_id)
        BEGIN SELECT RAISE(ABORT, 'an allocation is complete: no line can be added to it'); END""",
    "allocation_sums_to_price": """
        BEFORE INSERT ON allocation
        WHEN NEW.lines IS NOT (SELECT count(*) FROM allocation_line l WHERE l.allocation_id = NEW.id)
          OR NEW.price IS NOT (SELECT sum(l.billed) FROM allocation_line l WHERE l.allocation_id = NEW.id)
          OR NEW.price IS NOT (SELECT sum(l.allocated) FROM allocation_line l WHERE l.allocation_id = NEW.id)
          OR EXISTS (SELECT 1 FROM allocation_line l LEFT JOIN contract_line c ON c.charge_no = l.charge_no
                     LEFT JOIN charge_line b ON b.no = l.charge_no WHERE l.allocation_id = NEW.id
                     AND (c.contract IS NOT NEW.contract OR b.amount IS NOT l.billed OR b.currency IS NOT NEW.currency))
        BEGIN SELECT RAISE(ABORT, 'an allocation gives the lines of its contract what they were billed in all'); END""",
    "schedule_allocation_sealed": """
        BEFORE INSERT ON schedule_allocation
        WHEN EXISTS (SELECT 1 FROM schedule s WHERE s.charge_no = NEW.charge_no AND s.version = NEW.version)
        BEGIN SELECT RAISE(ABORT, 'a schedule version is complete: its price cannot be changed'); END""",
    **guards.append_only(TABLES),
    **guards.never_deleted(TABLES),
}

CHECK = "CONSTRAINT charge_line_amount CHECK (amount <> 0)"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("charge_line_amount", "charge_line")
    else:
        _rewrite(lambda text: re.sub(rf"\s*{re.escape(CHECK)},?", "", text))
    op.create_table(
        "contract_line",
        sa.Column("charge_no", KEY, nullable=False),
        sa.Column("contract", TEXT, nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("audit_seq", KEY, nullable=False),
        sa.CheckConstraint("part > 0", name="contract_line_part"),
        sa.ForeignKeyConstraint(["audit_seq"], ["audit_event.seq"]),
        sa.ForeignKeyConstraint(["charge_no"], ["charge_line.no"]),
        sa.PrimaryKeyConstraint("charge_no"),
    )
    op.create_index("contract_line_contract", "contract_line", ["contract"], unique=False)
    op.create_table(
        "allocation",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("contract", TEXT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("since", TEXT, nullable=True),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("audit_seq", KEY, nullable=False),
        sa.ForeignKeyConstraint(["audit_seq"], ["audit_event.seq"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contract", "version"),
    )
    op.create_table(
        "allocation_line",
        sa.Column("allocation_id", KEY, nullable=False),
        sa.Column("charge_no", KEY, nullable=False),
        sa.Column("billed", sa.BigInteger(), nullable=False),
        sa.Column("standalone", sa.BigInteger(), nullable=True),
        sa.Column("allocated", sa.BigInteger(), nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["allocation_id"],
            ["allocation.id"],
            name="allocation_line_allocation",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(["charge_no"], ["charge_line.no"]),
        sa.PrimaryKeyConstraint("allocation_id", "charge_no"),
        sqlite_with_rowid=False,
    )
    op.create_index("allocation_line_charge", "allocation_line", ["charge_no"], unique=False)
    op.create_table(
        "schedule_allocation",
        sa.Column("charge_no", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("allocation_id", KEY, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount <> 0", name="schedule_allocation_amount"),
        sa.ForeignKeyConstraint(["allocation_id"], ["allocation.id"]),
        sa.ForeignKeyConstraint(
            ["charge_no", "version"],
            ["schedule.charge_no", "schedule.version"],
            name="schedule_allocation_schedule",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("charge_no", "version"),
        sqlite_with_rowid=False,
    )
    guards.drop(op, OLD_SUMS)
    guards.create(op, {**GUARDS, **NEW_SUMS})


def downgrade() -> None:
    found = op.get_bind().execute(sa.text("SELECT count(*) FROM contract_line")).scalar_one()
    if found:
        raise RuntimeError(f"{found} charge lines belong to contracts; revision 0008 cannot hold them")
    guards.drop(op, {**NEW_SUMS, **GUARDS})
    for table in reversed(TABLES):
        op.drop_table(table)
    guards.create(op, OLD_SUMS)
    if op.get_bind().dialect.name == "postgresql":
        op.create_check_constraint("charge_line_amount", "charge_line", "amount <> 0")
    else:
        _rewrite(lambda text: text.replace("PRIMARY KEY (no)", f"{CHECK}, \n\tPRIMARY KEY (no)"))


def _rewrite(changed: Callable[[str], str]) -> None:
    """Change the text of the table of charge lines on SQLite, which cannot drop a check: the way that its manual gives
    for changes that touch no row."""
    bind = op.get_bind()
    text = bind.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'charge_line'").scalar_one()
    version = bind.exec_driver_sql("PRAGMA schema_version").scalar_one()
    if changed(text) == text:
        raise RuntimeError("the table of charge lines is not as revision 0008 has it")
    bind.exec_driver_sql("PRAGMA writable_schema = ON")
    bind.exec_driver_sql("UPDATE sqlite_master SET sql = ? WHERE name = 'charge_line'", (changed(text),))
    bind.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    bind.exec_driver_sql("PRAGMA writable_schema = RESET")
