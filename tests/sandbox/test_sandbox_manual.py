"""``docs/sandbox.md`` is true: its tables match the code."""

import re
import runpy
from pathlib import Path

from revrec.sandbox.faults import parse_plan
from revrec.sandbox.functions import FUNCTIONS
from revrec.sandbox.reading.objects import OBJECTS

DOCS = Path(__file__).parents[2] / "docs"
MANUAL = (DOCS / "sandbox.md").read_text(encoding="utf-8")


def test_the_tables_of_the_manual_match_the_code() -> None:
    written = runpy.run_path(str(DOCS / "write_sandbox.py"))["written"](MANUAL)
    assert written == MANUAL, "update them with: python docs/write_sandbox.py"


def test_every_function_and_object_is_in_the_manual() -> None:
    names = [*FUNCTIONS, *(name for name in OBJECTS if name not in ("EMPLOYEE", "WAREHOUSE", "TASK", "COSTTYPE"))]
    assert [name for name in names if not re.search(rf"\b{name}\b", MANUAL)] == []


def test_the_plans_in_the_manual_are_valid() -> None:
    plans = re.findall(r'revrec sandbox fault "([^"]+)"', MANUAL)
    assert len(plans) == 4 and all(parse_plan(plan) for plan in plans)
