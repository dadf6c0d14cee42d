"""The records of the user's own company for the sandbox: from a CSV or XLSX file, or from the rules in use."""

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.errors import BadConfiguration
from revrec.core.rules import Rule
from revrec.files import writing
from revrec.jobs.rules.load import load_rules
from revrec.sandbox.company.own_records import COLUMNS, WORDS
from revrec.sources import ColumnMapping, SourceError, SourceStream
from revrec.sources.suggesting.columns import plain
from revrec.sources.suggesting.grid import Grid, read_grid

if TYPE_CHECKING:
    from revrec.jobs.context import Context

RULES = "rules"
"""Value of ``[sandbox] company`` and ``--company``: the accounts and journals of the rules."""

_NAMES = {
    "kind": ("kind", "record type", "object"),
    "id": ("id", "account", "account no", "account number", "number", "no", "code"),
    "name": ("name", "title", "description", "account name", "account title"),
    "type": ("type", "account type"),
    "normal": ("normal", "normal balance"),
    "parent": ("parent",),
}
"""The names of columns by the column of the sandbox that they mean. A file without kinds is a chart of accounts."""


class OwnRecord(NamedTuple):
    """A record of the user's company, as the sandbox reads it: ``kind`` is a word such as ``account``."""

    kind: str
    id: str
    name: str = ""
    type: str = ""
    normal: str = ""
    parent: str = ""


_TARGETS = {
    "deferred": OwnRecord("account", "", "Deferred revenue", "balancesheet", "credit"),
    "accrued": OwnRecord("account", "", "Revenue", "incomestatement", "credit"),
    "journal": OwnRecord("journal", "", "Revenue recognition"),
}
"""The record of each field of a rule's ``post``."""

_TYPES = {
    **dict.fromkeys(("asset", "liability", "equity", "balancesheet"), "balancesheet"),
    **dict.fromkeys(("income", "revenue", "expense", "incomestatement"), "incomestatement"),
}


def company_file(context: "Context", wanted: str | None = None, data: Path | None = None) -> Path | None:
    """Write the records of ``wanted`` (default: of the settings) beside the sandbox's data, and return the file.

    ``data`` is the sandbox's data file; the default is the configured one.

    Return None if nothing is wanted: the sandbox then has its sample company.

    Raises:
        BadConfiguration: The file cannot be read, or a row has no id or an unknown kind.
        RuleErrors: The records of the rules are wanted, and these have errors.
    """
    chosen = context.settings.sandbox.company if wanted is None else wanted
    if not chosen:
        return None
    records = _records_of(context, chosen)
    data = data or context.settings.sandbox.data
    target = data.with_name(f"{data.name}.company.csv")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with writing(target) as file:
            csv.writer(file).writerows([COLUMNS, *records])
    except OSError as error:
        raise BadConfiguration(
            f"{target}: cannot be written ({error.strerror or error}); see [sandbox] data"
        ) from error
    return target


def own_kinds(context: "Context") -> frozenset[str]:
    """Return the kinds of records that the settings give the sandbox, which are complete there."""
    chosen = context.settings.sandbox.company
    return frozenset(record.kind for record in _records_of(context, chosen)) if chosen else frozenset()


def _records_of(context: "Context", chosen: str) -> list[OwnRecord]:
    return _of_rules(context) if chosen == RULES else _of_file(context.settings.home / chosen)


def _of_rules(context: "Context") -> list[OwnRecord]:
    """Return the accounts and journals that the rules and the settings post to, each once."""
    book = load_rules(context)
    found = [record for rule in book.rules for record in _targets(rule)]
    for cost in book.costs.values():
        found.append(OwnRecord("account", cost.deferred, "Deferred costs", "balancesheet", "debit"))
        found.append(OwnRecord("account", cost.expense, "Costs", "incomestatement", "debit"))
    found += _of_settings(context)
    return list({(one.kind, one.id): one for one in reversed(found) if one.id}.values())[::-1]


def _of_settings(context: "Context") -> Iterator[OwnRecord]:
    """Yield the records that adjusting entries post to."""
    exchange, shown = context.settings.exchange, context.settings.presentation
    yield OwnRecord("account", exchange.gain_or_loss_account, "Exchange gains and losses", "incomestatement", "credit")
    presented = {
        ("Contract assets", "debit"): shown.contract_assets,
        ("Noncurrent contract assets", "debit"): shown.noncurrent_assets,
        ("Noncurrent deferred revenue", "credit"): shown.noncurrent_deferred,
        ("Refund liabilities", "credit"): shown.refund_liabilities,
        ("Return assets", "debit"): shown.return_assets,
    }
    for (title, normal), accounts in presented.items():
        yield from (OwnRecord("account", one, title, "balancesheet", normal) for one in accounts.values())
    yield from (OwnRecord("journal", one, "Adjusting entries") for one in (exchange.journal, shown.journal))


def _targets(rule: Rule) -> Iterator[OwnRecord]:
    """Yield the records that a rule posts to, those in its lookup tables included."""
    for name, made in _TARGETS.items():
        yield made._replace(id=getattr(rule.post, name))
        if name in rule.cells:
            cell = rule.cells[name]
            yield from (made._replace(id=row.values[cell.column]) for row in cell.table.rows())


def _of_file(path: Path) -> list[OwnRecord]:
    try:
        grid = read_grid(partial(SourceStream, path), ColumnMapping())
    except SourceError as error:
        raise BadConfiguration(f"[sandbox] company: {error}") from None
    return list(_records(path, grid))


def _records(path: Path, grid: Grid) -> Iterator[OwnRecord]:
    places = {
        column: next((at for at, name in enumerate(grid.header) if plain(name) in names), None)
        for column, names in _NAMES.items()
    }
    if places["id"] is None:
        raise BadConfiguration(f"{path}: has no column of ids; name it id, account or number")
    if grid.extras:
        raise BadConfiguration(f"{path}: row {grid.extras[0].number} is not a record; remove totals and notes")
    for row in grid.rows:
        values = {column: row.cells[at].strip() if at is not None else "" for column, at in places.items()}
        record = OwnRecord(**{**values, "kind": values["kind"].lower() if places["kind"] is not None else "account"})
        if record.kind not in WORDS:
            known = ", ".join(sorted(WORDS))
            raise BadConfiguration(f'{path}: row {row.number}: kind "{record.kind}": expected one of {known}')
        if not record.id:
            raise BadConfiguration(f"{path}: row {row.number}: has no id")
        type = _TYPES.get(record.type.lower().replace(" ", ""), "")
        yield record._replace(type=type, normal=record.normal.lower())
