"""The rule book: all rules together, which derive the schedule of a charge line."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise, starmap
from types import MappingProxyType
from typing import NamedTuple

from revrec.core.anchors import Events
from revrec.core.charge_line import EVENT_KINDS, LOSS_MARK, ChargeLine
from revrec.core.constraint import CONSTRAINT, split_constrained
from revrec.core.holding import apply_holds, day_in_plan, days_before_holds, moving_holds, released_hold, resumed_plan
from revrec.core.methods.none import NotRevenue
from revrec.core.migration import (
    DIFFERS,
    as_imported,
    cutover_of,
    events_of_import,
    imported_price,
    migrate,
    migrate_ended,
    migrate_undated,
)
from revrec.core.money import divisible_amounts
from revrec.core.part_days import PlanPieces, cut, joined
from revrec.core.plain_schedule import plain_schedule
from revrec.core.pricing import (
    PRICE_EVENT_KINDS,
    AllocationStep,
    apply_allocation,
    apply_price_changes,
    price_changes,
    price_of,
    schedule_without_dates,
)
from revrec.core.recognition import AnchorDates, Method
from revrec.core.rules.allocations import AllocationRule
from revrec.core.rules.costs import COST_MARK, FINANCING, is_cost, is_financing, is_loss, sold_by
from revrec.core.rules.financing import InterestMethod
from revrec.core.rules.impairment import ImpairmentMethod
from revrec.core.rules.model import Rule, RuleErrors, RuleProblem
from revrec.core.rules.overlap import Ranked, as_problem, overlaps
from revrec.core.rules.patterns import Patterns, has_wildcard
from revrec.core.rules.repairs import Repair
from revrec.core.schedule import (
    CLOSED,
    UNDATED,
    DividedPlan,
    PlainSchedule,
    Plan,
    RecordedPlan,
    Schedule,
    SchedulePart,
    Unscheduled,
    explained,
    parts_on,
    split_undated,
    total_of,
)
from revrec.core.standalone import rounded

MOST_ITEMS_KEPT = 50_000
MOST_DATES_KEPT = 200_000
"""Bounds of the caches, so that memory stays flat however many items and dates there are."""

_FINE = 10**9
"""An amount in minor units that is fine enough to show which share of a plan is satisfied."""

REPORTS = frozenset(EVENT_KINDS) - {*PRICE_EVENT_KINDS, CONSTRAINT, "hold", "release"}
"""The kinds of event that can only date parts: they change neither the price nor what is on hold."""

PLAIN_CHANGES = frozenset(("credit", "price", "cancel", CONSTRAINT, "hold", "release"))
"""The kinds of event after which :meth:`RuleBook.derive_plain` can find the schedule."""

NOTHING = Unscheduled(CLOSED, "its amount is zero: there is nothing to recognize")
NOT_FINANCED_LATER = (
    "a contract line cannot have financing, since its invoices decide when it is paid: match it by a rule without "
    "[rule.financing]"
)
NOT_FINANCED = (
    "the interest of a contract in progress cannot begin with an event, since what accrued before the cutover would "
    "not be known: set the start of [rule.financing] to a date that the line states, such as service_start"
)
BEYOND = Unscheduled("impossible", "its dates would lie beyond the years 1 to 9999")


class RuleTrial(NamedTuple):
    """The result of one rule for a line: whether it matched, why or why not, and whether it wins."""

    rule: Rule
    matched: bool
    reason: str
    wins: bool


class _CutPlan(NamedTuple):
    """A shared plan whose parts are cut where changes fall within them; ``pieces`` is None if none does.

    ``ends`` has the date of the part of each piece.
    """

    plan: RecordedPlan
    pieces: PlanPieces | None
    ends: Sequence[date] = ()

    def resumed(self, begin: date, end: date) -> RecordedPlan | None:
        """Return the plan with whole parts again after a hold; None as for :func:`resumed_plan`."""
        found = resumed_plan(self.plan, begin, end)
        if found is None or self.pieces is None:
            return found
        # Cumulative shares of pieces add up to the share of their part, so weights can be added.
        parts = _whole_parts(self.pieces, parts_on(found.dates, found.weights))
        return found._replace(dates=tuple(day for day, _weight in parts), weights=tuple(one for _day, one in parts))

    def schedule(self, line: ChargeLine, changing: Events, whole: RecordedPlan, method: Method) -> PlainSchedule | None:
        """Return the schedule after changes, with the parts of the ``whole`` plan; None if it is not plain."""
        found = plain_schedule(self.plan, line, changing, method)
        if found is None or self.pieces is None:
            return found
        parts = tuple(starmap(SchedulePart, found.parts))
        # Most changes leave the pieces where they are: then the dates of their parts are known.
        is_in_place = tuple(day for day, _amount in parts) == self.plan.dates
        joined_parts = joined(parts, self.ends if is_in_place else self.pieces.dates_of(parts))
        return found._replace(plan=whole, parts=joined_parts, carried=0) if joined_parts else None


class _Entry:
    """A rule prepared for matching many lines."""

    __slots__ = (
        "checks",
        "cut",
        "divides",
        "first",
        "is_plain",
        "item",
        "last",
        "order",
        "plans",
        "recorded",
        "rivals",
        "rule",
    )

    def __init__(self, rule: Rule, order: int) -> None:
        self.rule = rule
        self.order = order
        self.first = rule.effective_from or date.min
        self.last = rule.effective_to or date.max
        self.item = next((it for it in rule.when if isinstance(it, Patterns) and it.field == "item"), None)
        self.checks = tuple(it.holds for it in rule.when if it is not self.item)
        self.rivals: list[_Entry] = []
        self.plans: dict[AnchorDates, DividedPlan] = {}
        self.recorded: dict[AnchorDates, RecordedPlan | None] = {}
        self.cut: dict[tuple[AnchorDates, frozenset[date], bool], _CutPlan | None] = {}
        self.is_plain = not (rule.constraint or rule.financing or rule.tables or rule.method.reshapes)
        self.divides = self.is_plain and rule.method.divides

    def matches(self, line: ChargeLine) -> bool:
        """Check whether the rule matches a line whose item is known to match."""
        if not self.first <= line.post_date <= self.last:
            return False
        for holds in self.checks:  # noqa: SIM110 - a generator for each line would take several times as long
            if not holds(line):
                return False
        return True


Candidates = tuple[_Entry, ...]
"""Rules that may match, in the order in which they are tried."""


class RuleBook:
    """Rules that go together: names unique, no two of equal priority on the same line.

    ``warnings`` lists pairs that cannot be compared because of a ``condition``. ``repairs`` and ``allocations`` are in
    the order in which they are tried. ``deferred`` is the deferred account of lines that no rule matches. ``files`` has
    the SHA-256 of each file that the rules come from, by its name.

    Raises:
        RuleErrors: names or priorities clash.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        repairs: Iterable[Repair] = (),
        allocations: Iterable[AllocationRule] = (),
        deferred: str = "",
        files: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.files = files
        self.deferred = deferred
        self.allocations = tuple(sorted(allocations, key=lambda one: -one.priority))
        self.repairs = tuple(sorted(repairs, key=lambda repair: -repair.priority))
        self.rules = tuple(sorted(rules, key=lambda rule: -rule.priority))
        self._entries = [_Entry(rule, order) for order, rule in enumerate(self.rules)]
        self._has_not_revenue = any(isinstance(rule.method, NotRevenue) for rule in self.rules)
        self.costs = {cost.name: cost for rule in self.rules for cost in rule.costs}
        self._costs = {cost.name: _Entry(rule.for_cost(cost), 0) for rule in self.rules for cost in rule.costs}
        self.warnings = self._cross_check()
        self._literal: dict[str, list[_Entry]] = {}
        self._wild: list[_Entry] = []
        self._sort_by_item()
        self._candidates: dict[str, Candidates] = {}
        # A list, so that books with pinned rules count on: each batch of events has another one.
        self._dates_kept = [0]
        self._pins: dict[str, _Entry] = {}
        self._pinned_rules: dict[int, _Entry] = {}

    def _cross_check(self) -> tuple[RuleProblem, ...]:
        """Reject certain clashes; keep the possible ones as warnings and for matching."""
        problems = duplicate_names(self.rules) + duplicate_names(self.repairs, "repair")
        problems += duplicate_names(self.allocations, "allocation") + _costs_named_twice(self.rules)
        warnings: list[RuleProblem] = []
        for repair, rival, certain in overlaps(self.repairs):
            (problems if certain else warnings).append(as_problem(repair, rival, certain, "repair"))
        for one, other, certain in overlaps(self.allocations):
            (problems if certain else warnings).append(as_problem(one, other, certain, "allocation"))
        warnings += _without_transfer(self.rules)
        entry_of = {id(entry.rule): entry for entry in self._entries}
        for rule, other_rule, certain in overlaps(self.rules):
            (problems if certain else warnings).append(as_problem(rule, other_rule, certain))
            entry_of[id(rule)].rivals.append(entry_of[id(other_rule)])
        if problems:
            raise RuleErrors(problems)
        return tuple(warnings)

    def _sort_by_item(self) -> None:
        for entry in self._entries:
            patterns = entry.item.patterns if entry.item else ("*",)
            if any(map(has_wildcard, patterns)):
                self._wild.append(entry)
            else:
                for item in dict.fromkeys(patterns):
                    self._literal.setdefault(item, []).append(entry)

    def pinned(self, rules: Mapping[str, Rule]) -> "RuleBook":
        """Return this book with the rules of some charge lines fixed: no other rule is tried for these ids."""
        if not rules:
            return self
        for rule in rules.values():
            if id(rule) not in self._pinned_rules:
                self._pinned_rules[id(rule)] = _Entry(rule, 0)
        book = copy(self)
        book._pins = {charge: self._pinned_rules[id(rule)] for charge, rule in rules.items()}
        return book

    def derive(
        self, line: ChargeLine, events: Events = (), steps: Sequence[AllocationStep] = ()
    ) -> Schedule | Unscheduled:
        """Derive the schedule of a charge line from its events, in order of recording, or the reason for having none.

        ``steps`` are the results of its contract's allocation, which change the amount.
        """
        entry = self._winner(line)
        if isinstance(entry, Unscheduled):
            return entry
        if entry.rule.financing or isinstance(entry.rule.method, InterestMethod):
            return self._financed(entry, line, events, steps)
        return self._allocated(entry, line, events, steps)

    def _financed(
        self, entry: "_Entry", line: ChargeLine, events: Events, steps: Sequence[AllocationStep]
    ) -> Schedule | Unscheduled:
        """Derive the schedule of a line whose price interest changes, or of the interest itself."""
        if line.is_migrated and not self._is_interest_known(entry.rule, line):
            return explained(Unscheduled("impossible", NOT_FINANCED), entry.rule)
        if line.is_ordered:
            return explained(Unscheduled("impossible", NOT_FINANCED_LATER), entry.rule)
        try:
            if isinstance(entry.rule.method, InterestMethod):
                return self._allocated(entry, line, entry.rule.method.ended(line, events), ())
            assert entry.rule.financing is not None
            changes = entry.rule.financing.steps(line, events)
        except OverflowError:
            return explained(BEYOND, entry.rule)
        its_line, its_events = apply_allocation(line, events, changes)
        # What may have to be given back is counted from what is billed, which is the price without the interest in it.
        return _with_words(self._allocated(entry, its_line, its_events, steps, line.amount), changes)

    @staticmethod
    def _is_interest_known(rule: Rule, line: ChargeLine) -> bool:
        """Check whether a line states the day on which its interest begins."""
        method = rule.financing.method if rule.financing else rule.method
        return isinstance(method, InterestMethod) and method.terms.start.find(line, ()) is not None

    def _allocated(
        self,
        entry: "_Entry",
        line: ChargeLine,
        events: Events,
        steps: Sequence[AllocationStep],
        billed: int | None = None,
    ) -> Schedule | Unscheduled:
        """Derive the schedule of a line at its share of its contract's price; ``billed`` is as for :meth:`_priced`."""
        if not any(step.words for step in steps):
            return self._priced(entry, line, events, billed)
        found = self._priced(entry, *apply_allocation(line, events, steps), line.amount if billed is None else billed)
        return _with_words(found, steps)

    def _priced(
        self, entry: "_Entry", line: ChargeLine, events: Events, billed: int | None = None
    ) -> Schedule | Unscheduled:
        """Derive the schedule of the included price of a line, and add the constrained amount to what waits.

        Percentages count from what is ``billed``, if that is not the line's amount.
        """
        if not (events or entry.rule.constraint):
            return self._derive(entry, line, events)
        try:
            apart = split_constrained(entry.rule.constraint, entry.rule.method, line, events, billed)
        except OverflowError:
            return explained(BEYOND, entry.rule)
        if apart is None:
            return self._derive(entry, line, events)
        changes = apart.events
        if line.is_migrated and events:
            of_import = events_of_import(events)
            before = split_constrained(entry.rule.constraint, entry.rule.method, line, of_import, billed)
            changes = as_imported(line, changes, before.events if before else of_import)
        return apart.merge_into(self._derive(entry, apart.line, changes))

    def constrained_part(self, line: ChargeLine, events: Events, steps: Sequence[AllocationStep] = ()) -> int:
        """Return what of a line is constrained after its events, in minor units; ``steps`` as in :meth:`derive`."""
        entry, billed = self._winner(line), None
        if isinstance(entry, Unscheduled) or not (events or entry.rule.constraint):
            return 0
        if any(step.words for step in steps):
            billed = line.amount
            line, events = apply_allocation(line, events, steps)
        try:
            apart = split_constrained(entry.rule.constraint, entry.rule.method, line, events, billed)
        except OverflowError:
            return 0
        return apart.left if apart else 0

    def _derive(self, entry: "_Entry", line: ChargeLine, events: Events) -> Schedule | Unscheduled:
        rule = entry.rule
        anchors = rule.method.anchors(line, events)
        if isinstance(anchors, Unscheduled):
            return _without_dates(rule, line, events) or _migrated_undated(rule, line, events, explained(anchors, rule))
        planned = entry.plans.get(anchors) or self._plan(entry, anchors)
        if isinstance(planned, Unscheduled):
            return explained(planned, rule)
        plan, explanation = planned.plan, planned.explanation
        parts = _parts(rule, plan, line.amount)
        if not (parts or events or rule.constraint or isinstance(rule.method, ImpairmentMethod)):
            return explained(NOTHING, rule)
        schedule = Schedule(rule, parts, explanation, plan=plan)
        if rule.tables:
            looked_up = _looked_up(rule, schedule, line)
            if isinstance(looked_up, Unscheduled):
                return looked_up
            schedule = looked_up
        if not (events or plan.waits or rule.method.reshapes or line.is_migrated):
            return schedule
        past = self._history_of_import(entry, line, anchors, events) if line.is_migrated else None
        return _changed(rule, anchors, schedule, plan, line, events, past)

    def _history_of_import(
        self, entry: "_Entry", line: ChargeLine, anchors: AnchorDates, events: Events
    ) -> tuple[SchedulePart, ...] | Unscheduled | None:
        """Return the historical parts of a migrated line whose dates an event has changed since; None if none has.

        What was recognized before the cutover is compared with the plan of that time. An event that changes the dates
        moves what is left, as it does on any line.
        """
        method = entry.rule.method
        if not events or method.is_dated_by_events or anchors == method.anchors(line, ()):
            return None
        found = self._derive(entry, line, imported_price(line, events).planned)
        if isinstance(found, Unscheduled):
            return found if found.code == DIFFERS else None
        return found.historical

    def divide(self, line: ChargeLine) -> DividedPlan | None:
        """Return the plan that divides the whole amount of a line without events; None if :meth:`derive` must.

        It saves the parts, which most schedules never need: the database computes them from the plan.
        """
        planned = None if line.is_migrated else self._divided_by(self._winner(line), line)
        return planned if planned and abs(line.amount) in planned.amounts else None

    def divided(self, line: ChargeLine, candidates: Candidates) -> DividedPlan | None:
        """Return the plan that divides a line without events if its amount is in the plan's ``amounts``; else None.

        ``candidates`` are the rules that may match its item. The line is not a cost.
        """
        return self._divided_by(_first_match(candidates, line), line)

    def _divided_by(self, entry: _Entry | Unscheduled | None, line: ChargeLine) -> DividedPlan | None:
        if entry is None or isinstance(entry, Unscheduled) or not entry.divides:
            return None
        anchors = entry.rule.method.anchors(line, ())
        if isinstance(anchors, Unscheduled):
            return None
        planned = entry.plans.get(anchors) or self._plan(entry, anchors)
        return None if isinstance(planned, Unscheduled) else planned

    def derive_plain(self, line: ChargeLine, events: Events) -> PlainSchedule | None:
        """Return the schedule of a line if it follows from a shared plan and from changes of its price and holds.

        Lines whose events report the same share the plan: it is made once. None if only :meth:`derive` can.
        """
        changing = [event for event in events if event.kind not in REPORTS]
        kinds = {event.kind for event in changing}
        entry = self._winner(line) if not line.is_migrated else None
        if entry is None or isinstance(entry, Unscheduled) or not entry.is_plain:
            return None
        if not kinds <= PLAIN_CHANGES:
            return None
        anchors = entry.rule.method.anchors(line, events)
        if isinstance(anchors, Unscheduled):
            return None
        if anchors not in entry.recorded:
            planned = entry.plans.get(anchors) or self._plan(entry, anchors)
            entry.recorded[anchors] = _recorded_plan(entry, planned, anchors)
        plan = entry.recorded[anchors]
        hold = released_hold(changing) if len(kinds) == 2 and "release" in kinds else None
        if hold and plan:
            changing, plan = [], self._resumed(entry, anchors, plan, changing, hold)
            plan = plan if plan and abs(line.amount) in plan.divisible else None
        if plan and plan.spans and changing:
            cut_plan = self._cut(entry, anchors, plan, changing)
            return cut_plan.schedule(line, changing, plan, entry.rule.method) if cut_plan else None
        return plain_schedule(plan, line, changing, entry.rule.method) if plan else None

    def _resumed(
        self, entry: _Entry, anchors: AnchorDates, plan: RecordedPlan, changing: Events, hold: tuple[date, date]
    ) -> RecordedPlan | None:
        """Return a shared plan after a hold that was released, which is the only change; None if it is not plain."""
        key = (*anchors, hold)
        if key not in entry.recorded:
            cut_plan = self._cut(entry, anchors, plan, changing) if plan.spans else _CutPlan(plan, None)
            found = cut_plan.resumed(*hold) if cut_plan else None
            # Each hold has its own plan, so these fill the cache as well.
            self._keep_dates(len(found.dates) if found else 1)
            entry.recorded[key] = found
        return entry.recorded[key]

    def _cut(self, entry: _Entry, anchors: AnchorDates, plan: RecordedPlan, changing: Events) -> _CutPlan | None:
        """Return a shared plan with the parts cut where changes fall within them; None if only :meth:`derive` can."""
        method = entry.rule.method
        priced = {event.date for event in changing if event.kind not in ("hold", "release")}
        # A change by the first day is the price from the start.
        if priced and min(priced) <= plan.spans[0].first:
            return None
        period_end = method.period_ends(anchors)
        try:
            days, moves = days_before_holds(method, changing, plan.spans[-1].last, period_end)
        except OverflowError:
            return None
        key = (anchors, frozenset(days | priced), moves)
        if key not in entry.cut:
            found = _cut_plan(plan, key[1], period_end if moves else None)
            self._keep_dates(len(found.plan.dates) if found else 1)
            entry.cut[key] = found
        return entry.cut[key]

    def _plan(self, entry: _Entry, anchors: AnchorDates) -> DividedPlan | Unscheduled:
        rule = entry.rule
        try:
            plan = rule.method.plan(anchors)
        except OverflowError:
            return BEYOND
        if isinstance(plan, Unscheduled):
            return plan
        divides = entry.divides and plan.waits is None
        amounts = divisible_amounts(plan.weights) if divides else range(0)
        planned = DividedPlan(rule, plan, f"{_why(rule)}; {plan.words}", amounts)
        self._keep_dates(len(plan.dates))
        entry.plans[anchors] = planned
        return planned

    def _keep_dates(self, count: int) -> None:
        """Count the dates of another plan; empty the caches of plans if these are too many."""
        self._dates_kept[0] += count
        if self._dates_kept[0] > MOST_DATES_KEPT:
            for other in (*self._entries, *self._costs.values(), *self._pinned_rules.values()):
                other.plans.clear()
                other.recorded.clear()
                other.cut.clear()
            self._dates_kept[0] = count

    def allocation_of(self, line: ChargeLine) -> AllocationRule | Unscheduled | None:
        """Return the allocation that matches a charge line, if any; Unscheduled if two of equal priority do."""
        if is_cost(line.line) or self._is_not_revenue(line):
            return None
        taking = [one for one in self.allocations if one.matches(line)]
        if len(taking) > 1 and taking[0].priority == taking[1].priority:
            names = " and ".join(f'"{one.name}" ({one.file}:{one.line})' for one in taking[:2])
            said = f"the allocations {names} both match at priority {taking[0].priority}; give one a higher priority"
            return Unscheduled("ambiguous", said)
        return taking[0] if taking else None

    def _is_not_revenue(self, line: ChargeLine) -> bool:
        # Amounts that are collected for others are not part of the price that is allocated (606-10-32-2).
        if not self._has_not_revenue:
            return False
        rule = self.match(line)
        return isinstance(rule, Rule) and isinstance(rule.method, NotRevenue)

    def remaining(self, line: ChargeLine, events: Events, day: date) -> Fraction:
        """Return how much of what a line promises is not satisfied at the end of a day, by its plan: from 1 down to 0.

        Changes of its price do not count, and nothing remains of a canceled line. Of a migrated line whose plan has
        nothing by that day, what was recognized before the cutover is satisfied.
        """
        entry = self._winner(line)
        if any(event.kind == "cancel" for event in events):
            return Fraction(0)
        if isinstance(entry, Unscheduled):
            return Fraction(1)
        reports = [event for event in events if event.kind not in (*PRICE_EVENT_KINDS, CONSTRAINT)]
        done = self._satisfied(entry, line._replace(cutover=None, recognized_before=0), reports, day)
        if not done and line.is_migrated and line.amount and day >= cutover_of(line):
            return 1 - min(max(Fraction(line.recognized_before, line.amount), Fraction(0)), Fraction(1))
        return 1 - done

    def _satisfied(self, entry: "_Entry", line: ChargeLine, reports: Events, day: date) -> Fraction:
        unit = self._derive(entry, line._replace(amount=_FINE), reports)
        if not isinstance(unit, Schedule):
            return Fraction(0)
        # A multiple of all weights is divided without rounding.
        whole = _FINE * (sum(unit.plan.weights) or 1) if unit.plan else _FINE
        found = self._derive(entry, line._replace(amount=whole), reports)
        assert isinstance(found, Schedule)
        return Fraction(sum(part.amount for part in found.parts if part.date <= day), whole)

    def match(self, line: ChargeLine) -> Rule | Unscheduled:
        """Return the rule for a charge line; Unscheduled if none matches, or two of equal priority do."""
        entry = self._winner(line)
        return entry if isinstance(entry, Unscheduled) else entry.rule

    def deferred_account(self, line: ChargeLine) -> str:
        """Return the deferred account of the rule that matches a charge line, else the default one."""
        rule = self.match(line)
        post = rule.posting_target(line) if isinstance(rule, Rule) else ""
        return self.deferred if isinstance(post, str) else post.deferred

    def rule_named(self, name: str) -> Rule | None:
        """Return the rule of this name, or the rule of a cost; None if the book has none."""
        cost = self._costs.get(name.rpartition(COST_MARK)[2]) if is_cost(name) else None
        return cost.rule if cost else next((rule for rule in self.rules if rule.name == name), None)

    def is_of_principal(self, rule: Rule) -> bool:
        """Check whether the rule of a cost posts to the revenue account of its line's rule: an agent owes it."""
        sold = self.rule_named(sold_by(rule.name))
        return sold is not None and sold.post.accrued == rule.post.accrued

    def costs_of(self, line: ChargeLine, steps: Sequence[AllocationStep] = ()) -> list[ChargeLine]:
        """Return the cost lines that its rule generates for a charge line; ``steps`` as in :meth:`derive`.

        Only the costs of a migrated line depend on its share of its contract's price.
        """
        if not self.costs:
            return []
        rule = self.match(line) if not is_cost(line.line) else None
        found = [cost.line_of(line) for cost in rule.costs] if isinstance(rule, Rule) else []
        return [self._migrated_cost(one, line, steps) for one in found if one is not None]

    def _migrated_cost(self, cost: ChargeLine, line: ChargeLine, steps: Sequence[AllocationStep]) -> ChargeLine:
        """Return a cost with the part of it that was expensed before the cutover, as its revenue was recognized."""
        if not line.is_migrated:
            return cost
        if is_financing(cost.line):
            # The rate is fixed at inception, so what has accrued follows from the days.
            return cost._replace(recognized_before=self.planned_before_cutover(cost) or 0)
        price = self.price_at_start(line, steps)
        if not price:
            return cost
        share = rounded(Fraction(cost.amount * line.recognized_before, price))
        cost = cost._replace(recognized_before=share)
        # Where the rule plans what was recognized, it also plans the cost: the share can differ from that by a cent.
        planned = self.planned_before_cutover(cost)
        is_as_planned = self.planned_before_cutover(line, steps) == line.recognized_before
        return cost if planned is None or not is_as_planned else cost._replace(recognized_before=planned)

    def price_at_start(self, line: ChargeLine, steps: Sequence[AllocationStep] = ()) -> int:
        """Return what a line earns before any change: its share of its contract's price, with the interest in it."""
        changes = [*steps[:1], *self.interest_changes(line)[:1]]
        return line.amount + sum(step.difference for step in changes)

    def planned_before_cutover(self, line: ChargeLine, steps: Sequence[AllocationStep] = ()) -> int | None:
        """Return what the rule of a migrated line plans before the cutover, in minor units; None without a plan."""
        found = self.derive(line._replace(cutover=None, recognized_before=0), (), steps)
        if isinstance(found, Unscheduled):
            return None
        return sum(part.amount for part in found.parts if part.date < cutover_of(line))

    def interest_changes(self, line: ChargeLine, events: Events = ()) -> Sequence[AllocationStep]:
        """Return how the financing of its rule changes the price of a line; empty if the rule has none."""
        rule = self.match(line)
        return rule.financing.steps(line, events) if isinstance(rule, Rule) and rule.financing else ()

    def waits_with_revenue(self, cost: str) -> bool:
        """Check whether a cost, by its charge's id, is constrained together with its revenue."""
        entry = self._costs.get(cost.rpartition(COST_MARK)[2])
        return entry is not None and entry.rule.constraint is not None

    def _winner(self, line: ChargeLine) -> "_Entry | Unscheduled":
        pin = self._pins.get(line.id) if self._pins else None
        if pin is not None:
            return pin
        if is_cost(line.line):
            name = line.line.rpartition(COST_MARK)[2]
            return self._costs.get(name) or Unscheduled("no_rule", f'no rule has a [[rule.cost]] of the name "{name}"')
        return _first_match(self.candidates(line.item), line) or Unscheduled("no_rule", _no_rule(line))

    def candidates(self, item: str) -> Candidates:
        """Return the rules that may match lines of an item, in the order in which they are tried."""
        found = self._candidates.get(item)
        return self._candidates_of(item) if found is None else found

    def _candidates_of(self, item: str) -> Candidates:
        found = [entry for entry in self._wild if entry.item is None or entry.item.matches(item)]
        found += self._literal.get(item, ())
        if len(self._candidates) >= MOST_ITEMS_KEPT:
            self._candidates.clear()
        candidates = tuple(sorted(found, key=lambda entry: entry.order))
        self._candidates[item] = candidates
        return candidates

    def explain(self, line: ChargeLine) -> list[RuleTrial]:
        """Explain for every rule, by priority, whether it matches the line and why or why not, and which one wins."""
        winner = self._winner(line)
        if is_cost(line.line):
            return [RuleTrial(winner.rule, True, "it is its cost", True)] if isinstance(winner, _Entry) else []
        trials = []
        for entry in self._entries:
            failure = _failure(entry, line)
            if failure is not None:
                trials.append(RuleTrial(entry.rule, False, failure, False))
            elif entry is winner:
                trials.append(
                    RuleTrial(
                        entry.rule, True, "all its conditions hold, and of the rules that match it comes first", True
                    )
                )
            else:
                reason = f"another that matches has the priority {entry.rule.priority} as well"
                if isinstance(winner, _Entry):
                    rule = winner.rule
                    reason = f'rule "{rule.name}" with priority {rule.priority} comes before it'
                trials.append(RuleTrial(entry.rule, True, f"all its conditions hold, but {reason}", False))
        return trials


