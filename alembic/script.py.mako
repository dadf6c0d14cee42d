"""${message}

Tables are made in the words of KEY and TEXT, so that numbers and order are the same on SQLite and PostgreSQL; triggers by
revrec.store.database.guards, which makes each on both. Numbers are given by revrec (next_number), never by the database.
An older revrec refuses a database that this migration has upgraded, by the revision. Write the way down too: a test
walks both, on both databases. Then record the structure anew: python tests/store/write_structure.py
"""

import sqlalchemy as sa
from alembic import op

from revrec.store import guards
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
