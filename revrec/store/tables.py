"""The tables in SQLAlchemy Core.

The migrations in ``alembic/`` create them, with triggers that enforce their rules whatever program writes; a test
compares the two. Dates are ISO text (``2024-03-28``), times UTC text (``2024-03-28T06:00:01.123456+00:00``), amounts
whole minor units: the same on every database, readable with any tool, and stable under hashing.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    FromClause,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)

from revrec.core.charge_line import BILLED_LATER

metadata = MetaData()
AutoInteger = BigInteger().with_variant(Integer(), "sqlite")


def _text(name: str, nullable: bool = False) -> Column[str]:
    return Column(name, Text, nullable=nullable)


def _attempt_tables(name: str, postings: str, of: str, also: str = "") -> tuple[Table, Table, Table]:
    """Return the tables of the requests about one kind of posting, of their outcomes, and of their failures.

    - A request is stored without secrets, and committed before it is sent; ``also`` is a third kind of requests.
    - A request without an outcome was cut off, and its posting is in doubt.
    - A failure is the meaning of an answer that did not post: name and class of the catalog; ``named`` is JSON of its
      values.
    """
    kinds = ", ".join(f"'{kind}'" for kind in ("send", "read_back", also) if kind)
    attempts = Table(
        name,
        metadata,
        Column("id", AutoInteger, primary_key=True),
        Column(f"{of}_id", ForeignKey(f"{postings}.id"), nullable=False),
        Column("number", Integer, nullable=False),
        _text("kind"),
        _text("control_id"),
        _text("at"),
        _text("actor"),
        _text("request"),
        Index(f"{name}_{of}", f"{of}_id"),
        CheckConstraint(f"kind IN ({kinds})", name=f"{name}_kind"),
    )
    outcomes = Table(
        f"{name}_outcome",
        metadata,
        Column("attempt_id", ForeignKey(attempts.c.id), primary_key=True),
        _text("at"),
        _text("outcome"),
        Column("http_status", Integer, nullable=True),
        _text("record_no", nullable=True),
        _text("error", nullable=True),
        _text("response"),
    )
    failures = Table(
        f"{name}_failure",
        metadata,
        Column("attempt_id", ForeignKey(attempts.c.id), primary_key=True),
        _text("name"),
        _text("error_class"),
        _text("named"),
    )
    return attempts, outcomes, failures


meta = Table("meta", metadata, Column("key", Text, primary_key=True), _text("value"))
"""``deployment``: the id of the database, part of every reference; ``epoch``: raised by each restore;
``position of source NAME``: how far a source was read."""

audit_event = Table(
    "audit_event",
    metadata,
    Column("seq", AutoInteger, primary_key=True),
    _text("at"),
    _text("actor"),
    _text("command"),
    _text("action"),
    _text("subject"),
    _text("detail"),
    _text("previous_hash"),
    Column("hash", Text, nullable=False, unique=True),
)
"""Append-only and hash-chained: who did what, when and why, written in the same transaction as the change."""

import_file = Table(
    "import_file",
    metadata,
    Column("id", AutoInteger, primary_key=True),
    _text("kind"),
    _text("uri"),
    _text("sha256"),
    Column("size", BigInteger, nullable=False),
    _text("mapping"),
    _text("source"),
    _text("imported_at"),
    _text("actor"),
    Column("audit_seq", ForeignKey("audit_event.seq"), nullable=False),
    CheckConstraint("kind IN ('charges', 'events')", name="import_file_kind"),
    Index("import_file_sha256", "sha256"),
)

charge_line = Table(
    "charge_line",
    metadata,
    Column("no", AutoInteger, primary_key=True),
    Column("id", Text, Computed("source || '/' || document || '/' || line"), nullable=False, unique=True),
    _text("source"),
    _text("document"),
    _text("line"),
    _text("customer"),
    _text("item"),
    _text("post_date"),
    Column("amount", BigInteger, nullable=False),
    _text("currency"),
    _text("rev_rec_date", nullable=True),
    _text("description"),
    _text("quantity", nullable=True),
    _text("service_start", nullable=True),
    _text("service_end", nullable=True),
    _text("entity"),
    _text("credits"),
    Column("recognized_before", BigInteger, nullable=False),
    _text("cutover", nullable=True),
    _text("bills"),
    _text("dimensions"),
    Column("import_id", ForeignKey("import_file.id"), nullable=False),
    Column("row", BigInteger, nullable=False),
    Index("charge_line_document", "document"),
)

CREDITING = charge_line.c.credits != ""
"""The condition that a line names what it credits: the same as of the partial index."""

Index("charge_line_credits", charge_line.c.credits, sqlite_where=CREDITING, postgresql_where=CREDITING)

READABLE = ("source", "document", "line", "customer", "item", "entity", "date", "currency")
"""The texts that are read from a quarantined row as it came; empty if they cannot be read."""

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", AutoInteger, primary_key=True),
    Column("import_id", ForeignKey("import_file.id"), nullable=False),
    Column("row", BigInteger, nullable=False),
    _text("problems"),
    _text("raw"),
    *(_text(name) for name in READABLE),
    Column("amount", BigInteger),
)
"""Rows that ``import --keep-good`` set aside, with all their problems, and what can be read of each as it came."""

quarantine_fix = Table(
    "quarantine_fix",
    metadata,
    Column("id", AutoInteger, primary_key=True),
    Column("quarantine_id", ForeignKey("quarantine.id"), nullable=False),
    _text("fields"),
    _text("reason"),
    _text("at"),
    _text("actor"),
    Column("audit_seq", ForeignKey("audit_event.seq"), nullable=False),
    Index("quarantine_fix_of", "quarantine_id"),
)
"""Values with which a person fixed a row, as JSON by field; the row itself stays as it came."""

quarantine_outcome = Table(
    "quarantine_outcome",
    metadata,
    Column("quarantine_id", ForeignKey("quarantine.id"), primary_key=True),
    _text("outcome"),
    _text("charge"),
    _text("reason"),
    _text("at"),
    _text("actor"),
    Column("audit_seq", ForeignKey("audit_event.seq"), nullable=False),
    CheckConstraint("outcome IN ('released', 'dismissed')", name="quarantine_outcome_kind"),
)
"""The way a quarantined row was settled; the primary key allows this once."""

cleaning = Table(
    "cleaning",
    metadata,
    Column("id", AutoInteger, primary_key=True),
    Column("import_id", ForeignKey("import_file.id"), nullable=False),
    Column("row", BigInteger, nullable=False),
    _text("steps"),
    Index("cleaning_row", "import_id", "row"),
)
"""Changes that cleaning made to a row: JSON lists of field, before, after, step, table and row of the table."""

fulfillment_event = Table(
    "fulfillment_event",
    metadata,
    Column("id", AutoInteger, primary_key=True),
    Column("charge_no", ForeignKey("charge_line.no"), nullable=False),
    _text("kind"),
    _text("date"),
    _text("quantity", nullable=True),
    _text("percent", nullable=True),
    Column("amount", BigInteger, nullable=True),
    _text("name"),
    _text("note"),
    _text("scope"),
    _text("recorded_at"),
    _text("actor"),
    Column("import_id", ForeignKey("import_file.id"), nullable=True),
    Column("row", BigInteger, nullable=True),
    Index("fulfillment_event_charge", "charge_no"),
)

event_withdrawal = Table(
    "event_withdrawal",
    metadata,
    Column("event_id", ForeignKey("fulfillment_event.id"), primary_key=True, autoincrement=False),
    _text("reason"),
    _text("at"),
    _text("actor"),
    Column("audit_seq", ForeignKey("audit_event.seq"), nullable=False),
    CheckConstraint("reason <> ''", name="event_withdrawal_reason"),
)
"""Events that a person withdrew: schedules are derived as if they had never been recorded."""

charge_void = Table(
    "charge_void",
    metadata,
    Column("charge_no", ForeignKey("charge_line.no"), primary_key=True, autoincrement=False),
    _text("reason"),
    _text("at"),
    _text("actor"),
    Column("audit_seq", ForeignKey("audit_event.seq"), nullable=False),
    CheckConstraint("reason <> ''", name="charge_void_reason"),
)
"""Charge lines that should never have arrived: nothing of them is recognized, invoiced or in a balance."""

ORDERED = charge_line.c.bills == BILLED_LATER
"""The condition that a charge line is a contract line, which other lines bill: the same as of the partial index."""

Index("charge_line_ordered", charge_line.c.document, sqlite_where=ORDERED, postgresql_where=ORDERED)

billing_line = Table(
    "billing_line",
    metadata,
    Column("charge_no", ForeignKey("charge_line.no"), primary_key=True, autoincrement=False),
    Column("ordered_no", ForeignKey("charge_line.no"), nullable=False),
    _text("matched_by"),
    Column("audit_seq", ForeignKey("audit_event.seq"), nullable=False),
    CheckConstraint("matched_by IN ('bills', 'contract', 'credits')", name="billing_line_matched_by"),
    CheckConstraint("charge_no <> ordered_no", name="billing_line_of_another"),
    Index("billing_line_ordered", "ordered_no"),
)
"""Charge lines that bill a contract line: they have no schedule, since the contract line earns the revenue.

