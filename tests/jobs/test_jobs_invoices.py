"""Invoices: each document of a source is in Intacct exactly once, whatever goes wrong on the way."""

import os
import signal
import time
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from revrec.core.errors import BadConfiguration, BadInput
from revrec.core.filters import Filters
from revrec.jobs.admin.database import backup, restore
from revrec.jobs.admin.verify import verify
from revrec.jobs.posting import resolve
from revrec.jobs.posting.periods import decide
from revrec.jobs.posting.poster import RunStopped
from revrec.jobs.posting.right_to_post import RightToPost
from revrec.jobs.reports.preview import preview
from revrec.jobs.reports.status import status
from revrec.jobs.reports.trace import trace
from revrec.jobs.scheduling.rebuild import schedule
from support.billing import DAY, FREIGHT, ORDER, PLAIN, STEPS, Billing
from support.books import Books, MakeRow
from support.intacct import Intacct
from support.patience import until
from support.rule_texts import BUNDLES

LATER, MUCH_LATER = timedelta(minutes=1), timedelta(minutes=2)


@pytest.fixture
def billing(books: Books, intacct: Intacct, row: MakeRow, request: pytest.FixtureRequest) -> Billing:
    """Books that invoice, in the way that the test asks for."""
    made = Billing(books, intacct, row, getattr(request, "param", ORDER))
    made.document()
    return made


slow, long = pytest.mark.slow, pytest.mark.long
both = pytest.mark.parametrize("billing", [ORDER, pytest.param(PLAIN, marks=slow)], indirect=True)
either = pytest.mark.parametrize(
    "billing", [pytest.param(ORDER, marks=slow), pytest.param(PLAIN, marks=long)], indirect=True
)


@pytest.mark.parametrize(
    ("kind", "billing"),
    [
        ("sqlite", ORDER),
        pytest.param("sqlite", PLAIN, marks=slow),
        pytest.param("postgresql", ORDER, marks=slow),
        pytest.param("postgresql", PLAIN, marks=long),
    ],
    indirect=True,
)
def test_a_document_is_invoiced_once_line_by_line_and_to_the_cent(billing: Billing) -> None:
    result = billing.run()
    assert result.complete and result.invoice_counts["posted"] == (2 if billing.how == ORDER else 1)
    billing.whole()
    (found,) = billing.in_intacct()
    assert (found.customer, str(found.date), found.currency) == ("C1007", "2024-01-05", "USD")
    (entry,) = billing.billed()
    assert {(line["account"], line["amount"]) for line in entry["lines"]} == {
        ("1100", "20.00"), ("2400", "24.00"), ("2400", "4.00")
    }  # fmt: skip
    if billing.how == ORDER:
        assert [line.quantity for line in found.lines] == [3, 1] and found.record_no == "Sales Invoice-INV-1"
    again = billing.run()
    assert again.complete and again.invoices == [] and len(billing.attempts()) == STEPS[billing.how][1]


@pytest.mark.parametrize(
    ("billing", "when", "which"),
    [
        (ORDER, "after", "#2"),
        pytest.param(ORDER, "before", "#2", marks=slow),
        pytest.param(ORDER, "after", "#1", marks=long),
        pytest.param(ORDER, "before", "#1", marks=long),
        pytest.param(PLAIN, "after", "#1", marks=slow),
        pytest.param(PLAIN, "before", "#1", marks=long),
    ],
    indirect=["billing"],
)
def test_a_lost_answer_is_settled_by_reading_the_document_back(billing: Billing, when: str, which: str) -> None:
    billing.intacct.fault(f"drop@{when}:{which}:{STEPS[billing.how][0]}")
    assert billing.run().invoice_counts["in_doubt"] == 1
    early = billing.run()
    assert early.invoice_counts["in_doubt"] == 1 and not early.complete, "the quarantine is not over"
    assert billing.run(LATER).complete
    billing.whole()
    found = "found" if when == "after" else "absent"
    assert ("read_back", found) in billing.attempts()
    sends = [one for one in billing.attempts() if one[0] == "send"]
    assert len(sends) == STEPS[billing.how][1] + (when == "before")


