"""Records of the user's own company, such as a chart of accounts, in place of the seeded ones of the same kinds."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from revrec.sandbox.company.masters import KINDS, MasterRecord
from revrec.sandbox.company.profile import INTER_ENTITY_PAYABLE, INTER_ENTITY_RECEIVABLE, RECEIVABLE, SALES_JOURNAL
from revrec.sandbox.company.state import CompanyState

WORDS = {"account": "GLACCOUNT", "term": "ARTERM", **{kind.lower(): kind for kind in KINDS if kind != "GLACCOUNT"}}
"""The kinds of records by the word that a file uses for them."""

COLUMNS = ("kind", "id", "name", "type", "normal", "parent")
"""The columns of a file. ``type`` (balancesheet, incomestatement) and ``normal`` (debit, credit) are of accounts."""

_AUTOMATIC = {
    ("GLACCOUNT", RECEIVABLE),
    ("GLACCOUNT", INTER_ENTITY_RECEIVABLE),
    ("GLACCOUNT", INTER_ENTITY_PAYABLE),
    ("JOURNAL", SALES_JOURNAL),
}
"""Records that the company posts to by itself, so that they stay whatever a file contains."""


def read_records(path: Path) -> list[MasterRecord]:
    """Return the records of a CSV file in UTF-8 with :data:`COLUMNS`; all but ``kind`` and ``id`` can be missing.

    Raises:
        ValueError: the file cannot be read, or a row has no id or an unknown kind.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [_record(path, number, row) for number, row in enumerate(csv.DictReader(file), 2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: cannot be read ({error})") from None


def _record(path: Path, number: int, row: dict[str, str]) -> MasterRecord:
    values = {name: (row.get(name) or "").strip() for name in COLUMNS}
    kind = WORDS.get(values["kind"].lower())
    if kind is None or not values["id"]:
        raise ValueError(f"{path}: row {number}: write a kind ({', '.join(sorted(WORDS))}) and an id")
    details = {name: values[name] for name in ("type", "normal") if values[name]}
    if kind == "GLACCOUNT":
        details = {"type": "balancesheet", "normal": "credit"} | details
    return MasterRecord(kind, values["id"], values["name"] or values["id"], parent=values["parent"], details=details)


def take_over(company: CompanyState, records: Sequence[MasterRecord]) -> None:
    """Put the records into the company, and remove all others of their kinds; no new ones are created on demand.

    If there are entries, which may refer to the others, these become inactive instead.
    """
    is_new = not company.store.value("SELECT count(*) FROM glbatch")
    ids = {(record.kind, record.id) for record in records} | _AUTOMATIC
    kinds = {record.kind for record in records}
    with company.store.transaction():
        for record in records:
            company.masters.put(record)
        for kind in kinds:
            others = [other for other in company.masters.all(kind) if (kind, other.id) not in ids]
            for other in others:
                company.masters.drop(other) if is_new else company.masters.put(replace(other, active=False))
    company.masters.complete = frozenset(kinds)
    company.own_records = tuple(records)
