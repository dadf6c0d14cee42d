"""``revrec report journal``."""

import sys

import typer

from revrec.cli.filters import ALL, LIMIT, LimitOption, list_command
from revrec.cli.report_output import BaseOption, end_with_checks, show_notes, show_report
from revrec.cli.shared import Options
from revrec.core.filters import Filters

SHORT = ("reference", "record_no", "date", "earned", "account", "debit", "credit", "currency", "charge", "reason")
EMPTY = "no journal line is posted that the filters select"
SPARE = ("charge", "record_no", "earned", "reason")


def register(group: typer.Typer) -> None:
    """Add the report."""

    @list_command(group, "journal", "report", filters=ALL)
    def journal(options: Options, filters: Filters, base: BaseOption = False, limit: LimitOption = LIMIT) -> None:
        """List every posted journal line.

        Each line has its entry, Intacct's record number, account, debit or credit, charge line, rule and run. The lines
        that a summarized entry adds up are listed one by one, with the number of their line in Intacct. Dates of
        the filters are dates of entries; earned is the date of recognition, and reason why the entry has another one.
        CSV and JSON have all columns. --base adds the amount in base currency, debits above zero, with the rate of the
        line. Reads only. Exit code 7 means that debits and credits differ.

        \b
        Examples:
          revrec report journal --period 2024-04
          revrec report journal --account 2400 --period 2024-Q1 --format csv --output journal.csv
          revrec report journal --period 2024-04 --base --format csv
        """
        from revrec.cli.journal_csv import print_journal
        from revrec.cli.listing import show_list
        from revrec.cli.output import print_csv
        from revrec.cli.streamed_report import StreamedReport
        from revrec.jobs.reports.activity import IN_BASE, JOURNAL, JournalSides, journal_by_entry
        from revrec.jobs.reports.activity import journal as lines
        from revrec.jobs.reports.day_notes import notes_of_list
        from revrec.jobs.reports.report_header import listed_header, listed_report

        context = options.context()
        sides = JournalSides()
        found, columns = lines(context, filters, base, sides), (*JOURNAL, *IN_BASE) if base else JOURNAL
        if options.is_file:
            report = listed_report(context, "journal", "Journal", filters, columns, found, ("debit", "credit"))
            in_base = ("base_amount",) if base else ()
            report = report._replace(base=in_base, checks=sides.checks(filters), empty=EMPTY)
            show_report(options, report, limit, None)
            return
        if options.json:
            streamed = StreamedReport(("debit", "credit"), "lines")
            for line in found:
                streamed.add(line)
            checks = sides.checks(filters)
            streamed.show(listed_header(context, "journal", filters), checks)
            end_with_checks(options, checks)
            return
        notes = {"notes": notes_of_list(context, filters)}
        if options.csv:
            if base:
                print_csv(found, columns)
            else:
                print_journal(journal_by_entry(context, filters, sides))
            show_notes(notes, sys.stderr)
            end_with_checks(options, sides.checks(filters))
            return
        noun, amounts = ("journal line", "journal lines"), ("debit", "credit")
        short = (*SHORT[:7], "base_amount", *SHORT[7:]) if base else SHORT
        shown = (*amounts, "base_amount") if base else amounts
        show_list(options, "lines", found, short, noun, limit, spare=SPARE, amounts=shown, empty=EMPTY)
        show_notes(notes)
        end_with_checks(options, sides.checks(filters))
