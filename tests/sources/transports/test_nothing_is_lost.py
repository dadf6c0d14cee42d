"""What a server had is what the books have: whatever breaks off, repeats, refuses or arrives in the wrong order."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from revrec.jobs.admin.verify import verify
from revrec.jobs.importing import fetch as job
from revrec.jobs.importing.documents import DocumentImporter, dismiss, listed, retry, retry_waiting
from revrec.jobs.trust import confirm
from revrec.sources.transports import SourceTransport, imap, transports
from revrec.sources.transports.imap import ImapTransport
from revrec.store import received
from support.books import Books, charge
from support.sqlite import Content
from support.transports import DocumentServer, Mailbox, PageServer

HEADER = "source,document,line,customer,item,post_date,amount,currency\n"
BAD = b"source,document,line,customer,item,post_date,amount,currency\nshop,BAD,1,C1,MAG-1,yesterday,1.00,USD\n"


def csv(*documents: str, amount: str = "24.00") -> bytes:
    rows = (f"shop,{one},1,C1,MAG-1,2024-01-05,{amount},USD\n" for one in documents)
    return (HEADER + "".join(rows)).encode()


def delivery(*documents: str) -> bytes:
    return ("charge,kind,date\n" + "".join(f"shop/{one}/1,pod,2024-04-11\n" for one in documents)).encode()


def configure(books: Books, config: dict[str, Any], name: str = "partner") -> None:
    """Write ``[source.NAME]``, in place of an earlier one."""
    file = books.folder / "revrec.toml"
    before = file.read_text().split(f"[source.{name}]")[0]
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in config.items())
    file.write_text(f"{before}[source.{name}]\n{lines}")
    confirm(books.context())


def fetched(books: Books, **how: Any) -> job.SourceResult:
    (result,) = job.fetch(books.context("fetch"), ["partner"], **how)
    return result


def documents(books: Books) -> list[str]:
    return [one for (one,) in books.sql("SELECT document FROM charge_line ORDER BY document")]


def states(books: Books, settled: bool = False) -> dict[str, str]:
    return {one.document: one.state for one in listed(books.context(), settled=settled)}


class Crash(BaseException):
    """The process was killed: nothing that would follow is done."""


# Files in a folder, by FTP, SFTP and S3


def test_files_of_one_second_and_one_size_are_all_imported(books: Books, files: DocumentServer) -> None:
    names = [f"INV-{number}" for number in range(5)]
    for name in names:
        files.put(f"{name}.csv", csv(name))
    configure(books, files.config)
    assert not fetched(books).failed
    assert documents(books) == sorted(names)
    assert fetched(books).known == len(names)


@pytest.mark.slow
def test_a_file_that_is_overwritten_is_imported_again_however_young_it_is(books: Books, files: DocumentServer) -> None:
    configure(books, {**files.config, "settle_seconds": 0})
    for name in ("INV-1", "INV-2", "INV-3"):
        files.put("orders.csv", csv(name))
        now = int(time.time())
        if files.folder:
            os.utime(files.folder / "orders.csv", (now, now))
        fetched(books)
    assert documents(books) == ["INV-1", "INV-2", "INV-3"]


@pytest.mark.slow
def test_a_file_whose_size_and_time_stay_the_same_is_found_by_its_content(books: Books, files: DocumentServer) -> None:
    configure(books, {**files.config, "compare": "content"})
    files.put("orders.csv", csv("INV-1"))
    fetched(books)
    found = files.folder and (files.folder / "orders.csv").stat()
    files.put("orders.csv", csv("INV-2"))
    if files.folder and found:
        os.utime(files.folder / "orders.csv", ns=(found.st_atime_ns, found.st_mtime_ns))
    fetched(books)
    assert documents(books) == ["INV-1", "INV-2"]
    assert (fetched(books).known, len(states(books, settled=True))) == (1, 1)


@pytest.mark.slow
def test_a_file_is_moved_beside_an_earlier_one_of_its_name(books: Books, files: DocumentServer) -> None:
    configure(books, {**files.config, "after": "move:done"})
    for name in ("INV-1", "INV-2", "INV-3"):
        files.put("orders.csv", csv(name))
        assert not fetched(books).failed
    assert files.names() == ["done/orders-2.csv", "done/orders-3.csv", "done/orders.csv"]


@pytest.mark.slow
@pytest.mark.parametrize("files", ["ftp", "sftp"], indirect=True)
def test_a_file_that_cannot_be_moved_is_reported_and_moved_later(books: Books, files: DocumentServer) -> None:
    configure(books, {**files.config, "after": "move:later"})
    for name in ("a.csv", "b.csv"):
        files.put(name, csv(name[0]))
    result = fetched(books)
    assert [one.outcome for one in result.documents] == ["imported"] * 2
    assert result.failed.startswith("2 imported or refused, but not moved")
    assert files.folder
    (files.folder / "later").mkdir()
    again = fetched(books)
    assert (again.failed, again.known, again.documents) == ("", 2, [])
    assert files.names() == ["later/a.csv", "later/b.csv"]


@pytest.mark.slow
@pytest.mark.parametrize("files", ["ftp", "sftp"], indirect=True)
def test_a_file_that_may_not_be_read_does_not_hold_up_the_others(books: Books, files: DocumentServer) -> None:
    configure(books, files.config)
    for name in ("a.csv", "b.csv", "c.csv"):
        files.put(name, csv(name[0]))
    assert files.folder
    (files.folder / "b.csv").chmod(0)
    assert documents_after(books) == ["a", "c"]
    assert states(books) == {"b.csv": "unreachable"}
    (files.folder / "b.csv").chmod(0o600)
    assert documents_after(books) == ["a", "b", "c"]
    assert states(books) == {}


def documents_after(books: Books) -> list[str]:
    fetched(books)
    return documents(books)


@pytest.mark.slow
def test_a_file_that_is_gone_when_it_is_read_does_not_hold_up_the_others(
    books: Books, files: DocumentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(books, {**files.config, "after": "delete"})
    for name in ("a.csv", "b.csv", "c.csv"):
        files.put(name, csv(name[0]))
    listing = transports()[files.config["transport"]].documents

    def late(transport: SourceTransport) -> Iterator[Any]:
        found = list(listing(transport))
        files.remove("b.csv")
        yield from found

    with monkeypatch.context() as patched:
        patched.setattr(transports()[files.config["transport"]], "documents", late)
        assert documents_after(books) == ["a", "c"]
    assert states(books) == {"b.csv": "unreachable"} and files.names() == []
    files.put("b.csv", csv("b"))
    assert documents_after(books) == ["a", "b", "c"] and states(books) == {}


@pytest.mark.parametrize("files", ["folder", "ftp"], indirect=True)
def test_a_name_that_is_not_utf_8_does_not_hold_up_the_others(books: Books, files: DocumentServer) -> None:
    configure(books, {**files.config, "after": "move:done"})
    assert files.folder
    old_file(files.folder / os.fsdecode(b"\xff\x1b[2J.csv"), csv("odd"))
    files.put("plain.csv", csv("plain"))
    fetched(books)
    if files.config["transport"] == "folder":
        assert documents(books) == ["odd", "plain"] and len(list((files.folder / "done").iterdir())) == 2
    else:
        # This server offers a name that it does not find itself.
        assert documents(books) == ["plain"] and list(states(books).values()) == ["unreachable"]


@pytest.mark.slow
def test_an_oversize_file_is_refused_and_the_next_one_is_imported(books: Books, files: DocumentServer) -> None:
    configure(books, {**files.config, "largest": 5_000})
    files.put("a.csv", b"x" * 3_000_000)
    files.put("b.csv", csv("b"))
    assert documents_after(books) == ["b"]
    assert states(books) == {"a.csv": "refused"}


# A crash at every step


STEPS = ("download", "archive", "process", "_note", "settle", "add_fetch")


@contextmanager
def crash_at(step: str, number: int, kind: type[SourceTransport], patched: pytest.MonkeyPatch) -> Iterator[None]:
    """Kill the process at the end of a step of the document with this number."""
    places: dict[str, tuple[Any, str]] = {
        "download": (job, "_download"),
        "archive": (job._SourceFetch, "_archive"),
        "process": (DocumentImporter, "process"),
        "_note": (job._SourceFetch, "_note"),
        "settle": (kind, "settle"),
        "add_fetch": (received, "add_fetch"),
    }
    owner, name = places[step]
    original, count = getattr(owner, name), 0

    def counted(*words: Any, **how: Any) -> Any:
        nonlocal count
        count += 1
        found = original(*words, **how)
        if count == number:
            raise Crash
        return found

    patched.setattr(owner, name, counted)
    with pytest.raises(Crash):
        yield


def play_crash(books: Books, config: dict[str, Any], step: str, number: int, wanted: list[str]) -> None:
    """Crash in a first fetch; a second one completes it, and a third one finds nothing left to do."""
    configure(books, config)
    with pytest.MonkeyPatch.context() as patched, crash_at(step, number, transports()[config["transport"]], patched):
        fetched(books)
    assert not fetched(books).failed
    assert documents(books) == wanted and states(books) == {}
    last = fetched(books)
    assert (last.documents, last.failed) == ([], "")
    kept = {sha256 for (sha256,) in books.sql("SELECT sha256 FROM received_document")}
    assert kept == {path.stem for path in (books.folder / "received").rglob("*.csv")}
    assert verify(books.context()).sound


def test_after_a_crash_the_rest_of_a_folder_is_imported(books: Books, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        old_file(tmp_path / "out" / f"{name}.csv", csv(name))
    config = {"transport": "folder", "path": str(tmp_path / "out"), "after": "move:done"}
    play_crash(books, config, "process", 2, ["a", "b", "c"])
    assert sorted(path.name for path in (tmp_path / "out" / "done").iterdir()) == ["a.csv", "b.csv", "c.csv"]


def old_file(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (time.time() - 60, time.time() - 60))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "after"),
    [*((step, "move:done") for step in STEPS), ("settle", "delete"), ("_note", "keep"), ("add_fetch", "keep")],
)
def test_after_a_crash_at_any_step_all_files_are_imported_and_settled(
    books: Books, files: DocumentServer, step: str, after: str
) -> None:
    for name in ("a", "b", "c"):
        files.put(f"{name}.csv", csv(name))
    play_crash(books, {**files.config, "after": after}, step, 1 if step == "add_fetch" else 2, ["a", "b", "c"])
    folder = {"keep": "", "delete": None, "move:done": "done/"}[after]
    assert files.names() == ([] if folder is None else [f"{folder}{name}.csv" for name in "abc"])


# A mailbox


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "after"), [*((step, "move:Done") for step in STEPS), ("settle", "delete"), ("settle", "seen")]
)
def test_after_a_crash_at_any_step_all_attachments_are_imported(
    books: Books, mailbox: Mailbox, step: str, after: str
) -> None:
    mailbox.put(*((f"{name}.csv", csv(name)) for name in "abcd"))
    mailbox.put(("e.csv", csv("e")))
    number = {"settle": 1, "add_fetch": 1}.get(step, 2)
    play_crash(books, {**mailbox.config, "after": after}, step, number, list("abcde"))
    assert len(mailbox.flags()) == (2 if after == "seen" else 0)


@pytest.mark.slow
def test_after_a_crash_at_attachment_5_of_30_the_other_25_are_imported(books: Books, mailbox: Mailbox) -> None:
    names = [f"INV-{number:02}" for number in range(30)]
    mailbox.put(*((f"{name}.csv", csv(name)) for name in names))
    play_crash(books, {**mailbox.config, "after": "delete"}, "_note", 5, names)
    assert mailbox.flags() == []


def test_a_mail_of_which_a_part_was_refused_stays_until_that_is_resolved(books: Books, mailbox: Mailbox) -> None:
    configure(books, {**mailbox.config, "after": "delete"})
    mailbox.put(("a.csv", csv("a")), ("bad.csv", BAD), ("c.csv", csv("c")))
    assert documents_after(books) == ["a", "c"]
    assert len(mailbox.flags()) == 1
    (refused,) = listed(books.context())
    assert refused.document.endswith("part 2: bad.csv") and refused.state == "refused"
    assert fetched(books).documents == [] and len(mailbox.flags()) == 1
    dismiss(books.context(), [refused.id], "a test of the carrier")
    fetched(books)
    assert mailbox.flags() == [] and states(books) == {}


@pytest.mark.slow
def test_a_failing_step_after_the_import_loses_no_attachment(books: Books, mailbox: Mailbox) -> None:
    configure(books, {**mailbox.config, "after": "move:Nowhere"})
    mailbox.put(("a.csv", csv("a")), ("b.csv", csv("b")))
    mailbox.put(("c.csv", csv("c")))
    result = fetched(books)
    assert documents(books) == ["a", "b", "c"] and "2 imported or refused, but not moved" in result.failed
    configure(books, {**mailbox.config, "after": "move:Done"})
    assert not fetched(books).failed
    assert (mailbox.flags(), len(mailbox.flags("Done"))) == ([], 2)


@pytest.mark.slow
def test_a_mail_that_cannot_be_parsed_does_not_hold_up_the_others(
    books: Books, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    import imap_tools

    configure(books, mailbox.config)
    mailbox.put(("a.csv", csv("a")))
    mailbox.put(("b.csv", csv("b")), subject="hostile")
    mailbox.put(("c.csv", csv("c")))
    attachments = imap_tools.MailMessage.attachments.func  # type: ignore[attr-defined]

    def fragile(mail: Any) -> Any:
        if mail.subject == "hostile":
            raise LookupError("unknown encoding")
        return attachments(mail)

    with monkeypatch.context() as patched:
        patched.setattr(imap_tools.MailMessage, "attachments", property(fragile))
        assert documents_after(books) == ["a", "c"]
        assert list(states(books).values()) == ["unreachable"]
        assert len(fetched(books).documents) == 1
    assert documents_after(books) == ["a", "b", "c"]


@pytest.mark.slow
def test_a_mail_that_is_too_large_is_not_downloaded(books: Books, mailbox: Mailbox) -> None:
    configure(books, {**mailbox.config, "largest": 1_000})
    mailbox.put(("a.csv", b"x" * 10_000))
    mailbox.put(("b.csv", csv("b")))
    assert documents_after(books) == ["b"]
    (large,) = listed(books.context())
    assert (large.state, large.copy) == ("refused", "") and "more than 1,000 bytes" in large.reason


@pytest.mark.slow
def test_mails_are_looked_at_in_several_steps(books: Books, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "HEADERS", 2)
    configure(books, mailbox.config)
    mailbox.put_many(2, sender="news@example.org")
    mailbox.put(("a.csv", csv("a")))
    assert documents_after(books) == ["a"]


@pytest.mark.long
def test_among_more_than_10_000_mails_a_new_one_is_found(books: Books, mailbox: Mailbox) -> None:
    configure(books, mailbox.config)
    assert mailbox.put_many(14, sender="news@example.org") > 10_000
    mailbox.put(("a.csv", csv("a")))
    assert documents_after(books) == ["a"]
    mailbox.put(("b.csv", csv("b")))
    asked: list[int] = []
    headers = ImapTransport._headers

    def counted(transport: ImapTransport, uids: list[str]) -> Any:
        asked.extend(map(int, uids))
        return headers(transport, uids)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ImapTransport, "_headers", counted)
        assert documents_after(books) == ["a", "b"]
    assert len(asked) == 1


# An API


class Shop:
    """An API of orders with pages, ``{since}`` and a limit of requests: what it has, and how it answers."""

    def __init__(self, server: PageServer) -> None:
        self.server = server
        server.answer = self.answer
        self.orders: list[tuple[datetime, bytes]] = []
        self.size = 2
        self.limit: int | None = None
        self.retry_after = "7"
        self.cursors: set[str] = set()

    @property
    def config(self) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.server.server_address[1]}/orders.csv?since={{since}}&limit=2"
        return {"transport": "http", "url": url}

    def add(self, *names: str, content: bytes | None = None) -> None:
        """Orders arrive."""
        for name in names:
            self.orders.append((datetime.now(UTC), content or csv(name).split(b"\n")[1]))

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Answer a request."""
        if self.limit is not None:
            if not self.limit:
                self.limit = 2
                return 429, {"Retry-After": self.retry_after}, b""
            self.limit -= 1
        query = parse_qs(urlsplit(path).query)
        since, page = datetime.fromisoformat(query["since"][0]), int(query.get("page", ["1"])[0])
        found = [content for at, content in self.orders if at >= since]
        some = found[(page - 1) * self.size : page * self.size]
        more = {"Link": f'<{path.partition("&page")[0]}&page={page + 1}>; rel="next"'}
        rows = b"".join(one + b"\n" for one in some)
        return 200, more if page * self.size < len(found) else {}, HEADER.encode() + rows

    def pages(self) -> list[int]:
        """The pages that were asked for."""
        return [int(parse_qs(urlsplit(path).query).get("page", ["1"])[0]) for path, _headers in self.server.asked]


