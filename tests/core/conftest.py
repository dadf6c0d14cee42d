"""Shared by the tests of the core: charge lines and rule books with one rule, written shortly."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.rules import RuleBook, parse_rules
from revrec.core.schedule import Schedule
from support.rules import ACCOUNTS, AllocateContract, Derive, DeriveParts, MakeBook, contract_played


@pytest.fixture
def line() -> ChargeLine:
    """Return a magazine of 24.00 USD, posted on 2024-03-28."""
    return ChargeLine("shop", "INV-1042", "1", "C100", "MAG-1", date(2024, 3, 28), 2400, "USD")


@pytest.fixture
def book() -> MakeBook:
    """Return a rule book from the text of its rules."""
    return lambda text: RuleBook(parse_rules(text, "rules/test.toml", ACCOUNTS))


@pytest.fixture
def derive(book: MakeBook) -> Derive:
    """Return the schedule of a line by one rule, from the keys of its [rule.recognize]."""

    def derived(recognize: str, line: ChargeLine, events: Sequence[FulfillmentEvent] = ()) -> Any:
        return book(f'[[rule]]\nname = "only"\n[rule.recognize]\n{recognize}\n').derive(line, events)

    return derived


@pytest.fixture
def parts(derive: Derive) -> DeriveParts:
    """Return the parts of a schedule as (ISO date, minor units)."""

    def of(recognize: str, line: ChargeLine, events: Sequence[FulfillmentEvent] = ()) -> list[tuple[str, int]]:
        found = derive(recognize, line, events)
        assert isinstance(found, Schedule), found
        return [(part.date.isoformat(), part.amount) for part in found.parts]

    return of


@pytest.fixture
def contract() -> AllocateContract:
    """Return the allocation of a contract: its allocation's keys, price list, and billed amounts."""
    return contract_played
