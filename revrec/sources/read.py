"""Read a source from end to end: find its format, check its header, yield its rows one by one."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from revrec.core.batching import batched
from revrec.core.errors import BadConfiguration
from revrec.sources import formats
from revrec.sources.amounts import number_reader
from revrec.sources.charges import ChargeRows
from revrec.sources.columns import ChargeBlock
from revrec.sources.control import controlled, summed
from revrec.sources.event_columns import EventBlock
from revrec.sources.events import EventRows
from revrec.sources.fill import BookedValues, rounded_to
from revrec.sources.formula import Formula
from revrec.sources.layout import Layout, check_header
from revrec.sources.mapping import (
    CUMULATIVE,
    NATIVE_CHARGES,
    NATIVE_EVENTS,
    ROUNDED_COLUMN,
    TOTAL_REASONS,
    ColumnMapping,
)
from revrec.sources.problems import shorten
from revrec.sources.rows import BadRow, ChargeRowResult, EventRowResult, PassedOverRecord, TakesBack
from revrec.sources.stream import SourceStream
from revrec.sources.table import Record, Table

Source: TypeAlias = str | Path | BinaryIO | SourceStream
"""A path, an open binary stream, or a :class:`SourceStream`, whose owner can ask it for the digest afterwards."""

RECORDS_AT_ONCE = 500
"""Records whose documents are looked up in the books together."""

LINE = "line"
"""Column that is added to a file whose rows are numbered."""


def read_charges(
    source: Source,
    mapping: ColumnMapping = NATIVE_CHARGES,
    may_be_empty: bool = False,
    booked: BookedValues | None = None,
) -> Iterator[ChargeRowResult]:
    """Yield each row of ``source`` as a good row with its charge line, or as a bad one with all its problems.

    Reading starts with the first row that is requested and stays at most one block ahead. The source is closed at the
    end. ``booked`` finds values of documents in the books, for the fields that a mapping takes from there.

    Raises:
        SourceError: the file as a whole cannot be used, or has no row and ``may_be_empty`` is False. Damage in the
            middle of a file is found after rows were yielded, so do not commit any row before the end.
        BadConfiguration: the mapping is for events.
    """

    return _read(source, mapping, "charges", ChargeRows, may_be_empty, booked)


def read_charge_blocks(
    source: Source,
    mapping: ColumnMapping = NATIVE_CHARGES,
    may_be_empty: bool = False,
    booked: BookedValues | None = None,
) -> Iterator[ChargeBlock | ChargeRowResult]:
    """Yield the same rows as :func:`read_charges`, but those in which nothing is out of the ordinary in blocks."""
    return _read(source, mapping, "charges", ChargeRows, may_be_empty, booked, in_blocks=True)


def read_events(
    source: Source, mapping: ColumnMapping = NATIVE_EVENTS, may_be_empty: bool = False
) -> Iterator[EventRowResult]:
    """Yield the rows of a file of fulfillment events; otherwise the same as :func:`read_charges`."""
    return _read(source, mapping, "events", EventRows, may_be_empty)


def read_event_blocks(
    source: Source, mapping: ColumnMapping = NATIVE_EVENTS, may_be_empty: bool = False
) -> Iterator[EventBlock | EventRowResult]:
    """Yield the same rows as :func:`read_events`, but those in which nothing is out of the ordinary in blocks."""
    return _read(source, mapping, "events", EventRows, may_be_empty, in_blocks=True)


def _read(
    source: Source,
    mapping: ColumnMapping,
    rows: str,
    kind: Callable[[ColumnMapping, Layout], Any],
    may_be_empty: bool,
    booked: BookedValues | None = None,
    in_blocks: bool = False,
) -> Iterator[Any]:
    if mapping.rows != rows:
        raise BadConfiguration(f'[mapping.{mapping.name}] is for {mapping.rows}: set rows = "{rows}" to read {rows}')
    with source if isinstance(source, SourceStream) else SourceStream(source) as stream:
        table = open_table(stream, mapping)
        row, layout = None, Layout(mapping, table.header, booked=booked)
        if mapping.from_document:
            table = table._replace(records=_prepared(table, layout))
        reader, table = kind(mapping, layout), wanted_rows(table, mapping, layout)
        if mapping.rounding == CUMULATIVE:
            table = table._replace(records=_rounded(table, layout))
        if mapping.is_controlled:
            found = controlled(reader.rows(table), stream, mapping, layout)
        else:
            found = reader.blocks(table) if in_blocks else reader.rows(table)
        for row in found:
            yield _with_elements(row, table, layout) if isinstance(row, BadRow) and table.elements else row
        if row is None and not may_be_empty:
            raise stream.error("", f"has no {rows}", table.expected)
        stream.drain()
        if warning := reader.warning:
            stream.warnings.append(warning)


def _prepared(table: Table, layout: Layout) -> Iterator[Record]:
    """Yield the records; the books are asked for many of them at once, before any of them is filled in."""
    for some in batched(table.records, RECORDS_AT_ONCE):
        layout.prepare([row for _number, row in some if isinstance(row, list)])
        yield from some


def _with_elements(row: BadRow, table: Table, layout: Layout) -> BadRow:
    """Return the row with the place in its document of each value that has a problem."""
    places = {name: table.elements.get(column, "") for name, column in layout.columns.items()}
    return row._replace(problems=[one._replace(element=places.get(one.field, "")) for one in row.problems])


def reread(
    mapping: ColumnMapping,
    columns: Mapping[str, str],
    fixes: Mapping[str, str],
    number: int,
    place: str,
    booked: BookedValues | None = None,
) -> ChargeRowResult | EventRowResult:
    """Read one row again from its values by column, with ``fixes`` (by field) replacing what the source wrote."""
    header = tuple(columns)
    layout = Layout(mapping, header, fixes, booked)
    table = Table(header, iter([(number, list(columns.values()))]), lambda _: place)
    rows = ChargeRows(mapping, layout) if mapping.rows == "charges" else EventRows(mapping, layout)
    return next(iter(rows.rows(table)))


def open_table(stream: SourceStream, mapping: ColumnMapping) -> Table:
    """Open the source as a table, check its header, and set ``stream.header`` to its columns.

    Raises:
        SourceError: the format is unknown, or the header cannot be used.
    """
    table = formats.find_format(stream, mapping).read(stream, mapping)
    if mapping.headings:
        table = table._replace(records=_under_headings(table, mapping))
    if mapping.fill_down:
        table = table._replace(records=_filled_down(table, mapping))
    if mapping.numbered:
        table = _with_line_column(stream, table)
    check_header(stream, mapping, table)
    if mapping.rounding == CUMULATIVE:
        table = table._replace(header=[*table.header, ROUNDED_COLUMN])
    stream.header = tuple(table.header)
    if mapping.sum_column:
        table = table._replace(records=summed(table, stream, mapping))
    if mapping.only:
        table = table._replace(records=_chosen(table, mapping))
    if mapping.numbered:
        table = table._replace(records=_numbered(table, mapping))
    if mapping.rounding == CUMULATIVE:
        table = table._replace(records=_with_rounded_column(table))
    return table


def _with_rounded_column(table: Table) -> Iterator[Record]:
    """Yield the records, with an empty cell for the rounded amount."""
    for number, row in table.records:
        for cells in row.rows if isinstance(row, PassedOverRecord) else [row] if isinstance(row, list) else ():
            cells.append("")
        yield number, row


def _rounded(table: Table, layout: Layout) -> Iterator[Record]:
    """Yield the records with their rounded amounts: what the rounded sum of the document's rows so far grows by.

    Only rows of a document that follow each other are summed up.
    """
    at, place, rounding = layout.positions, table.header.index(ROUNDED_COLUMN), layout.rounding
    document, exact = ("", ""), Decimal(0)
    for number, row in table.records:
        if isinstance(row, list) and rounding:
            values = layout.complete(row)
            if found := rounding.exact(values):
                this = values[at["source"]], values[at["document"]]
                document, before = this, exact if this == document else Decimal(0)
                exact = before + found[0].decimal
                row[place] = f"{rounded_to(exact, found[1]) - rounded_to(before, found[1]):f}"
        yield number, row


def _with_line_column(stream: SourceStream, table: Table) -> Table:
    """Return the table with a column for the number of each row.

    Raises:
        SourceError: the file has this column itself.
    """
    if LINE not in table.header:
        return table._replace(header=[*table.header, LINE])
    if table.strict:
        fix = 'remove line = "#" from the mapping, or map another column'
        raise stream.error("the header", f'has a column "{LINE}", and the mapping numbers the rows', fix)
    return table


def _numbered(table: Table, mapping: ColumnMapping) -> Iterator[Record]:
    """Yield the records, each with its number within its document in the column for it."""
    column = mapping.column_of("document")
    place, line = table.header.index(column) if column else None, table.header.index(LINE)
    counts: Counter[str] = Counter()
    for number, row in table.records:
        if isinstance(row, list):
            document = row[place].strip() if place is not None else ""
            counts[document] += 1
            yield number, [*row[:line], str(counts[document]), *row[line + 1 :]]
        elif isinstance(row, PassedOverRecord):
            # The amounts of these rows are read by the same places, so they need the column, too.
            yield number, row._replace(rows=[[*one[:line], "", *one[line + 1 :]] for one in row.rows])
        else:
            yield number, row


def _chosen(table: Table, mapping: ColumnMapping) -> Iterator[Record]:
    """Yield the records; those that the mapping's ``only`` does not select are passed over."""
    asked = [(table.header.index(column), column, patterns) for column, patterns in mapping.only.items()]
    for number, row in table.records:
        if isinstance(row, list):
            for place, column, patterns in asked:
                value = row[place].strip()
                if not any(fnmatchcase(value, pattern) for pattern in patterns):
                    said = f'{column} is "{shorten(value)}"' if value else f"{column} is empty"
                    yield number, PassedOverRecord(said, [row])
                    break
            else:
                yield number, row
        else:
            yield number, row


