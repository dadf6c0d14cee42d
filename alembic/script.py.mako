"""${message}

Create tables with KEY and TEXT, so that numbers and text order are the same on SQLite and PostgreSQL, and triggers with
revrec.store.database.guards, which makes each of them on both. Revrec assigns numbers itself (next_number), never the
database. Name the revision r and four digits: an older revrec refuses an upgraded database by comparing them. Write the
downgrade too: a test runs both ways on both databases. Then record the structure: python tests/store/write_structure.py
"""

import sqlalchemy as sa
from alembic import op

from revrec.store.database import guards
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

GUARDS: dict[str, str] = {}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
    guards.create(op, GUARDS)


def downgrade() -> None:
    guards.drop(op, GUARDS)
    ${downgrades if downgrades else "pass"}
