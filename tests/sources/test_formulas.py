"""Formulas of a mapping: computed fields, conditions to leave rows out, and declared rounding."""

from collections.abc import Callable, Collection
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from revrec.core.errors import BadConfiguration
from revrec.core.keys import RejectedValue
from revrec.sources import BadRow, GoodRow, PassedOver, SourceError, SourceStream, read_charge_blocks
from revrec.sources.amounts import NumberStyle, number_reader
from revrec.sources.explaining import explain_rows
from revrec.sources.formula import YES_OR_NO, Formula
from revrec.sources.mapping_reader import read_mapping
from revrec.sources.problems import InvalidValue

READ = number_reader(NumberStyle())
BILL: dict[str, Any] = {
    "source": "bill", "line": "#", "currency": "USD", "customer": "C-1",
    "columns": {"document": "Bill", "post_date": "Date", "item": "What"},
}  # fmt: skip
HEADER = "Bill,Date,What,Qty,Price,Off,Type"


def table(*rows: str, header: str = HEADER) -> str:
    return "".join(f"{row}\n" for row in (header, *rows))


def mapped(formula: str, **more: Any) -> dict[str, Any]:
    return {**BILL, "ignore": ["*"], "compute": {"amount": formula}, **more}


def value(text: str, **texts: str) -> Any:
    formula = Formula(text)
    return formula.value({name: texts.get(name, "") for name in formula.names}, READ).result


@pytest.mark.parametrize(
    ("text", "values", "result"),
    [
        ("quantity * price - discount", {"quantity": "3", "price": "10.10", "discount": "0.30"}, Decimal("30.00")),
        ("price - (discount or 0)", {"price": "10"}, Decimal(10)),
        ("price * quantity / 100", {"price": "12.50", "quantity": "500"}, Decimal("62.5")),
        ("-price if kind == 'credit' else price", {"price": "1.00", "kind": "credit"}, Decimal("-1.00")),
        ("-price if kind in ('381', '396') else price", {"price": "1.00", "kind": "380"}, "1.00"),
        ("order + '-' + line", {"order": "111", "line": "7"}, "111-7"),
        ("sku or name or 'OTHER'", {"name": "Mug"}, "Mug"),
        ("sku or name or 'OTHER'", {}, "OTHER"),
        ("price * 1 if price != 0 else 5", {"price": "0.00"}, 5),
        ("0.1 + 0.2", {}, Decimal("0.3")),
        ("price * price", {"price": "1234567890123456789.12"}, Decimal(f"{123456789012345678912**2}e-4")),
    ],
)
def test_a_formula_computes_exactly(text: str, values: dict[str, str], result: Any) -> None:
    assert value(text, **values) == result


def test_names_with_a_dot_or_a_space_are_columns() -> None:
    formula = Formula("order.lines.total - column['Discount (net)'] + sum(order.fees.amount)")
    assert set(formula.names) == {"order.lines.total", "[Discount (net)]", "sum(order.fees.amount)"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("price * 2", "cannot be computed: price is empty"),
        ("kind * 2", "cannot be computed: kind is not a number"),
        ("1 / (quantity - 1)", "cannot be computed by 1 / (quantity - 1): it divides by zero"),
        ("euros + dollars", "is computed from EUR and USD"),
    ],
)
def test_what_cannot_be_computed_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        value(text, kind="credit", quantity="1", euros="EUR 1.00", dollars="USD 1.00")
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("open('x')", "calling a function is not possible with value and text"),
        ("price.__class__()", "calling a function is not possible"),
        ("[one for one in price]", "a ListComp is not possible"),
        ("price ** 9", "this arithmetic is not possible"),
        ("'a' * 3", "this arithmetic is not possible with text and number"),
        ("price > 1", "it must come out as a number or a text"),
        ("price +", "it cannot be understood from here on"),
        ("lambda: price", "a Lambda is not possible"),
        ("x" * 1_001, "at most 1,000 characters"),
    ],
)
def test_a_formula_is_checked_before_any_file_is_read(text: str, said: str) -> None:
    with pytest.raises(RejectedValue, match=said.replace("(", r"\(")):
        Formula(text)


def test_a_condition_must_be_true_or_false() -> None:
    with pytest.raises(RejectedValue, match="it must come out as true or false"):
        Formula("price", YES_OR_NO)
    held = Formula("status == 'draft' or amount == 0", YES_OR_NO)
    assert held.holds({"status": "open", "amount": "0.00"}, READ)
    assert not held.holds({"status": "open", "amount": ""}, READ)


def test_a_wrong_formula_names_its_key() -> None:
    with pytest.raises(BadConfiguration, match=r"compute.amount = \"price \*\*\* 2\": expected a formula"):
        read_mapping("bill", mapped("price *** 2"))
    with pytest.raises(BadConfiguration, match=r"compute\.amout: there is no such field"):
        read_mapping("bill", {**BILL, "compute": {"amout": "1"}})
    with pytest.raises(BadConfiguration, match="customer is both a constant and in compute"):
        read_mapping("bill", {**BILL, "compute": {"customer": "Who"}})


