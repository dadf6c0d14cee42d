"""Choose a column for each field, by its name and by what it contains."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from revrec.core.charge_line import DIMENSIONS
from revrec.sources.mapping import LINE_SCOPE
from revrec.sources.suggesting.grid import Grid
from revrec.sources.suggesting.values import can_be_date, is_number, unix_form
from revrec.sources.values import is_currency

_ENOUGH, _HALF = 0.9, 0.5
"""Shares of the texts of a column that must be dates, numbers or currencies if the field has such values: of a column
that has no known name, and of one that has."""


class FieldNames(NamedTuple):
    """The names that exports use for a field: each group is preferred to the ones after it."""

    field: str
    groups: tuple[tuple[str, ...], ...]
    content: Callable[[str], bool] | None = None


class ColumnChoice(NamedTuple):
    """The column of a field. ``rivals`` are other columns that could be meant; ``sure`` is False if one is as good.

    ``by_content`` is True if its name says nothing, and only its values fit.
    """

    field: str
    column: str
    rivals: Sequence[str] = ()
    sure: bool = True
    by_content: bool = False


def _code(text: str) -> bool:
    return is_currency(text.upper())


FIELDS = (
    FieldNames(
        "amount",
        (
            (
                "amount",
                "net",
                "net amount",
                "amount net",
                "line net",
                "net line amount",
                "line amount",
                "net total",
                "line net amount",
                "line extension amount",
                "total ex tax",
                "total excluding tax",
            ),
            (
                "extended price",
                "ext price",
                "extended amount",
                "line total",
                "total net",
                "total price",
                "revenue",
                "sales amount",
            ),
            (
                "total",
                "total amount",
                "subtotal",
                "amount due",
                "invoice amount",
                "value",
                "betrag",
                "nettobetrag",
                "netto",
            ),
            ("gross", "gross amount", "total gross"),
        ),
        is_number,
    ),
    FieldNames(
        "currency", (("currency", "currency code", "curr", "ccy", "invoice currency", "waehrung", "währung"),), _code
    ),
    FieldNames(
        "post_date",
        (
            (
                "post date",
                "posting date",
                "posted on",
                "invoice date",
                "billed on",
                "billing date",
                "bill date",
                "invoiced on",
                "date invoiced",
                "gl date",
            ),
            (
                "document date",
                "date",
                "transaction date",
                "order date",
                "issue date",
                "issued on",
                "ordered on",
                "doc date",
                "txn date",
                "rechnungsdatum",
                "datum",
                "belegdatum",
            ),
            ("created at", "created on", "created", "created utc", "creation date", "date created", "paid at"),
        ),
        can_be_date,
    ),
    FieldNames(
        "service_start",
        (
            (
                "service start",
                "service from",
                "service start date",
                "start date",
                "period start",
                "subscription start",
                "date from",
                "term start",
                "contract start",
                "coverage start",
                "start",
                "period start utc",
            ),
        ),
        can_be_date,
    ),
    FieldNames(
        "service_end",
        (
            (
                "service end",
                "service to",
                "service end date",
                "end date",
                "period end",
                "subscription end",
                "date to",
                "term end",
                "contract end",
                "coverage end",
                "end",
                "period end utc",
            ),
        ),
        can_be_date,
    ),
    FieldNames(
        "rev_rec_date", (("rev rec date", "revrec date", "revenue recognition date", "recognition date"),), can_be_date
    ),
    FieldNames("source", (("source", "source system"),)),
    FieldNames(
        "document",
        (
            (
                "document",
                "invoice",
                "invoice no",
                "invoice number",
                "invoice id",
                "inv no",
                "document no",
                "document number",
                "doc no",
                "bill no",
                "bill number",
                "rechnungsnummer",
                "rechnungsnr",
                "belegnummer",
            ),
            (
                "order",
                "order no",
                "order number",
                "order id",
                "sales order",
                "so number",
                "transaction no",
                "transaction number",
                "transaction id",
                "num",
                "auftrag",
                "bestellnummer",
            ),
            ("reference", "ref", "reference no", "number", "no", "name"),
        ),
    ),
    FieldNames(
        "line",
        (
            (
                "line",
                "line no",
                "line number",
                "line id",
                "line item id",
                "row no",
                "position",
                "pos",
                "lineitem id",
                "item line",
            ),
        ),
    ),
    FieldNames(
        "customer",
        (
            (
                "customer",
                "customer id",
                "customer no",
                "customer number",
                "customer code",
                "client id",
                "client",
                "client no",
                "account id",
                "account no",
                "bill to id",
                "sold to id",
                "kunde",
                "kundennummer",
            ),
            ("bill to", "sold to", "account", "account name", "buyer", "customer name", "client name", "company"),
            ("billing name", "email", "customer email"),
        ),
    ),
    FieldNames(
        "item",
        (
            (
                "item",
                "sku",
                "item id",
                "item no",
                "item code",
                "item number",
                "product id",
                "product code",
                "product no",
                "part no",
                "part number",
                "article no",
                "article number",
                "lineitem sku",
                "artikelnummer",
                "artikel",
            ),
            ("product", "product service", "service", "article", "plan", "product name", "item name"),
            ("lineitem name", "item description"),
        ),
    ),
    FieldNames(
        "quantity", (("quantity", "qty", "units", "lineitem quantity", "menge", "quantity invoiced"),), is_number
    ),
    FieldNames(
        "description",
        (
            (
                "description",
                "memo",
                "line description",
                "details",
                "item description",
                "beschreibung",
                "memo description",
            ),
        ),
    ),
    FieldNames("entity", (("entity", "entity id", "legal entity", "subsidiary"),)),
    FieldNames(
        "credits",
        (("credits", "credited invoice", "credited document", "credit for", "original invoice", "applies to invoice"),),
    ),
    FieldNames(
        "recognized_before",
        (("recognized before", "recognized to date", "revenue recognized to date", "already recognized"),),
        is_number,
    ),
    FieldNames("cutover", (("cutover", "cutover date", "go live date", "migration date"),)),
    *(FieldNames(name, ((name, f"{name} id", f"{name} code"),)) for name in DIMENSIONS),
)
"""The fields in the order in which they choose."""

REQUIRED = ("document", "customer", "item", "post_date", "currency", "amount")
"""Fields that each row needs, besides source and line, which can be the same or counted."""

UNIT_PRICES = (
    "unit price",
    "price",
    "rate",
    "price per unit",
    "item price",
    "sales price",
    "lineitem price",
    "unit cost",
)
KINDS = ("type", "transaction type", "document type", "doc type", "kind", "invoice type", "belegart")
"""Names of a column that says what a row is, such as an invoice or a credit memo."""


def plain(name: str) -> str:
    """Return a column's name in plain words: ``InvoiceDate``, ``invoice_date`` and ``Invoice-Date`` are the same."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("#", " no ").replace("№", " no ")
    words = re.sub(r"[^\w]|_", " ", spaced.casefold()).split()
    return " ".join("no" if word == "nr" else word for word in words)


