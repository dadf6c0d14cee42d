"""What rules and settings add to entries: attachments, custom fields, and locations between entities."""

from datetime import date, timedelta

import pytest

from revrec.core.errors import BadConfiguration
from revrec.jobs.admin.database import backup, restore
from revrec.jobs.gateway import open_gateway
from revrec.jobs.posting.reversing import ReversalOrder
from revrec.jobs.reconciling.reconcile import Reconciliation, reconcile
from revrec.jobs.rules.load import load_rules
from revrec.jobs.running.reverse import reverse
from revrec.jobs.scheduling.rebuild import schedule
from support.billing import PLAIN as PLAIN_INVOICE
from support.billing import Billing
from support.books import Books, MakeRow
from support.intacct import Intacct

DAY = "2024-01-12"
LATER = timedelta(minutes=1)
SUBSIDIARY = """
[[rule]]
name = "subsidiary"
[rule.recognize]
method = "monthly"
periods = 12
[rule.post]
deferred_location = "E100"
accrued_location = "200"
"""
"""A rule of revenue that the holding E100 billed, and its subsidiary 200 earns."""


@pytest.fixture
def between(books: Books, row: MakeRow) -> Books:
    """Return books whose revenue moves from the holding to its subsidiary."""
    books.environment["REVREC_POSTING_INTER_ENTITY"] = "1900, 2900"
    books.rules(SUBSIDIARY)
    books.take(row(entity="E100", location=""))
    return books


def compared(books: Books, entity: str | None = None) -> Reconciliation:
    return reconcile(books.context("reconcile"), date.fromisoformat(DAY), entity=entity)


@pytest.mark.both_databases
def test_an_entry_between_entities_is_posted_and_ties_out_without_intacct_s_own_lines(
    between: Books, intacct: Intacct
) -> None:
    result = between.run(DAY)
    assert result.counts["posted"] == 1, result.entries
    (entry,) = intacct.entries()
    assert entry["base_location"] == "E100"
    assert [(line["account"], line["dimensions"]["LOCATION"]) for line in entry["lines"]] == [
        ("2400", "E100"), ("4000", "200"), ("1900", "200"), ("2900", "E100"),
    ]  # fmt: skip
    found = compared(between)
    assert found.ties and found.entries == 1, found.findings


def test_an_edited_line_of_an_entry_between_entities_is_found(between: Books, intacct: Intacct) -> None:
    between.run(DAY)
    (entry,) = intacct.entries()
    intacct.admin("/entries/edit", record_no=entry["record_no"], lines=[{"line_no": 2, "account": "4100"}])
    (finding,) = [one for one in compared(between).findings if one.kind == "edited"]
    assert finding.what == "line 2: credit 4000 2.00 USD INV-1/1 -> credit 4100 2.00 USD INV-1/1"


def test_a_lost_answer_of_an_entry_between_entities_is_settled_by_reading(between: Books, intacct: Intacct) -> None:
    intacct.fault("drop@after:1x:create")
    assert between.run(DAY).counts["in_doubt"] == 1
    assert between.run(DAY, later=LATER).counts["posted"] == 1
    assert len(intacct.entries()) == 1


@pytest.mark.slow
def test_an_entity_is_compared_with_its_own_side_of_an_entry(between: Books) -> None:
    config = between.folder / "revrec.toml"
    config.write_text(f'{config.read_text()}[entities.200]\nname = "Europe"\n')
    between.run(DAY)
    for entity, accounts in (("E100", {"2400": 200}), ("200", {"4000": -200})):
        found = compared(between, entity)
        assert found.ties, (found.findings, found.balances)
        assert {one.account: one.books for one in found.balances if one.books} == accounts


def test_without_the_setting_intacct_refuses_an_entry_between_entities(between: Books) -> None:
    del between.environment["REVREC_POSTING_INTER_ENTITY"]
    (entry,) = between.run(DAY).entries
    assert entry["status"] == "rejected" and "inter_entity" in str(entry["advice"])


@pytest.mark.slow
def test_a_reversal_goes_back_between_the_entities(between: Books, intacct: Intacct) -> None:
    (posted,) = between.run(DAY).entries
    order = ReversalOrder(str(posted["reference"]), "wrong entity")
    reverse(between.context("postings reverse"), order)
    mirror = intacct.entries()[-1]
    assert mirror["base_location"] == "E100" and compared(between).ties