def test_an_amount_is_computed_from_columns_and_recorded_as_a_step(charges: Callable[..., Any]) -> None:
    text = table("B-1,2024-03-05,LAMP,3,10.10,0.30,Invoice", "B-1,2024-03-05,LAMP,1,10.10,,Invoice")
    good, bad = charges(text, mapping=mapped("Qty * Price - Off"))
    assert good.line.amount == 3000
    assert [(step.field, step.after, step.step) for step in good.steps] == [("amount", "30", "computed")]
    assert isinstance(bad, BadRow)
    assert str(bad.problems[0]) == (
        'amount "Qty * Price - Off": cannot be computed: Off is empty; '
        "write its value, or use (Off or 0) in the formula if empty means zero"
    )


def test_a_column_that_a_formula_reads_must_be_there(charges: Callable[..., Any]) -> None:
    with pytest.raises(SourceError, match='column "Rebate" is missing'):
        charges(table("B-1,2024-03-05,LAMP,3,10.10,0.30,Invoice"), mapping=mapped("Qty * Price - Rebate"))


def test_a_formula_of_a_field_can_read_the_field_itself(charges: Callable[..., Any]) -> None:
    mapping = mapped("-amount if Type == 'Credit' else amount", columns={**BILL["columns"], "amount": "Price"})
    rows = charges(
        table("B-1,2024-03-05,LAMP,1,10.10,,Credit", "B-2,2024-03-05,LAMP,1,10.10,,Invoice"), mapping=mapping
    )
    assert [row.line.amount for row in rows] == [-1010, 1010]


def test_ids_are_joined_and_numbers_keep_the_notation_of_the_file(charges: Callable[..., Any]) -> None:
    compute = {"amount": "Qty * Price", "item": "What + '/' + Type"}
    mapping = {**mapped(""), "compute": compute, "decimal": ",", "delimiter": ";"}
    (row,) = charges(table("B-1,2024-03-05,LAMP,3,1.010+10,,Set").replace(",", ";").replace("+", ","), mapping=mapping)
    assert (row.line.amount, row.line.item) == (303030, "LAMP/Set")


def test_minor_units_scale_what_a_formula_computes(charges: Callable[..., Any]) -> None:
    text = table("B-1,2024-03-05,LAMP,2,1200,100,Invoice")
    (row,) = charges(text, mapping=mapped("Qty * Price - Off", amount_is="minor_units", currency="usd"))
    assert (row.line.amount, row.line.currency) == (2300, "USD")


@pytest.mark.parametrize(
    ("way", "amount", "minor"),
    [
        ("half_up", "8.403361", 840),
        ("half_up", "0.125", 13),
        ("half_even", "0.125", 12),
        ("half_up", "-0.125", -13),
        ("half_up", "24.10", 2410),
    ],
)
def test_declared_rounding_is_recorded_as_a_step(
    charges: Callable[..., Any], way: str, amount: str, minor: int
) -> None:
    text = table(f"B-1,2024-03-05,LAMP,1,{amount},,Invoice")
    columns = {**BILL["columns"], "amount": "Price"}
    (row,) = charges(text, mapping={**BILL, "ignore": ["*"], "columns": columns, "rounding": way})
    assert row.line.amount == minor
    rounded = [(step.before, step.step) for step in row.steps if "rounded" in step.step]
    assert rounded == ([] if amount == "24.10" else [(amount, f"rounded {way.replace('_', ' ')}")])


def test_cumulative_rounding_makes_the_lines_of_a_document_add_up_to_its_rounded_sum(
    charges: Callable[..., Any],
) -> None:
    text = table(
        *(f"B-1,2024-03-05,LAMP,{at},33.333333,,Invoice" for at in (1, 2, 3)),
        *(f"B-2,2024-03-05,LAMP,{at},-0.125,,Invoice" for at in (1, 2)),
        "B-3,2024-03-05,LAMP,1,24.10,,Invoice",
    )
    columns = {**BILL["columns"], "amount": "Price"}
    found = charges(text, mapping={**BILL, "ignore": ["*"], "columns": columns, "line": "#", "rounding": "cumulative"})
    assert [(row.line.id, row.line.amount) for row in found] == [
        ("bill/B-1/1", 3333), ("bill/B-1/2", 3334), ("bill/B-1/3", 3333),
        ("bill/B-2/1", -13), ("bill/B-2/2", -12), ("bill/B-3/1", 2410),
    ]  # fmt: skip
    steps = [(step.before, step.after, step.step) for row in found for step in row.steps if step.field == "amount"]
    assert steps[1] == ("33.333333", "33.34", "rounded cumulative") and len(steps) == 5


