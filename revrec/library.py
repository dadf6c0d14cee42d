"""Derive schedules in your own Python code: rule files in, a rule book out. Nothing is read or written besides."""

from collections.abc import Sequence
from pathlib import Path

from revrec.core.rules import RuleBook, parse_all


def load_rules(
    path_or_text: Path | str, *, deferred: str = "", revenue: str = "", journal: str = "", memo: str = ""
) -> RuleBook:
    """Load rules from a TOML file, from every ``*.toml`` file of a folder, or from the text of a rule file.

    A :class:`~pathlib.Path` is a file or a folder. A text is a rule file if it has a line break or a ``[``, else the
    path of one. ``deferred`` and ``revenue`` are the accounts of rules that name none, ``journal`` is their journal
    symbol and ``memo`` their memo template, as in ``revrec.toml``.

    Raises:
        RuleErrors: every problem of every file, with file, line and column.
        OSError: a file cannot be read.
    """
    given = {"deferred": deferred, "accrued": revenue, "journal": journal, "memo": memo}
    defaults = {name: value for name, value in given.items() if value}
    return RuleBook(*parse_all(_texts(path_or_text), defaults, included_file, repairable_failures))


def _texts(path_or_text: Path | str) -> dict[str, str]:
    if isinstance(path_or_text, str) and ("\n" in path_or_text or "[" in path_or_text):
        return {"rules": path_or_text}
    path = Path(path_or_text)
    files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    return {str(file): file.read_text(encoding="utf-8-sig") for file in files}


def included_file(wanted: str, including: str) -> tuple[str, str]:
    """Return the path and the text of a file named in ``include``.

    It is looked up from the folder of the file that includes it. Files outside that folder are refused, so that a rule
    file from someone else cannot read the rest of the disk.
    """
    folder = Path(including).resolve().parent
    path = (folder / wanted).resolve()
    if not path.is_relative_to(folder):
        raise ValueError("it lies outside the folder of the file that includes it")
    return str(Path(including).parent / path.relative_to(folder)), path.read_text(encoding="utf-8-sig")


def repairable_failures() -> Sequence[str]:
    """Return the failures that a repair may name: Intacct rejected the data, and said why."""
    from revrec.intacct.catalog import catalog
    from revrec.intacct.gateway import ErrorClass

    return [row.name for row in catalog() if row.error_class is ErrorClass.NEEDS_DATA and not row.wrapper]
