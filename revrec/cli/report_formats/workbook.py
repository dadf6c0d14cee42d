"""Write a report as an XLSX workbook: a sheet for each currency, with formulas for sums, balances and checks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from itertools import chain, islice
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell

from revrec.cli.report_formats.long_sheet import Cells, LongSheet, Texts, write_with_rows
from revrec.core.errors import DoesNotFit
from revrec.core.money import minor_digits
from revrec.core.report import (
    Check,
    Disclosure,
    Report,
    ReportPack,
    RowFacts,
    fact_in_words,
    row_facts,
)

MAX_ROWS = 1_000_000
MOST_IN_MEMORY = 5_000
"""Rows of a workbook that XlsxWriter makes in memory. The rows of a longer one are written one by one; they are no
table of Excel, and have a filter instead."""
MAX_DIGITS = 15
"""A cell is a binary floating-point number, which is exact for amounts of so many digits."""
SUMMARY, CHECKS = "Summary", "Checks"
HEAD = 3
"""The row of the column names on a sheet of rows, counted from 0; a title is above it."""
TEXT_STAYS_TEXT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
"""The options of every workbook: hostile text must stay text, so no cell is read as a formula or as a link."""
ROWS_OF_WIDTH = 1_000
"""Rows that decide how wide the columns are."""
SUM_VISIBLE = 109
"""SUBTOTAL's number for a sum that leaves out rows hidden by a filter."""


def write_report(report: Report, file: BinaryIO, facts: RowFacts | None = None) -> None:
    """Write a report as a workbook. ``facts`` are the facts of its rows, which are read for them otherwise.

    Raises:
        DoesNotFit: it has more rows, or an amount has more digits, than a workbook can hold.
    """
    if len(report.rows) > MAX_ROWS:
        raise DoesNotFit(f"{len(report.rows):,} rows do not fit into a workbook; use --format csv")
    if len(report.rows) <= MOST_IN_MEMORY:
        with _workbook(file) as book:
            _WorkbookReport(book, report, facts).write()
        return
    made = BytesIO()
    with _workbook(made) as book:
        long = _WorkbookReport(book, report, facts, is_long=True)
        long.write()
    write_with_rows(made.getvalue(), long.sheets, file)


def write_pack(pack: ReportPack, file: BinaryIO) -> None:
    """Write a pack as a workbook with a sheet for each table.

    Raises:
        DoesNotFit: as :func:`write_report`.
    """
    with _workbook(file) as book:
        whole = _WorkbookReport(book, pack.as_report)
        summary = book.add_worksheet(SUMMARY)
        for table in pack.tables:
            _WorkbookReport(book, table.report).write_table(table)
        whole.write_end(summary, [table.heading for table in pack.tables])


@contextmanager
def _workbook(file: BinaryIO) -> Iterator[Workbook]:
    """Yield a workbook that is written to ``file`` at the end of the block.

    Its temporary files have the rows of the report, and XlsxWriter leaves some of them if it cannot finish.

    Raises:
        OSError: the file or a temporary file cannot be written.
    """
    try:
        with (
            TemporaryDirectory(prefix="revrec-", ignore_cleanup_errors=True) as folder,
            Workbook(file, {**TEXT_STAYS_TEXT, "tmpdir": folder}) as book,
        ):
            yield book
    except FileCreateError as error:
        raise error.args[0] from None


