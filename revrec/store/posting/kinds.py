"""The tables of every kind of posting."""

from revrec.store.posting.adjustments import ADJUSTMENT_TABLES
from revrec.store.posting.entries import ENTRY_TABLES
from revrec.store.posting.invoices import INVOICE_TABLES

EVERY_KIND = (ENTRY_TABLES, INVOICE_TABLES, ADJUSTMENT_TABLES)
