"""A dry run of invoices looks up what they name in Intacct, before a single one is sent."""

from typing import Any

import pytest

from support.billing import DAY, ORDER, PLAIN, Billing
from support.books import Books, MakeRow
from support.commands import Ended, call
from support.intacct import Intacct


@pytest.fixture
def billing(books: Books, intacct: Intacct, row: MakeRow) -> Billing:
    """Books with one document that can be sent."""
    made = Billing(books, intacct, row, ORDER)
    made.document()
    return made


def dry_run(billing: Billing, *more: str, **environment: str) -> Ended:
    """Return how a dry run ends."""
    config = ("--config", billing.books.folder / "revrec.toml")
    env = {**billing.books.environment, **environment}
    return call("invoice", "--date", DAY, "--dry-run", *config, *more, env=env)


def test_nothing_is_reported_while_intacct_has_everything(billing: Billing) -> None:
    ended = dry_run(billing)
    assert (ended.code, ended.err) == (0, "")
    assert "1 document would be sent" in ended.out


def test_each_line_whose_record_is_missing_is_reported_with_its_file_and_row(billing: Billing) -> None:
    billing.document("INV-2", customer="NEW-1")
    billing.books.take(
        billing.row("INV-3", item="OLD-ITEM"), billing.row("INV-3", line="2", item="NEW-2"), name="third.csv"
    )
    before = billing.books.content()
    ended = dry_run(billing)
    assert ended.code == 7
    folder = billing.books.folder
    assert ended.err.splitlines() == [
        f"{folder}/INV-2.csv, row 2: Intacct has no customer NEW-1 (shop/INV-2/1)",
        f"{folder}/INV-2.csv, row 3: Intacct has no customer NEW-1 (shop/INV-2/2)",
        f"{folder}/third.csv, row 3: Intacct has no item NEW-2 (shop/INV-3/2)",
        f"{folder}/third.csv, row 2: the item OLD-ITEM is inactive in Intacct (shop/INV-3/1)",
    ]
    assert billing.books.content() == before and billing.billed() == []


def test_a_transaction_definition_that_does_not_exist_is_reported(billing: Billing) -> None:
    billing.configure(ORDER, invoice_definition="Rechnung")
    ended = dry_run(billing, "--format", "json")
    (found,) = ended.json["unknown_records"]
    lines = [one.pop("charge") for one in found["lines"]]
    assert (ended.code, found["kind"], found["id"], found["problem"]) == (7, "definition", "Rechnung", "missing")
    assert lines == ["shop/INV-1/1", "shop/INV-1/2"] and ended.json["not_looked_up"] == ""


@pytest.mark.parametrize("how", [ORDER, pytest.param(PLAIN, marks=pytest.mark.slow)])
def test_what_the_settings_create_or_supply_is_not_missing(billing: Billing, how: str) -> None:
    billing.configure(how, missing_customer="create", missing_item="create", item_group="Freight")
    billing.document("INV-2", customer="NEW-1", item="NEW-2")
    assert dry_run(billing).code == 0


def test_a_customer_without_a_payment_term_is_reported(billing: Billing) -> None:
    billing.configure(ORDER, default_term="")
    billing.document("INV-2", customer="C1008")
    ended = dry_run(billing)
    assert "the customer C1008 is without a payment term in Intacct (shop/INV-2/1)" in ended.err and ended.code == 7


def test_without_an_answer_the_dry_run_says_that_nothing_was_looked_up(billing: Billing) -> None:
    wrong: dict[str, Any] = {"INTACCT_USER_PASSWORD": "wrong"}
    ended = dry_run(billing, **wrong)
    assert ended.code == 0 and "records were not looked up in Intacct" in ended.err