@pytest.mark.parametrize(
    ("billing", "fault"),
    [
        pytest.param(ORDER, "html", marks=slow),
        pytest.param(PLAIN, "truncated", marks=long),
        pytest.param(ORDER, "wrong_control_id", marks=long),
        pytest.param(PLAIN, "500", marks=slow),
        pytest.param(ORDER, "twice", marks=long),
    ],
    indirect=["billing"],
)
def test_whatever_comes_instead_of_an_answer_it_is_invoiced_once(billing: Billing, fault: str) -> None:
    billing.intacct.fault(f"{fault}@after:1x:{STEPS[billing.how][0]}")
    billing.run()
    assert billing.run(LATER).complete and billing.run(MUCH_LATER).complete
    billing.whole()


@pytest.mark.parametrize(
    ("kind", "billing", "when", "which"),
    [
        pytest.param("sqlite", ORDER, "after", "#2", marks=slow),
        pytest.param("postgresql", PLAIN, "before", "#1", marks=long),
    ],
    indirect=["kind", "billing"],
)
def test_a_run_that_is_killed_while_it_sends_is_settled_by_the_next_once(
    billing: Billing, when: str, which: str
) -> None:
    billing.intacct.fault(f"slow=4@{when}:{which}:{STEPS[billing.how][0]}")
    seen = billing.intacct.injected()
    process = billing.books.start("invoice", "--date", DAY)
    until(lambda: billing.intacct.injected() > seen and "SENDING" in dict(billing.states()).values())
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not billing.run().complete
    time.sleep(1.2)
    assert billing.run(LATER).complete and billing.run(MUCH_LATER).complete
    billing.whole()


@either
def test_a_document_that_someone_entered_by_hand_just_so_is_adopted_and_nothing_is_sent(billing: Billing) -> None:
    billing.run()
    other = Billing(billing.books.__class__(billing.books.folder.parent / "second", billing.intacct.environment),
                    billing.intacct, billing.row, billing.how)  # fmt: skip
    other.document()
    assert other.run().complete
    assert [kind for kind, _outcome in other.attempts()] == ["read_back"] * STEPS[billing.how][1]
    other.whole()


@either
def test_a_number_that_another_document_has_holds_ours_for_a_person(billing: Billing) -> None:
    billing.run()
    other = Billing(billing.books.__class__(billing.books.folder.parent / "second", billing.intacct.environment),
                    billing.intacct, billing.row, billing.how)  # fmt: skip
    other.document(amount="25.00")
    result = other.run()
    assert result.invoice_counts["held"] == 1 and not result.complete
    (held,) = other.books.sql("SELECT reference, error FROM invoice WHERE state = 'HELD'")
    assert "is a different one: line 1 has 24.00" in held[1]
    assert len(other.billed()) == 1, "nothing was sent"
    context = other.books.context("postings resolve")
    with pytest.raises(BadInput, match="DOCID" if billing.how == ORDER else "record number"):
        resolve.as_posted(context, held[0], "nonsense", "looked")
    key = "Sales Order-INV-1" if billing.how == ORDER else other.in_intacct()[0].record_no
    assert resolve.as_posted(context, held[0], key, "the same after all") == "POSTED"


@either
def test_a_number_that_is_taken_while_it_is_sent_is_read_back_at_once(billing: Billing) -> None:
    duplicate = (
        "refuse=BL01001973 A transaction with the number 'INV-1' already exists.@before:9x:" + STEPS[billing.how][0]
    )
    billing.intacct.fault(duplicate)
    result = billing.run()
    assert result.invoice_counts["held"] == 1, "Intacct says that it is there, and does not show it"
    assert set(billing.attempts()) >= {("send", "rejected"), ("read_back", "absent")}
    billing.intacct.fault("")
    (reference,) = billing.books.sql("SELECT reference FROM invoice WHERE state = 'HELD'")[0]
    assert resolve.send_again(billing.books.context("postings resolve"), reference, "fixed") == "READY"
    assert billing.run(LATER).complete
    billing.whole()