def choose_columns(grid: Grid) -> dict[str, ColumnChoice]:
    """Return the column of each field that has one. No column is chosen for two fields."""
    counts = Counter(grid.header)
    names = {column: _names_of(grid, column) for column in grid.header if column and counts[column] == 1}
    chosen: dict[str, ColumnChoice] = {}
    for field in FIELDS:
        used = {one.column for one in chosen.values()}
        free = {column: words for column, words in names.items() if column not in used}
        for possible in _by_scope(field.field, grid, free):
            if found := _choice(field, grid, possible):
                chosen[field.field] = found
                break
    return chosen


_OF_LINES = ("amount", "item", "quantity", "line", "description", "service_start", "service_end")
"""Fields that a line states if a document has lines."""


def _by_scope(field: str, grid: Grid, names: dict[str, "Words"]) -> Iterator[dict[str, "Words"]]:
    """Yield the columns among which a field is looked for: first in a line or in the document, then in the other."""
    if not grid.lines:
        yield names
        return
    for of_line in (True, False) if field in _OF_LINES else (False, True):
        # The total of a document is not the amount of its line.
        if of_line or field not in ("amount", "quantity", "line"):
            yield {column: words for column, words in names.items() if column.startswith(LINE_SCOPE) is of_line}


Words = Sequence[str]
"""The plain words by which a column may be known."""

_IDS = ("id", "no", "number", "code", "key", "value")


def _names_of(grid: Grid, column: str) -> Words:
    """Return the names of a column; of a nested value also the last part of its path, or what it identifies."""
    if grid.format not in ("json", "jsonl", "xml"):
        return (plain(column),)
    of_line = bool(grid.lines) and column.startswith(LINE_SCOPE)
    *above, last = [plain(part) for part in column.removeprefix(LINE_SCOPE if of_line else "").split(".")]
    if above:
        both = f"{above[-1]} {last}"
        if last in _IDS:
            return both, above[-1]
        # The amount of an object in a line, such as its allowance, is not the amount of the line.
        return (both,) if last in ("amount", "total") else (both, last)
    if last not in _IDS:
        return (last,)
    if of_line:
        return (f"line {last}",)
    # The number of a record is preferred to its id, which is often technical.
    return ("document no",) if last in ("no", "number") else ("reference",)


def _choice(field: FieldNames, grid: Grid, names: dict[str, Words]) -> ColumnChoice | None:
    """Return the column of the first group that names one; all columns of the groups are rivals of it."""
    fitting = [column for column in names if _contains(grid, column, field, _HALF)]
    groups = [[column for column in fitting if set(group).intersection(names[column])] for group in field.groups]
    first = next((group for group in groups if group), [])
    if first:
        rivals = [column for group in groups for column in group if column != first[0]]
        return ColumnChoice(field.field, first[0], rivals, sure=len(first) == 1)
    if field.field not in _BY_CONTENT:
        return None
    fitting = [column for column in fitting if _contains(grid, column, field, _ENOUGH)]
    alone = [column for column in fitting if _is_found_by_values(grid, column, field)]
    return ColumnChoice(field.field, alone[0], alone[1:], len(alone) == 1, by_content=True) if alone else None


_OTHER_MEANING = re.compile(r"\b(price|rate|tax|vat|discount|balance|cost|fee|due|paid|shipped|delivered)\b")
"""Words in the name of a column of amounts or dates that is not the one of the charge line."""

_BY_CONTENT = ("amount", "currency", "post_date")
"""Fields whose values are so particular that a column is found without its name."""


def _is_found_by_values(grid: Grid, column: str, field: FieldNames) -> bool:
    """Return True if a column can be found by its values alone."""
    if _OTHER_MEANING.search(plain(column)):
        return False
    texts = grid.column(grid.place_of(column))
    if len(texts) < len(grid.rows) * _ENOUGH:
        return False
    if field.field == "post_date" and all(map(unix_form, texts)):
        return False
    # A column of whole numbers is more often an id or a count than an amount, and 20240328 is as often a number.
    return field.field != "amount" or any(re.search(r"[.,]\d\d$|[^\d.,'\s-]", text) for text in texts)


def _contains(grid: Grid, column: str, field: FieldNames, share: float) -> bool:
    """Return True if this share of a column's texts fit the field; an empty column fits a field that may be empty."""
    texts = grid.column(grid.place_of(column))
    if not texts or field.content is None:
        return bool(texts) or field.field not in REQUIRED
    return sum(map(field.content, texts)) >= len(texts) * share
