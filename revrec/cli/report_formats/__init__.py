"""The formats of a report that are files: each module writes one, with ``write_report(report, file)``."""

import hashlib
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from revrec.core.errors import BadInput
from revrec.core.extras import install_command

if TYPE_CHECKING:
    from revrec.core.report import Report, ReportPack, RowFacts

Writer: TypeAlias = "Callable[[Report, BinaryIO, RowFacts | None], None]"

MODULES: Mapping[str, str] = {"xlsx": "workbook", "html": "page"}
"""The formats by the end of their files' names, and the modules that write them."""


def writer_of(name: str) -> Writer:
    """Return the function that writes a report in a format.

    Raises:
        BadInput: its libraries are not installed.
    """
    try:
        found: Writer = import_module(f"{__name__}.{MODULES[name]}").write_report
    except ImportError as error:
        raise BadInput(
            f"--format {name} needs the library {error.name}: install it with {install_command('reports')}"
        ) from error
    return found


def save_report(report: "Report", name: str, path: Path, facts: "RowFacts | None" = None) -> None:
    """Write a report to a file in a format; a file that is there is replaced when the new one is whole.

    ``facts`` are the facts of its rows: who writes several formats reads a long list for them only once.

    Raises:
        BadInput: the format's libraries are not installed, or the report does not fit into it.
        OSError: the file cannot be written.
    """
    from revrec.files import draft_of

    write = writer_of(name)
    with draft_of(path) as draft, draft.open("wb") as file:
        write(report, file, facts)


def save_pack(pack: "ReportPack", path: Path) -> None:
    """Write a pack to a workbook; a file that is there is replaced when the new one is whole.

    Raises:
        BadInput: as :func:`save_report`.
        OSError: the file cannot be written.
    """
    from revrec.files import draft_of

    writer_of("xlsx")
    from revrec.cli.report_formats.workbook import write_pack

    with draft_of(path) as draft, draft.open("wb") as file:
        write_pack(pack, file)


def digest_line(path: Path) -> str:
    """Return the line with which ``sha256sum --check`` proves that a file is unchanged."""
    with path.open("rb") as file:
        return f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.name}\n"


def save_digest(path: Path) -> None:
    """Write ``PATH.sha256``, the line of the file's digest."""
    from revrec.files import write_text

    write_text(path.with_name(f"{path.name}.sha256"), digest_line(path))
