"""The views ``v1_*``: plain rows for anyone with a SQL client, from which the reports can be rebuilt.

Their names, columns and meanings are a promise (docs/views.md). A column may be added; any other change is a view
``v2_*`` beside the old one. Amounts are integers in minor units: divide them by 10 to the power of ``digits``.
"""

import re
from collections.abc import Mapping

NO_MINOR_UNITS = (
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF",
    "XPF",
)  # fmt: skip
THREE_DIGITS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
FOUR_DIGITS = ("CLF", "UYW")


def _listed(codes: tuple[str, ...]) -> str:
    return ", ".join(f"'{code}'" for code in codes)


DIGITS = f"""CASE WHEN c.currency IN ({_listed(NO_MINOR_UNITS)}) THEN 0
      WHEN c.currency IN ({_listed(THREE_DIGITS)}) THEN 3
      WHEN c.currency IN ({_listed(FOUR_DIGITS)}) THEN 4 ELSE 2 END"""
"""How many digits the minor units of a currency have (ISO 4217)."""

OF_REVERSAL = "l.entry_id IN (SELECT r.entry_id FROM entry_reversal r WHERE r.entry_id IS NOT NULL)"
ON_DEFERRED_SIDE = f"""l.side = CASE WHEN {OF_REVERSAL}
        THEN CASE WHEN s.amount > 0 THEN 'credit' ELSE 'debit' END
        WHEN s.amount > 0 THEN 'debit' ELSE 'credit' END"""
"""The journal line of a schedule line that is on its deferred account; the sides of a reversal are exchanged."""


def _contract_of(line: str) -> str:
    """Return the contract of a line without an allocation, as an allocation writes it."""
    named = f"json_extract({line}.dimensions, '$.contract')"
    parts = [
        f"""'{before}"{name}":' || json_quote({line}.{name})""" for before, name in (("{", "source"), (",", "document"))
    ]
    return f"""CASE WHEN coalesce({named}, '') <> ''
        THEN '{{"dimensions.contract":' || json_quote({named}) || '}}'
        ELSE {" || ".join(parts)} || '}}' END"""


