"""Journal entries as Intacct's GLBATCH element with GLENTRY lines."""

import hashlib
import re
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

from lxml import etree

from revrec.core.journal import JournalEntry, SentLine
from revrec.core.money import decimal_string
from revrec.core.summary import SummaryLine
from revrec.intacct.elements import add_text
from revrec.intacct.errors import UnpostableEntry
from revrec.intacct.gateway import POSTED_STATE

DIMENSION_ELEMENTS = {
    "location": "LOCATION",
    "department": "DEPARTMENT",
    "project": "PROJECTID",
    "task": "TASKID",
    "costtype": "COSTTYPEID",
    "customer": "CUSTOMERID",
    "vendor": "VENDORID",
    "employee": "EMPLOYEEID",
    "item": "ITEMID",
    "class": "CLASSID",
    "contract": "CONTRACTID",
    "warehouse": "WAREHOUSEID",
}
"""Dimension names and their GLENTRY elements. Any other name is a user-defined dimension: GLDIM and the name."""

TITLE_LENGTH = 80
REFERENCE_LENGTH = 20
DOCUMENT_LENGTH = 30
MEMO_LENGTH = 500
CONTROL_ID_LENGTH = 256

_DIMENSION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


class EntityCurrency(NamedTuple):
    """The base currency of an entity, and the exchange rate type of its lines in other currencies."""

    base: str
    rate_type: str


class EntrySettings(NamedTuple):
    """Settings for writing the entries of one company.

    ``base_currency``: the company's. ``rate_type``: exchange rate type of lines in other currencies. ``rate_date``: use
    the rate of the day they were ``billed``, or of the entry's date (``recognized``). ``omit``: dimensions that are
    never sent (``customer``, ``item``, ...). ``inter_entity``: the accounts of the lines that Intacct adds to an entry
    between entities; such an entry is sent with its entity as BASELOCATION_NO. ``entity_is_location``: use the entry's
    entity as the location of lines that have none. ``state``: Posted, or Draft for entries that a person posts in
    Intacct. ``currencies``: the base currencies of entities and locations, where they differ from the company's.
    """

    base_currency: str = "USD"
    rate_type: str = "Intacct Daily Rate"
    rate_date: str = "billed"
    omit: frozenset[str] = frozenset()
    inter_entity: frozenset[str] = frozenset()
    entity_is_location: bool = True
    state: str = POSTED_STATE
    currencies: Mapping[str, EntityCurrency] = MappingProxyType({})

    def currency_of(self, place: str) -> EntityCurrency:
        """Return the base currency of a location or entity: its own, or else the company's."""
        return self.currencies.get(place) or EntityCurrency(self.base_currency, self.rate_type)


def create_glbatch(
    entry: JournalEntry,
    settings: EntrySettings,
    comment: str = "",
    record_ids: Mapping[tuple[str, str], str] = MappingProxyType({}),
) -> etree._Element:
    """Build the ``function`` element that creates an entry.

    ``record_ids``: ids of the records of user-defined dimensions, by dimension and name.

    Raises:
        UnpostableEntry: Intacct would reject the entry.
    """
    _check(entry)
    _check_accounts(entry, settings)
    _check_base_currencies(entry, settings)
    function = etree.Element("function", controlid=entry.control_id)
    batch = etree.SubElement(etree.SubElement(function, "create"), "GLBATCH")
    add_text(batch, "JOURNAL", entry.journal)
    add_text(batch, "BATCH_DATE", format_date(entry.date))
    add_text(batch, "BATCH_TITLE", cut_to_length(" ".join(entry.title.split()), TITLE_LENGTH))
    if comment:
        add_text(batch, "HISTORY_COMMENT", comment)
    add_text(batch, "REFERENCENO", entry.reference)
    if settings.inter_entity and crosses_locations(entry, settings):
        add_text(batch, "BASELOCATION_NO", _base_location(entry))
    if entry.options.attachment:
        add_text(batch, "SUPDOCID", entry.options.attachment)
    add_text(batch, "STATE", settings.state)
    for name, value in entry.options.entry_fields:
        add_text(batch, name, value)
    entries = etree.SubElement(batch, "ENTRIES")
    for line in entry.sent_lines:
        _add_line(entries, entry, line, settings, record_ids)
    return function