@pytest.fixture
def shop(pages: PageServer) -> Shop:
    return Shop(pages)


def test_an_api_without_anything_new_is_no_mistake(books: Books, shop: Shop) -> None:
    configure(books, shop.config)
    result = fetched(books)
    assert ([one.outcome for one in result.documents], result.failed) == (["unchanged"], "")


@pytest.mark.parametrize(("status", "body"), [(204, b""), (200, b""), (200, b"[]")])
def test_an_answer_without_records_is_no_mistake(books: Books, shop: Shop, status: int, body: bytes) -> None:
    shop.server.answer = lambda _path: (status, {}, body)
    configure(books, {**shop.config, "url": shop.config["url"].replace(".csv", ".json")})
    result = fetched(books)
    assert ([one.outcome for one in result.documents], result.failed) == (["unchanged"], "")


def test_after_a_refused_page_the_time_does_not_pass_until_it_is_imported(books: Books, shop: Shop) -> None:
    configure(books, shop.config)
    shop.add("a", "b", "bad", "c", "d")
    good = shop.orders[2]
    shop.orders[2] = (good[0], BAD.split(b"\n")[1])
    assert documents_after(books) == ["a", "b", "d"]
    assert list(states(books)) == ["since 1970-01-01T00:00:00Z: page 2 of orders.csv"]
    shop.add("e")
    assert documents_after(books) == ["a", "b", "d", "e"]
    shop.orders[2] = good
    assert documents_after(books) == ["a", "b", "bad", "c", "d", "e"]
    assert states(books) == {}
    shop.server.asked.clear()
    fetched(books)
    assert "1970" not in shop.server.asked[0][0]


