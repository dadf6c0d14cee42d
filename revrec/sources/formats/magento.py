"""Magento (Adobe Commerce): orders, invoices, credit memos and shipments of its REST API, as JSON or JSON Lines."""

from revrec.sources.mapping import ColumnMapping
from revrec.sources.shops.magento import ELEMENTS, OWN, charges, document, events, is_wrapper
from revrec.sources.shops.reading import Shop, read_shop
from revrec.sources.stream import SourceStream
from revrec.sources.table import Table

SUFFIXES = (".magento",)
TIMES_IN = "UTC"
SHOP = Shop(OWN, ELEMENTS, is_wrapper, document, charges, events)


def read(source: SourceStream, mapping: ColumnMapping) -> Table:
    """Return the charges or events of every document, numbered from 1 in their order."""
    return read_shop(source, mapping, SHOP)