def _add_line(
    entries: etree._Element,
    entry: JournalEntry,
    line: SentLine,
    settings: EntrySettings,
    record_ids: Mapping[tuple[str, str], str],
) -> None:
    glentry = etree.SubElement(entries, "GLENTRY")
    document = document_text(line.charge, line.document)
    if document:
        add_text(glentry, "DOCUMENT", document)
    add_text(glentry, "ACCOUNTNO", line.account)
    add_text(glentry, "TR_TYPE", "1" if line.side == "debit" else "-1")
    add_text(glentry, "TRX_AMOUNT", decimal_string(line.amount, line.currency))
    add_text(glentry, "CURRENCY", line.currency)
    dimensions = sent_dimensions(entry, line, settings)
    base = settings.currency_of(dimensions.get("location") or entry.entity)
    if line.currency != base.base:
        rated = entry.rated
        if settings.rate_date == "billed" and line.billed:
            rated = exchange_rate_date(line.billed, entry.rated or entry.date)
        if rated:
            add_text(glentry, "EXCH_RATE_DATE", format_date(rated))
        add_text(glentry, "EXCH_RATE_TYPE_ID", base.rate_type)
    for name, value in dimensions.items():
        add_text(glentry, dimension_element(name), record_ids.get((name, value), value))
    for name, value in line.fields:
        if value:
            add_text(glentry, name, cut_to_length(value, MEMO_LENGTH))
    add_text(glentry, "DESCRIPTION", cut_to_length(line.memo or line.charge or entry.title, MEMO_LENGTH))


def exchange_rate_date(billed: date, posted: date) -> date:
    """Return the date of a line's exchange rate: the billing date, or the posting date if that is earlier.

    Deferred revenue is a nonmonetary liability, so it keeps its historical rate and is not remeasured (ASC
    830-10-45-18, IAS 21.23(b), IFRIC 22).
    """
    return min(billed, posted)


def sent_dimensions(entry: JournalEntry, line: SentLine, settings: EntrySettings) -> dict[str, str]:
    """Return the dimensions that are sent with a line, by revrec's names."""
    values = {"customer": line.customer, "item": line.item, **line.dimensions}
    if settings.entity_is_location and entry.entity and not values.get("location"):
        values["location"] = entry.entity
    return {name: value for name, value in values.items() if value and name not in settings.omit}


def crosses_locations(entry: JournalEntry, settings: EntrySettings) -> bool:
    """Check if debits and credits differ at a location, so that the entry may not balance in each entity."""
    nets: dict[str, int] = {}
    for line in entry.sent_lines:
        location = sent_dimensions(entry, line, settings).get("location", "")
        nets[location] = nets.get(location, 0) + (line.amount if line.side == "debit" else -line.amount)
    return any(nets.values())


def _base_location(entry: JournalEntry) -> str:
    """Return the entity that owes, or is owed, what the other entities of an entry are.

    Raises:
        UnpostableEntry: the charge lines have no entity.
    """
    if not entry.entity:
        raise UnpostableEntry(
            f"entry {entry.reference}: it posts to several locations, and its charge lines have no entity, which "
            "Intacct needs for the inter-entity lines; map a column to `entity`"
        )
    return entry.entity


def _place(entry: JournalEntry, line: SentLine) -> str:
    """Return the name of a line in messages, with what it is from."""
    place = f"entry {entry.reference}, line {line.line_no}"
    if isinstance(line, SummaryLine):
        return f"{place} (revrec trace {entry.reference} --line {line.line_no})"
    return f"{place} (charge {line.charge}, rule {line.rule!r})"


def _check_accounts(entry: JournalEntry, settings: EntrySettings) -> None:
    """Check that no line is on an account of Intacct's inter-entity lines, which are left out when it is read back."""
    for line in entry.sent_lines:
        if line.account in settings.inter_entity:
            raise UnpostableEntry(
                f"{_place(entry, line)}: account {line.account} is for the lines that Intacct adds between entities; "
                "correct inter_entity in [posting], or the account in [rule.post]"
            )