def test_an_order_whose_conversion_is_refused_is_converted_by_the_next_run(billing: Billing) -> None:
    billing.intacct.fault("refuse=BL03000018 Missing unit@before:#2:create_sotransaction")
    result = billing.run()
    assert [one["status"] for one in result.invoices] == ["posted", "rejected"] and not result.complete
    assert billing.billed() == []
    assert billing.run().complete
    billing.whole()
    orders = [state for kind, state in billing.states() if kind == "sales_order"]
    assert orders == ["POSTED"], "the order is not made again"


@slow
def test_where_intacct_does_not_show_what_invoices_need_entries_are_posted_all_the_same(billing: Billing) -> None:
    billing.intacct.admin("/switch", denied="read:CUSTOMER")
    result = billing.run()
    billing.intacct.admin("/switch", denied="")
    assert result.stopped is not None and "no more invoices are sent" in result.stopped.advice
    assert billing.states() == [] and result.counts["posted"] == 2
    assert billing.run().complete
    billing.whole()


@slow
def test_a_refusal_that_is_not_understood_is_looked_for_before_it_goes_on(billing: Billing) -> None:
    billing.intacct.fault("refuse=XX999 Nobody knows@before:1x:create_sotransaction")
    assert billing.run().invoice_counts["failed"] == 1
    assert billing.run().complete
    assert billing.attempts()[:2] == [("send", "rejected"), ("read_back", "absent")]
    billing.whole()


@long
def test_what_is_refused_again_and_again_with_the_same_error_is_set_aside(billing: Billing) -> None:
    billing.intacct.fault("refuse=BL03000018 Missing unit@before:99x:create_sotransaction")
    for _ in range(5):
        result = billing.run()
    assert result.invoice_counts["held"] == 1
    sends = len(billing.attempts())
    billing.run()
    assert len(billing.attempts()) == sends, "it costs no more requests"
    (reference,) = billing.books.sql("SELECT reference FROM invoice WHERE state = 'HELD'")[0]
    billing.intacct.fault("")
    assert resolve.cancel(billing.books.context("postings resolve"), reference, "plan it again") == "CANCELED"
    assert billing.run().complete
    assert [state for _kind, state in billing.states()][-3:] == ["CANCELED", "POSTED", "POSTED"]


@slow
def test_a_unit_that_is_not_the_items_is_refused_with_what_to_do(billing: Billing) -> None:
    billing.configure(billing.how, unit="Box")
    result = billing.run()
    assert result.invoices[0]["status"] == "rejected" and "unit" in str(result.invoices[0]["advice"])
    billing.configure(billing.how, unit="Each")
    assert billing.run().complete
    billing.whole()


@pytest.mark.parametrize(
    ("billing", "field"), [(ORDER, "customer"), pytest.param(PLAIN, "item", marks=slow)], indirect=["billing"]
)
def test_what_intacct_does_not_have_holds_the_document_until_it_has(billing: Billing, field: str) -> None:
    billing.document("INV-2", **{field: "NEW-1"})
    result = billing.invoice()
    wrong = [one for one in result.invoices if one["document"] == "INV-2"]
    assert [one["status"] for one in wrong] == ["rejected"] and f"{field} NEW-1" in str(wrong[0]["error"])
    assert "create" in str(wrong[0]["advice"])
    assert len(billing.in_intacct()) == 1, "the other one is not kept waiting"
    rows = billing.books.sql("SELECT count(*) FROM invoice")
    assert not billing.invoice().complete
    assert billing.books.sql("SELECT count(*) FROM invoice") == rows, (
        "it is not created again while nothing has changed"
    )
    billing.intacct.admin(f"/{field}s", id="NEW-1")
    assert billing.invoice().complete
    assert len(billing.in_intacct("INV-2")) == 1


