"""``revrec report forecast``: the revenue of some days as it was planned, as it is, and what made the difference."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from revrec.core.errors import BadInput
from revrec.core.filters import NO_FILTERS, Filters
from revrec.core.known_time import EXAMPLES, read_known_time
from revrec.core.money import decimal_string
from revrec.core.periods import closed_since
from revrec.core.report import SINGLE, Chart, Check, ColumnSum, Report, fields_of, values_of
from revrec.core.typed_dates import DateSpan
from revrec.jobs.reports.filters import check_filters
from revrec.jobs.reports.held_amounts import held_amounts
from revrec.jobs.reports.remaining import check_dimension, check_group
from revrec.jobs.reports.report_header import report_header
from revrec.jobs.reports.revenue_lines import revenue_lines
from revrec.jobs.rules.load import load_rules
from revrec.store import periods
from revrec.store.as_known import find_moment
from revrec.store.reports import plan_changes
from revrec.store.reports.booked import recognized_by_account
from revrec.store.reports.causes import ALLOCATION, NEW_LINE, RULE_VERSION, VersionCause, version_causes
from revrec.store.reports.filters import of_charges
from revrec.store.reports.in_ledger import ledger_lines
from revrec.store.reports.plan_changes import MOVED, NOT_POSTED, REVERSED, Baseline, PlanChange
from revrec.store.reports.recognition import categories_of, sums_by_currency

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

CAUSES = (
    "new_lines", "events", "price_changes", "allocation", "rule_version", "other_changes", "not_posted", "moved",
    "reversed",
)  # fmt: skip
AMOUNTS = ("baseline", "actual", "difference", *CAUSES)
HELD, IF_RELEASED = "held", "if_released"
"""Columns with ``--include held``: what holds have stopped, and what is planned now with it."""
CHANGES = ("cause", "what", "charge", "customer", "currency", "amount", "entry", "known_at", "known_by")
SAME = "nothing differs from the plan of that time"
NOTHING = "no revenue was planned for these days then, and none was recognized"

Key = tuple[str, str]
"""A currency and a category."""


def forecast(
    context: "Context",
    span: DateSpan,
    by: str,
    since: str | None = None,
    filters: Filters = NO_FILTERS,
    with_held: bool = False,
) -> Report:
    """Return the planned and the recognized revenue of a span, and the difference by cause or by change.

    ``since`` is the time of the plan: a UTC time, or the number of an audit event. Without it, the plan is as it was
    when the day before the span was closed, for each entity. ``with_held`` adds what holds have stopped of these days,
    and the revenue that they would have if all holds were released.

    Raises:
        BadInput: ``by`` is unknown, a filter names what these books do not know, or there is no plan of that time.
    """
    if by != SINGLE:
        if SINGLE in fields_of(by):
            raise BadInput(f"report forecast: --by {by}: change lists single changes: name it alone, as --by change")
        check_group("forecast", by)
    with context.database.read() as connection:
        check_filters(context, connection, filters)
        check_dimension(connection, by)
        bases = list(_baselines(connection, span, since, filters.entity))
        differences = _Differences(context, connection, by, filters)
        for base in bases:
            differences.add(base)
        if with_held:
            differences.add_held(context, span)
        checks = list(differences.checks(span))
        times = ", ".join(str(base.audit_seq) for base in bases)
        header = report_header(
            context, connection, "forecast",
            {"from": span.first, "to": span.last, "by": by, "baseline_audit_seq": times, **vars(filters)}
            | ({"include": HELD} if with_held else {}),
        )  # fmt: skip
    if by == SINGLE:
        rows = list(differences.changes())
        return Report("Changes of the plan", header, CHANGES, rows, checks, ("amount",), ("known_by",), empty=SAME)
    formulas = {"difference": {"actual": 1, "baseline": -1}}
    amounts = (*AMOUNTS, HELD, IF_RELEASED) if with_held else AMOUNTS
    if with_held:
        formulas[IF_RELEASED] = {"actual": 1, "not_posted": -1, HELD: 1}
    return Report(
        f"Revenue of {span.first} to {span.last} against the plan", header, ("currency", *fields_of(by), *amounts),
        list(differences.rows(amounts)), checks, amounts, CAUSES[::-1], formulas,
        chart=Chart(fields_of(by)[0], ("baseline", "actual")), empty=NOTHING,
    )  # fmt: skip


def _baselines(connection: "Connection", span: DateSpan, since: str | None, only: str | None) -> Iterator[Baseline]:
    """Yield the plan to compare with; one for each group of entities that were closed at the same time."""
    entities = periods.all_entities(connection) if only is None else [only]
    if since is not None:
        yield Baseline(span, _audit_seq(connection, since), entities)
        return
    closings, day = periods.closings(connection), span.first - timedelta(days=1)
    facts = [one.fact for one in closings]
    groups: dict[int, list[str]] = defaultdict(list)
    for entity in entities:
        at = closed_since(facts, entity, day)
        known = None if at is None else closings[at].known
        if known is None:
            whose = f" for entity {entity}" if entity else ""
            problem = f"{day} is not closed{whose}, so no close has the plan to compare with"
            raise BadInput(f"report forecast: {problem}: name the time of the plan by --baseline")
        groups[known.audit_seq].append(entity)
    for seq, some in groups.items():
        yield Baseline(span, seq, some)


def _audit_seq(connection: "Connection", since: str) -> int:
    """Return the last audit event of a time, or the one of this number."""
    wanted = read_known_time(since)
    if wanted is None:
        raise BadInput(f"--baseline {since}: not a time; write it as {EXAMPLES}")
    return find_moment(connection, wanted, "--baseline").seq


class _Differences:
    """The planned and the recognized revenue, and every change between them."""

    def __init__(self, context: "Context", connection: "Connection", by: str, filters: Filters) -> None:
        self._connection = connection
        self._counted, self._owed = revenue_lines(context, connection)
        self._by = by
        self._filters = filters
        self._sums: dict[Key, Counter[str]] = {}
        self._changes: Counter[tuple[str, ...]] = Counter()

    def add(self, base: Baseline) -> None:
        """Add the entities of a baseline."""
        connection, by = self._connection, "item" if self._by == SINGLE else self._by
        for name, read in (("baseline", plan_changes.planned_then), ("actual", plan_changes.recognized)):
            for total in read(connection, base, by, self._filters, self._counted):
                self._sum(total.currency, total.category)[name] += total.amount
        found = list(plan_changes.plan_changes(connection, base, self._filters, self._counted))
        numbers = sorted({one.no for one in found})
        causes, categories = version_causes(connection, numbers), categories_of(connection, by, numbers)
        for one in found:
            cause = causes.get((one.no, one.version))
            column, what = _cause(one, cause)
            self._sum(one.currency, categories[one.no])[column] += one.amount
            known = (cause.at, cause.actor) if cause else ("", "")
            self._changes[column, what, one.charge, one.customer, one.currency, one.entry, *known] += one.amount

    def changes(self) -> Iterator[dict[str, Any]]:
        """Yield each change of a charge line, in the order of the causes."""
        for key, amount in sorted(self._changes.items(), key=lambda one: (CAUSES.index(one[0][0]), one[0][1:])):
            if amount:
                *whose, currency, entry, at, actor = key
                values = (*whose, currency, decimal_string(amount, currency), entry, at, actor)
                yield dict(zip(CHANGES, values, strict=True))

    def add_held(self, context: "Context", span: DateSpan) -> None:
        """Add what holds have stopped of these days."""
        only = (self._counted, *of_charges(self._filters))
        found = list(held_amounts(self._connection, load_rules(context), span, only))
        categories = categories_of(self._connection, self._by, sorted(no for no, _currency, _amount in found))
        for no, currency, amount in found:
            self._sum(currency, categories[no])[HELD] += amount

    def rows(self, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield a row for each currency and category, with these columns of amounts."""
        for (currency, category), sums in sorted(self._sums.items()):
            sums["difference"] = sums["actual"] - sums["baseline"]
            sums[IF_RELEASED] = sums["actual"] - sums["not_posted"] + sums[HELD]
            if any(sums.values()):
                amounts = {name: decimal_string(sums[name], currency) for name in columns}
                yield {"currency": currency, **values_of(self._by, category), **amounts}

    def checks(self, span: DateSpan) -> Iterator[Check]:
        """Yield the checks: plan and changes are what is recognized; what is recognized is what entries recognize."""
        planned, actual = Counter[str](), Counter[str]()
        for (currency, _category), sums in self._sums.items():
            planned[currency] += sums["baseline"] + sum(sums[name] for name in CAUSES)
            actual[currency] += sums["actual"]
        for currency in sorted({*planned, *actual}):
            yield Check("baseline and causes = actual", currency, planned[currency], actual[currency])
        if self._filters == NO_FILTERS:
            booked = Counter[str]()
            for one in recognized_by_account(self._connection, *span):
                booked[one.currency] += one.amount
            if self._owed is not None:
                booked.update(sums_by_currency(self._connection, ledger_lines(*span), self._owed))
            source = None if self._by == SINGLE else ColumnSum("actual")
            for currency in sorted({*actual, *booked}):
                yield Check("actual = journal entries", currency, actual[currency], booked[currency], source)

    def _sum(self, currency: str, category: str) -> Counter[str]:
        return self._sums.setdefault((currency, category), Counter())


_OF_WORDS: Mapping[str, str] = {NEW_LINE: "new_lines", ALLOCATION: "allocation", RULE_VERSION: "rule_version"}
_OF_KIND: Mapping[str, str] = {NOT_POSTED: "not_posted", MOVED: "moved", REVERSED: "reversed"}


def _cause(change: PlanChange, cause: VersionCause | None) -> tuple[str, str]:
    """Return the column of a change, and its cause in words."""
    if change.kind in _OF_KIND:
        return _OF_KIND[change.kind], _SAID[change.kind]
    words = cause.words if cause else ""
    if words.startswith("event "):
        return "events", words
    if words.startswith("price change "):
        return "price_changes", words
    return _OF_WORDS.get(words, "other_changes"), words


_SAID = {
    NOT_POSTED: "planned and not posted: held, blocked by a closed period, or not run",
    MOVED: "dated on another day than it was earned on, for a closed period",
    REVERSED: "reversed, or changed in Intacct",
}