def _recorded_plan(entry: _Entry, planned: DividedPlan | Unscheduled, anchors: AnchorDates) -> RecordedPlan | None:
    """Return a plan by its shares; None if its split has none, or if parts would have to be put together or in order.

    All that waits is one share at the end.
    """
    if isinstance(planned, Unscheduled):
        return None
    dates, weights, undated = planned.plan.dates, planned.rule.method.dividing_weights(planned.plan.weights), 0
    while weights and dates[-1] == UNDATED:
        dates, weights, undated = dates[:-1], weights[:-1], undated + weights[-1]
    if not weights or min(weights) < 1 or any(after <= before for before, after in pairwise(dates)):
        return None
    waits = planned.plan.waits if undated else None
    method = entry.rule.method
    is_changeable = method.divides and planned.plan.waits is None
    spans = method.spans(anchors) if is_changeable else ()
    return RecordedPlan(
        planned.rule,
        dates,
        weights,
        undated,
        waits,
        planned.explanation,
        is_changeable,
        divisible_amounts(weights),
        spans,
    )


def _cut_plan(plan: RecordedPlan, days: Collection[date], period_end: Callable[[date], date] | None) -> _CutPlan | None:
    """Return a shared plan cut after these days; None if its pieces are not in order."""
    pieces = cut(Plan(plan.dates, plan.weights, ""), plan.spans, days, plan.rule.method.day_count, period_end)
    if pieces is None:
        return _CutPlan(plan, None)
    dates, weights = pieces.plan.dates, pieces.plan.weights
    if any(after <= before for before, after in pairwise(dates)) or min(weights) < 1:
        return None
    fine = plan._replace(dates=dates, weights=weights, divisible=divisible_amounts(weights))
    return _CutPlan(fine, pieces, pieces.dates_of(parts_on(dates, weights)))


