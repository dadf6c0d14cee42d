"""XML: ``<charges><charge>``, each value a child element; or the records that the mapping's ``record`` path names.

Attributes are columns named ``@name``, nested elements ``outer.inner``; namespaces are passed over. A DOCTYPE is
refused: nothing a charge needs stands in one, and entities are what hostile files are made of.
"""

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from revrec.sources.keyed import RecordColumns, damaged, record_of
from revrec.sources.mapping import ColumnMapping
from revrec.sources.rows import DamagedRecord
from revrec.sources.stream import SourceStream, byte_order_mark
from revrec.sources.table import Record, Table

SUFFIXES = (".xml",)
LONGEST_RECORD = 1024 * 1024
"""Bytes that may pass without a record ending; beyond that the file is refused rather than gathered in memory."""

_PROLOG_TO_DOCTYPE = re.compile(r"(?>\s+|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.DOTALL | re.IGNORECASE)


def read(source: SourceStream, mapping: ColumnMapping) -> Table:
    """The records. A row's number is its place among them, from 1; problems name the line, too."""
    path = tuple((mapping.record or f"{mapping.rows}/{mapping.rows[:-1]}").strip("/").split("/"))
    refuse_early_doctype(source)
    columns = RecordColumns(mapping)
    siblings = _Siblings(source, path)
    records = _records(source, mapping, siblings, columns)
    return Table(
        columns.header,
        records,
        lambda number: f"record {number} (line {siblings.line})",
        expected=f"its records must be {'/'.join(path)}",
    )


def refuse_early_doctype(source: SourceStream) -> None:
    """Before the parser sees a byte of it."""
    encoding, mark = byte_order_mark(source.start(), "utf-8")
    text = source.start()[mark:].decode(encoding, "replace")
    found = _PROLOG_TO_DOCTYPE.match(text)
    if found:
        raise _doctype(source, f"line {text.count(chr(10), 0, found.end()) + 1}")


def _doctype(source: SourceStream, place: str) -> Exception:
    return source.error(place, "a DOCTYPE, with its entities, is refused", "remove it and write the values out")


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
    """Each record when it has ended."""
    path = siblings.path
    parser = pull_parser(f"{{*}}{path[-1]}", mapping.encoding)
    quiet = 0
    try:
        while block := source.read():
            parser.feed(block)
            if has_errors(parser):
                parser.close()  # raises what feeding passed over in silence
            quiet += len(block)
            for _, element in _ended(parser):
                if siblings.is_record(element):
                    quiet = 0
                    yield element
            if quiet > LONGEST_RECORD:
                name = "/".join(path)
                raise source.error(
                    f"byte {source.size}", f"{quiet // 1024} KiB without a <{path[-1]}>", f"the records must be {name}"
                )
        parser.close()
    except etree.XMLSyntaxError as err:
        raise damage(source, err) from None
    for _, element in _ended(parser):
        if siblings.is_record(element):
            yield element


def pull_parser(tag: str | list[str], encoding: str) -> Any:
    """A parser that tells the ends of elements, without entities, network or giant trees."""
    return etree.XMLPullParser(
        events=("end",), tag=tag, encoding=encoding or None, resolve_entities=False, no_network=True, load_dtd=False,
        huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip


def damage(source: SourceStream, err: etree.XMLSyntaxError) -> Exception:
    """The damage with its place; where the exception has none, the parser's log tells."""
    line, column = err.position
    message = err.msg
    log: Any = err.error_log
    if not line and log.last_error is not None:
        line, column, message = log.last_error.line, log.last_error.column, log.last_error.message
    return source.error(f"line {line}, column {column}", f"damaged XML ({message})", "correct it there")


def has_errors(parser: Any) -> bool:
    """Whether feeding the parser passed over an error in silence."""
    return len(parser.feed_error_log.filter_from_errors()) > 0


def _ended(parser: Any) -> Iterator[tuple[str, etree._Element]]:
    """The parser's events, which the stubs type too widely for a parser of ends alone."""
    yield from parser.read_events()


class _Siblings:
    """Sees that nothing but records stands beside records, and takes those that are done out of memory."""

    def __init__(self, source: SourceStream, path: tuple[str, ...]) -> None:
        self._source = source
        self.path = path
        self.line = 0
        self._last: etree._Element | None = None

    def is_record(self, element: etree._Element) -> bool:
        """Whether the element stands where records stand, in good company."""
        ancestors = tuple(_name(above) for above in element.iterancestors())[::-1]
        if ancestors != self.path[:-1]:
            return False
        parent, before = element.getparent(), element.getprevious()
        last = self._last
        if last is not None and last.getparent() is not parent:
            self.end()
            last = None
        if before is not last:
            raise self._stranger(before)
        if _text(parent) or (last is not None and (last.tail or "").strip()):
            raise self._stray(element)
        self.line = _line(element)
        return True

    def done(self, element: etree._Element) -> None:
        """The record was read: empty it, and drop the one before."""
        if self._last is not None and (parent := self._last.getparent()) is not None:
            parent.remove(self._last)
        element.clear(keep_tail=True)  # type: ignore[call-arg]
        self._last = element

    def end(self) -> None:
        """No record follows here; nothing else may either."""
        if self._last is not None and (after := self._last.getnext()) is not None:
            raise self._stranger(after)
        if self._last is not None and (self._last.tail or "").strip():
            raise self._stray(self._last)

    def _stranger(self, element: etree._Element | None) -> Exception:
        name, line = (_name(element), _line(element)) if element is not None else ("?", 0)
        return self._source.error(
            f"line {line}", f"<{name}> stands among the records", f"name it <{self.path[-1]}> or take it out"
        )

    def _stray(self, element: etree._Element) -> Exception:
        return self._source.error(f"line {element.sourceline}", "text stands between the records", "take it out")


def _row(element: etree._Element, columns: RecordColumns) -> list[str] | DamagedRecord:
    try:
        return columns.row(record_of(list(_values(element))))
    except _MixedError as err:
        return damaged(str(err), "has text and elements mixed", "write the value as text alone")


class _MixedError(Exception):
    """An element has both text and child elements; taking either alone would lose the other."""


def _values(element: etree._Element, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Names and texts of a record: its attributes, its children and theirs."""
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
