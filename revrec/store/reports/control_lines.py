"""Query what is behind the control totals of files and invoices: the files, the rows and the documents."""

from typing import NamedTuple

from sqlalchemy import Connection, case, func, select

from revrec.store.database.sums import joined_sum, split_sum_columns
from revrec.store.posting.invoices import SOLD
from revrec.store.reports.control_totals import CREDIT_KINDS, SET_ASIDE
from revrec.store.tables import charge_line, import_file, invoice, quarantine, quarantine_outcome


class ControlLine(NamedTuple):
    """A file, a row of a file, or a document that is part of a control total; ``amount`` is in minor units.

    ``date`` is an ISO day; it, the ``entry`` in Intacct and its ``record_no`` are empty for files.
    """

    document: str
    amount: int
    date: str = ""
    entry: str = ""
    record_no: str = ""


def imported_files(connection: Connection, currency: str) -> list[ControlLine]:
    """Return the files with charge lines in a currency, with what they bill, in the order of their import."""
    by = (import_file.c.id, import_file.c.uri)
    query = select(*by, *split_sum_columns(charge_line.c.amount)).join(
        charge_line, charge_line.c.import_id == import_file.c.id
    )
    query = query.where(SOLD, charge_line.c.currency == currency).group_by(*by).order_by(import_file.c.id)
    return [ControlLine(path, joined_sum(*sums)) for _id, path, *sums in connection.execute(query)]


def rows_set_aside(connection: Connection, outcome: str, currency: str) -> list[ControlLine]:
    """Return the rows that were set aside with an outcome and a currency, as file and row, if their amount is known."""
    row = quarantine.c
    query = (
        select(import_file.c.uri, row.row, row.amount)
        .select_from(quarantine)
        .join(import_file, import_file.c.id == row.import_id)
        .outerjoin(quarantine_outcome, quarantine_outcome.c.quarantine_id == row.id)
        .where(SET_ASIDE.in_((outcome,)), row.currency == currency, row.amount.is_not(None))
        .order_by(row.id)
    )
    return [ControlLine(f"{path}:{number}", amount) for path, number, amount in connection.execute(query)]


def invoices_in(connection: Connection, state: str, currency: str) -> list[ControlLine]:
    """Return the invoices and credit memos in a state and a currency; credit memos are below zero."""
    document = invoice.c
    amount = case((document.kind.in_(CREDIT_KINDS), -document.amount), else_=document.amount)
    name = document.source + "/" + document.document
    query = (
        select(name, amount, document.date, document.reference, func.coalesce(document.record_no, ""))
        .where(document.kind != "sales_order", document.state == state, document.currency == currency)
        .order_by(document.id)
    )
    return [ControlLine(*row) for row in connection.execute(query)]
