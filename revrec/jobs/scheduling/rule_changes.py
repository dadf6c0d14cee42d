"""Find what a rebuild changes of the rules that schedules follow, though their lines stay the same."""

from typing import TYPE_CHECKING

from revrec.core.rules.policy import policy_changes
from revrec.core.schedule import ScheduleRule
from revrec.store.rule_versions import read_rule_text

if TYPE_CHECKING:
    from revrec.store.connection import Connection


class RuleChanges:
    """The differences between stored rule versions and the rules in the files, each compared once."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._changes: dict[tuple[int, str, str], tuple[str, ...]] = {}

    def of(self, version: int, rule: ScheduleRule) -> tuple[str, ...]:
        """Return what a schedule of this rule version would follow otherwise under ``rule``, in words."""
        key = version, rule.name, rule.sha256
        if key not in self._changes:
            stored = read_rule_text(self._connection, version)
            self._changes[key] = tuple(policy_changes((stored.name, stored.text), (rule.name, rule.text)))
        return self._changes[key]
