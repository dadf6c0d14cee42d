"""Contract balances: billed but not earned is a liability to the customer, earned but not billed is an asset.

A contract is presented as one asset or one liability, never both: the balances of its lines are netted, balances of
different contracts are not. What is billed and expected to be given back is a refund liability, and the goods that are
expected to come back are a return asset; deferred costs of a contract are a separate asset. None of them is netted.

Source: ASC 606-10-45-1 to 45-3 (IFRS 15.105 to 107), contract assets and liabilities; 606-10-32-10 and 55-22 to 55-29
(IFRS 15.55 and B20 to B27), refund liabilities and return assets; ASC 210-20-45-1, no netting of
several; ASC 340-40-45 (IFRS 15.91 to 95), costs. ASC 210-10-45, current and not.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from revrec.core.base_amounts import BaseAmounts, BaseBalance
from revrec.core.line_status import LineStatus
from revrec.core.money import split
from revrec.core.rules.costs import is_financing

COSTS = "costs"
"""What the lines of deferred costs are ``of``."""


class LineBalance(NamedTuple):
    """A charge line on a day. Amounts are in minor units; a cost's are negative, as on its charge line.

    ``billed`` and ``recognized`` count until that day; ``planned`` is the scheduled amount until then. ``earns`` is the
    line's total revenue, ``later`` the part of it dated more than a year after the day. ``to_bill`` is still to be
    billed within the year, ``to_bill_later`` after it.

    ``account`` is the deferred account that the amounts are on. A charge line has a second balance if its rule named
    another account before: then ``moves_to`` of the old balance is the account in force, else it is empty, and
    ``rule_version`` is the id of the rule version in force, None for a line without a schedule. ``no`` is the number of
    the charge line, ``charged`` the part of ``billed`` that is its amount, ``credited`` the part that is ``credit``
    events (below zero): the rest are other new prices.
    ``before`` is the part of ``recognized`` that another system recognized before the cutover of a migrated line.
    ``is_billed``: it counts as billed on this account, also if it was billed at zero, such as a free installation.
    ``refund`` is the part of the balance that is a refund liability; of a cost, a return asset. ``is_payable``: the
    cost is what an agent owes to the principal since the sale, before what was paid.
    ``is_ordered``: it is a contract line, which other lines bill; ``is_billing``: it bills one. ``status`` and
    ``base``, its amounts in base currency, are None unless they are asked for.
    """

    contract: str
    charge: str
    document: str
    customer: str
    item: str
    entity: str
    currency: str
    account: str
    is_cost: bool
    billed: int
    recognized: int
    planned: int
    earns: int
    later: int
    to_bill: int
    to_bill_later: int
    moves_to: str = ""
    rule_version: int | None = None
    no: int = 0
    charged: int = 0
    credited: int = 0
    is_billed: bool = False
    before: int = 0
    is_migrated: bool = False
    refund: int = 0
    is_payable: bool = False
    is_ordered: bool = False
    is_billing: bool = False
    status: LineStatus | None = None
    base: BaseAmounts | None = None

    @property
    def of(self) -> str:
        """Return what the line is: ``revenue``, the ``interest`` in it, ``costs``, or the ``payable`` of an agent."""
        if self.is_interest:
            return "interest"
        return "payable" if self.is_payable else COSTS if self.is_cost else "revenue"

    @property
    def refund_liability(self) -> int:
        """Return the part of the balance that is expected to be given back to the customer."""
        return 0 if self.is_cost else self.refund

    @property
    def return_asset(self) -> int:
        """Return the cost of delivered goods that are expected to come back; above zero for an asset."""
        return -self.refund if self.is_cost else 0

    @property
    def is_interest(self) -> bool:
        """Check whether it is the interest of a financed line: part of the balance, and never billed or revenue."""
        return is_financing(self.charge)

    @property
    def balance(self) -> int:
        """Return the balance on the deferred account, credits positive; negative if unbilled, or a deferred cost."""
        return self.billed - self.recognized

    @property
    def credit(self) -> int:
        """Return the balance if it is a credit, else 0."""
        return max(self.balance, 0)

    @property
    def debit(self) -> int:
        """Return the balance as an amount above zero if it is a debit, else 0."""
        return max(-self.balance, 0)

    @property
    def open(self) -> bool:
        """Check whether there is a balance. What is owed to principals is paid elsewhere."""
        return self.billed != self.recognized and not self.is_payable

    @property
    def happened(self) -> bool:
        """Check whether anything was billed, recognized or planned."""
        return bool(self.billed or self.recognized or self.planned)


class LineSums(NamedTuple):
    """The sums of charge lines of one contract on one account, in minor units: costs apart from what was sold.

    None of them is interest, owed to a principal, or expected to be given back. ``happened`` counts the lines of which
    anything was billed, recognized or planned. ``credit`` and ``debit`` are the sums of the balances on either side.
    ``first_customer`` and ``last_customer`` are the first and the last one in order. The other amounts are as in
    :class:`LineBalance`.
    """

    contract: str
    entity: str
    currency: str
    account: str
    is_cost: bool
    first_customer: str
    last_customer: str
    happened: int
    credit: int
    debit: int
    billed: int
    recognized: int
    planned: int
    earns: int
    later: int
    to_bill: int
    to_bill_later: int
    is_interest: bool = False
    is_payable: bool = False
    refund: int = 0
    return_asset: int = 0
    moves_to: str = ""
    rule_version: int | None = None

    @property
    def of(self) -> str:
        """Return what the lines are: ``revenue`` or ``costs``."""
        return COSTS if self.is_cost else "revenue"

    @property
    def balance(self) -> int:
        """Return the balance on the deferred account, credits positive."""
        return self.credit - self.debit

    @property
    def open(self) -> bool:
        """Check whether any of the lines has a balance."""
        return self.credit != 0 or self.debit != 0


class ContractBalance(NamedTuple):
    """A contract on a day: its ``liability`` or ``asset``, and its deferred ``costs``, in minor units.

    ``noncurrent`` is the part of the liability or asset that is not due within a year of the day. ``billed``,
    ``recognized`` and ``planned`` exclude costs and interest; the liability or asset includes interest.
    ``refund_liability``, ``return_asset`` and ``payable`` (owed to principals) are not part of the other amounts.
    ``open``: one of its lines has a balance; what is owed to principals is paid elsewhere, and does not count.
    ``lines`` are those with anything billed, recognized or planned; empty if only their sums were read.
    ``noncurrent_lines`` are the parts of ``noncurrent``, also of lines of which nothing has happened yet. ``status``
    and ``base``, its balance in base currency, are None unless they are asked for.
    """

    contract: str
    entity: str
    currency: str
    customer: str
    billed: int
    recognized: int
    planned: int
    liability: int
    asset: int
    noncurrent: int
    refund_liability: int
    costs: int
    return_asset: int
    payable: int
    open: bool
    lines: Sequence[LineBalance] = ()
    status: LineStatus | None = None
    base: BaseBalance | None = None
    noncurrent_lines: Sequence[tuple[LineBalance, int]] = ()


def balance_of(lines: Sequence[LineBalance]) -> ContractBalance:
    """Return the one asset or liability of a contract; its ``lines`` share one entity and one currency."""
    first = lines[0]
    customer = first.customer if len({line.customer for line in lines}) == 1 else ""
    found = _netted(lines, customer)._replace(lines=[line for line in lines if line.happened])
    return found._replace(noncurrent_lines=list(_noncurrent_by_line(found, lines))) if found.noncurrent else found


def balance_of_sums(sums: Sequence[LineSums]) -> ContractBalance:
    """Return the one asset or liability of a contract from the sums of its lines."""
    first = sums[0].first_customer
    is_one = all(one.first_customer == one.last_customer == first for one in sums)
    return _netted(sums, first if is_one else "")


def _netted(lines: Sequence[LineBalance | LineSums], customer: str) -> ContractBalance:
    """Return the asset or liability of a contract without its lines. One loop, since it runs for each contract."""
    net = soon = later = to_bill = to_bill_later = 0
    billed = recognized = planned = 0
    refund = costs = returned = payable = 0
    is_open = False
    for line in lines:
        is_open = is_open or line.open
        if line.is_payable:
            payable += line.balance
        elif line.is_cost:
            costs -= line.balance
        if line.is_cost:
            returned += line.return_asset
            continue
        net += line.balance
        refund += line.refund
        soon += line.earns - line.recognized - line.later
        later += line.later
        to_bill += line.to_bill
        to_bill_later += line.to_bill_later
        if not line.is_interest:
            billed += line.billed
            recognized += line.recognized
            planned += line.planned
    net -= refund
    beyond = _beyond(net, soon - refund, later) if net >= 0 else _beyond(-net, to_bill, to_bill_later)
    first = lines[0]
    return ContractBalance(
        first.contract,
        first.entity,
        first.currency,
        customer,
        billed,
        recognized,
        planned,
        max(net, 0),
        max(-net, 0),
        beyond,
        refund,
        costs - returned,
        returned,
        payable,
        is_open,
    )


def _beyond(balance: int, soon: int, later: int) -> int:
    """Return the part of a balance that settles after more than a year: earlier amounts reduce it first."""
    return max(min(balance - max(soon, 0), later), 0) if later else 0


class AccountTotals(NamedTuple):
    """The total of a deferred account, credits positive, and the part of it that is presented elsewhere.

    ``credit`` and ``debit`` are the sums of the lines with a balance on that side; ``balance`` is credit minus debit.
    ``refund`` is the part that is presented as refund liability; for ``costs`` as return asset, which is negative.
    ``reclassify`` is to be credited to the account and debited to contract assets; ``presented`` is what remains: the
    contract liability, the payable, or for ``costs`` the asset, which is negative.
    """

    entity: str
    currency: str
    account: str
    of: str
    billed: int
    recognized: int
    credit: int
    debit: int
    balance: int
    refund: int
    reclassify: int
    presented: int


class PresentedAccount(NamedTuple):
    """The parts of a deferred account that are presented elsewhere, in minor units.

    ``asset`` is to be credited to the account and debited to contract assets; ``asset_later`` is the noncurrent part of
    it. ``liability_later`` is the noncurrent part of the contract liability. ``refund`` is to be debited to the account
    and credited to refund liabilities; ``return_asset`` is to be credited to it, the account of a deferred cost.
    """

    entity: str
    currency: str
    account: str
    asset: int
    asset_later: int
    liability_later: int
    refund: int = 0
    return_asset: int = 0


class AccountMove(NamedTuple):
    """An open balance on an account that its rule no longer names, credits positive, and how many charge lines it is.

    It belongs on the account ``to``, where the rest is recognized from: an entry must move it there. ``rule_version``
    is the id of the rule version that names ``to``; None if the lines have no schedule. ``reason`` names the rule.
    """

    entity: str
    currency: str
    account: str
    to: str
    rule_version: int | None
    lines: int
    balance: int
    reason: str = ""


class BalanceTotal(NamedTuple):
    """The balance sheet amounts of one entity in one currency, in minor units."""

    entity: str
    currency: str
    liability: int
    liability_noncurrent: int
    asset: int
    asset_noncurrent: int
    refund_liability: int
    costs: int
    return_asset: int
    payable: int


class BalanceSheet:
    """A sum of contracts, each added once, by account and in total.

    ``unlisted`` counts the open contracts that a report adds up and does not list.
    """

    def __init__(self) -> None:
        self._accounts: defaultdict[tuple[str, str, str, str], Counter[str]] = defaultdict(Counter)
        self._totals: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._presented: defaultdict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
        self._moves: defaultdict[tuple[str, str, str, str, int | None], Counter[str]] = defaultdict(Counter)
        self._base: dict[tuple[str, str], BaseBalance] = {}
        self._base_accounts: Counter[tuple[str, str, str, str]] = Counter()
        self.unlisted = 0

    def add(self, contract: ContractBalance, lines: Sequence[LineBalance | LineSums]) -> None:
        """Add one contract: the balances of its lines, or their sums."""
        total = self._totals[contract.entity, contract.currency]
        side = "asset" if contract.asset else "liability"
        total[side] += contract.asset or contract.liability
        # Most contracts have none of these, and this runs for each contract.
        if contract.refund_liability or contract.costs or contract.return_asset or contract.payable:
            for name in ("refund_liability", "costs", "return_asset", "payable"):
                total[name] += getattr(contract, name)
        if contract.noncurrent:
            total[f"{side}_noncurrent"] += contract.noncurrent
            for name, part in _noncurrent_by_account(contract, lines):
                self._presented[contract.entity, contract.currency, name][f"{side}_later"] += part
        if contract.base is not None:
            self._add_base(contract, contract.base)
        for line in lines:
            if not line.happened:
                continue
            account = self._accounts[line.entity, line.currency, line.account, line.of]
            account["billed"] += line.billed
            account["recognized"] += line.recognized
            account["credit"] += line.credit
            account["debit"] += line.debit
            if line.refund:
                account["refund"] += line.refund
            if contract.asset and not line.is_cost:
                account["reclassify"] -= line.balance - line.refund
            if line.moves_to and line.balance:
                where = (line.entity, line.currency, line.account, line.moves_to, line.rule_version)
                self._moves[where].update(lines=1, balance=line.balance)

    def _add_base(self, contract: ContractBalance, base: BaseBalance) -> None:
        key = contract.entity, contract.currency
        self._base[key] = self._base[key].plus(base) if key in self._base else base
        for line in contract.lines:
            if line.base is not None:
                self._base_accounts[(*key, line.account, line.of)] += line.base.balance

    def base_total(self, entity: str, currency: str) -> BaseBalance | None:
        """Return the amounts of an entity and currency in base currency; None unless they are asked for."""
        return self._base.get((entity, currency))

    def base_of_account(self, one: AccountTotals) -> int:
        """Return the balance of an account in base currency, if it is asked for."""
        return self._base_accounts[one.entity, one.currency, one.account, one.of]

    def accounts(self) -> Iterator[AccountTotals]:
        """Yield each account by entity, currency and account; an account that also has costs appears twice."""
        for key, sums in sorted(self._accounts.items()):
            balance = sums["credit"] - sums["debit"]
            gross = (sums["billed"], sums["recognized"], sums["credit"], sums["debit"], balance)
            presented = balance - sums["refund"] + sums["reclassify"]
            yield AccountTotals(*key, *gross, sums["refund"], sums["reclassify"], presented)

    def presented(self) -> Iterator[PresentedAccount]:
        """Yield what is presented elsewhere of each account, by entity, currency and account."""
        found = {key: Counter(parts) for key, parts in self._presented.items()}
        for (entity, currency, account, of), sums in self._accounts.items():
            parts = found.setdefault((entity, currency, account), Counter())
            parts["asset"] += sums["reclassify"]
            parts["refund"] += 0 if of == COSTS else sums["refund"]
            parts["return_asset"] -= sums["refund"] if of == COSTS else 0
        for key, parts in sorted(found.items()):
            if any(parts.values()):
                yield PresentedAccount(*key, *(parts[name] for name in PresentedAccount._fields[3:]))

    def totals(self) -> Iterator[BalanceTotal]:
        """Yield each entity and currency, in order."""
        for key, sums in sorted(self._totals.items()):
            yield BalanceTotal(*key, *(sums[name] for name in BalanceTotal._fields[2:]))

    def moves(self) -> Iterator[AccountMove]:
        """Yield the balances on accounts that the rules no longer name, by entity, currency and account."""
        for key, sums in sorted(self._moves.items(), key=lambda one: (*one[0][:4], one[0][4] or 0)):
            yield AccountMove(*key, sums["lines"], sums["balance"])


def _noncurrent_by_line(contract: ContractBalance, lines: Sequence[LineBalance]) -> Iterator[tuple[LineBalance, int]]:
    """Yield the lines with their noncurrent part of a contract's liability or asset, in minor units.

    The lines of an account divide the part with which the account is presented.
    """
    for account, part in _noncurrent_by_account(contract, lines):
        if part:
            own = [line for line in lines if not line.is_cost and line.account == account]
            yield from zip(own, split(part, _weights(contract, [[line] for line in own])), strict=True)


def _noncurrent_by_account(
    contract: ContractBalance, lines: Sequence[LineBalance | LineSums]
) -> Iterator[tuple[str, int]]:
    """Yield the noncurrent part of a contract's liability or asset by deferred account, in minor units."""
    own: defaultdict[str, list[LineBalance | LineSums]] = defaultdict(list)
    for line in lines:
        if not line.is_cost:
            own[line.account].append(line)
    accounts = sorted(own)
    if len(accounts) > 1:
        yield from zip(
            accounts, split(contract.noncurrent, _weights(contract, [own[one] for one in accounts])), strict=True
        )
    else:
        yield accounts[0], contract.noncurrent


def _weights(contract: ContractBalance, parts: Sequence[Sequence[LineBalance | LineSums]]) -> list[int]:
    """Return the weights by which parts of a contract share what is noncurrent: what each bills after a year if the
    contract is an asset, and otherwise what each earns then.

    No part has more of a liability than its own balance, unless none has a balance and earns: a line that is not billed
    yet would otherwise take from the others, and a contract line has its balance on the lines that bill it.
    """
    if contract.asset:
        return [sum(max(line.to_bill_later, 0) for line in lines) for lines in parts]
    later = [max(sum(line.later for line in lines), 0) for lines in parts]
    own = [min(one, sum(line.credit for line in lines)) for one, lines in zip(later, parts, strict=True)]
    return own if any(own) else later
