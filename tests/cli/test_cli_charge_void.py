"""A charge line that should never have arrived is voided: nothing of it is recognized, billed or due anymore."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.commands import Ended, Revrec
from support.rule_texts import DELIVERY, MAGAZINE, PRINT_COST, replace_rules

RULES = MAGAZINE + "periods = 4\n" + PRINT_COST + DELIVERY
ROWS = [
    "shop,M-1,1,C1,MAG-1,2024-01-05,40.00,USD",
    "shop,M-2,1,C1,MAG-1,2024-01-05,40.00,USD",
    "shop,P-1,1,C1,POD-1,2024-01-05,100.00,USD",
]
TEST_ORDER = "shop/M-1/1"


@pytest.fixture
def shop(
    books: Path, revrec: Revrec, charges: Callable[..., Path], signed_in: None, monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.setenv("REVREC_ACCOUNTS_DEFERRED", "2400")
    monkeypatch.setenv("REVREC_ACCOUNTS_ACCRUED", "4000")
    replace_rules(books, RULES)
    assert revrec("import", charges(*ROWS)).code == 0
    return books


pytestmark = pytest.mark.usefixtures("shop")


def void(revrec: Revrec, charge: str = TEST_ORDER, *words: str) -> Ended:
    return revrec("charge", "void", charge, "--reason", "a test order", *words)


def balance(revrec: Revrec, day: str = "2024-12-31") -> dict[str, str]:
    found: list[dict[str, Any]] = revrec("reconcile", "--date", day, "--format", "json").json["balances"]
    return {one["account"]: one["unrecognized"] for one in found if one["unrecognized"]}


def sound(revrec: Revrec) -> None:
    assert revrec("verify").code == 0
    assert "nothing differs" in revrec("schedule").out


def test_nothing_of_a_void_line_is_due_or_in_a_balance(revrec: Revrec) -> None:
    assert void(revrec).code == 0
    sound(revrec)
    (line,) = revrec("charge", "list", "--charge", TEST_ORDER, "--format", "json").json["charges"]
    assert (line["state"], line["planned"]) == ("void", "0.00")
    run = revrec("run", "--date", "2024-12-31", "--format", "json").json
    assert sum(float(one["amount"]) for one in run["entries"]) == 60.00, "40.00 of M-2 and 20.00 of its costs"
    assert balance(revrec)["2400"] == "100.00"
    sound(revrec)


def test_the_line_stays_in_the_trace_with_the_reason_and_its_file_does_not_bring_it_back(
    revrec: Revrec, charges: Callable[..., Path]
) -> None:
    void(revrec)
    newest = revrec("trace", TEST_ORDER, "--format", "json").json[0]["schedule"][-1]
    assert newest["explanation"] == "voided: a test order" and newest["amount"] == "0.00"
    (file,) = revrec("import", charges(*ROWS), "--format", "json").json["files"]
    assert (file["accepted"], file["unchanged"]) == (0, 3)
    assert revrec("explain", TEST_ORDER).code == 0
    sound(revrec)


def test_a_line_that_waits_is_voided_too(revrec: Revrec) -> None:
    assert void(revrec, "shop/P-1/1").code == 0
    assert revrec("event", "add", "shop/P-1/1", "pod", "2024-02-01").code == 0
    assert revrec("preview", "--format", "json").json["unscheduled"] == []
    sound(revrec)


def test_a_dry_run_shows_what_goes_and_saves_nothing(
    shop: Path, revrec: Revrec, fingerprint: Callable[[Path], object]
) -> None:
    before = fingerprint(shop)
    ended = void(revrec, TEST_ORDER, "--dry-run")
    assert ended.code == 0 and "would be voided" in ended.out and "2024-02" in ended.out
    assert fingerprint(shop) == before


def test_a_posted_line_is_reversed_first(revrec: Revrec) -> None:
    assert revrec("run", "--date", "2024-02-28").code == 0
    refused = void(revrec)
    assert refused.code == 3 and "reverse that first: revrec postings reverse RR" in refused.err
    assert revrec("postings", "reverse", "1", "--reason", "a test order").code == 0
    assert void(revrec).code == 0
    sound(revrec)
    revrec("run", "--date", "2024-12-31")
    assert balance(revrec)["2400"] == "100.00"
    sound(revrec)


def test_lines_reversed_for_good_do_not_hinder_a_void(revrec: Revrec) -> None:
    assert revrec("run", "--date", "2024-02-28").code == 0
    assert revrec("postings", "reverse", "1", "--final", "--reason", "booked by hand").code == 0
    assert void(revrec).code == 0
    sound(revrec)


@pytest.mark.parametrize(
    ("charge", "message"),
    [
        ("shop/NO/1", "no such charge"),
        (f"{TEST_ORDER}:cost:print", "is a cost; void its charge line, shop/M-1/1"),
    ],
)
def test_what_cannot_be_voided_is_refused(revrec: Revrec, charge: str, message: str) -> None:
    ended = void(revrec, charge)
    assert ended.code == 3 and message in ended.err


def test_a_line_is_voided_once(revrec: Revrec) -> None:
    void(revrec)
    again = void(revrec)
    assert again.code == 3 and "is void already" in again.err


def test_new_rules_and_costs_do_not_bring_a_void_line_back(shop: Path, revrec: Revrec) -> None:
    assert void(revrec, "shop/P-1/1").code == 0
    rules = shop / "rules" / "rules.toml"
    cost = '[[rule.cost]]\nname = "freight"\npercent = 10\ndeferred = "1300"\nexpense = "5000"\n'
    rules.write_text(RULES.replace('method = "pod_date"', 'method = "fixed_offset"') + cost)
    assert revrec("schedule", "--rebuild", "--reason", "a cost of freight").code == 0
    assert revrec("run", "--date", "2024-12-31").code == 0
    (line,) = revrec("charge", "list", "--document", "P-1", "--format", "json").json["charges"]
    assert (line["state"], line["planned"], line["posted"]) == ("void", "0.00", "0.00")
    sound(revrec)
