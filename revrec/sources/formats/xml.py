"""XML: ``<charges><charge>`` with a child element for each value, or the records that the mapping's ``record`` names.

Attributes are columns named ``@name``, and nested elements are ``outer.inner``. Namespaces are ignored. A DOCTYPE is
refused: charges never need one, and its entities can expand without limit or read other files.
"""

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from revrec.sources.keyed import RecordColumns, damaged, record_of
from revrec.sources.mapping import ColumnMapping
from revrec.sources.nested import TEXT, NestedDocument, nested_table
from revrec.sources.rows import DamagedRecord
from revrec.sources.stream import SourceStream, byte_order_mark
from revrec.sources.table import Record, Table

SUFFIXES = (".xml",)
LONGEST_RECORD = 1024 * 1024
"""Most bytes without the end of a record. Beyond that the file is refused, since the parser holds them in memory."""

LONGEST_DOCUMENT = 16 * 1024 * 1024
"""The same for a document with lines."""

ENVELOPE_HEADER = "StandardBusinessDocumentHeader"
"""The element before the documents of a UN/CEFACT envelope (SBDH), which says who sends them to whom."""

_PROLOG_TO_DOCTYPE = re.compile(r"(?>\s+|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL | re.IGNORECASE)


def read(source: SourceStream, mapping: ColumnMapping) -> Table:
    """Return the records, numbered from 1 in their order. Problems also name the line."""
    named = mapping.record or (f"{mapping.rows}/{mapping.rows[:-1]}",)
    paths = tuple(tuple(path.strip("/").split("/")) for path in named)
    refuse_early_doctype(source)
    siblings = _Siblings(source, paths, mapping)
    expected = f"its records must be {siblings.named}"
    if mapping.lines:
        return nested_table(_documents(source, mapping, siblings), mapping, expected)
    columns = RecordColumns(mapping)
    records = _records(source, mapping, siblings, columns)
    return Table(
        columns.header,
        records,
        lambda number: f"record {number} (line {siblings.line})",
        expected=expected,
    )


def refuse_early_doctype(source: SourceStream) -> None:
    """Refuse a DOCTYPE before the parser sees any byte of it.

    Raises:
        SourceError: the file starts with one.
    """
    encoding, mark = byte_order_mark(source.start(), "utf-8")
    text = source.start()[mark:].decode(encoding, "replace")
    found = _PROLOG_TO_DOCTYPE.match(text)
    if found:
        raise _doctype(source, f"line {text.count(chr(10), 0, found.end()) + 1}")


def _doctype(source: SourceStream, place: str) -> Exception:
    return source.error(place, "a DOCTYPE is not allowed", "remove it and replace its entities with their values")


def whole(source: SourceStream, largest: int) -> dict[str, Any]:
    """Return the root of a file by its name, as nested values.

    Raises:
        SourceError: the file is damaged, has a DOCTYPE, or has more bytes than ``largest``.
    """
    refuse_early_doctype(source)
    parser = pull_parser("none", "")
    try:
        while block := source.read():
            if source.size > largest:
                raise source.error("", f"has more than {largest:,} bytes", "make a smaller file of its first records")
            parser.feed(block)
            if has_errors(parser):
                parser.close()  # raises the error that feed() did not
        root = parser.close()
    except etree.XMLSyntaxError as err:
        raise damage(source, err) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise _doctype(source, f"before line {root.sourceline}")
    try:
        return {_name(root): _nested(root)}
    except _MixedError as err:
        raise source.error("", f"<{err}> mixes text and elements", "write the value as text only") from None


def _documents(source: SourceStream, mapping: ColumnMapping, siblings: "_Siblings") -> Iterator[NestedDocument]:
    for number, element in enumerate(_elements(source, mapping, siblings), start=1):
        if number == 1 and element.getroottree().docinfo.internalDTD is not None:
            raise _doctype(source, f"before line {element.sourceline}")
        place = f"document {number} (line {siblings.line})"
        try:
            value = _nested(element)
        except _MixedError as err:
            raise source.error(place, f"<{err}> mixes text and elements", "write the value as text only") from None
        yield NestedDocument(value, place, _name(element), is_xml=True)
        siblings.done(element)
    siblings.end()


def _nested(element: etree._Element) -> Any:
    """Return an element as nested values: attributes are ``@name``, repeated elements are a list."""
    if len(element) and _has_text(element):
        raise _MixedError(_name(element))
    found: dict[str, Any] = {f"@{_local(str(name))}": str(value) for name, value in element.attrib.items()}
    if not len(element):
        return {**found, TEXT: element.text or ""} if found else element.text or ""
    for child in element:
        name, value = _name(child), _nested(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def _records(
    source: SourceStream, mapping: ColumnMapping, siblings: "_Siblings", columns: RecordColumns
) -> Iterator[Record]:
    for number, element in enumerate(_elements(source, mapping, siblings), start=1):
        if number == 1 and element.getroottree().docinfo.internalDTD is not None:
            raise _doctype(source, f"before line {element.sourceline}")
        yield number, _row(element, columns)
        siblings.done(element)
    siblings.end()


def _elements(source: SourceStream, mapping: ColumnMapping, siblings: "_Siblings") -> Iterator[etree._Element]:
    """Yield each record when it has ended."""
    parser = pull_parser([f"{{*}}{path[-1]}" for path in siblings.paths], mapping.encoding)
    since_record = 0
    try:
        while block := source.read():
            parser.feed(block)
            if has_errors(parser):
                parser.close()  # raises the error that feed() did not
            since_record += len(block)
            for _, element in _ended(parser):
                if siblings.is_record(element):
                    since_record = 0
                    yield element
            if since_record > siblings.longest:
                reason = f"{since_record // 1024} KiB without a <{siblings.paths[0][-1]}>"
                raise source.error(f"byte {source.size}", reason, f"the records must be {siblings.named}")
        parser.close()
    except etree.XMLSyntaxError as err:
        raise damage(source, err) from None
    for _, element in _ended(parser):
        if siblings.is_record(element):
            yield element


def pull_parser(tag: str | list[str], encoding: str) -> Any:
    """Return a parser that reports the ends of elements, without entities, network access or huge trees."""
    return etree.XMLPullParser(
        events=("end",), tag=tag, encoding=encoding or None, resolve_entities=False, no_network=True, load_dtd=False,
        huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip


def damage(source: SourceStream, err: etree.XMLSyntaxError) -> Exception:
    """Return the damage as a SourceError. If the exception has no place, use the one in the parser's log."""
    line, column = err.position
    message = err.msg
    log: Any = err.error_log
    if not line and log.last_error is not None:
        line, column, message = log.last_error.line, log.last_error.column, log.last_error.message
    return source.error(f"line {line}, column {column}", f"damaged XML ({message})", "correct it there")


def has_errors(parser: Any) -> bool:
    """Return True if the parser recorded an error without raising it."""
    return len(parser.feed_error_log.filter_from_errors()) > 0


def _ended(parser: Any) -> Iterator[tuple[str, etree._Element]]:
    """Yield the parser's events, with a narrower type than the stubs have."""
    yield from parser.read_events()


class _Siblings:
    """Check that records have nothing but records next to them, and free those that were read.

    An element with a misspelled name among the records would otherwise be skipped, and its charge lost without a word.
    """

    def __init__(self, source: SourceStream, paths: tuple[tuple[str, ...], ...], mapping: ColumnMapping) -> None:
        self._source = source
        self._declared = mapping.record
        self.paths = paths
        self.longest = LONGEST_DOCUMENT if mapping.lines else LONGEST_RECORD
        self.named = " or ".join("/".join(path) for path in paths)
        self.line = 0
        self._last: etree._Element | None = None

    def is_record(self, element: etree._Element) -> bool:
        """Return True if the element is at the path of records.

        Raises:
            SourceError: there is another element or text next to it.
        """
        ancestors = tuple(_name(above) for above in element.iterancestors())[::-1]
        if (*ancestors, _name(element)) not in self.paths:
            return False
        parent, before = element.getparent(), element.getprevious()
        last = self._last
        if last is not None and last.getparent() is not parent:
            self.end()
            last = None
        if before is not last and not (last is None and before is not None and _name(before) == ENVELOPE_HEADER):
            raise self._stranger(before)
        if _text(parent) or (last is not None and (last.tail or "").strip()):
            raise self._stray(element)
        self.line = _line(element)
        return True

    def done(self, element: etree._Element) -> None:
        """Empty a record that was read, and drop the one before it."""
        if self._last is not None and (parent := self._last.getparent()) is not None:
            parent.remove(self._last)
        element.clear(keep_tail=True)  # type: ignore[call-arg]
        self._last = element

    def end(self) -> None:
        """Check that nothing follows the last record."""
        if self._last is not None and (after := self._last.getnext()) is not None:
            raise self._stranger(after)
        if self._last is not None and (self._last.tail or "").strip():
            raise self._stray(self._last)

    def _stranger(self, element: etree._Element | None) -> Exception:
        name, line = (_name(element), _line(element)) if element is not None else ("?", 0)
        *above, record = self.paths[0]
        fix = f"name it <{record}> or remove it"
        if self.named in self._declared and above:
            lines = f'record = "{"/".join(above)}" and lines = "{record}"'
            fix += f"; if <{above[-1]}> is one document, set {lines} in the mapping"
        return self._source.error(f"line {line}", f"<{name}> is among the records", fix)

    def _stray(self, element: etree._Element) -> Exception:
        return self._source.error(f"line {element.sourceline}", "there is text between the records", "remove it")


def _row(element: etree._Element, columns: RecordColumns) -> list[str] | DamagedRecord:
    try:
        return columns.row(record_of(list(_values(element))))
    except _MixedError as err:
        return damaged(str(err), "mixes text and elements", "write the value as text only")


class _MixedError(Exception):
    """An element with both text and child elements. Reading either alone would lose the other."""


def _values(element: etree._Element, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the names and texts of a record: its attributes, its children and theirs."""
    for name, value in element.attrib.items():
        yield f"{prefix}@{_local(str(name))}", str(value)
    if len(element) and _has_text(element):
        raise _MixedError(prefix.rstrip(".") or _name(element))
    for child in element:
        name = prefix + _name(child)
        if not len(child):
            yield name, child.text or ""
        yield from _values(child, f"{name}.")


def _has_text(element: etree._Element) -> bool:
    return any((text or "").strip() for text in (element.text, *(child.tail for child in element)))


def _text(element: etree._Element | None) -> str:
    return "" if element is None else (element.text or "").strip()


def _line(element: etree._Element) -> int:
    return int(str(element.sourceline or 0))


def _name(element: etree._Element) -> str:
    return _local(str(element.tag))


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