``matched_by`` is the column that names the contract line: ``bills``, the dimension ``contract`` with the item, or
``credits`` of a line that credits another billing line.
"""

not_invoiced = Table(
    "not_invoiced",
    metadata,
    Column("charge_no", ForeignKey("charge_line.no"), primary_key=True, autoincrement=False),
    _text("reason"),
    _text("at"),
    _text("actor"),
    Column("audit_seq", ForeignKey("audit_event.seq"), nullable=False),
    CheckConstraint("reason <> ''", name="not_invoiced_reason"),
)
"""Charge lines that a person decided not to invoice. They are recognized without waiting for an invoice."""

document_part = Table(
    "document_part",
    metadata,
    Column("charge_no", ForeignKey("charge_line.no"), primary_key=True, autoincrement=False),
    _text("part"),
    _text("as_of"),
)
"""The part of a document that states a charge line, such as one of the invoices of an order, and when its sender last
changed it, as the sender wrote it. Lines of tables have none."""

charge_change = Table(
    "charge_change",
    metadata,
    Column("id", AutoInteger, primary_key=True),
    Column("charge_no", ForeignKey("charge_line.no"), nullable=False),
    Column("import_id", ForeignKey("import_file.id"), nullable=False),
    Column("row", BigInteger, nullable=False),
    _text("figures"),
    _text("as_of"),
    Column("audit_seq", ForeignKey("audit_event.seq"), nullable=False),
    Index("charge_change_charge", "charge_no"),
)
"""Other figures of a charge line, from a document that arrived again: those that can change, as JSON, and ``{}`` if the
document no longer has the line. Events that are recorded with them affect the schedule."""

received_document = Table(
    "received_document",
    metadata,
    Column("id", AutoInteger, primary_key=True),
    _text("source"),
    _text("name"),
    _text("marker"),
    _text("sha256"),
    Column("size", BigInteger, nullable=False),
    _text("outcome"),
    _text("detail"),
    _text("waits_for"),
    _text("kept"),
    _text("at"),
    _text("actor"),
    CheckConstraint("outcome IN ('imported', 'unchanged', 'refused', 'unreachable')", name="received_document_outcome"),
    Index("received_document_source", "source", "name"),
)
"""Documents that sources sent, with their outcome; ``marker`` changes at the source when the content does.

