"""The rules engine: rule files in, a rule book out, which derives the schedule of any charge line."""

from revrec.core.rules.book import RuleBook, Trial
from revrec.core.rules.memo import render_memo
from revrec.core.rules.model import Post, Problem, Rule, RuleErrors
from revrec.core.rules.parser import Resolver, parse_files, parse_rules

__all__ = [
    "Post",
    "Problem",
    "Resolver",
    "Rule",
    "RuleBook",
    "RuleErrors",
    "Trial",
    "parse_files",
    "parse_rules",
    "render_memo",
]
