"""``revrec report moves``."""

from typing import Annotated

import typer

from revrec.cli.filters import ALL, LIMIT, LimitOption, list_command
from revrec.cli.report_output import show_report
from revrec.cli.shared import Options
from revrec.core.filters import Filters

COLUMNS = ("rebuild", "at", "actor", "reason", "charge", "period", "currency", "before", "after", "moved")
SHORT = ("rebuild", "charge", "period", "currency", "before", "after", "moved", "reason")
EMPTY = "no rebuild moved an amount that the filters select"
AMOUNTS = ("before", "after", "moved")


def register(group: typer.Typer) -> None:
    """Add the report."""

    @list_command(group, "moves", "report", filters=ALL)
    def moves(
        options: Options,
        filters: Filters,
        rebuild: Annotated[
            int | None, typer.Option("--rebuild", metavar="N", help="Only this rebuild, by its number.")
        ] = None,
        limit: LimitOption = LIMIT,
    ) -> None:
        """List what each rebuild of the schedules moved.

        For each charge line that revrec schedule --rebuild changed, show the planned amount by month before and after,
        with the reason for the rebuild. A period without a month is an amount without a recognition date. Amounts that
        were posted before are not moved. The number of a rebuild is its event in the audit trail. A period, --from and
        --to select by the month whose amount changed.

        \b
        Examples:
          revrec report moves
          revrec report moves --charge shop/INV-1001/1
          revrec report moves --customer C-ADA --period 2024-03
          revrec report moves --rebuild 57 --format csv
        """
        from revrec.cli.output import as_data, conclude, counted, print_csv, print_table
        from revrec.cli.streamed_report import StreamedReport
        from revrec.jobs.reports.moves import schedule_moves
        from revrec.jobs.reports.report_header import listed_header, listed_report

        context = options.context()
        found = schedule_moves(context, rebuild, filters)
        if options.is_file:
            rows = [one._asdict() for one in found]
            report = listed_report(context, "moves", "What rebuilds moved", filters, COLUMNS, rows, AMOUNTS)
            show_report(options, report._replace(empty=EMPTY), limit, None)
            return
        if options.csv:
            print_csv((one._asdict() for one in found), COLUMNS)
            return
        if options.json:
            streamed = StreamedReport(AMOUNTS, "moves")
            for one in found:
                streamed.add(one._asdict())
            streamed.show(listed_header(context, "moves", filters))
            return
        rows = as_data(list(found))
        print_table(rows, SHORT, right=("rebuild", *AMOUNTS), spare=("reason", "rebuild"), amounts=AMOUNTS, limit=limit)
        conclude(f"{counted(len(rows), 'amount')} moved by rebuilds" if rows else EMPTY, bool(rows))
