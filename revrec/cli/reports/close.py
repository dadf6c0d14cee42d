"""``revrec report close``."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.report_output import DIFFERS, report_span
from revrec.cli.shared import Options, command, fail

if TYPE_CHECKING:
    from revrec.core.report import Report
    from revrec.core.typed_dates import DateSpan
    from revrec.jobs.context import Context

INDEX = "index.html"
SUMS = "SHA256SUMS"
ANCHOR = "anchor.json"
ENDS = (".html", ".json", ".csv", ".xlsx")
IN_OTHER_REPORTS = ("D5", "D6", "D7", "D7 items", "D8")
"""The disclosures that the folder has as separate reports."""
WINDOW = 12
"""Months of the waterfall."""


def register(group: typer.Typer) -> None:
    """Add the report."""

    @command(group, "close", "report")
    def close(
        options: Options,
        period: Annotated[str, typer.Option("--period", metavar="P", help="The month: 2024-03, 'last month'.")],
        to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="The folder to write, new or empty.")],
        replace: Annotated[
            bool, typer.Option("--replace", help="Write over an earlier close of this month in the folder.")
        ] = False,
    ) -> None:
        """Save all reports of a month, with the close checklist.

        Each report is there as a workbook, a page, CSV and JSON. The index leads to them and shows the checklist:
        imports complete, everything scheduled or explained, the run done, every entry posted, the ledger reconciled,
        the tie-out signed, the books verified, the period closed, each with its evidence and the next command.
        anchor.json is for a later revrec verify --anchor; it is left out if the books are not sound. SHA256SUMS proves
        that no file was changed. Nothing in the books is changed. Exit code 7 means that a check of a report fails.

        \b
        Examples:
          revrec report close --period 2024-03 --to close-2024-03
        """
        from revrec.core.calendar import month_end
        from revrec.core.errors import BadInput
        from revrec.core.typed_dates import DateSpan
        from revrec.jobs.admin.verify import save_anchor
        from revrec.jobs.admin.verify_beside import verifying
        from revrec.jobs.reports.close_checklist import close_checklist, in_words
        from revrec.jobs.reports.day_notes import check_books_had_begun, check_has_begun

        if options.format is not None:
            fail("report close writes each report in every format: leave out --format", 2)
        context, month = options.context(), report_span(period, None, None)
        if month != DateSpan(month.first.replace(day=1), month_end(month.first)):
            fail(f"--period {period}: name one month, such as 2024-03", 2)
        _check_folder(to, f"{month.first:%B %Y}", replace)
        check_has_begun(context, f"--period {period}", month.first)
        try:
            check_books_had_begun(context, f"--period {period}", month.last)
        except BadInput as error:
            fail(str(error), 2)
        began = context.timestamp()
        with verifying(context) as verified:
            found = dict(_reports(context, month))
            _prepare(to, found)
            left_out = _write_reports(to, found)
            books = verified()
        if books.sound:
            save_anchor(to / ANCHOR, books, began)
        else:
            # The anchor of an earlier close would be taken for one of this.
            (to / ANCHOR).unlink(missing_ok=True)
            left_out.append(f"{ANCHOR} is left out: the books are not sound; see: revrec verify")
        checklist = close_checklist(context, month, found["tie-out"], books)
        _write_index(to / INDEX, f"{month.first:%B %Y}", found, [one._asdict() for one in checklist])
        _write_sums(to, found)
        for line in in_words(checklist):
            print(line)
        failing = [name for name, report in found.items() if not report.ties_out]
        print(f"\n{len(found)} reports in {to}; open {to / INDEX}")
        for line in left_out:
            print(f"revrec: warning: {line}", file=sys.stderr)
        if failing:
            print(f"checks fail in: {', '.join(failing)}", file=sys.stderr)
            raise typer.Exit(DIFFERS)


def _check_folder(folder: Path, month: str, replace: bool) -> None:
    """Refuse a folder that has files of anything but an earlier close of the month."""
    if folder.exists() and not folder.is_dir():
        fail(f"{folder}: it is a file; name a folder", 2)
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (replace and (folder / SUMS).is_file()):
        fail(f"{folder}: it is not empty; name a new folder, or add --replace if it has an earlier close", 2)
    index = folder / INDEX
    if index.is_file() and f"<title>Close of {month}</title>" not in index.read_text(encoding="utf-8"):
        fail(f"{folder}: it has the close of another month; name a new folder for {month}", 2)


def _reports(context: "Context", month: "DateSpan") -> "Iterator[tuple[str, Report]]":
    """Yield the reports of the month by the names of their files."""
    from revrec.cli.reports.balance import BalanceRows, balance_report
    from revrec.core.filters import Filters
    from revrec.core.typed_dates import DateSpan
    from revrec.jobs.reports import activity
    from revrec.jobs.reports.costs import CostOptions, costs
    from revrec.jobs.reports.disclosures import disclosures
    from revrec.jobs.reports.exceptions import exceptions
    from revrec.jobs.reports.exchange import exchange
    from revrec.jobs.reports.late import late
    from revrec.jobs.reports.line_balances import BalanceOptions
    from revrec.jobs.reports.remaining_obligations import remaining_obligations
    from revrec.jobs.reports.report_header import listed_report
    from revrec.jobs.reports.revenue import revenue
    from revrec.jobs.reports.rollforward import RollforwardOptions, rollforward
    from revrec.jobs.reports.tie_out import tie_out
    from revrec.jobs.reports.waterfall import waterfall

    until, year = month.last, DateSpan(month.first.replace(month=1), month.last)
    yield "rollforward", rollforward(context, RollforwardOptions(year))
    yield "waterfall", waterfall(context, until, "billed", month.first, WINDOW)
    yield "balance", balance_report(context, BalanceOptions(until), BalanceRows.contracts)
    yield "balance-lines", balance_report(context, BalanceOptions(until), BalanceRows.lines)
    yield "rpo", remaining_obligations(context, until, "entity", (12, 24))
    yield "revenue", revenue(context, year, "month", "item")
    yield "revenue-by-timing", revenue(context, year, "month", "timing")._replace(title="Revenue by timing")
    yield from _forecast(context, month)
    for one in disclosures(context, month, quarterly=False, without=IN_OTHER_REPORTS).tables:
        yield f"disclosure-{one.name}", one.report._replace(title=one.heading)
    yield "costs", costs(context, CostOptions(year))
    if context.settings.gateway.rates is not None:
        yield "exchange", exchange(context, until, "charge")
    yield "activity", activity.activity(context, month, "month")
    filters = Filters(first=month.first, last=until)
    sides = activity.JournalSides()
    lines = activity.journal(context, filters, sides=sides)
    listed = listed_report(context, "journal", "Journal", filters, activity.JOURNAL, lines, ("debit", "credit"))
    yield "journal", listed._replace(checks=sides.checks(filters))
    yield "exceptions", exceptions(context, until)
    yield "late", late(context, filters, "change")
    yield (
        "late-by-month",
        late(context, Filters(first=year.first, last=until), "month")._replace(title="Late changes by month"),
    )
    yield "tie-out", tie_out(context, until)


def _forecast(context: "Context", month: "DateSpan") -> "Iterator[tuple[str, Report]]":
    """Yield the comparison with the plan of the previous close; nothing if the month before is not closed."""
    from revrec.core.errors import BadInput
    from revrec.jobs.reports.forecast import forecast

    with suppress(BadInput):
        yield "forecast", forecast(context, month, "item")


def _prepare(folder: Path, reports: "Mapping[str, Report]") -> None:
    """Create the folder with an empty list of digests, so that --replace accepts it if this close is interrupted.

    A report of an earlier close that this one does not have is removed: it would be of other figures.
    """
    from revrec.files import write_text

    try:
        folder.mkdir(parents=True, exist_ok=True)
        sums = folder / SUMS
        listed = sums.read_text(encoding="utf-8").splitlines() if sums.exists() else ()
        for file in (folder / Path(line.partition("  ")[2]).name for line in listed):
            if file.suffix in ENDS and file.name not in _names(reports):
                file.unlink(missing_ok=True)
        write_text(sums, "")
    except OSError as error:
        fail(f"{folder}: cannot be written: {error.strerror or error}", 2)


def _write_reports(folder: Path, reports: "Mapping[str, Report]") -> list[str]:
    """Write each report in every format; return in words which files and rows are left out."""
    from revrec.cli.output import print_csv, writing_to
    from revrec.cli.report_formats import MODULES, save_report
    from revrec.cli.report_formats.page import rows_left_out
    from revrec.cli.report_output import show_json
    from revrec.core.errors import DoesNotFit
    from revrec.core.report import row_facts

    left_out = []
    for name, report in reports.items():
        facts = row_facts(report)
        for end in MODULES:
            file = folder / f"{name}.{end}"
            try:
                save_report(report, end, file, facts)
            except DoesNotFit as error:
                # A file of an earlier close would contradict the other formats.
                file.unlink(missing_ok=True)
                left_out.append(f"{file.name} is left out: {error}")
        with writing_to(folder / f"{name}.json"):
            show_json(report, facts)
        with writing_to(folder / f"{name}.csv"):
            print_csv(report.rows, report.columns)
        if rows := rows_left_out(report):
            left_out.append(f"{name}.html: {rows}; {name}.csv has all rows")
    return left_out


def _write_index(path: Path, month: str, reports: "Mapping[str, Report]", checklist: list[dict[str, str]]) -> None:
    from revrec.cli.report_formats.page import index_page
    from revrec.files import write_text

    files = {one.name for one in path.parent.iterdir()}
    write_text(path, index_page(month, reports, checklist, files))


def _write_sums(folder: Path, reports: "Mapping[str, Report]") -> None:
    """Write the digests of what this close wrote; other files that a person put there are not listed."""
    from revrec.cli.report_formats import digest_line
    from revrec.files import write_text

    written = (folder / name for name in sorted(_names(reports)))
    write_text(folder / SUMS, "".join(digest_line(file) for file in written if file.exists()))


def _names(reports: "Mapping[str, Report]") -> set[str]:
    """Return the names of the files of a close, apart from the list of digests."""
    return {INDEX, ANCHOR, *(f"{name}{end}" for name in reports for end in ENDS)}
