"""Read source files inside zip and gzip archives, one member at a time, within limits and without unpacking to disk.

Refused are nested archives, paths that lead out of the archive, links, encrypted members, duplicate names, too many
members or bytes, and members that expand out of proportion (zip bombs).
"""

import gzip
import io
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from revrec.sources.problems import SourceError, shorten
from revrec.sources.stream import SourceStream

MOST_MEMBERS = 1_000
"""Most files that an archive may hold."""

LARGEST_MEMBER = 2 * 1024**3
"""Bytes of one member when unpacked."""

LARGEST_ARCHIVE = 4 * 1024**3
"""Bytes of all members when unpacked."""

RATIO = 200
"""The factor by which a member may expand from its packed size, once it is over :data:`SMALL` bytes."""

SMALL = 8 * 1024**2

ZIP, GZIP = (".zip",), (".gz", ".gzip")
_MAGIC = (
    (b"PK\x03\x04", ".xlsx", "a zip archive"),
    (b"\x1f\x8b", "", "a gzip file"),
    (b"7z\xbc\xaf", "", "an archive"),
)
_LITTER = ("__MACOSX/", ".DS_Store")


class ArchiveMember(NamedTuple):
    """One file to read: its name for messages, and a function that opens it and can be called more than once."""

    name: str
    open: Callable[[], SourceStream]


def members(path: Path, name: str = "", format: str = "") -> list[ArchiveMember]:
    """Return the file itself, or the members of an archive. The suffix decides, unless ``format`` says spreadsheet.

    Raises:
        SourceError: the archive cannot be read or is refused; the message names the member and the reason.
    """
    name = name or str(path)
    suffix = path.suffix.lower()
    if suffix in ZIP and not format.startswith("xls"):
        return _zipped(path, name)
    if suffix in GZIP:
        stem = PurePosixPath(name).stem if PurePosixPath(name).suffix.lower() in GZIP else path.stem
        inner = f"{name}/{stem}"
        _refuse_nested(inner, stem)
        return [ArchiveMember(inner, lambda: _gunzipped(path, inner))]
    return [ArchiveMember(name, lambda: SourceStream(path, name))]


