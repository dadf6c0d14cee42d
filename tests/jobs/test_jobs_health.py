"""What is well, what is a warning, what is critical; and the figures in Prometheus' own words."""

import re
from pathlib import Path
from typing import Any

import pytest

from revrec.core.errors import BadInput
from revrec.core.posting import RELEASED, UNSETTLED
from revrec.jobs.reports.documents import FailedSource, OpenDocument
from revrec.jobs.reports.health import CRITICAL, health_of, is_run_active
from revrec.jobs.reports.metrics import exposition, write_metrics
from revrec.jobs.reports.status import BooksStatus, LastRun, OpenLines
from revrec.jobs.reports.undated import MissingRevenue, UndatedTotal

DEAD = LastRun(7, "2024-03-31", "2024-04-01T06:00:00.000000+00:00", None, "a@b", None)
GOOD = DEAD._replace(finished_at="2024-04-01T06:00:09.500000+00:00", outcome="3 posted, 0 failed")
STOPPED = GOOD._replace(outcome="stopped: no\nnet")
UNDATED = (UndatedTotal("unscheduled", "USD", 2, "1200.00", "0.00"),)
MISSING = MissingRevenue("no_rule", "USD", 2, "1200.00", False, "2024-03-02")
REFUSED = OpenDocument(1, "edi", "a.csv", "refused", "2024-03-02", "row 2: amount: is missing")
LINES = OpenLines("USD", 2, "24.50", "2024-03-01", "2024-03-31")


