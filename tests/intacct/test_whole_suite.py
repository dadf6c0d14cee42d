"""The tests of the client against the sandbox, and of jobs that post, under other settings of its switches.

Each turn sets many switches, so that all turns finish within minutes. If a turn fails, set REVREC_TEST_SWITCHES to one
of its settings at a time to find the one that fails.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from revrec.sandbox.company.switches import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
SUITE = (
    "tests/intacct/test_against_the_sandbox.py",
    "tests/jobs/test_jobs_run.py",
    "tests/jobs/test_jobs_faults.py",
    "tests/jobs/test_jobs_resolve.py",
)
MORE = (
    "tests/jobs/test_jobs_retries.py",
    "tests/jobs/test_jobs_edges.py",
    "tests/jobs/test_jobs_two_workers.py",
    "tests/jobs/test_jobs_trace.py",
)
TURNS: dict[str, dict[str, Any]] = {
    "strict": {
        "location_required": True,
        "masters": "strict",
        "empty_rate_type": False,
        "currency_required": True,
        "closed_period_text": "on_or_after",
        "closed_period_errorno": "BL03000130",
        "closed_books_date": "refuse",
        "max_title": 30,
        "over_long": "cut",
        "login_refusal": "http401",
        "session_endpoint": "own",
        "lockout_after": 3,
        "session_minutes": 1,
        "base_rounding": "reject",
        "control_id_scope": "company",
        "control_id_case": "ignored",
        "control_id_length": "cut",
        "remember_nonunique": True,
        "duplicate_errorno": "GW-0010",
        "concurrent_errorno": "BL01001973",
        "aborting_status": "aborted",
    },
    "lenient": {
        "multi_currency": False,
        "max_title": 255,
        "max_reference": 45,
        "max_journal": 4,
        "max_document": 60,
        "max_description": 1000,
        "extra_decimals": "round",
        "unknown_fields": "ignore",
        "iso_dates": True,
        "session_alone": "allow",
        "login_on_session_endpoint": "allow",
        "lockout_after": 0,
        "duplicate_invoices": "allow",
        "duplicate_errorno": "XL03000009",
    },
    "approval": {"approval": True, "duplicate_errorno": "BL01001973"},
}
OTHERWISE = {
    "multi_currency": ("currenc", "test_a_foreign_currency"),
    "closed_books_date": ("test_a_closed_period_is_rejected_and_reported",),
    "approval": ("as_it_was_sent", "balances_move", "test_jobs"),
}
"""Tests of behavior that a setting turns off, by parts of their names.

Under approval, no entry of a run is posted before it is approved: see test_jobs_approvals and test_jobs_both_settings.
"""
NO_TESTS = 5
"""The exit code of pytest if a setting leaves no test of a suite."""


def test_the_turns_hold_every_setting() -> None:
    played = {(name, setting) for turn in TURNS.values() for name, setting in turn.items()}
    assert played == {(name, setting) for name, settings in SETTINGS.items() for setting in settings[1:]}


@pytest.mark.parametrize(
    "suite",
    [pytest.param(SUITE, marks=pytest.mark.slow, id="suite"), pytest.param(MORE, marks=pytest.mark.long, id="more")],
)
@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS)
def test_the_suite_is_green_under_other_settings(turn: dict[str, Any], suite: tuple[str, ...]) -> None:
    left_out = " or ".join(("[postgresql", *(part for name in turn for part in OTHERWISE.get(name, ()))))
    words = ["-q", "--tb=short", "-p", "no:cacheprovider", "-k", f"not ({left_out})"]
    played = subprocess.run(
        [sys.executable, "-m", "pytest", *words, *suite],
        cwd=ROOT,
        env={**os.environ, "REVREC_TEST_SWITCHES": json.dumps(turn)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert played.returncode == 0 or ("approval" in turn and suite is MORE and played.returncode == NO_TESTS), (
        played.stdout[-5000:]
    )