def duplicate_names(rules: Iterable[Ranked], what: str = "rule") -> list[RuleProblem]:
    """Return a problem for each rule whose name another already has."""
    seen: dict[str, Ranked] = {}
    problems = []
    for rule in rules:
        first = seen.setdefault(rule.name, rule)
        if first is not rule:
            message = f'the name "{rule.name}" is already used by the {what} at {first.file}:{first.line}'
            problems.append(RuleProblem(rule.file, rule.line, 1, f"{message}; give each {what} its own"))
    return problems


def _without_transfer(rules: Iterable[Rule]) -> Iterator[RuleProblem]:
    """Yield the rules whose revenue could be over time or at a point in time, and that do not say which."""
    for rule in rules:
        if rule.method.asks_for_transfer and not rule.transfer:
            name = rule.method.name
            said = f'rule "{rule.name}": {name} can be either: add transfer = "over_time" or "point_in_time"'
            yield RuleProblem(rule.file, rule.line, 1, said)


def _costs_named_twice(rules: Iterable[Rule]) -> list[RuleProblem]:
    seen: dict[str, Rule] = {}
    problems = []
    for rule in rules:
        for cost in rule.costs:
            first = seen.setdefault(cost.name, rule)
            if first is not rule or sum(one.name == cost.name for one in rule.costs) > 1:
                message = f'the name "{cost.name}" is used by another cost, of rule "{first.name}" ({first.file})'
                problems.append(RuleProblem(rule.file, rule.line, 1, f"{message}; give each cost its own"))
    return problems