def test_rows_that_are_left_out_do_not_count_for_cumulative_rounding(charges: Callable[..., Any]) -> None:
    text = table(
        "B-1,2024-03-05,LAMP,1,0.004,,Invoice",
        "B-1,2024-03-05,LAMP,2,0.004,,Quote",
        "B-1,2024-03-05,LAMP,3,1.004,,Invoice",
    )
    columns = {**BILL["columns"], "amount": "Price"}
    mapping = {**BILL, "ignore": ["*"], "columns": columns, "line": "#", "rounding": "cumulative"}
    found = charges(text, mapping={**mapping, "skip": {"it is a quote": "Type == 'Quote'"}})
    assert [getattr(row, "reason", "") or row.line.amount for row in found[1:]] == ["it is a quote", 101]


def test_rows_that_meet_a_condition_are_left_out_for_its_reason(charges: Callable[..., Any]) -> None:
    skip = {"it is a quote": "Type == 'Quote'", "its amount is zero": "amount == 0"}
    text = table(
        *(f"B-1,2024-03-05,LAMP,{qty},10.00,0,{kind}" for qty, kind in ((1, "Quote"), (0, "Bill"), (1, "Bill")))
    )
    quote, free, good = charges(text, mapping=mapped("Qty * Price", skip=skip))
    assert isinstance(quote, PassedOver) and isinstance(free, PassedOver) and isinstance(good, GoodRow)
    assert (quote.reason, free.reason) == ("it is a quote", "its amount is zero")
    assert [(one.amount, one.currency) for one in quote.money] == [(1000, "USD")]


def test_the_total_of_a_document_may_be_computed(charges: Callable[..., Any]) -> None:
    text = table(*(f"B-1,2024-03-05,LAMP,{qty},10.00,5.00,Bill" for qty in (1, 2)))
    compute = {"amount": "Qty * Price", "document_total": "Off * 6"}
    assert len(charges(text, mapping={**mapped(""), "compute": compute})) == 2
    with pytest.raises(SourceError, match=r"the total of bill/B-1 is 35.00, its rows add up to 30.00"):
        charges(text, mapping={**mapped(""), "compute": {**compute, "document_total": "Off * 7"}})


def test_a_currency_in_small_letters_is_read_and_recorded(one: Callable[..., Any]) -> None:
    row = one(currency="usd")
    assert row.line.currency == "USD"
    assert [(step.before, step.after, step.step) for step in row.steps] == [("usd", "USD", "code")]


def test_a_customer_may_come_from_an_earlier_line_of_the_document(charges: Callable[..., Any], tmp_path: Path) -> None:
    text = table(
        "B-1,2024-03-05,LAMP,C-7,10.00", "B-1,2024-03-06,LAMP,,-10.00", "B-2,2024-03-06,LAMP,,-1.00",
        header="Bill,Date,What,customer,amount",
    )  # fmt: skip
    own = {key: value for key, value in BILL.items() if key != "customer"}
    first, second, unknown = charges(text, mapping={**own, "from_document": ["customer"]})
    assert (first.line.customer, second.line.customer) == ("C-7", "C-7")
    assert [(step.field, step.step) for step in second.steps] == [("customer", "from its document")]
    assert isinstance(unknown, BadRow) and unknown.problems[0].field == "customer"


@pytest.mark.parametrize(
    "config",
    [
        {"line": "#"},
        {"line": "1"},
        {"skip": {"its amount is zero": "amount == 0"}},
        {"rounding": "cumulative"},
        {"control": {"total": ["-45.00 USD"]}},
    ],
)
def test_the_books_are_asked_once_for_the_documents_of_many_rows(config: dict[str, Any]) -> None:
    rows = [f"B-{number % 3},2024-03-0{1 + number % 9},LAMP,,-{number}.00" for number in range(1, 10)]
    own = {key: value for key, value in BILL.items() if key != "customer"}
    mapping = read_mapping("bill", {**own, **config, "from_document": ["customer"]})
    asked: list[set[Any]] = []

    def booked(documents: Collection[tuple[str, str]], field: str) -> dict[tuple[str, str], str]:
        asked.append({document for _source, document in documents})
        return {one: field for one in documents if one[1] != "B-2"}

    text = table(*rows, header="Bill,Date,What,customer,amount")
    found = list(read_charge_blocks(SourceStream(BytesIO(text.encode()), "in.csv"), mapping, booked=booked))
    assert asked == [{"B-0", "B-1", "B-2"}]
    assert [one.line.customer if isinstance(one, GoodRow) else "" for one in found] == ["customer", "", "customer"] * 3


def test_an_explanation_names_the_fields_that_a_formula_computes() -> None:
    mapping, text = read_mapping("bill", mapped("Qty * Price")), table("B-1,2024-03-05,LAMP,3,10.10,,Bill")
    (row,) = explain_rows(SourceStream(BytesIO(text.encode()), "in.csv"), mapping, 1)
    (amount,) = [one for one in row.fields if one.field == "amount"]
    assert (amount.column, amount.value, [step.step for step in amount.steps]) == ("(formula)", "30.30", ["computed"])
