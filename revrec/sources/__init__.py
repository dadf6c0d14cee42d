"""Bytes to charge lines and fulfillment events: formats, column mappings, values, row reports.

:func:`read_charges` and :func:`read_events` turn a file and a mapping into good and bad rows; nothing here knows a
database. :class:`SourceStream` also knows the sha256 and size of exactly the bytes that were read.
"""

from revrec.sources.mapping import NATIVE_CHARGES, NATIVE_EVENTS, ColumnMapping
from revrec.sources.problems import RowProblem, SourceError
from revrec.sources.read import read_charges, read_events
from revrec.sources.rows import BadRow, ChargeRowResult, EventRow, GoodRow, PassedOver
from revrec.sources.stream import SourceStream

__all__ = [
    "NATIVE_CHARGES",
    "NATIVE_EVENTS",
    "BadRow",
    "ChargeRowResult",
    "ColumnMapping",
    "EventRow",
    "GoodRow",
    "PassedOver",
    "RowProblem",
    "SourceError",
    "SourceStream",
    "read_charges",
    "read_events",
]