@either
def test_what_intacct_does_not_have_is_created_once_where_the_settings_say_so(billing: Billing) -> None:
    billing.configure(billing.how, missing_customer="create", missing_item="create", item_group="Freight")
    for number in (2, 3):
        billing.document(f"INV-{number}", customer="NEW-1", item="NEW-2")
    assert billing.run().complete
    assert [one for one in billing.attempts() if one[0] == "create"] == [("create", "posted")] * 2
    assert len(billing.in_intacct("INV-2", "INV-3")) == 2
    life = billing.books.trace("shop/INV-2/1")
    created = [one for invoice in life["invoices"] for one in invoice["attempts"] if one["kind"] == "create"]
    assert "NEW-1" in created[0]["request"] and created[0]["record_no"]


@either
def test_a_copy_that_does_not_own_the_posting_creates_no_customer(
    billing: Billing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_right: Any) -> None:
        raise RunStopped.before_sending("another copy of these books is at work")

    assert billing.invoice().complete
    sent = billing.attempts()
    billing.configure(billing.how, missing_customer="create")
    billing.document("INV-2", customer="NEW-1")
    monkeypatch.setattr(RightToPost, "confirm", refuse)
    assert "another copy" in billing.invoice().stopped.advice
    assert billing.attempts() == sent


@slow
def test_a_customer_whose_creation_was_lost_on_the_way_back_is_there_for_the_next_run(billing: Billing) -> None:
    billing.configure(billing.how, missing_customer="create")
    billing.document("INV-2", customer="NEW-1")
    billing.intacct.fault("drop@after:1x:create")
    result = billing.invoice()
    assert result.invoice_counts["failed"] == 1 and "NEW-1" in str(result.invoices[1]["error"])
    assert billing.run().complete and len(billing.in_intacct("INV-2")) == 1


@long
def test_the_term_is_the_customers_else_the_default_and_else_the_document_is_held(billing: Billing) -> None:
    billing.intacct.admin("/customers", id="C1007", details={"term": "Net 60"})
    billing.configure(ORDER, default_term="")
    billing.document("INV-2", customer="C1008")
    result = billing.invoice()
    assert {one["document"]: one["term"] for one in result.invoices} == {"INV-1": "Net 60", "INV-2": ""}
    assert "no payment term" in str(next(one for one in result.invoices if one["document"] == "INV-2")["error"])
    billing.configure(ORDER, default_term="Net 15")
    assert {one["term"] for one in billing.run().invoices} == {"Net 15"}
    assert billing.books.trace("shop/INV-1/1")["invoices"][0]["term"] == "Net 60"


@either
def test_a_document_of_a_closed_period_is_held_until_the_period_is_open(billing: Billing) -> None:
    billing.intacct.admin("/periods/close", month="2024-01")
    result = billing.run()
    (wrong,) = [one for one in result.invoices if one["status"] == "rejected"]
    assert "closed" in str(wrong["error"]).lower()
    assert billing.billed() == []
    billing.run()
    sends = len(billing.attempts())
    billing.run()
    assert len(billing.attempts()) == sends, "known to be closed, it is not sent again"
    billing.intacct.admin("/periods/open", month="2024-01")
    decide(billing.books.context("periods open"), [date(2024, 1, 1)], "open", "opened again", opened=True)
    assert billing.run().complete
    billing.whole()


def test_lines_that_cannot_be_one_document_are_reported_and_nothing_is_sent(billing: Billing) -> None:
    billing.books.take(billing.row("INV-1", line="3", item="MAG-12", customer="C1008"), name="more.csv")
    (wrong,) = billing.run().invoices
    assert "several customers" in str(wrong["error"]) and wrong["status"] == "rejected"
    assert billing.attempts() == [] and billing.billed() == []


def test_documents_of_two_sources_do_not_share_a_number(billing: Billing) -> None:
    billing.configure(ORDER, more=f'[invoice.web]\nas = "{ORDER}"\n')
    billing.books.take(billing.row("INV-1", source="web", item="MAG-12"), name="web.csv")
    (wrong,) = [one for one in billing.run().invoices if one["status"] == "rejected"]
    assert (wrong["source"], wrong["error"]) == ("web", "its number INV-1 is used by shop/INV-1")
    billing.configure(ORDER, more=f'[invoice.web]\nas = "{ORDER}"\nnumber = "W-{{document}}"\n')
    assert billing.run().complete
    assert len(billing.in_intacct("INV-1", "W-INV-1")) == 2


