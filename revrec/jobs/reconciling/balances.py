"""Explain account balances: our entries, the differences that were found, and what other people booked."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from revrec.intacct.gateway import POSTED_STATE, FoundEntry, FoundLine, ReportedBalance
from revrec.jobs.posting.findings import Amounts, Finding
from revrec.jobs.reconciling.amounts import DateRange, added

Key = tuple[str, str]
"""An account and a currency."""


class AccountBalance(NamedTuple):
    """Movements of an account in one currency over the range, in minor units, debits positive.

    ``intacct`` = ``books`` + ``adjusting`` (our adjusting entries) + ``others`` + ``difference``; ``difference`` =
    ``explained`` by the findings + ``rest``. ``unrecognized``: of a deferred account, what was billed and is not
    recognized by the last day.
    """

    account: str
    role: str
    currency: str
    books: int
    intacct: int
    others: int
    difference: int
    explained: int
    rest: int
    unrecognized: int | None
    adjusting: int = 0


class BooksAmounts(NamedTuple):
    """The net amounts of our entries of schedule lines, and of our adjusting entries, by account and currency."""

    entries: Amounts
    adjusting: Amounts


class BalanceCheck(NamedTuple):
    """An account's balance as Intacct reports it in base currency, beside the sum of its lines, in minor units."""

    account: str
    currency: str
    start: int
    movement: int
    end: int
    lines: int

    @property
    def unexplained(self) -> int:
        """Return what the balance has and the lines do not."""
        return self.movement - self.lines


class OtherEntry(NamedTuple):
    """The amount that an entry outside of our journals, made by another person or program, booked on an account."""

    record_no: str
    journal: str
    date: str
    reference: str
    title: str
    account: str
    currency: str
    amount: int


@dataclass
class LedgerSums:
    """Sums of ledger lines, added as they are read: memory grows with entries and accounts, not with lines."""

    net: dict[str, dict[Key, int]] = field(default_factory=dict)
    """By record number of the entry."""
    base: dict[str, dict[Key, int]] = field(default_factory=dict)
    """By record number, and account and base currency, in base currency."""

    def add(self, lines: Iterable[FoundLine]) -> None:
        """Add lines."""
        for line in lines:
            sign = 1 if line.side == "debit" else -1
            net, base = self.net.setdefault(line.entry, {}), self.base.setdefault(line.entry, {})
            key = (line.account, line.currency)
            net[key] = net.get(key, 0) + sign * line.amount
            base_key = (line.account, line.base_currency)
            base[base_key] = base.get(base_key, 0) + sign * line.base_amount


class Ledger(NamedTuple):
    """The sums of the lines that were read, and the heads of their entries."""

    read: LedgerSums
    heads: Mapping[str, FoundEntry]
    ours: frozenset[str]
    """Record numbers of the entries in our journals, and of our entries elsewhere."""

    def posted(self) -> Iterator[str]:
        """Yield the posted entries. One without a head in Intacct stays in the rest of the balances."""
        there = (number for number in self.read.net if number in self.heads)
        return (number for number in there if self.heads[number].state == POSTED_STATE)

    def others(self) -> Iterator[OtherEntry]:
        """Yield what other people booked, entry by entry."""
        for number in self.posted():
            if number in self.ours:
                continue
            head = self.heads[number]
            for (account, currency), amount in self.read.net[number].items():
                day = head.date.isoformat() if head.date else ""
                yield OtherEntry(number, head.journal, day, head.reference, head.title, account, currency, amount)


def account_balances(
    accounts: Mapping[str, str], books: BooksAmounts, ledger: Ledger, findings: Iterable[Finding], unrecognized: Amounts
) -> list[AccountBalance]:
    """Return the balance of each account in each currency; ``accounts`` gives their roles."""
    intacct = added(ledger.read.net[number] for number in ledger.posted())
    others = added({(one.account, one.currency): one.amount} for one in ledger.others())
    explained = added(one.effect for one in findings)
    every = {**books.entries, **books.adjusting, **intacct, **explained, **unrecognized}
    sums = (books.entries, books.adjusting, intacct, others, explained)
    return [_balance(key, accounts, sums, unrecognized) for key in sorted(every) if key[0] in accounts]


def _balance(key: Key, accounts: Mapping[str, str], sums: tuple[Amounts, ...], unrecognized: Amounts) -> AccountBalance:
    books, adjusting, intacct, others, explained = (amounts.get(key, 0) for amounts in sums)
    difference = intacct - others - books - adjusting
    role = accounts[key[0]]
    left = unrecognized.get(key, 0) if role == "deferred" else None
    return AccountBalance(
        key[0], role, key[1], books, intacct, others, difference, explained, difference - explained, left, adjusting
    )


def reported(balances: Iterable[ReportedBalance], ledger: Ledger) -> list[BalanceCheck]:
    """Return Intacct's balances beside the sums of the lines; entities with one base currency are added up."""
    lines = added(ledger.read.base[number] for number in ledger.posted())
    totals: dict[Key, tuple[int, int]] = {}
    for one in balances:
        start, end = totals.get((one.account, one.currency), (0, 0))
        totals[one.account, one.currency] = (start + one.start, end + one.end)
    return [
        BalanceCheck(account, currency, start, end - start, end, lines.get((account, currency), 0))
        for (account, currency), (start, end) in totals.items()
    ]


def unexplained(found: Iterable[BalanceCheck], within: DateRange) -> Iterator[Finding]:
    """Yield a finding for each balance that is not the sum of the lines that can be read."""
    for one in found:
        if one.unexplained:
            what = f"account {one.account}: the balance Intacct reports is not the sum of the lines that it shows"
            yield Finding("balance", "", "", within.end, one.currency, one.unexplained, what)
