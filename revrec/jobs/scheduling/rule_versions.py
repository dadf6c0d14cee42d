"""Keep the versions of the rules that schedules come from."""

from pathlib import Path
from typing import TYPE_CHECKING

from revrec.core.rules import PostingTarget
from revrec.core.schedule import ScheduleRule
from revrec.store.rule_versions import RuleVersion, keep_rule_version

if TYPE_CHECKING:
    from revrec.store.audit import AuditStamp
    from revrec.store.connection import Connection


class VersionKeeper:
    """The store of rule versions: each is written when a schedule first uses it."""

    def __init__(self, connection: "Connection", who: "AuditStamp") -> None:
        self._connection = connection
        self._who = who
        self._ids: dict[tuple[int, PostingTarget], int] = {}

    def id_of(self, rule: ScheduleRule, post: PostingTarget) -> int:
        """Return the id of the rule's version with this posting target; store it if it is new."""
        found = self._ids.get((id(rule), post))
        if found is None:
            file, method = Path(rule.file).name, rule.method.name
            version = RuleVersion(rule.name, rule.sha256, rule.text, file, method, *post, rule.after_invoice)
            found = self._ids[id(rule), post] = keep_rule_version(self._connection, version, self._who)
        return found
