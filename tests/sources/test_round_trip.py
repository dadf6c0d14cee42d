"""Any charge line written in any format is read back the same; the fast and the strict reading agree."""

import csv
import io
import json
from datetime import date
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revrec.core.charge_line import DIMENSIONS, ChargeLine
from revrec.core.money import decimal_string
from revrec.sources import NATIVE_CHARGES, SourceStream, read_charges
from revrec.sources.charges import ChargeRows
from revrec.sources.fields import CHARGE_COLUMNS
from revrec.sources.layout import Layout
from revrec.sources.problems import InvalidValue
from revrec.sources.text import clean, clean_id

letters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co", "Zl", "Zp"))
texts = st.text(letters, max_size=20).map(clean)
ids = st.text(letters, min_size=1, max_size=12).map(clean_id).filter(lambda text: text != "")
parts = ids.filter(lambda text: "/" not in text)
dates = st.dates(date(1900, 1, 1), date(2199, 12, 31))
amounts = st.integers(-(2**63) + 1, 2**63 - 1).filter(bool)


@st.composite
def charge_lines(draw: st.DrawFn) -> ChargeLine:
    start, end = sorted((draw(dates), draw(dates)))
    return ChargeLine(
        draw(parts), draw(ids), draw(parts), draw(ids), draw(ids), draw(dates), draw(amounts),
        draw(st.sampled_from(["USD", "JPY", "KWD", "CLF"])), draw(st.none() | dates), draw(texts),
        draw(st.none() | st.decimals(-1000, 1000, places=3)), start, end, draw(st.just("") | ids),
        draw(st.dictionaries(st.sampled_from(DIMENSIONS), ids)),
    )  # fmt: skip


def cells(line: ChargeLine) -> dict[str, str]:
    """The line as a native file writes it."""
    row: dict[str, Any] = {**line._asdict(), **{name: line.dimensions.get(name, "") for name in DIMENSIONS}}
    row["amount"] = decimal_string(line.amount, line.currency)
    return {name: "" if row[name] is None else str(row[name]) for name in CHARGE_COLUMNS}


def as_csv(rows: list[dict[str, str]], delimiter: str = ",") -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, CHARGE_COLUMNS, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def as_xml(rows: list[dict[str, str]]) -> str:
    inner = ("".join(f"<{name}>{escape(value)}</{name}>" for name, value in row.items()) for row in rows)
    return "<charges>" + "\n".join(f"<charge>{record}</charge>" for record in inner) + "</charges>"


WRITERS = {
    "in.csv": as_csv,
    "in.tsv": lambda rows: as_csv(rows, "\t"),
    "in.json": lambda rows: json.dumps({"charges": rows}),
    "in.jsonl": lambda rows: "\n".join(json.dumps(row, ensure_ascii=False) for row in rows),
    "in.xml": as_xml,
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("examples", [20, pytest.param(60, marks=pytest.mark.slow)])
def test_what_is_written_is_read_back(name: str, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(lines=st.lists(charge_lines(), min_size=1, max_size=5))
    def holds(lines: list[ChargeLine]) -> None:
        data = WRITERS[name]([cells(line) for line in lines]).encode()
        read = list(read_charges(SourceStream(io.BytesIO(data), name)))
        assert [getattr(row, "line", row) for row in read] == lines

    holds()


numbers = st.one_of(
    st.sampled_from(
        ["24.00", "-0.01", "0.00", "1,000.00", "12.345", "NaN", "(3.00)", "$ 4.00", "99999999999999999999"]
    ),
    st.from_regex(r"-?[0-9]{1,20}\.[0-9]{0,3}", fullmatch=True),
)
loose = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(["", " a ", "a/b", "a\nb", "x" * 300])
dates_loose = st.sampled_from(["2024-01-05", "", "2023-02-29", "20240105", "5/1/2024", "2024-01-05T10:00:00Z"])
rows_loose = st.fixed_dictionaries(
    dict.fromkeys(("document", "line", "customer", "description", "location"), loose)
    | dict.fromkeys(("post_date", "rev_rec_date", "service_start", "service_end"), dates_loose)
    | {
        "amount": numbers,
        "quantity": numbers | st.just(""),
        "currency": st.sampled_from(["USD", "JPY", "usd", "", " EUR"]),
    }
)


@settings(max_examples=300, deadline=None)
@given(row=rows_loose)
def test_the_fast_reading_never_disagrees_with_the_strict_one(row: dict[str, str]) -> None:
    layout = Layout(NATIVE_CHARGES, CHARGE_COLUMNS)
    reader = ChargeRows(NATIVE_CHARGES, layout)
    values = layout.complete([{"source": "s", "item": "i", **row}.get(name, "") for name in CHARGE_COLUMNS])
    if not "".join(values).isprintable():
        return
    try:
        fast = reader.read_fast(values)
    except InvalidValue:
        return
    assert reader.read_strict(values) == fast
    assert isinstance(fast.amount, int) and (fast.quantity is None or isinstance(fast.quantity, Decimal))
