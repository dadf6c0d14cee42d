"""Cleaning: every change of a value is recorded, with the value before and after and where it came from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from revrec.core.errors import BadConfiguration
from revrec.sources import GoodRow
from revrec.sources.mapping_reader import read_mapping

HEADER = "source,document,line,customer,item,post_date,amount,currency"

CUSTOMERS = "alias,customer,terms\nMüller GmbH,C-1,\nold-7,C-7,NET10\n"
TERMS = "customer,terms\nC-1,NET45\nC-2,\n"


def steps(row: Any) -> list[tuple[Any, ...]]:
    return [tuple(step) for step in row.steps]


def test_a_clean_row_has_no_steps(one: Callable[..., Any]) -> None:
    assert not one().steps


@pytest.mark.parametrize(
    ("field", "written", "value", "step"),
    [
        ("customer", " C-1 ", "C-1", "trimmed"),
        ("document", "INV-1\u00a0", "INV-1", "trimmed"),
        ("customer", "C\u200b-1", "C-1", "invisible characters removed"),
        ("item", "\ufeffMAG-01", "MAG-01", "invisible characters removed"),
        ("document", "INV\u202f1", "INV 1", "blanks"),
        ("customer", "Mu\u0308ller", "Müller", "Unicode NFC"),
        ("post_date", "2024-01-05T23:00:00+02:00", "2024-01-05", "date"),
        ("post_date", "20240105", "2024-01-05", "date"),
        ("amount", "1,024.00", "1024.00", "number"),
        ("amount", "(24.00)", "-24.00", "number"),
        ("amount", "$24.00", "24.00", "number"),
    ],
)
def test_each_kind_of_change_is_reported(
    one: Callable[..., Any], field: str, written: str, value: str, step: str
) -> None:
    row = one(**{field: written})
    assert isinstance(row, GoodRow)
    assert steps(row) == [(field, written, value, step, "", 0)]


def test_a_number_in_other_but_plain_digits_is_no_change(one: Callable[..., Any]) -> None:
    assert not one(amount="24").steps and not one(amount="24.0").steps


def test_two_steps_on_one_value_are_reported_in_order(one: Callable[..., Any]) -> None:
    row = one(customer=" Mu\u0308ller\u200b")
    assert [step.step for step in row.steps] == ["trimmed", "invisible characters removed", "Unicode NFC"]
    assert row.line.customer == row.steps[-1].after == "Müller"


def test_texts_keep_the_joiners_that_letters_and_emoji_need(charges: Callable[..., Any]) -> None:
    family, persian = "\U0001f469\u200d\U0001f469", "می\u200cخواهم"
    (row,) = charges(f"{HEADER},description\nshop,1,1,C,I,2024-01-05,1.00,USD,\u200e{family} {persian}\n")
    assert row.line.description == f"{family} {persian}"


def test_aliases_defaults_by_table_and_fixed_defaults(charges: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(CUSTOMERS)
    (tmp_path / "terms.csv").write_text(TERMS)
    config = {
        "dimensions": {"terms": "Terms"},
        "aliases": {"customer": "customers.csv"},
        "lookups": {"terms": {"table": "terms.csv", "by": "customer"}},
        "defaults": {"terms": "NET30"},
    }
    rows = [("Müller GmbH", ""), ("old-7", ""), ("C-2", ""), ("C-1", "NET5")]
    data = "".join(f"shop,{n},1,{c},I,2024-01-05,1.00,USD,{t}\n" for n, (c, t) in enumerate(rows))
    first, second, third, fourth = charges(f"{HEADER},Terms\n{data}", mapping=config, home=tmp_path)
    assert [row.line.customer for row in (first, second, third, fourth)] == ["C-1", "C-7", "C-2", "C-1"]
    assert [row.line.dimensions["terms"] for row in (first, second, third, fourth)] == [
        "NET45", "NET30", "NET30", "NET5",
    ]  # fmt: skip
    assert steps(first) == [
        ("customer", "Müller GmbH", "C-1", "alias", "customers.csv", 2),
        ("terms", "", "NET45", "lookup", "terms.csv", 2),
    ]
    assert steps(second)[1] == ("terms", "", "NET30", "default", "", 0)
    assert steps(third) == [("terms", "", "NET30", "default", "", 0)], "an empty cell of the table supplies nothing"
    assert not fourth.steps


def test_filling_in_one_field_leaves_another_of_the_same_column_alone(
    charges: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "items.csv").write_text("alias,item\nOld lamp,LAMP\n")
    config = {"columns": {"description": "item"}, "aliases": {"item": "items.csv"}}
    (row,) = charges(f"{HEADER}\nshop,1,1,C,Old lamp,2024-01-05,1.00,USD\n", mapping=config, home=tmp_path)
    assert (row.line.item, row.line.description) == ("LAMP", "Old lamp")
    assert steps(row) == [("item", "Old lamp", "LAMP", "alias", "items.csv", 2)]


def test_an_alias_is_found_however_its_name_is_spaced_or_composed(charges: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(CUSTOMERS)
    data = f"{HEADER}\nshop,1,1, Mu\u0308ller\u00a0GmbH ,I,2024-01-05,1.00,USD\n"
    (row,) = charges(data, mapping={"aliases": {"customer": "customers.csv"}}, home=tmp_path)
    assert row.line.customer == "C-1" and row.steps[0].row == 2


def test_a_field_without_a_column_can_come_from_a_table_alone(charges: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "currency.csv").write_text("customer,currency\nC,EUR\n")
    config = {"lookups": {"currency": {"table": "currency.csv", "by": "customer"}}}
    data = f"{HEADER.removesuffix(',currency')}\nshop,1,1,C,I,2024-01-05,1.00\n"
    (row,) = charges(data, mapping=config, home=tmp_path)
    assert (row.line.currency, row.line.amount) == ("EUR", 100)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        ("alias,customr\na,b\n", 'has no column "customer"; did you mean "customr"?'),
        ("alias,customer\na,b\na,c\n", 'line 3: "a" is already in line 2'),
        ("alias,customer\na\n", "line 2: has 1 fields, the header has 2"),
        ('alias,customer\n"a,b\n', "cannot be read"),
        ("alias,customer\na,x\x07\n", "line 2: control character"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_before_any_file(tmp_path: Path, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / "t.csv").write_text(content)
    with pytest.raises(BadConfiguration) as caught:
        read_mapping("shop", {"aliases": {"customer": "t.csv"}}, tmp_path)
    assert said in str(caught.value) and str(caught.value).startswith("[mapping.shop] aliases.customer: ")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"lookups": {"terms": "t.csv"}}, "lookups.terms: there is no such field"),
        ({"lookups": {"item": "t.csv"}}, "lookups.item must be a table [mapping.shop.lookups.item]"),
        (
            {"lookups": {"item": {"table": "t.csv"}}},
            '[mapping.shop.lookups.item] needs by: the name of another field in quotes, such as "customer"',
        ),
        ({"lookups": {"item": {"table": "t.csv", "by": "item"}}}, "write the name of another field"),
        ({"aliases": {"custmer": "t.csv"}}, 'aliases.custmer: there is no such field; did you mean "customer"?'),
        ({"only": {"status": 7}}, "only.status = 7: expected a text or a list of texts"),
    ],
)
def test_a_mapping_that_cleans_wrongly_is_refused(tmp_path: Path, config: dict[str, Any], said: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        read_mapping("shop", config, tmp_path)
    assert said in str(caught.value)


@pytest.mark.slow
def test_a_file_with_endless_different_notations_still_reports_every_change(charges: Callable[..., Any]) -> None:
    rows = 45_000
    data = "".join(f"shop,{n},1,C-{n} ,I,2024-01-05,1.00,USD\n" for n in range(rows))
    found = charges(f"{HEADER}\n{data}")
    assert sum(1 for row in found if [step.field for step in row.steps] == ["customer"]) == rows
