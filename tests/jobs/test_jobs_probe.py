"""The probe reports exactly what the sandbox's switches say, and leaves nothing behind."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from revrec.core.errors import BadConfiguration
from revrec.intacct import requests_xml
from revrec.intacct.probing.lengths import HIGHEST, LengthRange, search_length
from revrec.intacct.probing.requests import records, run_single
from revrec.jobs.admin.probe import SANDBOX_COMPANY, ProbeOptions, probe
from revrec.jobs.gateway import open_gateway
from revrec.sandbox.company.switches import SETTINGS, Switches, switches_like
from support.books import Books
from support.intacct import Intacct

pytestmark = pytest.mark.slow

ASKED = (
    "duplicate_errorno", "control_id_case", "control_id_length", "remember_nonunique", "remember_reads",
    "closed_period_errorno", "closed_period_text", "closed_books_date", "aborting_status", "max_title", "max_reference",
    "max_document", "max_description", "over_long", "approval",
)  # fmt: skip
EACH = [
    ("over_long", "reject"),
    ("remember_reads", False),
    *((name, setting) for name in ASKED for setting in SETTINGS[name][1:]),
]
CLOSED = date(2020, 1, 31)
EVERYTHING = ProbeOptions(post=True, closed_date=CLOSED)


@pytest.fixture
def company(intacct: Intacct) -> Intacct:
    """The sandbox with books closed through January 2020."""
    intacct.admin("/periods/close", month="2020-01")
    return intacct


def asked(books: Books, **wishes: Any) -> Any:
    return probe(books.context("doctor"), EVERYTHING._replace(**wishes))


def answers(report: Any) -> dict[str, str]:
    return {one.question: one.answer for one in report.findings}


@pytest.mark.parametrize(("name", "setting"), EACH)
def test_the_probe_reports_what_the_switch_says_and_leaves_nothing(
    name: str, setting: Any, books: Books, company: Intacct
) -> None:
    company.admin("/switch", **{name: setting})
    report = asked(books)
    expected = {one: Switches().as_dict()[one] for one in ASKED} | {name: setting}
    assert report.switches == expected
    assert report.left == () and company.entries() == []
    assert report.drafts <= 10 and report.requests <= 80


def test_settings_together_are_distinguished(books: Books, company: Intacct) -> None:
    settings = {name: SETTINGS[name][-1] for name in ASKED}
    company.admin("/switch", **settings)
    assert asked(books).switches == settings


@pytest.mark.parametrize(
    ("field", "size"), [("title", 77), ("reference", 33), ("document", 256), ("description", 3999)]
)
def test_lengths_that_are_not_usual_are_found_too(field: str, size: int, books: Books, company: Intacct) -> None:
    company.admin("/switch", **{f"max_{field}": size})
    assert asked(books).switches[f"max_{field}"] == size


def test_lengths_beyond_all_that_is_tried_are_reported_as_such(books: Books, company: Intacct) -> None:
    company.admin("/switch", **{f"max_{field}": 9999 for field in ("title", "reference", "document", "description")})
    report = asked(books)
    assert answers(report)["maximum length of BATCH_TITLE"] == f"at least {HIGHEST}"
    assert not {"max_title", "over_long"} & set(report.switches)


@pytest.mark.parametrize("limit", [0, 1, 19, 20, 21, 30, 79, 80, 81, 100, 256, 1000, 3999, 4000, 5000])
def test_the_search_finds_any_limit_and_says_how_sure_it_is(limit: int) -> None:
    tried: list[int] = []

    def accepts(size: int) -> bool:
        tried.append(size)
        return size <= limit

    found = search_length(accepts, lambda: 99)
    assert found == (LengthRange(limit, limit + 1) if limit < HIGHEST else LengthRange(HIGHEST, HIGHEST + 1))
    assert found.exact == (0 < limit < HIGHEST)
    assert len(tried) <= 16 and len(set(tried)) == len(tried)
    tried.clear()
    short = search_length(accepts, lambda: 3 - len(tried))
    assert len(tried) == 3 and short.accepted <= min(limit, HIGHEST) < short.refused


def test_without_consent_nothing_is_posted(books: Books, company: Intacct) -> None:
    made: list[str] = []
    report = probe(
        books.context("doctor"), ProbeOptions(), lambda _found: made.extend(one["state"] for one in company.entries())
    )
    assert set(made) == {"Draft"}
    assert answers(report)["STATE of an entry created as Posted"] == "not asked"
    assert "approval" not in report.switches and company.entries() == []


def test_drafts_say_what_they_are_and_move_no_balance(books: Books, company: Intacct) -> None:
    seen: list[dict[str, Any]] = []
    probe(books.context("doctor"), EVERYTHING, lambda _found: seen.extend(company.entries()))
    titles = {one["title"].removeprefix("Reversed - ") for one in seen if not one["title"].endswith("x")}
    assert titles == {"revrec probe: delete me"}
    assert all({line["account"] for line in one["lines"]} == {"2400"} for one in seen)
    assert all(sum(line["type"] for line in one["lines"]) == 0 for one in seen)


def test_the_closed_day_is_that_which_intacct_reports_unless_one_is_named(books: Books, company: Intacct) -> None:
    assert "(01/31/2020)" in next(one.evidence for one in asked(books, closed_date=None).findings if one.number == "3")
    company.admin("/switch", closed_books_date="refuse")
    report = asked(books, closed_date=None)
    assert answers(report)["an entry in closed books"] == "not asked"
    assert "closed_period_errorno" not in report.switches


def test_a_company_that_wants_a_location_is_asked_with_one(books: Books, company: Intacct) -> None:
    company.admin("/switch", location_required=True)
    without = asked(books)
    assert "no draft could be created" in without.findings[0].evidence
    assert "Location" in without.findings[0].evidence and without.switches.keys() == {"closed_books_date"}
    assert asked(books, location="100").switches.keys() == set(ASKED)


def test_what_cannot_be_deleted_is_named(books: Books, company: Intacct) -> None:
    company.admin("/switch", denied="delete:GLBATCH")
    report = asked(books)
    there = {str(one["record_no"]) for one in company.entries()}
    assert there and {one.record_no for one in report.left} == there
    assert all("permission" in one.reason for one in report.left)
    company.admin("/switch", denied="delete:GLBATCH,read:GLBATCH")
    unread = asked(books)
    assert {one.record_no for one in unread.left} == {str(one["record_no"]) for one in company.entries()} - there


def test_a_user_who_may_not_create_learns_that_and_nothing_is_left(books: Books, company: Intacct) -> None:
    company.admin("/switch", denied="create:GLBATCH")
    report = asked(books)
    assert "You do not have permission" in report.findings[0].evidence
    assert report.left == () and company.entries() == []


@pytest.mark.parametrize("fault", ["drop@after", "garbled@after", "503@before", "slow=8@after"])
def test_a_draft_whose_answer_is_lost_is_deleted_all_the_same(books: Books, company: Intacct, fault: str) -> None:
    company.fault(f"{fault}:1x:create")
    report = probe(books.context("doctor", REVREC_POSTING_TIMEOUT="1 s"), EVERYTHING)
    assert report.left == () and company.entries() == []


def test_a_gateway_that_goes_away_in_the_middle_ends_with_a_clean_company(books: Books, company: Intacct) -> None:
    def interrupt(_found: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        probe(books.context("doctor"), EVERYTHING, interrupt)
    assert company.entries() == []


def test_the_report_makes_another_sandbox_behave_alike(books: Books, company: Intacct, tmp_path: Path) -> None:
    company.admin("/switch", control_id_case="ignored", max_title=255, over_long="cut", approval=True)
    report = tmp_path / "probe.json"
    found = asked(books)
    report.write_text(json.dumps(found.plain()))
    assert switches_like(report) == found.switches
    settings = Switches()
    for name, value in switches_like(report).items():
        settings.set(name, value)
    assert settings == replace(Switches(), control_id_case="ignored", max_title=255, over_long="cut", approval=True)


@pytest.mark.parametrize("name", ["ACME-sandbox", "ACME-imp", "ACME-DEV", "acme-Sandbox2", "REVREC-sandbox"])
def test_the_ids_of_sandbox_companies_are_known(name: str) -> None:
    assert SANDBOX_COMPANY.search(name)


@pytest.mark.parametrize("name", ["ACME", "sandbox", "ACME-sandbox-EU", "ACME-devel", "ACME-IMPORT"])
def test_another_company_is_refused_unless_the_user_says_what_it_is(name: str, books: Books, company: Intacct) -> None:
    context = books.context("doctor", INTACCT_COMPANY_ID=name)
    with pytest.raises(BadConfiguration, match="does not look like a sandbox company"):
        probe(context, EVERYTHING)
    assert company.view("/state")["usage"] is not None
    with pytest.raises(BadConfiguration, match="refused the sign-in"):
        probe(context, EVERYTHING._replace(company_is_a_sandbox=True))
    company.admin("/users/unlock")


def test_the_date_of_drafts_is_today(books: Books, company: Intacct) -> None:
    days: set[str] = set()
    context = books.context("doctor", later=timedelta(days=40))
    probe(context, EVERYTHING, lambda _found: days.update(one["date"] for one in company.entries()))
    today = context.now().date()
    assert days == {today.isoformat(), (today + timedelta(days=1)).isoformat()}, "the reversal is a day later"


def orders(books: Books) -> list[str]:
    """Return the states of the orders in Intacct."""
    query = requests_xml.query("1", "SODOCUMENT", ("RECORDNO", "STATE"), (("RECORDNO", "greaterthan", "0"),), 0, 9)
    with open_gateway(books.context()) as gateway:
        gateway.sign_in()
        return [row["STATE"] for row in records(run_single(gateway.run_functions, query), "SODOCUMENT")]


def test_a_draft_order_and_a_reversal_are_tried_and_deleted(books: Books, company: Intacct) -> None:
    seen: list[str] = []
    report = probe(books.context("doctor"), EVERYTHING, lambda _found: seen.extend(orders(books)))
    found = {one.number: one for one in report.findings}
    assert (
        found["9"].answer == "created with the state Draft" and "Sales Order for customer C1007" in found["9"].evidence
    )
    assert found["10"].answer == "created with the state Draft" and "REVERSEDKEY" in found["10"].evidence
    assert "Draft" in seen and orders(books) == [] and company.entries() == [] and report.left == ()


def test_an_order_that_cannot_be_deleted_is_named(books: Books, company: Intacct) -> None:
    company.admin("/switch", denied="delete:SODOCUMENT")
    report = asked(books)
    (left,) = report.left
    assert left.record_no.startswith("Sales Order-RVPROBE") and "permission" in left.reason and left.state == "Draft"
    assert len(orders(books)) == 1 and company.entries() == []


@pytest.mark.parametrize(
    ("denied", "answer", "evidence"),
    [
        ("create:SODOCUMENT", "refused", "You do not have permission"),
        ("read:ITEM", "not asked", "no active item can be read"),
    ],
)
def test_a_company_or_user_without_orders_is_only_an_answer(
    books: Books, company: Intacct, denied: str, answer: str, evidence: str
) -> None:
    company.admin("/switch", denied=denied)
    report = asked(books)
    (found,) = [one for one in report.findings if one.number == "9"]
    assert found.answer == answer and evidence in found.evidence and report.left == ()


def test_an_order_whose_answer_is_lost_is_deleted_all_the_same(books: Books, company: Intacct) -> None:
    company.fault("drop@after:1x:create_sotransaction")
    report = asked(books)
    assert report.left == () and orders(books) == [] and report.drafts > 0
