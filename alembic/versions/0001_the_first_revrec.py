"""The first revrec: charge lines, events, rules, schedules, entries, attempts, audit trail.

The triggers hold what a CHECK cannot: sums over rows, balance, states, and that history is never rewritten.
"""

import sqlalchemy as sa
from alembic import op

from revrec.store.database import guards

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text in the order of its code points, as on SQLite, whatever language the server was set up for."""

APPEND_ONLY = (
    "audit_event",
    "import_file",
    "charge_line",
    "quarantine",
    "fulfilment_event",
    "rule_version",
    "schedule",
    "journal_line",
    "attempt",
    "attempt_outcome",
)
NEVER_DELETED = (*APPEND_ONLY, "schedule_line", "journal_entry", "posting_run", "meta")

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
    "HELD>POSTED",
    "HELD>READY",
    "HELD>CANCELLED",
)

SQLITE_TRIGGERS = {
    "schedule_line_sealed": """
        BEFORE INSERT ON schedule_line
        WHEN NEW.entry_id IS NOT NULL OR NEW.superseded_by IS NOT NULL OR NEW.revision <> 0
          OR EXISTS (SELECT 1 FROM schedule s WHERE s.charge_no = NEW.charge_no AND s.version = NEW.version)
        BEGIN SELECT RAISE(ABORT, 'a schedule version is complete: no line can be added to it'); END""",
    "schedule_line_fixed": """
        BEFORE UPDATE ON schedule_line
        WHEN NEW.charge_no IS NOT OLD.charge_no OR NEW.version IS NOT OLD.version OR NEW.seq IS NOT OLD.seq
          OR NEW.date IS NOT OLD.date OR NEW.amount IS NOT OLD.amount
          OR (NEW.revision IS NOT OLD.revision AND NEW.entry_id IS OLD.entry_id)
        BEGIN SELECT RAISE(ABORT, 'date and amount of a schedule line never change: write a new version'); END""",
    "schedule_line_taken_once": """
        BEFORE UPDATE OF entry_id ON schedule_line
        WHEN NEW.entry_id IS NOT OLD.entry_id AND NOT (
             (OLD.entry_id IS NULL AND OLD.superseded_by IS NULL AND NEW.revision = OLD.revision
              AND NOT EXISTS (SELECT 1 FROM journal_entry e WHERE e.id = NEW.entry_id))
          OR (NEW.entry_id IS NULL AND NEW.revision = OLD.revision + 1 AND EXISTS (
                SELECT 1 FROM journal_entry e WHERE e.id = OLD.entry_id AND e.state IN ('REPLACED', 'CANCELLED'))))
        BEGIN SELECT RAISE(ABORT, 'a schedule line is on at most one live journal entry'); END""",
    "schedule_line_superseded_once": """
        BEFORE UPDATE OF superseded_by ON schedule_line
        WHEN NEW.superseded_by IS NOT OLD.superseded_by
          AND (OLD.superseded_by IS NOT NULL OR OLD.entry_id IS NOT NULL OR NEW.entry_id IS NOT NULL
            OR EXISTS (SELECT 1 FROM schedule s WHERE s.charge_no = NEW.charge_no AND s.version = NEW.superseded_by))
        BEGIN SELECT RAISE(ABORT, 'only an open schedule line can be superseded, once, by a version to come'); END""",
    "schedule_sums_to_charge": """
        BEFORE INSERT ON schedule
        WHEN NEW.amount IS NOT (SELECT c.amount FROM charge_line c WHERE c.no = NEW.charge_no)
          OR NEW.amount IS NOT (SELECT sum(l.amount) FROM schedule_line l
                                WHERE l.charge_no = NEW.charge_no AND l.superseded_by IS NULL)
          OR NEW.amount - NEW.carried IS NOT (SELECT coalesce(sum(l.amount), 0) FROM schedule_line l
                                WHERE l.charge_no = NEW.charge_no AND l.version = NEW.version)
        BEGIN SELECT RAISE(ABORT, 'a schedule sums to its charge line'); END""",
    "journal_line_sealed": """
        BEFORE INSERT ON journal_line
        WHEN EXISTS (SELECT 1 FROM journal_entry e WHERE e.id = NEW.entry_id)
        BEGIN SELECT RAISE(ABORT, 'a journal entry is complete: no line can be added to it'); END""",
    "journal_entry_balances": """
        BEFORE INSERT ON journal_entry
        WHEN NEW.state <> 'READY' OR NEW.lines < 2
          OR NEW.lines IS NOT (SELECT count(*) FROM journal_line l WHERE l.entry_id = NEW.id)
          OR NEW.amount IS NOT (SELECT sum(l.amount) FROM journal_line l
                                WHERE l.entry_id = NEW.id AND l.side = 'debit' AND l.currency = NEW.currency)
          OR NEW.amount IS NOT (SELECT sum(l.amount) FROM journal_line l
                                WHERE l.entry_id = NEW.id AND l.side = 'credit' AND l.currency = NEW.currency)
        BEGIN SELECT RAISE(ABORT, 'a journal entry starts READY and its debits equal its credits'); END""",
    "journal_entry_covers_schedule_lines": """
        BEFORE INSERT ON journal_entry
        WHEN EXISTS (
          SELECT 1 FROM journal_line l
          LEFT JOIN schedule_line s ON s.charge_no = l.charge_no AND s.version = l.version AND s.seq = l.seq
          WHERE l.entry_id = NEW.id AND (s.entry_id IS NOT NEW.id OR abs(s.amount) IS NOT l.amount))
          OR NEW.lines IS NOT (SELECT 2 * count(*) FROM schedule_line s WHERE s.entry_id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'each journal line carries the amount of a schedule line held by its entry'); END""",
    "journal_entry_content_fixed": """
        BEFORE UPDATE ON journal_entry
        WHEN NEW.id IS NOT OLD.id OR NEW.reference IS NOT OLD.reference OR NEW.control_id IS NOT OLD.control_id
          OR NEW.run_id IS NOT OLD.run_id OR NEW.date IS NOT OLD.date OR NEW.journal IS NOT OLD.journal
          OR NEW.entity IS NOT OLD.entity OR NEW.currency IS NOT OLD.currency OR NEW.title IS NOT OLD.title
          OR NEW.amount IS NOT OLD.amount OR NEW.lines IS NOT OLD.lines
          OR NEW.content_hash IS NOT OLD.content_hash OR NEW.created_at IS NOT OLD.created_at
        BEGIN SELECT RAISE(ABORT, 'the content of a journal entry never changes'); END""",
    "journal_entry_posted_fixed": """
        BEFORE UPDATE ON journal_entry WHEN OLD.state = 'POSTED'
        BEGIN SELECT RAISE(ABORT, 'a posted journal entry never changes'); END""",
    "journal_entry_states": f"""
        BEFORE UPDATE OF state ON journal_entry
        WHEN NEW.state IS NOT OLD.state AND (OLD.state || '>' || NEW.state) NOT IN {TRANSITIONS!r}
        BEGIN SELECT RAISE(ABORT, 'the posting state cannot change that way'); END""",
    "journal_entry_posted_has_proof": """
        BEFORE UPDATE OF state ON journal_entry
        WHEN NEW.state = 'POSTED' AND (NEW.record_no IS NULL OR NOT EXISTS (
          SELECT 1 FROM attempt a JOIN attempt_outcome o ON o.attempt_id = a.id
          WHERE a.entry_id = NEW.id AND o.record_no = NEW.record_no))
        BEGIN SELECT RAISE(ABORT, 'POSTED needs a record number and the answer that shows it'); END""",
    "meta_deployment_fixed": """
        BEFORE UPDATE ON meta WHEN OLD.key = 'deployment'
        BEGIN SELECT RAISE(ABORT, 'the deployment id is part of every reference and never changes'); END""",
}


GUARDS = {**SQLITE_TRIGGERS, **guards.append_only(APPEND_ONLY), **guards.never_deleted(NEVER_DELETED)}


def upgrade() -> None:
    op.create_table(
        "audit_event",
        sa.Column("seq", KEY, autoincrement=False, nullable=False),
        sa.Column("at", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("command", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("detail", TEXT, nullable=False),
        sa.Column("previous_hash", TEXT, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("hash"),
    )
    op.create_table(
        "meta",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "posting_run",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("date", TEXT, nullable=False),
        sa.Column("started_at", TEXT, nullable=False),
        sa.Column("finished_at", TEXT, nullable=True),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("outcome", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "rule_version",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("file", TEXT, nullable=False),
        sa.Column("method", TEXT, nullable=False),
        sa.Column("deferred", TEXT, nullable=False),
        sa.Column("accrued", TEXT, nullable=False),
        sa.Column("journal", TEXT, nullable=False),
        sa.Column("memo", TEXT, nullable=False),
        sa.Column("recorded_at", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", "sha256", "deferred", "accrued", "journal", "memo"),
        sa.UniqueConstraint("name", "version"),
    )
    op.create_table(
        "import_file",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("uri", TEXT, nullable=False),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mapping", TEXT, nullable=False),
        sa.Column("imported_at", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("audit_seq", KEY, nullable=False),
        sa.CheckConstraint("kind IN ('charges', 'events')", name="import_file_kind"),
        sa.ForeignKeyConstraint(
            ["audit_seq"],
            ["audit_event.seq"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("import_file", schema=None) as batch_op:
        batch_op.create_index("import_file_sha256", ["sha256"], unique=False)

    op.create_table(
        "journal_entry",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("reference", TEXT, nullable=False),
        sa.Column("control_id", TEXT, nullable=False),
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("date", TEXT, nullable=False),
        sa.Column("journal", TEXT, nullable=False),
        sa.Column("entity", TEXT, nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("content_hash", TEXT, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("owner", TEXT, nullable=True),
        sa.Column("lease_until", TEXT, nullable=True),
        sa.Column("not_before", TEXT, nullable=True),
        sa.Column("record_no", TEXT, nullable=True),
        sa.Column("error_no", TEXT, nullable=True),
        sa.Column("error", TEXT, nullable=True),
        sa.Column("advice", TEXT, nullable=True),
        sa.Column("posted_at", TEXT, nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["posting_run.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("control_id"),
        sa.UniqueConstraint("reference"),
    )
    with op.batch_alter_table("journal_entry", schema=None) as batch_op:
        batch_op.create_index("journal_entry_record_no", ["record_no"], unique=False)
        batch_op.create_index(
            "journal_entry_unsettled",
            ["state"],
            unique=False,
            sqlite_where=sa.text("state IN ('READY', 'SENDING', 'IN_DOUBT', 'REJECTED', 'HELD')"),
            postgresql_where=sa.text("state IN ('READY', 'SENDING', 'IN_DOUBT', 'REJECTED', 'HELD')"),
        )

    op.create_table(
        "attempt",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("entry_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("control_id", TEXT, nullable=False),
        sa.Column("at", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("request", TEXT, nullable=False),
        sa.CheckConstraint("kind IN ('send', 'read_back')", name="attempt_kind"),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["journal_entry.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.create_index("attempt_entry", ["entry_id"], unique=False)

    op.create_table(
        "charge_line",
        sa.Column("no", KEY, autoincrement=False, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("document", TEXT, nullable=False),
        sa.Column("line", TEXT, nullable=False),
        sa.Column("customer", TEXT, nullable=False),
        sa.Column("item", TEXT, nullable=False),
        sa.Column("post_date", TEXT, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("rev_rec_date", TEXT, nullable=True),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("quantity", TEXT, nullable=True),
        sa.Column("service_start", TEXT, nullable=True),
        sa.Column("service_end", TEXT, nullable=True),
        sa.Column("entity", TEXT, nullable=False),
        sa.Column("dimensions", TEXT, nullable=False),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("import_id", KEY, nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount <> 0", name="charge_line_amount"),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["import_file.id"],
        ),
        sa.PrimaryKeyConstraint("no"),
        sa.UniqueConstraint("id"),
    )
    with op.batch_alter_table("charge_line", schema=None) as batch_op:
        batch_op.create_index("charge_line_document", ["document"], unique=False)

    op.create_table(
        "quarantine",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("import_id", KEY, nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("problems", TEXT, nullable=False),
        sa.Column("raw", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["import_file.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "attempt_outcome",
        sa.Column("attempt_id", KEY, nullable=False),
        sa.Column("at", TEXT, nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("record_no", TEXT, nullable=True),
        sa.Column("error", TEXT, nullable=True),
        sa.Column("response", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"],
            ["attempt.id"],
        ),
        sa.PrimaryKeyConstraint("attempt_id"),
    )
    op.create_table(
        "fulfilment_event",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("charge_no", KEY, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("date", TEXT, nullable=False),
        sa.Column("quantity", TEXT, nullable=True),
        sa.Column("percent", TEXT, nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("note", TEXT, nullable=False),
        sa.Column("recorded_at", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("import_id", KEY, nullable=True),
        sa.Column("row", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["charge_no"],
            ["charge_line.no"],
        ),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["import_file.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("fulfilment_event", schema=None) as batch_op:
        batch_op.create_index("fulfilment_event_charge", ["charge_no"], unique=False)

    op.create_table(
        "schedule",
        sa.Column("charge_no", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rule_version_id", KEY, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("carried", sa.BigInteger(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("explanation", TEXT, nullable=False),
        sa.Column("audit_seq", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["audit_seq"],
            ["audit_event.seq"],
        ),
        sa.ForeignKeyConstraint(
            ["charge_no"],
            ["charge_line.no"],
        ),
        sa.ForeignKeyConstraint(
            ["rule_version_id"],
            ["rule_version.id"],
        ),
        sa.PrimaryKeyConstraint("charge_no", "version"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "unscheduled",
        sa.Column("charge_no", KEY, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("rule", TEXT, nullable=True),
        sa.Column("audit_seq", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["audit_seq"],
            ["audit_event.seq"],
        ),
        sa.ForeignKeyConstraint(
            ["charge_no"],
            ["charge_line.no"],
        ),
        sa.PrimaryKeyConstraint("charge_no"),
    )
    op.create_table(
        "schedule_line",
        sa.Column("charge_no", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("date", TEXT, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", KEY, nullable=True),
        sa.Column("revision", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("superseded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("amount <> 0", name="schedule_line_amount"),
        sa.ForeignKeyConstraint(
            ["charge_no", "version"],
            ["schedule.charge_no", "schedule.version"],
            name="schedule_line_schedule",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["charge_no", "superseded_by"],
            ["schedule.charge_no", "schedule.version"],
            name="schedule_line_superseded",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["journal_entry.id"], initially="DEFERRED", deferrable=True),
        sa.PrimaryKeyConstraint("charge_no", "version", "seq"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("schedule_line", schema=None) as batch_op:
        batch_op.create_index(
            "schedule_line_open",
            ["date"],
            unique=False,
            sqlite_where=sa.text("entry_id IS NULL AND superseded_by IS NULL"),
            postgresql_where=sa.text("entry_id IS NULL AND superseded_by IS NULL"),
        )
        batch_op.create_index(
            "schedule_line_taken",
            ["entry_id"],
            unique=False,
            sqlite_where=sa.text("entry_id IS NOT NULL"),
            postgresql_where=sa.text("entry_id IS NOT NULL"),
        )

    op.create_table(
        "journal_line",
        sa.Column("entry_id", KEY, nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("side", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("charge", TEXT, nullable=False),
        sa.Column("charge_no", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("document", TEXT, nullable=False),
        sa.Column("memo", TEXT, nullable=False),
        sa.Column("customer", TEXT, nullable=False),
        sa.Column("item", TEXT, nullable=False),
        sa.Column("dimensions", TEXT, nullable=False),
        sa.CheckConstraint("side IN ('debit', 'credit')", name="journal_line_side"),
        sa.CheckConstraint("amount > 0", name="journal_line_amount"),
        sa.ForeignKeyConstraint(
            ["charge_no", "version", "seq"],
            ["schedule_line.charge_no", "schedule_line.version", "schedule_line.seq"],
            name="journal_line_schedule_line",
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["journal_entry.id"], initially="DEFERRED", deferrable=True),
        sa.PrimaryKeyConstraint("entry_id", "line_no"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("journal_line", schema=None) as batch_op:
        batch_op.create_index("journal_line_once", ["charge_no", "version", "seq", "entry_id", "side"], unique=True)
    guards.create(op, GUARDS)


def downgrade() -> None:
    guards.drop(op, GUARDS)
    with op.batch_alter_table("journal_line", schema=None) as batch_op:
        batch_op.drop_index("journal_line_once")

    op.drop_table("journal_line")
    with op.batch_alter_table("schedule_line", schema=None) as batch_op:
        batch_op.drop_index(
            "schedule_line_taken",
            sqlite_where=sa.text("entry_id IS NOT NULL"),
            postgresql_where=sa.text("entry_id IS NOT NULL"),
        )
        batch_op.drop_index(
            "schedule_line_open",
            sqlite_where=sa.text("entry_id IS NULL AND superseded_by IS NULL"),
            postgresql_where=sa.text("entry_id IS NULL AND superseded_by IS NULL"),
        )

    op.drop_table("schedule_line")
    op.drop_table("unscheduled")
    op.drop_table("schedule")
    with op.batch_alter_table("fulfilment_event", schema=None) as batch_op:
        batch_op.drop_index("fulfilment_event_charge")

    op.drop_table("fulfilment_event")
    op.drop_table("attempt_outcome")
    op.drop_table("quarantine")
    with op.batch_alter_table("charge_line", schema=None) as batch_op:
        batch_op.drop_index("charge_line_document")

    op.drop_table("charge_line")
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.drop_index("attempt_entry")

    op.drop_table("attempt")
    with op.batch_alter_table("journal_entry", schema=None) as batch_op:
        batch_op.drop_index(
            "journal_entry_unsettled",
            sqlite_where=sa.text("state IN ('READY', 'SENDING', 'IN_DOUBT', 'REJECTED', 'HELD')"),
            postgresql_where=sa.text("state IN ('READY', 'SENDING', 'IN_DOUBT', 'REJECTED', 'HELD')"),
        )
        batch_op.drop_index("journal_entry_record_no")

    op.drop_table("journal_entry")
    with op.batch_alter_table("import_file", schema=None) as batch_op:
        batch_op.drop_index("import_file_sha256")

    op.drop_table("import_file")
    op.drop_table("rule_version")
    op.drop_table("posting_run")
    op.drop_table("meta")
    op.drop_table("audit_event")
