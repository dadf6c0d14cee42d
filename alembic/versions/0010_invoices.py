"""Invoices: documents on their way to Intacct, their attempts, and the rules whose recognition waits for them."""

import sqlalchemy as sa
from alembic import op

from revrec.store.database import guards

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

TRANSITIONS = (
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
    "REJECTED>HELD",
    "HELD>POSTED",
    "HELD>READY",
    "HELD>CANCELLED",
)

APPEND_ONLY = ("invoice_line", "invoice_attempt", "invoice_attempt_outcome", "invoice_attempt_failure", "after_invoice")
TABLES = ("invoice", *APPEND_ONLY)

GUARDS = {
    "invoice_line_sealed": """
        BEFORE INSERT ON invoice_line
        WHEN EXISTS (SELECT 1 FROM invoice i WHERE i.id = NEW.invoice_id)
        BEGIN SELECT RAISE(ABORT, 'an invoice is complete: no line can be added to it'); END""",
    "invoice_of_its_lines": """
        BEFORE INSERT ON invoice
        WHEN NEW.state <> 'READY' OR NEW.lines < 1
          OR NEW.lines IS NOT (SELECT count(*) FROM invoice_line l WHERE l.invoice_id = NEW.id)
          OR NEW.amount IS NOT (SELECT sum(l.amount) FROM invoice_line l WHERE l.invoice_id = NEW.id)
          OR EXISTS (SELECT 1 FROM invoice_line l JOIN charge_line c ON c.no = l.charge_no
                     WHERE l.invoice_id = NEW.id AND c.amount <> l.amount)
        BEGIN SELECT RAISE(ABORT, 'an invoice starts READY, of the amounts of its charge lines'); END""",
    "invoice_once": """
        BEFORE INSERT ON invoice
        WHEN EXISTS (
          SELECT 1 FROM invoice_line l JOIN invoice_line o ON o.charge_no = l.charge_no AND o.invoice_id <> l.invoice_id
          JOIN invoice i ON i.id = o.invoice_id
          WHERE l.invoice_id = NEW.id AND i.state NOT IN ('REPLACED', 'CANCELLED')
            AND (i.kind = NEW.kind OR i.kind = 'ar_invoice' OR NEW.kind = 'ar_invoice'))
        BEGIN SELECT RAISE(ABORT, 'a charge line is on at most one live invoice'); END""",
    "invoice_after_its_order": """
        BEFORE INSERT ON invoice
        WHEN NEW.after_id IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM invoice o WHERE o.id = NEW.after_id AND o.state = 'POSTED')
        BEGIN SELECT RAISE(ABORT, 'a sales invoice is made from an order that is posted'); END""",
    "invoice_content_fixed": """
        BEFORE UPDATE ON invoice
        WHEN NEW.id IS NOT OLD.id OR NEW.reference IS NOT OLD.reference OR NEW.control_id IS NOT OLD.control_id
          OR NEW.run_id IS NOT OLD.run_id OR NEW.kind IS NOT OLD.kind OR NEW.after_id IS NOT OLD.after_id
          OR NEW.source IS NOT OLD.source OR NEW.document IS NOT OLD.document OR NEW.number IS NOT OLD.number
          OR NEW.definition IS NOT OLD.definition OR NEW.date IS NOT OLD.date OR NEW.customer IS NOT OLD.customer
          OR NEW.entity IS NOT OLD.entity OR NEW.currency IS NOT OLD.currency OR NEW.term IS NOT OLD.term
          OR NEW.amount IS NOT OLD.amount OR NEW.lines IS NOT OLD.lines
          OR NEW.content_hash IS NOT OLD.content_hash OR NEW.created_at IS NOT OLD.created_at
        BEGIN SELECT RAISE(ABORT, 'the content of an invoice never changes'); END""",
    "invoice_posted_fixed": """
        BEFORE UPDATE ON invoice WHEN OLD.state = 'POSTED'
        BEGIN SELECT RAISE(ABORT, 'a posted invoice never changes'); END""",
    "invoice_states": f"""
        BEFORE UPDATE OF state ON invoice
        WHEN NEW.state IS NOT OLD.state AND (OLD.state || '>' || NEW.state) NOT IN {TRANSITIONS!r}
        BEGIN SELECT RAISE(ABORT, 'the posting state cannot change that way'); END""",
    "invoice_posted_has_proof": """
        BEFORE UPDATE OF state ON invoice
        WHEN NEW.state = 'POSTED' AND (NEW.record_no IS NULL OR NOT EXISTS (
          SELECT 1 FROM invoice_attempt a JOIN invoice_attempt_outcome o ON o.attempt_id = a.id
          WHERE a.invoice_id = NEW.id AND a.kind <> 'create' AND o.record_no = NEW.record_no))
        BEGIN SELECT RAISE(ABORT, 'POSTED needs a record number and the answer that shows it'); END""",
    **guards.append_only(APPEND_ONLY),
    **guards.never_deleted(TABLES),
}


