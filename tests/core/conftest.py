"""Shared by the tests of the core: charge lines and rule books with one rule, written shortly."""

from collections.abc import Callable, Mapping
from datetime import date

import pytest
from hypothesis import settings

from revrec.core.charge_line import ChargeLine
from revrec.core.rules import RuleBook, parse_all, parse_rules
from revrec.core.rules.contracts import AllocatedContract, ContractMember, allocate_contract
from revrec.core.schedule import Schedule, Unscheduled

# A slow machine is no failure of a property.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")

ACCOUNTS = {"deferred": "2400", "accrued": "4000", "journal": "RR"}


@pytest.fixture
def line() -> ChargeLine:
    """A magazine of 24.00 USD, posted on 2024-03-28."""
    return ChargeLine("shop", "INV-1042", "1", "C100", "MAG-1", date(2024, 3, 28), 2400, "USD")


@pytest.fixture
def book() -> Callable[[str], RuleBook]:
    """A rule book from the text of its rules."""
    return lambda text: RuleBook(parse_rules(text, "rules/test.toml", ACCOUNTS))


@pytest.fixture
def derive(book) -> Callable[..., Schedule | Unscheduled]:
    """The schedule of a line by one rule, given as the keys of its [rule.recognize]."""

    def derived(recognize: str, line: ChargeLine, events=()) -> Schedule | Unscheduled:
        return book(f'[[rule]]\nname = "only"\n[rule.recognize]\n{recognize}\n').derive(line, events)

    return derived


@pytest.fixture
def parts(derive) -> Callable[..., list[tuple[str, int]]]:
    """The parts of a schedule as (ISO date, minor units)."""

    def of(recognize: str, line: ChargeLine, events=()) -> list[tuple[str, int]]:
        found = derive(recognize, line, events)
        assert isinstance(found, Schedule), found
        return [(part.date.isoformat(), part.amount) for part in found.parts]

    return of


@pytest.fixture
def contract() -> Callable[..., AllocatedContract | Unscheduled]:
    """The allocation of a contract: the keys of its [[allocation]], its price list, and what each item was billed."""
    return contract_played


def book_of_contract(allocate: str, prices: str, recognize: Mapping[str, str] | None = None) -> RuleBook:
    """A rule book with one allocation, its price list as CSV, and a rule for each item (else one for all)."""
    rules = "".join(
        f'[[rule]]\nname = "{item}"\n[rule.when]\nitem = "{item}"\n[rule.recognize]\n{keys}\n'
        for item, keys in (recognize or {"*": 'method = "fixed_offset"'}).items()
    )
    table = '[[table]]\nname = "ssp"\nfile = "ssp.csv"\nkey = "item"\n'
    text = f'{table}\n[[allocation]]\nname = "bundles"\nprices = "ssp"\n{allocate}\n{rules}'
    files = {"rules/test.toml": text}
    return RuleBook(*parse_all(files, ACCOUNTS, lambda _wanted, _by: ("ssp.csv", prices)))


def billed_line(item: str, amount: int, currency: str = "USD", **fields: object) -> ChargeLine:
    """A line of document INV-1 for an item."""
    plain = {"source": "shop", "document": "INV-1", "line": item, "customer": "C", "item": item}
    return ChargeLine(**{**plain, "post_date": date(2024, 1, 1), "amount": amount, "currency": currency, **fields})


def contract_played(
    allocate: str,
    prices: str,
    billed: Mapping[str, int],
    currency: str = "USD",
    recognize: Mapping[str, str] | None = None,
) -> AllocatedContract | Unscheduled:
    """What an allocation makes of one document, whose items are billed in minor units."""
    members = [ContractMember(billed_line(item, amount, currency)) for item, amount in billed.items()]
    return allocate_contract(book_of_contract(allocate, prices, recognize), members)
