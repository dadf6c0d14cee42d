"""Commands as processes that are forked from one that has imported revrec, so that each begins at once."""

import multiprocessing
import os
import pkgutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path

import revrec
from revrec.cli.main import main
from support.commands import Ended
from support.patience import PATIENCE

LIBRARIES = ("alembic.command", "lxml.etree", "requests", "rich.console", "rich.table", "sqlalchemy.dialects.sqlite")
"""What commands import when they need it."""


def forked(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Ended:
    """Run a command in a folder and wait for its end; commands share nothing but what is imported."""
    with tempfile.TemporaryDirectory() as name:
        files = [Path(name) / "out", Path(name) / "err"]
        process = _server().Process(target=_run, args=(words, folder, dict(environment), files))
        process.start()
        process.join(PATIENCE)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"revrec {' '.join(words)} did not end within {PATIENCE:.0f} s")
        return Ended(process.exitcode, *(file.read_text(encoding="utf-8") for file in files))


@cache
def _server() -> ForkServerContext:
    """Return the way to the process that commands are forked from; it starts with the first command."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*_modules(), *LIBRARIES])
    return context


def _modules() -> list[str]:
    """Return the names of all modules of revrec; one whose extra is not installed is left out when it is imported."""
    found = pkgutil.walk_packages(revrec.__path__, "revrec.")
    return [module.name for module in found if not module.name.endswith(("__main__", "reader_process"))]


def _run(words: Sequence[str], folder: Path, environment: Mapping[str, str], files: Sequence[Path]) -> None:
    """Be the command: this is the new process."""
    for descriptor, file in enumerate(files, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["-c", *words]
    main()