def upgrade() -> None:
    _invoice()
    _lines()
    _attempts()
    op.create_table(
        "after_invoice",
        sa.Column("rule_version_id", KEY, autoincrement=False, nullable=False),
        sa.Column("rule", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["rule_version_id"], ["rule_version.id"]),
        sa.PrimaryKeyConstraint("rule_version_id"),
    )
    guards.create(op, GUARDS)


def _invoice() -> None:
    names = ("source", "document", "number", "definition", "date", "customer", "entity", "currency", "term")
    said = ("owner", "lease_until", "not_before", "record_no", "error_no", "error", "advice", "posted_at")
    op.create_table(
        "invoice",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("reference", TEXT, nullable=False),
        sa.Column("control_id", TEXT, nullable=False),
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("after_id", KEY, nullable=True),
        *(sa.Column(name, TEXT, nullable=False) for name in names),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("content_hash", TEXT, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        *(sa.Column(name, TEXT, nullable=True) for name in said),
        sa.CheckConstraint("kind IN ('sales_order', 'sales_invoice', 'ar_invoice')", name="invoice_kind"),
        sa.CheckConstraint("(kind = 'sales_invoice') = (after_id IS NOT NULL)", name="invoice_after"),
        sa.ForeignKeyConstraint(["run_id"], ["posting_run.id"]),
        sa.ForeignKeyConstraint(["after_id"], ["invoice.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("control_id"),
        sa.UniqueConstraint("reference"),
    )
    for name in ("document", "number", "record_no", "after_id"):
        op.create_index(f"invoice_{name}", "invoice", [name])
    unsettled = sa.text("state IN ('READY', 'SENDING', 'IN_DOUBT', 'REJECTED', 'HELD')")
    op.create_index("invoice_unsettled", "invoice", ["state"], sqlite_where=unsettled, postgresql_where=unsettled)


def _lines() -> None:
    op.create_table(
        "invoice_line",
        sa.Column("invoice_id", KEY, nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("charge", TEXT, nullable=False),
        sa.Column("charge_no", KEY, nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("item", "description", "quantity", "price")),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("account", "memo", "dimensions")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], deferrable=True, initially="DEFERRED"),
        sa.ForeignKeyConstraint(["charge_no"], ["charge_line.no"]),
        sa.PrimaryKeyConstraint("invoice_id", "line_no"),
        sqlite_with_rowid=False,
    )
    op.create_index("invoice_line_once", "invoice_line", ["charge_no", "invoice_id"], unique=True)


def _attempts() -> None:
    op.create_table(
        "invoice_attempt",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("invoice_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("kind", "control_id", "at", "actor", "request")),
        sa.CheckConstraint("kind IN ('send', 'read_back', 'create')", name="invoice_attempt_kind"),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("invoice_attempt_invoice", "invoice_attempt", ["invoice_id"])
    op.create_table(
        "invoice_attempt_outcome",
        sa.Column("attempt_id", KEY, nullable=False),
        sa.Column("at", TEXT, nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("record_no", TEXT, nullable=True),
        sa.Column("error", TEXT, nullable=True),
        sa.Column("response", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["attempt_id"], ["invoice_attempt.id"]),
        sa.PrimaryKeyConstraint("attempt_id"),
    )
    op.create_table(
        "invoice_attempt_failure",
        sa.Column("attempt_id", KEY, nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("name", "error_class", "named")),
        sa.ForeignKeyConstraint(["attempt_id"], ["invoice_attempt.id"]),
        sa.PrimaryKeyConstraint("attempt_id"),
    )


def downgrade() -> None:
    guards.drop(op, GUARDS)
    for name in reversed(TABLES):
        if name not in ("invoice", "invoice_attempt"):
            op.drop_table(name)
    op.drop_table("invoice_attempt")
    op.drop_table("invoice")
