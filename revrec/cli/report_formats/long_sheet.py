"""Write the rows of long sheets into a workbook that XlsxWriter has made without them.

XlsxWriter takes microseconds for each cell: minutes for the journal of a month. It writes all other parts.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple, TypeAlias
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from revrec.core.batching import batched

LEVEL = 1
"""How much a long sheet is compressed: more takes three times as long and saves a quarter of the file."""
AT_ONCE = 1_000
"""Rows that are compressed at once."""
MOST_TEXTS = 20_000
"""The most texts that are kept as XML: most columns repeat their values."""
LONGEST = 32_767
"""The most characters that a cell can have."""

Row: TypeAlias = Mapping[str, Any]


class LongSheet(NamedTuple):
    """The rows of a sheet, the first one of which is at ``at``, counted from 1; ``part`` is its name in the archive."""

    part: str
    at: int
    columns: "Sequence[Cells]"
    rows: Iterable[Row]


class Cells:
    """The cells of a column: texts and whole numbers. ``letter`` is its name in the sheet, ``name`` in the rows."""

    def __init__(self, letter: str, name: str, texts: "Texts") -> None:
        self.letter = letter
        self.name = name
        self._texts = texts

    def xml(self, value: Any, at: int, _row: Row) -> str:
        """Return the attributes and the content of the cell of a value in the row ``at``."""
        return f"><v>{int(value)}</v>" if isinstance(value, int) else self._texts[str(value)]


class Texts(dict[str, str]):
    """Texts, each as the attributes and the content of its cell."""

    def __missing__(self, text: str) -> str:
        """Convert a text; the ones before it are forgotten if they are many."""
        if len(self) >= MOST_TEXTS:
            self.clear()
        found = self[text] = f' t="inlineStr"><is><t xml:space="preserve">{_escaped(text[:LONGEST])}</t></is>'
        return found


def _escaped(text: str) -> str:
    if text.isprintable() and "_x" not in text:
        return escape(text)
    # XML cannot contain control characters: Excel reads _x001B_ as one, and the text _x001B_ as _x005F_x001B_.
    literal = re.sub("_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", text)
    return re.sub("[\x00-\x08\x0b-\x1f\ufffe\uffff]", lambda found: f"_x{ord(found[0]):04X}_", escape(literal))


def write_with_rows(book: bytes, sheets: Iterable[LongSheet], file: BinaryIO) -> None:
    """Write a workbook to ``file`` with the rows of its long sheets, which are read one by one."""
    long = {one.part: one for one in sheets}
    with ZipFile(BytesIO(book)) as made, ZipFile(file, "w", ZIP_DEFLATED, compresslevel=LEVEL) as whole:
        for part in made.infolist():
            if part.filename not in long:
                whole.writestr(part, made.read(part))
                continue
            sheet = long[part.filename]
            before, after = _around(made.read(part).decode(), sheet.at)
            with whole.open(part.filename, "w", force_zip64=True) as out:
                out.write(before.encode())
                for some in batched(_rows(sheet), AT_ONCE):
                    out.write("".join(some).encode())
                out.write(after.encode())


def _around(sheet: str, at: int) -> tuple[str, str]:
    """Return the XML of a sheet before and after the place of a row."""
    rows = (found for found in re.finditer(r'<row r="(\d+)"', sheet) if int(found[1]) >= at)
    after = next(rows, None)
    place = after.start() if after else sheet.index("</sheetData>")
    return sheet[:place], sheet[place:]


def _rows(sheet: LongSheet) -> Iterator[str]:
    columns = [(one.letter, one.name, one.xml) for one in sheet.columns]
    for at, row in enumerate(sheet.rows, sheet.at):
        cells = [
            f'<c r="{letter}{at}"{xml(value, at, row)}</c>'
            for letter, name, xml in columns
            if (value := row.get(name)) is not None and value != ""
        ]
        yield f'<row r="{at}">{"".join(cells)}</row>'