def test_a_dismissed_page_lets_the_time_pass(books: Books, shop: Shop) -> None:
    configure(books, shop.config)
    shop.add("a", "b")
    shop.add("bad", content=BAD.split(b"\n")[1])
    fetched(books)
    dismiss(books.context(), [one.id for one in listed(books.context())], "a test order")
    shop.server.asked.clear()
    fetched(books)
    fetched(books)
    assert ["1970" in path for path, _headers in shop.server.asked][:3] == [True, True, False]


def test_a_page_that_is_not_offered_any_more_is_replaced(books: Books, shop: Shop) -> None:
    configure(books, shop.config)
    shop.add("a", "b")
    shop.add("bad", content=BAD.split(b"\n")[1])
    fetched(books)
    del shop.orders[2]
    fetched(books)
    assert states(books) == {}
    assert sorted(states(books, settled=True).values()) == ["imported", "replaced"]


def test_an_api_that_limits_requests_is_asked_again_when_it_says_and_goes_on(books: Books, shop: Shop) -> None:
    configure(books, shop.config)
    names = [f"INV-{number:02}" for number in range(20)]
    shop.add(*names)
    shop.limit = 2
    assert documents_after(books) == names
    assert books.slept == [7.0] * 4
    assert shop.pages() == [1, 2, 3, 3, 4, 5, 5, 6, 7, 7, 8, 9, 9, 10]


