"""Names that are programs elsewhere are only names here, from the file to the ledger and back."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from revrec.core.filters import Filters
from revrec.jobs.admin.verify import verify
from revrec.jobs.reports.preview import preview
from support.books import Books, MakeRow
from support.intacct import Intacct
from support.patience import PATIENCE

HOSTILE = (
    "'; DROP TABLE charge_line; --",
    '" OR "1"="1',
    "%' OR 1=1 --",
    "_%",
    "${jndi:ldap://x/y}",
    "$(reboot)`reboot`",
    "<![CDATA[x]]></DOCUMENT>",
    "&lt;!ENTITY&gt; &amp; \\' \\u0000",
    "{customer.__class__}",
    "../../etc/passwd",
    "=cmd|'/C calc'!A0",
)


def test_hostile_names_are_found_by_themselves_and_change_nothing_else(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    lines = [row(f"D{at}", customer=name, description=name, item="MAG-1") for at, name in enumerate(HOSTILE)]
    lines += [row(name, source=f"s{at}") for at, name in enumerate(HOSTILE)]
    books.take(*lines)
    for at, name in enumerate(HOSTILE):
        life = books.trace(name)
        assert life["charge"]["document"] == name and life["charge"]["source"] == f"s{at}"
        assert preview(books.context("preview"), Filters(charge=life["charge"]["id"])).lines
    assert books.run("2024-01-31").complete
    assert books.sql("SELECT count(*) FROM charge_line") == [(len(lines),)]
    assert verify(books.context("verify")).sound


def test_hostile_names_reach_the_ledger_as_they_are(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.take(*(row(f"D{at}", customer=name) for at, name in enumerate(HOSTILE)))
    assert books.run("2024-01-31").complete
    (entry,) = intacct.entries()
    found = intacct.view(f"/entries/{entry['recordno']}") if "lines" not in entry else entry
    assert {json.dumps(name) for name in HOSTILE} <= {json.dumps(one) for one in _texts(found)}


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX file modes")
def test_files_that_hold_data_are_their_owners_alone(new_books: type[Books], row: MakeRow, tmp_path: Path) -> None:
    books = new_books(tmp_path / "books", {})
    books.take(row())
    process = books.start("run", "--date", "2024-01-31")
    assert process.wait(timeout=PATIENCE) == 0, process.communicate()
    assert books.start("db", "backup", str(tmp_path / "books" / "copy.db")).wait(timeout=PATIENCE) == 0
    ours = {path.name for path in books.folder.rglob("*") if path.is_file() and _open_to_others(path)}
    assert ours <= {"revrec.toml", "rules.toml", "cases.toml", "charges.csv"}


def _open_to_others(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
