"""Files that are read in blocks and row by row, which must give the same rows."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revrec.sources import ChargeBlock, ColumnMapping, EventBlock, SourceError, SourceStream
from revrec.sources.formats import csv as csv_format

Row = dict[str, str]

DAMAGE = [b"", b"\n", b'"', b"a,b\n", b"\xff\n", b",,\n"]


@dataclass(frozen=True)
class BlockReading:
    """The two ways to read rows of a kind. ``plain`` has the values of an ordinary row."""

    row_reader: Callable[[SourceStream, ColumnMapping], Iterator[Any]]
    block_reader: Callable[[SourceStream, ColumnMapping], Iterator[Any]]
    block: type[ChargeBlock] | type[EventBlock]
    mapping: ColumnMapping
    columns: Sequence[str]
    plain: Row

    def native(self, *rows: Row) -> bytes:
        """Return a native file; a row has the values that differ from the plain one."""
        columns = list(dict.fromkeys([*self.columns, *(name for row in rows for name in row)]))
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows({**self.plain, **row} for row in rows)
        return out.getvalue().encode("utf-8", "surrogatepass")

    def one_by_one(self, data: bytes, mapping: ColumnMapping | None = None) -> list[Any]:
        """Return the rows that are read one by one, and the error at which reading ended."""
        return self._listed(self.row_reader(_stream(data), mapping or self.mapping))

    def in_blocks(self, data: bytes, mapping: ColumnMapping | None = None) -> list[Any]:
        """Return the rows that are read in blocks, one by one, and the error at which reading ended."""
        return self._listed(self.block_reader(_stream(data), mapping or self.mapping))

    def blocks(self, data: bytes, mapping: ColumnMapping | None = None) -> list[int]:
        """Return the number of rows in each block."""
        rows = self.block_reader(_stream(data), mapping or self.mapping)
        return [len(one.rows) for one in rows if isinstance(one, self.block)]

    def check_agreement(self, a_row: st.SearchStrategy[Row], examples: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """Check that both ways give the same for any rows, also around damage."""
        monkeypatch.setattr(csv_format, "LINES_AT_ONCE", 3)

        @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
        @given(rows=st.lists(a_row, max_size=9), damage=st.sampled_from(DAMAGE))
        def holds(rows: list[Row], damage: bytes) -> None:
            data = self.native(*rows) + damage + self.native(*rows).partition(b"\n")[2]
            assert self.in_blocks(data) == self.one_by_one(data)

        holds()

    def check_alone(self, name: str, value: str) -> None:
        """Check that a row with this value, between two plain ones, changes no other row."""
        data = self.native({}, {name: value}, {})
        assert self.in_blocks(data) == self.one_by_one(data)
        assert len(self.one_by_one(data)) == 3

    def _listed(self, rows: Iterator[Any]) -> list[Any]:
        found: list[Any] = []
        try:
            for row in rows:
                found += row.good_rows() if isinstance(row, self.block) else [row]
        except SourceError as error:
            found.append(str(error))
        return found


def _stream(data: bytes) -> SourceStream:
    return SourceStream(io.BytesIO(data), "in.csv")