class _WorkbookReport:
    """One report in one workbook. ``sheets`` have the rows of a long one, which are written afterwards."""

    def __init__(self, book: Workbook, report: Report, facts: RowFacts | None = None, is_long: bool = False) -> None:
        self._book = book
        self._report = report
        self._is_long = is_long
        self._bold = book.add_format({"bold": True})
        self._title = book.add_format({"bold": True, "font_size": 14})
        self._bad = book.add_format({"bold": True, "font_color": "#b00020"})
        self._wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        self._formats: dict[tuple[str, bool], Any] = {}
        self._places = {name: place for place, name in enumerate(report.columns)}
        self._counts, self._totals, self._periods = facts or row_facts(report)
        self._texts = Texts()
        self.sheets: list[LongSheet] = []

    def write(self) -> None:
        """Write all sheets."""
        summary = self._book.add_worksheet(SUMMARY)
        currencies = sorted(self._counts)
        for currency in currencies:
            self._write_rows(currency)
        self._write_checks()
        self._write_summary(summary, currencies)

    def write_table(self, table: Disclosure) -> None:
        """Write all rows on one sheet, under the paragraph that asks for them."""
        sheet = self._book.add_worksheet(table.name)
        sheet.write_string(1, 0, table.report.empty if not table.report.rows else "")
        self._write_sheet(
            sheet, table.heading, f"Rows_{table.name.replace(' ', '_')}", table.report.rows, len(table.report.rows)
        )

    def write_end(self, summary: Any, lines: Sequence[str]) -> None:
        """Write the checks and the summary of a pack, with these lines."""
        self._write_checks()
        self._write_summary(summary, ())
        for at, line in enumerate(lines, len(self._report.header) + 6):
            summary.write_string(at, 0, line)

    def _amount_format(self, currency: str, bold: bool = False) -> Any:
        key = currency, bold
        if key not in self._formats:
            digits = minor_digits(currency) if currency else 0
            places = "." + "0" * digits if digits else ""
            number = f"#,##0{places};[Red]-#,##0{places}"
            self._formats[key] = self._book.add_format({"num_format": number, "bold": bold})
        return self._formats[key]

    def _write_rows(self, currency: str) -> None:
        """Write the rows of a currency as a table with a total row; sums and balances are formulas."""
        report, count = self._report, self._counts.get(currency, 0)
        rows = (row for row in report.rows if row["currency"] == currency)
        sheet = self._book.add_worksheet(_sheet_name(currency))
        title = f"{report.title}, {report.header['basis']} basis, {_sheet_name(currency)}"
        self._write_sheet(sheet, title, f"Rows_{currency or 'none'}", rows, count)
        if report.adds_up:
            self._write_totals(sheet, count, currency)
        self._draw(sheet, currency, HEAD + count + 4)

    def _write_sheet(self, sheet: Any, title: str, name: str, rows: Iterable[Mapping[str, Any]], count: int) -> None:
        """Write ``count`` rows as a table with a title."""
        report, rest = self._report, iter(rows)
        first = list(islice(rest, ROWS_OF_WIDTH))
        sheet.write_string(0, 0, title, self._title)
        if self._is_long:
            for at, column in enumerate(report.columns):
                sheet.write_string(HEAD, at, column, self._bold)
            sheet.autofilter(HEAD, 0, HEAD + count, len(report.columns) - 1)
            part = f"xl/worksheets/sheet{sheet.index + 1}.xml"
            self.sheets.append(LongSheet(part, HEAD + 2, self._columns(first[0]), chain(first, rest)))
        else:
            self._add_table(sheet, name, first, count)
            for at, row in enumerate(chain(first, rest), HEAD + 1):
                self._write_row(sheet, at, row, row["currency"])
        sheet.freeze_panes(HEAD + 1, 1)
        sheet.repeat_rows(HEAD)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        for at, column in enumerate(report.columns):
            width = max([len(column), *(len(str(row.get(column) or "")) for row in first)])
            sheet.set_column(at, at, min(width * 1.2 + 2, 60))

    def _columns(self, row: Mapping[str, Any]) -> list[Cells]:
        """Return the columns of a long sheet, whose amounts have the currency of this row."""
        return [self._cells_of(name, row) for name in self._report.columns]

    def _cells_of(self, name: str, row: Mapping[str, Any]) -> Cells:
        letter, report = xl_col_to_name(self._places[name]), self._report
        if name in report.formulas:
            return _Sums(letter, name, self._texts, self._style(row["currency"]), self._terms(name))
        if name in report.amounts:
            return _Amounts(letter, name, self._texts, self._style(row["currency"]))
        if name in report.base:
            # Rows of one currency can have several base currencies, and the styles are written before them.
            styles = {one: self._style(one) for one in {row["base_currency"] for row in report.rows}}
            return _BaseAmounts(letter, name, self._texts, styles)
        return Cells(letter, name, self._texts)

    def _style(self, currency: str) -> int:
        """Return the number of the style of amounts."""
        number: int = self._amount_format(currency)._get_xf_index()
        return number

    def _add_table(self, sheet: Any, name: str, rows: Sequence[Mapping[str, Any]], count: int) -> None:
        """Add a table of Excel for ``count`` rows, with the formats of the first ``rows``."""
        report = self._report
        columns = []
        for column in report.columns:
            described: dict[str, Any] = {"header": column}
            if column in report.amounts and rows:
                described["format"] = self._amount_format(rows[0]["currency"])
            elif column in report.base and rows:
                described["format"] = self._amount_format(rows[0]["base_currency"])
            columns.append(described)
        sheet.add_table(
            HEAD, 0, HEAD + max(count, 1), len(columns) - 1,
            {"name": name, "columns": columns, "style": "Table Style Light 1"},
        )  # fmt: skip

    def _write_row(self, sheet: Any, at: int, row: Mapping[str, Any], currency: str) -> None:
        for column, name in enumerate(self._report.columns):
            value = row.get(name)
            if value is None or value == "":
                sheet.write_blank(at, column, None)
            elif name in self._report.formulas:
                self._write_formula(sheet, at, name, value, self._amount_format(currency))
            elif name in self._report.amounts:
                sheet.write_number(at, column, _number(value, name), self._amount_format(currency))
            elif name in self._report.base:
                sheet.write_number(at, column, _number(value, name), self._amount_format(row["base_currency"]))
            elif isinstance(value, int):
                sheet.write_number(at, column, value)
            else:
                sheet.write_string(at, column, str(value))

    def _write_formula(self, sheet: Any, at: int, name: str, value: str, style: Any) -> None:
        text = _rounded(self._terms(name), at + 1, value)
        sheet.write_formula(at, self._places[name], f"={text}", style, _number(value, name))

    def _terms(self, name: str) -> list[str]:
        """Return the columns that a column adds up, each with its sign."""
        formula = self._report.formulas[name]
        return [f"{'+' if sign > 0 else '-'}{xl_col_to_name(self._places[of])}" for of, sign in formula.items()]

    def _write_totals(self, sheet: Any, count: int, currency: str) -> None:
        report, total = self._report, HEAD + 1 + count
        style = self._amount_format(currency, bold=True)
        sheet.write_string(total, 0, "total", self._bold)
        sums, periods = self._totals[currency], self._periods.get(currency, {})
        for name in report.amounts:
            if name in report.formulas:
                self._write_formula(sheet, total, name, str(sums[name]), style)
                continue
            cells = self._cells(name, count)
            text = f"=SUBTOTAL({SUM_VISIBLE},{cells})"
            if name in periods:
                text = f'=SUMIFS({cells},{self._cells("period", count)},"{periods[name]}")'
            sheet.write_formula(
                total, self._places[name], text, style, _number(str(sums[name]), f"the total of {name}")
            )

    def _cells(self, name: str, count: int, sheet: str = "") -> str:
        """Return the cells of a column of ``count`` rows, on this sheet or on a named one."""
        letter = xl_col_to_name(self._places[name], col_abs=True)
        prefix = f"'{sheet}'!" if sheet else ""
        return f"{prefix}{letter}${HEAD + 2}:{letter}${HEAD + 1 + count}"

    def _write_checks(self) -> None:
        """Write the checks: figures of the report are formulas over its rows, and each difference is computed."""
        sheet = self._book.add_worksheet(CHECKS)
        for column, (name, width) in enumerate(
            {"check": 70, "currency": 10, "left": 18, "right": 18, "difference": 18}.items()
        ):
            sheet.write_string(0, column, name, self._bold)
            sheet.set_column(column, column, width)
        for at, check in enumerate(self._report.checks, 1):
            row, style = check.as_row(), self._amount_format(check.currency)
            sheet.write_string(at, 0, check.name)
            sheet.write_string(at, 1, check.currency)
            left, right, difference = (_number(row[name], name) for name in ("left", "right", "difference"))
            if text := self._source(check):
                sheet.write_formula(at, 2, text, style, left)
            else:
                sheet.write_number(at, 2, left, style)
            sheet.write_number(at, 3, right, style)
            sheet.write_formula(at, 4, f"=ROUND(C{at + 1}-D{at + 1},{minor_digits(check.currency)})", style, difference)
        end = len(self._report.checks)
        if end:
            rule = {"type": "cell", "criteria": "!=", "value": 0, "format": self._bad}
            sheet.conditional_format(1, 4, end, 4, rule)
        else:
            sheet.write_string(1, 0, "this report has no checks")
        sheet.freeze_panes(1, 0)

    def _source(self, check: Check) -> str:
        if check.source is None:
            return ""
        count = self._counts.get(check.currency, 0)
        if not count:
            return "=0"
        cells = self._cells(check.source.column, count, check.currency)
        digits = minor_digits(check.currency)
        if not check.source.period:
            return f"=ROUND(SUM({cells}),{digits})"
        periods = self._cells("period", count, check.currency)
        return f'=ROUND(SUMIFS({cells},{periods},"{check.source.period}"),{digits})'

    def _write_summary(self, sheet: Any, currencies: Sequence[str]) -> None:
        """Write what the report is about, its totals by currency, and how many checks fail, as formulas."""
        report = self._report
        sheet.write_string(0, 0, report.title, self._title)
        at = 2
        for name, value in report.header.items():
            sheet.write_string(at, 0, name.replace("_", " "), self._bold)
            sheet.write_string(at, 1, fact_in_words(value), self._wrapped)
            at += 1
        sheet.write_string(at, 0, "checks that fail", self._bold)
        count = len(report.checks)
        failing = f"=SUMPRODUCT(--('{CHECKS}'!$E$2:$E${count + 1}<>0))" if count else "=0"
        sheet.write_formula(at, 1, failing, None, len(report.differences))
        at += 2
        if not report.rows:
            sheet.write_string(at, 0, f"no rows: {report.empty}")
        if not report.adds_up:
            currencies = ()
        for column, name in enumerate(("total", *currencies)) if currencies else ():
            sheet.write_string(at, column, _sheet_name(name), self._bold)
        for row, name in enumerate(report.amounts, at + 1) if currencies else ():
            sheet.write_string(row, 0, name.replace("_", " "))
            for column, currency in enumerate(currencies, 1):
                cell = xl_rowcol_to_cell(
                    HEAD + 1 + self._counts[currency], self._places[name], row_abs=True, col_abs=True
                )
                value = float(self._totals[currency][name])
                sheet.write_formula(
                    row, column, f"='{_sheet_name(currency)}'!{cell}", self._amount_format(currency), value
                )
        sheet.set_column(0, 0, 26)
        sheet.set_column(1, max(len(currencies), 1), 24)

    def _draw(self, sheet: Any, currency: str, at: int) -> None:
        """Draw the report's chart below the rows, from their cells."""
        report, count = self._report, self._counts[currency]
        if report.chart is None or not 0 < count <= MAX_DRAWN:
            return
        chart = self._book.add_chart({"type": "column", **({"subtype": "stacked"} if report.chart.by_row else {})})
        columns = [self._places[name] for name in report.chart.series]
        if report.chart.by_row:
            for row in range(HEAD + 1, HEAD + 1 + count):
                chart.add_series({
                    "name": [currency, row, self._places[report.chart.x]],
                    "categories": [currency, HEAD, columns[0], HEAD, columns[-1]],
                    "values": [currency, row, columns[0], row, columns[-1]],
                })  # fmt: skip
        else:
            first, last, x = HEAD + 1, HEAD + count, self._places[report.chart.x]
            for column in columns:
                chart.add_series({
                    "name": [currency, HEAD, column],
                    "categories": [currency, first, x, last, x],
                    "values": [currency, first, column, last, column],
                })  # fmt: skip
        chart.set_title({"name": report.title, "name_font": {"size": 12}})
        chart.set_y_axis({"num_format": "#,##0"})
        chart.set_size({"width": 960, "height": 360})
        sheet.insert_chart(at, 0, chart, {"description": f"{report.title}, {currency}: the figures are in the table"})


