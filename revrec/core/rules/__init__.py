"""The rules engine: rule files in, a rule book out, which derives the schedule of any charge line."""

from revrec.core.rules.allocations import AllocationRule
from revrec.core.rules.book import RuleBook, RuleTrial
from revrec.core.rules.memo import render_memo
from revrec.core.rules.model import Rule, RuleErrors, RuleProblem
from revrec.core.rules.parser import Resolver, parse_all, parse_files, parse_rules
from revrec.core.rules.repairs import Repair
from revrec.core.schedule import PostingTarget

__all__ = [
    "AllocationRule",
    "PostingTarget",
    "Repair",
    "Resolver",
    "Rule",
    "RuleBook",
    "RuleErrors",
    "RuleProblem",
    "RuleTrial",
    "parse_all",
    "parse_files",
    "parse_rules",
    "render_memo",
]
