"""Documents that sources sent, and each time a source was asked."""

import sqlalchemy as sa
from alembic import op

from revrec.store.database import guards

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

TABLES = ("received_document", "source_fetch")
GUARDS = {**guards.append_only(TABLES), **guards.never_deleted(TABLES)}


def upgrade() -> None:
    op.create_table(
        "received_document",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("source", "name", "marker", "sha256")),
        sa.Column("size", sa.BigInteger(), nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("outcome", "detail", "kept", "at", "actor")),
        sa.CheckConstraint("outcome IN ('imported', 'unchanged', 'refused')", name="received_document_outcome"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("received_document_source", "received_document", ["source", "marker"])
    op.create_table(
        "source_fetch",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("source", "started_at", "ended_at", "actor")),
        sa.Column("documents", sa.BigInteger(), nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("source_fetch_source", "source_fetch", ["source"])
    guards.create(op, GUARDS)


def downgrade() -> None:
    guards.drop(op, GUARDS)
    op.drop_index("source_fetch_source", "source_fetch")
    op.drop_table("source_fetch")
    op.drop_index("received_document_source", "received_document")
    op.drop_table("received_document")
