"""Find the rules by which charge lines were planned: an event must not move a line to rules that were edited since.

Planned lines follow edited rules only with ``revrec schedule --rebuild``. The text of each rule version is stored, so
that it can be read again after the file was edited.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from revrec.core.charge_line import ChargeLine
from revrec.core.posting_options import target_changes
from revrec.core.rules import PostingTarget, Rule, RuleBook, RuleErrors, parse_all
from revrec.core.rules.costs import COST_MARK
from revrec.library import included_file
from revrec.store.rule_versions import RuleVersion, read_rule_text
from revrec.store.rules_applied import rules_of_plan
from revrec.store.schedules import rule_versions_in_force

if TYPE_CHECKING:
    from revrec.store.connection import Connection


class PlannedRules:
    """The rules of the schedules in force, each read once."""

    def __init__(self, connection: "Connection", book: RuleBook) -> None:
        self._connection = connection
        self._book = book
        self._rules: dict[int, Rule | None] = {}
        self._with_accounts: dict[tuple[int, PostingTarget], Rule] = {}

    def book_for(self, lines: Mapping[int, ChargeLine]) -> RuleBook:
        """Return the rule book in which each of these charge lines that has a schedule keeps its rule.

        A stored text that cannot be read any more, because a file that it names is gone, fixes nothing.
        """
        return self.book_of(lines, rule_versions_in_force(self._connection, list(lines)))

    def book_of(
        self, lines: Mapping[int, ChargeLine], versions: Mapping[int, int], posted: Collection[int] = ()
    ) -> RuleBook:
        """Return the same for lines whose rule versions are known, by their numbers.

        Those that are ``posted`` as a whole keep their rules too, but what an event recognizes again is posted where
        these rules post now: a rebuild since has no open line of theirs to move to other accounts.
        """
        rules = {no: rule for no, version in versions.items() if (rule := self._rule(version)) is not None}
        if posted and self._is_applied:
            rules |= {no: self._posting_now(rules[no], lines[no]) for no in posted if no in rules}
        return self._book.pinned({lines[no].id: rule for no, rule in rules.items()})

    @cached_property
    def _is_applied(self) -> bool:
        """Check if all schedules were derived from the present files, or would be the same."""
        planned = rules_of_plan(self._connection)
        return planned is not None and planned.files == self._book.files

    def _posting_now(self, rule: Rule, line: ChargeLine) -> Rule:
        """Return a planned rule with the accounts and options that the rule of its name has now for a charge line.

        Its text says so: with the text alone, an auditor would find other accounts in it than those on the entries.
        """
        present = self._book.rule_named(rule.name)
        post = present.posting_target(line) if present else rule.post
        if isinstance(post, str) or post == rule.post:
            return rule
        key = id(rule), post
        if key not in self._with_accounts:
            since = " ".join("; ".join(target_changes(rule.post, post)).split())
            text = f"{rule.text}\n\n# since then: {since}"
            sha256 = hashlib.sha256(text.encode()).hexdigest()
            self._with_accounts[key] = replace(rule, post=post, text=text, sha256=sha256)
        return self._with_accounts[key]

    def _rule(self, version: int) -> Rule | None:
        if version not in self._rules:
            self._rules[version] = self._read(read_rule_text(self._connection, version))
        return self._rules[version]

    def _read(self, stored: RuleVersion) -> Rule | None:
        post = PostingTarget(stored.deferred, stored.accrued, stored.journal, stored.memo, stored.options)
        present = self._book.rule_named(stored.name)
        same = present is not None and present.sha256 == stored.sha256
        rule = present if same else _parsed(stored, self._folder(), post)
        # The accounts are stored as they were found; a table may have others now.
        return rule and replace(rule, post=post, cells={}, text=stored.text, sha256=stored.sha256)

    def _folder(self) -> Path:
        """Return the folder of the rule files, from which a stored text finds its tables and calendars."""
        return next((Path(rule.file).parent for rule in self._book.rules), Path())


def _parsed(stored: RuleVersion, folder: Path, post: PostingTarget) -> Rule | None:
    name, _mark, cost = stored.name.partition(COST_MARK)
    try:
        rules, _repairs, _allocations = parse_all(
            {str(folder / stored.file): stored.text}, {**post._asdict()}, included_file
        )
    except RuleErrors:
        return None
    rule = next((one for one in rules if one.name == name), None)
    if rule is None or not cost:
        return rule
    return next((rule.for_cost(one) for one in rule.costs if one.name == cost), None)