def found(
    run: LastRun | None = GOOD,
    opened: tuple[OpenLines, ...] = (),
    invoices: Any = (),
    missing: tuple[MissingRevenue, ...] = (),
    documents: tuple[OpenDocument, ...] = (),
    failed: tuple[FailedSource, ...] = (),
    **entries: int,
) -> BooksStatus:
    return BooksStatus(
        charges=15, unscheduled=1, quarantined=0, quarantined_amounts=(), open=opened, waiting=(), next_date=None,
        entries=entries, invoices=dict(invoices), adjustments={}, awaiting_invoice=(), unscheduled_reasons=(),
        undated=UNDATED, missing=missing, attention=(), closed_periods=(), last_run=run, rule_changes=None,
        documents=documents, failed_sources=failed,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("figures", "running", "line"),
    [
        (found(posted=3), False, "OK nothing to settle; last run 7 for 2024-03-31: 3 posted, 0 failed"),
        (found(run=None), False, "OK nothing to settle; no run yet"),
        (found(run=DEAD, sending=1, ready=4), True, "OK nothing to settle; last run 7 for 2024-03-31: is active"),
        (found(rejected=2, posted=1), False, "CRIT 2 failed"),
        (found(in_doubt=1, held=2), False, "CRIT 1 in doubt; 2 need review"),
        (found(run=DEAD, in_doubt=1), True, "CRIT 1 in doubt"),
        (found(run=DEAD, sending=1), False, "CRIT 1 in doubt; last run 7 for 2024-03-31: did not end"),
        (
            found(run=STOPPED),
            False,
            "CRIT last run 7 for 2024-03-31: stopped: no net",
        ),
        (found(ready=3), False, "WARN 3 waiting to be sent"),
        (found(rejected=1, invoices={"rejected": 2, "held": 1}), False, "CRIT 3 failed; 1 needs review"),
        (found(missing=(MISSING,)), False, "WARN 2 charge lines without a rule (1,200.00 USD)"),
        (found(missing=(MISSING,), sending=1, run=DEAD), True, "WARN 2 charge lines without a rule (1,200.00 USD)"),
        (found(invoices={"ready": 2}), False, "WARN 2 waiting to be sent"),
        (found(documents=(REFUSED, REFUSED)), True, "WARN 2 documents refused"),
        (found(failed=(FailedSource("edi", "t", "no such host"),)), False, "WARN source edi failed: no such host"),
        (found(opened=(LINES,)), False, "WARN 2 overdue since 2024-03-01 (24.50 USD)"),
        (found(opened=(LINES,), rejected=1), False, "CRIT 1 failed; 2 overdue since 2024-03-01 (24.50 USD)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_line_shows_the_worst_first(figures: BooksStatus, running: bool, line: str) -> None:
    assert health_of(figures, running, dated=True).line == line


def test_open_lines_are_overdue_only_against_a_date() -> None:
    assert health_of(found(opened=(LINES,)), False, dated=False).state == "ok"


def test_every_state_that_wants_something_is_looked_at() -> None:
    assert {state.lower() for state in UNSETTLED} - set(CRITICAL) == {"ready", "sending", "awaiting_approval"}
    for state in UNSETTLED:
        assert health_of(found()._replace(entries={state.lower(): 1}), False, dated=False).state != "ok"


def test_a_lock_file_alone_is_no_run_at_work(tmp_path: Path) -> None:
    from filelock import FileLock

    url = f"sqlite:///{tmp_path / 'a b.db'}"
    assert not is_run_active(url) and list(tmp_path.iterdir()) == []
    (tmp_path / "a b.db.run-lock").touch()
    assert not is_run_active(url)
    with FileLock(tmp_path / "a b.db.run-lock"):
        assert is_run_active(url) and is_run_active(url.replace(" ", "%20"))


def samples(text: str) -> dict[str, float]:
    """The figures of an exposition, read strictly: each has its help and type before it."""
    shown, announced = {}, set()
    for line in text.splitlines():
        if line.startswith("# "):
            announced.add(re.fullmatch(r"# (?:HELP|TYPE) (revrec_[a-z_]+) [^\\]+", line)[1])  # type: ignore[index]
            continue
        name, labels, value = re.fullmatch(  # type: ignore[union-attr]
            r'(revrec_[a-z_]+)(\{(?:[a-z]+="[^"\\]*",?)+\})? (-?[0-9.e+]+)', line
        ).groups()
        assert name in announced and (name + (labels or "")) not in shown
        shown[name + (labels or "")] = float(value)
    return shown


def test_the_figures_are_all_there_also_those_that_count_nothing() -> None:
    shown = samples("".join(exposition(health_of(found(opened=(LINES,), rejected=2, posted=5), False, dated=False))))
    assert shown["revrec_health"] == 2
    assert shown['revrec_entries{state="rejected"}'] == 2 and shown['revrec_entries{state="posted"}'] == 5
    assert all(f'revrec_entries{{state="{state.lower()}"}}' in shown for state in (*UNSETTLED, *RELEASED))
    assert shown['revrec_open_lines{currency="USD"}'] == 2 and shown['revrec_open_amount{currency="USD"}'] == 24.5
    assert shown["revrec_unscheduled"] == 1 and shown["revrec_charge_lines"] == 15
    assert shown["revrec_last_run_finished_timestamp_seconds"] == 1711951209.5
    assert shown['revrec_last_run_outcome{outcome="finished"}'] == 1
    assert shown['revrec_last_run_outcome{outcome="stopped"}'] == 0


def test_without_a_run_no_time_is_shown() -> None:
    shown = samples("".join(exposition(health_of(found(run=None), False, dated=False))))
    assert not [name for name in shown if "timestamp" in name] and shown['revrec_last_run_outcome{outcome="none"}'] == 1


def test_the_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "revrec.prom"
    file.write_text("old")
    before = file.stat().st_ino
    write_metrics(file, health_of(found(), False, dated=False))
    assert file.read_text().startswith("# HELP revrec_health") and file.stat().st_ino != before
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_cannot_be_written_is_reported_and_the_old_one_stays(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be written: No such file or directory; choose a folder"):
        write_metrics(tmp_path / "no" / "x.prom", health_of(found(), False, dated=False))
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadInput, match="cannot be written"):
        write_metrics(tmp_path / "folder", health_of(found(), False, dated=False))
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
