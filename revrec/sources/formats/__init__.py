"""Source formats. Each module in this folder is a format and gives it its name.

A format module has

- ``SUFFIXES``: the file name endings it is known by, such as ``(".csv",)``;
- ``read(source, mapping)``: reads a :class:`SourceStream` by a :class:`ColumnMapping` and returns a :class:`Table`;
- optionally ``TIMES_IN``: the time zone of its times without a mark.
"""

import pkgutil
from functools import cache
from importlib import import_module
from pathlib import PurePath
from typing import Protocol, cast

from revrec.sources.mapping import ColumnMapping
from revrec.sources.stream import SourceStream
from revrec.sources.table import Table


class SourceFormat(Protocol):
    """The attributes that each module of this package has."""

    SUFFIXES: tuple[str, ...]

    def read(self, source: SourceStream, mapping: ColumnMapping) -> Table: ...


@cache
def format_names() -> tuple[str, ...]:
    """Return the names of all formats."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def load_format(name: str) -> SourceFormat:
    """Return the format with that name."""
    return cast(SourceFormat, import_module(f"{__name__}.{name}"))


def times_in(name: str) -> str:
    """Return the time zone of a format's times without a mark; empty if the format does not determine it."""
    return getattr(load_format(name), "TIMES_IN", "") if name else ""


def find_format(source: SourceStream, mapping: ColumnMapping) -> SourceFormat:
    """Return the format that the mapping names, or else the one that the file's suffix determines. Never guess.

    Raises:
        SourceError: the suffix is not a known one.
    """
    return load_format(format_name(source, mapping))


def format_name(source: SourceStream, mapping: ColumnMapping) -> str:
    """Return the name of the format that :func:`find_format` returns."""
    if mapping.format:
        return mapping.format
    suffix = PurePath(source.name).suffix.lower()
    known = {suffix: name for name in format_names() for suffix in load_format(name).SUFFIXES}
    if suffix in known:
        return known[suffix]
    if suffix in (".xls", ".xlsb", ".ods"):
        raise source.error(
            "", "is a spreadsheet in a format that revrec does not read", "save it as XLSX, or as CSV in UTF-8"
        )
    what = f'the suffix "{suffix}" is not a known format' if suffix else "the format is not known without a suffix"
    fix = f"set format in the mapping to one of {', '.join(format_names())}"
    raise source.error("", what, fix)
