"""The posting protocol against a simulated world, and what the same world finds when the protocol is spoilt."""

from collections.abc import Iterator
from typing import Any

import pytest
from directed import SCHEDULES, Schedule, broken_promise
from memory_books import SimulatedBooks
from mutants import MUTANTS, caught_within
from simulator import first_violation, prepared_books

pytestmark = pytest.mark.slow

SEEDS = 2000
"""Enough for CI; ``python tests/proof/simulator.py --seeds 50000`` plays more."""


@pytest.fixture(scope="module")
def twin() -> Iterator[tuple[SimulatedBooks, Any]]:
    """Books on the twin of the store, and their image."""
    with prepared_books() as prepared:
        yield prepared


def test_no_seed_loses_doubles_or_strands_an_entry(twin: tuple[SimulatedBooks, Any]) -> None:
    assert first_violation(range(SEEDS), *twin) is None


@pytest.mark.parametrize("schedule", SCHEDULES.values())
def test_no_schedule_loses_doubles_or_strands_an_entry(schedule: Schedule, twin: tuple[SimulatedBooks, Any]) -> None:
    assert broken_promise(schedule, *twin) is None


@pytest.mark.parametrize("what", MUTANTS)
def test_a_spoilt_protocol_is_found_out(what: str, twin: tuple[SimulatedBooks, Any]) -> None:
    assert caught_within(SEEDS, what, *twin) is not None
