"""Credit memos: what was credited after the invoice is in Intacct exactly once, posted or entered by hand."""

from datetime import date, timedelta
from typing import Any

import pytest

from revrec.core.errors import BadInput
from revrec.jobs.admin.database import backup, restore
from revrec.jobs.admin.verify import verify
from revrec.jobs.gateway import open_gateway
from revrec.jobs.importing.withdrawals import withdraw_event
from revrec.jobs.invoicing.dropping import drop
from revrec.jobs.posting import resolve
from revrec.jobs.reports.contract_balances import deferred_balances
from revrec.jobs.reports.health import health
from support.billing import DAY, FREIGHT, ORDER, PLAIN, Billing
from support.books import Books, MakeRow
from support.intacct import Intacct

LATER = timedelta(minutes=1)
INVOICE, SECOND = "shop/INV-1/1", "shop/INV-1/2"
STEP = {ORDER: "create_sotransaction", PLAIN: "create_aradjustment"}
KEYS = {ORDER: "Sales Credit Memo-INV-1-CR240112", PLAIN: "4711"}
slow = pytest.mark.slow


class Crediting(Billing):
    """Books with an invoice of 4,920.00 in two lines that wait for delivery."""

    def begin(self, how: str = "post") -> None:
        """Invoice the document; credit memos are posted or entered by hand."""
        self.configure(self.how, credit_memos=how)
        self.books.rules(FREIGHT)
        line = {"item": "FRT-OCEAN"}
        self.books.take(
            self.row(amount="4000.00", description="Freight", **line), self.row(line="2", amount="920.00", **line)
        )
        assert self.run().complete

    def credit(self, amount: int, day: str = "2024-01-12", of: str = INVOICE, name: str = "") -> None:
        """Record a credit."""
        self.books.event(of, "credit", day, name=name, amount=amount)

    def memos(self, *columns: str) -> list[tuple[Any, ...]]:
        """Return columns of the credit memos, oldest first."""
        shown = ", ".join(columns or ("number", "date", "amount", "state"))
        kinds = "('sales_credit', 'ar_credit')"
        return [tuple(row) for row in self.books.sql(f"SELECT {shown} FROM invoice WHERE kind IN {kinds} ORDER BY id")]

    def posted(self, *numbers: str) -> list[Any]:
        """Return the credit memos that Intacct has under these numbers."""
        with open_gateway(self.books.context()) as gateway:
            gateway.sign_in()
            if self.how == PLAIN:
                return gateway.find_adjustments(numbers)
            return gateway.find_invoices("Sales Credit Memo", numbers)

    def ledger(self) -> int:
        """Return the balance of the deferred account in Intacct, credits positive, in minor units."""
        lines = [line for entry in self.intacct.entries() for line in entry["lines"] if line["account"] == "2400"]
        return sum(round(float(one["amount"]) * 100) * -one["type"] for one in lines)

    def report(self) -> int:
        """Return the deferred balance of the books."""
        context = self.books.context("report balance")
        with context.database.read() as connection:
            return sum(deferred_balances(context, connection, date.fromisoformat(DAY)).values())

    def is_green(self) -> bool:
        """Check if `revrec status --check` has nothing to report but lines that wait for delivery."""
        return not [one for one in health(self.books.context("status")).problems if "wait" not in one]


@pytest.fixture
def crediting(books: Books, intacct: Intacct, row: MakeRow, request: pytest.FixtureRequest) -> Crediting:
    """Books that post credit memos, in the way that the test asks for."""
    made = Crediting(books, intacct, row, getattr(request, "param", ORDER))
    made.begin()
    return made


@pytest.fixture
def demanding(books: Books, intacct: Intacct, row: MakeRow, request: pytest.FixtureRequest) -> Crediting:
    """Books whose credit memos a person enters."""
    made = Crediting(books, intacct, row, getattr(request, "param", ORDER))
    made.begin("by_hand")
    return made


both = pytest.mark.parametrize("crediting", [ORDER, pytest.param(PLAIN, marks=slow)], indirect=True)


