"""``revrec charge``."""

import typer

from revrec.cli.filters import ALL, LIMIT, LimitOption, list_command
from revrec.cli.shared import Options, add_group
from revrec.core.filters import Filters

COLUMNS = (
    "charge", "post_date", "customer", "item", "amount", "currency", "state", "rule", "posted", "planned", "entity",
    "document", "file", "row",
)  # fmt: skip
AMOUNTS = ("amount", "posted", "planned")
SPARE = ("entity", "item", "customer", "rule", "state", "currency", "document", "row", "file")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = add_group(app, "charge", "List charge lines.")

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
