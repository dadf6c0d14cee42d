"""Read the rule files."""

from pathlib import Path
from typing import TYPE_CHECKING

from revrec.core.errors import BadConfiguration
from revrec.core.rules import RuleBook, parse_all
from revrec.library import included_file, repairable_failures

if TYPE_CHECKING:
    from revrec.jobs.context import Context


def rule_files(folder: Path) -> dict[str, str]:
    """Return the text of every rule file directly in the folder, by path, in order of name.

    Raises:
        BadConfiguration: The folder does not exist, has no rule file, or one cannot be read.
    """
    if not folder.is_dir():
        raise BadConfiguration(f"{folder}: no such rules folder; make one with: revrec init, or set [rules] folder")
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise BadConfiguration(
            f"{folder}: no rule files (*.toml) in it; write one, or create examples with: revrec init"
        )
    return {str(path): read_rule_file(path) for path in paths}


def read_rule_file(path: Path) -> str:
    """Return the text of one rule file."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{path}: cannot be read as text: {error}; save it as UTF-8, readable by you") from error


def load_rules(context: "Context", folder: Path | None = None) -> RuleBook:
    """Return the rule book of ``folder`` (default: the configured one), with the configured accounts as defaults.

    Raises:
        RuleErrors: Every problem of every file, with file, line and column.
    """
    settings = context.settings
    defaults = {
        "deferred": settings.accounts.deferred,
        "accrued": settings.accounts.accrued,
        "journal": settings.posting.journal,
    }
    folder = folder or settings.rules.folder
    given = {name: value for name, value in defaults.items() if value}
    parsed = parse_all(rule_files(folder), given, included_file, repairable_failures)
    return RuleBook(*parsed, deferred=settings.accounts.deferred)
