"""What is invoiced and how: ``[invoice.SOURCE]`` and ``[invoicing]`` of the configuration."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.errors import BadConfiguration
from revrec.core.invoice import WAYS, DocumentDefinitions, InvoiceRequest
from revrec.intacct.gateway import MasterKind
from revrec.jobs.settings import shown

if TYPE_CHECKING:
    from revrec.jobs.context import Context

KEYS = ("as", "from", "number")
"""Keys of ``[invoice.SOURCE]``."""


class InvoiceSettings(NamedTuple):
    """What each source asks for, the names of definitions, unit and GL group, and what is created where it is missing.

    ``default_term`` is that of customers without one; ``omit`` are the dimensions that are never sent.
    """

    wishes: Mapping[str, InvoiceRequest]
    names: DocumentDefinitions
    unit: str
    item_group: str
    default_term: str
    creates: frozenset[str]
    omit: frozenset[str]


def invoice_settings(context: "Context") -> InvoiceSettings:
    """The settings of invoices.

    Raises:
        BadConfiguration: a key of ``[invoice.SOURCE]`` is unknown, or its value is none.
    """
    settings = context.settings
    creates = {
        kind
        for kind, policy in (
            (MasterKind.CUSTOMER, settings.invoicing.missing_customer),
            (MasterKind.ITEM, settings.invoicing.missing_item),
        )
        if policy == "create"
    }
    asked = settings.free.get("invoice", {}).items()
    wishes = {source: wish for source, table in asked if (wish := _wish(context, source, table)) is not None}
    return InvoiceSettings(
        wishes,
        DocumentDefinitions(settings.invoicing.order_definition, settings.invoicing.invoice_definition),
        settings.invoicing.unit,
        settings.invoicing.item_group,
        settings.invoicing.default_term,
        frozenset(creates),
        settings.gateway.omit,
    )


def _wish(context: "Context", source: str, table: Any) -> InvoiceRequest | None:
    """What a source asks for; None if it wants no invoices."""
    where = f"{context.settings.file or 'revrec.toml'}: [invoice.{source}]"
    if not isinstance(table, dict):
        raise BadConfiguration(f"{where} must be a table")
    unknown = next((key for key in table if key not in KEYS), None)
    if unknown:
        raise BadConfiguration(f"{where} unknown key {unknown} (known: {', '.join(KEYS)})")
    how, since, number = table.get("as", "none"), table.get("from"), table.get("number", "{document}")
    if not isinstance(how, str) or how not in WAYS:
        raise BadConfiguration(f"{where} as: expected one of {', '.join(WAYS)}, found {shown(how)}")
    if since is not None and (isinstance(since, datetime) or not isinstance(since, date)):
        wanted = "expected a date such as 2024-01-01, without quotes"
        raise BadConfiguration(f"{where} from: {wanted}, found {shown(since)}")
    if not isinstance(number, str) or "{document}" not in number:
        raise BadConfiguration(f"{where} number: expected a text with {{document}} in it, found {shown(number)}")
    return InvoiceRequest(WAYS[how], since, number) if WAYS[how] else None
