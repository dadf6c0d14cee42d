"""Presentation entries: what ``report balance`` reclassifies is in the ledger on the day, and not on the next one."""

from datetime import date, timedelta

import pytest

from revrec.core.contract_balance import BalanceSheet
from revrec.core.errors import BadConfiguration
from revrec.core.typed_dates import DateSpan
from revrec.jobs.admin.verify import verify
from revrec.jobs.reconciling.reconcile import reconcile
from revrec.jobs.reports.close_checklist import ChecklistItem, close_checklist
from revrec.jobs.reports.contract_balances import contract_balances
from revrec.jobs.reports.line_balances import BalanceOptions
from revrec.jobs.reports.status import status
from revrec.jobs.reports.tie_out import tie_out
from revrec.jobs.reports.tie_out_drill import drill_tie_out
from revrec.jobs.running.present import present
from revrec.jobs.running.result import RunResult
from support.books import Books, MakeRow
from support.intacct import Intacct

DAY, NEXT = date(2024, 3, 31), date(2024, 4, 1)
CONTRACT_ASSETS = 'contract_assets = "1200"\n'
NONCURRENT = 'noncurrent_deferred = "2500"\nnoncurrent_assets = "1210"\n'
EARNED_FIRST = """
[[rule]]
name = "delivered"
when = { item = "POD-*" }
recognize = { method = "rev_rec_date" }
[[rule]]
name = "support"
when = { item = "MAG-*" }
recognize = { method = "monthly", periods = 36 }
"""


def configure(books: Books, text: str) -> None:
    """Name the accounts in ``[presentation]``."""
    config = books.folder / "revrec.toml"
    config.write_text(config.read_text() + f"[presentation]\n{text}")


@pytest.fixture
def delivered(books: Books, row: MakeRow) -> Books:
    """Return books with a pump that is delivered and billed in June, and support of three years that is billed."""
    books.rules(EARNED_FIRST)
    pump = row("INV-1", item="POD-1", amount="400.00", contract="PLANT", post_date="2024-06-30")
    books.take(
        {**pump, "rev_rec_date": "2024-03-15"},
        row("INV-2", item="MAG-1", amount="360.00", contract="CARE", post_date="2024-01-31"),
    )
    books.run("2024-03-31")
    return books


def post(books: Books, day: date = DAY, later: int = 0) -> RunResult:
    return present(books.context("report balance", timedelta(seconds=later)), day)[0]


def test_what_is_presented_is_what_the_report_reclassifies(delivered: Books, intacct: Intacct) -> None:
    configure(delivered, CONTRACT_ASSETS + NONCURRENT)
    before = intacct.balances(DAY)
    assert post(delivered).complete
    sheet = BalanceSheet()
    list(contract_balances(delivered.context(), BalanceOptions(DAY), sheet))
    ((_entity, _currency, _liability, later, asset, asset_later, *_rest),) = sheet.totals()
    assert (later, asset, asset_later) == (21000, 40000, 0)
    moved = {account: amount - before.get(account, 0) for account, amount in intacct.balances(DAY).items()}
    assert moved == {"1200": 400, "2400": 210 - 400, "2500": -210, "4000": 0}
    assert {account: amount for account, amount in intacct.balances(NEXT).items() if amount} == before


def test_posting_again_posts_the_difference_only(delivered: Books, intacct: Intacct, row: MakeRow) -> None:
    configure(delivered, CONTRACT_ASSETS)
    post(delivered)
    entries = len(intacct.entries())
    assert not post(delivered).adjustments and len(intacct.entries()) == entries
    late = row("INV-3", item="POD-2", amount="100.00", contract="PLANT", post_date="2024-06-30")
    delivered.take({**late, "rev_rec_date": "2024-03-20"}, name="late.csv")
    delivered.run("2024-03-31")
    assert [one["amount"] for one in post(delivered).adjustments] == ["100.00", "100.00"]
    assert intacct.balances(DAY)["1200"] == 500 and intacct.balances(NEXT)["1200"] == 0


def test_the_next_day_presents_its_own_balance(delivered: Books, intacct: Intacct) -> None:
    configure(delivered, CONTRACT_ASSETS)
    post(delivered)
    delivered.run("2024-04-30")
    post(delivered, date(2024, 4, 30))
    assert intacct.balances(date(2024, 4, 30))["1200"] == 400 and intacct.balances(date(2024, 5, 1))["1200"] == 0


def test_the_books_still_tie_out_with_intacct_and_within(delivered: Books, intacct: Intacct) -> None:
    configure(delivered, CONTRACT_ASSETS)
    signed = tie_out(delivered.context(), DAY).header
    post(delivered)
    found = reconcile(delivered.context("reconcile"), DAY)
    assert found.ties and not found.findings
    (assets,) = [one for one in found.balances if one.account == "1200"]
    assert (assets.books, assets.adjusting, assets.intacct) == (0, 40000, 40000)
    report = tie_out(delivered.context(), DAY)
    assert report.header["figures_sha256"] == signed["figures_sha256"], "a signature from before stays valid"
    moved = {row["figure"]: row["amount"] for row in report.rows if "presentation" in row["figure"]}
    assert set(moved.values()) == {"400.00"} and len(moved) == 2
    for figure in moved:
        behind = drill_tie_out(delivered.context(), DAY, f"figure={figure},column=amount")
        (line,) = behind.rows
        assert behind.ties_out and (bool(line["entry"]), line["amount"]) == (True, "400.00")


