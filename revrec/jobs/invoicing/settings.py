"""Settings of invoices: ``[invoice.SOURCE]`` and ``[invoicing]`` in the configuration."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.invoice import WAYS, DocumentDefinitions, InvoiceRequest
from revrec.core.keys import DATE, ConfigKey, KeyProblem, RejectedValue, SectionName, ValueKind, choice, read_table
from revrec.intacct.gateway import MasterKind

if TYPE_CHECKING:
    from revrec.jobs.context import Context


def _number_pattern(value: Any) -> str:
    if not isinstance(value, str) or "{document}" not in value:
        raise RejectedValue()
    return value


NUMBER_PATTERN = ValueKind("text with {document} in it", _number_pattern, {"type": "string"})

KEYS = (
    ConfigKey("as", choice(*WAYS), "what the source's documents become in Intacct", "none"),
    ConfigKey("from", DATE, "the first post date that is invoiced"),
    ConfigKey("number", NUMBER_PATTERN, "the number of a document in Intacct", "{document}"),
)
"""The keys of ``[invoice.SOURCE]``."""


class InvoiceSettings(NamedTuple):
    """The settings of invoices.

    ``requests`` are what each source asks for, ``names`` Intacct's document definitions, ``item_group`` the GL group of
    created items. ``default_term`` is the payment term of customers without one, ``creates`` the kinds of records that
    are created if missing, ``omit`` the dimensions that are never sent. ``posts_credits``: credit memos are posted;
    otherwise a person enters them.
    """

    requests: Mapping[str, InvoiceRequest]
    names: DocumentDefinitions
    unit: str
    item_group: str
    default_term: str
    creates: frozenset[str]
    omit: frozenset[str]
    posts_credits: bool


def invoice_settings(context: "Context") -> InvoiceSettings:
    """Return the settings of invoices.

    Raises:
        BadConfiguration: a key of ``[invoice.SOURCE]`` is unknown, or its value is not allowed.
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
    tables = settings.free.get("invoice", {}).items()
    requests = {source: one for source, table in tables if (one := _request(context, source, table)) is not None}
    return InvoiceSettings(
        requests,
        DocumentDefinitions(
            settings.invoicing.order_definition,
            settings.invoicing.invoice_definition,
            settings.invoicing.credit_definition,
        ),
        settings.invoicing.unit,
        settings.invoicing.item_group,
        settings.invoicing.default_term,
        frozenset(creates),
        settings.gateway.omit,
        settings.invoicing.credit_memos == "post",
    )


def _request(context: "Context", source: str, table: Any) -> InvoiceRequest | None:
    """Return what a source asks for; None if it wants no invoices."""
    problems: list[KeyProblem] = []
    values, _ = read_table(table, KEYS, (SectionName(f"invoice.{source}"),), problems)
    context.settings.reject(problems)
    kind = WAYS[values["as"]]
    return InvoiceRequest(kind, values.get("from"), values["number"]) if kind else None
