"""Reads of what a company is, for ``revrec doctor``: fields, journals, base currencies, permissions, approvals.

A company may not offer one of these functions, and a user may lack the permission for it: each can raise ReadRefused,
and nothing that posts depends on them.
"""

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

from revrec.intacct import requests_xml
from revrec.intacct.reading import IntacctReader

TRUE = "true"
EVERY_RECORD = ("RECORDNO", "greaterthan", "0")
"""A condition that holds for all records, because a query needs one."""
_RIGHTS_SEPARATOR = "|"


class FieldDefinition(NamedTuple):
    """A field of an object, by Intacct's definition. ``longest`` is the maximum length of a text; 0 if not known."""

    label: str
    required: bool
    read_only: bool
    custom: bool
    longest: int = 0


class JournalType(NamedTuple):
    """The type of a journal: the book that it posts to, such as ACCRUAL, and if it is for adjustments."""

    book: str
    is_adjustment: bool


class CompanyReader:
    """The reads of what the company of a gateway is. ``user``: id of the user whose permissions are read."""

    def __init__(self, reader: IntacctReader, user: str) -> None:
        self._reader = reader
        self._user = user

    def fields(self, name: str) -> dict[str, FieldDefinition]:
        """Return the fields of an object by their names (``lookup``)."""
        rows = self._reader.call(partial(requests_xml.lookup, name=name), "field")
        return {row["ID"].upper(): _definition(row) for row in rows if row.get("ID")}

    def longest(self, name: str) -> dict[str, int]:
        """Return the maximum lengths of the fields of an object, as far as they are known (``inspect``)."""
        rows = self._reader.call(partial(requests_xml.inspect_details, name=name), "field")
        lengths = ((row.get("NAME", "").upper(), row.get("MAXLENGTH", "")) for row in rows)
        return {field: int(text) for field, text in lengths if text.isascii() and text.isdigit() and int(text)}

    def journals(self, symbols: Iterable[str]) -> dict[str, JournalType]:
        """Return the types of the journals that exist, by symbol."""
        fields = ("RECORDNO", "SYMBOL", "BOOKID", "ADJ")
        rows = self._reader.query("JOURNAL", fields, (("SYMBOL", list(symbols)),))
        return {row["SYMBOL"]: JournalType(row.get("BOOKID", ""), row.get("ADJ", "").lower() == TRUE) for row in rows}

    def base_currencies(self) -> dict[str, str]:
        """Return the base currency of each entity."""
        rows = self._reader.query("LOCATIONENTITY", ("RECORDNO", "LOCATIONID", "CURRENCY"), (EVERY_RECORD,))
        return {row["LOCATIONID"]: row.get("CURRENCY", "") for row in rows if row.get("LOCATIONID")}

    def awaiting_approval(self, journals: Iterable[str]) -> list[str]:
        """Return the record numbers of the entries in journals that an approver has not approved yet."""
        where = (("JOURNAL", list(journals)), ("STATE", ["Submitted", "Partially Approved", "Approved"]))
        return [row["RECORDNO"] for row in self._reader.query("GLBATCH", ("RECORDNO",), where)]

    def preferences(self, application: str) -> dict[str, str]:
        """Return the preferences of an application, such as GL, by name."""
        rows = self._reader.call(partial(requests_xml.get_company_preferences, application=application), "companypref")
        return {row.get("PREFERENCE", ""): row.get("PREFVALUE", "") for row in rows}

    def rights(self) -> dict[str, frozenset[str]]:
        """Return the rights of the user (List, View, Add, Edit, Delete) by policy, both in small letters."""
        rows = self._reader.call(partial(requests_xml.get_user_permissions, user=self._user), "policy")
        return {row.get("POLICYNAME", "").lower(): _rights(row.get("RIGHTS", "")) for row in rows}

    def check_attachment(self, code: str) -> None:
        """Read an attachment.

        Raises:
            ReadRefused: it does not exist, or the user may not read it.
        """
        self._reader.call(partial(requests_xml.get_attachment, code=code), "supdoc")


def _definition(row: dict[str, str]) -> FieldDefinition:
    truth = (row.get(name, "").lower() == TRUE for name in ("REQUIRED", "READONLY", "ISCUSTOM"))
    return FieldDefinition(row.get("LABEL", ""), *truth)


def _rights(text: str) -> frozenset[str]:
    return frozenset(filter(None, (right.strip().lower() for right in text.split(_RIGHTS_SEPARATOR))))