@slow
def test_the_free_line_of_a_bundle_is_invoiced_at_zero_and_earns_its_share(billing: Billing) -> None:
    (billing.books.folder / "rules" / "ssp.csv").write_text("item,price\nSET-1,6\nSET-2,4\n")
    sets = BUNDLES + 'when = { item = ["SET-*"] }\n' + FREIGHT.replace("FRT-", "SET-").replace("freight", "sets")
    billing.books.rules(sets + billing.rules)
    billing.configure(ORDER, missing_item="create", item_group="Freight")
    line = {"item": "SET-1", "amount": "10.00"}, {"line": "2", "item": "SET-2", "amount": "0.00"}
    billing.books.take(*(billing.row("INV-2", **fields) for fields in line), name="bundle.csv")
    assert billing.invoice().complete
    (found,) = billing.in_intacct("INV-2")
    assert [one.amount for one in found.lines] == [1000, 0]


ACCOUNTS = (
    FREIGHT + '[rule.post]\ndeferred = "2410"\n[[rule]]\nname = "tax"\nwhen = { item = "TAX" }\n'
    'recognize = { method = "none", reason = "sales tax" }\npost = { deferred = "2200" }\n'
)
"""Freight that waits for its delivery, and sales tax: neither has a schedule when it is invoiced."""


@pytest.mark.parametrize("billing", [PLAIN], indirect=True)
def test_a_line_without_a_schedule_is_credited_to_the_account_of_its_rule(billing: Billing) -> None:
    billing.books.rules(ACCOUNTS)
    amounts = {"FRT-OCEAN": "30.00", "TAX": "2.00"}
    rows = [billing.row("INV-2", line=item, item=item, amount=amount) for item, amount in amounts.items()]
    billing.books.take(*rows, name="waiting.csv")
    billing.invoice()
    accounts = "SELECT item, account FROM invoice_line WHERE charge LIKE 'shop/INV-2/%' ORDER BY line_no"
    assert [tuple(one) for one in billing.books.sql(accounts)] == [("FRT-OCEAN", "2410"), ("TAX", "2200")]


@pytest.mark.parametrize("billing", [PLAIN], indirect=True)
def test_a_line_that_turns_out_not_to_be_revenue_is_credited_to_the_account_of_its_new_rule(billing: Billing) -> None:
    billing.books.rules('[[rule]]\nname = "all"\n[rule.recognize]\nmethod = "monthly"\nperiods = 2\n')
    billing.books.take(billing.row("INV-2", item="TAX", amount="8.00"), name="tax.csv")
    assert billing.books.sql("SELECT amount FROM schedule ORDER BY charge_no DESC")[0] == (800,)
    billing.books.rules(ACCOUNTS)
    schedule(billing.books.context("schedule"), rebuild=True, reason="tax is not revenue")
    billing.invoice()
    assert billing.books.sql("SELECT account FROM invoice_line WHERE item = 'TAX'") == [("2200",)]


@pytest.mark.parametrize("billing", [PLAIN], indirect=True)
def test_a_line_without_a_schedule_is_held_while_its_rules_are_broken(billing: Billing) -> None:
    billing.books.rules(ACCOUNTS)
    billing.books.take(billing.row("INV-2", item="FRT-OCEAN"), name="waiting.csv")
    billing.books.rules("[[rule]")
    held = next(one for one in billing.invoice().invoices if one["number"] == "INV-2")
    assert (held["status"], "no rule has a deferred account" in str(held["error"])) == ("rejected", True)


@slow
def test_a_line_that_comes_after_its_document_was_invoiced_is_reported(billing: Billing) -> None:
    billing.run()
    billing.books.take(billing.row("INV-1", line="3", item="MAG-12"), name="more.csv")
    (wrong,) = billing.run().invoices
    assert "in Intacct as INV-1 already" in str(wrong["error"]) and wrong["lines"] == 1
    assert len(billing.billed()) == 1