The last row of a source and name counts. ``waits_for`` is a JSON list of the charge lines whose absence is the only
reason why a document was refused; empty for any other document."""
NOT_IMPORTED = received_document.c.outcome.in_(("refused", "unreachable"))
Index("received_document_failed", received_document.c.id, sqlite_where=NOT_IMPORTED, postgresql_where=NOT_IMPORTED)

document_resolution = Table(
    "document_resolution",
    metadata,
    Column("document_id", ForeignKey("received_document.id"), primary_key=True, autoincrement=False),
    _text("outcome"),
    _text("reason"),
    _text("at"),
    _text("actor"),
    CheckConstraint("outcome IN ('dismissed', 'replaced')", name="document_resolution_outcome"),
    CheckConstraint("reason <> ''", name="document_resolution_reason"),
)
"""Refused and unreachable documents that need no attention any more: dismissed by a person, or replaced by others."""

source_fetch = Table(
    "source_fetch",
    metadata,
    Column("id", AutoInteger, primary_key=True),
    _text("source"),
    _text("started_at"),
    _text("ended_at"),
    _text("actor"),
    Column("documents", BigInteger, nullable=False),
    _text("outcome"),
    Index("source_fetch_source", "source"),
)
"""Each fetch from a source; ``outcome`` is ``done``, or why it failed."""

rule_version = Table(
    "rule_version",
    metadata,
    Column("id", AutoInteger, primary_key=True),
    _text("name"),
    Column("version", Integer, nullable=False),
    _text("sha256"),
    _text("text"),
    _text("file"),
    _text("method"),
    _text("deferred"),
    _text("accrued"),
    _text("journal"),
    _text("memo"),
    _text("options"),
    _text("recorded_at"),
    _text("actor"),
    UniqueConstraint("name", "version"),
    UniqueConstraint("name", "sha256", "deferred", "accrued", "journal", "memo", "options"),
)

explanation = Table(
    "explanation",
    metadata,
    Column("id", AutoInteger, primary_key=True),
    _text("text"),
)
"""Why schedules and their prices are as they are. Most schedules of a rule share the text, so it is stored once and
named by its id. Where a schedule version has ``prices``, the text has "%s becomes %s" for each change of the price, and
"%%" for "%": ``schedule_words`` has the complete text."""

plan = Table(
    "plan",
    metadata,
    Column("id", AutoInteger, primary_key=True),
    Column("fingerprint", Text, nullable=False, unique=True),
    _text("kind"),
    Column("parts", Integer, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("smallest", BigInteger, nullable=False),
    _text("first_date"),
    Column("carried", BigInteger, nullable=True),
    Column("whole", BigInteger, nullable=True),
    CheckConstraint("kind IN ('shares', 'amounts', 'changed')", name="plan_kind"),
    CheckConstraint("(smallest > 0) = (kind <> 'amounts') AND smallest >= 0", name="plan_smallest"),
    CheckConstraint(
        "(kind = 'changed') = (carried IS NOT NULL) AND (kind = 'changed') = (whole IS NOT NULL)"
        " AND (carried IS NULL OR carried BETWEEN 1 AND whole)",
        name="plan_carried",
    ),
)
"""The dates of schedules and the weight of each date, shared by all schedule versions with the same dates and weights.

The weights of a plan of ``shares`` divide any amount by cumulative rounding; ``total`` is their sum and ``smallest``
the least of them. The weights of a plan of ``amounts`` are the amounts themselves, in minor units, for a schedule that
no shares result in; ``total`` is their sum and ``smallest`` is 0.

A plan that is ``changed`` begins with the parts that a change of the price, a cancellation or a hold left as they were.
Their weights, ``carried`` in all, are shares of the ``base`` of the schedule version, which weighs ``whole``. The
weights after them divide what these parts leave of ``planned``.

A plan is written after its parts and seals them.
"""

plan_part = Table(
    "plan_part",
    metadata,
    Column("plan_id", ForeignKey("plan.id", deferrable=True, initially="DEFERRED"), nullable=False),
    Column("seq", Integer, nullable=False),
    _text("date"),
    Column("before", BigInteger, nullable=False),
    Column("cumulative", BigInteger, nullable=False),
    PrimaryKeyConstraint("plan_id", "seq"),
    CheckConstraint("cumulative <> before", name="plan_part_weight"),
    sqlite_with_rowid=False,
)
"""A date of a plan, with the weight of all parts before it and the weight including it."""

schedule = Table(
    "schedule",
    metadata,
    Column("charge_no", ForeignKey("charge_line.no"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("rule_version_id", ForeignKey("rule_version.id"), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("posted", BigInteger, nullable=False),
    Column("planned", BigInteger, nullable=False),
    Column("base", BigInteger, nullable=True),
    _text("amounts", nullable=True),
    Column("plan_id", ForeignKey("plan.id"), nullable=True),
    Column("first_seq", Integer, nullable=False),
    Column("lines", Integer, nullable=False),
    Column("explanation_id", ForeignKey("explanation.id"), nullable=False),
    _text("prices", nullable=True),
    Column("audit_seq", ForeignKey("audit_event.seq"), nullable=False),
    Column("superseded_by", Integer, nullable=True),
    _text("open_from", nullable=True),
    PrimaryKeyConstraint("charge_no", "version"),
    ForeignKeyConstraint(
        ["charge_no", "superseded_by"],
        ["schedule.charge_no", "schedule.version"],
        deferrable=True,
        initially="DEFERRED",
        name="schedule_superseded",
    ),
    CheckConstraint("open_from IS NULL OR superseded_by IS NULL", name="schedule_open_from"),
    sqlite_with_rowid=False,
)
"""A version of a recognition schedule: ``planned`` minor units, divided by the plan. Its lines are computed: see
``schedule_line``.

``posted`` is the sum that earlier versions put on journal entries. With ``planned`` and the waiting amount it adds up
to ``amount``, the price of the charge line. If the plan is changed, its first lines are shares of ``base``, such as the
price before a credit; it is null otherwise. If no plan divides ``planned`` into the lines, as after a second change of
the price, ``amounts`` lists them in minor units, each with the same number of characters, and the plan has only the
dates.

