"""Shopify: orders, refunds and fulfilments of the REST and GraphQL APIs and of webhooks, as JSON or JSON Lines."""

from typing import cast

from revrec.sources.formats import Table
from revrec.sources.mapping import ColumnMapping
from revrec.sources.shops import shopify
from revrec.sources.shops.reading import Shop
from revrec.sources.shops.reading import read as read_shop
from revrec.sources.stream import SourceStream

SUFFIXES = (".shopify",)


def read(source: SourceStream, mapping: ColumnMapping) -> Table:
    """The charges, or events, of every document. A row's number is its place among them, from 1."""
    return read_shop(source, mapping, cast(Shop, shopify))