def _first_match(candidates: Candidates, line: ChargeLine) -> _Entry | Unscheduled | None:
    """Return the first entry that matches a line, if any; Unscheduled if a rival of equal priority does too."""
    for entry in candidates:
        if entry.matches(line):
            return _unrivalled(entry, line) if entry.rivals else entry
    return None


def _unrivalled(entry: _Entry, line: ChargeLine) -> _Entry | Unscheduled:
    """Return the entry, unless a rival of equal priority matches too."""
    item = line.item
    rivals = [one for one in entry.rivals if (not one.item or one.item.matches(item)) and one.matches(line)]
    if not rivals:
        return entry
    names = " and ".join(f'"{one.rule.name}" ({one.rule.file}:{one.rule.line})' for one in (entry, *rivals))
    return Unscheduled(
        "ambiguous", f"the rules {names} both match at priority {entry.rule.priority}; give one a higher priority"
    )


def _parts(rule: Rule, plan: Plan, amount: int) -> tuple[SchedulePart, ...]:
    """Split the amount by the plan, without parts of zero."""
    amounts = rule.method.amounts(amount, plan.weights)
    parts = parts_on(plan.dates, amounts)
    return tuple(part for part in parts if part.amount) if 0 in amounts else parts


def _whole_split(rule: Rule, plan: Plan, amount: int) -> tuple[SchedulePart, ...]:
    return parts_on(plan.dates, rule.method.amounts(amount, plan.weights))


