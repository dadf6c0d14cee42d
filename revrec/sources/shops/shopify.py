"""Shopify, as the common reading of shops asks for it."""

from revrec.sources.shops.shopify_deliveries import events
from revrec.sources.shops.shopify_orders import OWN, charges, document, is_wrapper

__all__ = ["OWN", "charges", "document", "events", "is_wrapper"]
