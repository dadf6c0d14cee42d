"""The rules engine: rule files in, a rule book out, which derives the schedule of any charge line."""

from revrec.core.rules.allocations import AllocationRule
from revrec.core.rules.book import RuleBook, Trial
from revrec.core.rules.memo import render_memo
from revrec.core.rules.model import Problem, Rule, RuleErrors
from revrec.core.rules.parser import Resolver, parse_all, parse_files, parse_rules
from revrec.core.rules.repairs import Repair
from revrec.core.schedule import Post

__all__ = [
    "AllocationRule",
    "Post",
    "Problem",
    "Repair",
    "Resolver",
    "Rule",
    "RuleBook",
    "RuleErrors",
    "Trial",
    "parse_all",
    "parse_files",
    "parse_rules",
    "render_memo",
]