REPORT_VIEWS: Mapping[str, str] = {
    "v1_charge_line": f"""
    SELECT c.no AS charge_no, c.id AS charge, c.source, c.document, c.line, c.customer, c.item, c.entity, c.currency,
      {DIGITS} AS digits, c.post_date, c.rev_rec_date, c.service_start, c.service_end, c.amount,
      CASE WHEN replace(c.line, ':cost:', '') <> c.line THEN 1 ELSE 0 END AS is_cost,
      CASE WHEN v.charge_no IS NULL THEN 0 ELSE 1 END AS is_void,
      k.contract, c.dimensions, c.description, f.uri AS file, c.row AS file_row, f.imported_at,
      CASE WHEN u.code = 'not_revenue' THEN 0 ELSE 1 END AS is_revenue, c.recognized_before, c.cutover,
      CASE WHEN c.bills = 'later' THEN 1 ELSE 0 END AS is_contract_line, b.ordered_no AS bills_charge_no,
      c.credits
    FROM charge_line c JOIN import_file f ON f.id = c.import_id
    LEFT JOIN billing_line b ON b.charge_no = c.no
    LEFT JOIN charge_void v ON v.charge_no = c.no LEFT JOIN contract_line k ON k.charge_no = c.no
    LEFT JOIN unscheduled u ON u.charge_no = c.no""",  # noqa: S608
    "v1_netting": f"""
    WITH RECURSIVE named AS (
      SELECT c.no, coalesce(
        (SELECT l.no FROM charge_line l WHERE l.id = c.source || '/' || c.credits),
        (SELECT min(d.no) FROM charge_line d WHERE d.document = c.credits AND d.source = c.source),
        (SELECT w.no FROM charge_line w WHERE w.id = c.credits)) AS home
      FROM charge_line c WHERE c.credits <> ''
    ), chain AS (
      SELECT n.no, n.home FROM named n WHERE n.home IS NOT NULL
      UNION SELECT a.no, n.home FROM chain a JOIN named n ON n.no = a.home WHERE n.home IS NOT NULL
    ), homes AS (
      SELECT b.charge_no AS no, b.ordered_no AS home FROM billing_line b
      UNION ALL SELECT a.no, a.home FROM chain a
      WHERE a.home NOT IN (SELECT n.no FROM named n WHERE n.home IS NOT NULL)
        AND a.no NOT IN (SELECT b.charge_no FROM billing_line b)
    )
    SELECT c.no AS charge_no, c.id AS charge, s.home AS home_charge_no,
      CASE WHEN s.home IS NULL THEN coalesce(k.contract, {_contract_of("c")})
        ELSE coalesce(m.contract, {_contract_of("h")}) END AS contract
    FROM charge_line c LEFT JOIN homes s ON s.no = c.no
    LEFT JOIN contract_line k ON k.charge_no = c.no
    LEFT JOIN charge_line h ON h.no = s.home LEFT JOIN contract_line m ON m.charge_no = h.no""",  # noqa: S608
    "v1_event": """
    SELECT e.id AS event_id, c.id AS charge, e.charge_no, e.kind, e.date, e.quantity, e.percent, e.amount, c.currency,
      e.name, e.note, e.scope, e.recorded_at, e.actor, w.at AS withdrawn_at, w.reason AS withdrawn_because
    FROM fulfillment_event e JOIN charge_line c ON c.no = e.charge_no
    LEFT JOIN event_withdrawal w ON w.event_id = e.id""",
    "v1_rule_version": """
    SELECT id AS rule_version_id, name AS rule, version, method, deferred AS deferred_account,
      accrued AS revenue_account, journal, sha256, text, file, recorded_at, actor
    FROM rule_version""",
    "v1_schedule_line": """
    SELECT s.charge_no, c.id AS charge, s.version, s.seq AS line, s.date, s.amount, c.currency,
      CASE WHEN s.superseded_by IS NULL THEN 1 ELSE 0 END AS is_current,
      CASE WHEN e.id IS NULL THEN 'open' ELSE lower(e.state) END AS state, e.reference, e.date AS ledger_date,
      r.name AS rule, r.version AS rule_version, h.audit_seq
    FROM schedule_line s JOIN charge_line c ON c.no = s.charge_no
    JOIN schedule h ON h.charge_no = s.charge_no AND h.version = s.version
    JOIN rule_version r ON r.id = s.rule_version_id
    LEFT JOIN journal_entry e ON e.id = s.entry_id""",
    "v1_waiting": """
    SELECT w.charge_no, c.id AS charge, 'waiting' AS kind, w.code, w.reason, w.amount, c.currency
    FROM schedule_wait w JOIN charge_line c ON c.no = w.charge_no
    WHERE NOT EXISTS (SELECT 1 FROM schedule x WHERE x.charge_no = w.charge_no AND x.version > w.version)
    UNION ALL
    SELECT n.charge_no, c.id, 'unscheduled', n.code, n.reason, n.amount, c.currency
    FROM unscheduled n JOIN charge_line c ON c.no = n.charge_no
    WHERE n.code NOT IN ('not_revenue', 'closed') AND n.charge_no NOT IN (SELECT v.charge_no FROM charge_void v)""",
    "v1_entry": """
    SELECT e.id AS entry_id, e.reference, e.record_no, e.journal, e.entity, e.currency, e.date AS ledger_date,
      coalesce(o.recognition_date, e.date) AS earned_date, o.reason AS date_reason, e.amount, e.lines,
      lower(e.state) AS state, e.run_id, e.created_at, e.posted_at,
      (SELECT m.reference FROM entry_reversal v JOIN journal_entry m ON m.id = v.reverses WHERE v.entry_id = e.id)
        AS reverses
    FROM journal_entry e LEFT JOIN entry_date_override o ON o.entry_id = e.id""",
    "v1_journal_line": """
    SELECT l.entry_id, e.reference, e.record_no, lower(e.state) AS state, e.date AS ledger_date, s.date AS earned_date,
      l.line_no, l.side, l.account, l.amount, l.currency, e.entity, l.charge_no, l.charge, l.document, l.customer,
      l.item, l.dimensions, l.memo, r.name AS rule, r.version AS rule_version, e.run_id
    FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id
    JOIN schedule_line s ON s.charge_no = l.charge_no AND s.version = l.version AND s.seq = l.seq
    JOIN rule_version r ON r.id = s.rule_version_id""",
    "v1_recognized": f"""
    SELECT l.charge_no, l.charge, l.account AS deferred_account, e.date AS ledger_date, s.date AS earned_date,
      CASE WHEN {OF_REVERSAL} THEN -s.amount ELSE s.amount END AS amount, l.currency, 'posted' AS kind, e.reference
    FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id
    JOIN schedule_line s ON s.charge_no = l.charge_no AND s.version = l.version AND s.seq = l.seq
    WHERE e.state = 'POSTED' AND {ON_DEFERRED_SIDE}
    UNION ALL
    SELECT g.charge_no, c.id, g.account, g.date, g.date, g.amount, c.currency,
      CASE WHEN g.part = 'move' THEN 'reclassified' ELSE 'accepted' END, e.reference
    FROM ledger_change g JOIN charge_line c ON c.no = g.charge_no LEFT JOIN journal_entry e ON e.id = g.entry_id""",  # noqa: S608
    "v1_period": """
    SELECT f.id AS period_id, f.entity, f.kind, f.day, f.source, f.reason, f.at AS recorded_at, f.actor,
      k.charge_no AS last_charge_no, k.event_id AS last_event_id, k.audit_seq AS last_audit_seq
    FROM period_fact f LEFT JOIN period_closing k ON k.fact_id = f.id""",
    "v1_run": """
    SELECT id AS run_id, date, started_at, finished_at, actor, outcome FROM posting_run""",
    "v1_import": """
    SELECT id AS import_id, kind, uri AS file, sha256, size, mapping, source, imported_at, actor FROM import_file""",
}  # fmt: skip
"""The views in the order of their creation, for :func:`view_on`."""


def view_on(dialect: str, query: str) -> str:
    """Return the query of a view on ``sqlite`` or ``postgresql``, which has other names for the functions of JSON."""
    if dialect == "sqlite":
        return query
    query = re.sub(r"json_extract\(([a-z.]+), '\$\.(\w+)'\)", r"json_extract_path_text(CAST(\1 AS json), '\2')", query)
    return query.replace("json_quote(", "to_json(")
