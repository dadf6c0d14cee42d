"""Damages files of every format and imports them: never a crash, never half a file, always a reason with its place.

    export PYTHONPATH=tests
    python tests/sources/fuzz.py --files 20000                # so many damaged files
    python tests/sources/fuzz.py --files 10000 --from 10000   # the second half of them, for a second processor
    python tests/sources/fuzz.py --files 20000 --format x12 --import-every 10   # of one format, most only read
    python tests/sources/fuzz.py --seed 7 --only 4711         # one of them again; --keep FOLDER keeps it

Each file is made from the seed and its number alone, so that any of them can be made again on any machine. With
``--import-every 10``, of the files that the readers refuse only every tenth is imported, too. All archives are.
"""

import argparse
import gzip
import io
import json
import random
import re
import resource
import shutil
import sqlite3
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from sqlalchemy import Connection

from revrec.jobs.admin import init
from revrec.jobs.context import make_context
from revrec.jobs.importing.import_files import ImportResult, import_document
from revrec.jobs.importing.mappings import mappings_of
from revrec.sources import BadRow, SourceError, read_charges, read_events
from support.rule_texts import DELIVERY, replace_rules
from support.sqlite import quick_engines

SAMPLES = Path(__file__).parents[2] / "sample_data"
TABLES = ("import_file", "charge_line", "fulfillment_event", "quarantine", "cleaning", "schedule", "audit_event")


class Original(NamedTuple):
    """A file that is good, the mapping it is read by (none for native charges), and the file its events are about."""

    name: str
    data: bytes
    mapping: str | None = None
    about: str = ""

    @property
    def kind(self) -> str:
        """The format, or ``archive``."""
        if self.name.endswith((".gz", ".zip")):
            return "archive"
        if self.mapping == "shopify-orders":
            return "shopify-graphql" if "graphql" in self.name else "shopify-rest"
        suffix = self.name.rpartition(".")[2]
        own = {"bank": "csv", "desk": "csv", "host": "fixed"}
        return own.get(self.mapping or "", self.mapping or suffix).partition("-")[0]


def originals() -> list[Original]:
    """A good file of every format, alone and packed."""
    read = {path.name: path.read_bytes() for path in sorted(SAMPLES.rglob("*")) if path.is_file()}
    jsonl = read["shop-orders.jsonl"]
    found = [
        Original("charges.csv", read["charges.csv"]),
        Original("charges.tsv", read["charges.tsv"]),
        Original("bank-payments.csv", read["bank-payments.csv"], "bank"),
        Original("desk-orders.csv", read["desk-orders.csv"].replace("zwölf".encode(), b"12,00"), "desk"),
        Original("orders.jsonl", jsonl),
        Original("orders.json", b"[" + b",\n".join(jsonl.splitlines()) + b"]"),
        Original("orders.xml", read["orders.xml"]),
        Original("host.fixed", read["host.fixed"], "host"),
        Original("charges.xlsx", read["charges.xlsx"]),
        Original("invoices.x12", read["invoices.x12"], "x12"),
        Original("deliveries.x12", read["deliveries.x12"], "x12", "invoices.x12"),
        Original("invoices.edifact", read["invoices.edifact"], "edifact"),
        Original("deliveries.edifact", read["deliveries.edifact"], "edifact", "invoices.edifact"),
        Original("transaction.xml", read["transaction.xml"], "cargowise"),
        Original("shipment.xml", read["shipment.xml"], "cargowise", "transaction.xml"),
        Original("event.xml", read["event.xml"], "cargowise", "transaction.xml"),
    ]
    found += [Original(name, data, "shopify-orders") for name, data in read.items() if name.startswith("shopify-")]
    documents = read["magento-documents.jsonl"]
    found.append(Original("magento-orders.json", read["magento-orders.json"], "magento-orders"))
    found.append(Original("magento-documents.jsonl", documents, "magento-orders", "magento-orders.json"))
    found.append(Original("magento-invoices.jsonl", documents, "magento-invoices", "magento-orders.json"))
    found += [
        Original("ubl.xml", read["ubl.xml"], "ubl"),
        Original("woocommerce-orders.json", read["woocommerce-orders.json"], "woocommerce-orders"),
        Original("stripe-invoices.json", read["stripe-invoices.json"], "stripe-invoices"),
    ]
    packed = [one for one in found if one.name in ("charges.csv", "orders.xml", "shopify-orders.json", "invoices.x12")]
    found += [Original(f"{one.name}.gz", gzip.compress(one.data, mtime=0), one.mapping) for one in packed]
    found += [Original(f"{one.name}.zip", _zip([(one.name, one.data)]), one.mapping) for one in packed]
    return found