def _without_dates(rule: Rule, line: ChargeLine, events: Events) -> Schedule | Unscheduled | None:
    """Return the schedule of a line without known dates, if it was canceled or credited in full; else None."""
    if not events:
        return None
    schedule = schedule_without_dates(rule, _why(rule), line, events)
    found = _looked_up(rule, schedule, line) if schedule and rule.tables else schedule
    if isinstance(found, Schedule) and line.is_migrated:
        return migrate_ended(found, line, price_changes(line, events)[-1].date)
    return found


def _migrated_undated(rule: Rule, line: ChargeLine, events: Events, waits: Unscheduled) -> Schedule | Unscheduled:
    """Return the schedule of a migrated line that waits for an event; the reason if nothing of it was recognized."""
    if not (line.is_migrated and waits.code in ("waiting", "held")):
        return waits
    schedule = migrate_undated(rule, line, price_of(line, events), _why(rule), waits)
    return (_looked_up(rule, schedule, line) if rule.tables else schedule) if schedule else waits


def _changed(
    rule: Rule,
    anchors: AnchorDates,
    schedule: Schedule,
    plan: Plan,
    line: ChargeLine,
    events: Events,
    past: tuple[SchedulePart, ...] | Unscheduled | None,
) -> Schedule | Unscheduled:
    """Apply all that changes a planned schedule; ``past`` is as for :func:`_shaped`."""
    try:
        return _shaped(rule, schedule, _service_days(rule, anchors, plan, line, events), plan, line, events, past)
    except OverflowError:
        return explained(BEYOND, rule)


