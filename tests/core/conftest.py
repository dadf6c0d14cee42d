"""Shared by the tests of the core: charge lines and rule books with one rule, written shortly."""

from collections.abc import Callable
from datetime import date

import pytest

from revrec.core.charge_line import ChargeLine
from revrec.core.rules import RuleBook, parse_rules
from revrec.core.rules.contracts import AllocatedContract
from revrec.core.schedule import Schedule, Unscheduled
from support.rules import ACCOUNTS, contract_played


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
