"""Rule books and contracts for the tests of the core, from short texts."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from revrec.core.charge_line import ChargeLine
from revrec.core.rules import RuleBook, parse_all
from revrec.core.rules.contracts import AllocatedContract, ContractMember, allocate_contract
from revrec.core.schedule import Unscheduled

ACCOUNTS = {"deferred": "2400", "accrued": "4000", "journal": "RR"}


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