CUSTOM = (
    SUBSIDIARY.partition("[rule.post]")[0]
    + """
[rule.post]
attachment = "ATT-1"
entry_fields = { RUN_TYPE = "revenue" }
line_fields = { SHIPMENT_ID = "{document}, {description}" }
"""
)
ATTACHMENT = b"""
<function controlid="attach"><create_supdoc><supdocid>ATT-1</supdocid><supdocname>Contracts</supdocname>
<supdocfoldername>Journal entries</supdocfoldername></create_supdoc></function>
"""
PLAIN = """
[[rule]]
name = "plain"
[rule.when]
item = "GOODS-1"
[rule.recognize]
method = "monthly"
periods = 12
"""
EVERY_ITEM = PLAIN.replace('item = "GOODS-1"', 'item = "*"')


@pytest.fixture
def custom(intacct: Intacct, books: Books) -> Books:
    """Return books and a company with two custom fields, one of them required, and an attachment."""
    intacct.admin("/customfields", id="GLBATCH.RUN_TYPE", parent="GLBATCH", details={"required": True})
    intacct.admin("/customfields", id="GLENTRY.SHIPMENT_ID", parent="GLENTRY")
    books.rules(CUSTOM)
    with open_gateway(books.context()) as gateway:
        gateway.sign_in()
        answer = gateway.run_functions([ATTACHMENT])
        assert answer.response and answer.response.results[0].status == "success", answer
    return books


def test_attachment_and_custom_fields_of_a_rule_reach_intacct(custom: Books, intacct: Intacct, row: MakeRow) -> None:
    custom.take(row(description="two {boxes}"))
    assert custom.run(DAY).counts["posted"] == 1
    (entry,) = intacct.entries()
    assert entry["attachment"] == "ATT-1" and entry["custom"] == {"RUN_TYPE": "revenue"}
    assert [line["custom"] for line in entry["lines"]] == [{"SHIPMENT_ID": "INV-1, two {boxes}"}] * 2
    assert custom.trace("shop/INV-1/1")["rule"]["options"] == {
        "attachment": "ATT-1",
        "entry_fields": {"RUN_TYPE": "revenue"},
        "line_fields": {"SHIPMENT_ID": "{document}, {description}"},
    }


@pytest.mark.both_databases
def test_they_are_sent_again_after_a_rejection_and_with_a_reversal(
    custom: Books, intacct: Intacct, row: MakeRow
) -> None:
    intacct.fault("500@before:1x:create")
    custom.take(row(description="magazines"))
    assert custom.run(DAY).counts["in_doubt"] == 1
    result = custom.run(DAY, later=LATER)
    assert result.counts["posted"] == 1
    reverse(custom.context("postings reverse"), ReversalOrder(str(result.entries[0]["reference"]), "a test"))
    sent, mirror = intacct.entries()
    for name in ("attachment", "custom"):
        assert sent[name] == mirror[name] and sent[name]
    assert mirror["lines"][0]["custom"] == {"SHIPMENT_ID": "INV-1, magazines"}


def test_rules_with_other_options_post_other_entries(custom: Books, intacct: Intacct, row: MakeRow) -> None:
    intacct.admin("/customfields", id="GLBATCH.RUN_TYPE", parent="GLBATCH", details={})
    custom.rules(PLAIN + CUSTOM.replace('name = "subsidiary"', 'name = "custom"\npriority = 1'))
    custom.take(row("INV-1"), row("INV-2", item="GOODS-1"))
    assert custom.run(DAY).counts["posted"] == 2
    assert sorted(str(entry["attachment"]) for entry in intacct.entries()) == ["ATT-1", "None"]


def test_defaults_come_from_the_settings(custom: Books, intacct: Intacct, row: MakeRow) -> None:
    custom.rules(PLAIN)
    custom.environment["REVREC_POSTING_ATTACHMENT"] = "ATT-1"
    config = custom.folder / "revrec.toml"
    fields = '[entry_fields]\nRUN_TYPE = "x"\n[line_fields]\nSHIPMENT_ID = "{seq}"\n'
    config.write_text(config.read_text() + fields)
    custom.take(row(item="GOODS-1"))
    assert custom.run(DAY).counts["posted"] == 1
    (entry,) = intacct.entries()
    assert (entry["attachment"], entry["custom"]) == ("ATT-1", {"RUN_TYPE": "x"})
    assert entry["lines"][1]["custom"] == {"SHIPMENT_ID": "1"}


@pytest.mark.parametrize("text", ["RUN_TYPE = 3", 'JOURNAL = "GJ"', '"a b" = "x"'])
def test_a_wrong_custom_field_in_the_settings_is_refused_with_its_place(books: Books, text: str) -> None:
    config = books.folder / "revrec.toml"
    config.write_text(f"{config.read_text()}[entry_fields]\n{text}\n")
    with pytest.raises(BadConfiguration, match=r"revrec.toml: \[entry_fields\] "):
        load_rules(books.context())


