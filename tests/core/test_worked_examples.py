"""The worked examples of the standard that the documents show: each schedule and journal is what revrec computes."""

import runpy
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from revrec.core.money import decimal_string, to_minor
from revrec.core.rules import RuleBook, parse_all
from revrec.core.rules.case_results import play
from revrec.core.rules.cases import parse_cases
from revrec.core.worked_examples import number_of, play_example
from revrec.jobs.admin.selftest import GoldenCases, selftest
from support.rules import ACCOUNTS, AllocateContract, Derive, charge_from, event_from

DOCS = Path(__file__).parents[2] / "docs"
SAMPLES = DOCS.parent / "sample_data" / "asc606"
PAGE = DOCS / "worked-examples.md"
WRITER = runpy.run_path(str(DOCS / "write_examples.py"))
EXAMPLES = WRITER["examples"]()
GOLDEN = GoldenCases()
ASKED_FOR = (
    "5A", "5B", "6", "7", "8", "20", "21", "22", "23A", "23B", "24", "25", "26", "28A", "28B", "29", "33", "34A", "34B",
    "34C", "35A", "35B", "44", "45", "46", "46A", "47", "48", "48A", "49", "51", "52", "54", "57", "61",
)  # fmt: skip
"""The examples of ASC 606 that are covered, with their cases."""


def parameters(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "example", [one for one in EXAMPLES if kind in one], ids=lambda example: example["title"]
    )


@parameters("allocate")
def test_the_allocation_of_a_worked_example_is_computed(example: Any, contract: AllocateContract) -> None:
    currency = example["currency"]
    billed = {one["item"]: to_minor(Decimal(one["amount"]), currency) for one in example["billed"]}
    found = contract(example["allocate"], example["prices"].lstrip(), billed, currency)
    shown = []
    for item, share in zip(billed, found.shares.values(), strict=True):
        row_shown = {} if share.standalone is None else {"standalone": decimal_string(share.standalone, currency)}
        shown.append({"item": item, **row_shown, "allocated": decimal_string(share.allocated, currency)})
    assert shown == example["shares"]
    assert sum(share.difference for share in found.shares.values()) == 0


@parameters("recognize")
def test_the_schedule_of_a_worked_example_is_computed(example: Any, derive: Derive) -> None:
    line = charge_from(example["charge"])
    found = derive(example["recognize"], line, [event_from(line, one) for one in example.get("events", [])])
    shown = [{"date": part.date, "amount": decimal_string(part.amount, line.currency)} for part in found.parts]
    assert shown == example["expect"]
    waiting = sum(part.amount for part in found.waiting)
    assert decimal_string(waiting, line.currency) == example.get("waiting", "0.00")
    assert all(isinstance(part.date, date) for part in found.parts)


@pytest.mark.parametrize("id", GOLDEN.examples)
def test_the_journal_of_a_worked_example_is_computed(id: str) -> None:
    played = play_example(GOLDEN.examples[id])
    assert played.found == played.expected and played.whole


@pytest.mark.parametrize("wrong", [{"amount": "1.00"}, {"debit": "9999"}, {"date": date(2030, 1, 1)}])
def test_an_example_with_another_entry_is_found_out(wrong: dict[str, Any]) -> None:
    example = GOLDEN.examples["asc606-example-22"]
    journal = [example["journal"][0] | wrong, *example["journal"][1:]]
    assert not play_example(example | {"journal": journal}).as_published


@pytest.mark.parametrize("number", ASKED_FOR)
def test_an_example_of_the_standard_is_covered_everywhere(number: str, revrec_selftest: set[str]) -> None:
    """Input, output and journal: on the page, in ``revrec selftest``, and as a case of ``revrec rules test``."""
    (example,) = [one for one in EXAMPLES if "journal" in one and number_of(one) == number]
    page = PAGE.read_text(encoding="utf-8")
    section = page.partition(f"## {example['title']}\n")[2].partition("\n## ")[0]
    assert example["lines"] and example["journal"]
    assert "| charge line | amount |" in section and "| entry on | charge line | debit | credit | amount |" in section
    assert f"asc606-example-{number.lower()}" in revrec_selftest
    folder = SAMPLES / f"example-{number.lower()}"
    assert (folder / "rules.toml").exists() and (folder / "cases.toml").exists()


@pytest.fixture(scope="module")
def revrec_selftest() -> set[str]:
    """Return the ids of the cases that ``revrec selftest`` found as published."""
    return {one.case for one in selftest().cases if one.played.as_published}


@pytest.mark.parametrize("folder", sorted(path.name for path in SAMPLES.iterdir()))
def test_an_example_is_a_case_that_its_rules_meet(folder: str) -> None:
    """As ``revrec rules test`` plays it."""
    files = {path.name: path.read_text(encoding="utf-8") for path in (SAMPLES / folder).iterdir()}
    rules = parse_all(
        {"rules.toml": files["rules.toml"]}, ACCOUNTS, lambda wanted, _by: (wanted, files.get(wanted, ""))
    )
    (case,) = parse_cases({"cases.toml": files["cases.toml"]})
    assert case.expect["entries"]
    assert play(case, RuleBook(*rules)) == []


def test_the_files_of_the_examples_are_written_from_them() -> None:
    found = {str(path.relative_to(SAMPLES)): path for path in SAMPLES.rglob("*") if path.is_file()}
    wanted = WRITER["sample_files"](EXAMPLES)
    assert {name: path.read_text() for name, path in found.items()} == wanted, "run: python docs/write_examples.py"


def test_the_page_is_written_from_the_examples() -> None:
    assert (DOCS / "worked-examples.md").read_text() == WRITER["page"](EXAMPLES), "run: python docs/write_examples.py"
