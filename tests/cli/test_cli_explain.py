"""``explain``: where each amount of a charge line comes from."""

from pathlib import Path

from support.commands import Revrec

CREDIT = "credit CRN-9 on 2024-06-01: 24.00 became 19.00; what is left after 10.00 before it, 9.00,"


def test_each_amount_is_reported_with_its_arithmetic_and_the_paragraph_of_its_method(
    story: Path, revrec: Revrec
) -> None:
    printed = revrec("explain", "shop/INV-1001/1", "--format", "json").json
    assert printed["rule"]["name"] == "magazine-12-issues" and printed["current"] and printed["waits"] is None
    assert printed["standard"].startswith("ASC 606-10-25-31 and 55-20 (IFRS 15.39 and B18)")
    assert printed["parts"][2]["comes_from"] == "part 3 of 12: 3/12 of 24.00 is 6.00, less 4.00 before it"
    shown = revrec("explain", "shop/INV-1001/1", "-v").out
    assert "standard: ASC 606-10-25-31" in shown and "[[rule]]" in shown and "3/12 of 24.00" in shown


def test_after_a_credit_the_parts_say_what_it_left(story: Path, revrec: Revrec) -> None:
    given = ("shop/INV-1001/1", "credit", "2024-06-01", "--amount", "5.00", "--name", "CRN-9")
    assert revrec("event", "add", *given).code == 0
    printed = revrec("explain", "shop/INV-1001/1", "--format", "json").json
    assert printed["price_changes"] == "credit CRN-9 on 2024-06-01: 24.00 becomes 19.00 USD"
    assert printed["parts"][4]["comes_from"].startswith("part 5 of 12: 5/12 of 24.00")
    assert printed["parts"][5]["comes_from"].startswith(CREDIT)


def test_a_line_that_waits_says_for_what_and_by_which_paragraph(story: Path, revrec: Revrec) -> None:
    printed = revrec("explain", "shop/INV-1005/1", "--format", "json").json
    assert "waits for proof of delivery" in printed["why"] and printed["parts"] == []
    assert printed["standard"].startswith("ASC 606-10-25-30")


def test_a_schedule_that_the_rules_of_now_would_not_make_says_so(story: Path, revrec: Revrec) -> None:
    rules = story / "rules" / "subscriptions.toml"
    rules.write_text(rules.read_text().replace("periods = 12 ", "periods = 6 "))
    printed = revrec("explain", "shop/INV-1001/1", "--format", "json").json
    assert not printed["current"]
    assert printed["parts"][0]["comes_from"].startswith("schedule version 1: rule")
    assert "see: revrec schedule" in revrec("explain", "shop/INV-1001/1").out


def test_every_charge_line_of_a_document_is_reported_also_as_csv(story: Path, revrec: Revrec) -> None:
    lines = revrec("explain", "INV-1003", "--format", "csv").out.splitlines()
    assert lines[0] == "charge,date,amount,currency,status,reference,comes_from"
    assert {line.split(",")[0] for line in lines[1:]} == {"shop/INV-1003/1", "shop/INV-1003/2"}


def test_what_is_not_known_is_refused(books: Path, revrec: Revrec) -> None:
    ended = revrec("explain", "shop/NONE/1")
    assert ended.code == 3 and "no record has this name" in ended.err


def test_a_line_planned_again_after_posting_is_current_once_schedule_finds_no_difference(
    story: Path, revrec: Revrec, intacct: dict[str, str]
) -> None:
    assert revrec("run", "--date", "2024-03-31", env=intacct).code == 0
    rules = story / "rules" / "subscriptions.toml"
    rules.write_text(rules.read_text().replace('offset = "7 days"', 'offset = "9 days"'))
    assert "see: revrec schedule" in revrec("explain", "shop/INV-1001/1").out
    assert revrec("schedule", "--rebuild", "--reason", "tested").code == 0
    assert revrec("schedule", "--format", "json").json["changed"] == 0
    assert revrec("explain", "shop/INV-1001/1", "--format", "json").json["current"]
    assert "would differ" not in revrec("explain", "shop/INV-1001/1").out
