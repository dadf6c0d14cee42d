"""No password and no session id is in any byte that is written: not in a file, not on either output."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.books import Books, MakeRow
from support.intacct import served_intacct
from support.patience import PATIENCE

pytestmark = pytest.mark.slow

SENDER = "s3nder<&'pass\"wörd]]>4711"
USER = "us3r pass+word/%41&amp;4712"
WRONG = "wr0ng-pass<word>4713"
DAY = "2024-01-31"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Path]]:
    """A sandbox with passwords that are known here, its data file, and what it prints."""
    data = tmp_path_factory.mktemp("intacct") / "sandbox.db"
    passwords = {"REVREC_SANDBOX_SENDER_PASSWORD": SENDER, "REVREC_SANDBOX_USER_PASSWORD": USER}
    with served_intacct("--data", str(data), "--quiet", **passwords) as served:
        yield served.address, data


def forms(secret: str) -> set[bytes]:
    """A secret as it might turn up: plain, escaped for XML, JSON, Python and URLs."""
    from html import escape
    from urllib.parse import quote, quote_plus

    texts = {secret, escape(secret), escape(secret, quote=False), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
    texts |= {quote(secret), quote_plus(secret), quote(secret, safe="")}
    return {text.encode() for text in texts} | {secret.encode("utf-16-le"), secret.encode("latin-1")}


def search(folders: list[Path], texts: list[str], secrets: list[str]) -> list[str]:
    """Where a secret is found, in whatever form."""
    places = {str(path): path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}
    places |= {f"output {at}": text.encode() for at, text in enumerate(texts)}
    assert len(places) > 3
    return [place for place, content in places.items() for one in secrets for form in forms(one) if form in content]


def test_the_search_finds_a_secret_that_is_there(tmp_path: Path) -> None:
    for at, form in enumerate(forms(SENDER)):
        (tmp_path / str(at)).write_bytes(b"before" + form + b"after")
        assert str(tmp_path / str(at)) in search([tmp_path], ["", "", "", ""], [SENDER])


def test_nothing_that_is_written_anywhere_holds_a_secret(
    company: tuple[Any, Path], new_books: type[Books], row: MakeRow, tmp_path: Path
) -> None:
    address, data = company
    environment = {
        "INTACCT_ENDPOINT_URL": address["url"],
        "INTACCT_SENDER_ID": address["sender_id"],
        "INTACCT_SENDER_PASSWORD": SENDER,
        "INTACCT_COMPANY_ID": address["company_id"],
        "INTACCT_USER_ID": address["user_id"],
        "INTACCT_USER_PASSWORD": USER,
    }
    books = new_books(tmp_path / "books", {**environment, "REVREC_POSTING_QUARANTINE": "0.3 s"})
    charges = books.file("charges.csv", [row("INV-1"), row("INV-2", item="GOODS-1", post_date="2024-01-01")])
    printed: list[str] = []

    def command(*words: str, code: int = 0, **changes: str) -> str:
        process = books.start(*words, TMPDIR=str(tmp_path / "books"), **changes)
        out, error = process.communicate(timeout=PATIENCE)
        assert process.returncode == code, (words, out, error)
        printed.extend([out, error])
        return str(out + error)

    command("import", str(charges), "-v")
    command("run", "--date", DAY, "-v", code=5, INTACCT_USER_PASSWORD=WRONG)
    command("run", "--date", DAY, code=5, INTACCT_SENDER_PASSWORD=WRONG)
    command("run", "--date", DAY, "-v", code=5, INTACCT_ENDPOINT_URL=f"http://u:{WRONG}@127.0.0.1:9/")
    _spoil(address, "garbled@after:1x:create")
    command("run", "--date", DAY, "-v", "--format", "json", code=4)
    time.sleep(0.4)
    command("run", "--date", DAY, "-v")
    ((reference,),) = books.sql("SELECT min(reference) FROM journal_entry")
    for shown in ("table", "json"):
        command("trace", reference, "--format", shown)
    command("db", "backup", str(tmp_path / "books" / "copy.db"))
    requests = "\n".join(text for (text,) in books.sql("SELECT request FROM attempt WHERE kind = 'send'"))
    assert "<password>***</password>" in requests and "<sessionid>***</sessionid>" in requests
    address_file = data.with_name(data.name + ".address.json")
    found = search([tmp_path, data.parent], printed, [SENDER, USER, WRONG])
    assert set(found) <= {str(address_file)}, "but for the sandbox's own address file, while it serves"
    assert address_file.stat().st_mode & 0o077 == 0
    assert sessions([tmp_path, data.parent], printed) == []


def test_nothing_that_the_built_in_sandbox_leaves_holds_a_secret(
    new_books: type[Books], row: MakeRow, tmp_path: Path
) -> None:
    passwords = {"REVREC_SANDBOX_SENDER_PASSWORD": SENDER, "REVREC_SANDBOX_USER_PASSWORD": USER}
    books = new_books(tmp_path / "books", passwords)
    books.take(row("INV-1"))
    process = books.start("run", "--date", DAY, "-v")
    printed = list(process.communicate(timeout=PATIENCE))
    assert process.returncode == 0, printed
    assert {"sandbox.db", "sandbox.db.log"} <= {file.name for file in books.folder.iterdir()}
    assert search([tmp_path], printed, [SENDER, USER]) == [] and sessions([tmp_path], printed) == []


def sessions(folders: list[Path], texts: list[str]) -> list[str]:
    """Where something that looks like a session id of the sandbox's is found."""
    places = {str(path): path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}
    places |= {f"output {at}": text.encode() for at, text in enumerate(texts)}
    pattern = re.compile(rb"<sessionid>(?!\*\*\*)[^<]|[A-Za-z0-9_-]{40}\.\.")
    return [place for place, content in places.items() if pattern.search(content)]


def _spoil(address: Any, plan: str) -> None:
    import urllib.request

    body = json.dumps({"plan": plan}).encode()
    url = address["admin_url"].rstrip("/") + "/fault"
    urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"}), timeout=10).close()
