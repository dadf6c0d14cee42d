"""Create every table of revrec 0.1.0, with the triggers that keep history from being rewritten.

A CHECK sees one row. The triggers guard what spans rows: sums, balances, posting states, and that a version, an entry
or an invoice gets no more lines once its header is written.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from revrec.store.database import guards
from revrec.store.database.report_views import REPORT_VIEWS, view_on

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text in the order of its code points, as on SQLite, whatever language the server was set up for."""

TRANSITIONS = (
    "READY>SENDING",
    "READY>REJECTED",
    "READY>IN_DOUBT",
    "SENDING>POSTED",
    "SENDING>AWAITING_APPROVAL",
    "SENDING>REJECTED",
    "SENDING>IN_DOUBT",
    "SENDING>READY",
    "IN_DOUBT>POSTED",
    "IN_DOUBT>AWAITING_APPROVAL",
    "IN_DOUBT>SENDING",
    "IN_DOUBT>HELD",
    "AWAITING_APPROVAL>POSTED",
    "AWAITING_APPROVAL>HELD",
    "REJECTED>REPLACED",
    "REJECTED>HELD",
    "HELD>POSTED",
    "HELD>READY",
    "HELD>CANCELED",
)
UNSETTLED = sa.text("state IN ('READY', 'SENDING', 'AWAITING_APPROVAL', 'IN_DOUBT', 'REJECTED', 'HELD')")

NOT_IMPORTED = sa.text("outcome IN ('refused', 'unreachable')")

APPEND_ONLY = (
    "audit_event",
    "import_file",
    "charge_line",
    "quarantine",
    "quarantine_fix",
    "quarantine_outcome",
    "cleaning",
    "fulfillment_event",
    "event_withdrawal",
    "charge_void",
    "billing_line",
    "not_invoiced",
    "document_part",
    "charge_change",
    "received_document",
    "document_resolution",
    "source_fetch",
    "rule_version",
    "after_invoice",
    "contract_line",
    "allocation",
    "allocation_line",
    "explanation",
    "plan",
    "plan_part",
    "schedule_wait",
    "schedule_plan",
    "price_change",
    "schedule_allocation",
    "take_back_line",
    "historical_part",
    "past_unscheduled",
    "journal_line",
    "account_sum",
    "summary_line",
    "entry_date_override",
    "entry_reversal",
    "attempt",
    "attempt_outcome",
    "attempt_failure",
    "period_fact",
    "period_closing",
    "ledger_change",
    "arrival_account",
    "revenue_status",
    "repair_version",
    "repaired_value",
    "invoice_line",
    "invoice_attempt",
    "invoice_attempt_outcome",
    "invoice_attempt_failure",
    "adjusting_line",
    "adjusting_attempt",
    "adjusting_attempt_outcome",
    "adjusting_attempt_failure",
)
NEVER_DELETED = (
    *APPEND_ONLY,
    "schedule",
    "entered_line",
    "journal_entry",
    "invoice",
    "adjusting_entry",
    "posting_run",
    "meta",
)


def sealed(table: str, message: str) -> str:
    """Return the guard that refuses a row of ``table`` once the header of its schedule version is written."""
    return f"""
        BEFORE INSERT ON {table}
        WHEN EXISTS (SELECT 1 FROM schedule s WHERE s.charge_no = NEW.charge_no AND s.version = NEW.version)
        BEGIN SELECT RAISE(ABORT, '{message}'); END"""  # noqa: S608


def share(amount: str, weight: str, total: str) -> str:
    """Return the SQL of a share of an amount, rounded half away from zero.

    Division truncates on both databases, so half is added with the sign of the amount.
    """
    return f"(2 * {amount} * {weight} + CASE WHEN {amount} < 0 THEN -{total} ELSE {total} END) / (2 * {total})"


def carried(version: str) -> str:
    """Return the SQL of the amount of all parts that are carried over, in a version (``s`` or ``NEW``) of a plan."""
    return f"({share(f'{version}.base', 'n.carried', 'n.whole')})"


def divides(amount: str, total: str) -> str:
    """Return the condition that a plan divides an amount into parts of at least one minor unit, without overflow."""
    return f"abs({amount}) < 4611686018427387904 / {total} AND abs({amount}) * n.smallest >= {total}"


def listed(version: str, width: str = "") -> str:
    """Return the SQL of the amount that a version (``s`` or ``NEW``) lists for a part ``p`` of its plan ``n``."""
    width = width or f"(length({version}.amounts) / n.parts)"
    return f"CAST(substr({version}.amounts, (p.seq - 1) * {width} + 1, {width}) AS BIGINT)"


REST = f"(s.planned - {carried('s')})"
PART_AMOUNT = f"""CASE WHEN s.amounts IS NOT NULL THEN {listed("s")}
      WHEN n.kind = 'shares' THEN
      {share("s.planned", "p.cumulative", "n.total")}
      - {share("s.planned", "p.before", "n.total")}
      WHEN n.kind = 'amounts' THEN p.cumulative - p.before
      WHEN p.cumulative <= n.carried THEN
      {share("s.base", "p.cumulative", "n.whole")}
      - {share("s.base", "p.before", "n.whole")}
      ELSE
      {share(REST, "(p.cumulative - n.carried)", "(n.total - n.carried)")}
      - {share(REST, "(p.before - n.carried)", "(n.total - n.carried)")} END"""
"""The amount of a part ``p`` of the plan ``n`` in the schedule version ``s``: the rounded cumulative share minus the
one before it. The first parts of a changed plan are shares of the base, the others of what those leave. A version that
lists its amounts has only the dates from the plan."""

SEQ = "s.first_seq + p.seq - 1"
ITS_ROW = f"e.charge_no = s.charge_no AND e.version = s.version AND e.seq = {SEQ}"
PARTS_OF_VERSIONS = "schedule s JOIN plan n ON n.id = s.plan_id JOIN plan_part p ON p.plan_id = n.id"
RULE_OF_LINE = f"""coalesce((SELECT t.rule_version_id FROM take_back_line t
        WHERE t.charge_no = s.charge_no AND t.version = s.version AND t.seq = {SEQ}), s.rule_version_id)
        AS rule_version_id"""  # noqa: S608
"""A line that takes back what was posted by another rule version is posted by that one, to the same accounts. It is not
a join, so that queries which do not need it do not look for it."""
PART_OF_ROW = """entered_line e JOIN schedule s ON s.charge_no = e.charge_no AND s.version = e.version
    JOIN plan n ON n.id = s.plan_id JOIN plan_part p ON p.plan_id = n.id AND p.seq = e.seq - s.first_seq + 1"""

VIEWS = {
    "schedule_line": f"""
    SELECT s.charge_no, s.version, {SEQ} AS seq, p.date, {PART_AMOUNT} AS amount, e.entry_id,
      coalesce(e.revision, 0) AS revision,
      CASE WHEN e.seq IS NULL THEN s.superseded_by ELSE e.superseded_by END AS superseded_by,
      {RULE_OF_LINE}
    FROM {PARTS_OF_VERSIONS} LEFT JOIN entered_line e ON {ITS_ROW}""",  # noqa: S608
    "open_line": f"""
    SELECT s.charge_no, s.version, {SEQ} AS seq, p.date, {PART_AMOUNT} AS amount, 0 AS revision, s.open_from,
      {RULE_OF_LINE}
    FROM {PARTS_OF_VERSIONS}
    WHERE s.open_from IS NOT NULL AND p.date >= s.open_from
      AND NOT EXISTS (SELECT 1 FROM entered_line e WHERE {ITS_ROW})
    UNION ALL
    SELECT e.charge_no, e.version, e.seq, p.date, {PART_AMOUNT}, e.revision, p.date, {RULE_OF_LINE}
    FROM {PART_OF_ROW}
    WHERE e.entry_id IS NULL AND e.superseded_by IS NULL""",  # noqa: S608
}
"""Every line of every schedule version, and the lines that are open."""

MOST_CHANGES = 12


def words_view(dialect: str) -> str:
    """Return the view of the texts of schedule versions, with their prices before and after each change."""
    is_sqlite = dialect == "sqlite"
    price = "json_extract(s.prices, '$[{}]')" if is_sqlite else "CAST(s.prices AS json) ->> {}"
    prices = ", ".join(price.format(at) for change in range(MOST_CHANGES) for at in (change, change + 1))
    put = "printf" if is_sqlite else "format"

    def words(text: str) -> str:
        return f"CASE WHEN s.prices IS NULL THEN {text} ELSE {put}({text}, {prices}) END"

    return f"""
    SELECT s.charge_no, s.version, {words("e.text")} AS explanation, {words("r.text")} AS price_reason
    FROM schedule s JOIN explanation e ON e.id = s.explanation_id
    LEFT JOIN price_change c ON c.charge_no = s.charge_no AND c.version = s.version
    LEFT JOIN explanation r ON r.id = c.reason_id"""  # noqa: S608


