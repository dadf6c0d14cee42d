"""Bad input gets a message that names the place and the fix, an exit code, and nothing half done."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support.commands import Revrec

PROGRAM = [sys.executable, "-c", "from revrec.cli.main import main; main()"]
HEADER = b"source,document,line,customer,item,post_date,amount,currency\n"
GOOD = b"shop,I-1,1,C-ADA,MAG-01,2024-01-05,24.00,USD\n"


def rows(*lines: bytes, header: bytes = HEADER) -> bytes:
    """A file whose first row is good, so that a partial import would show."""
    return header + b"".join(lines)


def with_value(field: str, value: str) -> bytes:
    """A good row, and a second one with this value."""
    names = HEADER.decode().strip().split(",")
    cells = GOOD.decode().strip().replace("I-1", "I-2").split(",")
    cells[names.index(field)] = value
    return rows(GOOD, ",".join(cells).encode() + b"\n")


class BadFile(NamedTuple):
    """A file that is refused: its bytes, and what the message says of the place and of the fix."""

    content: bytes
    place: str
    fix: str
    name: str = "charges.csv"


ENTITIES = b"""<?xml version="1.0"?>
<!DOCTYPE charges [<!ENTITY lol "lol"><!ENTITY file SYSTEM "file:///etc/passwd">]>
<charges><charge><source>&file;</source></charge></charges>
"""

FILES = {
    "an empty file": BadFile(b"", "charges.csv: the file is empty", "it needs a header and at least one row"),
    "a wrong encoding": BadFile(
        with_value("customer", "M?ller").replace(b"?", b"\xfc"), "charges.csv: line 3, byte 1", "save the file as UTF-8"
    ),
    "NUL bytes": BadFile(
        with_value("customer", "A?B").replace(b"?", b"\0"), "charges.csv: line 3: has a NUL character", "remove it"
    ),
    "a field of 10 MB": BadFile(
        with_value("customer", "x" * 10_000_000), "charges.csv: line 3: is longer than", "check"
    ),
    "a quoted field of 10 MB with line breaks": BadFile(
        with_value("customer", '"' + "x\n" * 5_000_000 + '"'), "charges.csv: lines 3 to", "close its quotes"
    ),
    "an unknown column": BadFile(
        rows(GOOD.replace(b"\n", b",1\n"), header=HEADER.replace(b"\n", b",ammount\n")),
        'charges.csv: the header: column "ammount"',
        'did you mean "amount"?',
    ),
    "a bad date": BadFile(
        with_value("post_date", "05.01.2024"), 'row 3: post_date "05.01.2024"', "write it as 2024-01-05 or 2024-05-01"
    ),
    "29 February in a common year": BadFile(
        with_value("post_date", "2023-02-29"), 'row 3: post_date "2023-02-29"', "write it as 2023-02-28 or 2023-03-01"
    ),
    "three decimals in a currency with two": BadFile(
        with_value("amount", "24.001"), 'row 3: amount "24.001": has 3 decimals', "write it as 24.00 or 24.01"
    ),
    "an unknown currency": BadFile(
        with_value("currency", "UDS"), 'row 3: currency "UDS"', "write a code of three capital letters, such as USD"
    ),
    "a zero amount": BadFile(
        with_value("amount", "0.00"), 'row 3: amount "0.00": is zero', "leave the row out, or write its amount"
    ),
    "an amount beyond 64-bit minor units": BadFile(
        with_value("amount", "92233720368547758.08"), 'row 3: amount "92233720368547758.08"', "check the amount"
    ),
    "the same charge twice in a file": BadFile(
        rows(GOOD, GOOD), 'row 3: charge "shop/I-1/1": appears in row 2', "keep one of the two"
    ),
    "XML with entities": BadFile(ENTITIES, "charges.xml: line 2: a DOCTYPE", "remove it", "charges.xml"),
}


@pytest.mark.parametrize("bad", FILES.values(), ids=FILES)
def test_a_bad_file_is_refused_whole_with_its_place_and_fix(
    bad: BadFile, books: Path, revrec: Revrec, fingerprint: Callable[[Path], object]
) -> None:
    (books / bad.name).write_bytes(bad.content)
    before = fingerprint(books)
    for words in (["import", bad.name], ["import", bad.name, "--dry-run"]):
        ended = revrec(*words)
        assert ended.code == 3
        assert_names(ended.err, bad.place, bad.fix)
        assert len(ended.err) < 1000
    assert fingerprint(books) == before


@pytest.mark.parametrize("bad", FILES.values(), ids=FILES)
def test_a_preview_of_a_bad_file_says_the_same(bad: BadFile, books: Path, revrec: Revrec) -> None:
    (books / bad.name).write_bytes(bad.content)
    ended = revrec("preview", "--file", bad.name)
    assert (ended.code, ended.out) == (3, "")
    assert_names(ended.err, bad.place, bad.fix)


def assert_names(shown: str, place: str, fix: str) -> None:
    """The message names the file first, then the place and what is wrong, and ends with the fix."""
    [line] = [one for one in shown.splitlines() if place in one]
    assert re.match(r"(revrec: )?charges\.(csv|xml): ", line)
    assert fix in line.partition(place)[2]
    assert ";" in line


def test_a_file_must_add_up_to_the_total_that_is_expected(
    books: Path, revrec: Revrec, fingerprint: Callable[[Path], object]
) -> None:
    (books / "charges.csv").write_bytes(rows(GOOD))
    before = fingerprint(books)
    ended = revrec("import", "charges.csv", "--expect", "42.00")
    assert ended.code == 3 and fingerprint(books) == before
    assert "charges.csv: the total of the file is 42.00, its rows add up to 24.00; check whether rows" in ended.err
    assert revrec("import", "charges.csv", "--expect", "much").code == 2
    assert revrec("import", "charges.csv", "--expect", "24.00").code == 0


@pytest.mark.parametrize("command", [["import"], ["import", "--events"], ["preview", "--file"]], ids=" ".join)
def test_a_missing_file_and_a_folder_are_refused(
    command: list[str], books: Path, revrec: Revrec, fingerprint: Callable[[Path], object]
) -> None:
    before = fingerprint(books)
    missing = revrec(*command, "nix.csv")
    assert (missing.code, missing.err) == (3, "revrec: nix.csv: no such file; check the path\n")
    folder = revrec(*command, "rules")
    assert (folder.code, folder.err) == (3, "revrec: rules: is a folder; name the files in it\n")
    assert fingerprint(books) == before


def test_a_good_file_beside_a_bad_one_is_imported_and_the_bad_one_is_not(books: Path, revrec: Revrec) -> None:
    (books / "good.csv").write_bytes(rows(GOOD))
    (books / "bad.csv").write_bytes(with_value("amount", "0.00"))
    ended = revrec("import", "bad.csv", "good.csv", "--format", "json")
    assert ended.code == 3
    assert [one["outcome"] for one in ended.json["files"]] == ["refused", "imported"]
    assert revrec("status", "--format", "json").json["charges"] == 1


RULE = """[[rule]]
name = "{name}"
priority = {priority}
[rule.when]
item = "MAG-*"
[rule.recognize]
method = "rev_rec_date"
"""
RULES = {
    "a circle of includes": (
        {"a.toml": 'include = ["b.toml"]\n', "b.toml": 'include = ["a.toml"]\n'},
        r"revrec: .*rules/[ab]\.toml:1:\d+: .*circle.*a\.toml.*b\.toml",
    ),
    "two rules of equal priority for the same lines": (
        {"mine.toml": RULE.format(name="mine", priority=100)},
        r'revrec: .*rules/\w+\.toml:\d+:\d+: .*"(mine|magazine-12-issues)".*"(mine|magazine-12-issues)".*priority',
    ),
    "an unknown key": (
        {"mine.toml": RULE.format(name="mine", priority=7) + 'ofset = "1 day"\n'},
        r"revrec: .*rules/mine\.toml:8:1: .*ofset.*offset",
    ),
    "broken TOML": ({"mine.toml": '[[rule]\nname = "mine"\n'}, r"revrec: .*rules/mine\.toml:1:\d+: "),
}


@pytest.mark.parametrize(("files", "message"), RULES.values(), ids=RULES)
@pytest.mark.parametrize(
    "command",
    [["rules", "check"], ["import", "good.csv"], ["schedule", "--rebuild", "--reason", "tested"]],
    ids=" ".join,
)
def test_nothing_runs_on_broken_rules(
    command: list[str],
    files: dict[str, str],
    message: str,
    books: Path,
    revrec: Revrec,
    fingerprint: Callable[[Path], object],
) -> None:
    (books / "good.csv").write_bytes(rows(GOOD))
    for name, text in files.items():
        (books / "rules" / name).write_text(text, encoding="utf-8")
    before = fingerprint(books)
    ended = revrec(*command)
    assert (ended.code, ended.out) == (3, "")
    assert re.search(message, ended.err), ended.err
    assert fingerprint(books) == before


@pytest.mark.parametrize(
    "command",
    [["status"], ["import", "good.csv"], ["preview"], ["run", "--date", "2024-01-31"], ["db", "upgrade"]],
    ids=" ".join,
)
def test_a_database_of_a_newer_program_is_left_alone(
    command: list[str], books: Path, revrec: Revrec, fingerprint: Callable[[Path], object]
) -> None:
    (books / "good.csv").write_bytes(rows(GOOD))
    with sqlite3.connect(books / "revrec.db") as database:
        database.execute("UPDATE alembic_version SET version_num = 'r9001'")
    before = fingerprint(books)
    ended = revrec(*command)
    assert (ended.code, ended.out) == (5, "")
    assert re.match(r"revrec: .*revrec\.db: .*revision r9001, newer .*; install a newer revrec\n", ended.err)
    assert fingerprint(books) == before


@pytest.mark.parametrize(
    ("content", "fix"),
    [(b"not a database at all, not even nearly" * 40, "restore a backup"), (b"", "revrec db upgrade")],
    ids=["another file", "an empty file"],
)
def test_a_file_that_is_no_database_is_left_alone(content: bytes, fix: str, books: Path, revrec: Revrec) -> None:
    (books / "revrec.db").unlink()
    (books / "revrec.db").write_bytes(content)
    for command in (["status"], ["preview"]):
        ended = revrec(*command)
        assert (ended.code, ended.out) == (5, "")
        assert "revrec.db: " in ended.err and fix in ended.err
    assert (books / "revrec.db").read_bytes().startswith(content)


@pytest.fixture
def read_only_books(books: Path, as_ordinary_user: Any) -> Any:
    """Books whose database and folder an ordinary user may read, not write."""
    folder = Path(tempfile.mkdtemp(prefix="revrec-read-only-"))
    shutil.copytree(books, folder, dirs_exist_ok=True)
    (folder / "good.csv").write_bytes(rows(GOOD))
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)
    shutil.rmtree(folder)


def test_a_read_only_database_can_be_read_and_is_never_written(
    read_only_books: Path, as_ordinary_user: Any, revrec: Revrec, fingerprint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(read_only_books)
    warm_up(revrec)
    before = (read_only_books / "revrec.db").read_bytes()
    with as_ordinary_user():
        for command in (
            ["import", "good.csv"],
            ["schedule", "--rebuild", "--reason", "tested"],
            ["run", "--date", "2024-01-31"],
        ):
            ended = revrec(*command)
            assert ended.code == 5, ended
            assert re.match(r"revrec: .*revrec\.db.*: .*cannot be (written|opened).*; give this user", ended.err)
        assert revrec("status").code == 0
    assert (read_only_books / "revrec.db").read_bytes() == before


def test_a_target_that_cannot_be_written_to_is_named(
    read_only_books: Path, as_ordinary_user: Any, revrec: Revrec, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    warm_up(revrec)
    target = read_only_books / "more"
    monkeypatch.chdir(tmp_path)
    with as_ordinary_user():
        for command in (["init", str(target)], ["demo", str(target)]):
            ended = revrec(*command)
            assert ended.code == 3, ended
            assert re.match(rf"revrec: {target}.*: .*cannot be written.*; choose another", ended.err), ended.err
    assert not target.exists()


def test_a_configuration_that_exists_is_never_overwritten(
    books: Path, revrec: Revrec, fingerprint: Callable[[Path], object]
) -> None:
    (books / "revrec.toml").write_text("# mine\n", encoding="utf-8")
    before = fingerprint(books)
    ended = revrec("init", ".")
    assert (ended.code, ended.out) == (3, "")
    assert (
        ended.err == "revrec: revrec.toml: exists already and is not overwritten; choose another folder, or edit it\n"
    )
    assert (books / "revrec.toml").read_text(encoding="utf-8") == "# mine\n"
    assert fingerprint(books) == before


def test_a_port_that_is_in_use_is_a_usage_error(books: Path, intacct: dict[str, str], revrec: Revrec) -> None:
    port = intacct["INTACCT_ENDPOINT_URL"].split(":")[2].split("/")[0]
    ended = revrec("sandbox", "serve", "--port", port)
    assert (ended.code, ended.out) == (2, "")
    assert "in use" in ended.err and "choose another --port" in ended.err


def test_a_backup_that_cannot_be_written_is_named_and_leaves_nothing(books: Path, revrec: Revrec) -> None:
    (books / "file.txt").write_text("mine", encoding="utf-8")
    for target in ("file.txt/copy.db", "file.txt", "."):
        ended = revrec("db", "backup", target)
        assert (ended.code, ended.out) == (3, "")
        assert re.match(rf"revrec: {target}.*: .*; .*choose another", ended.err), ended.err
    assert (books / "file.txt").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    "command", [["init", "file.txt"], ["demo", "file.txt"], ["init", "file.txt/books"]], ids=" ".join
)
def test_a_file_where_a_folder_is_needed_is_named(
    command: list[str], tmp_path: Path, revrec: Revrec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file.txt").write_text("mine", encoding="utf-8")
    ended = revrec(*command)
    assert ended.code == 3
    assert re.search(r"revrec: file\.txt.*: .*; choose another folder", ended.err)
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


def warm_up(revrec: Revrec) -> None:
    """Load what the commands load, while every file of the program may be read."""
    revrec("import", "nix.csv")
    revrec("run", "--date", "2024-01-31", "--dry-run")
    revrec("db", "backup", "revrec.toml")
    import alembic.command  # noqa: F401
    import filelock  # noqa: F401


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        pytest.param(
            "http://127.0.0.1:9/ia/xml/xmlgw.phtml",
            "Connection refused.*Nothing was sent. Check the network",
            marks=pytest.mark.slow,
        ),
        ("http://nowhere.invalid/", "the host is neither .*; write it as https://api.intacct.com"),
        ("http://api.intacct.com/ia/xml/xmlgw.phtml", "http.*; write it as https://api.intacct.com"),
    ],
    ids=["no one listens", "no host of Intacct's", "not encrypted"],
)
def test_a_gateway_that_is_not_reachable_leaves_the_entries_ready(
    endpoint: str, said: str, story: Path, intacct: dict[str, str], revrec: Revrec
) -> None:
    ended = revrec("run", "--date", "2024-01-31", env={**intacct, "INTACCT_ENDPOINT_URL": endpoint})
    assert (ended.code, ended.out) == (5, "")
    assert endpoint in ended.err and re.search(said, ended.err)
    assert revrec("status", "--format", "json").json["entries"] in ({}, {"ready": 2})
    again = revrec("run", "--date", "2024-01-31", "--format", "json", env=intacct)
    assert (again.code, again.json["posted"]) == (0, 2)
    assert revrec("run", "--date", "2024-01-31", "--format", "json", env=intacct).json["posted"] == 0


@pytest.mark.parametrize("which", ["INTACCT_USER_PASSWORD", "INTACCT_SENDER_PASSWORD"])
def test_a_wrong_password_is_named_without_being_shown(
    which: str, story: Path, intacct: dict[str, str], revrec: Revrec
) -> None:
    ended = revrec("run", "--date", "2024-01-31", env={**intacct, which: "hunter2-is-wrong"})
    assert ended.code == 5
    assert "password" in ended.err.lower() and "hunter2" not in ended.err
    assert revrec("status", "--format", "json").json["entries"] == {}
    everything = b"".join(path.read_bytes() for path in story.rglob("*") if path.is_file())
    assert b"hunter2" not in everything


def test_credentials_that_are_missing_are_named_one_by_one(story: Path, revrec: Revrec) -> None:
    ended = revrec("run", "--date", "2024-01-31", env={"INTACCT_ENDPOINT_URL": "https://api.intacct.example/x"})
    assert ended.code == 5
    assert "INTACCT_SENDER_PASSWORD" in ended.err and "INTACCT_USER_PASSWORD" in ended.err


USAGE = {
    "a date that is none": (["run", "--date", "2023-02-29"], "--date '2023-02-29': not a date; write it as"),
    "a kind of event that is none": (
        ["event", "add", "a/b/1", "podd", "2024-01-05"],
        "KIND 'podd': expected one of pod",
    ),
    "a number that is none": (
        ["event", "add", "a/b/1", "usage", "2024-01-05", "--quantity", "many"],
        "--quantity 'many': not a number; write it as 12.50",
    ),
    "an event without what its kind needs": (
        ["event", "add", "a/b/1", "milestone", "2024-01-05"],
        "--name: is empty, a milestone event needs it",
    ),
    "more than all complete": (
        ["event", "add", "a/b/1", "percent", "2024-01-05", "--percent", "120"],
        '--percent "120": is not between 0 and 100',
    ),
    "a note that would write to the terminal": (
        ["event", "add", "a/b/1", "pod", "2024-01-05", "--note", "a\x1b[31mb"],
        r"--note 'a\x1b[31mb': has a control character",
    ),
    "a duration that is none": (
        ["run", "--date", "2024-01-31", "--wait", "long"],
        "--wait: expected a duration such as",
    ),
    "a window that ends before it begins": (
        ["preview", "--from", "2024-02-01", "--to", "2024-01-01"],
        "--from 2024-02-01 is after --to 2024-01-01",
    ),
    "a format that is none": (["status", "--format", "xml"], "'xml' is not one of"),
    "a switch without a value": (["sandbox", "serve", "--switch", "masters"], "write it as NAME=VALUE"),
    "a fault that is none": (["sandbox", "serve", "--fault", "nonsense"], "nonsense"),
    "a state that is none": (
        ["postings", "list", "--state", "lost"],
        "Invalid value for '--state': 'lost' is not one of all, posted, ready",
    ),
    "a limit that is no number": (
        ["run", "list", "--limit", "many"],
        "Invalid value for '--limit': 'many' is not a whole number from 0; write it in digits, such as 1",
    ),
    "a limit below zero": (["run", "list", "--limit", "-1"], "'-1' is not a whole number from 0"),
    "a port that is too large": (
        ["sandbox", "serve", "--port", "70000"],
        "'70000' is not a whole number from 0 to 65535",
    ),
    "a number that no row can have": (["quarantine", "show", "9" * 20], "is not a whole number; write it in digits"),
}


@pytest.mark.parametrize(("words", "message"), USAGE.values(), ids=USAGE)
def test_a_usage_error_names_the_option_and_the_fix(
    words: list[str], message: str, books: Path, revrec: Revrec, fingerprint: Callable[[Path], object]
) -> None:
    before = fingerprint(books)
    ended = revrec(*words)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert fingerprint(books) == before


@pytest.mark.parametrize(
    "url",
    ["anna:s3cret", "mysql://anna:s3cret@host/books", "mysql+x://anna:s3cret@host/books", "sqlite+x:///books.db"],
)
def test_a_database_url_that_cannot_be_used_is_named_without_its_password(
    url: str, books: Path, revrec: Revrec
) -> None:
    ended = revrec("preview", "--database", url)
    assert ended.code == 5
    assert ended.err.startswith("revrec: database URL")
    assert ended.err.endswith("write sqlite:///FILE or postgresql://USER@HOST/DATABASE\n")
    assert "s3cret" not in ended.err


@pytest.mark.usefixtures("story")
def test_it_is_said_what_a_cancellation_and_a_hold_do(revrec: Revrec) -> None:
    ended = revrec("event", "add", "shop/INV-1001/1", "cancel", "2024-01-05")
    assert ended.code == 0
    assert "cancel on 2024-01-05 (what is left is recognized at once): 24.00 becomes 24.00 USD" in ended.out
    held = revrec("event", "add", "shop/INV-1006/1", "hold", "2024-03-01", "--note", "in dispute")
    assert "5000.00 USD waits" in held.out and "revrec event add shop/INV-1006/1 release DATE" in held.out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this platform has no such device")
@pytest.mark.usefixtures("story")
def test_a_full_disk_under_the_output_is_reported_without_a_traceback() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([*PROGRAM, "status"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 1
    assert "goes to is full" in ended.stderr and "unexpected" not in ended.stderr and "Traceback" not in ended.stderr


@pytest.mark.skipif(os.name == "nt", reason="a shell's way to close standard output")
@pytest.mark.usefixtures("story")
def test_closed_output_is_no_failure() -> None:
    command = ["sh", "-c", 'exec "$@" >&-', "sh", *PROGRAM, "preview"]
    ended = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