def _check_base_currencies(entry: JournalEntry, settings: EntrySettings) -> None:
    """Check that all lines are at locations with one base currency: Intacct refuses an entry between two.

    Raises:
        UnpostableEntry: they are not; the message names the rule and the line.
    """
    if not settings.currencies:
        return
    first = ""
    for line in entry.sent_lines:
        place = sent_dimensions(entry, line, settings).get("location") or entry.entity
        base = settings.currency_of(place).base
        first = first or base
        if base != first:
            raise UnpostableEntry(
                f"{_place(entry, line)}: the base currency of {place} is {base}, and of the lines before it {first}; "
                "an entry must be in one base currency. Correct the location of the charge line, or deferred_location "
                "and accrued_location in [rule.post]"
            )


def dimension_element(name: str) -> str:
    """Return the GLENTRY element of a dimension: CLASSID for ``class``, GLDIMROUTE for a user-defined ``route``.

    Raises:
        UnpostableEntry: the name contains characters that Intacct does not allow.
    """
    known = DIMENSION_ELEMENTS.get(name.lower())
    if known:
        return known
    if not _DIMENSION_NAME.match(name):
        raise UnpostableEntry(
            f"dimension {name!r}: Intacct allows letters, digits and _ in a name; rename it in the mapping"
        )
    return "GLDIM" + name.upper()


def document_text(charge: str, document: str) -> str:
    """Return the DOCUMENT of a line: the charge without its source, ``INV-1042/1``, which people search for."""
    return cut_to_length(charge.partition("/")[2] or document, DOCUMENT_LENGTH)


def cut_to_length(text: str, length: int) -> str:
    """Cut a text to a length. A cut text ends with ``~`` and a short digest, so that long texts remain distinct.

    Two document numbers that differ only in their last characters would otherwise look the same in Intacct, and reading
    back would confuse their entries.
    """
    if len(text) <= length:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:7]
    return f"{text[: length - 8]}~{digest}"


def format_date(day: date) -> str:
    """Format a date for generic functions: mm/dd/yyyy."""
    return f"{day.month:02d}/{day.day:02d}/{day.year:04d}"


def _check(entry: JournalEntry) -> None:
    place = f"entry {entry.reference or entry.control_id!r}"
    if not 1 <= len(entry.control_id) <= CONTROL_ID_LENGTH or not entry.control_id.isprintable():
        raise UnpostableEntry(f"{place}: the control id must have 1 to {CONTROL_ID_LENGTH} printable characters")
    if not 1 <= len(entry.reference) <= REFERENCE_LENGTH:
        raise UnpostableEntry(f"{place}: the reference must have 1 to {REFERENCE_LENGTH} characters")
    if not entry.journal:
        raise UnpostableEntry(f"{place}: no journal; set `journal` in the rule or in [posting]")
    if len(entry.sent_lines) < 2:
        raise UnpostableEntry(
            f"{place}: {len(entry.sent_lines)} line(s); Intacct requires at least a debit and a credit"
        )
    _check_lines(entry, place)


def _check_lines(entry: JournalEntry, place: str) -> None:
    balance: dict[str, int] = {}
    for line in entry.sent_lines:
        if line.side not in ("debit", "credit") or line.amount <= 0:
            raise UnpostableEntry(
                f"{place}, line {line.line_no}: {line.side} of {line.amount}; it must be a positive debit or credit"
            )
        if not line.account:
            raise UnpostableEntry(f"{place}, line {line.line_no}: no account; set it in the rule's [rule.post]")
        signed = line.amount if line.side == "debit" else -line.amount
        balance[line.currency] = balance.get(line.currency, 0) + signed
    for currency, rest in balance.items():
        if rest:
            raise UnpostableEntry(
                f"{place}: debits and credits differ by {decimal_string(rest, currency)} {currency}; nothing was sent"
            )
