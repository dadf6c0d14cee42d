"""``revrec rules history``."""

from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.filters import ALL, LIMIT, LimitOption, list_command
from revrec.cli.shared import Options
from revrec.core.filters import Filters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from revrec.jobs.reports.lists import RuleVersionHistory

COLUMNS = ("rule", "version", "at", "actor", "charges", "moved", "reason", "method", "file")


def register(group: typer.Typer) -> None:
    """Add the command to the group ``rules``."""

    @list_command(group, "history", "rules", filters=ALL)
    def history(
        options: Options,
        filters: Filters,
        name: Annotated[str | None, typer.Argument(metavar="[RULE]", help="Name of a rule; default: all.")] = None,
        limit: LimitOption = LIMIT,
    ) -> None:
        """List the versions of rules, and what each moved.

        Shows who used each version first, when and why, and how many charge lines follow it. A version is stored when
        it is first used for a schedule. Moved is the amount that its schedules planned in other months than the
        schedules that they replaced. With a RULE, the text of its first version and the differences of each later one
        are shown too; JSON has the whole text of every version. Filters select versions that such charge lines follow
        or did, and count only those; a period, --from and --to select by the day of the first use. `revrec report
        moves` lists what each rebuild moved.

        \b
        Examples:
          revrec rules history
          revrec rules history magazine-12-issues
          revrec rules history magazine-12-issues --format json
        """
        from revrec.cli.listing import show_list
        from revrec.jobs.reports.lists import rule_versions

        rule = filters.rule if name is None else name
        versions = rule_versions(options.context(), rule, filters)
        kept: list[RuleVersionHistory] = []

        def passing() -> "Iterator[dict[str, object]]":
            for one in versions:
                if rule is not None:
                    kept.append(one)
                yield _row(one, options)

        noun = ("version", "versions")
        spare = ("reason", "moved", "actor", "method", "file")
        show_list(options, "versions", passing(), COLUMNS, noun, limit, spare=spare, right=("version", "charges"))
        if not options.json and not options.csv:
            for one in kept[: limit or None]:
                _show_text(one)


def _row(one: "RuleVersionHistory", options: Options) -> dict[str, object]:
    from revrec.cli.listing import when
    from revrec.cli.output import grouped

    if options.json:
        return one._asdict()
    moved = ", ".join(f"{grouped(amount)} {currency}" for currency, amount in one.moved.items())
    return {**one._asdict(), "at": when(one.at), "moved": moved, "reason": "; ".join(one.reasons)}


def _show_text(one: "RuleVersionHistory") -> None:
    from revrec.core.harmless import harmless

    print(harmless(f"\n{one.rule}, version {one.version}\n{one.diff or one.text.strip()}"))
