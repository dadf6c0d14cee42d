"""Reading the rule files, and keeping the versions of the rules that schedule something."""

from pathlib import Path
from typing import TYPE_CHECKING

from revrec.core.errors import BadConfiguration
from revrec.core.rules import PostingTarget, RuleBook, parse_all
from revrec.core.schedule import ScheduleRule
from revrec.library import included_file, repairable_failures
from revrec.store.rule_versions import RuleVersion, keep_rule_version

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.audit import AuditStamp
    from revrec.store.connection import Connection


def rule_files(folder: Path) -> dict[str, str]:
    """The text of every rule file in the folder (not below it), by path, in order of name.

    Raises:
        BadConfiguration: there is no such folder, no rule file in it, or one cannot be read.
    """
    if not folder.is_dir():
        raise BadConfiguration(f"{folder}: no such rules folder; make one with: revrec init, or set [rules] folder")
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise BadConfiguration(f"{folder}: no rule files (*.toml) in it; write one, or make some with: revrec init")
    return {str(path): read_rule_file(path) for path in paths}


def read_rule_file(path: Path) -> str:
    """The text of one rule file."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{path}: cannot be read as text: {error}; save it as UTF-8, readable by you") from error


def load_rules(context: "Context", folder: Path | None = None) -> RuleBook:
    """The rule book of ``folder``, else of the configured one, with the configured accounts as defaults.

    Raises:
        RuleErrors: every problem of every file, with file, line and column.
    """
    settings = context.settings
    defaults = {
        "deferred": settings.accounts.deferred,
        "accrued": settings.accounts.accrued,
        "journal": settings.posting.journal,
    }
    folder = folder or settings.rules.folder
    given = {name: value for name, value in defaults.items() if value}
    return RuleBook(*parse_all(rule_files(folder), given, included_file, repairable_failures))


class VersionKeeper:
    """Gives each rule that schedules something its version in the store, kept when first used."""

    def __init__(self, connection: "Connection", who: "AuditStamp") -> None:
        self._connection = connection
        self._who = who
        self._ids: dict[tuple[int, PostingTarget], int] = {}

    def id_of(self, rule: ScheduleRule, post: PostingTarget) -> int:
        """The id in the store of the rule's version that posts there."""
        found = self._ids.get((id(rule), post))
        if found is None:
            file, method = Path(rule.file).name, rule.method.name
            version = RuleVersion(rule.name, rule.sha256, rule.text, file, method, *post, rule.after_invoice)
            found = self._ids[id(rule), post] = keep_rule_version(self._connection, version, self._who)
        return found
