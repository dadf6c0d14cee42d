"""Invariants between rows: each is one query that returns the keys of the rows that break it."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection

from revrec.store.verifying.findings import VerifyFinding

MOST = 10
"""The most findings of one invariant that are reported."""


class Invariant(NamedTuple):
    """A query that must return no rows; each row it returns is the key, as text, of a row that breaks the invariant."""

    name: str
    table: str
    problem: str
    meaning: str
    sql: str


MIRRORS = "(SELECT r.entry_id FROM entry_reversal r WHERE r.entry_id IS NOT NULL)"
"""The entries that reverse another one: they have its schedule lines, and never hold them."""
REOPENED = """(SELECT r.reverses FROM entry_reversal r LEFT JOIN journal_entry m ON m.id = r.entry_id
                 WHERE r.final = 0 AND (r.entry_id IS NULL OR m.state = 'POSTED'))"""
"""The entries that are reversed and whose schedule lines are open again."""
HOLDS = f"e.state NOT IN ('REPLACED', 'CANCELED') AND e.id NOT IN {MIRRORS} AND e.id NOT IN {REOPENED}"
"""The condition that an entry holds its schedule lines."""

_PROOF = """
        SELECT 'id ' || e.id FROM {table} e
        WHERE e.state IN ('POSTED', 'AWAITING_APPROVAL') AND (e.record_no IS NULL OR NOT EXISTS (
          SELECT 1 FROM {attempts} a JOIN {attempts}_outcome o ON o.attempt_id = a.id
          WHERE a.{posting} = e.id AND o.record_no = e.record_no))"""
_LEASE = """
        SELECT 'id ' || p.id FROM {table} p
        WHERE (p.state = 'SENDING') <> (p.owner IS NOT NULL AND p.lease_until IS NOT NULL)
          OR (p.owner IS NULL) <> (p.lease_until IS NULL)"""


def _proof(name: str, table: str, attempts: str, posting: str) -> Invariant:
    """Return the invariant that an attempt proves each posted entry; its column ``posting`` refers to the entry."""
    return Invariant(
        name,
        table,
        "it is POSTED or AWAITING_APPROVAL without a record number and a stored answer or read-back that shows it",
        "no one can prove that it is in Intacct",
        _PROOF.format(table=table, attempts=attempts, posting=posting),
    )


def _lease(name: str, table: str) -> Invariant:
    """Return the invariant that a posting has an owner and a lease exactly while it is sent."""
    return Invariant(
        name,
        table,
        "it is SENDING without an owner and a lease, or has them in another state",
        "two runs could send it",
        _LEASE.format(table=table),
    )


INVARIANTS = (
    Invariant(
        "sum of the schedule",
        "charge_line",
        "its valid schedule lines, historical parts and what waits of it do not sum to its price",
        "too much or too little would be recognized",
        """
        SELECT 'no ' || c.no FROM charge_line c JOIN (
          SELECT charge_no, max(version) AS version FROM schedule GROUP BY charge_no
        ) s ON s.charge_no = c.no
        LEFT JOIN schedule_wait w ON w.charge_no = s.charge_no AND w.version = s.version
        LEFT JOIN (
          SELECT charge_no, sum(amount) AS total FROM schedule_line WHERE superseded_by IS NULL GROUP BY charge_no
        ) l ON l.charge_no = c.no
        LEFT JOIN (SELECT charge_no, sum(amount) AS total FROM price_change GROUP BY charge_no) p ON p.charge_no = c.no
        LEFT JOIN (SELECT charge_no, sum(amount) AS total FROM schedule_allocation GROUP BY charge_no) a
          ON a.charge_no = c.no
        WHERE coalesce(l.total, 0) + coalesce(w.amount, 0) + c.recognized_before
          <> c.amount + coalesce(p.total, 0) + coalesce(a.total, 0)""",
    ),
    Invariant(
        "history of a charge line",
        "charge_line",
        "its historical parts are not before its cutover, or do not sum to what was recognized before it",
        "an amount that another system recognized would be recognized again, or never",
        """
        SELECT 'no ' || c.no FROM charge_line c LEFT JOIN (
          SELECT charge_no, sum(amount) AS total, max(date) AS last FROM historical_part GROUP BY charge_no
        ) h ON h.charge_no = c.no
        WHERE (c.recognized_before <> 0 OR h.charge_no IS NOT NULL)
          AND EXISTS (SELECT 1 FROM schedule s WHERE s.charge_no = c.no)
          AND (coalesce(h.total, 0) <> c.recognized_before OR h.last >= c.cutover OR c.cutover IS NULL)""",
    ),
    Invariant(
        "sum of an allocation",
        "allocation",
        "its lines do not add up to what was billed, or are not the lines of its contract",
        "allocating a contract would create or lose revenue",
        """
        SELECT 'id ' || a.id FROM allocation a LEFT JOIN (
          SELECT l.allocation_id, count(*) AS lines, sum(l.billed) AS billed, sum(l.allocated) AS allocated,
            sum(CASE WHEN c.amount = l.billed AND m.contract = h.contract AND c.currency = h.currency
                THEN 0 ELSE 1 END) AS mismatched
          FROM allocation_line l JOIN allocation h ON h.id = l.allocation_id
          LEFT JOIN charge_line c ON c.no = l.charge_no LEFT JOIN contract_line m ON m.charge_no = l.charge_no
          GROUP BY l.allocation_id
        ) l ON l.allocation_id = a.id
        WHERE l.allocation_id IS NULL OR l.lines <> a.lines OR l.billed <> a.price OR l.allocated <> a.price
          OR l.mismatched <> 0""",
    ),
    Invariant(
        "schedules of a contract",
        "allocation_line",
        "the schedule of its charge line does not add up to what the newest allocation of its contract gives it",
        "the lines of a contract would not add up to its price",
        """
        SELECT 'allocation_id ' || l.allocation_id || ', charge_no ' || l.charge_no FROM allocation_line l
        JOIN (SELECT charge_no, max(allocation_id) AS newest FROM allocation_line GROUP BY charge_no) n
          ON n.charge_no = l.charge_no AND n.newest = l.allocation_id
        LEFT JOIN (SELECT charge_no, sum(amount) AS total FROM schedule_allocation GROUP BY charge_no) a
          ON a.charge_no = l.charge_no
        WHERE EXISTS (SELECT 1 FROM schedule s WHERE s.charge_no = l.charge_no)
          AND coalesce(a.total, 0) <> l.allocated - l.billed""",
    ),
    Invariant(
        "scheduled or waiting",
        "charge_line",
        "it is neither scheduled nor waiting with a reason, or it is both",
        "it would never be recognized, or no one can say why it waits",
        """
        SELECT 'no ' || c.no FROM charge_line c
        LEFT JOIN unscheduled u ON u.charge_no = c.no
        LEFT JOIN billing_line b ON b.charge_no = c.no
        WHERE (u.charge_no IS NULL AND b.charge_no IS NULL)
          <> EXISTS (SELECT 1 FROM schedule s WHERE s.charge_no = c.no)""",
    ),
    Invariant(
        "billing of contract lines",
        "billing_line",
        "the line that it bills is no contract line, or has another customer, currency or entity",
        "the invoice would be netted with the revenue of another contract",
        """
        SELECT 'charge_no ' || b.charge_no FROM billing_line b
        JOIN charge_line c ON c.no = b.charge_no JOIN charge_line o ON o.no = b.ordered_no
        WHERE o.bills <> 'later' OR c.customer <> o.customer OR c.currency <> o.currency OR c.entity <> o.entity""",
    ),
    Invariant(
        "whole schedule versions",
        "schedule",
        "its amount is not its price at that time, or not the sum of what was posted before, its lines and what waits",
        "posted and remaining amounts do not add up to the charge line",
        """
        SELECT 'charge_no ' || s.charge_no || ', version ' || s.version FROM schedule s
        JOIN charge_line c ON c.no = s.charge_no
        LEFT JOIN (SELECT charge_no, version, sum(amount) AS total FROM schedule_line GROUP BY charge_no, version) l
          ON l.charge_no = s.charge_no AND l.version = s.version
        LEFT JOIN schedule_wait w ON w.charge_no = s.charge_no AND w.version = s.version
        WHERE s.amount <> c.amount + (SELECT coalesce(sum(p.amount), 0) FROM price_change p
                                      WHERE p.charge_no = s.charge_no AND p.version <= s.version)
            + (SELECT coalesce(sum(a.amount), 0) FROM schedule_allocation a
               WHERE a.charge_no = s.charge_no AND a.version <= s.version)
          OR s.amount - s.posted <> coalesce(l.total, 0) + coalesce(w.amount, 0)""",
    ),
    Invariant(
        "superseded by the next version",
        "schedule",
        "its superseded_by is not the next version, or is not set although there is one",
        "an amount would be left out of the schedule, or be in it twice",
        """
        SELECT 'charge_no ' || s.charge_no || ', version ' || s.version FROM schedule s
        LEFT JOIN schedule n ON n.charge_no = s.charge_no AND n.version = s.version + 1
        WHERE CASE WHEN n.version IS NULL THEN s.superseded_by IS NOT NULL
              ELSE s.superseded_by IS NULL OR s.superseded_by <> n.version END""",
    ),
    Invariant(
        "first open line",
        "schedule",
        "its open_from is not the date of its first line that was never on an entry",
        "lines that are due would not be found",
        """
        SELECT 'charge_no ' || s.charge_no || ', version ' || s.version FROM schedule s LEFT JOIN (
          SELECT v.charge_no, v.version, min(p.date) AS first FROM schedule v
          JOIN plan_part p ON p.plan_id = v.plan_id
          LEFT JOIN entered_line e ON e.charge_no = v.charge_no AND e.version = v.version
            AND e.seq = v.first_seq + p.seq - 1
          WHERE v.superseded_by IS NULL AND e.seq IS NULL GROUP BY v.charge_no, v.version
        ) o ON o.charge_no = s.charge_no AND o.version = s.version
        WHERE coalesce(s.open_from, '') <> coalesce(o.first, '')""",
    ),
    Invariant(
        "parts of a plan",
        "plan",
        "its dates and weights do not add up to its figures",
        "the schedules that share it would be divided wrongly",
        """
        SELECT 'id ' || n.id FROM plan n LEFT JOIN (
          SELECT p.plan_id, count(*) AS parts, max(p.seq) AS last, min(p.date) AS first, min(p.cumulative - p.before) AS
            smallest, sum(CASE WHEN p.before = coalesce(q.cumulative, 0) AND p.date >= coalesce(q.date, '')
                          THEN 0 ELSE 1 END) AS broken
          FROM plan_part p LEFT JOIN plan_part q ON q.plan_id = p.plan_id AND q.seq = p.seq - 1 GROUP BY p.plan_id
        ) p ON p.plan_id = n.id LEFT JOIN plan_part l ON l.plan_id = n.id AND l.seq = n.parts
        WHERE p.plan_id IS NULL OR p.parts <> n.parts OR p.last <> n.parts OR p.first <> n.first_date OR p.broken <> 0
          OR l.cumulative <> n.total OR (n.kind <> 'amounts' AND p.smallest <> n.smallest)
          OR (n.kind = 'changed' AND NOT EXISTS (
            SELECT 1 FROM plan_part c WHERE c.plan_id = n.id AND c.cumulative = n.carried))""",
    ),
    Invariant(
        "plan of a schedule version",
        "schedule",
        "its plan has another number of parts, or cannot divide its amount",
        "lines would be missing, or be computed wrongly",
        """
        SELECT 'charge_no ' || s.charge_no || ', version ' || s.version FROM schedule s
        LEFT JOIN plan n ON n.id = s.plan_id
        WHERE coalesce(n.parts, 0) <> s.lines - s.first_seq + 1
          OR (n.kind = 'changed') <> (s.base IS NOT NULL)
          OR (n.kind = 'shares' AND s.amounts IS NULL AND abs(s.planned) >= 4611686018427387904 / n.total)
          OR (n.kind = 'changed' AND abs(s.base) >= 4611686018427387904 / n.whole)
          OR (n.kind = 'amounts' AND s.planned <> n.total)""",
    ),
    Invariant(
        "amounts that a schedule version lists",
        "schedule",
        "they are not one amount other than zero for each date of its plan, or do not add up to what it plans",
        "lines would be missing, or be computed wrongly",
        """
        SELECT 'charge_no ' || charge_no || ', version ' || version FROM (
          SELECT s.charge_no, s.version, s.planned, n.kind, n.parts, length(s.amounts) AS length, p.seq,
            substr(s.amounts, (p.seq - 1) * (length(s.amounts) / n.parts) + 1, length(s.amounts) / n.parts) AS amount
          FROM schedule s JOIN plan n ON n.id = s.plan_id JOIN plan_part p ON p.plan_id = n.id
          WHERE s.amounts IS NOT NULL
        ) listed
        GROUP BY charge_no, version, planned, kind, parts, length
        HAVING kind <> 'shares' OR length <> parts * (length / parts) OR sum(CAST(amount AS BIGINT)) <> planned
          OR min(abs(CAST(amount AS BIGINT))) = 0
          OR min(CASE WHEN trim(amount) = CAST(CAST(amount AS BIGINT) AS TEXT) THEN 1 ELSE 0 END) = 0""",
    ),
    Invariant(
        "superseded by a later version",
        "entered_line",
        "it is marked as superseded by a version that is not later, or that is not there",
        "an amount would be left out of the schedule",
        """
        SELECT 'charge_no ' || l.charge_no || ', version ' || l.version || ', seq ' || l.seq FROM entered_line l
        LEFT JOIN schedule s ON s.charge_no = l.charge_no AND s.version = l.superseded_by
        WHERE l.superseded_by IS NOT NULL
          AND (l.superseded_by <= l.version OR s.version IS NULL OR l.entry_id IS NOT NULL)""",
    ),
    Invariant(
        "number of an entered line",
        "entered_line",
        "its schedule version has no line of its number",
        "what was posted cannot be traced to a schedule",
        """
        SELECT 'charge_no ' || l.charge_no || ', version ' || l.version || ', seq ' || l.seq FROM entered_line l
        LEFT JOIN schedule s ON s.charge_no = l.charge_no AND s.version = l.version
          AND l.seq BETWEEN s.first_seq AND s.lines
        WHERE s.version IS NULL""",
    ),
    Invariant(
        "on at most one live entry",
        "entered_line",
        "it is on several live journal entries, or without exactly one debit and one credit",
        "an amount would be posted twice, or only one side of it",
        f"""
        SELECT 'charge_no ' || l.charge_no || ', version ' || l.version || ', seq ' || l.seq
        FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id
        WHERE {HOLDS} GROUP BY l.charge_no, l.version, l.seq
        HAVING count(*) <> 2 OR min(l.entry_id) <> max(l.entry_id)""",  # noqa: S608
    ),
    Invariant(
        "taken by its entry",
        "entered_line",
        "it does not refer to the live entry that has its amount",
        "it could be posted a second time, or never",
        f"""
        SELECT 'charge_no ' || l.charge_no || ', version ' || l.version || ', seq ' || l.seq
        FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id
        JOIN schedule_line s ON s.charge_no = l.charge_no AND s.version = l.version AND s.seq = l.seq
        WHERE {HOLDS} AND l.side = 'debit'
          AND (s.entry_id IS NULL OR s.entry_id <> e.id OR abs(s.amount) <> l.amount)
        UNION ALL
        SELECT 'charge_no ' || s.charge_no || ', version ' || s.version || ', seq ' || s.seq
        FROM entered_line s WHERE s.entry_id IS NOT NULL AND NOT EXISTS (
          SELECT 1 FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id
          WHERE l.charge_no = s.charge_no AND l.version = s.version AND l.seq = s.seq
            AND l.entry_id = s.entry_id AND {HOLDS})""",  # noqa: S608
    ),
    Invariant(
        "revision of a schedule line",
        "entered_line",
        "its revision is not the number of entries that released it, or it was never on an entry",
        "its next entry would get the reference of another entry",
        f"""
        SELECT 'charge_no ' || s.charge_no || ', version ' || s.version || ', seq ' || s.seq
        FROM (
          SELECT l.charge_no, l.version, l.seq,
            sum(CASE WHEN e.state IN ('REPLACED', 'CANCELED') OR e.id IN {REOPENED} THEN 1 ELSE 0 END) AS given_back
          FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id
          WHERE l.side = 'debit' AND e.id NOT IN {MIRRORS} GROUP BY l.charge_no, l.version, l.seq
        ) s LEFT JOIN entered_line o ON o.charge_no = s.charge_no AND o.version = s.version AND o.seq = s.seq
        WHERE o.seq IS NULL OR o.revision <> s.given_back
        UNION ALL
        SELECT 'charge_no ' || o.charge_no || ', version ' || o.version || ', seq ' || o.seq FROM entered_line o
        WHERE NOT EXISTS (SELECT 1 FROM journal_line l
                          WHERE l.charge_no = o.charge_no AND l.version = o.version AND l.seq = o.seq)""",  # noqa: S608
    ),
    Invariant(
        "balance",
        "journal_entry",
        "its debits, credits, amount and number of lines do not agree in its currency",
        "Intacct would refuse it, or the ledger would not balance",
        """
        SELECT 'id ' || e.id FROM journal_entry e LEFT JOIN (
          SELECT entry_id, count(*) AS lines, count(DISTINCT currency) AS currencies, min(currency) AS currency,
            sum(CASE side WHEN 'debit' THEN amount ELSE 0 END) AS debit,
            sum(CASE side WHEN 'credit' THEN amount ELSE 0 END) AS credit
          FROM journal_line GROUP BY entry_id
        ) l ON l.entry_id = e.id
        WHERE l.entry_id IS NULL OR l.lines <> e.lines OR l.currencies <> 1 OR l.currency <> e.currency
          OR l.debit <> e.amount OR l.credit <> e.amount""",
    ),
    Invariant(
        "sum of an account",
        "account_sum",
        "it is not the sum and the number of the journal lines of its entry on this side of the account",
        "the activity of the account and the checks of reports would show another amount than the entries have",
        """
        SELECT 'entry_id ' || entry_id || ', account ' || account || ', side ' || side FROM (
          SELECT entry_id, account, side, count(*) AS lines, sum(amount) AS amount FROM journal_line
          GROUP BY entry_id, account, side
          UNION ALL SELECT entry_id, account, side, -lines, -amount FROM account_sum
        ) b GROUP BY entry_id, account, side HAVING sum(lines) <> 0 OR sum(amount) <> 0""",
    ),
    Invariant(
        "sum of a summary line",
        "summary_line",
        "it is not the sum of the journal lines that it adds up, or they have another account or currency",
        "Intacct would have another amount than the schedules",
        """
        SELECT 'entry_id ' || s.entry_id || ', line_no ' || s.line_no FROM summary_line s LEFT JOIN (
          SELECT s.entry_id, s.line_no, sum(l.amount) AS amount, count(*) AS parts FROM summary_line s
          JOIN journal_line l ON l.entry_id = s.entry_id AND l.line_no BETWEEN s.first AND s.last
            AND l.side = s.side AND l.account = s.account AND l.currency = s.currency
          GROUP BY s.entry_id, s.line_no
        ) l ON l.entry_id = s.entry_id AND l.line_no = s.line_no
        WHERE l.amount IS NULL OR l.amount <> s.amount OR 2 * l.parts <> s.last - s.first + 1""",
    ),
    Invariant(
        "summary of an entry",
        "journal_entry",
        "its summary does not have all of its journal lines, or not its amount",
        "Intacct would have an entry that does not show everything that counts as posted",
        """
        SELECT 'id ' || e.id FROM journal_entry e JOIN (
          SELECT entry_id, min(first) AS first, max(last) AS last, sum(last - first + 1) AS parts,
            sum(CASE side WHEN 'debit' THEN amount ELSE 0 END) AS debit,
            sum(CASE side WHEN 'credit' THEN amount ELSE 0 END) AS credit
          FROM summary_line GROUP BY entry_id
        ) s ON s.entry_id = e.id
        WHERE s.first <> 1 OR s.last <> e.lines OR s.parts <> 2 * e.lines
          OR s.debit <> e.amount OR s.credit <> e.amount""",
    ),
    _proof("proof of posting", "journal_entry", "attempt", "entry_id"),
    _lease("lease of a sender", "journal_entry"),
    Invariant(
        "lines of an invoice",
        "invoice",
        "its lines, their number and its amount do not agree, or the lines do not have their charge lines' amounts",
        "the customer would be billed an amount that differs from the source",
        """
        SELECT 'id ' || i.id FROM invoice i LEFT JOIN (
          SELECT l.invoice_id, count(*) AS lines, sum(l.amount) AS amount,
            sum(CASE WHEN c.no IS NULL OR c.id <> l.charge
              OR (c.amount <> l.amount AND i.kind NOT IN ('sales_credit', 'ar_credit')) THEN 1 ELSE 0 END) AS mismatched
          FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id
          LEFT JOIN charge_line c ON c.no = l.charge_no GROUP BY l.invoice_id
        ) l ON l.invoice_id = i.id
        WHERE l.invoice_id IS NULL OR l.lines <> i.lines OR l.amount <> i.amount OR l.mismatched <> 0""",
    ),
    Invariant(
        "invoiced at most once",
        "charge_line",
        "it is on several live invoices of one kind, or on a receivable and in order entry",
        "the customer would be billed twice",
        """
        SELECT 'no ' || l.charge_no FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id
        WHERE i.state NOT IN ('REPLACED', 'CANCELED') AND i.kind NOT IN ('sales_credit', 'ar_credit')
        GROUP BY l.charge_no
        HAVING sum(CASE i.kind WHEN 'sales_order' THEN 1 ELSE 0 END) > 1
          OR sum(CASE i.kind WHEN 'sales_invoice' THEN 1 ELSE 0 END) > 1
          OR (sum(CASE WHEN i.kind IN ('ar_invoice', 'by_hand') THEN 1 ELSE 0 END) > 0 AND count(*) > 1)""",
    ),
    Invariant(
        "credit of what is invoiced",
        "charge_line",
        "it is on a credit memo, and not on the posted invoice that the credit memo reduces",
        "the customer would get a credit for what was never billed",
        """
        SELECT 'no ' || l.charge_no FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id
        LEFT JOIN invoice b ON b.id = i.after_id AND b.state = 'POSTED'
          AND b.kind IN ('sales_invoice', 'ar_invoice', 'by_hand')
        LEFT JOIN invoice_line o ON o.invoice_id = b.id AND o.charge_no = l.charge_no
        WHERE i.kind IN ('sales_credit', 'ar_credit') AND o.charge_no IS NULL""",
    ),
    Invariant(
        "order of an invoice",
        "invoice",
        "its order is not posted, or has other lines",
        "no one can show what it was made from",
        """
        SELECT 'id ' || i.id FROM invoice i LEFT JOIN invoice o ON o.id = i.after_id
        WHERE i.kind = 'sales_invoice' AND (o.id IS NULL OR o.kind <> 'sales_order' OR o.state <> 'POSTED'
          OR o.source <> i.source OR o.document <> i.document OR o.amount <> i.amount OR o.lines <> i.lines)""",
    ),
    Invariant(
        "proof of an invoice",
        "invoice",
        "it is POSTED without an Intacct key and a stored answer or read-back that shows it",
        "no one can prove that it is in Intacct",
        """
        SELECT 'id ' || i.id FROM invoice i WHERE i.state = 'POSTED' AND (i.record_no IS NULL OR NOT EXISTS (
          SELECT 1 FROM invoice_attempt a JOIN invoice_attempt_outcome o ON o.attempt_id = a.id
          WHERE a.invoice_id = i.id AND a.kind <> 'create' AND o.record_no = i.record_no))""",
    ),
    _lease("lease of an invoice", "invoice"),
    Invariant(
        "balance of an adjusting entry",
        "adjusting_entry",
        "its debits, credits, amount and number of lines do not agree",
        "Intacct would refuse it, or the ledger would not balance",
        """
        SELECT 'id ' || e.id FROM adjusting_entry e LEFT JOIN (
          SELECT adjustment_id, count(*) AS lines, sum(CASE WHEN amount > 0 THEN amount ELSE 0 END) AS debit,
            sum(CASE WHEN amount < 0 THEN -amount ELSE 0 END) AS credit
          FROM adjusting_line GROUP BY adjustment_id
        ) l ON l.adjustment_id = e.id
        WHERE l.adjustment_id IS NULL OR l.lines <> e.lines OR l.debit <> e.amount OR l.credit <> e.amount""",
    ),
    Invariant(
        "reversal of an adjusting entry",
        "adjusting_entry",
        "it does not have the lines of the entry with debits and credits exchanged, or another reversal is live too",
        "the ledger would not be as it was before",
        """
        SELECT 'id ' || e.id FROM adjusting_entry e LEFT JOIN adjusting_entry o ON o.id = e.reverses_id
        LEFT JOIN (
          SELECT l.adjustment_id, k.adjustment_id AS mirror, count(*) AS lines FROM adjusting_line l
          JOIN adjusting_entry m ON m.reverses_id = l.adjustment_id
          JOIN adjusting_line k ON k.adjustment_id = m.id AND k.line_no = l.line_no
            AND k.account = l.account AND k.amount = -l.amount
          GROUP BY l.adjustment_id, k.adjustment_id
        ) l ON l.adjustment_id = e.reverses_id AND l.mirror = e.id
        WHERE e.reverses_id IS NOT NULL AND (
          o.id IS NULL OR o.reverses_id IS NOT NULL OR coalesce(l.lines, 0) <> o.lines OR e.date <= o.date
          OR (SELECT count(*) FROM adjusting_entry t
              WHERE t.reverses_id = e.reverses_id AND t.state NOT IN ('REPLACED', 'CANCELED')) > 1)""",
    ),
    _proof("proof of an adjusting entry", "adjusting_entry", "adjusting_attempt", "adjustment_id"),
    _lease("lease of an adjusting entry", "adjusting_entry"),
    Invariant(
        "source of a charge line",
        "charge_line",
        "it does not refer to a row of an imported file of charge lines, or its id does not match its document",
        "its amount cannot be traced to the source",
        """
        SELECT 'no ' || c.no FROM charge_line c LEFT JOIN import_file f ON f.id = c.import_id
        WHERE f.id IS NULL OR f.kind <> 'charges' OR c."row" < 1
          OR c.id <> c.source || '/' || c.document || '/' || c.line""",
    ),
    Invariant(
        "release from the quarantine",
        "quarantine_outcome",
        "it was released as a charge line that does not exist",
        "a row that was set aside is lost",
        """
        SELECT 'quarantine_id ' || o.quarantine_id FROM quarantine_outcome o
        LEFT JOIN charge_line c ON c.id = o.charge
        WHERE o.outcome = 'released' AND c.no IS NULL AND substr(o.charge, length(o.charge) - 1) <> '/*'""",
    ),
    Invariant(
        "source of a journal line",
        "journal_line",
        "its charge line, currency or schedule line is not the one it names",
        "its amount cannot be traced to the source",
        """
        SELECT 'entry_id ' || l.entry_id || ', line_no ' || l.line_no FROM journal_line l
        LEFT JOIN charge_line c ON c.no = l.charge_no
        LEFT JOIN schedule_line s ON s.charge_no = l.charge_no AND s.version = l.version AND s.seq = l.seq
        WHERE c.no IS NULL OR s.seq IS NULL OR c.id <> l.charge OR c.currency <> l.currency
          OR abs(s.amount) <> l.amount""",
    ),
    Invariant(
        "date of an entry",
        "journal_entry",
        "its date is not the recognition date of its schedule lines, and no reason is recorded",
        "an amount is posted in a period that it does not belong to",
        f"""
        SELECT DISTINCT 'id ' || e.id FROM journal_entry e
        JOIN journal_line l ON l.entry_id = e.id
        JOIN schedule_line s ON s.charge_no = l.charge_no AND s.version = l.version AND s.seq = l.seq
        LEFT JOIN entry_date_override o ON o.entry_id = e.id
        WHERE e.id NOT IN {MIRRORS}
          AND (s.date <> coalesce(o.recognition_date, e.date) OR o.recognition_date >= e.date OR o.reason = '')""",  # noqa: S608
    ),
    Invariant(
        "reversal of an entry",
        "entry_reversal",
        "its mirror entry does not have the lines of the entry with debits and credits exchanged, or another reversal "
        "is in force too",
        "the ledger would not be as it was before",
        f"""
        SELECT 'id ' || r.id FROM entry_reversal r
        JOIN journal_entry o ON o.id = r.reverses LEFT JOIN journal_entry m ON m.id = r.entry_id
        LEFT JOIN (
          SELECT l.entry_id, k.entry_id AS mirror, count(*) AS lines FROM journal_line l
          JOIN journal_line k ON k.charge_no = l.charge_no AND k.version = l.version AND k.seq = l.seq
            AND k.side <> l.side AND k.account = l.account AND k.amount = l.amount AND k.currency = l.currency
          WHERE k.entry_id IN {MIRRORS} GROUP BY l.entry_id, k.entry_id
        ) l ON l.entry_id = r.reverses AND l.mirror = r.entry_id
        LEFT JOIN (SELECT entry_id, count(*) AS lines FROM summary_line GROUP BY entry_id) s ON s.entry_id = r.reverses
        LEFT JOIN (
          SELECT k.entry_id AS mirror, r.reverses, count(*) AS lines FROM entry_reversal r
          JOIN summary_line k ON k.entry_id = r.entry_id JOIN summary_line s ON s.entry_id = r.reverses
            AND s.first = k.first AND s.last = k.last AND s.side <> k.side AND s.account = k.account
            AND s.amount = k.amount AND s.dimensions = k.dimensions GROUP BY k.entry_id, r.reverses
        ) t ON t.mirror = r.entry_id AND t.reverses = r.reverses
        WHERE r.date < o.date OR r.reason = ''
          OR (r.entry_id IS NOT NULL AND (m.id IS NULL OR m.lines <> o.lines OR coalesce(l.lines, 0) <> o.lines
                                          OR coalesce(t.lines, 0) <> coalesce(s.lines, 0) OR m.date <> r.date))
          OR (SELECT count(*) FROM entry_reversal t LEFT JOIN journal_entry n ON n.id = t.entry_id
              WHERE t.reverses = r.reverses
                AND (t.entry_id IS NULL OR n.state NOT IN ('REPLACED', 'CANCELED'))) > 1""",  # noqa: S608
    ),
    Invariant(
        "attempts",
        "journal_entry",
        "its attempts are not numbered without gaps",
        "a request that was made for it is missing",
        """
        SELECT 'id ' || entry_id FROM attempt GROUP BY entry_id
        HAVING min(number) <> 1 OR max(number) <> count(*) OR count(DISTINCT number) <> count(*)""",
    ),
)


def find_violations(connection: Connection, one: Invariant) -> Iterator[VerifyFinding]:
    """Yield the first rows that break an invariant."""
    for (key,) in connection.exec_driver_sql(f"{one.sql} LIMIT {MOST}"):
        yield VerifyFinding(one.name, one.table, str(key), one.problem, one.meaning)