@both
def test_recognition_waits_for_the_invoice_where_the_rule_says_so(billing: Billing) -> None:
    billing.books.rules(billing.rules.replace('method = "monthly"', 'method = "monthly"\nafter_invoice = true'))
    billing.document("INV-2", item="GONE")
    billing.books.take(billing.row("INV-3", item="MAG-12", customer="NEW-1"), name="three.csv")
    shown = preview(billing.books.context("preview"), Filters(charge="shop/INV-3/1")).lines
    assert {line.status for line in shown} == {"held"}
    assert {line.reason for line in shown} == {"waits for the invoice of shop/INV-3"}
    result = billing.run()
    reasons = [entry["reason"] for entry in result.entries if entry["status"] == "held"]
    assert reasons == ["waits for the invoice of shop/INV-3"] * 2 and not result.complete
    assert result.counts["posted"] == 2, "the lines of what is invoiced are posted in the same run"
    (awaits,) = status(billing.books.context("status"), date.fromisoformat(DAY)).awaiting_invoice
    assert (awaits.lines, awaits.amount) == (2, "4.00")
    billing.intacct.admin("/customers", id="NEW-1")
    billing.intacct.admin("/items", id="GONE")
    after = billing.run()
    assert after.complete and after.counts["posted"] == 2


def test_a_cost_is_on_no_invoice_and_waits_for_that_of_its_line(billing: Billing) -> None:
    rules = billing.rules.replace('method = "monthly"', 'method = "monthly"\nafter_invoice = true')
    cost = '\n[[rule.cost]]\nname = "cogs"\namount = "1.00"\nper = "part"\ndeferred = "1300"\nexpense = "5000"\n'
    billing.books.rules(rules.replace("periods = 12\n", f"periods = 12\n{cost}", 1))
    billing.books.take(billing.row("INV-4", item="MAG-12"), name="four.csv")
    billing.books.take(billing.row("INV-3", item="MAG-12", customer="NEW-1"), name="three.csv")
    billing.run()
    (found,) = billing.in_intacct("INV-4")
    assert [line.amount for line in found.lines] == [2400], "what it cost is only ours"
    posted = billing.books.sql("SELECT DISTINCT charge FROM journal_line WHERE document <> 'INV-1' ORDER BY charge")
    assert posted == [("shop/INV-4/1",), ("shop/INV-4/1:cost:cogs",)]
    (awaits,) = status(billing.books.context("status"), date.fromisoformat(DAY)).awaiting_invoice
    assert (awaits.lines, awaits.amount) == (2, "4.00")


@either
def test_an_auditor_finds_order_invoice_and_entry_from_either_end(billing: Billing) -> None:
    billing.run()
    life = billing.books.trace("shop/INV-1/1")
    kinds = [one["kind"] for one in life["invoices"]]
    assert kinds == (["sales_order", "sales_invoice"] if billing.how == ORDER else ["ar_invoice"])
    last = life["invoices"][-1]
    assert last["status"] == "posted" and last["posted_at"] and last["attempts"][0]["request"]
    assert last["line"]["amount"] == "24.00" and life["entries"]
    names = [last["reference"], last["record_no"], "INV-1"]
    for name in names:
        assert [one.charge.id for one in trace(billing.books.context("trace"), name)] == [
            "shop/INV-1/1", "shop/INV-1/2"
        ]  # fmt: skip


@slow
def test_status_knows_what_of_invoices_is_not_settled(billing: Billing) -> None:
    billing.intacct.fault("drop@after:1x:create_sotransaction")
    billing.run()
    found = status(billing.books.context("status"))
    assert found.invoices == {"in_doubt": 1}
    (one,) = found.attention
    assert (one.kind, one.document, one.amount) == ("sales_order", "shop/INV-1", "20.00")


