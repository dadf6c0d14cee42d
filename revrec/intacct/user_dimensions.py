"""Dimensions that a company has defined itself: a journal line has the id of a record, people write its name.

Ids and names are looked up once in a gateway's life. A value that is no name, but a number, is an id already.
"""

from collections.abc import Iterable, Mapping

from revrec.core.batching import batched
from revrec.intacct.errors import ReadRefused, UnpostableEntry
from revrec.intacct.gateway import CompanyDimension, FoundEntry, FoundLine
from revrec.intacct.glbatch import DIMENSION_ELEMENTS, dimension_element
from revrec.intacct.reading import IDS_PER_QUERY, IntacctReader
from revrec.intacct.requests_xml import get_dimensions

RecordIds = Mapping[tuple[str, str], str]
"""Record ids by dimension and name of the record."""


def is_user_defined(name: str) -> bool:
    """Check if a dimension, by revrec's name, is not one of Intacct's own."""
    return name.lower() not in DIMENSION_ELEMENTS


class UserDimensions:
    """The dimensions that the company has defined, with the ids of their records as far as they were looked up."""

    def __init__(self, reading: IntacctReader) -> None:
        self._reading = reading
        self._listed: tuple[CompanyDimension, ...] | None = None
        self._ids: dict[tuple[str, str], str] = {}
        self._names: dict[tuple[str, str], str] = {}

    def listed(self) -> tuple[CompanyDimension, ...]:
        """Return all dimensions of the company, Intacct's own included.

        Raises:
            ReadRefused: the user may not list them.
        """
        if self._listed is None:
            self._listed = tuple(
                CompanyDimension(
                    row.get("OBJECTNAME", ""),
                    row.get("TERMLABEL", "") or row.get("OBJECTLABEL", ""),
                    row.get("USERDEFINEDDIMENSION") == "true",
                    row.get("ENABLEDINGL") != "false",
                )
                for row in self._reading.call(get_dimensions, "dimension")
            )
        return self._listed

    def object_of(self, name: str) -> str:
        """Return the object of a dimension that the company has defined; empty if it has none in the general ledger.

        If the user may not list dimensions, the object is believed to exist, with the name of the dimension.
        """
        try:
            own = (one for one in self.listed() if one.is_own and one.in_ledger)
            return next((one.name for one in own if one.name.lower() == name.lower()), "")
        except ReadRefused:
            return name.upper()

    def record_ids(self, values: Iterable[tuple[str, str]]) -> RecordIds:
        """Return the ids of records by dimension and name.

        Raises:
            UnpostableEntry: the company has no such dimension or record, or several records of that name, or the user
                may not read them.
        """
        wanted = dict.fromkeys(values)
        for name in dict.fromkeys(name for name, _value in wanted):
            dimension_element(name)  # a name that Intacct cannot have is refused without a request
            self._look_up(name, [value for one, value in wanted if one == name and (one, value) not in self._ids])
        return {key: self._ids[key] for key in wanted}

    def missing(self, name: str, values: Iterable[str]) -> list[str]:
        """Return the values of a dimension that are not in Intacct.

        Raises:
            UnpostableEntry: the company has no such dimension, or the user may not read its records.
        """
        wanted = list(dict.fromkeys(filter(None, values)))
        found = self._ids_by_name(name, wanted)
        return [value for value in wanted if value not in found and not _is_id(value)]

    def named(self, entry: FoundEntry) -> FoundEntry:
        """Return an entry read from Intacct with names in place of record ids."""
        lines = tuple(self._named_line(line) for line in entry.lines)
        return entry._replace(lines=lines)

    def _named_line(self, line: FoundLine) -> FoundLine:
        own = {name: value for name, value in line.dimensions.items() if is_user_defined(name)}
        if not own:
            return line
        names = {name: self._name_of(name, value) for name, value in own.items()}
        return line._replace(dimensions={**line.dimensions, **names})

    def _name_of(self, name: str, record_id: str) -> str:
        if (name, record_id) not in self._names:
            rows = self._reading.query(self.object_of(name), ("ID", "NAME"), (("ID", record_id),), order="ID")
            self._names[name, record_id] = rows[0].get("NAME", record_id) if rows else record_id
        return self._names[name, record_id]

    def _look_up(self, name: str, values: list[str]) -> None:
        found = self._ids_by_name(name, values)
        for value in values:
            ids = found.get(value, [value] if _is_id(value) else [])
            if len(ids) != 1:
                count = f"{len(ids)} records" if ids else "no record"
                raise UnpostableEntry(f"dimension {name}: Intacct has {count} named {value!r}; {_CORRECT}")
            self._ids[name, value] = ids[0]
            if value in found:
                self._names[name, ids[0]] = value

    def _ids_by_name(self, name: str, values: list[str]) -> dict[str, list[str]]:
        if not values:
            return {}
        record = self.object_of(name)
        if not record:
            raise UnpostableEntry(f"dimension {name}: {_NOT_DEFINED}")
        found: dict[str, list[str]] = {}
        try:
            for some in batched(values, IDS_PER_QUERY):
                for row in self._reading.query(record, ("ID", "NAME"), (("NAME", some),), order="ID"):
                    found.setdefault(row.get("NAME", ""), []).append(row.get("ID", ""))
        except ReadRefused as error:
            raise UnpostableEntry(f"dimension {name}: its records cannot be read: {error}") from error
        return found


def _is_id(value: str) -> bool:
    return value.isascii() and value.isdigit()


_CORRECT = "create or rename it there, or correct the charge line"
_NOT_DEFINED = (
    "the company has no such dimension in its general ledger; define it there, or leave it out: omit in [gateway]"
)