MAPPED = {
    "amazon-settlement.txt": "amazon-settlement", "bigcommerce-orders.json": "bigcommerce-orders",
    "chargebee-invoices.json": "chargebee-invoices", "cii.xml": "cii", "intacct-invoices.csv": "intacct-invoices",
    "intacct-orders.csv": "intacct-orders", "netsuite-invoices.json": "netsuite-invoices",
    "quickbooks-invoices.json": "quickbooks-invoices", "quickbooks-report.csv": "quickbooks-report",
    "recurly-invoices.json": "recurly-invoices", "salesforce-orders.json": "salesforce-orders",
    "square-orders.json": "square-orders", "xero-invoices.json": "xero-invoices", "xero.csv": "xero-csv",
}  # fmt: skip
"""Samples of other shipped mappings, which are damaged only if their formats are named."""


def mapped_originals() -> list[Original]:
    """The samples of :data:`MAPPED`; nothing of them is spliced into other files, so that a seed stays the same."""
    return [Original(name, (SAMPLES / "mapped" / name).read_bytes(), mapping) for name, mapping in MAPPED.items()]


def _zip(files: Sequence[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            # Bombs take most of the time otherwise.
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, compresslevel=1)
    return out.getvalue()


KINDS = tuple(sorted({one.kind for one in originals()}))
"""The formats of the originals."""
MAPPED_KINDS = tuple(sorted({one.kind for one in mapped_originals()}))

LARGE = 4_000_000
"""Bytes beyond which nothing more is done to a file, so that the memory measured is not the harness's own."""

Damage = Callable[[bytes, random.Random, Sequence[Original]], bytes]

TOKENS = (
    b'"', b"\0", b"\n", b"\r", b"<", b"&x;", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"{", b"]", b"}", b"[", b"\xff\xfe",
    b"\xef\xbb\xbf", b",,,,", b";", b"\t", b"'", b"?", b"+", b"~", b"*", b":", b"-", b"(", b"NaN", b"1e999", b"-0",
    b"9" * 40, b"99999999999999999.99", b"2024-02-30", b"00000000", b"null", b"true", b"[[[[", b"../", b"\xe2\x80\x8b",
    b"=cmd|' /C calc'!A0", b"\xed\xa0\x80", b"\xf0\x9f\x91\xa9", b"ISA*", b"UNA", b"UNB+", b"<a/>", b"<![CDATA[",
)  # fmt: skip


def flipped(data: bytes, chance: random.Random, _all: Sequence[Original]) -> bytes:
    """Some bits turned over."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 5, 40))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut_off(data: bytes, chance: random.Random, _all: Sequence[Original]) -> bytes:
    """The end missing."""
    return data[: chance.randrange(len(data))]


def cut_out(data: bytes, chance: random.Random, _all: Sequence[Original]) -> bytes:
    """A stretch missing, doubled, moved or overwritten."""
    at, length = chance.randrange(len(data)), chance.choice((1, 2, 7, 60, 400, 3000))
    piece = data[at : at + length]
    middle = chance.choice((b"", piece * 2, piece * 50, chance.randbytes(length), piece[::-1]))
    return data[:at] + middle + data[at + length :]


def with_token(data: bytes, chance: random.Random, _all: Sequence[Original]) -> bytes:
    """Something put in that means much to some parser."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(data) + 1)
        data = data[:at] + chance.choice(TOKENS) + data[at + chance.choice((0, 0, 1, 5)) :]
    return data


def spliced(data: bytes, chance: random.Random, everything: Sequence[Original]) -> bytes:
    """The beginning of this file and the end of another."""
    other = chance.choice(everything).data
    return data[: chance.randrange(len(data))] + other[chance.randrange(len(other)) :]


def recoded(data: bytes, chance: random.Random, _all: Sequence[Original]) -> bytes:
    """In another encoding, wholly or from some place on."""
    text = data.decode("utf-8", "replace")
    other = text.encode(chance.choice(("utf-16", "utf-16-le", "utf-32", "cp1252", "utf-7", "cp037")), "replace")
    at = chance.choice((0, 0, chance.randrange(len(data))))
    return data[:at] + other[at:]


def renumbered(data: bytes, chance: random.Random, _all: Sequence[Original]) -> bytes:
    """Numbers changed: counts, totals, dates, references."""
    numbers = list(re.finditer(rb"[0-9]+(?:\.[0-9]+)?", data))
    if not numbers:
        return flipped(data, chance, _all)
    for found in sorted(chance.sample(numbers, min(len(numbers), chance.choice((1, 1, 3)))), key=lambda m: -m.start()):
        new = chance.choice(
            (b"0", b"1", b"-1", b"", b"999999999999", b"1.005", b"12,5", b"0x1F", b"1e9", found[0] + b"0")
        )
        data = data[: found.start()] + new + data[found.end() :]
    return data


def huge(data: bytes, chance: random.Random, _all: Sequence[Original]) -> bytes:
    """A field that never seems to end."""
    at = chance.randrange(len(data))
    filler = chance.choice((b"x", b"0", b" ", b"<a>", b'"', b"\n", b"?", b"\xc3\xa4"))
    return data[:at] + filler * (chance.choice((300, 70_000, 300_000, 2_500_000)) // len(filler)) + data[at:]


def deep(data: bytes, chance: random.Random, _all: Sequence[Original]) -> bytes:
    """Nesting without a bottom."""
    at, depth = chance.randrange(len(data)), chance.choice((50, 900, 5_000, 100_000))
    opening, closing = chance.choice(((b"[", b"]"), (b'{"a":', b"}"), (b"<a>", b"</a>"), (b"(", b")")))
    return data[:at] + opening * depth + chance.choice((b"", closing * depth)) + data[at:]


def shuffled(data: bytes, chance: random.Random, _all: Sequence[Original]) -> bytes:
    """Lines in another order, some twice."""
    lines = data.splitlines(keepends=True)
    chance.shuffle(lines)
    return b"".join(lines + lines[: chance.randrange(3)])


def repacked(data: bytes, chance: random.Random, everything: Sequence[Original]) -> bytes:
    """An archive (a workbook is one) packed again with damage inside, tricky names, bombs, archives within."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > LARGE:
                return data
            files = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except Exception:  # it was damaged before
        return flipped(data, chance, everything)
    if not files:
        return data
    at = chance.randrange(len(files))
    name, content = files[at]
    bomb, size = chance.choice(("bomb.csv", name)), chance.choice((9_000_000, 40_000_000))
    tricky = chance.choice(("../x.csv", "/x.csv", "a\\b.csv", "C:x.csv", "x.zip", "x\n.csv", "x.csv/", "\u202ex.csv"))
    kinds: list[Callable[[], list[tuple[str, bytes]]]] = [
        lambda: [*files[:at], (name, chance.choice(SIMPLE)(content or b" ", chance, everything)), *files[at + 1 :]],
        lambda: [*files[:at], (name, chance.choice(SIMPLE)(content or b" ", chance, everything)), *files[at + 1 :]],
        lambda: [*files, (tricky, content)],
        lambda: [*files, (bomb, b"\0" * size)],
        lambda: [*files, ("more.csv", data)],
        lambda: files[:at] + files[at + 1 :],
    ]
    return _zip(chance.choice(kinds)())


def pressed_again(data: bytes, chance: random.Random, everything: Sequence[Original]) -> bytes:
    """A gzip file with damage inside, or a bomb in its place."""
    try:
        content = gzip.decompress(data)
    except Exception:  # it was damaged before
        return flipped(data, chance, everything)
    if len(content) > LARGE:
        return data
    if chance.random() < 0.1:
        return gzip.compress(b"\n" * chance.choice((9_000_000, 40_000_000)), 1, mtime=0)
    return gzip.compress(chance.choice(ANY)(content or b" ", chance, everything), 1, mtime=0)


SIMPLE: tuple[Damage, ...] = (flipped, cut_off, cut_out, with_token, renumbered, spliced)
ANY: tuple[Damage, ...] = (*SIMPLE, *SIMPLE, recoded, huge, deep, shuffled)


def damaged(original: Original, chance: random.Random, everything: Sequence[Original]) -> bytes:
    """The file with one or more kinds of damage."""
    inside = {b"PK": repacked, b"\x1f\x8b": pressed_again}.get(original.data[:2])
    data = original.data
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        if len(data) > LARGE:
            break
        kind = inside if inside and chance.random() < 0.7 else chance.choice(ANY)
        data = kind(data, chance, everything) or b" "
    return data


@dataclass
class Report:
    """The outcomes of the files, by the original's name; ``faults`` must never occur."""

    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    files: int = 0
    only_read: int = 0
    """The files that were refused when they were read, and were not imported."""
    rows: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, int] = (0.0, 0)

    def count(self, name: str, outcome: str) -> None:
        """One more file with this outcome."""
        self.files += 1
        self.outcomes.setdefault(name, Counter())[outcome] += 1

    def total(self, outcome: str) -> int:
        """How many files ended so."""
        return sum(counts[outcome] for counts in self.outcomes.values())


class FuzzBooks:
    """Books into which one process imports many files. Their commands share a context, which saves most of the time."""

    def __init__(self, folder: Path, mappings: str) -> None:
        self.folder = folder / "books"
        init.init(self.folder)
        config = self.folder / "revrec.toml"
        config.write_text(config.read_text(encoding="utf-8") + mappings, encoding="utf-8")
        replace_rules(self.folder, DELIVERY)
        self.context = make_context("import", config, environment={})
        self.mappings_of = cache(partial(mappings_of, self.context))
        """Returns the mappings of a name."""
        self._database = self.folder / "revrec.db"
        self._reader: sqlite3.Connection | None = None
        self._undone: Connection | None = None
        """The connection of what is rolled back."""

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Roll back at the end what is imported, so that the next file finds the database as it was."""
        database = self.context.database
        with database.engine.connect() as connection, connection.begin() as transaction:
            self._undone = connection

            @contextmanager
            def within(*_options: object) -> Iterator[Connection]:
                savepoint = connection.begin_nested()
                try:
                    yield connection
                except BaseException:
                    # An import that fails leaves its own savepoints to the end of its transaction.
                    while innermost := connection.get_nested_transaction():
                        innermost.rollback()
                    raise
                savepoint.commit()

            try:
                with mock.patch.multiple(database, write=within, read=within):
                    yield
            finally:
                self._undone = None
                transaction.rollback()

    def cannot_read(self, path: Path, mapping: str | None, keep_good: bool = False) -> bool:
        """Return True if the file or a row of it cannot be read; the import then refuses the file, too."""
        try:
            for one in self.mappings_of(mapping):
                read: Any = read_charges if one.rows == "charges" else read_events
                rows = [row for row in read(path, one, may_be_empty=True) if isinstance(row, BadRow)]
                assert all(problem.reason and problem.fix for row in rows for problem in row.problems), rows
                if rows and not keep_good:
                    return True
        except SourceError as error:
            return bool(error.reason and error.fix)
        except Exception:
            # The import fails in the same way, and reports it.
            return False
        return False

    def query(self, sql: str, *values: object) -> list[Any]:
        """Return the rows of a query."""
        if self._undone:
            return [tuple(row) for row in self._undone.exec_driver_sql(sql, values)]
        self._reader = self._reader or sqlite3.connect(self._database)
        return self._reader.execute(sql, values).fetchall()

    def content(self) -> dict[str, int]:
        """Return the number of rows of each table that an import writes to."""
        counts = ", ".join(f"(SELECT count(*) FROM {name})" for name in TABLES)
        return dict(zip(TABLES, self.query(f"SELECT {counts}")[0], strict=True))


class Trials:
    """Books to import into. Each import of a damaged file is rolled back, so that no file affects another."""

    def __init__(self, folder: Path, seed: int, kinds: Sequence[str] = (), import_every: int = 1) -> None:
        self._seed = seed
        self._import_every = import_every
        self._everything = originals()
        chosen = [*self._everything, *mapped_originals()] if kinds else self._everything
        self._originals = [one for one in chosen if not kinds or one.kind in kinds]
        found = enumerate(sorted({one.about for one in self._originals}))
        self._books = {about: self._books_with(folder / str(number), about) for number, about in found}
        self._before = {about: books.content() for about, books in self._books.items()}

    def _books_with(self, folder: Path, about: str) -> FuzzBooks:
        """Make books that are empty, or that have what the events of a file are about."""
        folder.mkdir()
        books = FuzzBooks(folder, (SAMPLES / "mapping-example.toml").read_text(encoding="utf-8"))
        for table in ("customers.csv", "items.csv", "terms.csv"):
            shutil.copy(SAMPLES / table, books.folder)
        for one in self._everything:
            if one.name == about:
                path = books.folder / one.name
                path.write_bytes(one.data)
                results = import_document(books.context, path, books.mappings_of(one.mapping))
                assert not any(result.refused for result in results)
        return books

    def run(self, numbers: Sequence[int], keep: Path | None = None) -> Report:
        """Make and import the damaged files of these numbers."""
        report = Report()
        for number in numbers:
            self._one(number, report, keep)
            if report.files % 500 == 0:
                print(f"{report.files:,} of {len(numbers):,} files, {len(report.faults)} faults", file=sys.stderr)
        return report

    def undamaged(self) -> Report:
        """Import every original as it is."""
        report = Report()
        for number, original in enumerate(self._originals):
            self._trial(number, original, original.data, False, report)
        return report

    def _one(self, number: int, report: Report, keep: Path | None) -> None:
        chance = random.Random(f"{self._seed}/{number}")
        original = self._originals[number % len(self._originals)]
        data = damaged(original, chance, self._everything)
        if keep:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / original.name).write_bytes(data)
        self._trial(number, original, data, chance.random() < 0.3, report)

    def _trial(self, number: int, original: Original, data: bytes, keep_good: bool, report: Report) -> None:
        books = self._books[original.about]
        path = books.folder / original.name
        path.write_bytes(data)
        began = time.monotonic()
        readable = original.kind != "archive" and number % self._import_every
        if readable and books.cannot_read(path, original.mapping, keep_good):
            report.only_read += 1
            report.count(original.name, "refused")
            return
        try:
            with books.undone():
                outcome = self._import(books, original, path, keep_good, report)
        except Exception:
            report.faults.append(f"file {number} ({original.name}): {traceback.format_exc(limit=-4)}")
            outcome = "CRASH"
        report.slowest = max(report.slowest, (time.monotonic() - began, number))
        report.count(original.name, outcome)
        path.unlink()

    def _import(self, books: FuzzBooks, original: Original, path: Path, keep_good: bool, report: Report) -> str:
        results = import_document(books.context, path, books.mappings_of(original.mapping), keep_good)
        self._check(results, keep_good, self._before[original.about], books.content())
        for result in results:
            report.rows["accepted"] += result.accepted
            report.rows["rejected"] += result.rejected
        if any(result.refused for result in results):
            return "refused"
        if any(result.rejected for result in results):
            return "in part"
        return "imported" if any(result.accepted for result in results) else "nothing in it"

    def _check(
        self, results: Sequence[ImportResult], keep_good: bool, before: dict[str, int], content: dict[str, int]
    ) -> None:
        """Check that all or nothing was imported, with a reason for everything that was not."""
        refused = [result.refused for result in results if result.refused]
        assert len(refused) in (0, len(results)), "refused in part"
        if refused:
            assert content == before, f"half an import: {content}"
        else:
            accepted = sum(result.accepted for result in results if result.kind == "charges")
            assert content["charge_line"] == before["charge_line"] + accepted, "charge lines that were not counted"
            assert keep_good or not any(result.rejected for result in results), "bad rows without --keep-good"
            aside = sum(result.rejected for result in results)
            assert content["quarantine"] == aside, "rejected rows that are not set aside"
        assert all("; " in why or "not imported either" in why for why in refused), refused
        for result in results:
            assert all(one["reason"] and one["fix"] and one["place"] for one in result.report), result.report[:3]
            assert json.dumps(result.report), "a report that is not JSON"


def lines(report: Report, seconds: float) -> Iterator[str]:
    """The report for people."""
    outcomes = ("imported", "in part", "nothing in it", "refused", "CRASH")
    yield f"{'':32}" + "".join(f"{name:>15}" for name in outcomes)
    for name, counts in sorted(report.outcomes.items()):
        yield f"{name:32}" + "".join(f"{counts[outcome]:>15,}" for outcome in outcomes)
    yield f"{'all':32}" + "".join(f"{report.total(outcome):>15,}" for outcome in outcomes)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    yield f"{report.only_read:,} of the refused files were only read"
    yield f"{report.files:,} files, {report.rows['accepted']:,} rows accepted, {report.rows['rejected']:,} rejected"
    yield f"{seconds:,.0f} s, the slowest {report.slowest[0]:.1f} s (file {report.slowest[1]}), {peak} MB at the peak"
    yield f"{len(report.faults)} faults"


def run(
    numbers: Sequence[int],
    seed: int,
    keep: Path | None = None,
    kinds: Sequence[str] = (),
    import_every: int = 1,
) -> Report:
    """The damaged files of these numbers, in a folder that is gone afterwards; in memory where that is possible."""
    with folder_in_memory() as folder, quick_engines():
        return Trials(folder, seed, kinds, import_every).run(numbers, keep)


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """Make a temporary folder, in memory where that is possible."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None, prefix="revrec-fuzz-") as folder:
        yield Path(folder)


def main() -> int:
    """The command line; ends with 1 if there was any fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--format", choices=(*KINDS, *MAPPED_KINDS), action="append", default=[])
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--import-every", type=int, default=1)
    given = parser.parse_args()
    began = time.monotonic()
    numbers = range(given.first, given.first + given.files) if given.only is None else [given.only]
    report = run(numbers, given.seed, given.keep, given.format, given.import_every)
    print("\n".join([*report.faults[:20], *lines(report, time.monotonic() - began)]))
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
