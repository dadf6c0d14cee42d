"""Books, and one sandbox process that all tests of this folder post to."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from support.books import ITEMS, Books, MakeBooks, MakeRow, charge
from support.intacct import Intacct, served_intacct


@pytest.fixture(scope="session")
def server() -> Iterator[Intacct]:
    with served_intacct("--quiet") as served:
        yield served


@pytest.fixture
def intacct(server: Intacct, switches: dict[str, Any]) -> Intacct:
    """Return the sandbox of this folder's tests, as new."""
    server.fault("")
    server.admin("/reset")
    server.admin("/switch", **switches)
    if switches["masters"] == "strict":
        for item in ITEMS:
            server.admin("/items", id=item)
        server.admin("/customers", id="Zoë")
        server.admin("/contracts", id="CON-7")
    return server


@pytest.fixture
def offline(tmp_path: Path, database: dict[str, str]) -> Books:
    """Make books whose gateway does not answer."""
    return Books(tmp_path / "books", {"INTACCT_ENDPOINT_URL": "http://127.0.0.1:9/ia/xml/xmlgw.phtml", **database})


@pytest.fixture
def database(kind: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Return the setting that names the database of this test; no setting for SQLite."""
    return {} if kind == "sqlite" else {"REVREC_DATABASE_URL": request.getfixturevalue("database_url")}


@pytest.fixture
def books(tmp_path: Path, intacct: Intacct, database: dict[str, str]) -> Books:
    """Make books that post to the sandbox process."""
    return Books(tmp_path / "books", {**intacct.environment, **database})


@pytest.fixture(scope="session")
def row() -> MakeRow:
    """Return the maker of charge lines' rows."""
    return charge


@pytest.fixture(scope="session")
def new_books() -> type[Books]:
    """Return the maker of further books."""
    return Books


@pytest.fixture
def fresh_books(tmp_path: Path) -> MakeBooks:
    """Return a function that makes books in a new folder each time: a property needs some for each example."""
    numbers = count()
    return lambda environment: Books(tmp_path / f"fresh-{next(numbers)}", environment)