def test_a_date_to_wait_for_is_understood(books: Books, shop: Shop) -> None:
    configure(books, shop.config)
    shop.add("a", "b", "c", "d", "e")
    shop.limit, shop.retry_after = 2, format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert documents_after(books) == ["a", "b", "c", "d", "e"]
    assert all(0 < one <= 90 for one in books.slept) and books.slept


def test_a_fetch_that_would_have_to_wait_too_long_stops_and_the_next_one_goes_on(books: Books, shop: Shop) -> None:
    configure(books, shop.config)
    names = [f"INV-{number:02}" for number in range(10)]
    shop.add(*names)
    shop.limit, shop.retry_after = 2, "3600"
    first = fetched(books)
    assert "it asks to wait until" in first.failed and documents(books) == names[:4] and not books.slept
    while fetched(books).failed:
        assert len(shop.server.asked) < 20
    assert documents(books) == names
    assert shop.pages() == [1, 2, 3, 3, 4, 5, 5][: len(shop.pages())]


def test_a_next_page_that_has_expired_means_page_1_again(books: Books, shop: Shop) -> None:
    configure(books, shop.config)
    shop.add("a", "b", "c", "d")
    shop.limit, shop.retry_after = 1, "3600"
    fetched(books)
    shop.limit = None
    usual = shop.answer
    shop.server.answer = lambda path: (410, {}, b"") if len(shop.server.asked) == 3 else usual(path)
    assert documents_after(books) == ["a", "b", "c", "d"]
    assert shop.pages() == [1, 2, 2, 1, 2]


