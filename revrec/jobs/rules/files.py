"""The rule files and tables on disk, and which of them changed after the schedules were planned.

``revrec status`` asks this often, so that nothing is parsed here.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.errors import BadConfiguration
from revrec.core.keys import KeyProblem, SectionName, read_table
from revrec.core.posting_options import NO_OPTIONS, PostingOptions, why_not_custom
from revrec.store.reports.figures import RULES_PLANNED, ViewCursor, applied_rules

if TYPE_CHECKING:
    from revrec.jobs.context import Context

DEFAULTS = "revrec.toml: [accounts] and journal"
"""The name under which the settings that rules fall back to are compared, as if they were a file."""

CUSTOM_FIELDS = ("entry_fields", "line_fields")
"""The sections with custom fields of entries and of their lines."""

RULES_ADVICE = "planned lines keep the old rules; see what would change: revrec schedule"
"""The advice for rules that are newer than the plan."""


class RuleChanges(NamedTuple):
    """Rule files and tables, by name, that changed after ``planned_at`` (UTC), when the schedules were planned."""

    files: tuple[str, ...]
    planned_at: str

    def __str__(self) -> str:
        """Return text such as ``shop.toml changed after the plan of 2024-04-01 was made``."""
        return f"{', '.join(self.files)} changed after the plan of {self.planned_at[:10]} was made"


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


def rule_defaults(context: "Context") -> dict[str, str]:
    """Return the accounts, the journal and the options from the settings, for rules that name none.

    Raises:
        BadConfiguration: ``[entry_fields]`` or ``[line_fields]`` has something other than custom fields.
    """
    settings = context.settings
    found = {
        "deferred": settings.accounts.deferred,
        "accrued": settings.accounts.accrued,
        "journal": settings.posting.journal,
        "options": _default_options(context).text,
    }
    return {name: value for name, value in found.items() if value}


def _default_options(context: "Context") -> PostingOptions:
    settings = context.settings
    return NO_OPTIONS.with_values(
        {
            "summarize": settings.posting.summarize,
            "attachment": settings.posting.attachment,
            "deferred_location": settings.accounts.deferred_location,
            "accrued_location": settings.accounts.accrued_location,
            **{table: custom_fields(context, table) for table in CUSTOM_FIELDS},
        }
    )


def custom_fields(context: "Context", table: str) -> dict[str, str]:
    """Return the custom fields of ``[entry_fields]`` or ``[line_fields]``, by their integration names.

    Raises:
        BadConfiguration: a value is not a text, or a name is not one of a custom field.
    """
    written = context.settings.free.get(table)
    if not written:
        return {}
    from revrec.core.rules.declaration import OPTION_KEYS

    problems: list[KeyProblem] = []
    keys = next(key.table for key in OPTION_KEYS if key.name == table)
    path = (SectionName(table),)
    found, _refused = read_table(written, keys, path, problems)
    refused = {name: why_not_custom(table, name) for name in found}
    problems += [KeyProblem((*path, name), f"[{table}] {name}: {why}") for name, why in refused.items() if why]
    context.settings.reject(problems)
    return found


def file_digests(folder: Path, texts: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, str]:
    """Return the SHA-256 of each text by the name of its file within the folder, and of the defaults."""
    found = {Path(path).relative_to(folder).as_posix(): _sha256(text) for path, text in texts.items()}
    return {DEFAULTS: _sha256(json.dumps(defaults, sort_keys=True)), **found}


def changed_files(context: "Context", known: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of files that differ from their digests in ``known``, are new, or are missing, in order."""
    folder = context.settings.rules.folder
    present = set(folder.glob("*.toml")) | {folder / name for name in known if name != DEFAULTS}
    texts = {str(path): text for path in present if (text := _text(path)) is not None}
    now = file_digests(folder, texts, rule_defaults(context))
    return tuple(sorted(name for name in {*known, *now} if known.get(name) != now.get(name)))


def rule_changes(context: "Context", view: ViewCursor) -> RuleChanges | None:
    """Return the files that changed after the schedules were planned; None if none did, or before the first plan."""
    planned = applied_rules(view, RULES_PLANNED)
    changed = changed_files(context, planned.files) if planned else ()
    return RuleChanges(changed, planned.at) if planned and changed else None


def _text(path: Path) -> str | None:
    try:
        return read_rule_file(path)
    except BadConfiguration:
        return None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
