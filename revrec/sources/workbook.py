"""Check a spreadsheet before a library opens it: what it contains, and whether that fits in memory.

A workbook is a zip archive of XML, and the library that reads it allocates the whole rectangle of a sheet at once. A
file of a few kilobytes can claim a cell at A1 and one at XFD1048576, which is 17 billion cells, or refer to one long
text from every cell. Either would exhaust the memory of the machine. Also, the library reads cells with a formula error
as empty: an amount of ``#REF!`` would silently disappear.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from posixpath import join, normpath
from typing import Any

from lxml import etree

from revrec.sources.archives import RATIO, SMALL
from revrec.sources.stream import SourceStream

LARGEST = 64 * 1024 * 1024
"""Most bytes of a workbook, which is held in memory."""

MOST_PARTS = 2_000
LARGEST_UNPACKED = 512 * 1024 * 1024
MOST_CELLS = 3_000_000
"""Most cells of a sheet's whole rectangle, empty ones included."""

MOST_TEXT = 256 * 1024 * 1024
"""Most characters of all texts of a sheet. A shared text counts once for each cell that refers to it."""

_FIX = "save it as CSV in UTF-8, or split it"
_DAMAGED = "open it in a spreadsheet program and save it again"
MOST_MERGED = 100_000
UNCALCULATED = "contains a formula whose result was never calculated"
_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})", re.ASCII)


