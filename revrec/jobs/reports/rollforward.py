"""``revrec report rollforward``: how deferred balances moved from the opening to the closing of each period.

Source: ASC 606-10-50-8 to 50-10 (IFRS 15.116 to 118): balances, the revenue that was in the opening liability, and the
causes of changes.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.batching import batched
from revrec.core.errors import BadInput
from revrec.core.filters import NO_FILTERS, Basis, Filters
from revrec.core.money import decimal_string
from revrec.core.report import Chart, Check, ColumnSum, Period, Report, periods_of
from revrec.core.rules.costs import sold_by
from revrec.core.typed_dates import DateSpan
from revrec.jobs.reports.balance_sides import CURRENT, SPLIT, BalanceSides
from revrec.jobs.reports.base_amounts import BaseCurrencies, BaseOfDay, about_rates, check_base_of_rows, source_of_rates
from revrec.jobs.reports.filters import check_account, check_filters
from revrec.jobs.reports.journal_checks import journal_checks
from revrec.jobs.reports.line_balances import (
    AT_ONCE,
    BalanceOptions,
    balances_of,
    known_day,
    line_balances,
    lines_as_known,
    special_lines,
)
from revrec.jobs.reports.line_groups import OF_BALANCES, OF_CHARGES, Group, LineGroups, named
from revrec.jobs.reports.remaining import check_dimension, check_group
from revrec.jobs.reports.report_header import report_header
from revrec.jobs.reports.rollforward_memo import memo_on
from revrec.store.reports import in_ledger
from revrec.store.reports.booked import OtherCharges
from revrec.store.reports.earned import earned_lines, earned_until
from revrec.store.reports.plain_lines import Day, Movements, movements

if TYPE_CHECKING:
    from revrec.core.contract_balance import LineBalance
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

MOVEMENTS = (
    "migrated", "billed", "credited", "price_changes", "interest", "recognized_from_opening", "recognized_from_period",
    "recognized", "taken_back", "to_principals", "reclassified", "other",
)  # fmt: skip
AMOUNTS = ("opening", *MOVEMENTS, "closing", "refund_liability")
SPARE = (
    "taken_back",
    "recognized_from_opening",
    "recognized_from_period",
    "price_changes",
    "other",
    "reclassified",
    "interest",
    "migrated",
    "to_principals",
    "refund_liability",
)
"""The columns that a narrow terminal leaves out, the last one first."""
BASE = tuple(f"base_{name}" for name in ("opening", *MOVEMENTS, "exchange", "closing", "refund_liability"))
"""The columns of amounts in base currency; ``base_exchange`` is what exchange differences take from the balance."""
KEPT_OF_BASE = ("base_opening", "base_billed", "base_recognized", "base_closing")
"""Those that a narrow terminal keeps."""
FORMULAS = {
    "recognized": {"recognized_from_opening": 1, "recognized_from_period": 1, "taken_back": 1},
    "closing": {
        "opening": 1, "migrated": 1, "billed": 1, "credited": 1, "price_changes": 1, "interest": 1, "recognized": -1,
        "to_principals": -1, "reclassified": 1, "other": 1,
    },
}  # fmt: skip
"""The columns that are sums of others, as documented."""
OF_SIDES = {"closing_noncurrent": {"opening_noncurrent": 1, "billed_noncurrent": 1, "moved_to_current": -1}}
_ADDED = ("migrated", "billed", "credited", "price_changes", "interest", "reclassified")
"""The movements that raise a balance."""
OF_CONTRACTS = {"entity", "contract"}
"""The groups that have all lines of a contract, or none."""


class RollforwardOptions(NamedTuple):
    """The days, the length of a period, what the rows are grouped by, and filters.

    ``split``: also the contract liabilities and assets. ``current``: also the noncurrent part of the liabilities.
    ``base``: also in base currency. ``memo``: with what is not recognized for another reason than its day.
    """

    span: DateSpan
    each: str = "month"
    by: Sequence[str] = ()
    filters: Filters = NO_FILTERS
    basis: Basis = Basis.ledger
    base: bool = False
    split: bool = False
    current: bool = False
    memo: bool = False

    @property
    def sides(self) -> tuple[str, ...]:
        """The columns of liabilities and assets that are asked for."""
        return (*(SPLIT if self.split else ()), *(CURRENT if self.current else ()))

    @property
    def lines(self) -> Filters:
        """The filters of the charge lines, apart from the account."""
        return replace(self.filters, account=None)

    def balances(self, until: date) -> BalanceOptions:
        """Return the options of the balances on a day."""
        return balances_of(until, self.filters)


class _Known(NamedTuple):
    """What was billed of a line and account on a day, and what was recognized.

    ``charged`` and ``credited`` are the parts of ``billed`` that are the line's amount and its credits. ``before`` is
    the part of ``recognized`` that was recognized before a cutover.
    """

    billed: int = 0
    charged: int = 0
    credited: int = 0
    recognized: int = 0
    before: int = 0


class _Earned(NamedTuple):
    """The positive revenue of a line in a period, and its balance before it."""

    group: Group
    amount: int
    opening: int
    charge: str


class _Owed(NamedTuple):
    """What an agent owes to a principal of a ``charge`` until a day or in a period, below zero, in minor units.

    ``normal`` is the part that does not take back what was owed before. ``accounts`` are its payables.
    """

    charge: str
    amount: int = 0
    normal: int = 0
    accounts: tuple[str, ...] = ()

    def more(self, account: str, amount: int) -> "_Owed":
        """Return it with the amount of another account."""
        return self._replace(amount=self.amount + amount, accounts=(*self.accounts, account))


_Unit = tuple[str, str, str, str]
"""The contract, entity, currency and account of a net balance."""


def rollforward(context: "Context", wanted: RollforwardOptions) -> Report:
    """Return the rollforward; every closing is the opening of the next period.

    Raises:
        BadInput: ``by`` is not a column, a filter names what these books do not know, or there are no amounts in base
            currency: for the earned basis, for entities of several base currencies in one row, or without a rate.
        BadConfiguration: ``base`` needs exchange rates, and none are configured.
    """
    _check_options(context, wanted)
    by = tuple(name for name in wanted.by if name != "account")
    with context.database.read_twice() as connection:
        check_dimension(connection, ",".join(by))
        check_filters(context, connection, wanted.lines)
        periods = list(periods_of(wanted.span, wanted.each))
        before = wanted.span.first - timedelta(days=1)
        days = [
            known_day(context, connection, wanted.balances(day)) for day in (before, *(one.last for one in periods))
        ]
        has_sums = OF_CONTRACTS.issuperset(by) and wanted.basis is Basis.ledger
        special = special_lines(context, connection, days) if has_sums else None
        plain = () if special is None else movements(connection, days, special, by, wanted.lines)
        books = _Balances(context, connection, wanted, by, special, plain)
        books.read(before)
        in_base = _BaseBalances(context, connection, wanted, by) if wanted.base else None
        if in_base is not None:
            in_base.read(before)
        sides = BalanceSides(context, connection, books.groups, wanted.sides) if wanted.sides else None
        if sides is not None:
            sides.read(wanted.balances(before))
        rows: list[dict[str, Any]] = []
        checks: list[Check] = []
        others = OtherCharges(connection)
        for at, period in enumerate(periods):
            sums = books.move_to(period, at)
            if sides is not None:
                for group, its_own in sides.move_to(wanted.balances(period.last)).items():
                    sums.setdefault(group, Counter()).update(its_own)
            of_base = {} if in_base is None else in_base.move_to(period, at)
            rows += _rows(period, by, sums, wanted.sides, of_base, in_base.currencies if in_base is not None else {})
            checks += _checks(connection, wanted, period, sums, others)
        check_account(context, connection, wanted.filters.account, books.accounts)
        header = report_header(
            context, connection, "rollforward",
            {**vars(wanted.filters), "from": wanted.span.first, "to": wanted.span.last, "each": wanted.each,
             "by": ["account", *by], "rates": source_of_rates(context) if wanted.base else None},
            wanted.basis,
        )  # fmt: skip
        notes = _closed_too_early(periods, days) if any(check.difference for check in checks) else ()
        if found := [*notes, *(about_rates(context) if wanted.base else ())]:
            header["notes"] = [*header.get("notes", ()), *found]
        if wanted.memo:
            header["memo"] = memo_on(context, connection, wanted.span.last, wanted.filters)
    return _report(wanted, by, header, rows, checks)


def _check_options(context: "Context", wanted: RollforwardOptions) -> None:
    """Refuse options that go with none of the figures.

    Raises:
        BadInput: as :func:`rollforward`.
    """
    check_group("rollforward", ",".join(wanted.by or ("account",)), (*OF_BALANCES, *OF_CHARGES))
    if wanted.base:
        check_base_of_rows(context, "rollforward", wanted.by, wanted.filters.entity)
    if wanted.basis is Basis.earned and (wanted.sides or wanted.base):
        said = "--base, --split and --current are of posted entries"
        raise BadInput(f"report rollforward: {said}: leave out --basis earned")


def _report(
    wanted: RollforwardOptions,
    by: Sequence[str],
    header: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    checks: Sequence[Check],
) -> Report:
    amounts = (*AMOUNTS, *wanted.sides)
    columns, spare = ("period", "currency", "account", *by, *amounts), (*SPARE, *wanted.sides)
    if wanted.base:
        columns = (*columns, "base_currency", *BASE)
        spare = (*spare, "base_currency", *(name for name in BASE if name not in KEPT_OF_BASE))
    return Report(
        "Rollforward of deferred revenue", header, columns, rows, checks, amounts, spare,
        formulas=FORMULAS | {name: parts for name, parts in OF_SIDES.items() if name in wanted.sides},
        balances=_balance_columns(amounts),
        chart=Chart("period", ("billed", "recognized", "closing")), base=BASE if wanted.base else (),
    )  # fmt: skip


def _closed_too_early(periods: Sequence[Period], days: Sequence[Day]) -> Iterator[str]:
    """Yield for each period that was closed before the days before it why its balances can differ.

    ``days`` are the last day before the periods, and the last day of each.
    """
    for period, before, after in zip(periods, days, days[1:], strict=False):
        earliest = min((one.known.audit_seq for one in after if one.known), default=None)
        if earliest is not None and any(one.known is None or one.known.audit_seq > earliest for one in before):
            month = f"{period.last:%Y-%m}"
            yield (
                f"{month} was closed before the days before {period.first}: what arrived for those days since then is"
                f" in its opening balance and not in its closing balance; close them, then open {month} and close it"
                " again"
            )


class _Balances:
    """The balances of all lines on a day, and how they moved since the day before.

    Lines are read one by one if their numbers are ``special`` (all if None). ``plain`` are the sums of the others.
    """

    def __init__(
        self,
        context: "Context",
        connection: "Connection",
        wanted: RollforwardOptions,
        by: tuple[str, ...],
        special: Sequence[int] | None,
        plain: Iterable[Movements],
    ) -> None:
        self._context = context
        self._connection = connection
        self._wanted = wanted
        self._by = by
        self._special = special
        self._plain = list(plain)
        self._known: dict[tuple[str, str], _Known] = {}
        self._units: Counter[_Unit] = Counter()
        self._sums: dict[Group, Counter[str]] = {}
        self._owed: dict[int, _Owed] = {}
        self.accounts = {one.account for one in self._plain}
        self.groups = LineGroups(connection, by)

    def read(self, until: date) -> None:
        """Read the opening balances."""
        for line in self._lines(until):
            self._note(line)
            self._sum(line)["closing"] += line.balance

    def move_to(self, period: Period, at: int) -> dict[Group, Counter[str]]:
        """Return the movements of a period, the one ``at`` this place, and keep its closing as the next opening."""
        sums = {group: Counter(amounts) for group, amounts in self._of_lines(period).items()}
        for one in self._plain:
            if self._wanted.filters.account in (None, one.account) and (one.lines[at] or one.lines[at + 1]):
                names = dict(zip(self._by, one.values, strict=True))
                group = (one.currency, one.account, *(named(name, value) for name, value in names.items()))
                sums.setdefault(group, Counter()).update(_moved(one, at))
        return sums

    def _of_lines(self, period: Period) -> dict[Group, Counter[str]]:
        """Return the movements of the lines that are read one by one."""
        before, units, owed = self._sums, self._units, self._owed
        self._sums, self._units = {}, Counter()
        for group, sums in before.items():
            self._sums[group] = Counter(opening=sums["closing"])
        if self._special == []:
            return {}
        back = self._worth(period, in_ledger.taken_back(self._connection, self._recognized(period)))
        moves = self._worth(period, in_ledger.reclassified(self._connection, period.first, period.last))
        earned: dict[_Unit, list[_Earned]] = defaultdict(list)
        groups: dict[str, Group] = {}
        for line in self._lines(period.last):
            was = self._known.get((line.charge, line.account), _Known())
            sums = self._sum(line)
            moved, negative = self._moved(line, moves), back.get((line.no, line.account), 0)
            sums["reclassified"] -= moved
            if line.is_interest:
                past = line.before - was.before
                sums["migrated"] -= past
                sums["interest"] -= line.recognized - was.recognized - moved - past
                sums["closing"] += line.balance
                self._note(line)
                continue
            charged, past = line.charged - was.charged, line.before - was.before
            # Also of a line that is voided after its cutover, and then no longer migrated.
            is_brought = line.is_migrated or bool(past)
            brought = charged - past if is_brought else 0
            if is_brought:
                units[self._unit(line)] += brought
                sums["migrated"] += brought
            else:
                sums["billed" if charged > 0 else "credited"] += charged
            credited = line.credited - was.credited
            sums["credited"] += credited
            sums["price_changes"] += line.billed - was.billed - charged - credited
            revenue = line.recognized - was.recognized - moved - past
            sums["taken_back"] += negative
            sums["recognized"] += revenue
            sums["closing"] += line.balance
            sums["refund_liability"] += line.refund_liability
            if revenue - negative:
                opening = was.billed - was.recognized + brought
                earned[self._unit(line)].append(_Earned(self._group(line), revenue - negative, opening, line.charge))
            if revenue or line.charge not in groups:
                groups[line.charge] = self._group(line)
            self._note(line)
        shares = list(self._shares(owed, back))
        self._split_by_opening(units, _without_shares(earned, shares))
        self._split_shares(shares, groups)
        for sums in self._sums.values():
            more = sum(sums[name] for name in _ADDED)
            less = sums["recognized"] + sums["to_principals"]
            sums["other"] = sums["closing"] - sums["opening"] - more + less
        return self._sums

    def _split_shares(self, shares: Iterable[_Owed], groups: Mapping[str, Group]) -> None:
        """Count what became owed to principals apart from the revenue of their charge lines (606-10-55-38)."""
        for share in shares:
            if share.charge in groups:
                sums = self._sums[groups[share.charge]]
                sums["to_principals"] -= share.amount
                sums["recognized"] += share.amount
                sums["taken_back"] += share.amount - share.normal

    def _shares(self, before: Mapping[int, _Owed], negative: Mapping[tuple[int, str], int]) -> Iterator[_Owed]:
        """Yield what became owed to principals since the day before; ``negative`` is what is below zero of it."""
        for no, now in self._owed.items():
            normal = sum(negative.get((no, account), 0) for account in now.accounts)
            amount = now.amount - (before[no].amount if no in before else 0)
            yield now._replace(amount=amount, normal=normal)

    def _recognized(self, period: Period) -> Any:
        """Return what was recognized in a period by charge line and account, as a subquery."""
        if self._wanted.basis is Basis.earned:
            return earned_lines(period.first, period.last)
        return in_ledger.ledger_lines(period.first, period.last, self._special)

    def _lines(self, until: date) -> Iterator["LineBalance"]:
        is_earned = self._wanted.basis is Basis.earned
        self._owed = {}
        for line in self.groups.read(self._lines_earned(until) if is_earned else self._lines_in_ledger(until)):
            self.accounts.add(line.account)
            if line.is_payable:
                so_far = self._owed.get(line.no, _Owed(sold_by(line.charge)))
                self._owed[line.no] = so_far.more(line.account, line.recognized - line.before)
            if not line.is_cost and self._wanted.filters.account in (None, line.account):
                yield line

    def _worth(self, period: Period, amounts: Mapping[tuple[int, str], int]) -> Mapping[tuple[int, str], int]:
        """Return amounts by charge line and account as the balances have them."""
        return amounts

    def _moved(self, line: "LineBalance", moves: Mapping[tuple[int, str], int]) -> int:
        """Return what of the recognized amount of a line was moved to another account, and is not revenue."""
        return moves.get((line.no, line.account), 0)

    def _lines_in_ledger(self, until: date) -> Iterator["LineBalance"]:
        return line_balances(self._context, self._connection, self._wanted.balances(until), self._special)

    def _lines_earned(self, until: date) -> Iterator["LineBalance"]:
        """Yield the lines with what they have earned until a day as it is known now, whatever is closed."""
        entity = self._wanted.filters.entity
        entities = None if entity is None else [entity]
        earned = earned_until(self._connection, until)
        for line in lines_as_known(self._context, self._connection, self._wanted.balances(until), None, entities):
            yield line._replace(recognized=line.before + earned.get((line.no, line.account), 0))

    def _note(self, line: "LineBalance") -> None:
        if line.billed or line.charged or line.recognized or (line.charge, line.account) in self._known:
            self._known[line.charge, line.account] = _Known(
                line.billed, line.charged, line.credited, line.recognized, line.before
            )
            self._units[self._unit(line)] += line.balance

    def _unit(self, line: "LineBalance") -> _Unit:
        return line.contract, line.entity, line.currency, line.account

    def _group(self, line: "LineBalance") -> Group:
        return self.groups.of(line)

    def _sum(self, line: "LineBalance") -> Counter[str]:
        return self._sums.setdefault(self._group(line), Counter())

    def _split_by_opening(self, units: Mapping[_Unit, int], earned: Mapping[_Unit, Sequence[_Earned]]) -> None:
        """Split what was earned into what was in the opening liability of its contract, and the rest (50-8(b)).

        The opening balance is used up before what was billed in the period. Each line uses its own balance first, since
        the balance of a contract is net.
        """
        for unit, lines in earned.items():
            left = max(units.get(unit, 0), 0)
            rest = [line.amount for line in lines]
            for own_only in (True, False):
                for at, line in enumerate(lines):
                    used = min(left, rest[at], max(line.opening, 0) if own_only else left)
                    left -= used
                    rest[at] -= used
                    self._sums[line.group]["recognized_from_opening"] += used
            for line, amount in zip(lines, rest, strict=True):
                self._sums[line.group]["recognized_from_period"] += amount


class _BaseBalances(_Balances):
    """The same balances in base currency; groups keep the currency of the transaction.

    ``currencies`` are the base currencies of the groups. An exchange difference leaves the balance of a line as an
    amount that is moved, and so is no revenue.
    """

    def __init__(
        self,
        context: "Context",
        connection: "Connection",
        wanted: RollforwardOptions,
        by: tuple[str, ...],
    ) -> None:
        super().__init__(context, connection, wanted, by, None, ())
        self._base = BaseCurrencies(context)
        self._before: dict[tuple[str, str], int] = {}
        self._exchange: dict[tuple[str, str], int] = {}
        self._differences: Counter[Group] = Counter()
        self.currencies: dict[Group, str] = {}

    def move_to(self, period: Period, at: int) -> dict[Group, Counter[str]]:
        """Return the movements of a period, with ``exchange`` apart."""
        self._before, self._exchange, self._differences = self._exchange, {}, Counter()
        sums = super().move_to(period, at)
        for group, amount in self._differences.items():
            sums[group]["exchange"] = -amount
            sums[group]["reclassified"] += amount
        return sums

    def _lines_in_ledger(self, until: date) -> Iterator["LineBalance"]:
        day = self._day(until)
        for some in batched(self.groups.read(super()._lines_in_ledger(until)), AT_ONCE):
            for line in day.of(some):
                base = line.base
                assert base is not None
                self.currencies[self._group(line)] = base.currency
                if base.exchange:
                    self._exchange[line.charge, line.account] = base.exchange
                yield line._replace(
                    billed=base.billed,
                    charged=base.charged,
                    credited=base.credited,
                    recognized=base.recognized + base.exchange,
                    before=base.before,
                    refund=base.refund,
                )

    def _day(self, until: date) -> BaseOfDay:
        return BaseOfDay(self._context, self._connection, self._wanted.balances(until), self._base)

    def _worth(self, period: Period, amounts: Mapping[tuple[int, str], int]) -> Mapping[tuple[int, str], int]:
        return self._day(period.last).worth(amounts)

    def _moved(self, line: "LineBalance", moves: Mapping[tuple[int, str], int]) -> int:
        key = line.charge, line.account
        difference = self._exchange.get(key, 0) - self._before.get(key, 0)
        self._differences[self._group(line)] += difference
        return super()._moved(line, moves) + difference


def _without_shares(earned: Mapping[_Unit, Sequence[_Earned]], shares: Iterable[_Owed]) -> dict[_Unit, list[_Earned]]:
    """Return what was earned without what is owed of it to principals."""
    left = Counter[str]()
    for share in shares:
        left[share.charge] += share.normal
    found: dict[_Unit, list[_Earned]] = {}
    for unit, lines in earned.items():
        found[unit] = []
        for line in lines:
            less = max(left[line.charge], -line.amount)
            left[line.charge] -= less
            found[unit].append(line._replace(amount=line.amount + less))
    return found


def _balance_columns(amounts: Iterable[str]) -> dict[str, str]:
    """Return the columns that do not add up over periods, with the period that the total has them of."""
    found = {"refund_liability": "last"}
    for name in amounts:
        if name.startswith(("opening", "closing")):
            found[name] = "first" if name.startswith("opening") else "last"
    return found


def _moved(group: Movements, at: int) -> Counter[str]:
    """Return what moved in the period ``at`` this place."""
    amounts = (group.billed, group.credited, group.repriced, group.recognized, group.taken_back)
    billed, credited, repriced, earned, back = (of_days[at + 1] - of_days[at] for of_days in amounts)
    from_opening, credits = group.from_opening[at], group.credits[at]
    return Counter({
        "opening": group.balance(at), "billed": billed, "credited": credited + credits,
        "price_changes": repriced - credits, "recognized": earned + back,
        "taken_back": back, "recognized_from_opening": from_opening, "recognized_from_period": earned - from_opening,
        "closing": group.balance(at + 1),
    })  # fmt: skip


def _rows(
    period: Period,
    by: Sequence[str],
    sums: Mapping[Group, Counter[str]],
    sides: Sequence[str],
    of_base: Mapping[Group, Counter[str]],
    base_currencies: Mapping[Group, str],
) -> Iterator[dict[str, Any]]:
    for group in sorted({*sums, *of_base}):
        amounts, in_base = sums.get(group, Counter()), of_base.get(group, Counter())
        if any(amounts.values()) or any(in_base.values()):
            currency, account, *values = group
            row: dict[str, Any] = {
                "period": period.name,
                "currency": currency,
                "account": account,
                **dict(zip(by, values, strict=True)),
            }
            row |= {name: decimal_string(amounts[name], currency) for name in (*AMOUNTS, *sides)}
            if base := base_currencies.get(group):
                row["base_currency"] = base
                row |= {name: decimal_string(in_base[name.removeprefix("base_")], base) for name in BASE}
            yield row


def _checks(
    connection: "Connection",
    wanted: RollforwardOptions,
    period: Period,
    sums: Mapping[Group, Counter[str]],
    others: OtherCharges,
) -> Iterator[Check]:
    """Yield the checks: nothing moved for another reason; what is recognized is what the entries recognize."""
    other, recognized, owed = Counter[str](), Counter[str](), Counter[str]()
    closing, sides = Counter[str](), Counter[str]()
    for (currency, *_group), amounts in sums.items():
        other[currency] += amounts["other"]
        recognized[currency] += amounts["recognized"]
        closing[currency] += amounts["closing"] - amounts["refund_liability"]
        sides[currency] += amounts["closing_liability"] - amounts["closing_asset"]
        if amounts["to_principals"]:
            owed[currency] -= amounts["to_principals"]
    for currency in sorted(other):
        source = ColumnSum("other", period.name)
        yield Check(f"{period.name}: other movements = 0", currency, other[currency], 0, source)
        if wanted.split:
            name = f"{period.name}: liabilities less assets = closing less refund liabilities"
            yield Check(name, currency, sides[currency], closing[currency])
    if wanted.lines == NO_FILTERS:
        account, basis = wanted.filters.account, wanted.basis
        yield from journal_checks(connection, period, "recognized", recognized, account, basis, owed, others)
