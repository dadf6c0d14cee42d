"""Write schedules: the first one of a new charge line, and a new version when rules or events changed."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property, partial
from itertools import starmap
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.change import replan, take_back
from revrec.core.charge_columns import ChargeColumns
from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.migration import DIFFERS, after_cutover
from revrec.core.money import decimal_string
from revrec.core.posting_options import target_changes
from revrec.core.pricing import AllocationStep, apply_allocation, describe_price_changes, price_of
from revrec.core.rules import RuleBook
from revrec.core.schedule import (
    CLOSED,
    NOT_REVENUE,
    SETTLED,
    UNDATED,
    DividedPlan,
    PlainSchedule,
    PostingTarget,
    RecordedPlan,
    Remaining,
    Schedule,
    SchedulePart,
    ScheduleRule,
    Unscheduled,
    cancel_out,
    or_unscheduled,
    total_of,
)
from revrec.core.take_back import PartOnAccounts, on_posted_accounts
from revrec.jobs.posting.rejections import replannable_entries
from revrec.jobs.scheduling.contracts import Contracts
from revrec.jobs.scheduling.first_schedules import MOST_PLANS_KEPT, FirstSchedules
from revrec.jobs.scheduling.planned_rules import PlannedRules
from revrec.jobs.scheduling.rule_changes import RuleChanges
from revrec.jobs.scheduling.rule_versions import VersionKeeper
from revrec.store import billing, charges, contracts, events, schedules
from revrec.store.audit import record
from revrec.store.plans import SHARES, ChangedPlan, PlanKeeper, SharedPlan, SplitAmount, changed_plan, make_split
from revrec.store.posting import postings
from revrec.store.rules_applied import note_rules, rules_of_plan
from revrec.store.schedules import (
    AllocatedDifference,
    SchedulePriceChange,
    ScheduleVersion,
    UnscheduledLine,
    WaitingAmount,
    make_price_change,
    make_version,
)
from revrec.store.schedules_in_force import STOPPED, ScheduleInForce, SchedulesInForce

if TYPE_CHECKING:
    from revrec.store.audit import AuditStamp
    from revrec.store.connection import Connection
    from revrec.store.digests import RowDigest


class ScheduleChange(NamedTuple):
    """A schedule that is new or was replaced, or would be. Amounts are in minor units of the currency."""

    charge: str
    currency: str
    rule: str
    posted: int
    before: Sequence[tuple[date, int]]
    after: Sequence[tuple[date, int]]
    note: str
    entity: str


class _LineState(NamedTuple):
    """A charge line before it is rescheduled: its events, and its schedule.

    ``book`` has the rule that the line follows. ``before`` are its events before some were recorded or withdrawn; None
    if its events are the same. ``allocated`` is the allocated difference that the schedule in force includes already,
    in minor units.
    """

    no: int
    line: ChargeLine
    book: RuleBook
    recorded: Sequence[FulfillmentEvent]
    before: Sequence[FulfillmentEvent] | None
    current: ScheduleInForce | None
    allocated: int


_make_change: Callable[[tuple[Any, ...]], ScheduleChange] = partial(tuple.__new__, ScheduleChange)
_make_state: Callable[[tuple[Any, ...]], _LineState] = partial(tuple.__new__, _LineState)
"""Make them from all their values; twice as fast as calling the classes, for each line that an event changes."""


class _WantedSchedule(NamedTuple):
    """The schedule that should replace the one in force: what is left of the derived one, and the new price.

    ``base`` is the amount of the line before any change of its price, in minor units. ``parts`` are those that are
    left, with their accounts: several where one takes back from several accounts.
    """

    derived: Schedule
    left: Remaining
    base: int
    price: int
    parts: tuple[PartOnAccounts, ...]
    price_change: SchedulePriceChange | None
    allocated: AllocatedDifference | None


class Scheduler:
    """The writer of schedules in one transaction: it derives them and collects their rows until :meth:`flush`.

    Charge lines with a schedule keep the rule that planned them; with ``rebuild`` they follow the rules of the book.
    The changes that it returns may be without their notes if ``has_notes`` is false, which is faster.
    """

    def __init__(
        self,
        connection: "Connection",
        book: RuleBook,
        who: "AuditStamp",
        audit_seq: int,
        rebuild: bool = False,
        has_notes: bool = True,
    ) -> None:
        self._has_notes = has_notes
        self._connection = connection
        self._book = book
        self._who = who
        self._audit_seq = audit_seq
        self.contracts = Contracts(connection, book, who, audit_seq)
        self._released: set[int] = set()
        self._planned_rules = None if rebuild else PlannedRules(connection, book)
        self._rule_changes = RuleChanges(connection) if rebuild else None
        self._rule_versions = VersionKeeper(connection, who)
        self._plans = PlanKeeper(connection)
        self._in_force = SchedulesInForce(connection)
        self._shared: dict[int, tuple[DividedPlan | RecordedPlan, SharedPlan]] = {}
        self._changed: dict[tuple[int, int, int, date], tuple[SharedPlan, ChangedPlan]] = {}
        self._first_schedules = FirstSchedules(connection, book, self._rule_versions, self._plans)
        self._new_versions: list[ScheduleVersion] = []
        self._unscheduled: list[UnscheduledLine] = []
        self._arrival_accounts: dict[int, str] = {}
        self._are_revenue: dict[int, bool] = {}
        self._replaced: list[tuple[int, int]] = []
        self._are_rules_noted = False
        self.scheduled = 0
        self.unscheduled = 0

    def schedule_new(self, no: int, line: ChargeLine) -> None:
        """Schedule a charge line that was never scheduled and has no events."""
        divided = self._book.divide(line)
        if divided is not None:
            self._add_divided(no, line.amount, divided)
            return
        derived = or_unscheduled(self._book.derive(line, ()))
        if isinstance(derived, Unscheduled):
            self._add_unscheduled(no, line, derived)
        else:
            left = Remaining(derived.parts, total_of(derived.waiting))
            if line.is_migrated:
                left = after_cutover(derived.remaining(derived.historical), line)
            more, change = self._of_interest(line)
            self._add_version(no, 1, line.amount + more, line.amount + more, derived, left, price_change=change)

    def _of_interest(self, line: ChargeLine) -> tuple[int, SchedulePriceChange | None]:
        """Return how much interest changes the price of a new line, in minor units, as a change of its price."""
        changes = self._book.interest_changes(line)
        more = changes[0].difference if changes else 0
        return more, SchedulePriceChange(more, changes[0].words) if more else None

    def add_billing(self, no: int, ordered: ChargeLine) -> None:
        """Note the deferred account of a line that bills a contract line: the one that the contract line names now."""
        self._arrival_accounts[no] = self._book.deferred_account(ordered)

    def schedule_columns(self, first: int, columns: ChargeColumns) -> None:
        """Schedule charge lines that were never scheduled and have no events, numbered from ``first`` on."""
        alone = self._first_schedules.add(first, columns)
        self.scheduled += len(columns.amount) - len(alone)
        for at in alone:
            self.schedule_new(first + at, columns.at(at))

    def _add_divided(self, no: int, amount: int, divided: DividedPlan) -> None:
        """Add the first version of a schedule whose plan divides the whole amount, without deriving its lines."""
        rule = self._rule_versions.id_of(divided.rule, divided.rule.post)
        shares = self._shares_kept(divided, divided.plan.dates, divided.plan.weights)
        words = divided.explanation
        new = ScheduleVersion(no, 1, rule, amount, 0, 1, (), words, self._audit_seq, divided=shares)
        self._new_versions.append(new)
        self.scheduled += 1

    def reschedule(
        self,
        numbers: Sequence[int],
        new_events: Mapping[int, int] = MappingProxyType({}),
        before: Mapping[int, Sequence[FulfillmentEvent]] = MappingProxyType({}),
        lines: Mapping[int, ChargeLine] = MappingProxyType({}),
        recorded: Mapping[int, Sequence[FulfillmentEvent]] = MappingProxyType({}),
    ) -> list[ScheduleChange]:
        """Derive the schedules of these charge lines and of their contracts again; write a version for each change.

        Amounts on journal entries stay. If events move a plan, the rule's ``on_change`` decides how posted amounts are
        treated: new ones (``new_events``: their number by charge line), or withdrawn ones (``before``: the events of a
        charge line before that). If a rebuild changes the rule, only the rest is planned again. The lines of a rejected
        entry are open again, unless Intacct must be searched for the entry first. ``lines`` and ``recorded`` are the
        lines that are read already, and all their events that no one withdrew.
        """
        states = self._states(numbers, new_events, before, lines, recorded)
        changes = [self._reschedule_line(state) for state in states]
        self.flush()
        return [change for change in changes if change]

    def void(self, numbers: Sequence[int], reason: str) -> list[ScheduleChange]:
        """End the schedules of charge lines that should never have arrived: nothing of them is due or waits.

        Only lines that were reversed for good stay on their entries.
        """
        current = self._in_force.of(numbers, self._released_by_rejection)
        why = f"voided: {reason}"
        changes = []
        for no, line in charges.read_charges(self._connection, numbers):
            now = current.get(no)
            if now is None:
                self._unscheduled.append(UnscheduledLine(no, CLOSED, why, None, 0, self._audit_seq))
            else:
                changes.append(self._end_schedule(no, line, now, why))
        self.flush()
        return changes

    def _end_schedule(self, no: int, line: ChargeLine, now: ScheduleInForce, why: str) -> ScheduleChange:
        posted = now.posted_amount
        change = SchedulePriceChange(posted - now.amount, why) if posted != now.amount else None
        return self._end_open_lines(no, line, now, why, amount=posted, plan=() if now.posted else None, change=change)

    def _end_open_lines(
        self,
        no: int,
        line: ChargeLine,
        now: ScheduleInForce,
        why: str,
        amount: int,
        plan: Sequence[tuple[date, int]] | None,
        change: SchedulePriceChange | None = None,
        waiting: WaitingAmount | None = None,
    ) -> ScheduleChange:
        """Add a version without open lines: nothing more of the charge line is due."""
        self._release_lines(now.refused)
        posted = now.posted_amount
        self._replaced.append((no, now.version + 1))
        self._new_versions.append(
            ScheduleVersion(
                charge_no=no,
                version=now.version + 1,
                rule_version_id=now.rule_version_id,
                amount=amount,
                posted=posted,
                first_seq=len(now.posted_by) + 1,
                parts=(),
                explanation=why,
                audit_seq=self._audit_seq,
                waiting=waiting,
                plan=plan,
                price_change=change,
            )
        )
        return ScheduleChange(line.id, line.currency, "", posted, now.open, (), why, line.entity)

    def is_current(self, no: int) -> bool:
        """Check that :meth:`reschedule` would report no change of a charge line; write nothing."""
        if charges.voided(self._connection, [no]):
            return True
        (state,) = (one for one in self._states([no]) if one.no == no)
        wanted = self._wanted_schedule(state)
        if isinstance(wanted, Unscheduled):
            return not (state.current and state.current.open)
        return wanted is None

    def _states(
        self,
        numbers: Sequence[int],
        new_events: Mapping[int, int] = MappingProxyType({}),
        before: Mapping[int, Sequence[FulfillmentEvent]] = MappingProxyType({}),
        known: Mapping[int, ChargeLine] = MappingProxyType({}),
        known_events: Mapping[int, Sequence[FulfillmentEvent]] = MappingProxyType({}),
    ) -> Iterator[_LineState]:
        """Settle the contracts of these charge lines, and yield the lines of them all.

        Voided lines and lines that bill contract lines are left out.
        """
        of_contracts = self.contracts.of_whole_contracts(numbers)
        if of_contracts:
            numbers = sorted({*numbers, *of_contracts})
        void = charges.voided(self._connection, numbers)
        without = void | billing.ordered_of(self._connection, numbers).keys()
        numbers = [no for no in numbers if no not in without] if without else numbers
        unread = [no for no in numbers if no not in known_events]
        recorded = {**known_events, **events.events_of_charges(self._connection, unread)}
        current = self._in_force.of(numbers, self._released_by_rejection)
        lines = self._lines_of(numbers, known)
        book = self._book
        if self._planned_rules:
            versions = {no: one.rule_version_id for no, one in current.items()}
            posted = [no for no, one in current.items() if one.posted and not (one.open or one.waiting[0])]
            book = self._planned_rules.book_of(lines, versions, posted)
        allocated: Mapping[int, int] = {}
        if of_contracts:
            self.contracts.settle(lines, recorded, current, (*new_events, *before), book)
            allocated = contracts.allocated_to(self._connection, numbers)
        for no, line in lines.items():
            its_own: Sequence[FulfillmentEvent] = recorded.get(no, ())
            earlier = its_own[: -new_events[no]] if new_events.get(no) else before.get(no)
            yield _make_state((no, line, book, its_own, earlier, current.get(no), allocated.get(no, 0)))

    def _lines_of(self, numbers: Sequence[int], known: Mapping[int, ChargeLine]) -> Mapping[int, ChargeLine]:
        """Return charge lines in the order of their numbers; ``known`` are those that are read already."""
        others = [no for no in numbers if no not in known]
        if not others:
            return {no: known[no] for no in sorted(numbers)}
        read = charges.read_charges(self._connection, others)
        return dict(sorted([*read, *((no, known[no]) for no in numbers if no in known)]))

    def _reschedule_line(self, state: _LineState) -> ScheduleChange | None:
        """Write a new version of one schedule if it differs from the one in force; return the change, if any."""
        plain = self._plain_schedule(state)
        if plain:
            return self._replace_by_plain(state, plain)
        wanted = self._wanted_schedule(state)
        if isinstance(wanted, Unscheduled):
            return self._keep_schedule(state, wanted)
        return self._replace_schedule(state, wanted) if wanted else None

    def _wanted_schedule(self, state: _LineState) -> _WantedSchedule | Unscheduled | None:
        """Return the schedule that should replace the one in force; None if that is right."""
        line, current = state.line, state.current
        steps = self.contracts.outcome(state.no)
        derived = steps if isinstance(steps, Unscheduled) else state.book.derive(line, state.recorded, steps)
        if current is None:
            # A first schedule needs a dated part. A later one may consist only of waiting amounts, so that what was
            # posted before keeps its schedule.
            derived = or_unscheduled(derived)
        if isinstance(derived, Unscheduled) and not isinstance(steps, Unscheduled):
            derived = self._all_waits(state, derived, steps) or self._price_only(state, steps) or derived
        if isinstance(steps, Unscheduled) or isinstance(derived, Unscheduled):
            assert isinstance(derived, Unscheduled)
            waits = current is not None and current.waiting[1] == derived.reason
            return None if waits else derived
        earning, price_events = apply_allocation(line, state.recorded, steps) if steps else (line, state.recorded)
        interest = state.book.interest_changes(line, state.recorded)
        if interest:
            earning, price_events = apply_allocation(earning, price_events, interest)
        price = total_of(derived.all_parts)
        allocated = (steps[-1].difference if steps else 0) - state.allocated
        price_change = price - (current.amount if current else line.amount) - allocated
        moved = self._do_events_move_plan(state, derived, steps)
        if moved and current and not derived.parts and not derived.on_hold and _is_withdrawn(state):
            left = take_back(current.posted, price, line.currency)
        else:
            left = _remaining(earning, price, derived, current, moved)
        if line.is_migrated:
            left = after_cutover(left, line)
        # A line that is credited down to nothing has no sign, but its plan has.
        is_positive = (earning.amount or price) > 0
        parts = self._on_accounts(left, current, derived.post, is_positive)
        if not line.is_migrated and all(part.accounts in (None, derived.post) for part in parts):
            # On the same accounts, a plus and a minus of one day are one amount. On others each leaves its own. What is
            # caught up at a cutover stays apart: the auditor compares it with the difference.
            left = left._replace(parts=cancel_out(left.parts))
            parts = self._on_accounts(left, current, derived.post, is_positive)
        if current and not price_change and not allocated and self._is_in_force(current, derived, left, parts, moved):
            # The rest can be the same by chance, but what events change of it later follows the rule of this version.
            is_done = not (current.open or current.waiting[0]) and current.plan != derived.all_parts
            if is_done or not (current.posts != derived.post or self._changes_of_rule(current, derived.rule)):
                return None
        # An allocation moves price between the lines of a contract; only the rest is a change of the price.
        words = [] if current or not interest else [interest[0].words]
        said = "; ".join(filter(None, [*words, describe_price_changes(earning, price_events)]))
        change = SchedulePriceChange(price_change, said) if price_change else None
        share = AllocatedDifference(self.contracts.allocation_of(state.no), allocated) if allocated else None
        return _WantedSchedule(derived, left, earning.amount, price, parts, change, share)

    def _changes_of_rule(self, current: ScheduleInForce | None, rule: ScheduleRule) -> Sequence[str]:
        """Return what a rebuild changes of the rule of a schedule, beside where it posts; nothing without a rebuild."""
        return self._rule_changes.of(current.rule_version_id, rule) if current and self._rule_changes else ()

    def _on_accounts(
        self, left: Remaining, current: ScheduleInForce | None, present: PostingTarget, is_positive: bool
    ) -> tuple[PartOnAccounts, ...]:
        """Return the parts that are left, with the accounts of those that take back what is posted."""
        if not current or not current.posted_by:
            return tuple(PartOnAccounts(*part) for part in left.parts)
        posts = self._in_force.posts_of({line.rule_version_id for line in current.posted_by})
        posted = [PartOnAccounts(line.date, line.amount, posts[line.rule_version_id]) for line in current.posted_by]
        return on_posted_accounts(left.parts, posted, present, is_positive)

    def _is_in_force(
        self,
        current: ScheduleInForce,
        derived: Schedule,
        left: Remaining,
        parts: Sequence[PartOnAccounts],
        moved: bool,
    ) -> bool:
        """Check if the schedule in force has the same open lines, posting targets and waiting amount as the new one.

        The posting target of the rule does not matter if no line has it.
        """
        if moved and current.plan != derived.all_parts:
            # The open lines may be the same by chance; the stored plan must still be replaced, because the next change
            # is measured against it.
            return False
        if current.open != left.parts:
            return False
        waits = (left.waiting, derived.waits.reason) if left.waiting and derived.waits else (0, "")
        return current.waiting == waits and self._has_targets(current, derived.post, parts)

    def _has_targets(self, current: ScheduleInForce, present: PostingTarget, parts: Sequence[PartOnAccounts]) -> bool:
        """Check if the open lines are posted as these parts; ``present`` is where the rule posts now."""
        if not current.posted_by:
            return not parts or (current.posts == present and not current.came_back)
        if current.came_back and any(part.accounts is None for part in parts):
            return False
        posts = self._in_force.posts_of({line.rule_version_id for line in current.open_by})
        present_lines = [(line.date, line.amount, posts[line.rule_version_id]) for line in current.open_by]
        return present_lines == [(part.date, part.amount, part.accounts or present) for part in parts]

    def _plain_schedule(self, state: _LineState) -> PlainSchedule | None:
        """Return the schedule of a line of which nothing is posted, if it follows from a shared plan; else None."""
        now = state.current
        if now and (now.posted or now.refused or now.came_back):
            return None
        if state.allocated or self.contracts.outcome(state.no):
            return None
        plain = state.book.derive_plain(state.line, state.recorded)
        if plain is None or plain.divides == 1 or len(dict(plain.parts)) == len(plain.parts):
            return plain
        parts = cancel_out(tuple(starmap(SchedulePart, plain.parts)))
        # A part that is netted with the change of its day is not carried over any more.
        return plain._replace(parts=parts, carried=plain.carried if parts == plain.parts else 0) if parts else None

    def _replace_by_plain(self, state: _LineState, wanted: PlainSchedule) -> ScheduleChange | None:
        """Write a version if the schedule in force differs: the same as :meth:`_replace_schedule` does."""
        line, now, rule = state.line, state.current, wanted.plan.rule
        price = wanted.price
        more = price - (now.amount if now else line.amount)
        waits, still_open = wanted.waits, now.open if now else ()
        waiting = (wanted.undated, waits.reason if waits else "")
        # What waits is compared first: the open parts are divided only when they are needed.
        is_same = now and not more and (now.waiting, now.posts, still_open) == (waiting, rule.post, wanted.parts)
        if is_same and not self._changes_of_rule(now, rule):
            return None
        version = now.version + 1 if now else 1
        self._replaced.append((state.no, version))
        shares = self._shares_kept(wanted.plan, wanted.plan.dates, wanted.plan.weights)
        is_changed = wanted.carried and len(wanted.parts) > 1 and (waits or price != line.amount)
        divided = self._changed_plan(wanted, shares, line.amount) if is_changed else None
        if wanted.is_whole and abs(price) in wanted.plan.divisible:
            divided = shares
        rule_id, posted, first_seq = self._rule_versions.id_of(rule, rule.post), 0, 1
        its_wait = WaitingAmount(wanted.undated, waits.code, waits.reason) if waits else None
        change = make_price_change((more, wanted.price_words)) if more else None
        base = make_split((line.amount, wanted.plan.undated))
        self._new_versions.append(make_version((
            state.no, version, rule_id, price, posted, first_seq, wanted.parts, wanted.explanation, self._audit_seq,
            its_wait, None, change, None, shares, base, divided, wanted.divides, (), (), wanted.prices,
        )))  # fmt: skip
        self.scheduled += 1
        note = ""
        if self._has_notes:
            words = wanted.in_words().explanation
            note = self._noted(now, rule, rule.post, words, wanted.undated, waits, line)
        return _make_change((line.id, line.currency, rule.name, posted, still_open, wanted.parts, note, line.entity))

    def _changed_plan(self, wanted: PlainSchedule, shares: SharedPlan, base: int) -> SharedPlan | None:
        """Return the plan of which the first parts are carried over; None if a database cannot divide by it."""
        carried, parts = wanted.carried, wanted.parts
        key = (id(shares), carried, len(parts), parts[-1][0])
        found = self._changed.get(key)
        if found is None:
            if len(self._changed) >= MOST_PLANS_KEPT:
                self._changed.clear()
            dates = tuple(day for day, _amount in parts)
            # The shares are kept too: another plan could get their id otherwise.
            made = changed_plan(shares, wanted.plan.undated, dates, carried)
            found = self._changed[key] = shares, made
        _shares, (plan, bases, rests) = found
        left = sum(map(itemgetter(1), parts[carried:]))
        return plan if abs(base) in bases and abs(left) in rests else None

    def _shares_kept(
        self, plan: DividedPlan | RecordedPlan, dates: tuple[date, ...], weights: tuple[int, ...]
    ) -> SharedPlan:
        """Return a plan as schedules share it: the same object for the same plan, found by identity."""
        known = self._shared.get(id(plan))
        if known is None:
            if len(self._shared) >= MOST_PLANS_KEPT:
                self._shared.clear()
            # The plan is kept too: another one could get its id otherwise.
            known = self._shared[id(plan)] = plan, SharedPlan(SHARES, dates, weights)
        return known[1]

    def _replace_schedule(self, state: _LineState, wanted: _WantedSchedule) -> ScheduleChange:
        """Add the version that replaces the schedule in force, or the first one of a line that waited until now."""
        current = state.current
        derived, left, base, price, parts, price_change, allocated = wanted
        # Lines of a rejected entry are planned again. The entry must let go of them first, or the same amount would be
        # on the rejected entry and on a new one.
        self._release_lines(current.refused if current else ())
        if left.words:
            derived = derived._replace(explanation=f"{derived.explanation}; {left.words}")
        version = current.version + 1 if current else 1
        self._replaced.append((state.no, version))
        self._add_version(state.no, version, base, price, derived, left, current, parts, price_change, allocated)
        takes_back = parts and all(part.accounts for part in parts)
        since, waits = None if takes_back else current, derived.waits
        note = self._noted(since, derived.rule, derived.post, derived.explanation, left.waiting, waits, state.line)
        posted, before = (current.posted_amount, current.open) if current else (0, ())
        line = state.line
        return ScheduleChange(line.id, line.currency, derived.rule.name, posted, before, left.parts, note, line.entity)

    def _noted(
        self,
        current: ScheduleInForce | None,
        rule: ScheduleRule,
        post: PostingTarget,
        explanation: str,
        undated: int,
        waits: Unscheduled | None,
        line: ChargeLine,
    ) -> str:
        """Return what changed of a rule and the target of its entries, the explanation, and why some of it waits."""
        targets = target_changes(current.posts, post) if current else []
        note = "; ".join([*targets, *self._changes_of_rule(current, rule), explanation])
        if not undated:
            return note
        assert waits is not None
        return f"{note}; {decimal_string(undated, line.currency)} {line.currency} waits: {waits.reason}"

    def _all_waits(self, state: _LineState, derived: Unscheduled, steps: tuple[AllocationStep, ...]) -> Schedule | None:
        """Return a schedule whose whole price waits, if a withdrawn event had dated the line; else None.

        Otherwise the line would keep its schedule, as it does if only the rules are broken.
        """
        if state.current is None or derived.rule is None or derived.code not in ("waiting", "held"):
            return None
        if state.before is None or isinstance(state.book.derive(state.line, state.before, steps), Unscheduled):
            return None
        priced = apply_allocation(state.line, state.recorded, steps) if steps else (state.line, state.recorded)
        price = price_of(*priced)
        waiting = (SchedulePart(UNDATED, price),) if price else ()
        return Schedule(derived.rule, (), derived.reason, waiting, derived if price else None)

    def _price_only(self, state: _LineState, steps: tuple[AllocationStep, ...]) -> Unscheduled | None:
        """Return that a line without a schedule is closed, if it is only a price of its contract; else None."""
        found = self.contracts.found(state.no) if state.current is None else None
        closed = found.price_only(state.line.id) if found else None
        return closed if closed and not price_of(*apply_allocation(state.line, state.recorded, steps)) else None

    def _do_events_move_plan(self, state: _LineState, derived: Schedule, steps: tuple[AllocationStep, ...]) -> bool:
        """Return True if new events, not the rules, changed the plan of a line that has posted amounts.

        Posted amounts are corrected for events only: an edited rule must not restate what it recognized before. A hold
        or a release does not correct them either; it only affects the rest.
        """
        if not state.current or not state.current.posted:
            return False
        if state.current.is_stopped or (state.before is None and self.contracts.has_new_events(state.no)):
            return state.current.plan != derived.all_parts
        if state.before is None:
            return False
        if all(event.kind in ("hold", "release") for event in _changed_events(state.before, state.recorded)):
            return False
        without = state.book.derive(state.line, state.before, steps)
        return isinstance(without, Unscheduled) or without.all_parts != derived.all_parts

    @cached_property
    def _released_by_rejection(self) -> frozenset[int]:
        """Return the rejected entries whose lines are open again; any other one may be in the ledger after all."""
        return replannable_entries(self._connection)

    def _release_lines(self, rejected: Sequence[int]) -> None:
        for entry in rejected:
            if entry not in self._released:
                postings.release_schedule_lines(self._connection, entry, self._who)
                self._released.add(entry)

    def _keep_schedule(self, state: _LineState, derived: Unscheduled) -> ScheduleChange | None:
        """Keep the schedule of a line that no rule can schedule now, and report why; without one, the line waits.

        Dropping the schedule would stop recognition because of, say, a typo in a rule. But if an event or a new line
        made the allocation of its contract impossible, or an event contradicts what was recognized before the cutover,
        what is open of the line waits: it is not what it earns now.
        """
        current = state.current
        if current is None:
            self._add_unscheduled(state.no, state.line, derived, state.recorded)
            return None
        if derived.code == NOT_REVENUE and (current.open or current.waiting[0]):
            self._are_revenue[state.no] = False
            return self._end_schedule(state.no, state.line, current, derived.reason)
        if not current.open:
            return None
        if self.contracts.is_stopped(state.no) or (derived.code == DIFFERS and state.before is not None):
            return self._stop_schedule(state, current, derived.reason)
        note = f"keeps its present schedule: {derived.reason}"
        line, posted = state.line, current.posted_amount
        return ScheduleChange(line.id, line.currency, "", posted, current.open, current.open, note, line.entity)

    def _stop_schedule(self, state: _LineState, now: ScheduleInForce, reason: str) -> ScheduleChange:
        rest, plan = now.amount - now.posted_amount, now.plan if now.posted else None
        waiting = WaitingAmount(rest, STOPPED, reason) if rest else None
        why = f"stopped: {reason}"
        return self._end_open_lines(state.no, state.line, now, why, now.amount, plan, waiting=waiting)

    def _add_version(
        self,
        no: int,
        version: int,
        base: int,
        amount: int,
        derived: Schedule,
        left: Remaining,
        before: ScheduleInForce | None = None,
        on_accounts: Sequence[PartOnAccounts] = (),
        price_change: SchedulePriceChange | None = None,
        allocated: AllocatedDifference | None = None,
    ) -> None:
        waiting = None
        if left.waiting:
            assert derived.waits is not None
            waiting = WaitingAmount(left.waiting, derived.waits.code, derived.waits.reason)
        posted = before.posted if before else derived.historical
        shares, undated = _shares_of(derived)
        new = ScheduleVersion(
            charge_no=no,
            version=version,
            rule_version_id=self._rule_versions.id_of(derived.rule, derived.post),
            amount=amount,
            posted=sum(part for _day, part in posted),
            first_seq=len(before.posted_by if before else derived.historical) + 1,
            parts=[(part.date, part.amount) for part in on_accounts] if before else left.parts,
            explanation=derived.explanation,
            audit_seq=self._audit_seq,
            waiting=waiting,
            plan=derived.all_parts if posted else None,
            price_change=price_change,
            allocated=allocated,
            shares=shares,
            base=SplitAmount(base, undated),
            divides=derived.divides,
            take_backs=self._take_backs(before, on_accounts, derived.post) if before else (),
            historical=() if before else derived.historical,
        )
        self._new_versions.append(new)
        self.scheduled += 1

    def _take_backs(
        self, before: ScheduleInForce, parts: Sequence[PartOnAccounts], present: PostingTarget
    ) -> list[tuple[int, int]]:
        """Return the parts that leave other accounts than those where the rule posts at ``present``.

        Each is the place of the part, and the id of the rule version that posted there.
        """
        if all(part.accounts in (None, present) for part in parts):
            return []
        posts = self._in_force.posts_of({line.rule_version_id for line in before.posted_by})
        ids = {posts[line.rule_version_id]: line.rule_version_id for line in before.posted_by}
        return [(at, ids[one.accounts]) for at, one in enumerate(parts) if one.accounts and one.accounts != present]

    def _add_unscheduled(
        self, no: int, line: ChargeLine, why: Unscheduled, recorded: Sequence[FulfillmentEvent] = ()
    ) -> None:
        self._arrival_accounts[no] = self._book.deferred_account(line)
        rule = why.rule.name if why.rule else None
        steps = self.contracts.outcome(no)
        # A line that waits for its delivery earns its share of the contract's price, not what was billed for it.
        own: tuple[ChargeLine, Sequence[FulfillmentEvent]] = (line, recorded)
        if not isinstance(steps, Unscheduled) and steps:
            own = apply_allocation(*own, steps)
        interest = self._book.interest_changes(line, recorded)
        price = price_of(*apply_allocation(*own, interest) if interest else own)
        left = 0 if why.code == CLOSED else price - line.recognized_before
        self._unscheduled.append(UnscheduledLine(no, why.code, why.reason, rule, left, self._audit_seq))
        self._are_revenue[no] = why.code != NOT_REVENUE
        self.unscheduled += why.code not in SETTLED

    def flush(self) -> None:
        """Write the collected versions and the worklist, with their digests in the audit trail."""
        # Allocations first: the versions refer to them.
        self.contracts.flush()
        count = len(self._new_versions) + len(self._first_schedules)
        scheduled = [no for no, _version in self._replaced]
        statuses = dict.fromkeys(scheduled, True) | self._are_revenue
        digests = [
            *schedules.supersede(self._connection, self._replaced),
            *schedules.add(self._connection, self._new_versions, self._plans),
            *self._first_schedules.flush(self._audit_seq),
            *schedules.set_unscheduled(self._connection, self._unscheduled, scheduled, self._audit_seq),
            *schedules.keep_revenue_status(self._connection, statuses, self._audit_seq),
            *schedules.keep_arrival_accounts(self._connection, self._arrival_accounts, self._audit_seq),
        ]
        if digests:
            shown: dict[str, Any] = {"schedules": count, "waiting": len(self._unscheduled)}
            digests += self._note_rules(shown)
            cause = f"schedules of event {self._audit_seq}"
            record(self._connection, self._who, "schedules written", cause, shown, digests)
        self._new_versions, self._unscheduled, self._replaced = [], [], []
        self._arrival_accounts, self._are_revenue = {}, {}

    def _note_rules(self, shown: dict[str, Any]) -> "list[RowDigest]":
        """Note once which files the schedules come from, so that later changes of the files are noticed.

        The first files are in the audit trail too (``shown``), since ``meta`` has only the last ones.
        """
        if self._are_rules_noted or not self._book.files:
            return []
        self._are_rules_noted = True
        if rules_of_plan(self._connection) is None:
            shown["files"] = dict(self._book.files)
        return note_rules(self._connection, self._book.files, self._who.at)


def _shares_of(derived: Schedule) -> tuple[SharedPlan | None, int]:
    """Return the plan by which an amount was split, and the weight of what waits.

    It is the plan that schedules share if it divides the amount the same way.
    """
    if derived.plan is None:
        return None, 0
    shares = derived.rule.method.dividing_weights(derived.plan.weights) or derived.plan.weights
    known = sum(day != UNDATED for day in derived.plan.dates)
    return SharedPlan(SHARES, derived.plan.dates[:known], shares[:known]), sum(shares[known:])


def _remaining(
    line: ChargeLine, price: int, derived: Schedule, current: ScheduleInForce | None, moved: bool
) -> Remaining:
    """Return what is still to be recognized, with words on how a changed plan treats posted amounts.

    ``moved``: new events changed the plan.
    """
    posted = current.posted if current else derived.historical
    if current and posted and derived.all_parts == current.plan:
        # The plan is the same: keep the open lines. Filling it again could move a line that a closed month blocked.
        still_open = tuple(SchedulePart(*part) for part in current.open)
        waiting = price - total_of((*posted, *still_open))
        if waiting == derived.undated and not derived.on_hold:
            return Remaining(still_open, waiting)
    if current and moved:
        return replan(derived, posted, current.open, line.currency)
    # An edited rule plans only the rest. A correction by an earlier event that is not posted yet is not its to undo.
    reversing = _reversing_parts(line.amount, current.open, current.plan or current.open) if current and posted else ()
    rest, waiting, _words = derived.remaining((*posted, *reversing))
    return Remaining(tuple(sorted([*reversing, *rest])) if reversing else rest, waiting)


def _reversing_parts(
    amount: int, parts: Iterable[tuple[date, int]], plan: Iterable[tuple[date, int]]
) -> tuple[SchedulePart, ...]:
    """Return the parts that reverse recognized revenue: of the opposite sign to ``amount``, and not in the plan."""
    is_positive = amount > 0
    opposite = [SchedulePart(*part) for part in parts if (part[1] > 0) != is_positive]
    if not opposite:
        return ()
    planned = set(plan)
    return tuple(part for part in opposite if part not in planned)


def _is_withdrawn(state: _LineState) -> bool:
    """Return True if an event of the line was withdrawn, not recorded."""
    return bool(Counter(state.before or ()) - Counter(state.recorded))


def _changed_events(
    before: Sequence[FulfillmentEvent], after: Sequence[FulfillmentEvent]
) -> Iterable[FulfillmentEvent]:
    """Return the events that were added or withdrawn."""
    added, gone = Counter(after), Counter(before)
    return ((added - gone) + (gone - added)).elements()
