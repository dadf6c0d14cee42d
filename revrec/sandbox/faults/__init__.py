"""Faults on purpose: what can go wrong (kinds), when (plan), and how it is played on a request (exchange)."""

from revrec.sandbox.faults.kinds import KINDS, FaultKind
from revrec.sandbox.faults.plan import HEADER, Fault, FaultPlan, FaultPlanError, parse_plan

__all__ = ["HEADER", "KINDS", "Fault", "FaultKind", "FaultPlan", "FaultPlanError", "parse_plan"]
