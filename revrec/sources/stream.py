"""Read the bytes of a source block by block: count, hash, decode to UTF-8, and scan them once."""

import codecs
import hashlib
import io
import stat
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from revrec.sources.problems import SourceError

BLOCK = 32 * 1024
"""Bytes read at once. A line at least twice as long contains a whole block without a line break, which is noticed."""

_ORDINARY = bytes([9, 10, 13, *range(0x20, 0x7F)])
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HINT_BYTES = 16 * 1024


class SourceStream:
    """One source being read: a path or an open binary stream.

    ``name`` is its name in messages. After reading, :meth:`sha256` and ``size`` describe exactly the bytes that were
    read. ``header`` has the columns of its rows once a format has started to read it, and ``warnings`` what a person
    should check once all rows were read.

    Raises:
        SourceError: the file is missing, unreadable or empty, or is not a regular file (a folder, a pipe).
    """

    def __init__(self, source: str | Path | BinaryIO, name: str = "") -> None:
        if isinstance(source, str | Path):
            self.name = name or str(source)
            self._file: BinaryIO = _open(Path(source), self.name)
        else:
            self.name = name or str(getattr(source, "name", "") or "standard input")
            self._file = source
        self.size = 0
        self.header: tuple[str, ...] = ()
        self.warnings: list[str] = []
        self._hash = hashlib.sha256()
        self._ahead = self._read_block()
        if not self._ahead:
            raise self.error("", "the file is empty", "it needs a header and at least one row")

    def __enter__(self) -> "SourceStream":
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def error(self, place: str, reason: str, fix: str) -> SourceError:
        """Return a SourceError that names this file."""
        return SourceError(self.name, place, reason, fix)

    def sha256(self) -> str:
        """Return the hex digest of the bytes read so far, which covers the whole file after the last row."""
        return self._hash.hexdigest()

    def start(self) -> bytes:
        """Return the first block without consuming it, so that a format can inspect it."""
        return self._ahead

    def read(self) -> bytes:
        """Return the next block of raw bytes; empty at the end."""
        block, self._ahead = self._ahead, b""
        return block or self._read_block()

    def drain(self) -> None:
        """Read what is left, so that size and digest cover the whole file."""
        while self.read():
            pass

    def _read_block(self) -> bytes:
        try:
            block = self._file.read(BLOCK)
        except OSError as err:
            raise self.error(f"byte {self.size}", f"cannot be read ({err.strerror or err})", "try again") from err
        self.size += len(block)
        self._hash.update(block)
        return block


