"""The sandbox with the user's own accounts, journals, customers and dimensions."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from revrec.sandbox.company.own_records import read_records
from revrec.sandbox.control.sandbox import Sandbox
from support.sandbox_client import SandboxClient, glbatch, line, serving

RECORDS = """kind,id,name,type,normal,parent
account,20-100,Unearned income,balancesheet,credit,
account,40-100,Subscriptions,incomestatement,credit,
customer,K-1,First customer,,,
location,L-1,Head office,,,
"""


@contextmanager
def served(path: Path | None, data: Path | None = None) -> Iterator[SandboxClient]:
    """Serve a sandbox with the records of a file."""
    with serving(Sandbox(data=data, records=read_records(path) if path else ())) as client:
        yield client


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "company.csv"
    path.write_text(RECORDS, encoding="utf-8")
    return path


@pytest.fixture
def own(file: Path) -> Iterator[SandboxClient]:
    """A sandbox of the user's own company."""
    with served(file) as client:
        yield client


def entry(debit: str = "20-100", customer: str = "K-1", item: str = "ANY") -> str:
    """Return an entry of the user's company."""
    place = {"LOCATION": "L-1", "CUSTOMERID": customer, "ITEMID": item}
    return glbatch(line(debit, "1", "5.00", **place) + line("40-100", "-1", "5.00", **place))


def test_entries_are_posted_to_the_users_own_accounts(own: SandboxClient) -> None:
    assert own.create(entry()).status == "success"


@pytest.mark.parametrize("unknown", [{"debit": "2400"}, {"customer": "C1007"}, {"customer": "K-2"}])
def test_a_kind_that_the_file_contains_is_complete(own: SandboxClient, unknown: dict[str, str]) -> None:
    answer = own.create(entry(**unknown))
    assert answer.status == "failure"
    assert next(iter(unknown.values())) in answer.said


def test_other_kinds_stay_as_they_are(own: SandboxClient) -> None:
    assert own.create(entry(item="NEW-ITEM")).status == "success"


def test_a_reset_keeps_the_users_company(own: SandboxClient) -> None:
    own.admin("reset")
    assert own.create(entry()).status == "success"
    assert own.create(entry(debit="2400")).status == "failure"


def test_accounts_of_entries_that_exist_become_inactive_and_the_new_ones_are_added(file: Path, tmp_path: Path) -> None:
    data = tmp_path / "sandbox.db"
    with served(None, data) as client:
        assert client.create(glbatch()).status == "success"
    with served(file, data) as client:
        assert client.create(entry()).status == "success"
        known = client.sandbox.company.masters.get("GLACCOUNT", "2400")
    assert known is not None and not known.active


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind,id\naccount,\n", "row 2: write a kind"),
        ("kind,id\nacount,1\n", "row 2: write a kind"),
        ("kind,id\n\xff", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "company.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=message):
        read_records(path)
