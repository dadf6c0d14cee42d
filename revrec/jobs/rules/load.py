"""Read the rule files."""

from pathlib import Path
from typing import TYPE_CHECKING

from revrec.core.rules import RuleBook, parse_all
from revrec.jobs.rules.files import file_digests, rule_defaults, rule_files
from revrec.library import included_file, repairable_failures

if TYPE_CHECKING:
    from revrec.jobs.context import Context


def load_rules(context: "Context", folder: Path | None = None) -> RuleBook:
    """Return the rule book of ``folder`` (default: the configured one), with the configured accounts as defaults.

    Raises:
        RuleErrors: Every problem of every file, with file, line and column.
    """
    folder = folder or context.settings.rules.folder
    texts, defaults = rule_files(folder), rule_defaults(context)

    def include(wanted: str, including: str) -> tuple[str, str]:
        path, text = included_file(wanted, including)
        texts[path] = text
        return path, text

    parsed = parse_all(dict(texts), defaults, include, repairable_failures)
    return RuleBook(*parsed, deferred=context.settings.accounts.deferred, files=file_digests(folder, texts, defaults))
