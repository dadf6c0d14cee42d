"""Events are listed, previewed before they are recorded, and withdrawn if they were a mistake."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support import rule_texts
from support.commands import Ended, Revrec

RULES = rule_texts.DELIVERY + rule_texts.PROJECT + rule_texts.MAGAZINE + "periods = 4\n" + rule_texts.PRINT_COST
CHARGES = [
    "shop,P-1,1,C1,POD-1,2024-01-05,1000.00,USD",
    "shop,J-1,1,C1,PROJ-1,2024-01-05,500.00,USD",
    "shop,M-1,1,C1,MAG-1,2024-01-05,40.00,USD",
]
POD, PROJECT, MAGAZINE = "shop/P-1/1", "shop/J-1/1", "shop/M-1/1"


@pytest.fixture
def books_with_charges(books: Path, signed_in: None, revrec: Revrec, charges: Callable[..., Path]) -> Path:
    rule_texts.replace_rules(books, RULES)
    config = books / "revrec.toml"
    config.write_text(
        config.read_text().replace('# deferred = ""', 'deferred = "2400"').replace('# accrued = ""', 'accrued = "4000"')
    )
    assert revrec("import", charges(*CHARGES)).code == 0
    return books


pytestmark = pytest.mark.usefixtures("books_with_charges")


def add(revrec: Revrec, *words: str) -> Ended:
    return revrec("event", "add", *words)


def listed(revrec: Revrec, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = revrec("event", "list", *words, "--format", "json").json["events"]
    return found


def lines(revrec: Revrec, charge: str) -> list[tuple[str, str, str]]:
    """The lines of the newest schedule and those on entries: date, amount, status."""
    found = revrec("trace", charge, "--format", "json").json
    versions = (found[0] if isinstance(found, list) else found)["schedule"]
    every = [line for version in versions for line in version["lines"] if line["status"] != "superseded"]
    return [(line["date"], line["amount"], line["status"]) for line in every]


def sound(revrec: Revrec) -> None:
    assert revrec("verify").code == 0
    assert "nothing differs" in revrec("schedule").out


def test_a_prorated_refund_is_shown_and_recorded_after_a_confirmation(
    revrec: Revrec, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The magazine earns 10.00 with each of four issues, the second one on February 5.
    cancel = (MAGAZINE, "cancel", "2024-02-20", "--prorate")
    shown = f"{MAGAZINE}: 40.00 USD less 20.00 earned by 2024-02-20 leaves 20.00 USD; the refund is 20.00"
    refused = add(revrec, *cancel)
    assert refused.code == 2 and shown in refused.err and "nothing was recorded" in refused.err
    assert listed(revrec) == []
    dry = add(revrec, *cancel, "--dry-run", "--format", "json").json
    assert dry["prorated"] == {
        "price": "40.00", "earned": "20.00", "unearned": "20.00", "amount": "20.00", "currency": "USD",
    }  # fmt: skip
    assert dry["dry_run"] and listed(revrec) == []
    answers = iter([False, True])
    monkeypatch.setattr("revrec.cli.shared.is_terminal", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda *_question, **_options: next(answers))
    assert add(revrec, *cancel).code == 2 and listed(revrec) == []
    assert add(revrec, *cancel).code == 0
    assert [one["amount"] for one in listed(revrec, "--charge", MAGAZINE)] == ["20.00"]
    assert [line[:2] for line in lines(revrec, MAGAZINE)] == [("2024-01-05", "10.00"), ("2024-02-05", "10.00")]
    sound(revrec)


def test_an_upgrade_is_prorated_from_its_day_on(revrec: Revrec) -> None:
    ended = add(revrec, MAGAZINE, "price", "2024-02-20", "--prorate", "--amount", "60.00", "--yes")
    assert "the price becomes 50.00" in ended.out
    assert [line[1] for line in lines(revrec, MAGAZINE)] == ["10.00", "10.00", "15.00", "15.00"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((POD, "pod", "2024-02-10", "--prorate"), "is for cancel, credit, price"),
        ((MAGAZINE, "cancel", "2024-02-10", "--prorate", "--amount", "3"), "leave --amount out"),
        ((MAGAZINE, "price", "2024-02-10", "--prorate"), "needs --amount, the new price of the whole service"),
        ((MAGAZINE, "credit", "2024-12-31", "--prorate", "--yes"), "nothing is left to credit"),
        (("shop/none/1", "cancel", "2024-12-31", "--prorate", "--yes"), "no such charge"),
    ],
)
def test_what_cannot_be_prorated_is_refused(revrec: Revrec, words: tuple[str, ...], said: str) -> None:
    ended = add(revrec, *words)
    assert ended.code == (3 if "--yes" in words else 2) and said in ended.err
    assert listed(revrec) == []


def test_an_event_is_listed_with_its_origin(revrec: Revrec) -> None:
    assert add(revrec, POD, "pod", "2024-02-10", "--note", "signed").code == 0
    Path("events.csv").write_text(f"charge,kind,date,name\n{PROJECT},milestone,2024-02-01,design\n")
    assert revrec("import", "--events", "events.csv").code == 0
    second, first = listed(revrec)
    assert (first["charge"], first["kind"], first["note"], first["file"]) == (POD, "pod", "signed", None)
    assert (second["charge"], second["name"], second["file"], second["row"]) == (PROJECT, "design", "events.csv", 2)
    assert [one["id"] for one in listed(revrec, "--charge", PROJECT)] == [second["id"]]
    assert [one["id"] for one in listed(revrec, "--period", "2024-02", "--item", "POD-1")] == [first["id"]]
    assert "2 events" in revrec("event", "list").out
    assert revrec("event", "list", "--charge", "shop/NO/1").code == 3


def test_a_dry_run_shows_before_and_after_by_month_and_what_a_run_would_post(
    books_with_charges: Path, revrec: Revrec, fingerprint: Callable[[Path], object]
) -> None:
    add(revrec, POD, "pod", "2024-02-10")
    before = fingerprint(books_with_charges)
    found = add(revrec, POD, "pod", "2024-04-10", "--dry-run", "--format", "json").json
    assert found["dry_run"] and found["months"] == [
        {"period": "2024-02", "currency": "USD", "before": "1000.00", "after": "0.00", "difference": "-1000.00"},
        {"period": "2024-04", "currency": "USD", "before": "0.00", "after": "1000.00", "difference": "1000.00"},
    ]
    assert found["due"] == [{"currency": "USD", "amount": "1000.00"}]
    shown = add(revrec, POD, "pod", "2024-04-10", "--dry-run")
    assert "pod on 2024-04-10 would be recorded" in shown.out and "would post 1,000.00 USD of it" in shown.out
    assert "dry run: nothing was saved" in shown.out
    assert fingerprint(books_with_charges) == before


def test_a_dry_run_leaves_out_what_a_closed_period_blocks(books_with_charges: Path, revrec: Revrec) -> None:
    assert revrec("periods", "close", "2024-04", "--reason", "reported").code == 0
    found = add(revrec, POD, "pod", "2024-04-10", "--dry-run", "--format", "json").json
    assert found["months"][0]["after"] == "1000.00" and found["due"] == []
    assert "would post nothing of it" in add(revrec, POD, "pod", "2024-04-10", "--dry-run").out


def test_a_dry_run_of_an_event_file_shows_the_months_too(
    books_with_charges: Path, revrec: Revrec, fingerprint: Callable[[Path], object]
) -> None:
    Path("events.csv").write_text(
        f"charge,kind,date,name\n{PROJECT},milestone,2024-02-01,design\n{POD},pod,2024-03-01,\n"
    )
    before = fingerprint(books_with_charges)
    (file,) = revrec("import", "--events", "events.csv", "--dry-run", "--format", "json").json["files"]
    assert [(one["period"], one["after"]) for one in file["months"]] == [("2024-02", "200.00"), ("2024-03", "1000.00")]
    assert file["due"] == [{"currency": "USD", "amount": "1200.00"}]
    assert "would post 1,200.00 USD of it" in revrec("import", "--events", "events.csv", "--dry-run").out
    assert fingerprint(books_with_charges) == before


@pytest.mark.parametrize("posted", [False, True])
def test_a_withdrawn_event_is_as_if_it_had_never_been_recorded(revrec: Revrec, posted: bool) -> None:
    add(revrec, PROJECT, "milestone", "2024-02-01", "--name", "design")
    add(revrec, PROJECT, "milestone", "2024-03-01", "--name", "go-live")
    if posted:
        assert revrec("run", "--date", "2024-03-31").code == 0
    number = str(listed(revrec)[0]["id"])
    dry = revrec("event", "withdraw", number, "--reason", "another project", "--dry-run")
    assert dry.code == 0 and "would be withdrawn" in dry.out and listed(revrec)[0]["state"] == "recorded"
    assert revrec("event", "withdraw", number, "--reason", "another project").code == 0
    if posted:
        assert lines(revrec, PROJECT)[-1] == ("2024-03-01", "-300.00", "planned"), "it is taken back"
        assert revrec("run", "--date", "2024-03-31").code == 0
    else:
        assert lines(revrec, PROJECT) == [("2024-02-01", "200.00", "planned")]
    assert revrec("trace", PROJECT, "--format", "json").json["schedule"][-1]["waiting"] == "300.00"
    sound(revrec)
    row = listed(revrec)[0]
    assert (row["state"], row["withdrawn_for"]) == ("withdrawn", "another project")
    assert f"withdrawn event {number}: milestone" in revrec("trace", PROJECT).out
    assert add(revrec, PROJECT, "milestone", "2024-04-01", "--name", "go-live").code == 0
    assert lines(revrec, PROJECT)[-1] == ("2024-04-01", "300.00", "planned")
    sound(revrec)


@pytest.mark.parametrize("posted", [False, True])
def test_a_line_that_only_the_withdrawn_event_dated_waits_again(revrec: Revrec, posted: bool) -> None:
    add(revrec, POD, "pod", "2024-02-10")
    if posted:
        assert revrec("run", "--date", "2024-02-28").code == 0
    assert revrec("event", "withdraw", "1", "--reason", "another shipment").code == 0
    wanted = [("2024-02-10", "1000.00", "posted"), ("2024-02-10", "-1000.00", "planned")] if posted else []
    assert lines(revrec, POD) == wanted
    assert revrec("run", "--date", "2024-02-28").code in (0, 4)
    newest = revrec("trace", POD, "--format", "json").json["schedule"][-1]
    assert newest["waiting"] == "1000.00" and "proof of delivery" in newest["waits_for"]
    sound(revrec)
    add(revrec, POD, "pod", "2024-03-05")
    assert lines(revrec, POD)[-1] == ("2024-03-05", "1000.00", "planned")
    sound(revrec)


def test_the_costs_of_the_charge_line_follow_the_withdrawal(revrec: Revrec) -> None:
    add(revrec, MAGAZINE, "hold", "2024-01-10")
    (held,) = revrec("trace", f"{MAGAZINE}:cost:print", "--format", "json").json["events"]
    assert held["kind"] == "hold"
    assert revrec("event", "withdraw", str(listed(revrec, "--charge", MAGAZINE)[0]["id"]), "--reason", "paid").code == 0
    assert len(lines(revrec, f"{MAGAZINE}:cost:print")) == 4 == len(lines(revrec, MAGAZINE))
    sound(revrec)


def test_the_same_file_does_not_bring_a_withdrawn_event_back(revrec: Revrec) -> None:
    Path("events.csv").write_text(f"charge,kind,date\n{POD},pod,2024-02-10\n")
    assert revrec("import", "--events", "events.csv").code == 0
    assert revrec("event", "withdraw", "1", "--reason", "another shipment").code == 0
    (file,) = revrec("import", "--events", "events.csv", "--format", "json").json["files"]
    assert (file["accepted"], file["unchanged"]) == (0, 1) and lines(revrec, POD) == []
    assert add(revrec, POD, "pod", "2024-02-10").code == 0, "a person can record it again"
    assert lines(revrec, POD) == [("2024-02-10", "1000.00", "planned")]
    sound(revrec)


def test_what_cannot_be_withdrawn_is_refused(revrec: Revrec) -> None:
    add(revrec, POD, "pod", "2024-02-10")
    assert "no such event; see: revrec event list" in revrec("event", "withdraw", "9", "--reason", "why").err
    assert "needs a reason" in revrec("event", "withdraw", "1", "--reason", " ").err
    assert revrec("event", "withdraw", "1", "--reason", "why").code == 0
    again = revrec("event", "withdraw", "1", "--reason", "why")
    assert again.code == 3 and "is withdrawn already" in again.err


def test_an_event_of_a_stopped_contract_says_so_and_what_to_do(
    books: Path, revrec: Revrec, charges: Callable[..., Path]
) -> None:
    (books / "rules" / "prices.csv").write_text("item,price\nA-1,600\nA-2,600\n")
    rule_texts.replace_rules(
        books,
        '[[table]]\nname = "p"\nfile = "prices.csv"\nkey = "item"\n'
        '[[allocation]]\nname = "both"\ncontract_by = ["document"]\nprices = "p"\nlater = "modify"\n'
        '[[rule]]\nname = "plan"\n[rule.recognize]\nmethod = "monthly"\nperiods = 4\n',
    )
    rows = ("shop,B-1,1,C1,A-1,2024-01-05,600.00,USD", "shop,B-1,2,C1,A-2,2024-01-05,480.00,USD")
    assert revrec("import", charges(*rows)).code == 0
    assert revrec("import", charges("shop,B-1,3,C1,A-3,2024-02-05,100.00,USD")).code == 0
    why = "the contract of shop/B-1/1, shop/B-1/2 is stopped, nothing more of it is posted: "
    ended = add(revrec, "shop/B-1/2", "credit", "2024-03-01", "--amount", "10", "--dry-run")
    assert ended.code == 0 and f"warning: {why}" in ended.err and "add it, then: revrec schedule" in ended.err
    found = add(revrec, "shop/B-1/2", "credit", "2024-03-01", "--amount", "10", "--format", "json").json
    assert found["warnings"][0].startswith(why) and found["changes"] == []
    assert f"warning: {why}" in revrec("event", "withdraw", "1", "--reason", "a mistake").err
