"""Digest and size of what was read; flat memory; formats found by being there."""

import hashlib
import io
import os
import tracemalloc
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from revrec.sources import NATIVE_CHARGES, GoodRow, SourceError, SourceStream, formats, read_charges, read_events

MANUAL = Path(__file__).parents[2] / "docs" / "formats.md"
HEADER = b"source,document,line,customer,item,post_date,amount,currency\n"


def test_the_digest_and_size_are_those_of_the_bytes_read(tmp_path: Path) -> None:
    data = HEADER + b"shop,1,1,C,I,2024-01-05,1.00,USD\n" * 5000
    file = tmp_path / "in.csv"
    file.write_bytes(data)
    source = SourceStream(file)
    assert len(list(read_charges(source))) == 5000
    assert (source.size, source.sha256()) == (len(data), hashlib.sha256(data).hexdigest())


class Endless(io.RawIOBase):
    """A file of so many records that is never whole in memory: ``begin``, then ``record`` for each number, ``end``."""

    def __init__(
        self, name: str, begin: bytes, record: Callable[[int], bytes], end: Callable[[int], bytes], count: int
    ):
        self.name = name
        self._pieces = chain([begin], map(record, range(count)), [end(count)])
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size and (piece := next(self._pieces, b"")):
            self._rest += piece
        block, self._rest = self._rest[:size], self._rest[size:]
        return block


def _nothing(_count: int) -> bytes:
    return b""


def _csv(n: int) -> bytes:
    return b"shop,INV-%d,1,C-%d,MAG-01,2024-01-05,24.00,USD\n" % (n, n)


def _x12(n: int) -> bytes:
    body = b"BIG*20240328*INV-%d~N1*BY*A*92*C~IT1*1*2*EA*12**VN*MAG~TDS*2400~" % n
    return b"ST*810*%09d~%sSE*6*%09d~" % (n, body, n)


def _edifact(n: int) -> bytes:
    body = b"BGM+380+INV-%d'DTM+137:20240328:102'NAD+BY+C'LIN+1++MAG:SA'MOA+203:24'" % n
    return b"UNH+%d+INVOIC:D:96A:UN'%sUNT+7+%d'" % (n, body, n)


def _order(n: int) -> bytes:
    line = b'{"id": %d, "sku": "MAG", "quantity": 1, "price": "24.00"}' % n
    about = b'"created_at": "2024-03-28", "currency": "USD", "financial_status": "paid", "email": "a@b.c"'
    return b'{"id": %d, %s, "line_items": [%s]}\n' % (n, about, line)


def _event(n: int) -> bytes:
    about = b"<DataContext><DataSourceCollection><DataSource><Key>S%d</Key></DataSource></DataSourceCollection>" % n
    return b"<Event>%s</DataContext><EventTime>2024-04-12</EventTime><EventType>POD</EventType></Event>\n" % about


_GS = b"GS*IN*A*B*20240329*0915*7*X*004010~"
_ISA = b"ISA*00*%10s*00*%10s*ZZ*%15s*ZZ*%15s*240329*0915*U*00401*000000001*0*P*>~" % (b"", b"", b"A", b"B")
ENDLESS = {
    "csv": ("", HEADER, _csv, _nothing),
    "x12": ("x12", _ISA + _GS, _x12, lambda count: b"GE*%d*7~IEA*1*000000001~" % count),
    "edifact": ("edifact", b"UNB+UNOC:3+A+B+240328:0915+11'", _edifact, lambda count: b"UNZ+%d+11'" % count),
    "jsonl": ("shopify-orders", b"\n", _order, _nothing),
    "xml": ("cargowise", b"<Events>", _event, lambda _count: b"</Events>"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ENDLESS)
def test_memory_stays_flat_however_many_records_there_are(kind: str, shipped: Callable[..., Any]) -> None:
    by, begin, record, end = ENDLESS[kind]
    rows = "events" if by == "cargowise" else "charges"
    mapping = shipped(by, rows) if by else NATIVE_CHARGES
    read: Any = read_events if rows == "events" else read_charges

    def peak(count: int) -> int:
        source = Endless(f"endless.{kind}", begin, record, end, count)
        tracemalloc.start()
        assert sum(isinstance(row, GoodRow) for row in read(source, mapping)) == count
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    few, many = (25_000, 60_000) if kind == "csv" else (600, 2_400)
    small = peak(few)
    assert peak(many) < small * 1.3 + 500_000


def test_every_module_in_the_folder_is_a_format() -> None:
    folder = Path(formats.__path__[0])
    assert set(formats.format_names()) == {file.stem for file in folder.glob("*.py")} - {"__init__"}
    for name in formats.format_names():
        module = formats.load_format(name)
        assert module.SUFFIXES and callable(module.read)
        assert module.__doc__ and f"| `{name}` |" in MANUAL.read_text(encoding="utf-8")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this platform has no named pipes")
def test_a_pipe_is_refused_at_once_instead_of_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with pytest.raises(SourceError, match="is a pipe or a device; save its output to a file"):
        SourceStream(pipe)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this platform has no such device")
def test_a_device_without_end_is_refused() -> None:
    with pytest.raises(SourceError, match="is a pipe or a device"):
        SourceStream("/dev/zero")
