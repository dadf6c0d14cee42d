"""The fields of charge lines and fulfilment events in native files: their order, their kind, whether they must be."""

from typing import Literal, NamedTuple

from revrec.core.charge_line import DIMENSIONS

Kind = Literal["id_part", "id", "text", "date", "amount", "currency", "quantity", "percent", "event_kind"]
"""How a field's text is read: see :mod:`revrec.sources.values`."""


class Field(NamedTuple):
    """One field: its name, how it is read, and whether each row must have it."""

    name: str
    kind: Kind
    required: bool = False


CHARGE_FIELDS = (
    Field("source", "id_part", required=True),
    Field("document", "id", required=True),
    Field("line", "id_part", required=True),
    Field("customer", "id", required=True),
    Field("item", "id", required=True),
    Field("post_date", "date", required=True),
    Field("amount", "amount", required=True),
    Field("currency", "currency", required=True),
    Field("rev_rec_date", "date"),
    Field("description", "text"),
    Field("quantity", "quantity"),
    Field("service_start", "date"),
    Field("service_end", "date"),
    Field("entity", "id"),
)
"""A charge line's fields in the order of :class:`revrec.core.charge_line.ChargeLine`, dimensions apart."""

CHARGE_COLUMNS = (
    *(field.name for field in CHARGE_FIELDS[:-1]),
    *DIMENSIONS,
    "entity",
)
"""The header of a native charges file."""

EVENT_FIELDS = (
    Field("charge", "id", required=True),
    Field("kind", "event_kind", required=True),
    Field("date", "date", required=True),
    Field("quantity", "quantity"),
    Field("percent", "percent"),
    Field("amount", "quantity"),
    Field("name", "id"),
    Field("note", "text"),
)
"""A fulfilment event's fields; its amount is in the charge's currency, so it stays a decimal here."""

EVENT_ADDRESS_FIELDS = (
    Field("source", "id_part", required=True),
    Field("document", "id", required=True),
    Field("line", "id_part"),
)
"""Instead of a charge's id: source and document, for all charges of the document, or one of its lines."""

EVENT_ADDRESS = tuple(field.name for field in EVENT_ADDRESS_FIELDS)

EVENT_COLUMNS = tuple(field.name for field in EVENT_FIELDS)
"""The header of a native events file."""
