"""The real command, killed at every durable step and at random times, and both ledgers compared at the end."""

import pytest
from kill_harness import all_moments, play_all

TRIALS = 60
"""Enough for each change; ``python tests/proof/kill_harness.py --trials 2000`` plays more."""
AT_RANDOM = 26
"""Of these; the others kill at each durable step by its name, some more than once."""


@pytest.mark.slow
def test_no_kill_loses_doubles_or_strands_an_entry() -> None:
    report = play_all(1, AT_RANDOM, processes=2)
    assert report.failures == ()
    assert report.trials >= TRIALS
    assert [moment for moment in all_moments() if not report.deaths[moment]] == []
