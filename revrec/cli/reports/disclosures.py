"""``revrec report disclosures``."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.filters import CHARGE_FILTERS, LimitOption, list_command
from revrec.cli.report_output import (
    DrillOption,
    FromOption,
    PeriodOption,
    ToOption,
    end_report,
    report_span,
    show_report,
)
from revrec.cli.shared import Format, Options, fail
from revrec.core.filters import Filters

if TYPE_CHECKING:
    from revrec.core.report import Report, ReportPack


def register(group: typer.Typer) -> None:
    """Add the report."""

    @list_command(group, "disclosures", "report", filters=CHARGE_FILTERS, saves=True)
    def disclosures(
        options: Options,
        filters: Filters,
        period: PeriodOption = None,
        first: FromOption = None,
        last: ToOption = None,
        quarterly: Annotated[
            bool, typer.Option("--quarterly", help="Also each quarter; the whole span is not the sum of quarters.")
        ] = False,
        folder: Annotated[
            Path | None, typer.Option("--folder", metavar="FOLDER", help="Write a file for each table to this folder.")
        ] = None,
        drill: DrillOption = None,
        limit: LimitOption = 0,
    ) -> None:
        """Show the figures of the notes on revenue.

        Each table names the paragraph that it is for: contract balances, revenue that was in the opening liability,
        revenue from obligations satisfied in earlier periods, billed contract assets, the causes of changes, remaining
        obligations, revenue by timing and item, costs, expedients, and the policies of the rules. --output FILE.xlsx
        writes a workbook with a sheet for each; --folder FOLDER a file for each, as CSV unless --format says otherwise.
        JSON and CSV have all rows, each with its disclosure. Filters select charge lines: a contract is netted from its
        selected lines only. Reads only. Exit code 7 means that a check fails.

        \b
        Examples:
          revrec report disclosures --period 2024-Q1
          revrec report disclosures --from 2024-01 --to 2024-12 --quarterly --output disclosures.xlsx
          revrec report disclosures --period 2024-Q1 --entity NORTH
          revrec report disclosures --period 2024-Q1 --format html --folder disclosures
          revrec report disclosures --period 2024-Q1 --drill disclosure=D2,column=from_opening_liability
        """
        from revrec.jobs.reports.disclosures import disclosures as report

        chosen, output = options.format, options.output
        if folder is not None and output is not None:
            fail("--folder cannot be combined with --output", 2)
        if chosen is Format.html and folder is None and not drill:
            fail("the disclosures are several pages: name a folder, such as --folder disclosures", 2)
        span = report_span(period, first, last)
        if drill:
            from revrec.jobs.reports.disclosure_drill import drill_disclosures

            if folder is not None:
                fail("--folder cannot be combined with --drill: write what is behind a figure to --output FILE", 2)
            show_report(options, drill_disclosures(options.context(), span, quarterly, drill, filters), limit, output)
            return
        pack = report(options.context(), span, quarterly, filters=filters)
        if folder is not None:
            chosen = Format.csv if chosen in (None, Format.table) else chosen
            _save_folder(pack, chosen, folder)
        elif chosen is Format.xlsx and output is not None:
            _save_workbook(pack, output)
        elif chosen in (Format.json, Format.csv):
            show_report(replace(options, format=chosen), pack.as_report, limit, output)
            return
        else:
            _show(options, pack, limit, output)
            return
        end_report(replace(options, format=chosen or Format.csv), pack.as_report)


def _show(options: Options, pack: "ReportPack", limit: int, output: Path | None) -> None:
    """Print each table."""
    from revrec.cli.output import print_table, writing_to
    from revrec.cli.report_formats import save_digest
    from revrec.cli.report_output import show_checks, show_notes

    whole = pack.as_report
    with writing_to(output):
        print(f"{pack.title}, {pack.header['basis']} basis")
        for one in pack.tables:
            report = one.report
            print(f"\n{one.heading}")
            if report.rows:
                print_table(report.rows, report.columns, amounts=report.amounts, spare=report.spare, limit=limit)
            else:
                print(report.empty)
        show_notes(pack.header)
        show_checks(whole.differences, len(whole.checks))
    if output:
        save_digest(output)
    end_report(options, whole)


def _save_workbook(pack: "ReportPack", output: Path) -> None:
    from revrec.cli.report_formats import save_digest, save_pack

    try:
        save_pack(pack, output)
        save_digest(output)
    except OSError as error:
        fail(f"{output}: cannot be written: {error.strerror or error}", 2)


def _save_folder(pack: "ReportPack", chosen: Format, folder: Path) -> None:
    """Write each table to a file of the folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for one in pack.tables:
            name = one.name.replace(" ", "-")
            _save(one.report._replace(title=one.heading), chosen, folder / f"{name}.{chosen.value}")
    except OSError as error:
        fail(f"{folder}: cannot be written: {error.strerror or error}", 2)


def _save(report: "Report", chosen: Format, path: Path) -> None:
    from revrec.cli.output import print_csv, writing_to
    from revrec.cli.report_formats import MODULES, save_report
    from revrec.cli.report_output import show_json

    if chosen.value in MODULES:
        save_report(report, chosen.value, path)
        return
    with writing_to(path):
        if chosen is Format.json:
            show_json(report)
        else:
            print_csv(report.rows, report.columns)