def test_the_place_where_a_fetch_stopped_contains_no_secret(books: Books, shop: Shop) -> None:
    configure(books, {**shop.config, "url": shop.config["url"] + "&api_key=k3y-of-the-shop"})
    shop.add("a", "b", "c")
    shop.limit, shop.retry_after = 1, "3600"
    assert fetched(books).failed
    assert not any("k3y-of-the-shop" in one for one in Content(books.database).dump())
    shop.limit = None
    assert documents_after(books) == ["a", "b", "c"]
    assert "k3y-of-the-shop" in shop.server.asked[-1][0] and shop.pages() == [1, 2, 2]


@pytest.mark.slow
@pytest.mark.parametrize("step", ["download", "archive", "process", "_note", "add_fetch"])
def test_after_a_crash_at_any_step_all_pages_are_imported(books: Books, shop: Shop, step: str) -> None:
    shop.add("a", "b", "c", "d", "e")
    play_crash(books, shop.config, step, 1 if step == "add_fetch" else 2, ["a", "b", "c", "d", "e"])


# Documents that wait for others


@pytest.fixture
def carrier(books: Books, tmp_path: Path) -> Path:
    """A folder with deliveries."""
    configure(books, {"transport": "folder", "path": str(tmp_path / "pod"), "events": True})
    (tmp_path / "pod").mkdir()
    return tmp_path / "pod"