SCHEDULE_GUARDS = {
    "plan_part_sealed": """
        BEFORE INSERT ON plan_part
        WHEN EXISTS (SELECT 1 FROM plan n WHERE n.id = NEW.plan_id)
        BEGIN SELECT RAISE(ABORT, 'a plan is complete: no part can be added to it'); END""",
    "plan_of_its_parts": """
        BEFORE INSERT ON plan
        WHEN NEW.parts IS NOT (SELECT count(*) FROM plan_part p WHERE p.plan_id = NEW.id)
          OR 1 IS NOT (SELECT min(p.seq) FROM plan_part p WHERE p.plan_id = NEW.id)
          OR NEW.parts IS NOT (SELECT max(p.seq) FROM plan_part p WHERE p.plan_id = NEW.id)
          OR NEW.first_date IS NOT (SELECT p.date FROM plan_part p WHERE p.plan_id = NEW.id AND p.seq = 1)
          OR NEW.total IS NOT (SELECT p.cumulative FROM plan_part p WHERE p.plan_id = NEW.id AND p.seq = NEW.parts)
          OR EXISTS (SELECT 1 FROM plan_part p LEFT JOIN plan_part q ON q.plan_id = p.plan_id AND q.seq = p.seq - 1
                     WHERE p.plan_id = NEW.id AND (p.before IS NOT coalesce(q.cumulative, 0) OR p.date < q.date))
          OR (NEW.kind <> 'amounts' AND NEW.smallest IS NOT
                (SELECT min(p.cumulative - p.before) FROM plan_part p WHERE p.plan_id = NEW.id))
          OR (NEW.kind = 'changed' AND NOT EXISTS (
                SELECT 1 FROM plan_part p WHERE p.plan_id = NEW.id AND p.cumulative = NEW.carried))
        BEGIN SELECT RAISE(ABORT, 'a plan has the dates and weights of its parts'); END""",
    "schedule_sums_to_charge": f"""
        BEFORE INSERT ON schedule
        WHEN NEW.amount IS NOT
            (SELECT c.amount FROM charge_line c WHERE c.no = NEW.charge_no)
            + coalesce((SELECT sum(p.amount) FROM price_change p WHERE p.charge_no = NEW.charge_no), 0)
            + coalesce((SELECT sum(a.amount) FROM schedule_allocation a WHERE a.charge_no = NEW.charge_no), 0)
          OR NEW.amount - NEW.posted IS NOT NEW.planned
            + coalesce((SELECT w.amount FROM schedule_wait w
                        WHERE w.charge_no = NEW.charge_no AND w.version = NEW.version), 0)
          OR NEW.posted IS NOT (SELECT coalesce(sum({PART_AMOUNT}), 0) FROM {PART_OF_ROW}
                                WHERE e.charge_no = NEW.charge_no AND e.superseded_by IS NULL)
            + (SELECT coalesce(sum(h.amount), 0) FROM historical_part h WHERE h.charge_no = NEW.charge_no)
          OR EXISTS (SELECT 1 FROM schedule s WHERE s.charge_no = NEW.charge_no AND s.superseded_by IS NULL)
        BEGIN SELECT RAISE(ABORT, 'a schedule sums to its charge line'); END""",  # noqa: S608
    "schedule_has_its_history": """
        BEFORE INSERT ON schedule
        WHEN NEW.version = 1
          AND (SELECT c.recognized_before FROM charge_line c WHERE c.no = NEW.charge_no)
            IS NOT (SELECT coalesce(sum(h.amount), 0) FROM historical_part h WHERE h.charge_no = NEW.charge_no)
        BEGIN SELECT RAISE(ABORT, 'the historical parts sum to what was recognized before the cutover'); END""",
    "historical_part_before_cutover": """
        BEFORE INSERT ON historical_part
        WHEN EXISTS (SELECT 1 FROM schedule s WHERE s.charge_no = NEW.charge_no)
          OR NOT EXISTS (SELECT 1 FROM charge_line c WHERE c.no = NEW.charge_no AND NEW.date < c.cutover)
        BEGIN SELECT RAISE(ABORT, 'a historical part is before the cutover, and older than the schedule'); END""",
    "schedule_follows_its_plan": f"""
        BEFORE INSERT ON schedule
        WHEN NEW.superseded_by IS NOT NULL OR NEW.first_seq < 1
          OR (NEW.plan_id IS NULL AND (NEW.planned <> 0 OR NEW.base IS NOT NULL OR NEW.amounts IS NOT NULL
                                       OR NEW.lines <> NEW.first_seq - 1 OR NEW.open_from IS NOT NULL))
          OR (NEW.plan_id IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM plan n WHERE n.id = NEW.plan_id AND n.first_date = NEW.open_from
                AND n.parts = NEW.lines - NEW.first_seq + 1
                AND (n.kind = 'changed') = (NEW.base IS NOT NULL)
                AND CASE WHEN NEW.amounts IS NOT NULL THEN n.kind = 'shares'
                      AND length(NEW.amounts) = n.parts * (length(NEW.amounts) / n.parts)
                      AND NEW.amounts = replace(NEW.amounts, ' 0', '')
                      AND NEW.planned = (SELECT sum({listed("NEW", "w.width")})
                        FROM (SELECT length(NEW.amounts) / n.parts AS width) w CROSS JOIN plan_part p
                        WHERE p.plan_id = n.id)
                    WHEN n.kind = 'amounts' THEN n.total = NEW.planned
                    WHEN n.kind = 'shares' THEN {divides("NEW.planned", "n.total")}
                    WHEN NOT ({divides("NEW.base", "n.whole")}) THEN false
                    WHEN n.carried = n.total THEN NEW.planned = {carried("NEW")}
                    ELSE {divides(f"(NEW.planned - {carried('NEW')})", "(n.total - n.carried)")} END))
        BEGIN SELECT RAISE(ABORT, 'a schedule is divided by its plan into parts of at least one minor unit'); END""",  # noqa: S608
    "schedule_fixed": """
        BEFORE UPDATE ON schedule
        WHEN NEW.charge_no IS NOT OLD.charge_no OR NEW.version IS NOT OLD.version
          OR NEW.rule_version_id IS NOT OLD.rule_version_id OR NEW.amount IS NOT OLD.amount
          OR NEW.posted IS NOT OLD.posted OR NEW.planned IS NOT OLD.planned OR NEW.base IS NOT OLD.base
          OR NEW.plan_id IS NOT OLD.plan_id OR NEW.amounts IS NOT OLD.amounts
          OR NEW.first_seq IS NOT OLD.first_seq OR NEW.lines IS NOT OLD.lines
          OR NEW.explanation_id IS NOT OLD.explanation_id OR NEW.prices IS NOT OLD.prices
          OR NEW.audit_seq IS NOT OLD.audit_seq
        BEGIN SELECT RAISE(ABORT, 'a schedule version never changes: write a new version'); END""",
    "schedule_superseded_once": """
        BEFORE UPDATE OF superseded_by ON schedule
        WHEN NEW.superseded_by IS NOT OLD.superseded_by
          AND (OLD.superseded_by IS NOT NULL OR NEW.superseded_by IS NOT OLD.version + 1
            OR EXISTS (SELECT 1 FROM schedule s WHERE s.charge_no = NEW.charge_no AND s.version = NEW.superseded_by))
        BEGIN SELECT RAISE(ABORT, 'a schedule version is superseded once, by the next version'); END""",
    "entered_line_of_its_version": """
        BEFORE INSERT ON entered_line
        WHEN NEW.entry_id IS NULL OR NEW.superseded_by IS NOT NULL OR NEW.revision <> 0
          OR EXISTS (SELECT 1 FROM journal_entry e WHERE e.id = NEW.entry_id)
          OR NOT EXISTS (SELECT 1 FROM schedule s WHERE s.charge_no = NEW.charge_no AND s.version = NEW.version
                         AND s.superseded_by IS NULL AND NEW.seq BETWEEN s.first_seq AND s.lines)
        BEGIN SELECT RAISE(ABORT, 'only an open schedule line is put on a journal entry, with the entry'); END""",
    "entered_line_fixed": """
        BEFORE UPDATE ON entered_line
        WHEN NEW.charge_no IS NOT OLD.charge_no OR NEW.version IS NOT OLD.version OR NEW.seq IS NOT OLD.seq
          OR (NEW.revision IS NOT OLD.revision AND NEW.entry_id IS OLD.entry_id)
        BEGIN SELECT RAISE(ABORT, 'the schedule line of a row never changes, its revision only with its entry'); END""",
    "entered_line_on_one_entry": """
        BEFORE UPDATE OF entry_id ON entered_line
        WHEN NEW.entry_id IS NOT OLD.entry_id AND NOT (
             (OLD.entry_id IS NULL AND OLD.superseded_by IS NULL AND NEW.revision = OLD.revision
              AND NOT EXISTS (SELECT 1 FROM journal_entry e WHERE e.id = NEW.entry_id))
          OR (NEW.entry_id IS NULL AND NEW.revision = OLD.revision + 1 AND EXISTS (
                SELECT 1 FROM journal_entry e WHERE e.id = OLD.entry_id AND e.state IN ('REPLACED', 'CANCELED')
                UNION ALL
                SELECT 1 FROM entry_reversal r LEFT JOIN journal_entry m ON m.id = r.entry_id
                WHERE r.reverses = OLD.entry_id AND r.final = 0 AND (r.entry_id IS NULL OR m.state = 'POSTED'))))
        BEGIN SELECT RAISE(ABORT, 'a schedule line is on at most one live journal entry'); END""",
    "entered_line_superseded_once": """
        BEFORE UPDATE OF superseded_by ON entered_line
        WHEN NEW.superseded_by IS NOT OLD.superseded_by
          AND (OLD.superseded_by IS NOT NULL OR OLD.entry_id IS NOT NULL OR NEW.entry_id IS NOT NULL
            OR EXISTS (SELECT 1 FROM schedule s WHERE s.charge_no = NEW.charge_no AND s.version = NEW.superseded_by))
        BEGIN SELECT RAISE(ABORT, 'only an open schedule line can be superseded, once, by a later version'); END""",
    "schedule_wait_sealed": sealed(
        "schedule_wait", "a schedule version is complete: no waiting amount can be added to it"
    ),
    "schedule_plan_sealed": sealed("schedule_plan", "a schedule version is complete: no plan can be added to it"),
    "price_change_sealed": sealed("price_change", "a schedule version is complete: its price cannot be changed"),
    "schedule_allocation_sealed": sealed(
        "schedule_allocation", "a schedule version is complete: its price cannot be changed"
    ),
    "take_back_line_sealed": sealed("take_back_line", "a schedule version is complete: its accounts cannot be changed"),
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
        BEGIN SELECT RAISE(ABORT, 'an allocation distributes exactly what its contract was billed'); END""",
}

ENTRY_GUARDS = {
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
    "journal_entry_covers_schedule_lines": f"""
        BEFORE INSERT ON journal_entry
        WHEN NOT EXISTS (SELECT 1 FROM entry_reversal r WHERE r.entry_id = NEW.id) AND (EXISTS (
          SELECT 1 FROM journal_line l
          LEFT JOIN entered_line e ON e.charge_no = l.charge_no AND e.version = l.version AND e.seq = l.seq
          LEFT JOIN schedule s ON s.charge_no = l.charge_no AND s.version = l.version
          LEFT JOIN plan n ON n.id = s.plan_id
          LEFT JOIN plan_part p ON p.plan_id = n.id AND p.seq = l.seq - s.first_seq + 1
          WHERE l.entry_id = NEW.id AND (e.entry_id IS NOT NEW.id OR abs({PART_AMOUNT}) IS NOT l.amount))
          OR NEW.lines IS NOT (SELECT 2 * count(*) FROM entered_line e WHERE e.entry_id = NEW.id))
        BEGIN SELECT RAISE(ABORT, 'each journal line carries the amount of a schedule line held by its entry'); END""",  # noqa: S608
    "account_sum_sealed": """
        BEFORE INSERT ON account_sum
        WHEN EXISTS (SELECT 1 FROM journal_entry e WHERE e.id = NEW.entry_id)
        BEGIN SELECT RAISE(ABORT, 'a journal entry is complete: no sum of an account can be added to it'); END""",
    "journal_entry_has_its_sums": """
        BEFORE INSERT ON journal_entry
        WHEN NEW.lines IS NOT (SELECT sum(s.lines) FROM account_sum s WHERE s.entry_id = NEW.id)
          OR EXISTS (
            SELECT 1 FROM (SELECT l.account, l.side, count(*) AS lines, sum(l.amount) AS amount FROM journal_line l
                           WHERE l.entry_id = NEW.id GROUP BY l.account, l.side) f
            LEFT JOIN account_sum s ON s.entry_id = NEW.id AND s.account = f.account AND s.side = f.side
            WHERE s.lines IS NOT f.lines OR s.amount IS NOT f.amount)
        BEGIN SELECT RAISE(ABORT, 'an entry has the sum of its lines for each account and side'); END""",
    "summary_line_sealed": """
        BEFORE INSERT ON summary_line
        WHEN EXISTS (SELECT 1 FROM journal_entry e WHERE e.id = NEW.entry_id)
        BEGIN SELECT RAISE(ABORT, 'a journal entry is complete: no line can be added to its summary'); END""",
    "summary_adds_up": """
        BEFORE INSERT ON journal_entry
        WHEN EXISTS (SELECT 1 FROM summary_line s WHERE s.entry_id = NEW.id) AND (
          EXISTS (SELECT 1 FROM summary_line s WHERE s.entry_id = NEW.id AND (s.currency IS NOT NEW.currency
            OR s.amount IS NOT (SELECT sum(l.amount) FROM journal_line l WHERE l.entry_id = NEW.id
              AND l.line_no BETWEEN s.first AND s.last AND l.side = s.side AND l.account = s.account)
            OR s.last - s.first + 1 IS NOT (SELECT 2 * count(*) FROM journal_line l WHERE l.entry_id = NEW.id
              AND l.line_no BETWEEN s.first AND s.last AND l.side = s.side AND l.account = s.account)
            OR (s.last <> NEW.lines AND NOT EXISTS (SELECT 1 FROM summary_line n
              WHERE n.entry_id = NEW.id AND n.side = s.side AND n.first = s.last + 1))))
          OR 2 IS NOT (SELECT count(*) FROM summary_line s WHERE s.entry_id = NEW.id AND s.first = 1)
          OR 2 * NEW.lines IS NOT
            (SELECT sum(s.last - s.first + 1) FROM summary_line s WHERE s.entry_id = NEW.id))
        BEGIN SELECT RAISE(ABORT, 'each journal line is part of the one summary line that has its account'); END""",
    "entry_reversal_in_force_once": """
        BEFORE INSERT ON entry_reversal
        WHEN NEW.reason = '' OR NEW.date < (SELECT e.date FROM journal_entry e WHERE e.id = NEW.reverses)
          OR NOT EXISTS (SELECT 1 FROM journal_entry e WHERE e.id = NEW.reverses AND e.state IN ('POSTED', 'IN_DOUBT'))
          OR EXISTS (SELECT 1 FROM entry_reversal r WHERE r.entry_id = NEW.reverses)
          OR EXISTS (SELECT 1 FROM journal_entry e WHERE e.id = NEW.entry_id)
          OR EXISTS (SELECT 1 FROM entry_reversal r LEFT JOIN journal_entry m ON m.id = r.entry_id
                     WHERE r.reverses = NEW.reverses AND (r.entry_id IS NULL OR m.state IS NULL
                                                          OR m.state NOT IN ('REPLACED', 'CANCELED')))
        BEGIN SELECT RAISE(ABORT, 'a posted entry has at most one reversal in force'); END""",
    "journal_entry_mirrors": """
        BEFORE INSERT ON journal_entry
        WHEN EXISTS (SELECT 1 FROM entry_reversal r JOIN journal_entry o ON o.id = r.reverses
                     WHERE r.entry_id = NEW.id AND (o.lines <> NEW.lines OR o.amount <> NEW.amount
                       OR o.journal <> NEW.journal OR o.entity <> NEW.entity OR o.currency <> NEW.currency
                       OR r.date <> NEW.date))
          OR EXISTS (SELECT 1 FROM entry_reversal r JOIN journal_line l ON l.entry_id = r.entry_id
                     LEFT JOIN journal_line o ON o.entry_id = r.reverses AND o.charge_no = l.charge_no
                       AND o.version = l.version AND o.seq = l.seq AND o.side <> l.side
                     WHERE r.entry_id = NEW.id AND (o.account IS NOT l.account OR o.amount IS NOT l.amount
                       OR o.currency IS NOT l.currency OR o.dimensions IS NOT l.dimensions))
          OR EXISTS (SELECT 1 FROM entry_reversal r WHERE r.entry_id = NEW.id
                     AND (SELECT count(*) FROM summary_line s WHERE s.entry_id = r.reverses)
                       <> (SELECT count(*) FROM summary_line s WHERE s.entry_id = r.entry_id))
          OR EXISTS (SELECT 1 FROM entry_reversal r JOIN summary_line s ON s.entry_id = r.entry_id
                     LEFT JOIN summary_line o ON o.entry_id = r.reverses AND o.first = s.first AND o.last = s.last
                       AND o.side <> s.side
                     WHERE r.entry_id = NEW.id AND (o.account IS NOT s.account OR o.amount IS NOT s.amount
                       OR o.customer IS NOT s.customer OR o.item IS NOT s.item OR o.dimensions IS NOT s.dimensions
                       OR o.billed IS NOT s.billed OR o.fields IS NOT s.fields))
        BEGIN SELECT RAISE(ABORT, 'a reversal has the lines of its entry with debits and credits exchanged'); END""",
    "entry_date_override_sealed": """
        BEFORE INSERT ON entry_date_override
        WHEN NEW.reason = '' OR EXISTS (SELECT 1 FROM journal_entry e WHERE e.id = NEW.entry_id)
        BEGIN SELECT RAISE(ABORT, 'a date other than the recognition date is recorded together with its entry'); END""",
    "journal_entry_dated": f"""
        BEFORE INSERT ON journal_entry
        WHEN EXISTS (SELECT 1 FROM {PART_OF_ROW} WHERE e.entry_id = NEW.id AND p.date IS NOT coalesce(
                       (SELECT o.recognition_date FROM entry_date_override o WHERE o.entry_id = NEW.id), NEW.date))
          OR EXISTS (SELECT 1 FROM entry_date_override o WHERE o.entry_id = NEW.id AND o.recognition_date >= NEW.date)
        BEGIN SELECT RAISE(ABORT, 'an entry has the recognition date, or a later date with a reason'); END""",  # noqa: S608
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
        WHEN NEW.state IN ('POSTED', 'AWAITING_APPROVAL') AND (NEW.record_no IS NULL OR NOT EXISTS (
          SELECT 1 FROM attempt a JOIN attempt_outcome o ON o.attempt_id = a.id
          WHERE a.entry_id = NEW.id AND o.record_no = NEW.record_no))
        BEGIN SELECT RAISE(ABORT, 'POSTED needs a record number and the answer that shows it'); END""",
}

