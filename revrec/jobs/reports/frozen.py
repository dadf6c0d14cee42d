"""Keep the control totals of a month when it is closed, and compare a report with them later.

They are in the audit event of the close, by currency and account, with their SHA-256.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.calendar import month_end
from revrec.core.errors import BadInput, RevrecError
from revrec.core.filters import Filters
from revrec.core.money import decimal_string, to_minor
from revrec.core.periods import CLOSED, COMPANY, month_of
from revrec.core.report import Check, Report, minor_of
from revrec.core.typed_dates import DateSpan
from revrec.jobs.posting import periods
from revrec.jobs.reports.contract_balances import deferred_balances
from revrec.jobs.reports.remaining_obligations import remaining_obligations
from revrec.jobs.reports.rollforward import AMOUNTS, RollforwardOptions, rollforward
from revrec.store import audit
from revrec.store.periods import closing_events

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

ROLLFORWARD, BALANCE, RPO = "rollforward", "balance", "rpo"
OF_RPO = ("total", "billed", "not_billed", "waiting", "constrained", "left_out")
BANDS = (12, 24)
FIGURES, DIGEST, LEFT_OUT = "figures", "figures_sha256", "figures_left_out"
"""Keys of the audit event of a close: the control totals by report, their SHA-256, or why there are none."""

Totals = dict[str, dict[str, str]]
"""Decimal amounts by column, by currency and account (``USD 2400``), or by currency."""


class FrozenMonth(NamedTuple):
    """A month as it was closed: its first day, entity, control totals by report, their SHA-256, when and by whom."""

    first: date
    entity: str
    figures: Mapping[str, Totals]
    sha256: str
    at: str
    actor: str

    @property
    def name(self) -> str:
        """Return the month, with its entity if it has one."""
        return month_of(self.first) + (f" of {self.entity}" if self.entity else "")

    @property
    def words(self) -> str:
        """Return where the figures come from."""
        return f"{self.name}, closed at {self.at[:19]} UTC by {self.actor}, sha256 {self.sha256}"


def close_months(
    context: "Context", months: Sequence[date], reason: str, entity: str = COMPANY
) -> list[dict[str, Any]]:
    """Close months as :func:`revrec.jobs.posting.periods.decide` does, and keep their control totals.

    Raises:
        BadInput: no reason, or no such entity.
    """

    def kept(connection: "Connection", month: date, entity: str) -> Mapping[str, Any]:
        with context.database.reading_within(connection):
            return _kept(context, month, entity)

    return periods.decide(context, months, CLOSED, reason, entity, figures=kept)


def _kept(context: "Context", month: date, entity: str) -> Mapping[str, Any]:
    try:
        figures = {report: _totals(context, report, month, entity) for report in (ROLLFORWARD, BALANCE, RPO)}
    except RevrecError as error:
        # The rules may have errors. They must not keep a month open.
        return {LEFT_OUT: str(error)}
    return {FIGURES: figures, DIGEST: hashlib.sha256(audit.canonical(figures).encode()).hexdigest()}


def against_frozen(context: "Context", report: Report, span: DateSpan) -> Report:
    """Return a report with a check for each frozen amount of its closed months, whatever its filters.

    Raises:
        BadInput: no figures of these days were kept.
    """
    frozen, checks = frozen_checks(context, report.header["report"], span)
    header = {**report.header, "frozen": [one.words for one in frozen]}
    return report._replace(header=header, checks=[*report.checks, *checks])


def frozen_checks(context: "Context", name: str, span: DateSpan) -> tuple[list[FrozenMonth], list[Check]]:
    """Return the frozen months of some days, and the checks of a report's control totals with theirs.

    Raises:
        BadInput: no figures of these days were kept.
    """
    with context.database.read() as connection:
        frozen = [one for one in _frozen_months(connection) if _is_within(one.first, span)]
    if not frozen:
        raise BadInput(
            f"--against frozen: no month of {span.first} to {span.last} was closed by revrec periods close, so there "
            "are no frozen figures to compare with; see revrec periods list"
        )
    return frozen, [
        check for one in frozen for check in _checks(one, name, _totals(context, name, one.first, one.entity))
    ]


def _is_within(month: date, span: DateSpan) -> bool:
    return span.first <= month and month_end(month) <= span.last


def _frozen_months(connection: "Connection") -> list[FrozenMonth]:
    """Return the figures of the last close of each month and entity, in order."""
    found = {}
    for event in closing_events(connection, f'"{FIGURES}":'):
        month, entity = date.fromisoformat(event.detail["day"]), event.detail["entity"]
        figures, digest = event.detail[FIGURES], event.detail[DIGEST]
        found[month, entity] = FrozenMonth(month, entity, figures, digest, event.at, event.actor)
    return [found[key] for key in sorted(found)]


def _checks(frozen: FrozenMonth, report: str, now: Totals) -> Iterator[Check]:
    then = frozen.figures[report]
    for key in sorted({*now, *then}):
        currency, _space, account = key.partition(" ")
        for column in dict.fromkeys((*now.get(key, {}), *then.get(key, {}))):
            name = f"{frozen.name}: {column}{f' of account {account}' if account else ''} = frozen"
            left, right = (to_minor(Decimal(one.get(key, {}).get(column, "0")), currency) for one in (now, then))
            yield Check(name, currency, left, right)


def _totals(context: "Context", report: str, month: date, entity: str) -> Totals:
    """Return the control totals of a report for a month, of an entity or of all."""
    chosen, span = entity or None, DateSpan(month, month_end(month))
    if report == ROLLFORWARD:
        rows = rollforward(context, RollforwardOptions(span, filters=Filters(entity=chosen))).rows
        return {f"{row['currency']} {row['account']}": {name: row[name] for name in AMOUNTS} for row in rows}
    if report == BALANCE:
        with context.database.read() as connection:
            balances = deferred_balances(context, connection, span.last, chosen)
        return {
            f"{currency} {account}": {"balance": decimal_string(amount, currency)}
            for (account, currency), amount in sorted(balances.items())
        }
    sums: dict[str, Counter[str]] = {}
    for row in remaining_obligations(context, span.last, "entity", BANDS).rows:
        if chosen in (None, row["entity"]):
            found = sums.setdefault(row["currency"], Counter())
            found.update({name: minor_of(row, name) for name in OF_RPO})
    return {
        currency: {name: decimal_string(found[name], currency) for name in OF_RPO} for currency, found in sums.items()
    }
