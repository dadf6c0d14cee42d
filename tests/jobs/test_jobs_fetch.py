"""Fetching: each document once, whatever breaks off; moved only when it is imported; its copy and its record kept."""

import http.server
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from revrec.core.errors import BadConfiguration
from revrec.jobs.admin.verify import verify
from revrec.jobs.importing import fetch as job
from revrec.jobs.importing import quarantine
from revrec.jobs.trust import confirm
from revrec.store import charges
from support.books import Books

HEADER = "source,document,line,customer,item,post_date,amount,currency\n"


def csv(*documents: str, amount: str = "24.00") -> bytes:
    rows = (f"shop,{one},1,C1,MAG-1,2024-01-05,{amount},USD\n" for one in documents)
    return (HEADER + "".join(rows)).encode()


def put(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    os.utime(folder / name, (time.time() - 60, time.time() - 60))


@pytest.fixture
def source(offline: Books) -> Books:
    """Books with a folder as their source."""
    configure(offline, 'transport = "folder"\npath = "in"\nafter = "move:done"\nrefused = "move:bad"\n')
    (offline.folder / "in").mkdir()
    return offline


def configure(books: Books, text: str, name: str = "partner") -> None:
    file = books.folder / "revrec.toml"
    file.write_text(file.read_text() + f"[source.{name}]\n{text}")
    confirm(books.context())


def fetched(books: Books, *names: str, **how: Any) -> job.SourceResult:
    (result,) = job.fetch(books.context("fetch"), names, **how)
    return result


def outcomes(result: job.SourceResult) -> dict[str, str]:
    return {one.name: one.outcome for one in result.documents}


def test_what_is_offered_is_imported_recorded_kept_and_moved(source: Books) -> None:
    put(source.folder / "in", "a.csv", csv("INV-1"))
    result = fetched(source)
    assert outcomes(result) == {"a.csv": "imported"} and not result.failed
    assert sorted(path.name for path in (source.folder / "in").rglob("*.csv")) == ["a.csv"]
    assert (source.folder / "in" / "done" / "a.csv").exists()
    ((kept, sha256),) = source.sql("SELECT kept, sha256 FROM received_document")
    assert (source.folder / kept).read_bytes() == csv("INV-1")
    assert source.trace("shop/INV-1/1")["source"]["uri"].endswith("/in/a.csv")
    assert source.trace("shop/INV-1/1")["source"]["sha256"] == sha256
    assert verify(source.context("verify")).sound


def test_a_document_is_never_taken_twice(source: Books) -> None:
    source.folder.joinpath("revrec.toml").write_text(
        source.folder.joinpath("revrec.toml").read_text().replace("move:done", "keep")
    )
    put(source.folder / "in", "a.csv", csv("INV-1"))
    assert outcomes(fetched(source)) == {"a.csv": "imported"}
    again = fetched(source)
    assert again.documents == [] and again.known == 1
    put(source.folder / "in", "a.csv", csv("INV-1", "INV-2"))
    assert outcomes(fetched(source)) == {"a.csv": "imported"}
    assert source.sql("SELECT count(*) FROM charge_line") == [(2,)]


def test_the_same_content_under_another_name_brings_nothing_new(source: Books) -> None:
    put(source.folder / "in", "a.csv", csv("INV-1"))
    fetched(source)
    put(source.folder / "in", "b.csv", csv("INV-1"))
    assert outcomes(fetched(source)) == {"b.csv": "unchanged"}


def test_a_bad_document_is_refused_whole_moved_aside_and_does_not_stop_the_others(source: Books) -> None:
    put(source.folder / "in", "a.csv", csv("INV-1") + b"shop,INV-2,1,C1,MAG-1,yesterday,1.00,USD\n")
    put(source.folder / "in", "b.csv", csv("INV-3"))
    result = fetched(source)
    assert outcomes(result) == {"a.csv": "refused", "b.csv": "imported"} and result.refused == 1
    assert (source.folder / "in" / "bad" / "a.csv").exists()
    assert source.sql("SELECT document FROM charge_line") == [("INV-3",)]
    assert "1 of 2 rows cannot be used" in source.sql("SELECT detail FROM received_document WHERE id = 1")[0][0]


def test_a_source_that_keeps_the_good_rows_sets_the_others_aside(offline: Books) -> None:
    configure(offline, 'transport = "folder"\npath = "in"\nkeep_good = true\n')
    put(offline.folder / "in", "a.csv", csv("INV-1") + b"shop,INV-2,1,C1,MAG-1,yesterday,1.00,USD\n")
    assert outcomes(fetched(offline)) == {"a.csv": "imported"}
    assert offline.sql("SELECT count(*) FROM quarantine") == [(1,)]


def test_a_dry_run_keeps_nothing_here_and_moves_nothing_there(source: Books) -> None:
    put(source.folder / "in", "a.csv", csv("INV-1"))
    before = source.content()
    assert outcomes(fetched(source, dry_run=True)) == {"a.csv": "imported"}
    assert source.content() == before and (source.folder / "in" / "a.csv").exists()
    assert not (source.folder / "received").exists()


def test_a_crash_between_import_and_record_costs_nothing_but_a_second_look(
    source: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(source.folder / "in", "a.csv", csv("INV-1"))

    def killed(*_words: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(job._SourceFetch, "_note", killed)
        with pytest.raises(KeyboardInterrupt):
            fetched(source)
    assert source.sql("SELECT count(*) FROM charge_line") == [(1,)]
    assert outcomes(fetched(source)) == {"a.csv": "unchanged"}
    assert (source.folder / "in" / "done" / "a.csv").exists()


def test_a_document_that_was_recorded_but_not_moved_is_moved_by_the_next_fetch_and_not_imported_again(
    source: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    from revrec.sources.transports.folder import FolderTransport

    put(source.folder / "in", "a.csv", csv("INV-1"))
    with monkeypatch.context() as patched:
        patched.setattr(FolderTransport, "settle", lambda *_words, **_how: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            fetched(source)
    result = fetched(source)
    assert result.documents == [] and result.known == 1
    assert (source.folder / "in" / "done" / "a.csv").exists()


def test_an_oversize_document_is_refused_without_being_read_to_its_end(offline: Books) -> None:
    configure(offline, 'transport = "folder"\npath = "in"\nlargest = 100\n')
    put(offline.folder / "in", "a.csv", csv("INV-1", "INV-2", "INV-3"))
    result = fetched(offline)
    assert outcomes(result) == {"a.csv": "refused"} and "more than 100 bytes" in result.documents[0].detail


def test_a_source_that_fails_does_not_keep_the_others(source: Books) -> None:
    configure(source, 'transport = "folder"\npath = "nowhere"\n', "gone")
    put(source.folder / "in", "a.csv", csv("INV-1"))
    first, second = job.fetch(source.context("fetch"))
    assert outcomes(first) == {"a.csv": "imported"} and "there is no such folder" in second.failed
    assert source.sql("SELECT outcome FROM source_fetch WHERE source = 'partner'") == [("done",)]


class Flaky(http.server.BaseHTTPRequestHandler):
    """Breaks the connection off as often as ``breaks`` says, then answers."""

    server: Any

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.server.breaks:
            self.server.breaks -= 1
            self.connection.close()
            return
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@pytest.fixture
def api() -> Iterator[Any]:
    server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Flaky)
    server.breaks, server.asked, server.status, server.body = 0, [], 200, csv("INV-1")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def shop(offline: Books, api: Any) -> Books:
    url = f"http://127.0.0.1:{api.server_address[1]}/charges.csv?since={{since}}"
    configure(offline, f'transport = "http"\nurl = "{url}"\n')
    return offline


def patient(books: Books, slept: list[float]) -> Any:
    from dataclasses import replace

    return replace(books.context("fetch"), sleep=slept.append)


def test_a_connection_that_breaks_off_is_made_again_after_a_pause(shop: Books, api: Any) -> None:
    slept: list[float] = []
    api.breaks = 2
    (result,) = job.fetch(patient(shop, slept))
    assert [one.outcome for one in result.documents] == ["imported"] and len(slept) == 2


def test_one_that_goes_on_breaking_off_is_reported_and_recorded(shop: Books, api: Any) -> None:
    api.breaks = 99
    (result,) = job.fetch(patient(shop, []))
    assert "fetch again" in result.failed and len(api.asked) == job.TRIES
    assert "fetch again" in shop.sql("SELECT outcome FROM source_fetch")[0][0]


def test_a_refused_sign_in_is_never_repeated(shop: Books, api: Any) -> None:
    api.status = 401
    (result,) = job.fetch(patient(shop, []))
    assert "not let in" in result.failed and len(api.asked) == 1


def test_the_next_fetch_asks_for_what_came_since_the_last_one(shop: Books, api: Any) -> None:
    job.fetch(patient(shop, []))
    job.fetch(patient(shop, []))
    assert "since=1970-01-01T00%3A00%3A00Z" in api.asked[0]
    assert f"since={time.gmtime().tm_year}-" in api.asked[1]
    assert shop.sql("SELECT outcome FROM received_document") == [("imported",)]


def test_the_password_comes_from_the_environment_and_never_from_the_configuration(source: Books) -> None:
    from revrec.jobs.importing.sources import secret_of

    context = source.context("fetch", REVREC_SOURCE_PARTNER_PASSWORD="s3cret")
    assert secret_of(context, "partner", "password") == "s3cret"
    configure(source, 'transport = "ftp"\nhost = "h"\npassword = "x"\n', "leaky")
    with pytest.raises(BadConfiguration, match="REVREC_SOURCE_LEAKY_PASSWORD"):
        job.fetch(source.context("fetch"))


def test_a_source_that_is_not_there_is_reported_with_those_that_are(source: Books) -> None:
    with pytest.raises(BadConfiguration, match=r"no source named 'shop' \(known: partner\)"):
        fetched(source, "shop")


def test_without_any_source_the_place_for_one_is_named(offline: Books) -> None:
    with pytest.raises(BadConfiguration, match=r"add a \[source.NAME\] table"):
        job.fetch(offline.context("fetch"))


def test_names_of_the_other_side_become_no_part_of_a_path() -> None:
    for name, suffix in (("../../x.csv", ".csv"), ("a/b.tar.GZ", ".tar.gz"), ("a.csv/..", ""), ("x" * 500, "")):
        assert job._suffix(name) == suffix


def test_the_time_zone_of_a_source_replaces_the_one_of_its_mapping_also_for_a_row_from_the_quarantine(
    offline: Books,
) -> None:
    file = offline.folder / "revrec.toml"
    file.write_text(f'{file.read_text()}[mapping.shop]\ntimezone = "Asia/Tokyo"\n')
    keys = 'transport = "folder"\npath = "in"\nmap = "shop"\nkeep_good = true\n'
    configure(offline, f'{keys}timezone = "America/New_York"\n')
    good, bad = (csv(name).replace(b"2024-01-05", b"2024-04-01T02:30:00Z") for name in ("INV-1", "INV-2"))
    put(offline.folder / "in", "a.csv", good + bad.partition(b"\n")[2].replace(b"24.00", b"twelve"))
    assert [one.accepted for one in fetched(offline).imports] == [1]
    quarantine.fix(offline.context(), 1, {"amount": "12.00"}, "their mail")
    assert quarantine.release(offline.context(), [1]).accepted == 1
    with offline.context().database.read() as connection:
        lines = [line for _no, line in charges.read_charges(connection, [1, 2])]
    assert [(line.document, str(line.post_date)) for line in lines] == [
        ("INV-1", "2024-03-31"),
        ("INV-2", "2024-03-31"),
    ]
