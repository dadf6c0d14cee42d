"""Convert balances and their movements to base currency, for the reports with ``--base``.

What is billed has the rate of the day of billing. What is recognized has the rate of its entry, which is the same
unless it was earned before it was billed. The rates come from the file ``rates`` of ``[gateway]``.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from revrec.core.base_amounts import BaseAmounts, BaseBalance
from revrec.core.batching import batched
from revrec.core.contract_balance import ContractBalance, LineBalance
from revrec.core.errors import BadInput
from revrec.core.exchange import Rates
from revrec.jobs.gateway import entity_currencies
from revrec.jobs.reports.exchange import charge_differences, rate_day, read_rates
from revrec.jobs.reports.line_balances import AT_ONCE, BalanceOptions, balance_query
from revrec.jobs.reports.line_status import Netted
from revrec.store.reports.exchange import BillingDays, days_of_billing, rated_amounts

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection


class BaseCurrencies:
    """The base currency of each entity, and the rates, which are read once an amount needs them."""

    def __init__(self, context: "Context") -> None:
        self._context = context
        self._own = {entity: one.base for entity, one in entity_currencies(context).items()}
        self._company = context.settings.gateway.base_currency

    def of(self, entity: str) -> str:
        """Return the base currency of an entity."""
        return self._own.get(entity, self._company)

    @cached_property
    def rates(self) -> Rates:
        """Return the rates of the file that is configured.

        Raises:
            BadConfiguration: none is configured, or it cannot be used.
        """
        return read_rates(self._context)

    @property
    def several(self) -> list[str]:
        """Return the base currencies of the company and its entities if they differ; else nothing."""
        found = sorted({self._company, *self._own.values()})
        return found if len(found) > 1 else []


def check_base_of_rows(context: "Context", report: str, by: Sequence[str], entity: str | None) -> None:
    """Refuse rows that would have amounts in several base currencies.

    Raises:
        BadInput: as above.
    """
    several = BaseCurrencies(context).several
    if several and "entity" not in by and entity is None:
        said = f"entities have the base currencies {', '.join(several)}"
        raise BadInput(f"report {report}: --base: {said}: add --by entity, or name one with --entity")


class BaseOfDay:
    """The amounts of charge lines in base currency on a day."""

    def __init__(
        self, context: "Context", connection: "Connection", wanted: BalanceOptions, currencies: BaseCurrencies
    ) -> None:
        self._context = context
        self._connection = connection
        self._asked = balance_query(context, wanted, None)
        self._currencies = currencies

    def of(self, lines: Sequence[LineBalance]) -> Iterator[LineBalance]:
        """Yield the lines with their amounts in base currency.

        Raises:
            BadConfiguration: an amount is in another currency, and no rates are configured.
            BadInput: there is no rate for a day.
        """
        foreign = sorted({one.no for one in lines if one.currency != self._currencies.of(one.entity)})
        days = days_of_billing(self._connection, self._asked, foreign) if foreign else {}
        rated: dict[tuple[int, str], dict[date, int]] = defaultdict(dict)
        for one in rated_amounts(self._connection, self._asked.until, foreign) if foreign else ():
            rated[one.no, one.account][one.rated] = one.amount
        for line in lines:
            its_own = days.get(line.no)
            base = self._converted(line, its_own, rated[line.no, line.account]) if its_own else _same(line)
            yield line._replace(base=base)

    def _converted(self, line: LineBalance, days: BillingDays, rated: Mapping[date, int]) -> BaseAmounts:
        base, rates = self._currencies.of(line.entity), self._currencies.rates

        def worth(amount: int, day: date = days.rated) -> int:
            return rates.in_base(amount, line.currency, base, day) if amount else 0

        sums: Counter[date] = Counter()
        for day, amount in rated.items():
            sums[rate_day(self._context, line.is_ordered, days.posted, day)] += amount
        # The rest is not of entries: what was moved to another account, or recognized before a cutover.
        sums[days.rated] += line.recognized - sum(rated.values())
        recognized = sum(worth(amount, day) for day, amount in sums.items())
        billed, charged = worth(line.billed), worth(line.charged)
        rate = str(rates.on(line.currency, base, days.rated)) if line.is_billed else ""
        return BaseAmounts(
            base,
            rate,
            billed,
            charged,
            recognized,
            worth(line.before),
            worth(line.refund),
            self._differences.get((line.charge, line.account), 0),
            # Each amount is rounded: if all new prices are credits, the credits are the rest to the cent.
            billed - charged if line.credited == line.billed - line.charged else worth(line.credited),
        )

    def worth(self, amounts: Mapping[tuple[int, str], int]) -> dict[tuple[int, str], int]:
        """Return amounts of charge lines, by number and account, at the rates of their days of billing.

        Raises:
            BadConfiguration, BadInput: as :meth:`of`.
        """
        numbers = sorted({no for no, _account in amounts})
        days = days_of_billing(self._connection, self._asked, numbers) if numbers else {}
        return {(no, account): self._worth(amount, days[no]) for (no, account), amount in amounts.items()}

    def _worth(self, amount: int, days: BillingDays) -> int:
        base = self._currencies.of(days.entity)
        if days.currency == base or not amount:
            return amount
        return self._currencies.rates.in_base(amount, days.currency, base, days.rated)

    @cached_property
    def _differences(self) -> Mapping[tuple[str, str], int]:
        """Return the exchange differences by charge line and account, as ``report exchange`` shows them."""
        found: Counter[tuple[str, str]] = Counter()
        until = self._asked.until
        for one in charge_differences(self._context, self._connection, until, self._currencies.rates):
            found[one.charge, one.account] += one.difference.difference
        return found


def _same(line: LineBalance) -> BaseAmounts:
    return BaseAmounts(
        line.currency,
        "",
        line.billed,
        line.charged,
        line.recognized,
        line.before,
        line.refund,
        credited=line.credited,
    )


def with_base_amounts(
    context: "Context", connection: "Connection", wanted: BalanceOptions, contracts: Iterable[Netted]
) -> Iterator[Netted]:
    """Yield the contracts and their lines with amounts in base currency.

    Raises:
        BadConfiguration: an amount is in another currency, and no rates are configured.
        BadInput: there is no rate for a day.
    """
    day = BaseOfDay(context, connection, wanted, BaseCurrencies(context))
    for some in batched(contracts, AT_ONCE):
        converted = day.of([line for contract, _lines in some for line in contract.lines])
        for contract, its_lines in some:
            lines = [next(converted) for _line in contract.lines]
            yield contract._replace(lines=lines, base=base_balance(contract, lines)), its_lines


def base_balance(contract: ContractBalance, lines: Sequence[LineBalance]) -> BaseBalance | None:
    """Return the balance of a contract in base currency: a liability or an asset as in its own currency."""
    net = refund = costs = returned = payable = 0
    for line in lines:
        assert line.base is not None
        amount = line.base.balance
        if line.is_payable:
            payable += amount
        elif line.is_cost:
            costs -= amount
            returned -= line.base.refund
        else:
            net += amount - line.base.refund
            refund += line.base.refund
    if not lines or lines[0].base is None:
        return None
    sides = (0, -net) if contract.asset else (net, 0)
    return BaseBalance(lines[0].base.currency, *sides, refund, costs - returned, returned, payable)


def about_rates(context: "Context") -> list[str]:
    """Return in a sentence where the rates come from; nothing if none are configured, and so none were needed."""
    path = source_of_rates(context)
    return [] if path is None else [f"amounts in base currency are at the rates of {path}"]


def source_of_rates(context: "Context") -> str | None:
    """Return the file of the rates; None if none is configured."""
    path = context.settings.gateway.rates
    return None if path is None else str(path)
