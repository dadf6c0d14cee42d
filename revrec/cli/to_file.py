"""``--output FILE``: what a command prints goes to a file."""

from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from revrec.cli.shared import fail


@contextmanager
def writing_to(output: Path | None) -> Iterator[None]:
    """Write standard output into a file meanwhile, if one is given; that it cannot be written is a usage error."""
    if output is None:
        yield
        return
    try:
        file = output.open("w", encoding="utf-8")
    except OSError as error:
        fail(f"{output}: cannot be written: {error.strerror or error}", 2)
    with file, redirect_stdout(file):
        yield
