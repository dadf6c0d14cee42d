"""The fields of charge lines and fulfillment events in native files: their order, their kind, which are required."""

from typing import Literal, NamedTuple

from revrec.core.charge_line import DIMENSIONS

FieldKind = Literal["id_part", "id", "text", "date", "amount", "currency", "quantity", "percent", "event_kind", "scope"]
"""How a field's text is read: see :mod:`revrec.sources.values`."""


class FieldSpec(NamedTuple):
    """One field: its name, how it is read, and True if every row needs it."""

    name: str
    kind: FieldKind
    required: bool = False


CHARGE_FIELDS = (
    FieldSpec("source", "id_part", required=True),
    FieldSpec("document", "id", required=True),
    FieldSpec("line", "id_part", required=True),
    FieldSpec("customer", "id", required=True),
    FieldSpec("item", "id", required=True),
    FieldSpec("post_date", "date", required=True),
    FieldSpec("amount", "amount", required=True),
    FieldSpec("currency", "currency", required=True),
    FieldSpec("rev_rec_date", "date"),
    FieldSpec("description", "text"),
    FieldSpec("quantity", "quantity"),
    FieldSpec("service_start", "date"),
    FieldSpec("service_end", "date"),
    FieldSpec("entity", "id"),
    FieldSpec("credits", "id"),
    FieldSpec("recognized_before", "amount"),
    FieldSpec("cutover", "date"),
    FieldSpec("bills", "id"),
)
"""A charge line's fields in the order of :class:`revrec.core.charge_line.ChargeLine`, dimensions apart."""

CHARGE_COLUMNS = (
    *(field.name for field in CHARGE_FIELDS[:-5]),
    *DIMENSIONS,
    *(field.name for field in CHARGE_FIELDS[-5:]),
)
"""The header of a native charges file."""

EVENT_FIELDS = (
    FieldSpec("charge", "id", required=True),
    FieldSpec("kind", "event_kind", required=True),
    FieldSpec("date", "date", required=True),
    FieldSpec("quantity", "quantity"),
    FieldSpec("percent", "percent"),
    FieldSpec("amount", "quantity"),
    FieldSpec("name", "id"),
    FieldSpec("note", "text"),
    FieldSpec("scope", "scope"),
)
"""The fields of a fulfillment event. Its amount is in the charge's currency, unknown here, so it remains a decimal."""

EVENT_ADDRESS_FIELDS = (
    FieldSpec("source", "id_part", required=True),
    FieldSpec("document", "id", required=True),
    FieldSpec("line", "id_part"),
    FieldSpec("item", "id"),
)
"""Fields instead of a charge's id: source and document, for all charges of the document, and optionally its line, or
the item of those lines that are meant."""

EVENT_ADDRESS = tuple(field.name for field in EVENT_ADDRESS_FIELDS)

EVENT_COLUMNS = tuple(field.name for field in EVENT_FIELDS)
"""The header of a native events file."""
