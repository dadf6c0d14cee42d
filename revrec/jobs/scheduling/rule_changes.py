"""Find what a rebuild changes of the rules that schedules follow, though their lines stay the same."""

from functools import cache
from typing import TYPE_CHECKING

from revrec.core.rules.policy import policy_changes
from revrec.core.schedule import ScheduleRule
from revrec.store.rule_versions import RuleVersion, read_rule_text

if TYPE_CHECKING:
    from revrec.store.connection import Connection


class RuleChanges:
    """The differences between stored rule versions and the rules in the files, each compared once."""

    def __init__(self, connection: "Connection") -> None:
        self._stored = cache(lambda version: read_rule_text(connection, version))
        self._changes: dict[tuple[int, str, str], tuple[str, ...]] = {}

    def of(self, version: int, rule: ScheduleRule) -> tuple[str, ...]:
        """Return what a schedule of this rule version would follow otherwise under ``rule``, in words."""
        key = version, rule.name, rule.sha256
        found = self._changes.get(key)
        if found is None:
            stored: RuleVersion = self._stored(version)
            found = tuple(policy_changes((stored.name, stored.text), (rule.name, rule.text)))
            self._changes[key] = found
        return found