def test_a_delivery_that_arrives_before_its_order_is_imported_when_the_order_arrives(
    books: Books, carrier: Path
) -> None:
    old_file(carrier / "pod.csv", delivery("SO-1", "SO-2"))
    assert fetched(books).refused == 1
    assert states(books) == {"pod.csv": "waiting"}
    books.take(charge("SO-1", item="POD-1"))
    (done,) = job.fetch(books.context("fetch"))
    assert done.documents == [] and states(books) == {"pod.csv": "waiting"}
    books.take(charge("SO-2", item="POD-1"))
    (done,) = job.fetch(books.context("fetch"))
    assert [one.outcome for one in done.documents] == ["imported"] and not done.refused
    assert states(books) == {}
    assert len(books.trace("shop/SO-2/1")["events"]) == 1


def test_within_one_fetch_the_order_of_the_sources_does_not_matter(books: Books, carrier: Path, tmp_path: Path) -> None:
    old_file(carrier / "pod.csv", delivery("SO-1"))
    old_file(tmp_path / "orders" / "a.csv", csv("SO-1").replace(b"MAG-1", b"POD-1"))
    configure(books, {"transport": "folder", "path": str(tmp_path / "orders")}, "shop")
    pod, shop = job.fetch(books.context("fetch"))
    assert [one.outcome for one in (*pod.documents, *shop.documents)] == ["imported", "imported"]
    assert not pod.refused and pod.imports[0].refused == "" and states(books) == {}


def test_a_document_that_waits_and_has_no_copy_stays_at_its_source_until_it_is_imported(
    books: Books, carrier: Path
) -> None:
    file = books.folder / "revrec.toml"
    file.write_text('[sources]\nreceived = ""\n' + file.read_text().replace("events", 'refused = "delete"\nevents'))
    confirm(books.context())
    old_file(carrier / "pod.csv", delivery("SO-1"))
    fetched(books)
    assert (carrier / "pod.csv").exists()
    books.take(charge("SO-1", item="POD-1"))
    assert [one.outcome for one in fetched(books).documents] == ["imported"]


