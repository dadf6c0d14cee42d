"""``revrec audit``."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from revrec.cli.filters import ALL, LIMIT, LimitOption, list_command
from revrec.cli.shared import Options, add_group
from revrec.core.filters import Filters

COLUMNS = ("seq", "at", "actor", "command", "action", "subject", "detail")
UNSHOWN = frozenset({"digests", "content_hash", "sha256", "balances"})
"""Parts of a detail that only a program can use."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = add_group(app, "audit", "List what was done, by whom, when and why.")

    @list_command(group, "list", "audit", filters=ALL)
    def list_(
        options: Options,
        filters: Filters,
        subject: Annotated[
            str | None,
            typer.Option("--subject", metavar="TEXT", help="Only about this: a charge line, reference or 'run 3'."),
        ] = None,
        actor: Annotated[
            str | None, typer.Option("--actor", metavar="TEXT", help="Only by actors whose name contains this.")
        ] = None,
        limit: LimitOption = LIMIT,
    ) -> None:
        """List the events of the audit trail, the newest first.

        A customer, item or other filter selects charge lines; events about their imports, schedules, entries and
        invoices are listed. Days are in UTC. To verify the trail, use `revrec verify`.

        \b
        Examples:
          revrec audit list --period today
          revrec audit list --charge shop/INV-1001/1
          revrec audit list --actor anna --format csv --output anna.csv
        """
        from revrec.cli.listing import show_list
        from revrec.jobs.reports.lists import audit_events

        found = audit_events(options.context(), filters, subject, actor)
        if options.csv:
            found = ({**row, "detail": _as_json(row["detail"])} for row in found)
        noun = ("event", "events")
        show_list(options, "events", found, COLUMNS, noun, limit, _shown, ("detail", "command"), ("seq",))


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    from revrec.cli.listing import when

    detail = ", ".join(f"{key} {value}" for key, value in _in_words(row["detail"]).items() if key not in UNSHOWN)
    return {**row, "at": when(row["at"]), "action": row["action"].replace("IN_DOUBT", "in doubt"), "detail": detail}


def _in_words(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return a detail as people read it; an entry or invoice is recorded with its amount in minor units."""
    from revrec.cli.output import grouped
    from revrec.core.money import decimal_string

    words = dict(detail)
    for key, value in detail.items():
        if isinstance(value, bool):
            words[key] = "yes" if value else "no"
        elif isinstance(value, list):
            words[key] = " ".join(map(str, value)) or "none"
        elif key == "amount" and isinstance(value, int) and "currency" in detail:
            words[key] = grouped(decimal_string(value, detail["currency"]))
    return words


def _as_json(detail: Any) -> str:
    import json

    return json.dumps(detail, ensure_ascii=False)
