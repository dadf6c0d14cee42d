"""Read source files into charge lines and fulfillment events.

:func:`read_charges` and :func:`read_events` turn a file and a column mapping into good rows and bad rows. Nothing in
this package uses the database. :class:`SourceStream` computes the SHA-256 and size of exactly the bytes that were read.
"""

from revrec.sources.columns import ChargeBlock
from revrec.sources.event_columns import EventBlock
from revrec.sources.mapping import NATIVE_CHARGES, NATIVE_EVENTS, ColumnMapping
from revrec.sources.problems import RowProblem, SourceError
from revrec.sources.read import read_charge_blocks, read_charges, read_event_blocks, read_events
from revrec.sources.rows import BadRow, ChargeRowResult, EventRow, GoodRow, PassedOver, ReadableValues, RowMoney
from revrec.sources.stream import SourceStream

__all__ = [
    "NATIVE_CHARGES",
    "NATIVE_EVENTS",
    "BadRow",
    "ChargeBlock",
    "ChargeRowResult",
    "ColumnMapping",
    "EventBlock",
    "EventRow",
    "GoodRow",
    "PassedOver",
    "ReadableValues",
    "RowMoney",
    "RowProblem",
    "SourceError",
    "SourceStream",
    "read_charge_blocks",
    "read_charges",
    "read_event_blocks",
    "read_events",
]
