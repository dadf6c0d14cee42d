"""Query the amounts in the ledger on a day: posted entries, less what a person accepted as gone in Intacct.

Every report of recognized amounts reads them here, so that no two disagree about an entry that was deleted, changed or
reversed in Intacct.
"""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, cast, func, select, union_all

from revrec.store.posting.ledger_changes import ON_DEFERRED_SIDE, RECOGNIZED
from revrec.store.tables import journal_entry, journal_line, ledger_change, schedule_line


class KnownRows(NamedTuple):
    """The last rows that the books had at a time: audit event, charge line and fulfillment event; UTC text.

    ``invoiced`` has the sources that were invoiced then, as JSON: :func:`invoiced_then` reads it.
    """

    audit_seq: int
    charge_no: int
    event_id: int
    invoiced: str
    at: str

    def invoiced_then(self) -> dict[str, str]:
        """Return the sources that were invoiced, with the first post date as ISO text; empty if all were."""
        found: dict[str, str] = json.loads(self.invoiced)
        return found


def recognized_in_ledger(until: date, known: KnownRows | None = None, numbers: Sequence[int] | None = None) -> Any:
    """Return what is recognized of each charge line by deferred account, in minor units, as a subquery.

    It counts amounts dated until a day, on the account that they were posted to: an amount stays there when the rules
    name another. ``known`` leaves out what was stored later; ``numbers`` limits the charge lines.
    """
    queries = (_posted(until, known), _changed(until, known))
    if numbers is not None:
        queries = tuple(query.where(query.selected_columns.charge_no.in_(numbers)) for query in queries)
    lines = union_all(*queries).subquery()
    amount = cast(func.sum(lines.c.amount), BigInteger).label("amount")
    return select(lines.c.charge_no, lines.c.account, amount).group_by(lines.c.charge_no, lines.c.account).subquery()


def _posted(until: date, known: KnownRows | None) -> Any:
    """Return the lines of posted entries on deferred accounts."""
    query = (
        select(journal_line.c.charge_no, journal_line.c.account, RECOGNIZED.label("amount"))
        .select_from(schedule_line)
        .join(journal_line, ON_DEFERRED_SIDE)
        .join(journal_entry, journal_entry.c.id == journal_line.c.entry_id)
        .where(journal_entry.c.state == "POSTED", journal_entry.c.date <= until.isoformat())
    )
    return query if known is None else query.where(journal_entry.c.posted_at <= known.at)


def _changed(until: date, known: KnownRows | None) -> Any:
    query = select(ledger_change.c.charge_no, ledger_change.c.account, ledger_change.c.amount)
    query = query.where(ledger_change.c.date <= until.isoformat())
    return query if known is None else query.where(ledger_change.c.audit_seq <= known.audit_seq)
