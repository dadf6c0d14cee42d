"""A value of the wrong type at any place of ``revrec.toml`` is refused with file and place; nothing crashes."""

import tomllib
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from revrec.core.errors import BadConfiguration
from revrec.jobs import trust
from revrec.jobs.context import Context, make_context
from revrec.jobs.gateway import entity_currencies
from revrec.jobs.importing.mappings import mappings_of
from revrec.jobs.importing.sources import source_names, transport_of
from revrec.jobs.invoicing.settings import invoice_settings
from revrec.jobs.rules.files import rule_defaults
from revrec.jobs.settings import KEYS
from revrec.sources.transports import transports
from support import toml
from support.wrong_types import NESTED, WRONG, paths, replaced

TABLES = """
[mapping.bank]
base = "under"
rows = "charges"
source = "shop"
ignore = ["Notes"]
format = "fixed"
date_format = "%d/%m/%Y"
decimal = ","
thousands = "."
delimiter = "tab"
encoding = "utf-8"
record = "a.b"
sheet = "S"
columns = { amount = "Total" }
defaults = { currency = "USD" }
dimensions = { channel = "Channel" }
only = { status = ["A*"], kind = "x" }
aliases = { item = "table.csv" }
lookups.customer = { table = "table.csv", by = "item" }
signs = { "$" = "USD" }
positions = { Total = "1-10, 2 decimals" }

[mapping.both]
source = "shop"
[mapping.both.charges]
columns = { amount = "Total" }
[mapping.both.events]
columns = { charge = "Charge" }

[mapping.under]
line = "1"

[cleaning]
aliases = { item = "table.csv" }
lookups.customer = { table = "table.csv", by = "item" }

[invoice.shop]
as = "sales_order"
from = 2024-01-01
number = "{document}"

[entities.100]
name = "x"
base_currency = "EUR"
rate_type = "Intercompany"

[entry_fields]
RUN_TYPE = "revenue"

[line_fields]
SHIPMENT = "{document}"
"""


def sources() -> dict[str, Any]:
    """Return a source of each transport, with all of its keys."""
    found = {}
    for name, transport in transports().items():
        found[name] = {"transport": name, **{key.name: _value(key) for key in transport.keys}}
    return found


def _value(key: Any) -> Any:
    if isinstance(key.default, tuple):
        return list(key.default)
    if key.default is not None:
        return key.default
    for value in ("https://shop.example/", "x", 7, date(2024, 1, 1)):
        if key.name != "url" and value == "https://shop.example/":
            continue
        try:
            key.kind.read(value)
        except ValueError:
            continue
        return value
    return key.kind.choices[0] if key.kind.choices else "UTC"


def plain() -> dict[str, Any]:
    """Return each documented key with a value that it accepts."""
    return {section: {name: key.default for name, key in keys.items()} for section, keys in KEYS.items()}


SECTIONS = {
    **{name: {name: table} for name, table in plain().items()},
    **{f"source {name}": {"source": {name: table}} for name, table in sources().items()},
    **{name: {name: table} for name, table in tomllib.loads(TABLES).items() if name != "cleaning"},
    "cleaning": {name: table for name, table in tomllib.loads(TABLES).items() if name in ("cleaning", "mapping")},
}


def readers(context: Context) -> Iterator[Callable[[], object]]:
    """Return whatever reads the sections whose keys the user names."""
    yield lambda: invoice_settings(context)
    yield lambda: entity_currencies(context)
    yield lambda: rule_defaults(context)
    for name in (*context.settings.free.get("mapping", {}), None):
        yield lambda name=name: mappings_of(context, name)  # type: ignore[misc]
    for name in source_names(context):
        yield lambda name=name: transport_of(context, name).where  # type: ignore[misc]


def refusals(file: Path, document: Any) -> list[str]:
    """Return the messages of what is refused in a configuration; each names the file."""
    file.write_text(toml.dumps(document))
    found = []
    try:
        context = make_context("import", file, environment={})
    except BadConfiguration as refused:
        found.append(str(refused))
    else:
        for read in readers(context):
            try:
                read()
            except BadConfiguration as refused:
                found.append(str(refused))
    for line in "\n".join(found).splitlines():
        assert line.startswith(str(file)), line[:300]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("section", SECTIONS)
def test_a_wrong_type_at_any_place_is_refused_with_the_file(
    section: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "_is_confirmed", lambda *_: True)
    (tmp_path / "table.csv").write_text("alias,item,customer\nA,B,C\n")
    file = tmp_path / "revrec.toml"
    document = SECTIONS[section]
    assert refusals(file, document) == []
    for path in paths(document):
        for value in WRONG:
            refusals(file, replaced(document, path, value))
        if path[0] != "mapping" or section != "cleaning":
            assert refusals(file, replaced(document, path, NESTED)), path
