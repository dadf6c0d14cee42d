"""The program as processes, in their own folders."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.commands import OpenTerminal, Terminal


@pytest.fixture(scope="session")
def at() -> Iterator[Callable[[Path], Terminal]]:
    """Return a function that opens a terminal in a folder; commands that still run are killed after the tests."""
    opened: list[Terminal] = []

    def open_terminal(folder: Path) -> Terminal:
        opened.append(Terminal(folder))
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.close()


@pytest.fixture
def terminal(at: Callable[[Path], Terminal], tmp_path: Path) -> OpenTerminal:
    """Return a function that opens a terminal in a folder, by default a fresh one."""

    def open_terminal(folder: Path = tmp_path) -> Terminal:
        return at(folder)

    return open_terminal