Lines are numbered from ``first_seq``, after the posted ones; ``lines`` counts those too, so that a line is "4 of 12" in
any version.

``prices`` is a JSON list of the prices before, between and after the changes that the explanation names, as decimal
text; it is null if the explanation is complete.

Two columns change later: ``superseded_by`` is set once, when the next version is written, and ``open_from`` is the
date of the first line that was never on an entry. It is null if no such line is valid, so the lines that are due are
found without reading the schedules that are done.
"""

HAS_OPEN_LINES = schedule.c.open_from.is_not(None)
Index("schedule_open", schedule.c.open_from, sqlite_where=HAS_OPEN_LINES, postgresql_where=HAS_OPEN_LINES)

price_change = Table(
    "price_change",
    metadata,
    Column("charge_no", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("reason_id", ForeignKey("explanation.id"), nullable=False),
    PrimaryKeyConstraint("charge_no", "version"),
    ForeignKeyConstraint(
        ["charge_no", "version"],
        ["schedule.charge_no", "schedule.version"],
        deferrable=True,
        initially="DEFERRED",
        name="price_change_schedule",
    ),
    CheckConstraint("amount <> 0", name="price_change_amount"),
    sqlite_with_rowid=False,
)
"""The amount that a charge line earns more (below zero: less) by a schedule version than by the version before; the
first version is compared with the charge line."""

contract_line = Table(
    "contract_line",
    metadata,
    Column("charge_no", ForeignKey("charge_line.no"), primary_key=True, autoincrement=False),
    _text("contract"),
    Column("part", Integer, nullable=False),
    Column("audit_seq", ForeignKey("audit_event.seq"), nullable=False),
    CheckConstraint("part > 0", name="contract_line_part"),
    Index("contract_line_contract", "contract"),
)
"""The contract of a charge line, which never changes, and the batch that the line joined with: 1 is the first."""

allocation = Table(
    "allocation",
    metadata,
    Column("id", AutoInteger, primary_key=True),
    _text("contract"),
    Column("version", Integer, nullable=False),
    _text("name"),
    _text("sha256"),
    _text("text"),
    _text("since", nullable=True),
    Column("price", BigInteger, nullable=False),
    _text("currency"),
    Column("lines", Integer, nullable=False),
    Column("audit_seq", ForeignKey("audit_event.seq"), nullable=False),
    UniqueConstraint("contract", "version"),
)
"""An allocation of a contract's price, with the exact text of its rule. It is written after its lines and seals them;
they sum to ``price``, both billed and allocated. ``since`` is the day of a modification."""

allocation_line = Table(
    "allocation_line",
    metadata,
    Column("allocation_id", BigInteger().with_variant(Integer(), "sqlite"), nullable=False),
    Column("charge_no", ForeignKey("charge_line.no"), nullable=False),
    Column("billed", BigInteger, nullable=False),
    Column("standalone", BigInteger, nullable=True),
    Column("allocated", BigInteger, nullable=False),
    _text("reason"),
    _text("warning"),
    PrimaryKeyConstraint("allocation_id", "charge_no"),
    ForeignKeyConstraint(
        ["allocation_id"],
        ["allocation.id"],
        deferrable=True,
        initially="DEFERRED",
        name="allocation_line_allocation",
    ),
    Index("allocation_line_charge", "charge_no"),
    sqlite_with_rowid=False,
)
"""A charge line's share of its contract's price, with its standalone selling price, and why. ``warning`` is what a
person should check of it; else empty."""

schedule_allocation = Table(
    "schedule_allocation",
    metadata,
    Column("charge_no", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("allocation_id", ForeignKey("allocation.id"), nullable=False),
    Column("amount", BigInteger, nullable=False),
    PrimaryKeyConstraint("charge_no", "version"),
    ForeignKeyConstraint(
        ["charge_no", "version"],
        ["schedule.charge_no", "schedule.version"],
        deferrable=True,
        initially="DEFERRED",
        name="schedule_allocation_schedule",
    ),
    CheckConstraint("amount <> 0", name="schedule_allocation_amount"),
    sqlite_with_rowid=False,
)
"""The amount that a charge line earns more (or less) by an allocation, from a schedule version on. With the price
changes and the charge line's amount it adds up to the version's amount."""

schedule_wait = Table(
    "schedule_wait",
    metadata,
    Column("charge_no", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
    _text("code"),
    _text("reason"),
    PrimaryKeyConstraint("charge_no", "version"),
    ForeignKeyConstraint(
        ["charge_no", "version"],
        ["schedule.charge_no", "schedule.version"],
        deferrable=True,
        initially="DEFERRED",
        name="schedule_wait_schedule",
    ),
    CheckConstraint("amount <> 0", name="schedule_wait_amount"),
    CheckConstraint("code IN ('waiting', 'held', 'stopped')", name="schedule_wait_code"),
    sqlite_with_rowid=False,
)
"""The amount of a schedule version that has no date yet: it waits for an event, or a hold has stopped it. It is written
before the version, as the lines are; the newest version's amount is waiting now."""

