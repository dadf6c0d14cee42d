"""The condition that a schedule line waits for the invoice of its document, the same for every query.

It is SQL text because ``revrec status`` must not load SQLAlchemy.
"""

_ITS_LINE = """billed.document = charge_line.document AND billed.source = charge_line.source
          AND (billed.no = charge_line.no
               OR substr(charge_line.line, 1, length(billed.line) + 6) = billed.line || ':cost:')"""
"""The condition that ``billed`` is the charge line itself, or the line that it is a cost of."""

WAITS_FOR_INVOICE = f"""(
    charge_line.cutover IS NULL AND charge_line.bills <> 'later'
    AND schedule.rule_version_id IN (SELECT after_invoice.rule_version_id FROM after_invoice)
    AND NOT EXISTS (
        SELECT 1 FROM charge_line billed
        JOIN invoice_line ON invoice_line.charge_no = billed.no
        JOIN invoice ON invoice.id = invoice_line.invoice_id
        WHERE invoice.kind IN ('sales_invoice', 'ar_invoice', 'by_hand') AND invoice.state = 'POSTED'
          AND {_ITS_LINE})
    AND NOT EXISTS (
        SELECT 1 FROM charge_line billed
        JOIN not_invoiced ON not_invoiced.charge_no = billed.no
        WHERE {_ITS_LINE}))"""  # noqa: S608 - both parts are constants
"""For a query with ``schedule`` and ``charge_line``. A cost waits for the invoice of the line that it is a cost of.

A contract line never waits: it earns by the contract, however it is billed."""
