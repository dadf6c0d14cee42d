"""A disk that is full, read-only or locked: a clear message, and a healthy restart that posts everything once."""

from collections import Counter

import pytest
from bad_disk import Reported, all_of_it

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("disk")]


@pytest.fixture(scope="module")
def reported() -> dict[str, list[Reported]]:
    """How each command ended; that both ledgers agreed at the end was looked at by then."""
    return all_of_it()


def test_a_disk_that_is_full_at_any_moment_is_reported_and_all_is_posted_once_there_is_room(
    reported: dict[str, list[Reported]],
) -> None:
    codes = Counter(one.code for one in reported["full"])
    assert set(codes) <= {0, 1}, codes
    assert codes[1] >= len(reported["full"]) // 2, f"most of these limits are met by a run: {codes}"
    for one in reported["full"]:
        assert one.code == 0 or "make room on the disk and run the command again" in one.said, one
        assert "Traceback" not in one.said


def test_a_database_that_is_read_only_is_reported_and_all_is_posted_once_it_is_not(
    reported: dict[str, list[Reported]],
) -> None:
    (one,) = reported["read_only"]
    assert one.code == 5, one
    assert "cannot be" in one.said and "write permission" in one.said


def test_a_database_that_another_program_has_locked_is_reported_and_all_is_posted_once_it_is_free(
    reported: dict[str, list[Reported]],
) -> None:
    (one,) = reported["locked"]
    assert one.code == 6, one
    assert "another revrec is writing to the database; try again when it is done" in one.said
