"""Digest and size of what was read; flat memory; formats found by being there."""

import hashlib
import io
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from revrec.sources import SourceError, SourceStream, formats, read_charges

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
    """A file of so many rows that is never whole in memory."""

    name = "endless.csv"

    def __init__(self, rows: int) -> None:
        self._rows = self._make(rows)
        self._rest = b""

    def _make(self, rows: int) -> Iterator[bytes]:
        yield HEADER
        for number in range(rows):
            yield b"shop,INV-%d,1,C-%d,MAG-01,2024-01-05,24.00,USD\n" % (number, number)

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size and (row := next(self._rows, b"")):
            self._rest += row
        block, self._rest = self._rest[:size], self._rest[size:]
        return block


def test_memory_stays_flat_however_many_rows_there_are() -> None:
    def peak(rows: int) -> int:
        tracemalloc.start()
        assert sum(1 for _ in read_charges(Endless(rows))) == rows  # type: ignore[arg-type]
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    small = peak(25_000)
    assert peak(60_000) < small * 1.3 + 500_000


def test_whatever_module_stands_in_the_folder_is_a_format() -> None:
    folder = Path(formats.__path__[0])
    assert set(formats.names()) == {file.stem for file in folder.glob("*.py")} - {"__init__"}
    for name in formats.names():
        module = formats.load(name)
        assert module.SUFFIXES and callable(module.read)
        assert module.__doc__ and f"| `{name}` |" in MANUAL.read_text(encoding="utf-8")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this platform has no named pipes")
def test_a_pipe_is_refused_at_once_instead_of_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with pytest.raises(SourceError, match="is a pipe or a device; save what comes from it as a file"):
        SourceStream(pipe)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this platform has no such device")
def test_a_device_without_end_is_refused() -> None:
    with pytest.raises(SourceError, match="is a pipe or a device"):
        SourceStream("/dev/zero")