take_back_line = Table(
    "take_back_line",
    metadata,
    Column("charge_no", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("rule_version_id", ForeignKey("rule_version.id"), nullable=False),
    PrimaryKeyConstraint("charge_no", "version", "seq"),
    ForeignKeyConstraint(
        ["charge_no", "version"],
        ["schedule.charge_no", "schedule.version"],
        deferrable=True,
        initially="DEFERRED",
        name="take_back_line_schedule",
    ),
    sqlite_with_rowid=False,
)
"""A schedule line that takes back what another rule version posted, with the id of that version: the line has its
accounts, journal, memo and options. All other lines have what the rule version of their schedule version says."""

historical_part = Table(
    "historical_part",
    metadata,
    Column("charge_no", ForeignKey("charge_line.no"), nullable=False),
    Column("seq", Integer, nullable=False),
    _text("date"),
    Column("amount", BigInteger, nullable=False),
    Column("rule_version_id", ForeignKey("rule_version.id"), nullable=False),
    PrimaryKeyConstraint("charge_no", "seq"),
    CheckConstraint("amount <> 0", name="historical_part_amount"),
    sqlite_with_rowid=False,
)
"""The parts of a migrated charge line that another system recognized before the cutover. They are written before its
first schedule version, which counts them as posted, and never change. ``rule_version_id`` is the rule of that version:
what is taken back of them leaves its accounts."""

RULE_OF_LINE = func.coalesce(take_back_line.c.rule_version_id, schedule.c.rule_version_id)
"""The rule version that posts a schedule line, for queries of journal lines with ``schedule`` and ``take_back_line``:
computing the line itself, as ``schedule_line`` does, would take longer."""

entered_line = Table(
    "entered_line",
    metadata,
    Column("charge_no", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("entry_id", ForeignKey("journal_entry.id", deferrable=True, initially="DEFERRED"), nullable=True),
    Column("revision", Integer, nullable=False, server_default=text("0")),
    Column("superseded_by", Integer, nullable=True),
    PrimaryKeyConstraint("charge_no", "version", "seq"),
    ForeignKeyConstraint(
        ["charge_no", "version"],
        ["schedule.charge_no", "schedule.version"],
        name="entered_line_schedule",
    ),
    ForeignKeyConstraint(
        ["charge_no", "superseded_by"],
        ["schedule.charge_no", "schedule.version"],
        deferrable=True,
        initially="DEFERRED",
        name="entered_line_superseded",
    ),
    CheckConstraint("entry_id IS NOT NULL OR revision > 0", name="entered_line_was_on_an_entry"),
    sqlite_with_rowid=False,
)
"""A schedule line that is or was on a journal entry: ``entry_id`` is the one entry that it is on.

``revision`` counts the entries that released it. A line that no entry has anymore is open again, unless a version
superseded it since: ``superseded_by``.
"""

ON_ENTRY = entered_line.c.entry_id.is_not(None)
RELEASED = entered_line.c.entry_id.is_(None) & entered_line.c.superseded_by.is_(None)
Index("entered_line_entry", entered_line.c.entry_id, sqlite_where=ON_ENTRY, postgresql_where=ON_ENTRY)
Index("entered_line_released", entered_line.c.charge_no, sqlite_where=RELEASED, postgresql_where=RELEASED)

views = MetaData()
"""The views, which have no rows: a schedule line is computed from its version, its plan and its entry."""

schedule_line = Table(
    "schedule_line",
    views,
    Column("charge_no", BigInteger, nullable=False, primary_key=True),
    Column("version", Integer, nullable=False, primary_key=True),
    Column("seq", Integer, nullable=False, primary_key=True),
    _text("date"),
    Column("amount", BigInteger, nullable=False),
    Column("entry_id", BigInteger, nullable=True),
    Column("revision", Integer, nullable=False),
    Column("superseded_by", Integer, nullable=True),
    Column("rule_version_id", BigInteger, nullable=False),
)
"""A view: every line of every schedule version. ``entry_id`` is the one entry that the line is on; ``superseded_by``
the schedule version that replaced it; ``rule_version_id`` the rule version that posts it."""

OPEN = schedule_line.c.entry_id.is_(None) & schedule_line.c.superseded_by.is_(None)
"""The condition that a schedule line is on no entry and valid. ``open_line`` has these lines, and finds them faster."""

schedule_words = Table(
    "schedule_words",
    views,
    Column("charge_no", BigInteger, nullable=False, primary_key=True),
    Column("version", Integer, nullable=False, primary_key=True),
    _text("explanation"),
    _text("price_reason", nullable=True),
)
"""A view: why each schedule version is as it is, and why its price changed, if it did."""

open_line = Table(
    "open_line",
    views,
    Column("charge_no", BigInteger, nullable=False, primary_key=True),
    Column("version", Integer, nullable=False, primary_key=True),
    Column("seq", Integer, nullable=False, primary_key=True),
    _text("date"),
    Column("amount", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    _text("open_from"),
    Column("rule_version_id", BigInteger, nullable=False),
)
"""A view: the schedule lines that are on no entry and valid. No line is dated before its ``open_from``, the date of
the first such line of its version, which an index finds: name both to read the lines until a day."""

schedule_plan = Table(
    "schedule_plan",
    metadata,
    Column("charge_no", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    _text("plan"),
    PrimaryKeyConstraint("charge_no", "version"),
    ForeignKeyConstraint(
        ["charge_no", "version"],
        ["schedule.charge_no", "schedule.version"],
        deferrable=True,
        initially="DEFERRED",
        name="schedule_plan_schedule",
    ),
    sqlite_with_rowid=False,
)
"""The whole plan of a schedule version with posted lines: ``[["2024-03-07", 129900], ...]``. The plan of any other
version is its lines."""

unscheduled = Table(
    "unscheduled",
    metadata,
    Column("charge_no", ForeignKey("charge_line.no"), primary_key=True),
    _text("code"),
    _text("reason"),
    _text("rule", nullable=True),
    Column("amount", BigInteger, nullable=False),
    Column("audit_seq", ForeignKey("audit_event.seq"), nullable=False),
)
"""Charge lines without a schedule, each with the reason and its price in force: a worklist, not a history."""

past_unscheduled = Table(
    "past_unscheduled",
    metadata,
    Column("id", AutoInteger, primary_key=True),
    Column("charge_no", ForeignKey("charge_line.no"), nullable=False),
    _text("code"),
    _text("reason"),
    _text("rule", nullable=True),
    Column("amount", BigInteger, nullable=False),
    Column("audit_seq", ForeignKey("audit_event.seq"), nullable=False),
    Column("ended_seq", ForeignKey("audit_event.seq"), nullable=False),
)
"""Rows that left the worklist ``unscheduled``, with the audit event that took them off it: its history."""

posting_run = Table(
    "posting_run",
    metadata,
    Column("id", AutoInteger, primary_key=True),
    _text("date"),
    _text("started_at"),
    _text("finished_at", nullable=True),
    _text("actor"),
    _text("outcome", nullable=True),
)

journal_entry = Table(
    "journal_entry",
    metadata,
    Column("id", AutoInteger, primary_key=True),
    Column("reference", Text, nullable=False, unique=True),
    Column("control_id", Text, nullable=False, unique=True),
    Column("run_id", ForeignKey("posting_run.id"), nullable=False),
    _text("date"),
    _text("journal"),
    _text("entity"),
    _text("currency"),
    _text("title"),
    Column("amount", BigInteger, nullable=False),
    Column("lines", Integer, nullable=False),
    _text("content_hash"),
    _text("created_at"),
    _text("state"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    _text("owner", nullable=True),
    _text("lease_until", nullable=True),
    _text("not_before", nullable=True),
    _text("record_no", nullable=True),
    _text("error_no", nullable=True),
    _text("error", nullable=True),
    _text("advice", nullable=True),
    _text("posted_at", nullable=True),
    Index("journal_entry_record_no", "record_no"),
)
"""A journal entry and its posting state. It is written after its lines and seals them; its content never changes."""

UNSETTLED = journal_entry.c.state.in_(("READY", "SENDING", "AWAITING_APPROVAL", "IN_DOUBT", "REJECTED", "HELD"))
Index("journal_entry_unsettled", journal_entry.c.state, sqlite_where=UNSETTLED, postgresql_where=UNSETTLED)

journal_line = Table(
    "journal_line",
    metadata,
    Column("entry_id", ForeignKey("journal_entry.id", deferrable=True, initially="DEFERRED"), nullable=False),
    Column("line_no", Integer, nullable=False),
    _text("side"),
    _text("account"),
    Column("amount", BigInteger, nullable=False),
    _text("currency"),
    _text("charge"),
    Column("charge_no", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("seq", Integer, nullable=False),
    _text("document"),
    _text("memo"),
    _text("customer"),
    _text("item"),
    _text("dimensions"),
    PrimaryKeyConstraint("entry_id", "line_no"),
    ForeignKeyConstraint(
        ["charge_no", "version", "seq"],
        ["entered_line.charge_no", "entered_line.version", "entered_line.seq"],
        deferrable=True,
        initially="DEFERRED",
        name="journal_line_entered_line",
    ),
    CheckConstraint("amount > 0", name="journal_line_amount"),
    CheckConstraint("side IN ('debit', 'credit')", name="journal_line_side"),
    Index("journal_line_once", "charge_no", "version", "seq", "entry_id", "side", unique=True),
    sqlite_with_rowid=False,
)

account_sum = Table(
    "account_sum",
    metadata,
    Column("entry_id", ForeignKey("journal_entry.id", deferrable=True, initially="DEFERRED"), nullable=False),
    _text("account"),
    _text("side"),
    Column("lines", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
    PrimaryKeyConstraint("entry_id", "account", "side"),
    sqlite_with_rowid=False,
)
"""The number and the sum of the journal lines of an entry on one side of an account, so that reports need not read
millions of lines. They are written before the entry, which seals them: a trigger compares them with the lines."""

summary_line = Table(
    "summary_line",
    metadata,
    Column("entry_id", ForeignKey("journal_entry.id", deferrable=True, initially="DEFERRED"), nullable=False),
    Column("line_no", Integer, nullable=False),
    _text("side"),
    _text("account"),
    Column("amount", BigInteger, nullable=False),
    _text("currency"),
    _text("memo"),
    _text("customer"),
    _text("item"),
    _text("dimensions"),
    _text("billed", nullable=True),
    _text("fields"),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    PrimaryKeyConstraint("entry_id", "line_no"),
    CheckConstraint("amount > 0", name="summary_line_amount"),
    CheckConstraint("side IN ('debit', 'credit')", name="summary_line_side"),
    sqlite_with_rowid=False,
)
"""A line of a summarized entry as Intacct gets it: the sum of the journal lines of its side from ``first`` to ``last``.
An entry without such lines is sent line by line."""

attempt, attempt_outcome, attempt_failure = _attempt_tables("attempt", "journal_entry", "entry")

entry_date_override = Table(
    "entry_date_override",
    metadata,
    Column(
        "entry_id",
        ForeignKey("journal_entry.id", deferrable=True, initially="DEFERRED"),
        primary_key=True,
        autoincrement=False,
    ),
    _text("recognition_date"),
    _text("reason"),
)
"""Entries that are dated with a day other than the recognition date, and why; written before the entry, as its lines
are. Any other entry has the date of its schedule lines."""

entry_reversal = Table(
    "entry_reversal",
    metadata,
    Column("id", AutoInteger, primary_key=True),
    Column("reverses", ForeignKey("journal_entry.id"), nullable=False),
    Column("times", Integer, nullable=False),
    Column("entry_id", ForeignKey("journal_entry.id", deferrable=True, initially="DEFERRED"), nullable=True),
    _text("record_no", nullable=True),
    _text("date"),
    Column("final", Integer, nullable=False),
    _text("reason"),
    _text("at"),
    _text("actor"),
    UniqueConstraint("reverses", "times"),
    UniqueConstraint("entry_id"),
    CheckConstraint("final IN (0, 1)", name="entry_reversal_final"),
    CheckConstraint("entry_id IS NULL OR record_no IS NULL", name="entry_reversal_where"),
)
"""A reversal of a posted entry: by the mirror entry ``entry_id``, written before that entry, or by a person in Intacct.

A person's has no ``entry_id``; ``record_no`` is the record number of Intacct's reversing entry, null if the entry was
deleted. From ``date`` on the entry is no longer recognized. Its schedule lines are open again once the mirror entry is
posted, unless the reversal is ``final``: then they stay on the entry and are never posted again. ``times`` counts the
reversals of the entry that were given up before; at most one is in force.
"""

period_fact = Table(
    "period_fact",
    metadata,
    Column("id", AutoInteger, primary_key=True),
    _text("entity"),
    _text("kind"),
    _text("day"),
    _text("source"),
    _text("reason"),
    _text("at"),
    _text("actor"),
    CheckConstraint("kind IN ('through', 'closed', 'open')", name="period_fact_kind"),
    CheckConstraint("source IN ('intacct', 'answer', 'person')", name="period_fact_source"),
)
"""Facts and decisions about accounting periods, in order; see ``revrec.core.periods``."""

period_closing = Table(
    "period_closing",
    metadata,
    Column("fact_id", ForeignKey("period_fact.id"), primary_key=True, autoincrement=False),
    Column("audit_seq", BigInteger, nullable=False),
    Column("charge_no", BigInteger, nullable=False),
    Column("event_id", BigInteger, nullable=False),
    _text("invoiced"),
)
"""``invoiced`` is JSON: the sources that were invoiced then, with their first post dates, or empty texts. The others
are the last audit event, charge line and fulfillment event before a period fact that closes days (0 without one). The
figures of a closed month are computed from the rows up to these, so that they stay as they were reported."""

ledger_change = Table(
    "ledger_change",
    metadata,
    Column("id", AutoInteger, primary_key=True),
    Column("entry_id", ForeignKey("journal_entry.id"), nullable=True),
    _text("part"),
    Column("charge_no", ForeignKey("charge_line.no"), nullable=False),
    _text("account"),
    _text("date"),
    Column("amount", BigInteger, nullable=False),
    _text("finding"),
    Column("audit_seq", ForeignKey("audit_event.seq"), nullable=False),
    CheckConstraint("part IN ('entry', 'reversal', 'move')", name="ledger_change_part"),
    CheckConstraint("(part = 'move') = (entry_id IS NULL)", name="ledger_change_entry_id"),
    CheckConstraint("amount <> 0", name="ledger_change_amount"),
    Index("ledger_change_entry", "entry_id"),
)
"""The amount that the ledger recognizes of a charge line on a deferred account, from a day on, beyond the posted entry
(below zero: less): the entry was deleted, changed or reversed in Intacct, and a person accepted the finding. A
``move`` belongs to no entry: a person moved an open balance to another account, which nets to zero."""

arrival_account = Table(
    "arrival_account",
    metadata,
    Column("charge_no", ForeignKey("charge_line.no"), primary_key=True, autoincrement=False),
    _text("account"),
    Column("audit_seq", ForeignKey("audit_event.seq"), nullable=False),
)
"""The deferred account of a charge line that arrived without a schedule, by the rules and settings of that day."""

revenue_status = Table(
    "revenue_status",
    metadata,
    Column("charge_no", ForeignKey("charge_line.no"), primary_key=True, autoincrement=False),
    Column("audit_seq", ForeignKey("audit_event.seq"), primary_key=True, autoincrement=False),
    Column("is_revenue", Integer, nullable=False),
    CheckConstraint("is_revenue IN (0, 1)", name="revenue_status_is_revenue"),
)
"""When a charge line stopped being revenue (0: its rule has the method ``none``) and when it became revenue again (1).
A charge line without a row has always been revenue."""

repair_version = Table(
    "repair_version",
    metadata,
    Column("id", AutoInteger, primary_key=True),
    _text("name"),
    Column("version", Integer, nullable=False),
    _text("sha256"),
    _text("text"),
    _text("file"),
    _text("recorded_at"),
    _text("actor"),
    UniqueConstraint("name", "version"),
    UniqueConstraint("name", "sha256"),
)
"""The exact text of every repair that was ever used."""

repaired_value = Table(
    "repaired_value",
    metadata,
    Column("id", AutoInteger, primary_key=True),
    Column("entry_id", ForeignKey("journal_entry.id"), nullable=False),
    Column("repair_version_id", ForeignKey("repair_version.id"), nullable=False),
    Column("charge_no", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("seq", Integer, nullable=False),
    _text("side"),
    _text("field"),
    _text("before", nullable=True),
    _text("after", nullable=True),
    ForeignKeyConstraint(
        ["charge_no", "version", "seq"],
        ["entered_line.charge_no", "entered_line.version", "entered_line.seq"],
        name="repaired_value_entered_line",
    ),
    CheckConstraint("side IN ('debit', 'credit')", name="repaired_value_side"),
    Index("repaired_value_entry", "entry_id"),
    Index("repaired_value_once", "charge_no", "version", "seq", "repair_version_id", "side", "field", unique=True),
)
"""A value that a repair put on the journal lines of a schedule line after the entry ``entry_id`` was rejected."""

invoice = Table(
    "invoice",
    metadata,
    Column("id", AutoInteger, primary_key=True),
    Column("reference", Text, nullable=False, unique=True),
    Column("control_id", Text, nullable=False, unique=True),
    Column("run_id", ForeignKey("posting_run.id"), nullable=False),
    _text("kind"),
    Column("after_id", ForeignKey("invoice.id"), nullable=True),
    _text("source"),
    _text("document"),
    _text("number"),
    _text("definition"),
    _text("date"),
    _text("customer"),
    _text("entity"),
    _text("currency"),
    _text("term"),
    Column("amount", BigInteger, nullable=False),
    Column("lines", Integer, nullable=False),
    _text("content_hash"),
    _text("created_at"),
    _text("state"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    _text("owner", nullable=True),
    _text("lease_until", nullable=True),
    _text("not_before", nullable=True),
    _text("record_no", nullable=True),
    _text("error_no", nullable=True),
    _text("error", nullable=True),
    _text("advice", nullable=True),
    _text("posted_at", nullable=True),
    CheckConstraint(
        "kind IN ('sales_order', 'sales_invoice', 'ar_invoice', 'by_hand', 'sales_credit', 'ar_credit')",
        name="invoice_kind",
    ),
    CheckConstraint(
        "(kind IN ('sales_invoice', 'sales_credit', 'ar_credit')) = (after_id IS NOT NULL)", name="invoice_after"
    ),
    Index("invoice_document", "document"),
    Index("invoice_number", "number"),
    Index("invoice_record_no", "record_no"),
    Index("invoice_after_id", "after_id"),
)
"""A document for Intacct, with its posting state. It is written after its lines and seals them. ``after_id`` of a sales
invoice is the order that it is made from, of a credit memo the invoice that it reduces. ``record_no`` is Intacct's key:
the DOCID, or the RECORDNO of a receivable or an adjustment. The amounts of a credit memo are what it takes off."""

INVOICE_UNSETTLED = invoice.c.state.in_(("READY", "SENDING", "AWAITING_APPROVAL", "IN_DOUBT", "REJECTED", "HELD"))
Index("invoice_unsettled", invoice.c.state, sqlite_where=INVOICE_UNSETTLED, postgresql_where=INVOICE_UNSETTLED)

invoice_line = Table(
    "invoice_line",
    metadata,
    Column("invoice_id", ForeignKey("invoice.id", deferrable=True, initially="DEFERRED"), nullable=False),
    Column("line_no", Integer, nullable=False),
    _text("charge"),
    Column("charge_no", ForeignKey("charge_line.no"), nullable=False),
    _text("item"),
    _text("description"),
    _text("quantity"),
    _text("price"),
    Column("amount", BigInteger, nullable=False),
    _text("account"),
    _text("memo"),
    _text("dimensions"),
    PrimaryKeyConstraint("invoice_id", "line_no"),
    Index("invoice_line_once", "charge_no", "invoice_id", unique=True),
    sqlite_with_rowid=False,
)

invoice_attempt, invoice_attempt_outcome, invoice_attempt_failure = _attempt_tables(
    "invoice_attempt", "invoice", "invoice", also="create"
)
"""As for entries; ``create`` creates a customer or an item that an invoice needs."""

adjusting_entry = Table(
    "adjusting_entry",
    metadata,
    Column("id", AutoInteger, primary_key=True),
    Column("reference", Text, nullable=False, unique=True),
    Column("control_id", Text, nullable=False, unique=True),
    Column("run_id", ForeignKey("posting_run.id"), nullable=False),
    _text("kind"),
    _text("subject"),
    _text("day"),
    Column("sequence", Integer, nullable=False),
    Column("reverses_id", ForeignKey("adjusting_entry.id"), nullable=True),
    _text("date"),
    _text("journal"),
    _text("entity"),
    _text("currency"),
    _text("title"),
    _text("reason"),
    Column("amount", BigInteger, nullable=False),
    Column("lines", Integer, nullable=False),
    _text("content_hash"),
    _text("created_at"),
    _text("state"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    _text("owner", nullable=True),
    _text("lease_until", nullable=True),
    _text("not_before", nullable=True),
    _text("record_no", nullable=True),
    _text("error_no", nullable=True),
    _text("error", nullable=True),
    _text("advice", nullable=True),
    _text("posted_at", nullable=True),
    CheckConstraint("kind IN ('presentation', 'exchange')", name="adjusting_entry_kind"),
    Index("adjusting_entry_record_no", "record_no"),
    Index("adjusting_entry_reverses_id", "reverses_id"),
    Index("adjusting_entry_once", "day", "kind", "subject", "entity", "currency", "sequence", unique=True),
)
"""A journal entry about a balance on ``day``, with its posting state. It is written after its lines and seals them.
``kind``, ``subject``, ``day``, ``entity`` and ``currency`` identify the adjustment, whose entries and reversals
``sequence`` counts. ``reverses_id`` of a reversal is the entry that it reverses. ``date`` is the date in the ledger."""

ADJUSTING_UNSETTLED = adjusting_entry.c.state.in_(
    ("READY", "SENDING", "AWAITING_APPROVAL", "IN_DOUBT", "REJECTED", "HELD")
)
Index(
    "adjusting_entry_unsettled",
    adjusting_entry.c.state,
    sqlite_where=ADJUSTING_UNSETTLED,
    postgresql_where=ADJUSTING_UNSETTLED,
)

adjusting_line = Table(
    "adjusting_line",
    metadata,
    Column("adjustment_id", ForeignKey("adjusting_entry.id", deferrable=True, initially="DEFERRED"), nullable=False),
    Column("line_no", Integer, nullable=False),
    _text("account"),
    Column("amount", BigInteger, nullable=False),
    _text("memo"),
    _text("customer"),
    _text("item"),
    _text("dimensions"),
    PrimaryKeyConstraint("adjustment_id", "line_no"),
    CheckConstraint("amount <> 0", name="adjusting_line_amount"),
    sqlite_with_rowid=False,
)
"""An amount on an account, in the currency of its adjusting entry: above zero is a debit, below zero a credit."""

adjusting_attempt, adjusting_attempt_outcome, adjusting_attempt_failure = _attempt_tables(
    "adjusting_attempt", "adjusting_entry", "adjustment"
)

after_invoice = Table(
    "after_invoice",
    metadata,
    Column("rule_version_id", ForeignKey("rule_version.id"), primary_key=True, autoincrement=False),
    _text("rule"),
)
"""Rule versions, with the rule's name, whose recognition waits until the charge line's document is invoiced."""


def same_version(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    """Return the condition that rows of two tables belong to the same schedule version."""
    return (one.c.charge_no == other.c.charge_no) & (one.c.version == other.c.version)


def same_line(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    """Return the condition that rows of two tables belong to the same schedule line."""
    return same_version(one, other) & (one.c.seq == other.c.seq)
