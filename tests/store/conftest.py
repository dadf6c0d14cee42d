"""A real database file, and a shorthand for the rows that a test needs in it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.store import FilledDatabase


@pytest.fixture
def books(database_url: str) -> Iterator[FilledDatabase]:
    made = FilledDatabase(database_url)
    yield made
    made.database.engine.dispose()


@pytest.fixture
def refused(books: FilledDatabase) -> Callable[..., None]:
    """Holds that an outsider's statement is refused with these words, and changes nothing."""

    def check(words: str, text: str, *values: Any) -> None:
        before = books.content()
        with pytest.raises(books.refusal, match=words):
            books.sql(text, *values)
        assert books.content() == before

    return check


@pytest.fixture
def ordinary_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of a user to whom file permissions apply, as they do not to root; the test runs as that user."""
    import os
    import shutil
    import tempfile

    if os.name != "posix":
        pytest.skip("file permissions are those of POSIX here")
    folder = Path(tempfile.mkdtemp())
    root = os.geteuid() == 0
    if root:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        for one in [folder, *folder.rglob("*")]:
            one.chmod(0o700)
        shutil.rmtree(folder)
