"""The posting protocol against a simulated world, and what the same world finds when the protocol is spoilt."""

import pytest
from mutants import MUTANTS, caught_within
from simulator import first_violation, prepared_books

pytestmark = pytest.mark.slow

SEEDS = 400
"""Enough for CI; ``python tests/proof/simulator.py --seeds 50000`` plays more."""

RARE = (
    "Intacct's absence of an entry is believed before the quarantine is over",
    "an entry that a dead run was sending has no quarantine",
    "the answer is written without asking whose attempt it was",
    "an entry is claimed by its state alone, though it was sent again since Intacct was read",
    "an answer for another control id counts",
    "a lost answer leaves the entry READY",
    "a server error is taken for proof that nothing ran",
    "what a person lets be sent again is not read back first",
    "no person is asked, however often it was sent",
    "what the ledger has and the books do not know is not made anew",
    "after a restore nothing waits for what is still on its way",
)
"""Mutants that so few seeds do not find out; ``python tests/proof/mutants.py WORDS`` plays more of them."""


def test_no_seed_loses_doubles_or_strands_an_entry() -> None:
    with prepared_books() as (books, image):
        assert first_violation(range(SEEDS), books, image) is None


@pytest.mark.parametrize("what", [what for what in MUTANTS if what not in RARE])
def test_a_spoilt_protocol_is_found_out(what: str) -> None:
    with caught_within(SEEDS, what) as found:
        assert found is not None
