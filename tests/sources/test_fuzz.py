"""Damaged files of every format, and well-formed ones with one figure changed: the fuzzers with bounded numbers."""

from pathlib import Path

import pytest

from sources import fuzz, fuzz_figures
from sources.well_formed import FORMATS


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
    "files", [60, pytest.param(250, marks=pytest.mark.slow), pytest.param(2_000, marks=pytest.mark.long)]
)
def test_damaged_files_end_in_a_reason_and_never_in_half_an_import(files: int) -> None:
    report = fuzz.run(range(files), seed=20240328)
    assert not report.faults, "\n".join(report.faults)
    assert report.files == files and report.total("refused") > files / 3


@pytest.mark.long
@pytest.mark.parametrize("kind", [*fuzz.KINDS, *fuzz.MAPPED_KINDS])
def test_20000_damaged_files_of_each_format_end_in_a_reason(kind: str) -> None:
    report = fuzz.run(range(20_000), seed=1, kinds=[kind], import_every=10)
    assert not report.faults, "\n".join(report.faults)


def test_every_well_formed_document_is_imported_with_its_total_before_a_figure_is_changed() -> None:
    reports = fuzz_figures.run(list(FORMATS), range(3), seed=20240328, change=False)
    assert {kind: (one.faults, one.outcomes["imported"]) for kind, one in reports.items()} == dict.fromkeys(
        FORMATS, ([], 3)
    )


@pytest.mark.parametrize(
    "documents", [6, pytest.param(100, marks=pytest.mark.slow), pytest.param(5_000, marks=pytest.mark.long)]
)
def test_a_changed_figure_never_becomes_charge_lines_that_differ_from_the_total(documents: int) -> None:
    reports = fuzz_figures.run(list(FORMATS), range(documents), seed=1)
    for one in reports.values():
        assert not one.faults, "\n".join(one.faults)
        assert one.outcomes.total() == documents and one.outcomes["refused"] > documents / 3