def test_a_dry_run_shows_the_invoices_and_keeps_nothing(billing: Billing) -> None:
    before = billing.books.content()
    result = billing.books.run(DAY, dry_run=True)
    assert [one["number"] for one in result.invoices] == ["INV-1"] and result.invoice_counts["held"] == 0
    assert billing.books.content() == before and billing.billed() == []


@long
def test_invoices_alone_leave_entries_as_they_are(billing: Billing) -> None:
    result = billing.invoice()
    assert result.complete and result.entries == []
    assert {entry["journal"] for entry in billing.intacct.entries()} == {"SJ"}
    assert billing.run().counts["posted"] == 2


@slow
def test_a_source_that_asks_for_nothing_gets_no_invoice(billing: Billing) -> None:
    billing.configure("none")
    billing.run()
    assert billing.states() == [] and billing.billed() == []
    billing.configure(ORDER, more="from = 2024-01-06\n")
    billing.run()
    assert billing.states() == [], "billed before invoices were asked for"


SLIPS = (
    ('rate = "x"', 'unknown key "rate"'),
    ('from = "2024-01-01"', "expected a date"),
    ('number = "x"', "{document}"),
)


def test_a_mistake_in_the_settings_is_reported_with_its_place(billing: Billing) -> None:
    for line, words in SLIPS:
        billing.configure(ORDER, line)
        with pytest.raises(BadConfiguration, match=words):
            billing.run()
    billing.configure("order")
    with pytest.raises(
        BadConfiguration, match=r'\[invoice.shop\] as = "order": expected one of none, sales_order, invoice'
    ):
        billing.run()


@both
def test_books_that_were_put_back_from_a_copy_adopt_what_they_invoiced(billing: Billing) -> None:
    copy = billing.books.folder / "copy.db"
    backup(billing.books.context("db backup"), copy)
    billing.run()
    restore(billing.books.context("db restore"), copy)
    assert billing.run().stopped is not None, "what they sent may still be under way"
    assert billing.run(LATER).complete
    billing.whole()
    assert all(kind == "read_back" for kind, _outcome in billing.attempts())


@long
@pytest.mark.parametrize("billing", [PLAIN], indirect=True)
def test_where_intacct_takes_a_number_twice_it_is_still_sent_once(billing: Billing) -> None:
    billing.intacct.admin("/switch", duplicate_invoices="allow")
    billing.intacct.fault("forget_ids@after:1x:create_invoice,drop@after:1x:create_invoice")
    billing.run()
    assert billing.run(LATER).complete
    billing.whole()


FAULTS = ("", "drop@after", "drop@before", "500@after", "html@before", "refuse=BL03000018 Missing unit@before")


@long
@settings(
    max_examples=20,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(plan=st.lists(st.sampled_from(FAULTS), min_size=1, max_size=5), how=st.sampled_from([ORDER, PLAIN]))
def test_no_sequence_of_faults_doubles_or_loses_a_document(
    plan: list[str], how: str, tmp_path_factory: Any, intacct: Intacct, row: MakeRow, new_books: type[Books]
) -> None:
    intacct.fault("")
    intacct.admin("/reset")
    books = new_books(tmp_path_factory.mktemp("sequence") / "books", intacct.environment)
    billing = Billing(books, intacct, row, how)
    for number in (1, 2):
        billing.document(f"INV-{number}")
    for turn, fault in enumerate(plan):
        intacct.fault(f"{fault}:1x:{STEPS[how][0]}" if fault else "")
        billing.run(timedelta(minutes=turn))
    intacct.fault("")
    billing.run(timedelta(minutes=len(plan) + 1))
    for (reference,) in books.sql("SELECT reference FROM invoice WHERE state = 'HELD'"):
        resolve.send_again(books.context("postings resolve"), reference, "the network works again")
    assert billing.run(timedelta(minutes=len(plan) + 2)).complete
    assert sorted(one.number for one in billing.in_intacct("INV-1", "INV-2")) == ["INV-1", "INV-2"]
    assert len(billing.billed()) == 2
    assert verify(books.context("verify")).findings == []
