"""``--output FILE``: print to a file."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path

from revrec.cli.shared import fail
from revrec.cli.streams import SafeStream
from revrec.files import writing


@contextmanager
def writing_to(output: Path | None) -> Iterator[None]:
    """Redirect standard output into a file, if there is one, which appears whole when the block ends well.

    A file that cannot be written is a usage error.
    """
    if output is None:
        yield
        return
    with ExitStack() as stack:
        try:
            file = stack.enter_context(writing(output))
        except OSError as error:
            fail(f"{output}: cannot be written: {error.strerror or error}", 2)
        with redirect_stdout(SafeStream(file)):
            yield