INVOICE_GUARDS = {
    "invoice_line_sealed": """
        BEFORE INSERT ON invoice_line
        WHEN EXISTS (SELECT 1 FROM invoice i WHERE i.id = NEW.invoice_id)
        BEGIN SELECT RAISE(ABORT, 'an invoice is complete: no line can be added to it'); END""",
    "invoice_of_its_lines": """
        BEFORE INSERT ON invoice
        WHEN NEW.state <> 'READY' OR NEW.lines < 1
          OR NEW.lines IS NOT (SELECT count(*) FROM invoice_line l WHERE l.invoice_id = NEW.id)
          OR NEW.amount IS NOT (SELECT sum(l.amount) FROM invoice_line l WHERE l.invoice_id = NEW.id)
          OR (NEW.kind NOT IN ('sales_credit', 'ar_credit')
              AND EXISTS (SELECT 1 FROM invoice_line l JOIN charge_line c ON c.no = l.charge_no
                          WHERE l.invoice_id = NEW.id AND c.amount <> l.amount))
        BEGIN SELECT RAISE(ABORT, 'an invoice starts READY, of the amounts of its charge lines'); END""",
    "credit_memo_of_its_invoice": """
        BEFORE INSERT ON invoice
        WHEN NEW.kind IN ('sales_credit', 'ar_credit') AND (
          NOT EXISTS (SELECT 1 FROM invoice i
                      WHERE i.id = NEW.after_id AND i.kind IN ('sales_invoice', 'ar_invoice', 'by_hand'))
          OR EXISTS (SELECT 1 FROM invoice_line l WHERE l.invoice_id = NEW.id AND NOT EXISTS (
            SELECT 1 FROM invoice_line o WHERE o.invoice_id = NEW.after_id AND o.charge_no = l.charge_no)))
        BEGIN SELECT RAISE(ABORT, 'a credit memo is of charge lines of an invoice'); END""",
    "invoice_once": """
        BEFORE INSERT ON invoice
        WHEN EXISTS (
          SELECT 1 FROM invoice_line l JOIN invoice_line o ON o.charge_no = l.charge_no AND o.invoice_id <> l.invoice_id
          JOIN invoice i ON i.id = o.invoice_id
          WHERE l.invoice_id = NEW.id AND i.state NOT IN ('REPLACED', 'CANCELED')
            AND NEW.kind NOT IN ('sales_credit', 'ar_credit') AND i.kind NOT IN ('sales_credit', 'ar_credit')
            AND (i.kind = NEW.kind OR i.kind IN ('ar_invoice', 'by_hand') OR NEW.kind IN ('ar_invoice', 'by_hand')))
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
}

LIVE = "state NOT IN ('REPLACED', 'CANCELED')"
ADJUSTING_GUARDS = {
    "adjusting_line_sealed": """
        BEFORE INSERT ON adjusting_line
        WHEN EXISTS (SELECT 1 FROM adjusting_entry e WHERE e.id = NEW.adjustment_id)
        BEGIN SELECT RAISE(ABORT, 'an adjusting entry is complete: no line can be added to it'); END""",
    "adjusting_entry_balances": """
        BEFORE INSERT ON adjusting_entry
        WHEN NEW.state <> 'READY' OR NEW.lines < 2 OR NEW.reason = ''
          OR NEW.lines IS NOT (SELECT count(*) FROM adjusting_line l WHERE l.adjustment_id = NEW.id)
          OR NEW.amount IS NOT (SELECT sum(l.amount) FROM adjusting_line l
                                WHERE l.adjustment_id = NEW.id AND l.amount > 0)
          OR NEW.amount IS NOT (SELECT -sum(l.amount) FROM adjusting_line l
                                WHERE l.adjustment_id = NEW.id AND l.amount < 0)
        BEGIN SELECT RAISE(ABORT, 'an adjusting entry starts READY and its debits equal its credits'); END""",
    "adjusting_entry_dated": """
        BEFORE INSERT ON adjusting_entry
        WHEN (NEW.reverses_id IS NULL AND NEW.date <> NEW.day) OR (NEW.reverses_id IS NOT NULL AND NEW.date <= NEW.day)
        BEGIN SELECT RAISE(ABORT, 'an adjusting entry has the date of its day, and its reversal a later one'); END""",
    "adjusting_entry_mirrors": f"""
        BEFORE INSERT ON adjusting_entry
        WHEN NEW.reverses_id IS NOT NULL AND (
          NOT EXISTS (SELECT 1 FROM adjusting_entry o WHERE o.id = NEW.reverses_id AND o.reverses_id IS NULL
                      AND o.{LIVE} AND o.kind = NEW.kind AND o.subject = NEW.subject AND o.day = NEW.day
                      AND o.entity = NEW.entity AND o.currency = NEW.currency AND o.lines = NEW.lines)
          OR EXISTS (SELECT 1 FROM adjusting_entry o WHERE o.reverses_id = NEW.reverses_id AND o.{LIVE})
          OR EXISTS (SELECT 1 FROM adjusting_line l LEFT JOIN adjusting_line o
                     ON o.adjustment_id = NEW.reverses_id AND o.line_no = l.line_no AND o.account = l.account
                       AND o.amount = -l.amount AND o.customer = l.customer AND o.item = l.item
                       AND o.dimensions = l.dimensions
                     WHERE l.adjustment_id = NEW.id AND o.line_no IS NULL))
        BEGIN SELECT RAISE(ABORT, 'a reversal has the lines of its adjusting entry, and is its only one'); END""",  # noqa: S608
    "adjusting_entry_content_fixed": """
        BEFORE UPDATE ON adjusting_entry
        WHEN NEW.id IS NOT OLD.id OR NEW.reference IS NOT OLD.reference OR NEW.control_id IS NOT OLD.control_id
          OR NEW.run_id IS NOT OLD.run_id OR NEW.kind IS NOT OLD.kind OR NEW.subject IS NOT OLD.subject
          OR NEW.day IS NOT OLD.day OR NEW.sequence IS NOT OLD.sequence OR NEW.reverses_id IS NOT OLD.reverses_id
          OR NEW.date IS NOT OLD.date OR NEW.journal IS NOT OLD.journal OR NEW.entity IS NOT OLD.entity
          OR NEW.currency IS NOT OLD.currency OR NEW.title IS NOT OLD.title OR NEW.reason IS NOT OLD.reason
          OR NEW.amount IS NOT OLD.amount OR NEW.lines IS NOT OLD.lines
          OR NEW.content_hash IS NOT OLD.content_hash OR NEW.created_at IS NOT OLD.created_at
        BEGIN SELECT RAISE(ABORT, 'the content of an adjusting entry never changes'); END""",
    "adjusting_entry_posted_fixed": """
        BEFORE UPDATE ON adjusting_entry WHEN OLD.state = 'POSTED'
        BEGIN SELECT RAISE(ABORT, 'a posted adjusting entry never changes'); END""",
    "adjusting_entry_states": f"""
        BEFORE UPDATE OF state ON adjusting_entry
        WHEN NEW.state IS NOT OLD.state AND (OLD.state || '>' || NEW.state) NOT IN {TRANSITIONS!r}
        BEGIN SELECT RAISE(ABORT, 'the posting state cannot change that way'); END""",
    "adjusting_entry_posted_has_proof": """
        BEFORE UPDATE OF state ON adjusting_entry
        WHEN NEW.state IN ('POSTED', 'AWAITING_APPROVAL') AND (NEW.record_no IS NULL OR NOT EXISTS (
          SELECT 1 FROM adjusting_attempt a JOIN adjusting_attempt_outcome o ON o.attempt_id = a.id
          WHERE a.adjustment_id = NEW.id AND o.record_no = NEW.record_no))
        BEGIN SELECT RAISE(ABORT, 'POSTED needs a record number and the answer that shows it'); END""",
    "adjusting_entry_reversed_once_posted": """
        BEFORE UPDATE OF state ON adjusting_entry
        WHEN NEW.state = 'SENDING' AND NEW.reverses_id IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM adjusting_entry o WHERE o.id = NEW.reverses_id AND o.state = 'POSTED')
        BEGIN SELECT RAISE(ABORT, 'a reversal is sent only once its adjusting entry is posted'); END""",
}

GUARDS = {
    "meta_deployment_fixed": """
        BEFORE UPDATE ON meta WHEN OLD.key = 'deployment'
        BEGIN SELECT RAISE(ABORT, 'the deployment id is part of every reference and never changes'); END""",
    "quarantine_fix_before_its_end": """
        BEFORE INSERT ON quarantine_fix
        WHEN EXISTS (SELECT 1 FROM quarantine_outcome o WHERE o.quarantine_id = NEW.quarantine_id)
        BEGIN SELECT RAISE(ABORT, 'a row that has left the quarantine can no longer be fixed'); END""",
    **SCHEDULE_GUARDS,
    **ENTRY_GUARDS,
    **INVOICE_GUARDS,
    **ADJUSTING_GUARDS,
    **guards.append_only(APPEND_ONLY),
    **guards.never_deleted(NEVER_DELETED),
}


def upgrade() -> None:
    _audit_trail()
    _imports()
    _sources()
    _rules()
    _posting_heads()
    _schedules()
    _contracts()
    _entry_lines()
    _reversals()
    _invoice_lines()
    _attempts("attempt", "entry", ("send", "read_back"))
    _attempts("invoice_attempt", "invoice", ("send", "read_back", "create"))
    _adjusting_entries()
    _attempts("adjusting_attempt", "adjustment", ("send", "read_back"))
    _repairs()
    _figures()
    words = words_view(op.get_context().dialect.name)
    for name, query in {**VIEWS, "schedule_words": words, **REPORT_VIEWS}.items():
        # A colon would be the start of a parameter.
        op.get_bind().exec_driver_sql(f"CREATE VIEW {name} AS {view_on(op.get_bind().dialect.name, query)}")
    guards.create(op, GUARDS)


def downgrade() -> None:
    guards.drop(op, GUARDS)
    for name in reversed([*VIEWS, "schedule_words", *REPORT_VIEWS]):
        op.execute(f"DROP VIEW {name}")
    for table in TABLES_CHILDREN_FIRST:
        op.drop_table(table)


TABLES_CHILDREN_FIRST = (
    "revenue_status",
    "arrival_account",
    "ledger_change",
    "period_closing",
    "repaired_value",
    "repair_version",
    "adjusting_attempt_failure",
    "adjusting_attempt_outcome",
    "adjusting_attempt",
    "adjusting_line",
    "adjusting_entry",
    "invoice_attempt_failure",
    "invoice_attempt_outcome",
    "invoice_attempt",
    "attempt_failure",
    "attempt_outcome",
    "attempt",
    "invoice_line",
    "entry_reversal",
    "entry_date_override",
    "summary_line",
    "account_sum",
    "journal_line",
    "allocation_line",
    "schedule_allocation",
    "allocation",
    "contract_line",
    "price_change",
    "schedule_plan",
    "schedule_wait",
    "historical_part",
    "take_back_line",
    "entered_line",
    "schedule",
    "plan_part",
    "plan",
    "explanation",
    "past_unscheduled",
    "unscheduled",
    "invoice",
    "journal_entry",
    "posting_run",
    "period_fact",
    "after_invoice",
    "rule_version",
    "source_fetch",
    "document_resolution",
    "received_document",
    "charge_change",
    "document_part",
    "not_invoiced",
    "billing_line",
    "charge_void",
    "event_withdrawal",
    "fulfillment_event",
    "cleaning",
    "quarantine_outcome",
    "quarantine_fix",
    "quarantine",
    "charge_line",
    "import_file",
    "meta",
    "audit_event",
)


def _texts(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, TEXT, nullable=nullable) for name in names]


def _key(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, KEY, autoincrement=False, nullable=nullable)


def _big(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _whole(name: str, nullable: bool = False, **options: Any) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=nullable, **options)


def _joined(*columns: str) -> sa.Computed:
    """Return the text of columns with slashes between them; PostgreSQL has to store it, because it has an index."""
    return sa.Computed(" || '/' || ".join(columns), persisted=op.get_bind().dialect.name == "postgresql" or None)


def _refers(column: str, target: str, deferred: bool = False) -> sa.ForeignKeyConstraint:
    """Return a foreign key. A deferred one lets children be written before the header whose arrival checks them."""
    if deferred:
        return sa.ForeignKeyConstraint([column], [target], deferrable=True, initially="DEFERRED")
    return sa.ForeignKeyConstraint([column], [target])


def _of_version(name: str, version: str = "version") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["charge_no", version],
        ["schedule.charge_no", "schedule.version"],
        name=name,
        deferrable=True,
        initially="DEFERRED",
    )


def _index(name: str, table: str, columns: list[str], unique: bool = False, where: Any = None) -> None:
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)


def _audit_trail() -> None:
    op.create_table(
        "audit_event",
        _key("seq"),
        *_texts("at", "actor", "command", "action", "subject", "detail", "previous_hash", "hash"),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("hash"),
    )
    op.create_table("meta", *_texts("key", "value"), sa.PrimaryKeyConstraint("key"))


def _imports() -> None:
    op.create_table(
        "import_file",
        _key("id"),
        *_texts("kind", "uri", "sha256"),
        _big("size"),
        *_texts("mapping", "source", "imported_at", "actor"),
        _key("audit_seq"),
        sa.CheckConstraint("kind IN ('charges', 'events')", name="import_file_kind"),
        _refers("audit_seq", "audit_event.seq"),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("import_file_sha256", "import_file", ["sha256"])
    op.create_table(
        "charge_line",
        _key("no"),
        sa.Column("id", TEXT, _joined("source", "document", "line"), nullable=False),
        *_texts("source", "document", "line", "customer", "item", "post_date"),
        _big("amount"),
        *_texts("currency"),
        *_texts("rev_rec_date", nullable=True),
        *_texts("description"),
        *_texts("quantity", "service_start", "service_end", nullable=True),
        *_texts("entity", "credits"),
        _big("recognized_before"),
        *_texts("cutover", nullable=True),
        *_texts("bills", "dimensions"),
        _key("import_id"),
        _big("row"),
        _refers("import_id", "import_file.id"),
        sa.PrimaryKeyConstraint("no"),
        sa.UniqueConstraint("id"),
    )
    _index("charge_line_document", "charge_line", ["document"])
    _index("charge_line_credits", "charge_line", ["credits"], where=sa.text("credits <> ''"))
    _index("charge_line_ordered", "charge_line", ["document"], where=sa.text("bills = 'later'"))
    op.create_table(
        "fulfillment_event",
        _key("id"),
        _key("charge_no"),
        *_texts("kind", "date"),
        *_texts("quantity", "percent", nullable=True),
        _big("amount", nullable=True),
        *_texts("name", "note", "scope", "recorded_at", "actor"),
        _key("import_id", nullable=True),
        _big("row", nullable=True),
        _refers("charge_no", "charge_line.no"),
        _refers("import_id", "import_file.id"),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("fulfillment_event_charge", "fulfillment_event", ["charge_no"])
    for name, key, target in (
        ("event_withdrawal", "event_id", "fulfillment_event.id"),
        ("charge_void", "charge_no", "charge_line.no"),
        ("not_invoiced", "charge_no", "charge_line.no"),
    ):
        op.create_table(
            name,
            _key(key),
            *_texts("reason", "at", "actor"),
            _key("audit_seq"),
            sa.CheckConstraint("reason <> ''", name=f"{name}_reason"),
            _refers(key, target),
            _refers("audit_seq", "audit_event.seq"),
            sa.PrimaryKeyConstraint(key),
        )
    op.create_table(
        "billing_line",
        *(_key(name) for name in ("charge_no", "ordered_no")),
        *_texts("matched_by"),
        _key("audit_seq"),
        sa.CheckConstraint("matched_by IN ('bills', 'contract', 'credits')", name="billing_line_matched_by"),
        sa.CheckConstraint("charge_no <> ordered_no", name="billing_line_of_another"),
        _refers("charge_no", "charge_line.no"),
        _refers("ordered_no", "charge_line.no"),
        _refers("audit_seq", "audit_event.seq"),
        sa.PrimaryKeyConstraint("charge_no"),
    )
    _index("billing_line_ordered", "billing_line", ["ordered_no"])
    op.create_table(
        "document_part",
        _key("charge_no"),
        *_texts("part", "as_of"),
        _refers("charge_no", "charge_line.no"),
        sa.PrimaryKeyConstraint("charge_no"),
    )
    op.create_table(
        "charge_change",
        *(_key(name) for name in ("id", "charge_no", "import_id")),
        _big("row"),
        *_texts("figures", "as_of"),
        _key("audit_seq"),
        _refers("charge_no", "charge_line.no"),
        _refers("import_id", "import_file.id"),
        _refers("audit_seq", "audit_event.seq"),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("charge_change_charge", "charge_change", ["charge_no"])
    op.create_table(
        "cleaning",
        _key("id"),
        _key("import_id"),
        _big("row"),
        *_texts("steps"),
        _refers("import_id", "import_file.id"),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("cleaning_row", "cleaning", ["import_id", "row"])
    _quarantine()


def _quarantine() -> None:
    op.create_table(
        "quarantine",
        _key("id"),
        _key("import_id"),
        _big("row"),
        *_texts("problems", "raw"),
        *_texts("source", "document", "line", "customer", "item", "entity", "date", "currency"),
        _big("amount", nullable=True),
        _refers("import_id", "import_file.id"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "quarantine_fix",
        _key("id"),
        _key("quarantine_id"),
        *_texts("fields", "reason", "at", "actor"),
        _key("audit_seq"),
        _refers("quarantine_id", "quarantine.id"),
        _refers("audit_seq", "audit_event.seq"),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("quarantine_fix_of", "quarantine_fix", ["quarantine_id"])
    op.create_table(
        "quarantine_outcome",
        _key("quarantine_id"),
        *_texts("outcome", "charge", "reason", "at", "actor"),
        _key("audit_seq"),
        sa.CheckConstraint("outcome IN ('released', 'dismissed')", name="quarantine_outcome_kind"),
        _refers("quarantine_id", "quarantine.id"),
        _refers("audit_seq", "audit_event.seq"),
        sa.PrimaryKeyConstraint("quarantine_id"),
    )


def _sources() -> None:
    op.create_table(
        "received_document",
        _key("id"),
        *_texts("source", "name", "marker", "sha256"),
        _big("size"),
        *_texts("outcome", "detail", "waits_for", "kept", "at", "actor"),
        sa.CheckConstraint(
            "outcome IN ('imported', 'unchanged', 'refused', 'unreachable')", name="received_document_outcome"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("received_document_source", "received_document", ["source", "name"])
    _index("received_document_failed", "received_document", ["id"], where=NOT_IMPORTED)
    op.create_table(
        "document_resolution",
        _key("document_id"),
        *_texts("outcome", "reason", "at", "actor"),
        sa.CheckConstraint("outcome IN ('dismissed', 'replaced')", name="document_resolution_outcome"),
        sa.CheckConstraint("reason <> ''", name="document_resolution_reason"),
        _refers("document_id", "received_document.id"),
        sa.PrimaryKeyConstraint("document_id"),
    )
    op.create_table(
        "source_fetch",
        _key("id"),
        *_texts("source", "started_at", "ended_at", "actor"),
        _big("documents"),
        *_texts("outcome"),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("source_fetch_source", "source_fetch", ["source"])


def _rules() -> None:
    op.create_table(
        "rule_version",
        _key("id"),
        *_texts("name"),
        _whole("version"),
        *_texts("sha256", "text", "file", "method", "deferred", "accrued", "journal", "memo", "options"),
        *_texts("recorded_at", "actor"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", "version"),
        sa.UniqueConstraint("name", "sha256", "deferred", "accrued", "journal", "memo", "options"),
    )
    op.create_table(
        "after_invoice",
        _key("rule_version_id"),
        *_texts("rule"),
        _refers("rule_version_id", "rule_version.id"),
        sa.PrimaryKeyConstraint("rule_version_id"),
    )
    op.create_table(
        "period_fact",
        _key("id"),
        *_texts("entity", "kind", "day", "source", "reason", "at", "actor"),
        sa.CheckConstraint("kind IN ('through', 'closed', 'open')", name="period_fact_kind"),
        sa.CheckConstraint("source IN ('intacct', 'answer', 'person')", name="period_fact_source"),
        sa.PrimaryKeyConstraint("id"),
    )


def _posting_columns() -> list[sa.Column[Any]]:
    """Return the columns that all kinds of postings share: size, content, and the posting state."""
    return [
        _big("amount"),
        _whole("lines"),
        *_texts("content_hash", "created_at", "state"),
        _whole("attempts", server_default=sa.text("0")),
        *_texts("owner", "lease_until", "not_before", "record_no", "error_no", "error", nullable=True),
        *_texts("advice", "posted_at", nullable=True),
    ]


def _posting_heads() -> None:
    op.create_table(
        "posting_run",
        _key("id"),
        *_texts("date", "started_at"),
        *_texts("finished_at", nullable=True),
        *_texts("actor"),
        *_texts("outcome", nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "journal_entry",
        _key("id"),
        *_texts("reference", "control_id"),
        _key("run_id"),
        *_texts("date", "journal", "entity", "currency", "title"),
        *_posting_columns(),
        _refers("run_id", "posting_run.id"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reference"),
        sa.UniqueConstraint("control_id"),
    )
    _index("journal_entry_record_no", "journal_entry", ["record_no"])
    _index("journal_entry_unsettled", "journal_entry", ["state"], where=UNSETTLED)
    op.create_table(
        "invoice",
        _key("id"),
        *_texts("reference", "control_id"),
        _key("run_id"),
        *_texts("kind"),
        _key("after_id", nullable=True),
        *_texts("source", "document", "number", "definition", "date", "customer", "entity", "currency", "term"),
        *_posting_columns(),
        sa.CheckConstraint(
            "kind IN ('sales_order', 'sales_invoice', 'ar_invoice', 'by_hand', 'sales_credit', 'ar_credit')",
            name="invoice_kind",
        ),
        sa.CheckConstraint(
            "(kind IN ('sales_invoice', 'sales_credit', 'ar_credit')) = (after_id IS NOT NULL)", name="invoice_after"
        ),
        _refers("run_id", "posting_run.id"),
        _refers("after_id", "invoice.id"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reference"),
        sa.UniqueConstraint("control_id"),
    )
    for name in ("document", "number", "record_no", "after_id"):
        _index(f"invoice_{name}", "invoice", [name])
    _index("invoice_unsettled", "invoice", ["state"], where=UNSETTLED)


def _schedules() -> None:
    op.create_table("explanation", _key("id"), *_texts("text"), sa.PrimaryKeyConstraint("id"))
    op.create_table(
        "plan",
        _key("id"),
        *_texts("fingerprint", "kind"),
        _whole("parts"),
        _big("total"),
        _big("smallest"),
        *_texts("first_date"),
        _big("carried", nullable=True),
        _big("whole", nullable=True),
        sa.CheckConstraint("kind IN ('shares', 'amounts', 'changed')", name="plan_kind"),
        sa.CheckConstraint("(smallest > 0) = (kind <> 'amounts') AND smallest >= 0", name="plan_smallest"),
        sa.CheckConstraint(
            "(kind = 'changed') = (carried IS NOT NULL) AND (kind = 'changed') = (whole IS NOT NULL)"
            " AND (carried IS NULL OR carried BETWEEN 1 AND whole)",
            name="plan_carried",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("fingerprint"),
    )
    op.create_table(
        "plan_part",
        _key("plan_id"),
        _whole("seq"),
        *_texts("date"),
        _big("before"),
        _big("cumulative"),
        sa.CheckConstraint("cumulative <> before", name="plan_part_weight"),
        _refers("plan_id", "plan.id", deferred=True),
        sa.PrimaryKeyConstraint("plan_id", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "schedule",
        _key("charge_no"),
        _whole("version"),
        _key("rule_version_id"),
        _big("amount"),
        _big("posted"),
        _big("planned"),
        _big("base", nullable=True),
        *_texts("amounts", nullable=True),
        _key("plan_id", nullable=True),
        _whole("first_seq"),
        _whole("lines"),
        _key("explanation_id"),
        *_texts("prices", nullable=True),
        _key("audit_seq"),
        _whole("superseded_by", nullable=True),
        *_texts("open_from", nullable=True),
        sa.CheckConstraint("open_from IS NULL OR superseded_by IS NULL", name="schedule_open_from"),
        _refers("charge_no", "charge_line.no"),
        _refers("rule_version_id", "rule_version.id"),
        _refers("plan_id", "plan.id"),
        _refers("explanation_id", "explanation.id"),
        _refers("audit_seq", "audit_event.seq"),
        _of_version("schedule_superseded", "superseded_by"),
        sa.PrimaryKeyConstraint("charge_no", "version"),
        sqlite_with_rowid=False,
    )
    _index("schedule_open", "schedule", ["open_from"], where=sa.text("open_from IS NOT NULL"))
    op.create_table(
        "entered_line",
        _big("charge_no"),
        _whole("version"),
        _whole("seq"),
        _key("entry_id", nullable=True),
        _whole("revision", server_default=sa.text("0")),
        _whole("superseded_by", nullable=True),
        sa.CheckConstraint("entry_id IS NOT NULL OR revision > 0", name="entered_line_was_on_an_entry"),
        sa.ForeignKeyConstraint(
            ["charge_no", "version"], ["schedule.charge_no", "schedule.version"], name="entered_line_schedule"
        ),
        _of_version("entered_line_superseded", "superseded_by"),
        _refers("entry_id", "journal_entry.id", deferred=True),
        sa.PrimaryKeyConstraint("charge_no", "version", "seq"),
        sqlite_with_rowid=False,
    )
    _index("entered_line_entry", "entered_line", ["entry_id"], where=sa.text("entry_id IS NOT NULL"))
    released = sa.text("entry_id IS NULL AND superseded_by IS NULL")
    _index("entered_line_released", "entered_line", ["charge_no"], where=released)
    op.create_table(
        "take_back_line",
        _big("charge_no"),
        _whole("version"),
        _whole("seq"),
        _key("rule_version_id"),
        _of_version("take_back_line_schedule"),
        _refers("rule_version_id", "rule_version.id"),
        sa.PrimaryKeyConstraint("charge_no", "version", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "historical_part",
        _key("charge_no"),
        _whole("seq"),
        *_texts("date"),
        _big("amount"),
        _key("rule_version_id"),
        sa.CheckConstraint("amount <> 0", name="historical_part_amount"),
        _refers("charge_no", "charge_line.no"),
        _refers("rule_version_id", "rule_version.id"),
        sa.PrimaryKeyConstraint("charge_no", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "schedule_wait",
        _big("charge_no"),
        _whole("version"),
        _big("amount"),
        *_texts("code", "reason"),
        sa.CheckConstraint("amount <> 0", name="schedule_wait_amount"),
        sa.CheckConstraint("code IN ('waiting', 'held', 'stopped')", name="schedule_wait_code"),
        _of_version("schedule_wait_schedule"),
        sa.PrimaryKeyConstraint("charge_no", "version"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "schedule_plan",
        _big("charge_no"),
        _whole("version"),
        *_texts("plan"),
        _of_version("schedule_plan_schedule"),
        sa.PrimaryKeyConstraint("charge_no", "version"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "price_change",
        _big("charge_no"),
        _whole("version"),
        _big("amount"),
        _key("reason_id"),
        sa.CheckConstraint("amount <> 0", name="price_change_amount"),
        _refers("reason_id", "explanation.id"),
        _of_version("price_change_schedule"),
        sa.PrimaryKeyConstraint("charge_no", "version"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "unscheduled",
        sa.Column("charge_no", KEY, nullable=False),
        *_texts("code", "reason"),
        *_texts("rule", nullable=True),
        _big("amount"),
        _key("audit_seq"),
        _refers("charge_no", "charge_line.no"),
        _refers("audit_seq", "audit_event.seq"),
        sa.PrimaryKeyConstraint("charge_no"),
    )
    op.create_table(
        "past_unscheduled",
        _key("id"),
        _key("charge_no"),
        *_texts("code", "reason"),
        *_texts("rule", nullable=True),
        _big("amount"),
        _key("audit_seq"),
        _key("ended_seq"),
        _refers("charge_no", "charge_line.no"),
        _refers("audit_seq", "audit_event.seq"),
        _refers("ended_seq", "audit_event.seq"),
        sa.PrimaryKeyConstraint("id"),
    )


def _contracts() -> None:
    op.create_table(
        "contract_line",
        _key("charge_no"),
        *_texts("contract"),
        _whole("part"),
        _key("audit_seq"),
        sa.CheckConstraint("part > 0", name="contract_line_part"),
        _refers("charge_no", "charge_line.no"),
        _refers("audit_seq", "audit_event.seq"),
        sa.PrimaryKeyConstraint("charge_no"),
    )
    _index("contract_line_contract", "contract_line", ["contract"])
    op.create_table(
        "allocation",
        _key("id"),
        *_texts("contract"),
        _whole("version"),
        *_texts("name", "sha256", "text"),
        *_texts("since", nullable=True),
        _big("price"),
        *_texts("currency"),
        _whole("lines"),
        _key("audit_seq"),
        _refers("audit_seq", "audit_event.seq"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("contract", "version"),
    )
    op.create_table(
        "allocation_line",
        _key("allocation_id"),
        _key("charge_no"),
        _big("billed"),
        _big("standalone", nullable=True),
        _big("allocated"),
        *_texts("reason", "warning"),
        sa.ForeignKeyConstraint(
            ["allocation_id"],
            ["allocation.id"],
            name="allocation_line_allocation",
            deferrable=True,
            initially="DEFERRED",
        ),
        _refers("charge_no", "charge_line.no"),
        sa.PrimaryKeyConstraint("allocation_id", "charge_no"),
        sqlite_with_rowid=False,
    )
    _index("allocation_line_charge", "allocation_line", ["charge_no"])
    op.create_table(
        "schedule_allocation",
        _big("charge_no"),
        _whole("version"),
        _key("allocation_id"),
        _big("amount"),
        sa.CheckConstraint("amount <> 0", name="schedule_allocation_amount"),
        _refers("allocation_id", "allocation.id"),
        _of_version("schedule_allocation_schedule"),
        sa.PrimaryKeyConstraint("charge_no", "version"),
        sqlite_with_rowid=False,
    )


def _of_entered_line(name: str, **options: Any) -> sa.ForeignKeyConstraint:
    target = ["entered_line.charge_no", "entered_line.version", "entered_line.seq"]
    return sa.ForeignKeyConstraint(["charge_no", "version", "seq"], target, name=name, **options)


def _entry_lines() -> None:
    op.create_table(
        "journal_line",
        _key("entry_id"),
        _whole("line_no"),
        *_texts("side", "account"),
        _big("amount"),
        *_texts("currency", "charge"),
        _big("charge_no"),
        _whole("version"),
        _whole("seq"),
        *_texts("document", "memo", "customer", "item", "dimensions"),
        sa.CheckConstraint("amount > 0", name="journal_line_amount"),
        sa.CheckConstraint("side IN ('debit', 'credit')", name="journal_line_side"),
        _of_entered_line("journal_line_entered_line", deferrable=True, initially="DEFERRED"),
        _refers("entry_id", "journal_entry.id", deferred=True),
        sa.PrimaryKeyConstraint("entry_id", "line_no"),
        sqlite_with_rowid=False,
    )
    _index("journal_line_once", "journal_line", ["charge_no", "version", "seq", "entry_id", "side"], unique=True)
    op.create_table(
        "account_sum",
        _key("entry_id"),
        *_texts("account", "side"),
        _whole("lines"),
        _big("amount"),
        _refers("entry_id", "journal_entry.id", deferred=True),
        sa.PrimaryKeyConstraint("entry_id", "account", "side"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "summary_line",
        _key("entry_id"),
        _whole("line_no"),
        *_texts("side", "account"),
        _big("amount"),
        *_texts("currency", "memo", "customer", "item", "dimensions"),
        *_texts("billed", nullable=True),
        *_texts("fields"),
        _whole("first"),
        _whole("last"),
        sa.CheckConstraint("amount > 0", name="summary_line_amount"),
        sa.CheckConstraint("side IN ('debit', 'credit')", name="summary_line_side"),
        _refers("entry_id", "journal_entry.id", deferred=True),
        sa.PrimaryKeyConstraint("entry_id", "line_no"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "entry_date_override",
        _key("entry_id"),
        *_texts("recognition_date", "reason"),
        _refers("entry_id", "journal_entry.id", deferred=True),
        sa.PrimaryKeyConstraint("entry_id"),
    )


def _reversals() -> None:
    op.create_table(
        "entry_reversal",
        _key("id"),
        _key("reverses"),
        _whole("times"),
        _key("entry_id", nullable=True),
        *_texts("record_no", nullable=True),
        *_texts("date"),
        _whole("final"),
        *_texts("reason", "at", "actor"),
        sa.CheckConstraint("final IN (0, 1)", name="entry_reversal_final"),
        sa.CheckConstraint("entry_id IS NULL OR record_no IS NULL", name="entry_reversal_where"),
        _refers("reverses", "journal_entry.id"),
        _refers("entry_id", "journal_entry.id", deferred=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reverses", "times"),
        sa.UniqueConstraint("entry_id"),
    )


def _invoice_lines() -> None:
    op.create_table(
        "invoice_line",
        _key("invoice_id"),
        _whole("line_no"),
        *_texts("charge"),
        _key("charge_no"),
        *_texts("item", "description", "quantity", "price"),
        _big("amount"),
        *_texts("account", "memo", "dimensions"),
        _refers("invoice_id", "invoice.id", deferred=True),
        _refers("charge_no", "charge_line.no"),
        sa.PrimaryKeyConstraint("invoice_id", "line_no"),
        sqlite_with_rowid=False,
    )
    _index("invoice_line_once", "invoice_line", ["charge_no", "invoice_id"], unique=True)


def _adjusting_entries() -> None:
    op.create_table(
        "adjusting_entry",
        _key("id"),
        *_texts("reference", "control_id"),
        _key("run_id"),
        *_texts("kind", "subject", "day"),
        _whole("sequence"),
        _key("reverses_id", nullable=True),
        *_texts("date", "journal", "entity", "currency", "title", "reason"),
        *_posting_columns(),
        sa.CheckConstraint("kind IN ('presentation', 'exchange')", name="adjusting_entry_kind"),
        _refers("run_id", "posting_run.id"),
        _refers("reverses_id", "adjusting_entry.id"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reference"),
        sa.UniqueConstraint("control_id"),
    )
    for name in ("record_no", "reverses_id"):
        _index(f"adjusting_entry_{name}", "adjusting_entry", [name])
    once = ["day", "kind", "subject", "entity", "currency", "sequence"]
    _index("adjusting_entry_once", "adjusting_entry", once, unique=True)
    _index("adjusting_entry_unsettled", "adjusting_entry", ["state"], where=UNSETTLED)
    op.create_table(
        "adjusting_line",
        _key("adjustment_id"),
        _whole("line_no"),
        *_texts("account"),
        _big("amount"),
        *_texts("memo", "customer", "item", "dimensions"),
        sa.CheckConstraint("amount <> 0", name="adjusting_line_amount"),
        _refers("adjustment_id", "adjusting_entry.id", deferred=True),
        sa.PrimaryKeyConstraint("adjustment_id", "line_no"),
        sqlite_with_rowid=False,
    )


def _attempts(table: str, posting: str, kinds: tuple[str, ...]) -> None:
    """Create the three tables of the attempts at one kind of posting: request, outcome, and what a failure means."""
    parent = {"entry": "journal_entry", "adjustment": "adjusting_entry"}.get(posting, posting)
    op.create_table(
        table,
        _key("id"),
        _key(f"{posting}_id"),
        _whole("number"),
        *_texts("kind", "control_id", "at", "actor", "request"),
        sa.CheckConstraint(f"kind IN {kinds!r}", name=f"{table}_kind"),
        _refers(f"{posting}_id", f"{parent}.id"),
        sa.PrimaryKeyConstraint("id"),
    )
    _index(f"{table}_{posting}", table, [f"{posting}_id"])
    op.create_table(
        f"{table}_outcome",
        _key("attempt_id"),
        *_texts("at", "outcome"),
        _whole("http_status", nullable=True),
        *_texts("record_no", "error", nullable=True),
        *_texts("response"),
        _refers("attempt_id", f"{table}.id"),
        sa.PrimaryKeyConstraint("attempt_id"),
    )
    op.create_table(
        f"{table}_failure",
        _key("attempt_id"),
        *_texts("name", "error_class", "named"),
        _refers("attempt_id", f"{table}.id"),
        sa.PrimaryKeyConstraint("attempt_id"),
    )


def _repairs() -> None:
    op.create_table(
        "repair_version",
        _key("id"),
        *_texts("name"),
        _whole("version"),
        *_texts("sha256", "text", "file", "recorded_at", "actor"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", "version"),
        sa.UniqueConstraint("name", "sha256"),
    )
    op.create_table(
        "repaired_value",
        _key("id"),
        _key("entry_id"),
        _key("repair_version_id"),
        _big("charge_no"),
        _whole("version"),
        _whole("seq"),
        *_texts("side", "field"),
        *_texts("before", "after", nullable=True),
        sa.CheckConstraint("side IN ('debit', 'credit')", name="repaired_value_side"),
        _refers("entry_id", "journal_entry.id"),
        _refers("repair_version_id", "repair_version.id"),
        _of_entered_line("repaired_value_entered_line"),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("repaired_value_entry", "repaired_value", ["entry_id"])
    once = ["charge_no", "version", "seq", "repair_version_id", "side", "field"]
    _index("repaired_value_once", "repaired_value", once, unique=True)


def _figures() -> None:
    """Create what reports need to know besides schedules and entries."""
    op.create_table(
        "period_closing",
        _key("fact_id"),
        *(_big(name) for name in ("audit_seq", "charge_no", "event_id")),
        *_texts("invoiced"),
        _refers("fact_id", "period_fact.id"),
        sa.PrimaryKeyConstraint("fact_id"),
    )
    op.create_table(
        "ledger_change",
        _key("id"),
        _key("entry_id", nullable=True),
        *_texts("part"),
        _key("charge_no"),
        *_texts("account", "date"),
        _big("amount"),
        *_texts("finding"),
        _key("audit_seq"),
        sa.CheckConstraint("part IN ('entry', 'reversal', 'move')", name="ledger_change_part"),
        sa.CheckConstraint("(part = 'move') = (entry_id IS NULL)", name="ledger_change_entry_id"),
        sa.CheckConstraint("amount <> 0", name="ledger_change_amount"),
        _refers("entry_id", "journal_entry.id"),
        _refers("charge_no", "charge_line.no"),
        _refers("audit_seq", "audit_event.seq"),
        sa.PrimaryKeyConstraint("id"),
    )
    _index("ledger_change_entry", "ledger_change", ["entry_id"])
    op.create_table(
        "arrival_account",
        _key("charge_no"),
        *_texts("account"),
        _key("audit_seq"),
        _refers("charge_no", "charge_line.no"),
        _refers("audit_seq", "audit_event.seq"),
        sa.PrimaryKeyConstraint("charge_no"),
    )
    op.create_table(
        "revenue_status",
        _key("charge_no"),
        _key("audit_seq"),
        _whole("is_revenue"),
        sa.CheckConstraint("is_revenue IN (0, 1)", name="revenue_status_is_revenue"),
        _refers("charge_no", "charge_line.no"),
        _refers("audit_seq", "audit_event.seq"),
        sa.PrimaryKeyConstraint("charge_no", "audit_seq"),
    )