class _ServiceDays(NamedTuple):
    """The first day of a service, and its plan cut where a price change or a hold falls within a month, if one does."""

    begins: date
    pieces: PlanPieces | None


def _service_days(
    rule: Rule, anchors: AnchorDates, plan: Plan, line: ChargeLine, events: Events
) -> _ServiceDays | None:
    """Return the days that the parts of a plan are for.

    Return None if no event and no cutover can cut them, or the parts are not for days.
    """
    spans = rule.method.spans(anchors) if (events or line.is_migrated) and not plan.waits else ()
    if not spans:
        return None
    begins = spans[0].first
    period_end = rule.method.period_ends(anchors)
    days, moves = days_before_holds(rule.method, events, spans[-1].last, period_end)
    holds = moving_holds(events, rule.method) if moves else ()
    days |= {day_in_plan(change.date, holds) for change in price_changes(line, events) if change.date > begins}
    until = None
    if line.is_migrated:
        # A historical part stays whole: its last days may be after the cutover, and would count as still to come.
        spans = [span for span in spans if span.falls_on >= cutover_of(line)]
        until = _last_day_before_cutover(rule, plan, line)
        days |= {until} if until else set()
    if not days:
        return _ServiceDays(begins, None)
    return _ServiceDays(begins, cut(plan, spans, days, rule.method.day_count, period_end if moves else None, until))


