"""Shopify: orders, refunds and fulfillments of the REST and GraphQL APIs and of webhooks, as JSON or JSON Lines."""

from revrec.sources.mapping import ColumnMapping
from revrec.sources.shops.reading import Shop, read_shop
from revrec.sources.shops.shopify_deliveries import events
from revrec.sources.shops.shopify_orders import ELEMENTS, OWN, charges, document, is_wrapper
from revrec.sources.stream import SourceStream
from revrec.sources.table import Table

SUFFIXES = (".shopify",)
SHOP = Shop(OWN, ELEMENTS, is_wrapper, document, charges, events)


def read(source: SourceStream, mapping: ColumnMapping) -> Table:
    """Return the charges or events of every document, numbered from 1 in their order."""
    return read_shop(source, mapping, SHOP)