@pytest.mark.parametrize(
    ("kind", "crediting"),
    [
        ("sqlite", ORDER),
        ("sqlite", PLAIN),
        pytest.param("postgresql", ORDER, marks=slow),
    ],
    indirect=True,
)
def test_a_credit_on_an_invoiced_line_is_posted_once_so_that_report_and_ledger_agree(crediting: Crediting) -> None:
    assert (crediting.report(), crediting.ledger()) == (492_000, 492_000)
    crediting.credit(150)
    crediting.credit(50, of=SECOND)
    result = crediting.run()
    assert result.complete and [one["number"] for one in result.invoices] == ["INV-1-CR240112"]
    (found,) = crediting.posted("INV-1-CR240112")
    assert ([line.amount for line in found.lines], str(found.date)) == ([15_000, 5_000], "2024-01-12")
    assert (crediting.report(), crediting.ledger()) == (472_000, 472_000)
    again = crediting.run()
    assert again.complete and again.invoices == []
    assert verify(crediting.books.context("verify")).findings == []


@both
def test_a_lost_answer_is_settled_by_reading_the_credit_memo_back(crediting: Crediting) -> None:
    crediting.credit(200)
    crediting.intacct.fault(f"drop@after:1x:{STEP[crediting.how]}")
    assert crediting.run().invoice_counts["in_doubt"] == 1
    assert crediting.run(LATER).complete
    assert crediting.ledger() == 472_000 and len(crediting.posted("INV-1-CR240112")) == 1
    assert ("read_back", "found") in crediting.attempts()


@pytest.mark.parametrize("crediting", [pytest.param(ORDER, marks=slow), pytest.param(PLAIN, marks=slow)], indirect=True)
def test_books_that_were_put_back_from_a_copy_adopt_the_credit_memo(crediting: Crediting) -> None:
    crediting.credit(200)
    copy = crediting.books.folder / "copy.db"
    backup(crediting.books.context("db backup"), copy)
    crediting.run()
    restore(crediting.books.context("db restore"), copy)
    assert crediting.run().stopped is not None, "what they sent may still be under way"
    assert crediting.run(LATER).complete
    assert crediting.ledger() == 472_000 and crediting.memos("state") == [("POSTED",)]


def test_each_day_has_its_own_credit_memo_and_what_comes_later_another(crediting: Crediting) -> None:
    crediting.credit(10)
    crediting.credit(20, "2024-02-03")
    assert crediting.run().complete
    crediting.credit(5)
    assert crediting.run().complete
    assert crediting.memos("number", "amount", "state") == [
        ("INV-1-CR240112", 1_000, "POSTED"),
        ("INV-1-CR240203", 2_000, "POSTED"),
        ("INV-1-CR240112-2", 500, "POSTED"),
    ]
    assert crediting.report() == crediting.ledger() == 488_500


def test_a_correction_credits_the_difference(crediting: Crediting) -> None:
    crediting.credit(100, name="CRN-7")
    crediting.run()
    crediting.credit(160, "2024-02-03", name="CRN-7")
    assert crediting.run().complete
    assert crediting.memos("date", "amount") == [("2024-01-12", 10_000), ("2024-02-03", 6_000)]
    assert crediting.report() == crediting.ledger() == 476_000


@slow
def test_a_credit_before_the_invoice_is_credited_on_its_day(books: Books, intacct: Intacct, row: MakeRow) -> None:
    crediting = Crediting(books, intacct, row, ORDER)
    crediting.configure(ORDER, credit_memos="post")
    crediting.books.rules(FREIGHT)
    crediting.books.take(row(amount="100.00", item="FRT-OCEAN"))
    crediting.credit(30, "2024-01-02")
    assert crediting.run().complete
    assert crediting.memos("date", "amount") == [("2024-01-05", 3_000)] and crediting.ledger() == 7_000


def test_a_lower_price_is_credited_and_a_higher_one_is_demanded(crediting: Crediting) -> None:
    crediting.books.event(INVOICE, "price", "2024-01-12", amount=3_900)
    crediting.books.event(SECOND, "price", "2024-01-13", amount=1_000)
    result = crediting.run()
    assert crediting.memos("amount", "state") == [(10_000, "POSTED"), (-8_000, "REJECTED")]
    (wrong,) = [one for one in result.invoices if one["error"]]
    assert "its lines cost 80.00 USD more than Intacct has billed" in str(wrong["error"])


