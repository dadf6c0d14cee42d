"""Writing schedules: a first one for a new charge line, a new version when rules or events changed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.change import replan
from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.money import decimal_string
from revrec.core.pricing import AllocationStep, apply_allocation, describe_price_changes
from revrec.core.rules import RuleBook
from revrec.core.schedule import Remaining, Schedule, SchedulePart, Unscheduled, or_unscheduled
from revrec.jobs.posting.rejections import replannable_entries
from revrec.jobs.scheduling.contracts import Contracts
from revrec.jobs.scheduling.rule_versions import VersionKeeper
from revrec.store import charges, contracts, events, schedules
from revrec.store.audit import record
from revrec.store.posting import postings
from revrec.store.schedules import AllocatedDifference, PriceChange, ScheduleVersion, UnscheduledLine, WaitingAmount

if TYPE_CHECKING:
    from revrec.store.audit import AuditStamp
    from revrec.store.connection import Connection


class Change(NamedTuple):
    """A schedule that would be, or was, replaced or given for the first time. Amounts in minor units."""

    charge: str
    currency: str
    rule: str
    posted: int
    before: tuple[tuple[date, int], ...]
    after: tuple[tuple[date, int], ...]
    note: str


class Scheduler:
    """Derives and writes schedules in one transaction; rows are gathered and written by :meth:`flush`."""

    def __init__(self, connection: "Connection", book: RuleBook, who: "AuditStamp", audit_seq: int) -> None:
        self._connection = connection
        self._book = book
        self._who = who
        self._audit_seq = audit_seq
        self.contracts = Contracts(connection, book, who, audit_seq)
        self._released: set[int] = set()
        self._versions = VersionKeeper(connection, who)
        self._new_versions: list[ScheduleVersion] = []
        self._unscheduled: list[UnscheduledLine] = []
        self._replaced: list[tuple[int, int]] = []
        self.scheduled = 0
        self.unscheduled = 0

    def first(self, no: int, line: ChargeLine) -> None:
        """Schedule a charge line that was never scheduled and has no events."""
        derived = or_unscheduled(self._book.derive(line, ()))
        if isinstance(derived, Unscheduled):
            self._wait(no, derived)
        else:
            waiting = sum(part.amount for part in derived.waiting) if derived.waiting else 0
            self._add(no, 1, line.amount, derived, Remaining(derived.parts, waiting))

    def again(self, numbers: Sequence[int], fresh: Mapping[int, int] = MappingProxyType({})) -> list[Change]:
        """Derive the schedules of these charge lines, and of the others of their contracts, again and write a new
        version where the outcome differs.

        What is on a journal entry stays. Where it is an event that moves the plan (``fresh``: how many of a charge's
        events are new), the rule's ``on_change`` says what becomes of amounts on entries; where it is the rule, only
        the rest is planned anew. An entry that Intacct refused holds nothing, unless it must be looked for there
        before: where a line of it is planned anew, it is given up and its lines are open again.
        """
        numbers = self.contracts.around(numbers)
        found = events.events_of_charges(self._connection, numbers)
        current = schedules.schedules_in_force(self._connection, numbers, self._refused)
        lines = dict(charges.read_charges(self._connection, numbers))
        self.contracts.settle(lines, found, current)
        before = contracts.allocated_to(self._connection, numbers)
        changes = []
        for no, line in lines.items():
            change = self._once_more(no, line, found.get(no, ()), fresh.get(no, 0), current.get(no), before.get(no, 0))
            if change:
                changes.append(change)
        self.flush()
        return changes

    def _once_more(
        self,
        no: int,
        line: ChargeLine,
        recorded: Sequence[FulfillmentEvent],
        fresh: int,
        current: schedules.ScheduleInForce | None,
        allocated: int = 0,
    ) -> Change | None:
        steps = self.contracts.outcome(no)
        derived = steps if isinstance(steps, Unscheduled) else self._book.derive(line, recorded, steps)
        if current is None:
            derived = or_unscheduled(derived)
        if isinstance(steps, Unscheduled) or isinstance(derived, Unscheduled):
            assert isinstance(derived, Unscheduled)
            return self._still_waiting(no, line, derived, current)
        earns, told = apply_allocation(line, recorded, steps) if steps else (line, recorded)
        price = sum(part.amount for part in derived.all_parts)
        moved = bool(current and current.posted) and self._moves(line, recorded, fresh, derived, steps)
        left = _remaining(earns, price, derived, current, moved)
        before_it = current.amount if current else line.amount
        more = (steps[-1].difference if steps else 0) - allocated
        same_price = price == before_it and not more
        if (
            current
            and same_price
            and (not moved or current.plan == derived.all_parts)
            and _same(earns, current, derived, left)
        ):
            return None
        said = derived._replace(explanation=f"{derived.explanation}; {left.words}") if left.words else derived
        version = current.version + 1 if current else 1
        self._release(current.refused if current else ())
        self._replaced.append((no, version))
        allocation = AllocatedDifference(self.contracts.allocation_of(no), more) if more else None
        moved_price = price - before_it - more
        change = PriceChange(moved_price, describe_price_changes(earns, told)) if moved_price else None
        self._add(no, version, price, said, left, current, earns.amount or price, change, allocation)
        before = current.open if current else ()
        posted = sum(amount for _day, amount in current.posted) if current else 0
        note = f"{said.explanation}; {_told(left.waiting, line, said)}" if left.waiting else said.explanation
        return Change(line.id, line.currency, derived.rule.name, posted, before, left.parts, note)

    def _moves(
        self,
        line: ChargeLine,
        recorded: Sequence[FulfillmentEvent],
        fresh: int,
        derived: Schedule,
        steps: tuple[AllocationStep, ...],
    ) -> bool:
        """Whether it is a new event, and not the rules, by which the plan is another one. A hold or a release corrects
        nothing: it only says what becomes of the rest."""
        if not fresh or all(event.kind in ("hold", "release") for event in recorded[-fresh:]):
            return False
        without = self._book.derive(line, recorded[:-fresh], steps)
        return isinstance(without, Unscheduled) or without.all_parts != derived.all_parts

    @cached_property
    def _refused(self) -> frozenset[int]:
        """The refused entries that hold nothing; any other may be in the ledger all the same."""
        return replannable_entries(self._connection)

    def _release(self, refused: Sequence[int]) -> None:
        for entry in refused:
            if entry not in self._released:
                postings.release_schedule_lines(self._connection, entry, self._who)
                self._released.add(entry)

    def _still_waiting(
        self, no: int, line: ChargeLine, derived: Unscheduled, current: schedules.ScheduleInForce | None
    ) -> Change | None:
        """A line that no rule schedules now: one that has a schedule keeps it, and that is said."""
        if current is None:
            self._wait(no, derived)
            return None
        if not current.open:
            return None
        note = f"keeps its present schedule: {derived.reason}"
        posted = sum(amount for _day, amount in current.posted)
        return Change(line.id, line.currency, "", posted, current.open, current.open, note)

    def _add(
        self,
        no: int,
        version: int,
        amount: int,
        derived: Schedule,
        left: Remaining,
        before: schedules.ScheduleInForce | None = None,
        sign: int = 1,
        price_change: PriceChange | None = None,
        allocated: AllocatedDifference | None = None,
    ) -> None:
        parts, undated, _words = left
        waiting = None
        if undated:
            assert derived.waits is not None
            waiting = WaitingAmount(undated, derived.waits.code, derived.waits.reason)
        posted = before.posted if before else ()
        if before and _taken_back(sign, parts, derived.all_parts):
            # What is taken back must leave the accounts that it was posted to.
            rule = before.rule_version_id
        else:
            rule = self._versions.id_of(derived.rule, derived.post)
        new = ScheduleVersion(
            charge_no=no,
            version=version,
            rule_version_id=rule,
            amount=amount,
            posted=sum(part for _day, part in posted),
            first_seq=len(posted) + 1,
            parts=parts,
            explanation=derived.explanation,
            audit_seq=self._audit_seq,
            waiting=waiting,
            plan=derived.all_parts if posted else None,
            price_change=price_change,
            allocated=allocated,
        )
        self._new_versions.append(new)
        self.scheduled += 1

    def _wait(self, no: int, why: Unscheduled) -> None:
        rule = why.rule.name if why.rule else None
        self._unscheduled.append(UnscheduledLine(no, why.code, why.reason, rule, self._audit_seq))
        self.unscheduled += 1

    def flush(self) -> None:
        """Write what was gathered."""
        self.contracts.flush()
        digests = [
            *schedules.supersede(self._connection, self._replaced),
            *schedules.add(self._connection, self._new_versions),
            *schedules.set_unscheduled(self._connection, self._unscheduled, [no for no, _version in self._replaced]),
        ]
        if digests:
            shown = {"schedules": len(self._new_versions), "waiting": len(self._unscheduled)}
            cause = f"schedules of event {self._audit_seq}"
            record(self._connection, self._who, "schedules written", cause, shown, digests)
        self._new_versions, self._unscheduled, self._replaced = [], [], []


def _remaining(
    line: ChargeLine, price: int, derived: Schedule, current: schedules.ScheduleInForce | None, moved: bool
) -> Remaining:
    """What is still to be recognized, and in words what a changed plan made of amounts on entries.

    ``moved``: an event changed the plan. If it was a rule, what is taken back already stays taken back.
    """
    posted = current.posted if current else ()
    if current and posted and derived.all_parts == current.plan:
        still_open = tuple(SchedulePart(*part) for part in current.open)
        waiting = price - sum(amount for _day, amount in (*posted, *still_open))
        if waiting == derived.undated and not derived.on_hold:
            return Remaining(still_open, waiting)
    if current and moved:
        return replan(derived, posted, current.open, line.currency)
    back = _taken_back(line.amount, current.open, current.plan or current.open) if current and posted else ()
    rest, waiting, _words = derived.remaining((*posted, *back))
    return Remaining(tuple(sorted([*back, *rest])) if back else rest, waiting)


def _taken_back(
    amount: int, parts: Iterable[tuple[date, int]], plan: Iterable[tuple[date, int]]
) -> tuple[SchedulePart, ...]:
    """The parts that take back what was recognized of a charge line's amount: of the other sign, and not planned."""
    planned = set(plan)
    return tuple(SchedulePart(*part) for part in parts if (part[1] > 0) != (amount > 0) and part not in planned)


def _same(line: ChargeLine, current: schedules.ScheduleInForce, derived: Schedule, left: Remaining) -> bool:
    """Whether the open lines are those of the plan, go where its rule posts, and the same waits for the same reason.

    Accounts of nothing do not count, nor those of what is taken back: it leaves the accounts that it was posted to.
    """
    posts_alike = current.posts == tuple(derived.post) and not current.came_back
    waits = (left.waiting, derived.waits.reason) if left.waiting and derived.waits else (0, "")
    any_accounts = not left.parts or bool(_taken_back(line.amount, left.parts, derived.all_parts))
    return current.open == left.parts and current.waiting == waits and (posts_alike or any_accounts)


def _told(waiting: int, line: ChargeLine, derived: Schedule) -> str:
    assert derived.waits is not None
    return f"{decimal_string(waiting, line.currency)} {line.currency} waits: {derived.waits.reason}"