def test_quarantined_rows_that_wait_are_released_when_their_charge_lines_arrive(books: Books) -> None:
    rows = [{"charge": f"shop/{one}/1", "kind": "pod", "date": "2024-04-11"} for one in ("SO-1", "SO-2")]
    books.import_events(*rows, keep_good=True)
    books.take(charge("SO-1", item="POD-1"))
    assert retry_waiting(books.context("import")) == []
    assert books.sql("SELECT outcome, charge FROM quarantine_outcome") == [("released", "shop/SO-1/1")]


def test_a_document_is_not_tried_again_before_something_new_arrives(books: Books, carrier: Path) -> None:
    old_file(carrier / "pod.csv", b"charge,kind,date,item\nshop/SO-1/*,pod,2024-04-11,POD-9\n")
    books.take(charge("SO-1", item="POD-1"))
    for _again in range(3):
        job.fetch(books.context("fetch"))
    assert books.sql("SELECT count(*) FROM received_document") == [(1,)]


# Documents that need attention


def test_a_refused_document_needs_attention_until_a_newer_version_is_imported(books: Books, tmp_path: Path) -> None:
    configure(books, {"transport": "folder", "path": str(tmp_path / "in"), "refused": "move:bad"})
    old_file(tmp_path / "in" / "a.csv", BAD)
    fetched(books)
    (one,) = listed(books.context())
    assert (one.source, one.document, one.state) == ("partner", "a.csv", "refused")
    assert '1 of 1 rows cannot be used; row 2: post_date "yesterday"' in one.reason
    old_file(tmp_path / "in" / "a.csv", csv("a"))
    fetched(books)
    assert states(books) == {}


def test_a_refused_document_is_imported_from_its_copy_once_it_can_be(books: Books, tmp_path: Path) -> None:
    configure(books, {"transport": "folder", "path": str(tmp_path / "in"), "refused": "delete", "map": "bank"})
    file = books.folder / "revrec.toml"
    fields = {"source": '="shop"', "document": "no", "customer": "who", "item": "what", "post_date": "day"}
    mapping = "".join(f"{name} = '{column}'\n" for name, column in fields.items())
    file.write_text(f'{file.read_text()}[mapping.bank]\ndelimiter = ";"\n[mapping.bank.columns]\n{mapping}')
    old_file(tmp_path / "in" / "a.csv", csv("a"))
    fetched(books)
    (one,) = listed(books.context())
    assert one.state == "refused" and not (tmp_path / "in" / "a.csv").exists()
    file.write_text(file.read_text().replace('map = "bank"\n', ""))
    (done,) = retry(books.context(), [one.id])
    assert done.document.outcome == "imported" and states(books) == {}
    assert documents(books) == ["a"]


def test_a_dismissed_document_stays_dismissed_until_its_content_changes(books: Books, tmp_path: Path) -> None:
    configure(books, {"transport": "folder", "path": str(tmp_path / "in")})
    old_file(tmp_path / "in" / "a.csv", BAD)
    fetched(books)
    dismiss(books.context(), [1], "a test")
    for again in (False, True):
        assert fetched(books, again=again).documents == []
    old_file(tmp_path / "in" / "a.csv", BAD)
    assert fetched(books).documents == [] and states(books, settled=True) == {"a.csv": "dismissed"}
    old_file(tmp_path / "in" / "a.csv", BAD + BAD[len(HEADER) :].replace(b"BAD", b"WORSE"))
    fetched(books)
    assert states(books) == {"a.csv": "refused"}


def test_of_two_processes_that_fetch_at_once_neither_reports_what_the_other_moved(books: Books, tmp_path: Path) -> None:
    configure(books, {"transport": "folder", "path": str(tmp_path / "in"), "after": "move:done"})
    old_file(tmp_path / "in" / "a.csv", csv("a"))
    slow = job._SourceFetch(books.context("fetch"), "partner", False, False)
    found = list(slow._transport.documents())
    fetched(books)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(slow._transport), "documents", lambda _self: iter(found))
        result = slow.fetch()
    assert (result.known, result.documents, result.failed, states(books)) == (1, [], "", {})