class Workbook:
    """The bytes of a workbook, and access to its parts.

    Raises:
        SourceError: it is too large, encrypted or damaged, or expands out of proportion.
    """

    def __init__(self, source: SourceStream) -> None:
        self._source = source
        self.data = self._read()
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(self.data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise source.error("", f"is not a readable XLSX workbook ({error})", _DAMAGED) from None
        self._check_parts()

    def _read(self) -> bytes:
        blocks = []
        size = 0
        while block := self._source.read():
            blocks.append(block)
            size += len(block)
            if size > LARGEST:
                raise self._source.error("", f"is over {LARGEST // 1024 // 1024} MiB", _FIX)
        return b"".join(blocks)

    def _check_parts(self) -> None:
        parts = self._zip.infolist()
        grown = [part for part in parts if part.file_size > max(SMALL, part.compress_size * RATIO)]
        whole = sum(part.file_size for part in parts)
        if len(parts) > MOST_PARTS or grown or whole > LARGEST_UNPACKED:
            raise self._source.error("", f"unpacks to {whole:,} bytes in {len(parts):,} parts", _FIX)
        if any(part.flag_bits & 1 for part in parts):
            raise self._source.error("", "is encrypted", "save it without a password")

    def sheets(self) -> dict[str, str]:
        """Return the visible sheets in order, each with the part of the archive that holds it."""
        targets = {}
        for element in self._elements("xl/_rels/workbook.xml.rels", "Relationship"):
            targets[element.get("Id")] = normpath(join("xl", str(element.get("Target") or ""))).removeprefix("xl/xl/")
        found = {}
        for element in self._elements("xl/workbook.xml", "sheet"):
            relation = next((value for name, value in element.attrib.items() if str(name).endswith("}id")), None)
            if element.get("state") in (None, "visible"):
                part = str(targets.get(relation, ""))
                found[str(element.get("name"))] = part.removeprefix("/") if part.startswith("/") else part
        return found

    def merged(self, part: str) -> list[tuple[int, int, int, int]]:
        """Return the merged areas of a sheet: first row and column, last row and column, from 1."""
        found = []
        for element in self._elements(part, "mergeCell"):
            first, _, last = str(element.get("ref") or "").partition(":")
            found.append((*self._address(first), *self._address(last or first)))
            if len(found) > MOST_MERGED:
                raise self._source.error("", f"has more than {MOST_MERGED:,} merged areas", _FIX)
        return found

    def _address(self, text: str) -> tuple[int, int]:
        found = _PLACE.fullmatch(text)
        if not found:
            raise self._source.error(text[:20], "is not the name of a cell", _DAMAGED)
        number = 0
        for letter in found[1]:
            number = number * 26 + ord(letter) - 64
        return int(found[2]), number

    def errors(self, part: str) -> dict[str, str]:
        """Return the cells of a sheet without a usable value, each with the reason: errors, formulas never calculated.

        Raises:
            SourceError: the sheet is too large to be held in memory.
        """
        lengths = self._lengths()
        errors: dict[str, str] = {}
        row = column = cells = characters = 0
        rows, columns = (1 << 30, 0), (1 << 30, 0)
        for element in self._elements(part, "row", "c"):
            if _local(element) == "row":
                continue
            row, column = self._place(element, row, column)
            rows, columns = (min(rows[0], row), max(rows[1], row)), (min(columns[0], column), max(columns[1], column))
            cells += 1
            kind = element.get("t")
            if kind == "e":
                errors[str(element.get("r") or f"row {row}")] = "contains a formula error"
            elif _is_uncalculated(element):
                errors[str(element.get("r") or f"row {row}")] = UNCALCULATED
            characters += self._text(element, kind, lengths)
            area = (rows[1] - rows[0] + 1) * (columns[1] - columns[0] + 1)
            if area > MOST_CELLS or cells > MOST_CELLS or characters > MOST_TEXT or len(errors) > 1_000:
                reason = f"its sheet spans {area:,} cells and {characters:,} characters"
                raise self._source.error(str(element.get("r") or ""), reason, _FIX)
        return errors

    def _place(self, element: Any, row: int, column: int) -> tuple[int, int]:
        """Return the row and column of a cell. A cell without an address follows the one before it."""
        address = element.get("r")
        if address is None:
            above = element.getparent()
            in_row = above.get("r") if above is not None else None
            if in_row and in_row.isdecimal() and len(in_row) < 8 and int(in_row) != row:
                return int(in_row), 1
            return (row, column + 1) if element.getprevious() is not None else (row + 1, 1)
        return self._address(address)

    def _text(self, element: Any, kind: str | None, lengths: list[int]) -> int:
        """Return the number of characters in a cell."""
        if kind != "s":
            return sum(len(one) for one in element.itertext())
        index = "".join(element.itertext()).strip()
        return lengths[int(index)] if index.isdecimal() and len(index) < 9 and int(index) < len(lengths) else 0

    def _lengths(self) -> list[int]:
        """Return the length of each shared text."""
        if "xl/sharedStrings.xml" not in self._zip.namelist():
            return []
        return [sum(len(one) for one in element.itertext()) for element in self._elements("xl/sharedStrings.xml", "si")]

    def _elements(self, part: str, *names: str) -> Iterator[Any]:
        """Yield the elements with these names in a part as each ends, and free each one afterwards."""
        try:
            with self._zip.open(part) as file:
                tags = [f"{{*}}{name}" for name in names]
                for _event, element in etree.iterparse(
                    file, events=("end",), tag=tags, resolve_entities=False, no_network=True, load_dtd=False,
                    huge_tree=False, remove_comments=True, remove_pis=True,
                ):  # fmt: skip
                    if element.getroottree().docinfo.internalDTD is not None:
                        raise self._source.error(part, "a DOCTYPE is not allowed", _DAMAGED)
                    yield element
                    _forget(element)
        except KeyError:
            raise self._source.error("", f"is not an XLSX workbook: it has no {part or 'sheet'}", _DAMAGED) from None
        except (
            etree.XMLSyntaxError,
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
            ValueError,
        ) as error:
            raise self._source.error(part, f"is damaged ({error})", _DAMAGED) from None


def _is_uncalculated(cell: Any) -> bool:
    """Return True for a formula without a result, as programs write it that do not calculate."""
    parts = {_local(part): part for part in cell}
    if "f" not in parts or "is" in parts:
        return False
    return "v" not in parts or (cell.get("t") != "str" and not parts["v"].text)


def _forget(element: Any) -> None:
    if _local(element) == "c":
        # The next cell still needs the place of this one. The element is freed with its row.
        for child in list(element):
            element.remove(child)
        return
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]
