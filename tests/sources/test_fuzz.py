"""Damaged files of every format, imported: the harness of ``fuzz.py`` with bounded numbers."""

from pathlib import Path

import pytest

from sources import fuzz


def test_every_original_is_good_before_it_is_damaged(tmp_path: Path) -> None:
    trials = fuzz.Trials(tmp_path, seed=1)
    report = trials.undamaged()
    assert not report.faults and report.total("imported") == report.files == len(fuzz.originals())


def test_a_damaged_file_is_made_again_from_its_seed_and_number(tmp_path: Path) -> None:
    found = []
    for again in ("one", "two"):
        fuzz.run([17], seed=5, keep=tmp_path / again)
        found.append([path.read_bytes() for path in (tmp_path / again).iterdir()])
    assert found[0] == found[1] and found[0]


@pytest.mark.parametrize(
    "files", [60, pytest.param(500, marks=pytest.mark.slow), pytest.param(2_000, marks=pytest.mark.long)]
)
def test_damaged_files_end_in_a_reason_and_never_in_half_an_import(files: int) -> None:
    report = fuzz.run(range(files), seed=20240328)
    assert not report.faults, "\n".join(report.faults)
    assert report.files == files and report.total("refused") > files / 3