@pytest.mark.both_databases
def test_a_changed_attachment_applies_to_what_is_not_posted_yet(custom: Books, intacct: Intacct, row: MakeRow) -> None:
    custom.take(row())
    custom.run(DAY)
    custom.rules(CUSTOM.replace('"revenue"', '"other"'))
    schedule(custom.context("schedule"), rebuild=True, reason="another type")
    custom.run("2024-02-12")
    assert [entry["custom"]["RUN_TYPE"] for entry in intacct.entries()] == ["revenue", "other"]


@pytest.fixture
def two_currencies(intacct: Intacct, books: Books) -> Books:
    """Return books for a company whose entity 200 has the euro as base currency."""
    intacct.admin("/locations", id="200", details={"currency": "EUR"})
    intacct.admin("/locations", id="200-PAR", parent="200")
    config = books.folder / "revrec.toml"
    config.write_text(f'{config.read_text()}[entities.200]\nbase_currency = "EUR"\n')
    books.rules(EVERY_ITEM)
    return books


def test_each_entity_posts_in_its_own_base_currency(two_currencies: Books, intacct: Intacct, row: MakeRow) -> None:
    two_currencies.take(
        row("INV-1", entity="100", location="100", currency="EUR"),
        row("INV-2", entity="200", location="200-PAR", currency="EUR"),
        row("INV-3", entity="200", location="", currency="USD"),
    )
    result = two_currencies.run(DAY)
    assert result.counts["posted"] == 3, result.entries
    base = {entry["lines"][0]["document"]: entry["lines"][0]["base_amount"] for entry in intacct.entries()}
    assert base == {"INV-1/1": "2.16", "INV-2/1": "2.00", "INV-3/1": "1.85"}
    found = compared(two_currencies)
    assert found.ties, found.findings
    assert {(one.account, one.currency, one.end) for one in found.reported} >= {
        ("2400", "USD", 216), ("2400", "EUR", 385),
    }  # fmt: skip


def test_an_invoice_at_a_location_of_an_entity_is_in_the_base_currency_of_the_entity(
    two_currencies: Books, intacct: Intacct, row: MakeRow
) -> None:
    billing = Billing(two_currencies, intacct, row, PLAIN_INVOICE)
    two_currencies.rules(EVERY_ITEM)
    billing.document(entity="200", location="200-PAR", currency="EUR")
    assert billing.run().invoice_counts["posted"] == 1
    (entry,) = billing.billed()
    assert [line["base_amount"] for line in entry["lines"]] == [line["amount"] for line in entry["lines"]]


def test_an_entry_in_two_base_currencies_is_rejected_before_it_is_sent(
    two_currencies: Books, intacct: Intacct, row: MakeRow
) -> None:
    two_currencies.rules(SUBSIDIARY)
    two_currencies.take(row(entity="E100", location=""))
    (entry,) = two_currencies.run(DAY).entries
    assert entry["status"] in ("rejected", "held") and intacct.entries() == []
    assert "rule 'subsidiary'" in str(entry["error"]) and "the base currency of 200 is EUR" in str(entry["error"])


@pytest.mark.slow
def test_a_summarized_entry_between_entities_ties_out_and_keeps_its_custom_fields(
    between: Books, intacct: Intacct, row: MakeRow
) -> None:
    intacct.admin("/customfields", id="GLENTRY.SOURCE_SYSTEM", parent="GLENTRY", details={"required": True})
    between.rules(f'{SUBSIDIARY}summarize = "account"\nline_fields = {{ SOURCE_SYSTEM = "revrec" }}\n')
    schedule(between.context("schedule"), rebuild=True, reason="summarized")
    between.take(row("INV-2", entity="E100", location=""), name="more.csv")
    assert between.run(DAY).counts["posted"] == 1
    (entry,) = intacct.entries()
    assert [(line["account"], line["amount"], line["custom"]) for line in entry["lines"]] == [
        ("2400", "4.00", {"SOURCE_SYSTEM": "revrec"}),
        ("4000", "4.00", {"SOURCE_SYSTEM": "revrec"}),
        ("1900", "4.00", {}),
        ("2900", "4.00", {}),
    ]
    assert compared(between).ties


@pytest.mark.slow
def test_an_entry_between_entities_that_a_restored_copy_does_not_know_is_rebuilt(
    between: Books, intacct: Intacct
) -> None:
    copy = between.folder / "copy.db"
    backup(between.context("db backup"), copy)
    between.run(DAY)
    restore(between.context("db restore"), copy)
    assert between.sql("SELECT count(*) FROM journal_entry") == [(0,)]
    for minute in (1, 2):
        between.run(DAY, later=timedelta(minutes=minute))
    assert between.sql("SELECT state FROM journal_entry") == [("POSTED",)] and len(intacct.entries()) == 1
    assert compared(between).ties
