"""``revrec report exceptions``: everything that a person must look at, each with its amount, age, reason and fix."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.batching import batched
from revrec.core.filters import NO_FILTERS, Filters
from revrec.core.money import decimal_string
from revrec.core.periods import Periods, PostingDates
from revrec.core.posting import UNSETTLED, state_in_words, without_error
from revrec.core.pricing import price_of
from revrec.core.rules import RuleErrors
from revrec.core.rules.costs import sold_by
from revrec.jobs.paging import PAGE
from revrec.jobs.reports.documents import open_documents
from revrec.jobs.reports.filters import check_filters
from revrec.jobs.reports.long_rows import kept_rows, sorted_rows
from revrec.jobs.reports.presented_lines import shares_of_principals
from revrec.jobs.reports.report_header import listed_report
from revrec.jobs.reports.revenue_lines import revenue_lines
from revrec.jobs.rules.load import load_rules
from revrec.store import billing, charges, events, periods, rule_versions
from revrec.store.quarantine import quarantined_rows
from revrec.store.reports.exceptions import (
    UnsettledEntry,
    doubtful_shares,
    due_amounts,
    loose_credits,
    unsettled_entries,
)
from revrec.store.reports.figures import SqlAlchemyView
from revrec.store.reports.filters import of_charges
from revrec.store.reports.lists import posting_rows
from revrec.store.reports.recognition import Conditions
from revrec.store.reports.undated import UNSCHEDULED, undated_lines

if TYPE_CHECKING:
    from revrec.core.report import Report
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

COLUMNS = (
    "kind", "subject", "customer", "currency", "amount", "since", "age_days", "age", "rule", "owner", "reason",
    "action",
)  # fmt: skip
AGES = ((7, "0 to 7 days"), (30, "8 to 30 days"), (90, "31 to 90 days"))
OLDEST = "over 90 days"
LOOSE_CREDIT = "credit without a sale"
IMPLAUSIBLE = "residual price outside its range"


class _Exception(NamedTuple):
    """Something to look at; ``amount`` is in minor units, None if it cannot be read. ``since`` is a day as ISO text.

    ``is_missing``: the amount is revenue that is not recognized until someone acts.
    """

    kind: str
    subject: str
    customer: str
    currency: str
    amount: int | None
    since: str
    rule: str
    reason: str
    action: str
    is_missing: bool = True


def exceptions(context: "Context", until: date, filters: Filters = NO_FILTERS) -> "Report":
    """Return every exception, with its age on a day; the header adds up the revenue that is missing, by currency.

    With filters, an entry has the revenue of the selected charge lines, and documents that were not imported are left
    out: they have no charge lines yet.

    Raises:
        BadInput: a filter names what these books do not know.
    """
    with context.database.read() as connection:
        check_filters(context, connection, filters)
        rules = _RulesOfExceptions(context, connection)
        found = _exceptions(context, connection, until, rules, filters)
        missing: Counter[str] = Counter()
        rows = kept_rows(
            _counted(one, until, rules, missing)
            for one in sorted_rows(found, key=lambda one: (one.kind, one.since, one.subject))
        )
    effect = {currency: decimal_string(amount, currency) for currency, amount in sorted(missing.items()) if amount}
    parameters: dict[str, Any] = {**vars(filters), "date": until, "effect_on_revenue": effect}
    report = listed_report(context, "exceptions", f"Exceptions as of {until}", parameters, COLUMNS, rows, ("amount",))
    # A credit without a schedule has two rows, and invoices are not revenue: a total would contradict the header.
    return report._replace(
        spare=("age", "owner", "rule", "action", "customer"),
        empty="no exceptions: nothing waits for a person",
        adds_up=False,
    )


class _RulesOfExceptions:
    """Who acts on the charge lines of a rule, and whether their amounts are revenue."""

    def __init__(self, context: "Context", connection: "Connection") -> None:
        self._shares = rule_versions.names_of_principals(connection)
        self._owners: dict[str, str] = {}
        try:
            rules = load_rules(context).rules
        except RuleErrors:
            return  # What waits has to be shown also while a rule file has an error.
        self._owners = {rule.name: rule.owner for rule in rules}
        self._shares |= {name for rule in rules for name in shares_of_principals(rule)}

    def owner(self, names: str) -> str:
        """Return the owners of the rules of these names, each once; names and owners are separated by commas."""
        found = (self._owners.get(sold_by(name), "") for name in names.split(", "))
        return ", ".join(dict.fromkeys(filter(None, found)))

    def is_revenue(self, rule: str, is_cost: bool) -> bool:
        """Check whether an amount is revenue: it is no cost, or what an agent owes to a principal."""
        return not is_cost or rule in self._shares


def _counted(one: _Exception, until: date, rules: _RulesOfExceptions, missing: Counter[str]) -> dict[str, Any]:
    """Return the row of an exception, and add its revenue to what is missing."""
    missing[one.currency] += one.amount or 0 if one.is_missing else 0
    return _row(one, until, rules.owner(one.rule))


def _row(one: _Exception, until: date, owner: str) -> dict[str, Any]:
    days = max((until - date.fromisoformat(one.since[:10])).days, 0) if one.since else None
    age = "" if days is None else next((name for last, name in AGES if days <= last), OLDEST)
    amount = None if one.amount is None else decimal_string(one.amount, one.currency)
    values = (one.kind, one.subject, one.customer, one.currency, amount, one.since[:10], days, age, one.rule, owner)
    return dict(zip(COLUMNS, (*values, one.reason, one.action), strict=True))


def _exceptions(
    context: "Context", connection: "Connection", until: date, rules: _RulesOfExceptions, filters: Filters
) -> Iterator[_Exception]:
    only = tuple(of_charges(filters))
    yield from _undated(connection, rules, filters)
    yield from _doubtful(connection, only)
    yield from _blocked(context, connection, until, rules, only)
    entries = unsettled_entries(connection, revenue_lines(context, connection).counted, only)
    for row in posting_rows(connection, filters, UNSETTLED):
        state, entry = state_in_words(row.state), entries.get(row.reference, UnsettledEntry(None, ""))
        amount = row.amount if entry.revenue is None else entry.revenue
        yield _Exception(
            f"{row.kind} {state}", row.reference, "", row.currency, amount, row.date, entry.rules,
            row.error or without_error(row.state), row.advice or f"revrec trace {row.reference}",
            entry.revenue is not None,
        )  # fmt: skip
    for quarantined in quarantined_rows(connection, False, filters):
        first = quarantined.problems[0] if quarantined.problems else {"field": "", "reason": ""}
        yield _Exception(
            "quarantined row", f"{quarantined.file}:{quarantined.row}", quarantined.customer, quarantined.currency,
            quarantined.amount, quarantined.imported_at, "", f"{first['field']}: {first['reason']}",
            f"revrec quarantine show {quarantined.id}",
        )  # fmt: skip
    for document in open_documents(SqlAlchemyView(connection)) if filters == NO_FILTERS else ():
        yield _Exception(
            f"document {document.state}", f"{document.source}: {document.document}", "", "", None, document.received,
            "", document.reason, f"revrec fetch list --source {document.source}", False,
        )  # fmt: skip
    for credit in loose_credits(connection, only):
        yield _Exception(
            LOOSE_CREDIT, credit.charge, credit.customer, credit.currency, credit.amount, credit.post_date, "",
            "no contract, document or credited line joins this credit to a sale, so it is a contract asset",
            "name the line that it credits in the column credits, or the contract of both", False,
        )  # fmt: skip
    yield from _over_billed(connection, only)


def _over_billed(connection: "Connection", only: Conditions) -> Iterator[_Exception]:
    """Yield the contract lines whose price is less than what is billed of them, such as after a cancellation."""
    for page in batched(billing.billed_contract_lines(connection, only), PAGE):
        billed, recorded = billing.billed_amounts(connection, page), events.events_of_charges(connection, page)
        for no, line in charges.read_charges(connection, page):
            more = billed.get(no, 0) - price_of(line, recorded.get(no, ()))
            if more * line.amount > 0:
                yield _Exception(
                    "over-billed contract line", line.id, line.customer, line.currency, more,
                    line.post_date.isoformat(), "", "more is billed than the contract line costs now",
                    "import a credit of the invoice, a line with a negative amount that names it in the column credits",
                    False,
                )  # fmt: skip


def _doubtful(connection: "Connection", only: Conditions) -> Iterator[_Exception]:
    """Yield the shares of contracts whose residual price is outside its plausible range."""
    for share in doubtful_shares(connection, only):
        yield _Exception(
            IMPLAUSIBLE, share.charge, share.customer, share.currency, share.allocated, share.post_date,
            share.allocation, share.warning, f"revrec trace {share.charge}", False,
        )  # fmt: skip


def _undated(connection: "Connection", rules: _RulesOfExceptions, filters: Filters) -> Iterator[_Exception]:
    """Yield charge lines without a schedule, and what waits of the others, at their prices in force."""
    for line in undated_lines(connection, filters):
        kind = line.kind if line.code == line.kind else f"{line.kind}: {line.code.replace('_', ' ')}"
        explain = "explain" if line.kind == UNSCHEDULED else "trace"
        yield _Exception(
            kind, line.charge, line.customer, line.currency, line.amount, line.since.isoformat(),
            line.rule or "", line.reason, f"revrec {explain} {line.charge}",
            rules.is_revenue(line.rule or "", line.is_cost),
        )  # fmt: skip


def _blocked(
    context: "Context", connection: "Connection", until: date, rules: _RulesOfExceptions, only: Conditions
) -> Iterator[_Exception]:
    """Yield the lines due until a day that closed periods block, by the policy ``hold``."""
    facts = periods.facts(connection)
    dates = PostingDates(context.settings.posting.closed_period, Periods(facts))
    due = due_amounts(connection, until.isoformat(), only) if facts and dates.policy == "hold" else ()
    for line in due:
        day = date.fromisoformat(line.date)
        dated, fact = dates.of(line.entity, day), dates.periods.closed(line.entity, day)
        if dated.date is None and fact:
            month = line.date[:7] + (f" --entity {fact.entity}" if fact.entity else "")
            yield _Exception(
                "blocked by a closed period", line.charge, line.customer, line.currency, line.amount, line.date,
                line.rule, dated.reason, f"revrec periods open {month} --reason TEXT",
                rules.is_revenue(line.rule, not line.is_sold),
            )  # fmt: skip