class _BoundedMember(io.RawIOBase):
    """A member's bytes as they are unpacked. They are counted, so a member that is too large is refused early.

    The size that a zip directory states cannot be trusted: an attacker writes it. Only counting the bytes that come out
    stops a member that states one kilobyte and unpacks to a terabyte.
    """

    def __init__(self, unpacked: BinaryIO, name: str, packed: int) -> None:
        self._unpacked = unpacked
        self._name = name
        self._most = min(LARGEST_MEMBER, max(SMALL, packed * RATIO))
        self._read = 0

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; empty at the end."""
        assert size > 0
        try:
            block = self._unpacked.read(size)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError) as error:
            why = f"is damaged after {self._read:,} bytes ({error})"
            raise SourceError(self._name, "", why, "ask the sender to send it again") from None
        if self._read == 0:
            _refuse_nested(self._name, self._name, block)
        self._read += len(block)
        if self._read > self._most:
            grown = f"grows beyond {self._most:,} bytes when unpacked"
            raise SourceError(self._name, "", grown, "unpack it yourself, check it, and split it")
        return block

    def close(self) -> None:
        """Close the member and the archive that it belongs to."""
        self._unpacked.close()
        super().close()


def _gunzipped(path: Path, inner: str) -> SourceStream:
    with SourceStream(path) as packed:
        size = path.stat().st_size
        del packed
    return SourceStream(_BoundedMember(gzip.open(path), inner, size), inner)  # type: ignore[arg-type]


def _zipped(path: Path, name: str) -> list[ArchiveMember]:
    with SourceStream(path, name):
        pass  # a missing file, a folder, a pipe or an empty file is reported as for any other source
    try:
        with zipfile.ZipFile(path) as archive:
            infos = list(_files(archive, name))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeDecodeError) as error:
        raise SourceError(
            name, "", f"is not a zip archive that can be read ({error})", "ask the sender to send it again"
        ) from None
    if not infos:
        raise SourceError(name, "", "has no files in it", "check that it is the right archive")
    return [_member(path, f"{name}/{info.filename}", info) for info in infos]


def _member(path: Path, name: str, info: zipfile.ZipInfo) -> ArchiveMember:
    def opened() -> SourceStream:
        try:
            return SourceStream(_BoundedMember(_from_zip(path, info), name, info.compress_size), name)  # type: ignore[arg-type]
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError) as error:
            raise SourceError(name, "", f"cannot be unpacked ({error})", "ask the sender to send it again") from None

    return ArchiveMember(name, opened)


def _from_zip(path: Path, info: zipfile.ZipInfo) -> BinaryIO:
    """Open a member. Closing it also closes the archive."""
    archive = zipfile.ZipFile(path)
    try:
        opened = archive.open(info)
    except BaseException:
        archive.close()
        raise
    close = opened.close

    def close_both() -> None:
        close()
        archive.close()

    opened.close = close_both  # type: ignore[method-assign]
    return opened  # type: ignore[return-value]


def _files(archive: zipfile.ZipFile, name: str) -> Iterator[zipfile.ZipInfo]:
    """Yield the members that are files, after checking each."""
    # ZipInfo.is_dir() fails for an empty name.
    infos = [info for info in archive.infolist() if not info.filename.endswith("/") and not _is_litter(info.filename)]
    if len(infos) > MOST_MEMBERS:
        raise SourceError(name, "", f"has {len(infos):,} files, at most {MOST_MEMBERS:,} are read", "split it")
    if sum(info.file_size for info in infos) > LARGEST_ARCHIVE:
        raise SourceError(name, "", f"holds more than {LARGEST_ARCHIVE:,} bytes when unpacked", "split it")
    seen: set[str] = set()
    for info in infos:
        _check(f"{name}/{shorten(info.filename)}", info)
        if info.filename in seen:
            raise SourceError(f"{name}/{info.filename}", "", "is in the archive twice", "keep one")
        seen.add(info.filename)
        yield info


def _check(shown: str, info: zipfile.ZipInfo) -> None:
    path = PurePosixPath(info.filename)
    if not info.filename:
        raise SourceError(shown, "", "is a file without a name", "pack it again with plain names")
    if not info.filename.isprintable() or "\\" in info.filename or ":" in info.filename:
        raise SourceError(shown, "", "has a name with characters that are not allowed", "rename it")
    if path.is_absolute() or ".." in path.parts:
        raise SourceError(shown, "", "has a path that leads out of the archive", "pack it again with plain names")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise SourceError(shown, "", "is a link, not a file", "pack the file itself")
    if info.flag_bits & 1:
        raise SourceError(shown, "", "is encrypted", "unpack it first")
    if info.file_size > max(SMALL, info.compress_size * RATIO):
        reason = f"grows from {info.compress_size:,} to {info.file_size:,} bytes, more than {RATIO} times"
        raise SourceError(shown, "", reason, "unpack it yourself and check it")
    _refuse_nested(shown, info.filename)


def _refuse_nested(shown: str, filename: str, start: bytes = b"") -> None:
    suffix = PurePosixPath(filename).suffix.lower()
    if suffix in (*ZIP, *GZIP, ".tar", ".tgz", ".7z", ".rar", ".bz2", ".xz"):
        raise SourceError(shown, "", "is an archive within an archive", "unpack it first")
    for magic, own, what in _MAGIC:
        if start.startswith(magic) and suffix != own:
            raise SourceError(shown, "", f"is {what} within an archive, whatever its name", "unpack it first")


def _is_litter(filename: str) -> bool:
    """Return True for the files that macOS adds to archives."""
    return filename.startswith(_LITTER[0]) or PurePosixPath(filename).name == _LITTER[1]
