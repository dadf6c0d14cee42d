"""Rule books and contracts for the tests of the core, from short texts."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.money import to_minor
from revrec.core.rules import RuleBook, parse_all
from revrec.core.rules.contracts import AllocatedContract, ContractMember, allocate_contract
from revrec.core.rules.model import Rule
from revrec.core.schedule import Schedule, Unscheduled


class MakeBook(Protocol):
    """The fixture ``book``: make a rule book from the text of its rules."""

    def __call__(self, text: str) -> RuleBook:
        """Return the rule book."""


class Derive(Protocol):
    """The fixture ``derive``: derive the schedule of a line by one rule, from the keys of its [rule.recognize]."""

    def __call__(self, recognize: str, line: ChargeLine, events: Sequence[FulfillmentEvent] = ()) -> Any:
        """Return a Schedule or an Unscheduled: a test knows which, and fails if it gets the other."""


class DeriveParts(Protocol):
    """The fixture ``parts``: derive a schedule as :class:`Derive` does."""

    def __call__(
        self, recognize: str, line: ChargeLine, events: Sequence[FulfillmentEvent] = ()
    ) -> list[tuple[str, int]]:
        """Return the parts as (ISO date, minor units)."""


class AllocateContract(Protocol):
    """The fixture ``contract``: :func:`contract_played`."""

    def __call__(
        self,
        allocate: str,
        prices: str,
        billed: Mapping[str, int],
        currency: str = "USD",
        recognize: Mapping[str, str] | None = None,
    ) -> Any:
        """Return an AllocatedContract or an Unscheduled; items are billed in minor units."""


ACCOUNTS = {"deferred": "2400", "accrued": "4000", "journal": "RR"}


def charge_from(charge: Mapping[str, Any]) -> ChargeLine:
    """Return a charge line from the fields of a case; amounts are decimal strings."""
    amounts = [name for name in ("amount", "recognized_before") if name in charge]
    minor: dict[str, Any] = {name: to_minor(Decimal(charge[name]), charge["currency"]) for name in amounts}
    return ChargeLine("case", "EX", "1", "C", "I", **{**charge, **minor})


def event_from(line: ChargeLine, event: Mapping[str, Any]) -> FulfillmentEvent:
    """Return an event of a line from the fields of a case; numbers are decimal strings."""
    fields: dict[str, Any] = dict(event)
    fields |= {name: Decimal(event[name]) for name in ("quantity", "percent") if name in event}
    if "amount" in event:
        fields["amount"] = to_minor(Decimal(event["amount"]), line.currency)
    return FulfillmentEvent(line.id, **fields)


def scheduled(found: Schedule | Unscheduled) -> Schedule:
    """Return what must be a schedule."""
    assert isinstance(found, Schedule), found
    return found


def unscheduled(found: object) -> Unscheduled:
    """Return what must be the reason why there is no schedule."""
    assert isinstance(found, Unscheduled), found
    return found


def allocated(found: AllocatedContract | Unscheduled) -> AllocatedContract:
    """Return what must be an allocation."""
    assert isinstance(found, AllocatedContract), found
    return found


def matched(found: Rule | Unscheduled) -> Rule:
    """Return what must be a rule."""
    assert isinstance(found, Rule), found
    return found


def book_of_contract(allocate: str, prices: str, recognize: Mapping[str, str] | None = None) -> RuleBook:
    """Return a rule book with one allocation, its price list as CSV, and a rule for each item (else one for all)."""
    rules = "".join(
        f'[[rule]]\nname = "{item}"\n[rule.when]\nitem = "{item}"\n[rule.recognize]\n{keys}\n'
        for item, keys in (recognize or {"*": 'method = "fixed_offset"'}).items()
    )
    table = '[[table]]\nname = "ssp"\nfile = "ssp.csv"\nkey = "item"\n'
    text = f'{table}\n[[allocation]]\nname = "bundles"\nprices = "ssp"\n{allocate}\n{rules}'
    files = {"rules/test.toml": text}
    return RuleBook(*parse_all(files, ACCOUNTS, lambda _wanted, _by: ("ssp.csv", prices)))


def billed_line(item: str, amount: int, currency: str = "USD", **fields: Any) -> ChargeLine:
    """Return a line of document INV-1 for an item."""
    line = ChargeLine("shop", "INV-1", item, "C", item, date(2024, 1, 1), amount, currency)
    return line._replace(**fields)


def contract_played(
    allocate: str,
    prices: str,
    billed: Mapping[str, int],
    currency: str = "USD",
    recognize: Mapping[str, str] | None = None,
) -> AllocatedContract | Unscheduled:
    """Return the allocation of one document, whose items are billed in minor units."""
    members = [ContractMember(billed_line(item, amount, currency)) for item, amount in billed.items()]
    return allocate_contract(book_of_contract(allocate, prices, recognize), members)
