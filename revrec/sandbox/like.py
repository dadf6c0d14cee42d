"""Switches from the report of a probe, so that the sandbox behaves like the company that was asked."""

from __future__ import annotations

import json
from pathlib import Path

from revrec.sandbox.switches import Switches


def switches_like(report: Path) -> dict[str, object]:
    """The switches of a report. Raises ValueError naming the file and what is wrong with it."""
    try:
        found = json.loads(report.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{report}: cannot be read as the report of a probe: {error}") from None
    switches = found.get("switches") if isinstance(found, dict) else None
    if not isinstance(switches, dict):
        raise ValueError(f"{report}: it has no switches; write one with: revrec doctor --probe --report {report}")
    trial = Switches()
    for name, value in switches.items():
        try:
            trial.set(str(name), value)
        except ValueError as error:
            raise ValueError(f"{report}: {error}") from None
    return switches