def _last_day_before_cutover(rule: Rule, plan: Plan, line: ChargeLine) -> date | None:
    """Return the day before the cutover of a migrated line, if the days of its month up to it count as recognized.

    The other system may have recognized whole months only. Then the month of the cutover is all to come.
    """
    first = cutover_of(line)
    before = total_of([part for part in _parts(rule, plan, line.amount) if part.date < first])
    return None if before == line.recognized_before else first - timedelta(days=1)


def _shaped(
    rule: Rule,
    schedule: Schedule,
    days: _ServiceDays | None,
    plan: Plan,
    line: ChargeLine,
    events: Events,
    past: tuple[SchedulePart, ...] | Unscheduled | None = None,
) -> Schedule | Unscheduled:
    """Apply waiting shares, the rule's reshaping, a cutover, price changes and holds to a schedule, in this order.

    ``past`` are the historical parts of a migrated line, if its dates have changed since it was imported.

    Raises:
        OverflowError: a date is outside the years 1 to 9999.
    """
    if isinstance(past, Unscheduled):
        return past
    if days and days.pieces:
        fine = days.pieces.plan
        found = _shaped(rule, schedule._replace(plan=fine), days._replace(pieces=None), fine, line, events, past)
        return found if isinstance(found, Unscheduled) else _joined(found, days.pieces, plan)
    waits = explained(plan.waits.of(line), rule) if plan.waits else None

    def shape(
        split: tuple[SchedulePart, ...],
    ) -> tuple[tuple[SchedulePart, ...], tuple[SchedulePart, ...]] | Unscheduled:
        parts, waiting = split_undated(split) if waits else (split, ())
        if not (rule.method.reshapes and parts):
            return parts, waiting
        reshaped = rule.method.reshaped(line, events, parts, min(plan.dates))
        return explained(reshaped, rule) if isinstance(reshaped, Unscheduled) else (reshaped, waiting)

    # A part that gets no cent of one price may get some of the next one.
    divide = _whole_split if events or days else _parts

    def whole(price: int) -> tuple[SchedulePart, ...]:
        shaped = shape(divide(rule, plan, price))
        return () if isinstance(shaped, Unscheduled) else shaped[0] + shaped[1]

    shaped = shape(divide(rule, plan, line.amount) if events or days else schedule.parts)
    if isinstance(shaped, Unscheduled):
        return shaped
    parts, waiting = shaped
    schedule = schedule._replace(parts=parts, waiting=waiting)
    begins = days.begins if days else None
    if line.is_migrated:
        planned, later, events = imported_price(line, events)
        schedule = apply_price_changes(schedule, line, planned, whole, begins) if planned else schedule
        migrated = migrate(schedule, line) if past is None else schedule._replace(historical=past)
        if isinstance(migrated, Unscheduled):
            return migrated
        schedule, line = migrated, later
    holds = moving_holds(events, rule.method)
    schedule = apply_price_changes(schedule, line, events, whole, begins, holds)
    schedule = schedule._replace(waits=waits if schedule.waiting else None)
    return apply_holds(schedule, line, events, holds) if events else schedule


