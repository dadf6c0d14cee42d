"""Injected faults: the kinds of faults, the plan that says when they occur, and their effects."""

from revrec.sandbox.faults.kinds import KINDS, FaultKind
from revrec.sandbox.faults.plan import HEADER, Fault, FaultPlan, FaultPlanError, parse_plan

__all__ = ["HEADER", "KINDS", "Fault", "FaultKind", "FaultPlan", "FaultPlanError", "parse_plan"]
