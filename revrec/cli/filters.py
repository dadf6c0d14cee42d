"""The options with which every list can be narrowed and saved; a command names those that it has."""

import functools
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from revrec.cli.output import writing_to
from revrec.cli.shared import LAST_DAY, Options, command, date_span, day, fail, format_of, keyword
from revrec.core.filters import Basis, Filters


def _only(name: str, metavar: str, help: str) -> Any:
    return Annotated[str | None, typer.Option(f"--{name}", metavar=metavar, help=help)]


FILTERS: Mapping[str, Any] = {
    "customer": _only("customer", "C", "Only this customer."),
    "item": _only("item", "I", "Only this item."),
    "account": _only("account", "A", "Only what this account is debited or credited for."),
    "entity": _only("entity", "E", "Only this entity."),
    "charge": _only("charge", "ID", "Only this charge line: SOURCE/DOCUMENT/LINE."),
    "document": _only("document", "DOC", "Only this document."),
    "rule": _only("rule", "RULE", "Only charge lines of this rule."),
    "currency": _only("currency", "CUR", "Only this currency, such as USD."),
    "dimension": Annotated[
        list[str] | None,
        typer.Option("--dimension", metavar="NAME=VALUE", help="Only this value of a dimension; repeatable."),
    ],
    "period": _only("period", "P", "Only this period: 2024-03, 2024-Q1, 'last month'."),
    "first": _only("from", "D", "First day; a month means its first day."),
    "last": _only("to", "D", f"Last day; {LAST_DAY}"),
}
"""The options by the names of their parameters."""

ALL = tuple(FILTERS)
DAYS = ("period", "first", "last")
OPTION_NAMES = {"first": "from", "last": "to"}
"""Options with another name than their parameter."""
CHARGE_FILTERS = tuple(name for name in ALL if name not in DAYS)
"""The filters of reports with a separate date or period: they select charge lines."""

OutputOption = Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write the result to this file.")]
LimitOption = Annotated[
    int, typer.Option("--limit", metavar="N", help="Maximum number of rows in the table; 0 for all.", min=0)
]
BasisOption = Annotated[
    Basis,
    typer.Option(
        "--basis", metavar="ledger|earned", help="Dates that count: of the entry, or of recognition (earned)."
    ),
]
WITHOUT_BASIS = (
    "only report revenue and report rollforward have it; report waterfall --cells shows what is posted and what is due "
    "separately, and report balance --planned counts by schedule"
)
LIMIT = 50
"""Rows that a table shows unless --limit says otherwise; JSON and CSV have all."""


def list_command(
    app: typer.Typer,
    name: str,
    group: str = "",
    filters: Sequence[str] = (),
    saves: bool = False,
    refused: str = "",
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a command that lists: as ``command`` does, with these filters and with ``--output``.

    The command gets what the filters select as its parameter ``filters``, if it has any. ``saves``: it writes the file
    of ``--output`` itself, whatever the format, as :func:`revrec.cli.report_output.show_report` does. ``refused`` says
    why the other filters of charge lines cannot be applied: a person who uses one sees it.
    """
    without = [one for one in CHARGE_FILTERS if refused and one not in filters]

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        no_basis = group == "report" and "basis" not in inspect.signature(function).parameters
        hidden = [*without, *(("basis",) if no_basis else ())]

        @functools.wraps(function)
        def listing(options: Options, **values: Any) -> None:
            _refuse_empty(values)
            if no_basis and values.pop("basis") is not None:
                fail(f"{group} {name} has no --basis: {WITHOUT_BASIS}", 2)
            used = next((one for one in without if values.pop(one) is not None), None)
            if used:
                fail(f"{group} {name} has no --{used}: {refused}", 2)
            if filters:
                values["filters"] = read_filters({one: values.pop(one) for one in filters})
            output = values.pop("output")
            options = replace(options, format=format_of(options.format, output))
            if group == "report" and (values.get("drill") or values.get("against")):
                # They read the books more than once: what is committed in between would look like a difference.
                with ExitStack() as one_view:
                    show(replace(options, one_view=one_view), output, values)
            else:
                show(options, output, values)

        def show(options: Options, output: Path | None, values: dict[str, Any]) -> None:
            if options.is_file or saves:
                if group != "report":
                    fail(f"{output}: only reports can be written as {options.format}", 2)
                function(replace(options, output=output), **values)
                return
            with writing_to(output):
                function(options, **values)
            if output and group == "report":
                from revrec.cli.report_formats import save_digest

                save_digest(output)

        own = [one for one in inspect.signature(function).parameters.values() if one.name != "filters"]
        options = {one: FILTERS[one] for one in filters} | {one: _hidden(one) for one in hidden} | _OUTPUT
        added = [keyword(one, kind) for one, kind in options.items()]
        listing.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]
        return command(app, name, group)(listing)

    return decorate


def _refuse_empty(values: Mapping[str, Any]) -> None:
    """Refuse an option whose text is empty, such as of a variable that is not set: it would count as left out.

    An empty filter is of charge lines without the value, and an empty signature has its own message.
    """
    for name, value in values.items():
        texts = [value] if isinstance(value, str) else value
        if name in CHARGE_FILTERS or name == "sign" or not isinstance(texts, list):
            continue
        empty = next((text for text in texts if not text.strip(" ,")), None)
        if empty is not None:
            option = f"--{OPTION_NAMES.get(name, name.replace('_', '-'))}"
            fail(f"{option} {empty!r}: there is no value in it; write one, or leave {option} out", 2)


def _hidden(name: str) -> Any:
    return Annotated[str | None, typer.Option(f"--{name}", metavar="X", help="Not for this report.", hidden=True)]


_OUTPUT = {"output": OutputOption}


def read_filters(values: Mapping[str, Any]) -> Filters:
    """Return the filters of a command line; a period and its first or last day together are a usage error."""
    texts: dict[str, Any] = {name: text for name, text in values.items() if name not in DAYS}
    if texts.get("currency"):
        texts["currency"] = texts["currency"].upper()
    texts["dimension"] = _dimensions(values.get("dimension"))
    return Filters(**texts | read_days(values.get("period"), values.get("first"), values.get("last")))


def _dimensions(texts: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the dimensions of a command line; None without any."""
    found: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.removeprefix("dimensions.").partition("=")
        if not equals or not re.fullmatch(r"[\w-]+", name):
            fail(f"--dimension {text}: expected NAME=VALUE, such as region=EU", 2)
        if found.setdefault(name, value) != value:
            fail(f"--dimension {text}: a charge line has only one value of {name}", 2)
    return tuple(f"{name}={value}" for name, value in found.items()) or None


def read_days(period: str | None, first: str | None, last: str | None) -> dict[str, date | None]:
    """Return the ``first`` and ``last`` day of these options; days that contradict each other are a usage error."""
    if period is not None:
        if first is not None or last is not None:
            fail("--period cannot be combined with --from and --to", 2)
        start, end = date_span(period, "--period")
        return {"first": start, "last": end}
    begin, until = day(first, "--from", "first"), day(last, "--to")
    if begin and until and begin > until:
        fail(f"--from {begin} is after --to {until}", 2)
    return {"first": begin, "last": until}