def _joined(schedule: Schedule, pieces: PlanPieces, plan: Plan) -> Schedule:
    """Make one part of the pieces of each month again."""
    dates = pieces.dates_of(schedule.parts)
    waiting = _whole_parts(pieces, schedule.waiting)
    return schedule._replace(
        parts=joined(schedule.parts, dates), waiting=waiting, plan=plan, pieces=schedule, piece_dates=tuple(dates)
    )


def _whole_parts(pieces: PlanPieces, parts: tuple[SchedulePart, ...]) -> tuple[SchedulePart, ...]:
    return joined(parts, pieces.dates_of(parts))


def _with_words(found: Schedule | Unscheduled, steps: Sequence[AllocationStep]) -> Schedule | Unscheduled:
    """Add the explanation of what changes the price, such as the contract's allocation, to the outcome."""
    words = "; ".join(step.words for step in steps if step.words)
    if isinstance(found, Unscheduled):
        return found._replace(reason=f"{found.reason}; {words}")
    return found._replace(explanation=f"{found.explanation}; {words}")


def _failure(entry: _Entry, line: ChargeLine) -> str | None:
    rule = entry.rule
    if rule.effective_from and line.post_date < rule.effective_from:
        return f"post date {line.post_date} is before its first, {rule.effective_from}"
    if rule.effective_to and line.post_date > rule.effective_to:
        return f"post date {line.post_date} is after its last, {rule.effective_to}"
    return next((condition.failure(line) for condition in rule.when if not condition.holds(line)), None)


def _why(rule: Rule) -> str:
    if is_cost(rule.name):
        of, _mark, name = rule.name.rpartition(COST_MARK)
        if is_loss(rule.name):
            return f'the impairment loss of the cost "{name.removesuffix(LOSS_MARK)}" of rule "{of}"'
        kind = "interest" if name.startswith(FINANCING) else "cost"
        return f'the {kind} "{name}" of rule "{of}"'
    return f'rule "{rule.name}" matches and comes first by its priority {rule.priority}'


def _no_rule(line: ChargeLine) -> str:
    about = f"item {line.item}, customer {line.customer}, {line.currency}, posted {line.post_date}"
    return f"no rule matches ({about}): `revrec rules explain {line.id}` shows why; write a rule for it"


def _looked_up(rule: Rule, schedule: Schedule, line: ChargeLine) -> Schedule | Unscheduled:
    """Add what lookup tables say of the line to the schedule; Unscheduled if they do not say where it posts."""
    post = rule.posting_target(line)
    if isinstance(post, str):
        return explained(Unscheduled("impossible", post), rule)
    return schedule._replace(explanation=schedule.explanation + rule.describe_lookups(line), table_target=post)
