"""A disk that is full, read-only or locked: a clear message, and a healthy restart that posts everything once."""

from collections import Counter

import pytest
from bad_disk import Told, all_of_it

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told() -> dict[str, list[Told]]:
    """How each command ended; that both ledgers agreed at the end was looked at by then."""
    return all_of_it()


def test_a_disk_that_is_full_at_any_moment_is_told_and_all_is_posted_once_there_is_room(
    told: dict[str, list[Told]],
) -> None:
    codes = Counter(one.code for one in told["full"])
    assert set(codes) <= {0, 1}, codes
    assert codes[1] >= len(told["full"]) // 2, f"most of these limits are met by a run: {codes}"
    for one in told["full"]:
        assert one.code == 0 or "make room on the disk and run the command again" in one.said, one
        assert "Traceback" not in one.said


def test_a_database_that_is_read_only_is_told_and_all_is_posted_once_it_is_not(told: dict[str, list[Told]]) -> None:
    (one,) = told["read_only"]
    assert one.code == 5, one
    assert "cannot be" in one.said and "write permission" in one.said


def test_a_database_that_another_program_has_locked_is_told_and_all_is_posted_once_it_is_free(
    told: dict[str, list[Told]],
) -> None:
    (one,) = told["locked"]
    assert one.code == 6, one
    assert "another revrec is writing to the database; try again when it is done" in one.said
