"""What a mapping puts into a row before its values are read: aliases, values looked up in tables, defaults."""

from typing import NamedTuple, Protocol

from revrec.sources.lookup import MappingTable
from revrec.sources.rows import CleaningStep


class Filler(Protocol):
    """Changes one value of a row in place; tells the change, if there was one."""

    def fill(self, values: list[str]) -> CleaningStep | None: ...


class AliasFiller(NamedTuple):
    """The value that a table gives for what the source wrote; what no table knows stays."""

    field: str
    place: int
    table: MappingTable

    def fill(self, values: list[str]) -> CleaningStep | None:
        """Replace the value by its alias."""
        before = values[self.place]
        found = self.table.find(before) if before else None
        if found is None or found.value == before:
            return None
        values[self.place] = found.value
        return CleaningStep(self.field, before, found.value, "alias", self.table.file, found.row)


class LookupFiller(NamedTuple):
    """Where the value is missing: what a table has for the row's value of another field."""

    field: str
    place: int
    by_place: int
    table: MappingTable

    def fill(self, values: list[str]) -> CleaningStep | None:
        """Fill an empty value from the table."""
        before = values[self.place]
        found = None if before.strip() else self.table.find(values[self.by_place])
        if found is None:
            return None
        values[self.place] = found.value
        return CleaningStep(self.field, before, found.value, "lookup", self.table.file, found.row)


class DefaultFiller(NamedTuple):
    """Where the value is still missing: the mapping's fixed one."""

    field: str
    place: int
    text: str

    def fill(self, values: list[str]) -> CleaningStep | None:
        """Fill an empty value."""
        before = values[self.place]
        if before.strip():
            return None
        values[self.place] = self.text
        return CleaningStep(self.field, before, self.text, "default")


class FixFiller(NamedTuple):
    """A value that a person put in place of the source's, by ``revrec quarantine fix``."""

    field: str
    place: int
    text: str

    def fill(self, values: list[str]) -> CleaningStep | None:
        """Put the value."""
        before, values[self.place] = values[self.place], self.text
        return None if before == self.text else CleaningStep(self.field, before, self.text, "fix")