def _under_headings(table: Table, mapping: ColumnMapping) -> Iterator[Record]:
    """Yield the records below heading rows, with the value of the heading in its column.

    A heading is the only value of its row. A row that has a value in a column of headings and others, such as
    ``Total for C-ADA``, ends the group.
    """
    places = [table.header.index(column) for column in mapping.headings if column in table.header]
    headings = dict.fromkeys(places, "")
    for number, row in table.records:
        if not isinstance(row, list):
            yield number, row
            continue
        filled = [place for place, text in enumerate(row) if text.strip()]
        if len(filled) == 1 and filled[0] in headings:
            headings |= dict.fromkeys(places[places.index(filled[0]) :], "")
            headings[filled[0]] = row[filled[0]]
            yield number, PassedOverRecord("it is a heading")
            continue
        for place in places:
            if row[place].strip():
                headings |= dict.fromkeys(places[places.index(place) :], "")
                break
        yield number, [headings.get(place) or text if not text.strip() else text for place, text in enumerate(row)]


def _filled_down(table: Table, mapping: ColumnMapping) -> Iterator[Record]:
    """Yield the records; an empty cell of a column in ``fill_down`` has the value above it."""
    values = {table.header.index(column): "" for column in mapping.fill_down if column in table.header}
    for number, row in table.records:
        if isinstance(row, list):
            values |= {place: row[place] for place in values if row[place].strip()}
            yield number, [values.get(place, text) for place, text in enumerate(row)]
        else:
            yield number, row


