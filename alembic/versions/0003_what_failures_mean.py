"""What each failed attempt was found to mean; an entry that is refused again and again may be set aside.

The list of posting transitions is frozen here as a whole, since its guard is made anew.
"""

import sqlalchemy as sa
from alembic import op

from revrec.store.database import guards

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

BEFORE = (
    "READY>SENDING",
    "READY>REJECTED",
    "READY>IN_DOUBT",
    "SENDING>POSTED",
    "SENDING>REJECTED",
    "SENDING>IN_DOUBT",
    "SENDING>READY",
    "IN_DOUBT>POSTED",
    "IN_DOUBT>SENDING",
    "IN_DOUBT>HELD",
    "REJECTED>REPLACED",
    "HELD>POSTED",
    "HELD>READY",
    "HELD>CANCELLED",
)
TABLES = ("attempt_failure",)
GUARDS = {**guards.append_only(TABLES), **guards.never_deleted(TABLES)}


def states(allowed: tuple[str, ...]) -> dict[str, str]:
    """The guard of the posting states that allows these transitions."""
    return {
        "journal_entry_states": f"""
        BEFORE UPDATE OF state ON journal_entry
        WHEN NEW.state IS NOT OLD.state AND (OLD.state || '>' || NEW.state) NOT IN {allowed!r}
        BEGIN SELECT RAISE(ABORT, 'the posting state cannot change that way'); END"""
    }


def upgrade() -> None:
    op.create_table(
        "attempt_failure",
        sa.Column("attempt_id", KEY, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("error_class", TEXT, nullable=False),
        sa.Column("named", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempt.id"]),
        sa.PrimaryKeyConstraint("attempt_id"),
    )
    guards.create(op, GUARDS)
    guards.drop(op, states(BEFORE))
    guards.create(op, states((*BEFORE, "REJECTED>HELD")))


def downgrade() -> None:
    guards.drop(op, states(BEFORE))
    guards.create(op, states(BEFORE))
    guards.drop(op, GUARDS)
    op.drop_table("attempt_failure")