MAX_DRAWN = 36
"""A chart of more rows cannot be read."""


class _Amounts(Cells):
    """The amounts of a column of a long sheet."""

    def __init__(self, letter: str, name: str, texts: Texts, style: int) -> None:
        super().__init__(letter, name, texts)
        self._style = style

    def xml(self, value: Any, at: int, row: Mapping[str, Any]) -> str:
        """Return the cell of an amount."""
        _check_digits(value, self.name)
        return f' s="{self._style}"><v>{value}</v>'


class _Sums(_Amounts):
    """The amounts of a column that adds up others, as formulas."""

    def __init__(self, letter: str, name: str, texts: Texts, style: int, terms: Sequence[str]) -> None:
        super().__init__(letter, name, texts, style)
        self._terms = terms

    def xml(self, value: Any, at: int, row: Mapping[str, Any]) -> str:
        """Return the cell of a sum."""
        _check_digits(value, self.name)
        return f' s="{self._style}"><f>{_rounded(self._terms, at, value)}</f><v>{value}</v>'


class _BaseAmounts(Cells):
    """Amounts in base currency, which can differ from row to row."""

    def __init__(self, letter: str, name: str, texts: Texts, styles: Mapping[str, int]) -> None:
        super().__init__(letter, name, texts)
        self._styles = styles

    def xml(self, value: Any, at: int, row: Mapping[str, Any]) -> str:
        """Return the cell of an amount."""
        _check_digits(value, self.name)
        return f' s="{self._styles[row["base_currency"]]}"><v>{value}</v>'


def _rounded(terms: Sequence[str], at: int, value: str) -> str:
    """Return the formula of a sum in the row ``at``, counted from 1."""
    # Binary sums of decimals can be off in the sixteenth digit; rounding to the cent removes that and nothing else.
    return f"ROUND({''.join(f'{term}{at}' for term in terms)},{_decimals(value)})"


def _number(text: str, column: str) -> float:
    """Return an amount as a workbook stores it."""
    _check_digits(text, column)
    return float(text)


def _check_digits(text: str, column: str) -> None:
    """Raise DoesNotFit if a workbook would round an amount."""
    if len(text) > MAX_DIGITS and sum(letter.isdigit() for letter in text.lstrip("-0.")) > MAX_DIGITS:
        raise DoesNotFit(
            f"{column} {text} has more than {MAX_DIGITS} digits: a workbook would round it; use --format csv"
        )


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


def _sheet_name(currency: str) -> str:
    """Return the name of the sheet of a currency; what has no amount has no currency either."""
    return currency or "no currency"
