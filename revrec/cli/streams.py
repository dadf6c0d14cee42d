"""Standard output and error as the commands see them: whatever is written is made harmless first.

All formats pass this one edge. Commands make text harmless where its layout depends on it; this catches the rest, such
as a usage error of the command-line library, or a file name in a message.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

from revrec.core.harmless import harmless


class SafeStream:
    """A text stream that writes control characters as their escapes; everything else is the stream's own."""

    def __init__(self, stream: Any) -> None:
        self.raw = stream

    def write(self, text: str) -> int:
        """Write the text without anything that acts on a terminal."""
        self.raw.write(harmless(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write lines as :meth:`write` does."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


def raw(stream: Any) -> Any:
    """Return the stream below a :class:`SafeStream`, for colors and bars, whose text is harmless already."""
    return stream.raw if isinstance(stream, SafeStream) else stream


@contextmanager
def safe_streams() -> Iterator[None]:
    """Make standard output and standard error safe for the block."""
    out, err = SafeStream(raw(sys.stdout)), SafeStream(raw(sys.stderr))
    with redirect_stdout(out), redirect_stderr(err):
        yield


def safe_console(**options: Any) -> Any:
    """Return a rich console that makes each piece of text harmless before it is laid out; its own codes stay."""
    from rich.console import Console
    from rich.segment import Segment

    class SafeConsole(Console):
        """A console whose text cannot act on the terminal."""

        def render(self, renderable: Any, options: Any = None) -> Iterator[Segment]:
            """Render as rich does."""
            for one in super().render(renderable, options):
                yield one if one.control else Segment(harmless(one.text), one.style)

    return SafeConsole(**options, highlight=False, markup=False, emoji=False)
