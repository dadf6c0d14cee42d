"""The sandbox as a process: first line, restarts, lock, address file, clean end."""

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from revrec.sandbox.company.schema import STEPS
from revrec.sandbox.company.store import APPLICATION_ID
from revrec.sandbox.control.address import running
from support.intacct import address_of
from support.sandbox_client import SandboxClient

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start ``python -m revrec.sandbox serve`` with arguments; the processes end with the test."""
    processes: list[subprocess.Popen[str]] = []

    def run(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        root = Path(__file__).resolve().parents[2]
        process = subprocess.Popen(
            [sys.executable, "-m", "revrec.sandbox", "serve", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=root,
            env=os.environ | environment,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def first_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    return address_of(process)


def at(client: SandboxClient, address: dict[str, Any]) -> SandboxClient:
    """Return a client for another sandbox than the shared one."""
    return SandboxClient(address)


def end(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[str, str]:
    process.send_signal(number)
    output = process.communicate(timeout=60)
    assert process.returncode == 0, output
    return output


def test_the_first_line_contains_what_a_client_needs(client: SandboxClient, start: Start) -> None:
    address = first_line(start("--quiet"))
    assert list(address) == [
        "url",
        "admin_url",
        "sender_id",
        "sender_password",
        "company_id",
        "user_id",
        "user_password",
        "journal",
        "accounts",
    ]
    assert address["url"].startswith("http://127.0.0.1:")
    assert address["url"].endswith("/ia/xml/xmlgw.phtml")
    assert {"1100", "1300", "2400", "2410", "4000", "4010", "4100", "5000"} <= set(address["accounts"])
    assert at(client, address).create(client.glbatch(JOURNAL=address["journal"])).status == "success"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_cleanly(start: Start, number: int) -> None:
    process = start()
    first_line(process)
    end(process, number)


def test_passwords_come_from_the_environment_or_are_generated(start: Start) -> None:
    given = first_line(start(REVREC_SANDBOX_SENDER_PASSWORD="sender-pw", REVREC_SANDBOX_USER_PASSWORD="user-pw"))
    assert (given["sender_password"], given["user_password"]) == ("sender-pw", "user-pw")
    one, other = first_line(start()), first_line(start())
    assert one["user_password"] != other["user_password"]
    assert len(one["user_password"]) >= 20


def test_entries_control_ids_periods_and_masters_survive_a_kill(
    client: SandboxClient, start: Start, tmp_path: Path
) -> None:
    data = tmp_path / "ledger.db"
    process = start("--data", str(data))
    before = at(client, first_line(process))
    number = before.create(client.glbatch(client.pair(CUSTOMERID="NEW-C")), control_id="kept").record_no
    before.admin("periods/close", month="2025-02")
    process.kill()
    process.wait()
    after = at(client, first_line(start("--data", str(data))))
    assert [entry["record_no"] for entry in after.entries()] == [int(number)]
    assert after.create(control_id="kept").status == "failure"
    assert after.create(client.glbatch(BATCH_DATE="02/01/2025")).status == "failure"
    assert "NEW-C" in [record["id"] for record in after.look("customers")["records"]]
    later = after.create()
    assert int(later.record_no) > int(number)
    assert after.entries()[-1]["batch_no"] == 2


def test_an_entry_is_there_after_a_kill_as_soon_as_it_was_answered(
    client: SandboxClient, start: Start, tmp_path: Path
) -> None:
    data = tmp_path / "ledger.db"
    process = start("--data", str(data), "--quiet")
    mine = at(client, first_line(process))
    answered: list[str] = []

    def post() -> None:
        try:
            while True:
                answered.append(mine.create().record_no)
        except requests.RequestException:
            return

    thread = threading.Thread(target=post)
    thread.start()
    threading.Event().wait(0.4)
    process.kill()
    thread.join()
    kept = [entry["record_no"] for entry in at(client, first_line(start("--data", str(data)))).entries()]
    assert len(answered) > 3
    assert [int(number) for number in answered] == kept[: len(answered)]
    assert len(kept) - len(answered) <= 1


def test_the_store_is_durable_and_holds_no_password(client: SandboxClient, start: Start, tmp_path: Path) -> None:
    data = tmp_path / "ledger.db"
    process = start("--data", str(data))
    address = first_line(process)
    mine = at(client, address)
    session = mine.session()
    mine.in_session(session, f"<create>{client.glbatch()}</create>")
    _, log = end(process)
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir()) + log.encode()
    for secret in (address["sender_password"], address["user_password"], session[0]):
        assert secret.encode() not in written
    with sqlite3.connect(data) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_the_address_file_is_private_and_gone_after_a_clean_end(start: Start, tmp_path: Path) -> None:
    data = tmp_path / "ledger.db"
    process = start("--data", str(data))
    address = first_line(process)
    file = tmp_path / "ledger.db.address.json"
    assert json.loads(file.read_text()) == address | {"pid": process.pid}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert running(data) == address | {"pid": process.pid}
    end(process)
    assert not file.exists()
    assert running(data) is None


def test_the_address_file_of_a_killed_server_is_ignored(start: Start, tmp_path: Path) -> None:
    data = tmp_path / "ledger.db"
    process = start("--data", str(data))
    first_line(process)
    process.kill()
    process.wait()
    assert (tmp_path / "ledger.db.address.json").exists()
    assert running(data) is None
    assert first_line(start("--data", str(data)))["url"]


def test_a_second_server_on_the_same_file_ends_with_6(start: Start, tmp_path: Path) -> None:
    data = tmp_path / "ledger.db"
    first = start("--data", str(data))
    address = first_line(first)
    second = start("--data", str(data))
    out, err = second.communicate(timeout=60)
    assert second.returncode == 6
    assert out == ""
    assert "another sandbox already serves" in err
    assert address["url"] in err
    assert requests.get(address["admin_url"] + "state", timeout=60).status_code == 200


@pytest.mark.parametrize(
    ("content", "said"), [(b"this is not a database" * 100, "not a database"), (None, "not created by the sandbox")]
)
def test_a_foreign_file_is_rejected_and_not_changed(
    start: Start, tmp_path: Path, content: bytes | None, said: str
) -> None:
    data = tmp_path / "other.db"
    if content is None:
        with sqlite3.connect(data) as connection:
            connection.execute("CREATE TABLE precious (value)")
    else:
        data.write_bytes(content)
    before = data.read_bytes()
    process = start("--data", str(data))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert out == ""
    assert said in err
    assert data.read_bytes() == before


def test_a_file_of_an_earlier_version_is_upgraded_and_keeps_its_entries(
    client: SandboxClient, start: Start, tmp_path: Path
) -> None:
    data = tmp_path / "old.db"
    with sqlite3.connect(data) as connection:
        connection.executescript(STEPS[0])
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
        connection.execute("INSERT INTO master VALUES ('CUSTOMER', 'C1007', 1, 'Renamed', 1, '', '{}')")
        connection.execute(
            "INSERT INTO glbatch (recordno, batchno, journal, batch_date, batch_title, state, posted, created_by, "
            "created, modified) VALUES (7, 1, 'RR', '2024-01-31', 'Old', 'Posted', 1, 'u', '2024-01-31', '2024-01-31')"
        )
    mine = at(client, first_line(start("--data", str(data))))
    assert [(entry["record_no"], entry["title"]) for entry in mine.entries()] == [(7, "Old")]
    names = {record["id"]: record["name"] for record in mine.look("customers")["records"]}
    assert names["C1007"] == "Renamed" and "C1008" in names
    assert "Sales Invoice" in {record["id"] for record in mine.look("definitions")["records"]}


def test_b68_the_sandbox_listens_on_the_loopback_only(start: Start) -> None:
    process = start("--host", "0.0.0.0")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2 and "unrecognized arguments: --host" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--switch", "no_such=1"], "there is no switch 'no_such'"),
        (["--switch", "masters=maybe"], "accepts open or strict"),
        (["--fault", "boom@never"], "KIND@before or KIND@after"),
    ],
)
def test_wrong_options_end_with_2(start: Start, arguments: list[str], said: str) -> None:
    process = start(*arguments)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said in err


def test_a_port_in_use_ends_with_2(client: SandboxClient, start: Start) -> None:
    port = client.address["url"].split(":")[2].split("/")[0]
    process = start("--port", port)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "choose another --port" in err


def test_switches_and_faults_come_from_the_command_line(client: SandboxClient, start: Start) -> None:
    mine = at(client, first_line(start("--switch", "masters=strict", "--fault", "503@before:1x:create")))
    assert mine.look("state")["switches"]["masters"] == "strict"
    body = mine.document(client.function(f"<create>{client.glbatch()}</create>")).encode()
    assert requests.post(mine.address["url"], data=body, timeout=60).status_code == 503
    assert requests.post(mine.address["url"], data=body, timeout=60).status_code == 200


def test_the_access_log_goes_to_stderr_unless_quiet(client: SandboxClient, start: Start) -> None:
    loud, quiet = start(), start("--quiet")
    for process in (loud, quiet):
        at(client, first_line(process)).create(control_id="in-the-log")
    assert "create 'in-the-log' success" in end(loud)[1]
    assert end(quiet)[1] == ""


def test_the_sandbox_imports_nothing_else_of_revrec() -> None:
    code = (
        "import sys, revrec.sandbox.__main__, revrec.sandbox.control.sandbox\n"
        "print([m for m in sys.modules if m.startswith('revrec.') and not m.startswith('revrec.sandbox')])"
    )
    root = Path(__file__).resolve().parents[2]
    result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