def test_a_deleted_presentation_entry_is_found(delivered: Books, intacct: Intacct) -> None:
    configure(delivered, CONTRACT_ASSETS)
    post(delivered)
    (entry,) = [
        one for one in intacct.entries() if one["lines"][0]["account"] == "1200" and one["date"] == "2024-03-31"
    ]
    intacct.admin("/entries/delete", record_no=entry["record_no"])
    (finding,) = reconcile(delivered.context("reconcile"), DAY).findings
    assert (finding.kind, finding.reference) == ("deleted", entry["reference"])


def test_nothing_is_posted_unless_configured(delivered: Books, intacct: Intacct) -> None:
    with pytest.raises(BadConfiguration, match="no account is configured; set contract_assets in"):
        post(delivered)
    assert not delivered.run("2024-03-31").adjustments


def test_a_run_posts_them_at_the_end_of_a_month_if_configured(delivered: Books, intacct: Intacct) -> None:
    configure(delivered, CONTRACT_ASSETS + 'post = "run"\n')
    assert not delivered.run("2024-04-29").adjustments
    planned = delivered.run("2024-04-30", dry_run=True).adjustments
    posted = delivered.run("2024-04-30").adjustments
    assert [one["date"] for one in posted] == ["2024-04-30", "2024-05-01"] == [one["date"] for one in planned]
    assert [one["amount"] for one in posted] == ["400.00"] * 2 == [one["amount"] for one in planned]
    assert delivered.run("2024-04-30").complete and len(intacct.entries()) == 5 + 2


def test_a_run_posts_them_only_once_all_its_entries_are_posted(delivered: Books, intacct: Intacct) -> None:
    configure(delivered, CONTRACT_ASSETS + 'post = "run"\n')
    intacct.fault("drop@after:1x:create")
    first = delivered.run("2024-04-30")
    assert not first.adjustments and not first.complete
    assert [one["amount"] for one in delivered.run("2024-04-30", later=timedelta(days=1)).adjustments] == ["400.00"] * 2


def test_a_reversal_that_cannot_be_posted_yet_is_shown(delivered: Books, intacct: Intacct) -> None:
    configure(delivered, CONTRACT_ASSETS)
    intacct.fault("refuse=BL01001970 There is no reporting period for the date 04/01/2024.@before:#2:create")
    post(delivered)
    found = status(delivered.context("status"), DAY)
    assert found.adjustments == {"posted": 1, "later": 1}
    assert [(one.kind, one.date) for one in found.attention] == [("presentation reversal", "2024-04-01")]
    assert delivered.run("2024-04-01").complete and intacct.balances(NEXT)["1200"] == 0


def test_the_checklist_of_a_close_says_if_they_are_posted(delivered: Books, intacct: Intacct) -> None:
    context = delivered.context("report close")
    march = DateSpan(date(2024, 3, 1), DAY)

    def items() -> dict[str, ChecklistItem]:
        found = close_checklist(context, march, tie_out(context, DAY), verify(context))
        return {one.item: one for one in found}

    assert "The balances are presented" not in items()
    configure(delivered, CONTRACT_ASSETS)
    context = delivered.context("report close")
    before = items()["The balances are presented"]
    assert (before.state, before.evidence) == ("open", "not posted: contract_assets 2400 USD")
    assert before.command == "revrec report balance --date 2024-03-31 --post"
    intacct.fault("refuse=BL01001970 There is no reporting period for the date 04/01/2024.@before:#2:create")
    post(delivered)
    assert items()["The balances are presented"].state == "done"
    assert items()["Every entry is posted"].state == "done", "the reversal is an entry of April"


def test_what_is_not_posted_of_the_day_is_said(delivered: Books, intacct: Intacct) -> None:
    configure(delivered, CONTRACT_ASSETS)
    assert "2024-04-30 are not posted yet" in present(delivered.context(), date(2024, 4, 30), dry_run=True)[1]
    assert not present(delivered.context(), DAY, dry_run=True)[1]


def test_accounts_can_differ_by_deferred_account(delivered: Books, intacct: Intacct) -> None:
    configure(delivered, 'contract_assets = "1210, 2400: 1200"\n')
    post(delivered)
    assert intacct.balances(DAY)["1200"] == 400


@pytest.mark.parametrize("text", ["1200 1210", "2400:", "2400: 1200, 2400: 1210"])
def test_accounts_that_cannot_be_read_are_refused(offline: Books, text: str) -> None:
    configure(offline, f'contract_assets = "{text}"\n')
    with pytest.raises(BadConfiguration, match=r"contract_assets"):
        offline.context()