class DecodedStream(io.RawIOBase):
    """The text of a source as UTF-8 bytes without a byte order mark, from which a text wrapper reads lines.

    ``encoding`` is the declared one, or UTF-8; a byte order mark overrides it. One of the bytes in ``breaks`` must
    occur at least every ``longest`` bytes, since a line without end would fill the memory. ``unusual`` becomes True
    once characters beyond plain ASCII, control characters or very long lines have passed. From then on rows are checked
    one by one.

    Raises:
        SourceError: the bytes are not valid in the encoding, or there is a NUL character.
    """

    def __init__(self, source: SourceStream, encoding: str, breaks: bytes, longest: int = 1024 * 1024) -> None:
        self._source = source
        self.encoding, self._skip = byte_order_mark(source.start(), encoding)
        self._decoder = codecs.getincrementaldecoder(self.encoding)()
        self._breaks, self._longest, self._unbroken = breaks, longest, 0
        self._line, self._raw_bytes, self._rest, self._ended = 1, 0, b"", False
        self.unusual = False

    def readable(self) -> bool:
        """Return True, as readable streams do."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Fill ``buffer`` with decoded bytes; 0 at the end."""
        while not self._rest and not self._ended:
            self._rest = self._next()
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def _next(self) -> bytes:
        raw = self._source.read()
        self._ended = not raw
        if self._skip:
            raw, self._skip, self._raw_bytes = raw[self._skip :], 0, self._skip
        clean = self._decode(raw)
        self._scan(clean)
        self._line += clean.count(b"\n")
        self._raw_bytes += len(raw)
        return clean

    def _decode(self, raw: bytes) -> bytes:
        waiting = len(self._decoder.getstate()[0])
        try:
            text = self._decoder.decode(raw, final=self._ended)
        except UnicodeDecodeError as err:
            raise self._undecodable(err, self._raw_bytes - waiting) from None
        except UnicodeError as err:
            raise self._source.error(
                f"line {self._line}", f"is not valid {self.encoding} ({err})", _SAVE_UTF8
            ) from None
        try:
            return text.encode("utf-8")
        except UnicodeEncodeError:
            raise self._source.error(f"line {self._line}", f"is not valid {self.encoding}", _SAVE_UTF8) from None

    def _scan(self, clean: bytes) -> None:
        if clean.translate(None, _ORDINARY):
            self.unusual = True
            if b"\0" in clean:
                raise self._nul(clean)
        if any(byte in clean for byte in self._breaks):
            self._unbroken = 0
            return
        self.unusual = True
        self._unbroken += len(clean)
        if self._unbroken > self._longest:
            limit = f"is longer than {self._longest // 1024} KiB without a break"
            raise self._source.error(f"line {self._line}", limit, "check the quotes and line breaks before it")

    def _nul(self, clean: bytes) -> SourceError:
        line = self._line + clean.count(b"\n", 0, clean.index(b"\0"))
        if self._raw_bytes == 0 and clean.startswith(b"PK\x03\x04"):
            return self._source.error("", "is a ZIP archive or a spreadsheet", "save it as CSV in UTF-8")
        return self._source.error(
            f"line {line}",
            "has a NUL character",
            'remove it; if the file is UTF-16, set encoding = "utf-16" in the mapping',
        )

    def _undecodable(self, err: UnicodeDecodeError, base: int) -> SourceError:
        line = self._line + err.object[: err.start].count(b"\n")
        place = f"line {line}, byte {base + err.start}"
        bad = err.object[err.start : err.start + 1].hex()
        guess = _likely_encoding(err.object[max(0, err.start - _HINT_BYTES) : err.start + _HINT_BYTES])
        hint = f' (it might be "{guess}")' if guess else ""
        fix = f"save the file as UTF-8, or set its encoding in the mapping{hint}"
        return self._source.error(place, f"byte 0x{bad} is not valid {self.encoding}", fix)


_SAVE_UTF8 = "save the file as UTF-8, or set its encoding in the mapping"


def _open(path: Path, name: str) -> BinaryIO:
    try:
        kind = path.stat().st_mode
        # Opening a pipe blocks until there is a writer, a device may never end, and a source is read twice: once for
        # its digest, once for its rows.
        if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
            raise SourceError(name, "", "is a pipe or a device", "save its output to a file and import that")
        return path.open("rb")
    except FileNotFoundError:
        raise SourceError(name, "", "no such file", "check the path") from None
    except IsADirectoryError:
        raise SourceError(name, "", "is a folder", "name the files in it") from None
    except PermissionError:
        raise SourceError(name, "", "permission denied", "give this user permission to read it") from None
    except (OSError, ValueError) as err:
        raise SourceError(name, "", f"cannot be opened ({err})", "check the path") from None


def byte_order_mark(start: bytes, declared: str) -> tuple[str, int]:
    """Return the encoding by the byte order mark, or the declared one; and the length of the mark."""
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding, len(mark)
    return declared or "utf-8", 0


def _likely_encoding(sample: bytes) -> str:
    """Guess the encoding, for the message only. Two encodings often read the same bytes as different letters, so acting
    on a guess would change customers' names.
    """
    try:
        from charset_normalizer import from_bytes
    except ImportError:
        return ""
    best = from_bytes(sample).best()
    return best.encoding if best else ""
