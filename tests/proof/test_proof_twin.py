"""The simulator's seeds on the real store, with all its triggers, and on its twin: the same story, word for word."""

from collections.abc import Iterator

import pytest
from simulator import Simulator, prepared_books

pytestmark = pytest.mark.slow

SEEDS = 27
"""Three of each world; ``python tests/proof/simulator.py --store sqlite`` plays more on the real store."""


def test_the_real_store_and_its_twin_tell_the_same_stories() -> None:
    shown = {store: [*_stories(store)] for store in ("twin", "sqlite")}
    for seed, (one, other) in enumerate(zip(shown["twin"], shown["sqlite"], strict=True)):
        assert one == other, f"seed {seed}"


def _stories(store: str) -> Iterator[list[str]]:
    with prepared_books(store) as (books, image):
        for seed in range(SEEDS):
            simulator = Simulator(books, image, seed)
            simulator.play()
            yield simulator.log
