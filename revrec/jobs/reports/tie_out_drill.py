"""List what is behind a figure of ``revrec report tie-out``: charge lines, or adjusting entries."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from revrec.core.report import Report, minor_of
from revrec.core.typed_dates import DateSpan
from revrec.jobs.reports import tie_out as steps
from revrec.jobs.reports.drill import CHARGE, drill_rows
from revrec.jobs.reports.line_balances import BalanceOptions, line_balances
from revrec.jobs.reports.rollforward import RollforwardOptions, rollforward
from revrec.store.posting.posted_adjustments import PostedAdjustmentLine, presented_lines
from revrec.store.reports import control_totals
from revrec.store.reports.booked import recognized_by_charge
from revrec.store.reports.control_lines import ControlLine, imported_files, invoices_in, rows_set_aside
from revrec.store.reports.control_totals import REVERSED_THERE, ScheduleTotals, Totals, by_charge
from revrec.store.reports.posted_exchange import gain_lines, posted_exchange_entries
from revrec.store.reports.undated import UNSCHEDULED, WAITING, undated_lines

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

BEHIND = ("charge", "document", "account", "dated", "entry", "record_no", "currency", "amount")
Behind = Iterable[tuple[Mapping[str, Any], int]]
"""The values of rows behind a figure, with their amounts in minor units."""


def drill_tie_out(context: "Context", until: date, address: str) -> Report:
    """Return the charge lines or the adjusting entries behind a figure of the control totals of a day.

    Raises:
        BadInput: the report has no such column or row.
    """
    report = steps.tie_out(context, until)
    with context.database.read() as connection:
        finder = _Finder(context, connection, until)
        name = "charge lines or entries = the figure"
        return drill_rows(report, address, lambda row, _column: finder.amounts(row), BEHIND, ("record_no",), name)


class _Finder:
    """What is behind the figures of a day, one currency at a time."""

    def __init__(self, context: "Context", connection: "Connection", until: date) -> None:
        self._context = context
        self._connection = connection
        self._until = until
        self._span = DateSpan(steps.FIRST, until)

    def amounts(self, row: Mapping[str, Any]) -> Behind:
        """Return what is behind the figure of a row, without zeros."""
        return ((values, amount) for values, amount in self._behind(row) if amount)

    def _behind(self, row: Mapping[str, Any]) -> Behind:
        currency, figure = row["currency"], row["figure"]
        if row["step"] == steps.SCHEDULES:
            return _of_totals(steps.due_by_state(self._scheduled(currency)).get(figure, {}))
        if row["step"] == steps.INVOICES:
            states = {steps.in_words(one): one for one in control_totals.invoices(self._connection)[0]}
            return map(_of_control, invoices_in(self._connection, states[figure], currency))
        if figure.startswith(steps.ASIDE):
            outcome = figure.removeprefix(steps.ASIDE)
            return map(_of_control, rows_set_aside(self._connection, outcome, currency))
        makers: Mapping[str, Callable[[str], Behind]] = {
            **{name: partial(self._totals, read) for name, read in _TOTALS.items()},
            steps.IMPORTED: lambda currency: map(_of_control, imported_files(self._connection, currency)),
            steps.DATED: lambda currency: _of_totals(self._scheduled(currency).dated),
            steps.POSTED: lambda currency: _of_totals(self._scheduled(currency).posted),
            WAITING: partial(self._undated, WAITING),
            UNSCHEDULED: partial(self._undated, UNSCHEDULED),
            steps.RECOGNIZED: self._recognized,
            steps.CLOSING: partial(self._moved, "closing"),
            steps.MOVED: partial(self._moved, "recognized"),
            steps.BALANCE: self._balances,
            steps.REVENUE: self._revenue,
            steps.CLEARED: self._cleared,
            steps.GAINS: self._gains,
            steps.PRESENTED: partial(self._presented, False),
            steps.REVERSED: partial(self._presented, True),
        }
        return makers[figure](currency)

    def _totals(self, read: Callable[..., Totals], currency: str) -> Behind:
        return _of_totals(read(self._connection, by_charge(currency)))

    def _scheduled(self, currency: str) -> ScheduleTotals:
        return control_totals.schedule_totals(self._connection, self._until, None, by_charge(currency))

    def _undated(self, kind: str, currency: str) -> Behind:
        for one in undated_lines(self._connection):
            if (one.kind, one.currency, one.is_cost) == (kind, currency, False):
                yield {CHARGE: one.charge}, one.amount

    def _recognized(self, currency: str) -> Behind:
        """Return what all journal lines recognize, whatever their day, as the schedule lines beside them."""
        return _of_charges(recognized_by_charge(self._connection, date.min, date.max, currency, REVERSED_THERE))

    def _moved(self, column: str, currency: str) -> Iterator[tuple[Mapping[str, Any], int]]:
        """Yield a column of the rollforward by charge line."""
        for row in rollforward(self._context, RollforwardOptions(self._span, "span", (CHARGE,))).rows:
            if row["currency"] == currency:
                yield {CHARGE: row[CHARGE], "account": row["account"]}, minor_of(row, column)

    def _balances(self, currency: str) -> Behind:
        for line in line_balances(self._context, self._connection, BalanceOptions(self._until)):
            if line.currency == currency and not line.is_cost:
                yield {CHARGE: line.charge, "account": line.account}, line.balance

    def _revenue(self, currency: str) -> Behind:
        """Return what entries recognize, less what an agent owes of it to principals."""
        found = recognized_by_charge(self._connection, *self._span, currency)
        for values, owed in self._moved("to_principals", currency):
            found[values[CHARGE]] -= owed
        return _of_charges(found)

    def _cleared(self, base: str) -> Behind:
        for one in posted_exchange_entries(self._connection, self._until):
            if one.posted.base == base:
                where = {"dated": one.date, "entry": one.reference, "record_no": one.record_no}
                yield {CHARGE: one.posted.charge, "account": one.posted.account, **where}, one.posted.amount

    def _gains(self, base: str) -> Behind:
        return map(_of_entry, gain_lines(self._connection, self._until, base))

    def _presented(self, is_reversal: bool, currency: str) -> Behind:
        return map(_of_entry, presented_lines(self._connection, self._until, is_reversal, currency))


_TOTALS: Mapping[str, Callable[..., Totals]] = {
    steps.VOIDED: control_totals.voided,
    steps.ACCEPTED: control_totals.accepted,
    steps.CHANGES: control_totals.price_changes,
    steps.ALLOCATED: control_totals.allocations,
    steps.NOT_REVENUE: control_totals.not_revenue,
    steps.HISTORICAL: control_totals.historical,
    steps.BILLING: control_totals.billing,
}


def _of_totals(totals: Totals) -> Behind:
    return _of_charges({charge: total.amount for charge, total in totals.items()})


def _of_charges(amounts: Mapping[str, int]) -> Behind:
    return [({CHARGE: charge}, amount) for charge, amount in sorted(amounts.items())]


def _of_control(line: ControlLine) -> tuple[Mapping[str, Any], int]:
    where = {"dated": line.date, "entry": line.entry, "record_no": line.record_no}
    return {"document": line.document, **where}, line.amount


def _of_entry(line: PostedAdjustmentLine) -> tuple[Mapping[str, Any], int]:
    where = {"dated": line.date, "entry": line.reference, "record_no": line.record_no}
    return {"account": line.account, **where}, line.amount