def test_a_withdrawn_credit_is_demanded_back(crediting: Crediting) -> None:
    crediting.credit(200)
    crediting.run()
    ((number,),) = crediting.books.sql("SELECT id FROM fulfillment_event")
    withdraw_event(crediting.books.context("event withdraw"), number, "never granted")
    crediting.run()
    assert crediting.memos("amount", "state")[1:] == [(-20_000, "REJECTED")]


@pytest.mark.parametrize("demanding", [ORDER, pytest.param(PLAIN, marks=slow)], indirect=True)
def test_where_revrec_posts_no_credit_memos_it_demands_them_until_they_are_settled(demanding: Crediting) -> None:
    demanding.credit(200)
    result = demanding.run()
    (wrong,) = result.invoices
    assert not result.complete and "Intacct needs a credit memo of 200.00 USD" in str(wrong["error"])
    assert f"revrec postings resolve {wrong['reference']} --as-posted KEY" in str(wrong["advice"])
    assert not demanding.is_green()
    again = demanding.run().invoices
    assert again == [wrong], "it is listed until it is settled, and not created again while nothing has changed"
    key = KEYS[demanding.how]
    assert resolve.as_posted(demanding.books.context("postings resolve"), wrong["reference"], key, "CM-9") == "POSTED"
    assert demanding.run().complete and demanding.is_green()
    assert demanding.memos("state", "record_no") == [("POSTED", key)]
    assert verify(demanding.books.context("verify")).findings == []


def test_a_demanded_credit_memo_is_posted_once_the_settings_say_so(demanding: Crediting) -> None:
    demanding.credit(200)
    demanding.run()
    demanding.configure(ORDER, credit_memos="post")
    assert demanding.run().complete
    assert demanding.memos("state") == [("REPLACED",), ("POSTED",)] and demanding.ledger() == 472_000


def test_a_demanded_credit_memo_is_gone_with_its_event(demanding: Crediting) -> None:
    demanding.credit(200)
    demanding.run()
    withdraw_event(demanding.books.context("event withdraw"), 1, "never granted")
    assert demanding.run().complete and demanding.is_green()
    assert demanding.memos("state") == [("REPLACED",)]


def test_a_credit_memo_of_a_closed_period_waits_for_a_person(crediting: Crediting) -> None:
    crediting.credit(200)
    crediting.intacct.admin("/periods/close", month="2024-01")
    assert crediting.run().invoice_counts["failed"] == 1
    (wrong,) = crediting.run().invoices
    assert "is closed" in str(wrong["error"]) and "--as-posted KEY" in str(wrong["advice"])


def test_a_demanded_credit_memo_is_not_dropped(demanding: Crediting) -> None:
    demanding.credit(200)
    (wrong,) = demanding.run().invoices
    with pytest.raises(BadInput, match="a credit memo cannot be dropped"):
        drop(demanding.books.context("postings resolve"), wrong["reference"], "not needed")


@pytest.mark.parametrize("how", ["post", "by_hand"])
def test_a_run_for_an_earlier_day_does_not_demand_back_what_was_credited_later(crediting: Crediting, how: str) -> None:
    crediting.configure(crediting.how, credit_memos=how)
    crediting.credit(150, day="2024-02-10")
    crediting.run()
    before = crediting.memos()
    assert len(before) == 1
    assert crediting.run(day="2024-01-31").complete is (how == "post")
    assert crediting.memos() == before


def test_a_credit_memo_that_was_not_sent_is_dropped_with_its_event(crediting: Crediting, intacct: Intacct) -> None:
    crediting.credit(150)
    intacct.fault("429@before:99x:create_sotransaction")
    crediting.run()
    assert crediting.memos("state") == [("READY",)]
    intacct.fault("")
    ((number,),) = crediting.books.sql("SELECT id FROM fulfillment_event")
    withdraw_event(crediting.books.context("event withdraw"), number, "recorded by mistake")
    assert crediting.run(LATER).complete
    assert crediting.memos("state") == [("REPLACED",)] and crediting.posted("INV-1-CR240112") == []
