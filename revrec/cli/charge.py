"""``revrec charge``."""

from typing import Annotated

import typer

from revrec.cli.event import DryRunOption, show_changes
from revrec.cli.filters import ALL, LIMIT, LimitOption, list_command
from revrec.cli.shared import Options, ReasonOption, add_group, command
from revrec.core.filters import Filters

COLUMNS = (
    "charge", "post_date", "customer", "item", "amount", "currency", "state", "rule", "posted", "planned", "entity",
    "document", "file", "row",
)  # fmt: skip
AMOUNTS = ("amount", "posted", "planned")
SPARE = ("entity", "item", "customer", "rule", "state", "currency", "document", "row", "file")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = add_group(app, "charge", "List charge lines, and void those that should never have arrived.")

    @list_command(group, "list", "charge", filters=ALL)
    def list_(options: Options, filters: Filters, limit: LimitOption = LIMIT) -> None:
        """List charge lines, with what is posted and what is planned of each.

        A period, --from and --to select by the day it was billed (the post date).

        \b
        Examples:
          revrec charge list --customer C-ADA
          revrec charge list --period 2024-03 --format csv --output march.csv
        """
        from revrec.cli.listing import show_list
        from revrec.jobs.reports.lists import charges

        found = charges(options.context(), filters)
        noun = ("charge line", "charge lines")
        show_list(options, "charges", found, COLUMNS, noun, limit, spare=SPARE, right=("row",), amounts=AMOUNTS)

    @command(group, "void", "charge")
    def void(
        options: Options,
        charge: Annotated[str, typer.Argument(metavar="CHARGE", help="Charge id: SOURCE/DOCUMENT/LINE.")],
        reason: ReasonOption,
        dry_run: DryRunOption = False,
    ) -> None:
        """Void a charge line that should never have arrived.

        Use it for a test order, for example. Nothing of the line, or of its costs, is recognized, invoiced or in a
        balance from then on. The line and the reason stay in the trace, and importing its file again does not bring it
        back. A line with posted parts must be reversed first (revrec postings reverse).

        \b
        Examples:
          revrec charge void shop/INV-1009/1 --reason "a test order" --dry-run
          revrec charge void shop/INV-1009/1 --reason "a test order"
        """
        from revrec.jobs.importing.voids import void_charge

        changes = void_charge(options.context(), charge, reason, dry_run)
        show_changes(options, {"charge": charge}, "would be voided" if dry_run else "voided", changes, dry_run)
