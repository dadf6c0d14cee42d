"""Repairs: values that rule files supply when Intacct rejects an entry for a named reason.

A ``[[repair]]`` names the failure and the lines that it fixes, and the values for the journal lines. It never changes
a charge line, a rule or an amount. The posting job makes sure that each is used once per line.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from revrec.core.charge_line import DIMENSIONS, ChargeLine
from revrec.core.journal import DIMENSION, JournalLine, RepairedValue, field_value
from revrec.core.keys import ConfigKey, KeyPath, KeyProblem, did_you_mean, read_table
from revrec.core.rules.declaration import ANY_DIMENSION, REPAIR_KEYS, REPAIR_WHEN_KEYS, SET_KEYS, VALUE
from revrec.core.rules.model import Condition
from revrec.core.rules.patterns import Patterns, has_wildcard
from revrec.core.rules.readers import conditions_of
from revrec.core.rules.toml_text import TomlBlock

OF_THE_FAILURE = ("error", "account", "dimension")
"""Conditions on the failure and the journal line; all others are on the charge line."""
OWN_FIELDS = ("customer", "item")
"""Dimensions of Intacct that are separate fields here."""


@dataclass(frozen=True, slots=True, eq=False)
class Repair:
    """One ``[[repair]]`` of a rule file. ``text`` is its exact text, ``sha256`` the digest of that text: its version.

    ``values`` are the fields that it sets, named as in :class:`RepairedValue`; None omits a dimension.
    """

    name: str
    description: str
    priority: int
    when: tuple[Condition, ...]
    values: Mapping[str, str | None]
    file: str
    line: int
    text: str
    sha256: str
    effective_from: date | None = None
    effective_to: date | None = None

    @property
    def errors(self) -> tuple[str, ...]:
        """Return the failures that it fixes."""
        return next(it.patterns for it in self.when if isinstance(it, Patterns) and it.field == "error")

    def changes(
        self, failure: str, named: Mapping[str, str], charge: ChargeLine, pair: Sequence[JournalLine], day: date
    ) -> list[RepairedValue]:
        """Return the values for the journal lines of a charge line after a failure; nothing if it does not apply.

        ``named`` is the value in the failure's text: only lines with that value are changed. ``day`` is the date of
        their entry.
        """
        patterns = {it.field: it for it in self.when if isinstance(it, Patterns) and it.field in OF_THE_FAILURE}
        asked = {"error": failure, "dimension": named.get("dimension", "")}
        if any(field in patterns and not patterns[field].matches(value) for field, value in asked.items()):
            return []
        if not _speaks_of(named, pair) or not self._helps(named):
            return []
        if any(not it.holds(charge) for it in self.when if it.field not in OF_THE_FAILURE):
            return []
        account = patterns.get("account")
        lines = [line for line in pair if account is None or account.matches(line.account)]
        return [change for line in lines for change in self._of(line, day)]

    @property
    def dates(self) -> bool:
        """Check whether it changes the entry's date."""
        return "date" in self.values

    def _of(self, line: JournalLine, day: date) -> Iterator[RepairedValue]:
        for field, after in self.values.items():
            before = day.isoformat() if field == "date" else field_value(line, field)
            if before != after:
                yield RepairedValue(line.side, field, before, after)

    def _helps(self, named: Mapping[str, str]) -> bool:
        """Check whether it sets the dimension that the failure names, if it sets any and the name is known."""
        wanted = field_of(named.get("dimension", ""))
        touched = {field for field in self.values if field not in ("account", "date")}
        return wanted is None or not touched or wanted in touched


def field_of(dimension: str) -> str | None:
    """Return the field of a dimension that Intacct's error names; None for a company's own name."""
    name = dimension.strip().lower()
    if name in OWN_FIELDS:
        return name
    return DIMENSION + name if name in DIMENSIONS else None


def _speaks_of(named: Mapping[str, str], pair: Sequence[JournalLine]) -> bool:
    """Check whether the value that the failure names is on one of the two journal lines."""
    account, value = named.get("account"), named.get("value") or named.get("department")
    if account is not None and all(line.account != account for line in pair):
        return False
    if value is None:
        return True
    field = field_of(named.get("dimension", "department" if "department" in named else ""))
    if field is not None:
        return any(field_value(line, field) == value for line in pair)
    return any(value in (line.customer, line.item, *line.dimensions.values()) for line in pair)


def read_repair(
    table: Any,
    path: KeyPath,
    file: str,
    block: TomlBlock,
    failures: Callable[[], Sequence[str]],
    complaints: list[KeyProblem],
) -> Repair | None:
    """Read the repair of a block; None after problems. ``failures`` returns the names that ``error`` may have."""
    before = len(complaints)
    values, _refused = read_table(table, REPAIR_KEYS, path, complaints)
    when, _refused = read_table(values.get("when", {}), REPAIR_WHEN_KEYS, (*path, "when"), complaints)
    dimensions, _refused = read_table(
        when.get("dimensions", {}), (ANY_DIMENSION,), (*path, "when", "dimensions"), complaints
    )
    supplied = _supplied(values.get("set", {}), (*path, "set"), complaints)
    if "error" in when:
        complaints += _unknown_failures(when["error"], failures(), (*path, "when", "error"))
    if "account" in supplied and "account" not in when:
        fix = 'say in [repair.when] which account it replaces, such as account = "4000"'
        complaints.append(KeyProblem((*path, "set", "account"), f"set.account: {fix}"))
    if len(complaints) > before:
        return None
    return Repair(
        values["name"],
        values.get("description", ""),
        values["priority"],
        tuple(conditions_of(when, dimensions)),
        supplied,
        file,
        block.line,
        block.text,
        hashlib.sha256(block.text.encode()).hexdigest(),
    )


def _supplied(raw: Any, path: KeyPath, complaints: list[KeyProblem]) -> dict[str, str | None]:
    """Return the fields that ``[repair.set]`` sets; None for those it omits."""
    found, _refused = read_table(raw, SET_KEYS, path, complaints)
    any_value = (ConfigKey("*", VALUE, ""),)
    dimensions, _refused = read_table(found.get("dimensions", {}), any_value, (*path, "dimensions"), complaints)
    supplied: dict[str, str | None] = {DIMENSION + name: value for name, value in dimensions.items()}
    supplied |= {name: found[name] for name in ("account", "date", *OWN_FIELDS) if name in found}
    for name in found.get("omit", ()):
        field = name if name in OWN_FIELDS else DIMENSION + name
        if field in supplied:
            complaints.append(KeyProblem((*path, "omit"), f'set.omit: "{name}" is set as well; do one of them'))
        supplied[field] = None
    if not supplied and isinstance(raw, dict):
        complaints.append(KeyProblem(path, "[repair.set] needs a value to supply, or omit"))
    return supplied


def _unknown_failures(patterns: Sequence[str], known: Sequence[str], path: KeyPath) -> Iterator[KeyProblem]:
    for name in patterns:
        if has_wildcard(name) or name not in known:
            fix = did_you_mean(name, tuple(known)) or f"; known are {', '.join(known)}"
            yield KeyProblem(path, f'when.error = "{name}": no failure that can be repaired has this name{fix}')