def wanted_rows(table: Table, mapping: ColumnMapping, layout: Layout) -> Table:
    """Return the table; total rows, and rows that meet a condition of ``skip``, are passed over for their reason."""
    is_filtered = mapping.skip or mapping.total_rows
    return table._replace(records=_wanted(table, mapping, layout)) if is_filtered else table


def _wanted(table: Table, mapping: ColumnMapping, layout: Layout) -> Iterator[Record]:
    def reasons(conditions: Mapping[str, Formula]) -> Callable[[list[str]], str]:
        placed = [(reason, one, layout.formula_places(one)) for reason, one in conditions.items()]
        return lambda values: next(
            (reason for reason, one, at in placed if one.holds({name: values[at[name]] for name in at}, read)), ""
        )

    read = number_reader(mapping.style)
    skipped = reasons(mapping.skip)
    takes_back = {
        reason: TakesBack.DOCUMENT if mapping.is_about_documents(one) else TakesBack.LINE
        for reason, one in mapping.skip.items()
    }
    total = reasons({TOTAL_REASONS[key]: one for key, one in mapping.total_rows.items()})
    for number, row in table.records:
        # ``only`` leaves out total rows as well: they have no type, or no currency.
        cells = row.rows[0] if isinstance(row, PassedOverRecord) and len(row.rows) == 1 else row
        if not isinstance(cells, list):
            yield number, row
            continue
        values = layout.complete(cells)
        if stated := total(values):
            yield number, PassedOverRecord(stated, [cells])
        elif isinstance(row, list) and (reason := skipped(values)):
            yield number, PassedOverRecord(reason, [row], takes_back[reason])
        else:
            yield number, row
