"""Write to the terminal: safe text streams, progress bars, and messages about unexpected errors.

Every format passes through these streams. Commands escape text where its layout depends on it; the streams catch the
rest, such as a usage error of the command-line library, or a file name in a message.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from revrec.core.harmless import harmless

if TYPE_CHECKING:
    from revrec.jobs.context import Progress
    from revrec.store.posting.posting_tables import PostingSize

T = TypeVar("T")
SMALL_TOTAL = 1_000
"""Below this many items the bar moves with each item; above, every 500, since drawing it costs more than most items."""

_SECRET_NAME = re.compile(r"PASSW|SECRET|TOKEN|CREDENTIAL", re.IGNORECASE)
_IN_XML = re.compile(r"<(\w*password|sessionid)>[^<]*<", re.IGNORECASE)
_IN_URL = re.compile(r"(://[^\s:/@]*):[^\s@]+@")


UNLIMITED = 10_000
"""Columns of an output that is not a terminal: nothing is broken or left out there."""


def terminal_width(stream: Any) -> int:
    """Return the number of columns of a terminal, ``UNLIMITED`` for any other stream."""
    if not stream.isatty():
        return UNLIMITED
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    with suppress(OSError, ValueError):
        return os.get_terminal_size(stream.fileno()).columns or DEFAULT_WIDTH
    return DEFAULT_WIDTH


DEFAULT_WIDTH = 80
"""Columns of a terminal that does not report its size."""


def wrapped(text: str, width: int, indent: str | None = None) -> list[str]:
    """Return one line of text as lines of at most ``width`` characters, broken between words only.

    A word that is longer stays whole, so that it can be copied. Lines after the first start with ``indent``; by
    default, they continue below the text of the first line, after its label if it has one.
    """
    import textwrap

    if len(text) <= width:
        return [text]
    if indent is None:
        label = _LABEL.match(text[: width // 3])
        indent = " " * len(label[0]) if label else ""
    start = len(text) - len(text.lstrip())
    body = textwrap.wrap(
        text[start:],
        width,
        initial_indent=text[:start],
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return body or [text]


_LABEL = re.compile(r".*  |\s*")


class SafeStream:
    """A text stream that writes control characters as their escapes, and breaks lines between words on a terminal."""

    def __init__(self, stream: Any) -> None:
        self.raw = stream
        self.breaks_lines = True
        self._starts_line = True

    def write(self, text: str) -> int:
        """Write the text with every character that acts on a terminal escaped."""
        shown = harmless(text)
        if self.breaks_lines and len(shown) > 1 and self.raw.isatty():
            shown = self._between_words(shown)
        self._starts_line = text.endswith("\n") if text else self._starts_line
        self.raw.write(shown)
        return len(text)

    def _between_words(self, text: str) -> str:
        width = terminal_width(self.raw)
        first, *rest = text.split("\n")
        lines = wrapped(first, width) if self._starts_line else [first]
        return "\n".join([*lines, *(one for line in rest for one in wrapped(line, width))])

    def writelines(self, lines: Iterable[str]) -> None:
        """Write lines as :meth:`write` does."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


def raw(stream: Any) -> Any:
    """Return the stream below a :class:`SafeStream`, for colors and bars, whose text is already escaped."""
    return stream.raw if isinstance(stream, SafeStream) else stream


def keep_lines_whole() -> None:
    """Break no line of standard output: it is data for a program, even on a terminal."""
    if isinstance(sys.stdout, SafeStream):
        sys.stdout.breaks_lines = False


@contextmanager
def safe_streams() -> Iterator[None]:
    """Make standard output and standard error safe for the block."""
    out, err = SafeStream(raw(sys.stdout)), SafeStream(raw(sys.stderr))
    with redirect_stdout(out), redirect_stderr(err):
        yield


def safe_console(**options: Any) -> Any:
    """Return a rich console that escapes each piece of text before it is laid out; rich's own codes remain."""
    from rich.console import Console
    from rich.segment import Segment

    class SafeConsole(Console):
        """A console whose text cannot act on the terminal."""

        def render(self, renderable: Any, options: Any = None) -> Iterator[Segment]:
            """Render as rich does, then escape the text."""
            for one in super().render(renderable, options):
                yield one if one.control else Segment(harmless(one.text), one.style)

    return SafeConsole(**options, highlight=False, markup=False, emoji=False)


class Bars:
    """Progress bars drawn with rich on standard error."""

    def track(
        self, items: Iterable[T], what: str, total: int | None = None, size: Callable[[T], int] | None = None
    ) -> Iterator[T]:
        """Yield the items and move a bar labeled ``what`` as they pass, by their ``size``."""
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        if total is None and isinstance(items, Sized):
            total = len(items)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with RichProgress(*columns, console=safe_console(file=raw(sys.stderr)), transient=True) as bars:
            task = bars.add_task(what, total=total)
            step = 1 if total is not None and total < SMALL_TOTAL else 500
            done = 0
            for item in items:
                yield item
                before, done = done, done + (size(item) if size else 1)
                if before // step < done // step:
                    bars.update(task, completed=done)

    def postings(
        self, what: str, sizes: "Callable[[], Mapping[int, PostingSize]]"
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Show a bar of postings with their lines and amounts; yield a function that counts one as done."""
        from revrec.cli.posting_bar import posting_bar

        return posting_bar(safe_console(file=raw(sys.stderr)), what, sizes())


def progress() -> "Progress":
    """Return progress bars if standard error is a terminal, else a silent progress."""
    from revrec.jobs.context import Silent

    return Bars() if sys.stderr.isatty() else Silent()


def unexpected_message(error: BaseException, verbose: bool, environment: Mapping[str, str] = os.environ) -> str:
    """Return the message for an unexpected error, without secrets; ``verbose`` adds the traceback."""
    import traceback

    kind = type(error).__name__
    if verbose:
        details = "".join(traceback.format_exception(error))
        text = f"unexpected {kind}; please report it with these details\n{details}"
    else:
        text = f"unexpected {kind}: {error}; run it again with -v to see where"
    return without_secrets(text.rstrip(), environment)


def without_secrets(text: str, environment: Mapping[str, str]) -> str:
    """Remove the passwords of the environment, of XML requests and of URLs from a text.

    An exception of a library may quote the request or the URL that it failed on, and people paste tracebacks into
    tickets.
    """
    from revrec.core.redaction import redact_text

    secrets = [value for name, value in environment.items() if value and _SECRET_NAME.search(name)]
    return _IN_URL.sub(r"\1:***@", _IN_XML.sub(r"<\1>***<", redact_text(text, secrets)))
