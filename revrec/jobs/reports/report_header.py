"""The header of a report: what it covers, from which state of the books it was made, and by which program."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from revrec import __version__
from revrec.core.filters import Basis
from revrec.core.report import Report
from revrec.jobs.reports.day_notes import day_notes
from revrec.jobs.reports.long_rows import kept_rows
from revrec.store.database.engine import deployment, stored_revision
from revrec.store.posting.continuity import trail_head
from revrec.store.rules_applied import rules_of_plan

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection


_FIRST, _LAST = ("from", "first", "date"), ("to", "last", "date")
"""The parameters of a report that are its first and last day."""


def report_header(
    context: "Context", connection: "Connection", name: str, parameters: Mapping[str, Any], basis: str = "ledger"
) -> dict[str, Any]:
    """Return the header: name, parameters, basis, the state of the books, the rules of the plan, time, and program.

    With it an auditor can check that two reports came from the same books (PCAOB AS 1105.10). If the books are read as
    they were at an earlier moment, ``known`` names it; everything else, except who made the report and when, is as it
    was then. ``notes`` are sentences about the days.
    """
    head, planned = trail_head(connection), rules_of_plan(connection)
    moment = context.database.moment
    days = {one: value for one, value in parameters.items() if isinstance(value, date)}
    first, last = (next((days[one] for one in some if one in days), None) for some in (_FIRST, _LAST))
    notes = day_notes(context, connection, first, last, basis == Basis.ledger) if last else []
    return {
        "report": name,
        **{key: value for key, value in parameters.items() if value is not None},
        "basis": basis,
        **({"notes": notes} if notes else {}),
        **({"known": f"audit event {moment.seq}, {moment.at[:19]} UTC"} if moment else {}),
        "deployment": deployment(connection),
        "database_revision": stored_revision(connection),
        "audit_seq": head.seq,
        "audit_hash": head.hash,
        "rules": dict(planned.files) if planned else {},
        "run_at": context.timestamp(),
        "run_by": context.actor,
        "program": f"revrec {__version__}",
    }


def listed_report(
    context: "Context",
    name: str,
    title: str,
    parameters: Any,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, Any]],
    amounts: Sequence[str],
) -> Report:
    """Return a list as a report with a header, so that it can be saved as a workbook or a page.

    The rows of a long list are in a temporary file: a folder of reports would not fit into memory otherwise.
    ``parameters`` are a mapping or a dataclass; what is not set is left out.
    """
    found = kept_rows(rows)
    return Report(title, listed_header(context, name, parameters), columns, found, (), amounts)


def listed_header(context: "Context", name: str, parameters: Any) -> dict[str, Any]:
    """Return the header of a list with these ``parameters``, a mapping or a dataclass; dates and flags are as JSON."""
    named = asdict(parameters) if is_dataclass(parameters) and not isinstance(parameters, type) else parameters
    with context.database.read() as connection:
        return report_header(context, connection, name, named)
