"""Runs under every setting of what is unverified about the real gateway: each entry once, whatever goes wrong."""

import random
from datetime import timedelta
from typing import Any

import pytest

from revrec.sandbox.company.switches import SETTINGS
from support.books import Books, MakeRow
from support.intacct import Intacct

UNVERIFIED = {name: settings for name, settings in SETTINGS.items() if len(settings) > 1}
MOST = max(map(len, UNVERIFIED.values()))
DAY = "2024-02-10"
PLANS = (
    "drop@after:1x:create,503@before:1x:create",
    "garbled@after:1x:create,expire_sessions@before:1x:create",
    "wrong_control_id@after:1x:create,html@before:1x:create",
    "repeat@after:1x:create,reset@before:1x:create",
    "forget_ids@after:1x:create,truncated@after:1x:create",
)


SEEDS = [pytest.param(seed, marks=pytest.mark.slow if seed < 10 else pytest.mark.long) for seed in range(60)]


def covering(turn: int) -> dict[str, Any]:
    """Settings of all switches; over as many turns as a switch has settings, each setting comes once."""
    shift = random.Random("jobs")
    return {
        name: settings[(turn + shift.randrange(len(settings))) % len(settings)] for name, settings in UNVERIFIED.items()
    }


def drawn(seed: int) -> dict[str, Any]:
    draw = random.Random(f"jobs:{seed}")
    return {name: draw.choice(settings) for name, settings in UNVERIFIED.items()}


def holds(books: Books, row: MakeRow, intacct: Intacct, settings: dict[str, Any], plan: str) -> None:
    """Six entries: three are refused at first for an account that is not active; an answer and a request are lost."""
    intacct.admin("/switch", **settings)
    place = {"location": "100", "department": "OPS", "item": "MAG-12"}
    books.take(*(row(f"INV-{n}", post_date=f"2024-01-0{n}", **place) for n in (1, 2, 3)))
    intacct.admin("/accounts", id="4000", active=False)
    assert books.run("2024-01-12").counts["failed"] == 3 and intacct.entries() == []
    intacct.admin("/accounts", id="4000", active=True)
    intacct.fault(plan)
    for minute in range(4):
        books.run(DAY, later=timedelta(minutes=minute))
    entries = intacct.entries()
    assert len({entry["reference"] for entry in entries}) == len(entries) == 6, "each entry once"
    lines = [(line["account"], line["type"], line["amount"]) for entry in entries for line in entry["lines"]]
    assert sorted(lines) == [("2400", 1, "2.00")] * 6 + [("4000", -1, "2.00")] * 6
    live = "SELECT state, count(*) FROM journal_entry WHERE state NOT IN ('REPLACED', 'CANCELED') GROUP BY state"
    assert set(dict(books.sql(live))) == {"AWAITING_APPROVAL" if settings["approval"] else "POSTED"}


@pytest.mark.slow
@pytest.mark.parametrize("turn", range(MOST))
def test_a_run_posts_each_entry_once_under_each_setting(
    turn: int, books: Books, row: MakeRow, intacct: Intacct
) -> None:
    holds(books, row, intacct, covering(turn), PLANS[turn % len(PLANS)])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_run_posts_each_entry_once_under_settings_together(
    seed: int, books: Books, row: MakeRow, intacct: Intacct
) -> None:
    holds(books, row, intacct, drawn(seed), PLANS[seed % len(PLANS)])


def test_the_turns_cover_every_setting() -> None:
    for name, settings in UNVERIFIED.items():
        assert {covering(turn)[name] for turn in range(MOST)} == set(settings)
