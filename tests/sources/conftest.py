"""Short ways to read a text or bytes as a source."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from revrec.sources import NATIVE_CHARGES, ColumnMapping, SourceStream, read_charges, read_events
from revrec.sources.mapping_reader import read_mapping
from revrec.sources.shipped import resolved

HEADER = "source,document,line,customer,item,post_date,amount,currency"
ROW = {
    "source": "shop",
    "document": "INV-1",
    "line": "1",
    "customer": "C-1",
    "item": "MAG-01",
    "post_date": "2024-01-05",
    "amount": "24.00",
    "currency": "USD",
}


def stream(data: str | bytes, name: str) -> SourceStream:
    return SourceStream(BytesIO(data.encode() if isinstance(data, str) else data), name)


@pytest.fixture
def charges() -> Callable[..., list[Any]]:
    """``charges(data, name="in.csv", mapping={}, home=Path())``: all rows of the data."""

    def read(
        data: str | bytes, name: str = "in.csv", mapping: dict[str, Any] | None = None, home: Path = Path()
    ) -> list[Any]:
        return list(read_charges(stream(data, name), read_mapping("test", mapping or {}, home)))

    return read


@pytest.fixture
def events() -> Callable[..., list[Any]]:
    """The same for events."""

    def read(data: str | bytes, name: str = "in.csv", mapping: dict[str, Any] | None = None) -> list[Any]:
        return list(read_events(stream(data, name), read_mapping("test", {"rows": "events", **(mapping or {})})))

    return read


@pytest.fixture
def one() -> Callable[..., Any]:
    """``one(amount="(12.00)")``: the row that a native charge with these values, or this mapping, becomes."""

    def read(mapping: dict[str, Any] | None = None, **values: str) -> Any:
        row = {**ROW, **values}
        quoted = ['"{}"'.format(value.replace('"', '""')) for value in row.values()]
        data = ",".join(row) + "\n" + ",".join(quoted) + "\n"
        chosen = read_mapping("test", mapping) if mapping else replace(NATIVE_CHARGES)
        rows = list(read_charges(stream(data, "in.csv"), chosen))
        assert len(rows) == 1
        return rows[0]

    return read


@pytest.fixture(scope="session")
def shipped() -> Callable[..., ColumnMapping]:
    """``shipped(name, rows="charges", **more)``: a shipped mapping for these rows, with more options."""

    def made(name: str, rows: str = "charges", **more: Any) -> ColumnMapping:
        config = resolved(name, {}, "")
        part = {key: value for key, value in config.items() if key not in ("charges", "events")}
        return read_mapping(name, {**part, **config.get(rows, {}), "rows": rows, **more})

    return made


@pytest.fixture
def read_by(shipped: Callable[..., ColumnMapping]) -> Callable[..., list[Any]]:
    """``read_by(name, data, rows="charges", **more)``: all rows of data, or of a file, by a shipped mapping."""

    def read(name: str, data: str | Path, rows: str = "charges", **more: Any) -> list[Any]:
        reader: Any = read_charges if rows == "charges" else read_events
        source = data if isinstance(data, Path) else stream(data, "in")
        return list(reader(source, shipped(name, rows, **more)))

    return read
