"""Contracts: charge lines that are allocated together.

The lines at the start of a contract are allocated once, by the prices of their post dates. If the allocation says
``later = "modify"``, lines that join it later make a new allocation on the day of the first of them: what is not
recognized of the older lines by then, and what the new lines are billed, is allocated by the standalone selling prices
of what remains (ASC 606-10-25-13(a), IFRS 15.21(a)). What was recognized stays.

What changes the price of the contract later is allocated on the same basis as at the start (606-10-32-43, IFRS 15.88):
a credit, a new price, a new estimate of what is constrained, and a later line that is only a price. It belongs to one
line if its scope says so (606-10-32-44, IFRS 15.89). After a modification, a new estimate of what was promised before
it is allocated to the lines of that time first (606-10-32-45, IFRS 15.90); any other change, to what remained.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from revrec.core.allocation import AllocatedShare, CannotAllocate, Obligation, allocate, share_among, share_change
from revrec.core.anchors import Events, known_on
from revrec.core.charge_line import CONTRACT, SATISFIED, SHARE, ChargeLine, FulfillmentEvent
from revrec.core.constraint import CONSTRAINT, IncludedChange, included_changes, included_price
from revrec.core.holding import stopped_after
from revrec.core.migration import events_of_import, is_planned_before_cutover
from revrec.core.money import decimal_string
from revrec.core.pricing import PLANNED, AllocationStep, apply_allocation, price_of
from revrec.core.rules.allocations import AllocationRule
from revrec.core.rules.book import RuleBook
from revrec.core.schedule import CLOSED, Schedule, Unscheduled
from revrec.core.standalone import StandalonePrice, rounded


class ContractMember(NamedTuple):
    """A charge line of a contract with its events; ``part`` numbers the arrivals: 1 is the start of the contract."""

    line: ChargeLine
    events: Events = ()
    part: int = 1


class AllocatedContract(NamedTuple):
    """An allocated contract: for each line its newest share, and the steps that led to it.

    ``rule`` is None if no allocation matches its lines any more: then each keeps its billed amount.
    """

    rule: AllocationRule | None
    shares: Mapping[str, AllocatedShare]
    steps: Mapping[str, tuple[AllocationStep, ...]]
    since: date | None = None
    """The day of the newest modification; None if it was never modified."""
    currency: str = ""

    def price_only(self, id: str) -> Unscheduled | None:
        """Return why a line is closed that is only a price, so that others earn its whole amount; None if it earns."""
        share = self.shares.get(id)
        if self.rule is None or share is None or share.standalone is not None:
            return None
        # The others share its credits too, and the steps of these offset the credits, so the start decides.
        if share.billed + self.steps[id][0].difference:
            return None
        return Unscheduled(CLOSED, f'allocation "{self.rule.name}": {share.words}')


def allocate_contract(book: RuleBook, members: Sequence[ContractMember]) -> AllocatedContract | Unscheduled:
    """Allocate a contract, or return why it waits: then all of its lines wait."""
    rule = _rule_of(book, members)
    if isinstance(rule, Unscheduled):
        return rule
    if rule is None or len(members) == 1:
        return _as_billed(rule, members)
    try:
        _check(book, [member.line for member in members])
        return _allocated(book, rule, members)
    except CannotAllocate as error:
        return Unscheduled("impossible", f'allocation "{rule.name}": {error}')


def _rule_of(book: RuleBook, members: Sequence[ContractMember]) -> AllocationRule | Unscheduled | None:
    found = {}
    for member in members:
        rule = book.allocation_of(member.line)
        if isinstance(rule, Unscheduled):
            return rule
        found[rule.name if rule else ""] = rule
    if len(found) > 1:
        names = " and ".join(f'"{name}"' if name else "none" for name in sorted(found))
        return Unscheduled("ambiguous", f"the lines of its contract match several allocations: {names}")
    return next(iter(found.values()))


def _check(book: RuleBook, lines: Sequence[ChargeLine]) -> None:
    """Check for one currency, one entity and one deferred account: an allocation does not move balances."""
    for what in ("currency", "entity"):
        values = sorted({getattr(line, what) for line in lines})
        if len(values) > 1:
            shown = " and ".join(value or "none" for value in values)
            raise CannotAllocate(
                f"the lines of its contract differ in {what} ({shown}): bill them as separate contracts"
            )
    deferred = set()
    for line in lines:
        rule = book.match(line)
        post = None if isinstance(rule, Unscheduled) else rule.posting_target(line)
        if isinstance(post, tuple):
            deferred.add(post.deferred)
    if len(deferred) > 1:
        raise CannotAllocate(
            f"its lines are deferred in {' and '.join(sorted(deferred))}: an allocation moves revenue, not balances; "
            "give the rules of its lines one deferred account"
        )


def _as_billed(rule: AllocationRule | None, members: Sequence[ContractMember]) -> AllocatedContract:
    words = "no allocation matches it" if rule is None else "it is alone in its contract"
    shares = {
        line.id: AllocatedShare(line.id, line.amount, None, line.amount, f"{words}: it keeps what was billed")
        for line, _events, _part in members
    }
    return AllocatedContract(rule, shares, {id: (AllocationStep(None, 0, ""),) for id in shares})


def _allocated(book: RuleBook, rule: AllocationRule, members: Sequence[ContractMember]) -> AllocatedContract:
    parts = [
        [member for member in members if member.part == part] for part in sorted({member.part for member in members})
    ]
    history = _ContractHistory(book, rule, members)
    history.begin(parts[0])
    for joining in parts[1:]:
        if all(rule.is_only_a_price(member.line) for member in joining):
            history.add_prices(joining)
        else:
            history.modify(joining)
    return history.finish()


class _Stage(NamedTuple):
    """The obligations among which a price is shared, from the start of a contract or from a modification on.

    ``remained`` is how much of each line was not satisfied when the stage began; lines that are not in it were new.
    ``added`` is what changed the price since then, by the lines that it is for alone; without lines, for all.
    """

    lines: Sequence[Obligation]
    shares: Mapping[str, AllocatedShare]
    remained: Mapping[str, Fraction]
    added: dict[tuple[str, ...], int]

    @property
    def obligations(self) -> set[str]:
        return {line.id for line in self.lines if line.standalone is not None}


class _ContractChange(NamedTuple):
    """A change of the price of a contract by ``more`` minor units, from a line with this ``id``.

    ``event`` changes the price of the line; None if the line itself, with all it is billed, is the change. ``stage``
    counts the modifications before the promise that changes; None if that is the newest one on the day.
    """

    on: date
    id: str
    more: int
    event: FulfillmentEvent | None
    stage: int | None = None

    @property
    def is_planned(self) -> bool:
        """Check whether the change follows from the rules, and not from a recorded event or another line."""
        return self.event is not None and self.event.charge == PLANNED

    @property
    def order(self) -> tuple[date, str, str, str]:
        """A key for the order in which changes take effect; the order of recording does not matter."""
        return self.on, self.id, self.event.kind if self.event else "", self.event.name if self.event else ""


class _ContractHistory:
    """A contract from its start through all changes of its lines and its price, in the order of their dates."""

    def __init__(self, book: RuleBook, rule: AllocationRule, members: Sequence[ContractMember]) -> None:
        self._book = book
        self._rule = rule
        self._lines = {member.line.id: member for member in members}
        self._currency = members[0].line.currency
        self._terms = rule.terms(self._currency)
        self._constrained: dict[str, int] = {}
        self._shares: dict[str, AllocatedShare] = {}
        self._words: dict[str, str] = {}
        self._steps: dict[str, tuple[AllocationStep, ...]] = {}
        self._stages: list[_Stage] = []
        self._changes: list[_ContractChange] = []
        self._since: date | None = None

    def begin(self, members: Sequence[ContractMember]) -> None:
        """Allocate the lines at the start of the contract."""
        self._expect_changes(members, 0)
        lines = [member.line for member in members]
        self._open_stage([self._included(self._rule.obligation(line, lines)) for line in lines])
        for share in self._stages[0].shares.values():
            self._keep_share(share)

    def add_prices(self, members: Sequence[ContractMember]) -> None:
        """Add later lines that are only a price: each changes the price of the contract on its day.

        If the contract was modified later than that, it is the price of what remained, from the modification on: steps
        that are not in the order of their days would count in prices of days before them.
        """
        since = self._since or date.min
        self._expect_changes(members, None, since)
        for line in (member.line for member in members):
            obligation = self._included(self._rule.obligation(line, [member.line for member in self._lines.values()]))
            words = f"it changes the price of its contract on {line.post_date} (ASC 606-10-32-43)"
            self._keep_share(AllocatedShare(line.id, obligation.billed, None, 0, words))
            if obligation.billed:
                self._changes.append(_ContractChange(max(line.post_date, since), line.id, obligation.billed, None))

    def modify(self, joining: Sequence[ContractMember]) -> None:
        """Allocate again what is not recognized yet, and what the joining lines bill, on the day of the first."""
        # Recognized amounts are counted by the plan, not by entries: posting may be late, and the allocation must not
        # depend on when a run happened.
        day = max(min(member.line.post_date for member in joining), self._since or date.min)
        self._apply_changes(until=day)
        older = [self._lines[id] for id in self._shares]
        self._expect_changes(joining, len(self._stages), day)
        lines = [member.line for member in (*older, *joining)]
        remained = {member.line.id: self._remaining(member, day) for member in older}
        rest = [self._what_remains(member, lines, day, remained[member.line.id]) for member in older]
        fresh = [self._rule.obligation(member.line, lines)._replace(discounted=False) for member in joining]
        self._open_stage([*rest, *map(self._included, fresh)], remained)
        self._since = day
        shares = self._stages[-1].shares
        for obligation in rest:
            self._step(obligation.id, day, shares[obligation.id], shares[obligation.id].allocated - obligation.billed)
        for member in joining:
            self._keep_share(shares[member.line.id])

    def finish(self) -> AllocatedContract:
        """Apply what changed the price after the last modification, and return the contract."""
        self._apply_changes()
        return AllocatedContract(self._rule, self._shares, self._steps, self._since, self._currency)

    def _open_stage(self, lines: Sequence[Obligation], remained: Mapping[str, Fraction] | None = None) -> None:
        shares = {share.id: share for share in allocate(lines, self._terms)}
        self._stages.append(_Stage(lines, shares, remained or {}, {}))

    def _expect_changes(
        self, members: Sequence[ContractMember], stage: int | None, not_before: date = date.min
    ) -> None:
        """Note what is constrained of lines at first, and the later changes of the price that the contract shares.

        Estimates change what was promised at a ``stage``.
        """
        for member in members:
            self._constrained[member.line.id], changes = self._included_changes(member)
            self._changes += [
                _ContractChange(
                    max(one.event.date, not_before),
                    member.line.id,
                    one.more,
                    one.event,
                    stage if one.event.kind == CONSTRAINT else None,
                )
                for one in changes
                if self._belongs_to_contract(member.line, one.event)
            ]

    def _included_changes(self, member: ContractMember) -> tuple[int, Sequence[IncludedChange]]:
        rule = self._book.match(member.line)
        if isinstance(rule, Unscheduled):
            # A line that is only a price needs no rule.
            is_price = self._rule.is_only_a_price(member.line)
            return included_changes(None, None, member.line, member.events) if is_price else (0, [])
        try:
            first, changes = included_changes(rule.constraint, rule.method, member.line, member.events)
            if not (member.line.is_migrated and member.events):
                return first, changes
            of_import = events_of_import(member.events)
            _first, before = included_changes(rule.constraint, rule.method, member.line, of_import)
            return first, _as_imported(member.line, changes, before)
        except OverflowError as error:
            raise CannotAllocate(f"the constraint of {member.line.id} ends outside the years 1 to 9999") from error

    def _belongs_to_contract(self, line: ChargeLine, event: FulfillmentEvent) -> bool:
        """Check whether all obligations share a change of a line's price, by its scope or the standard's default."""
        rule = self._book.match(line)
        if self._rule.is_only_a_price(line) or isinstance(rule, Unscheduled):
            return True
        scope = event.scope or rule.method.scope or self._rule.scope
        if scope:
            return scope == CONTRACT
        # These policies say which goods or services a credit is for, so it is theirs (606-10-32-44).
        return event.kind != "credit" or rule.method.on_credit not in ("latest", "earned_first")

    def _included(self, obligation: Obligation) -> Obligation:
        """Return the obligation without what is constrained of it at first (ASC 606-10-32-11)."""
        return obligation._replace(billed=obligation.billed - self._constrained[obligation.id])

    def _keep_share(self, share: AllocatedShare) -> None:
        """Keep the first share of a line. What is constrained of it stays with the line that billed it."""
        constrained = self._constrained[share.id]
        share = share._replace(billed=share.billed + constrained, allocated=share.allocated + constrained)
        self._shares[share.id] = share
        self._words[share.id] = share.words
        self._steps[share.id] = (AllocationStep(None, share.difference, _said(self._rule, share)),)

    def _step(self, id: str, day: date, share: AllocatedShare, more: int) -> None:
        """Note a modification on a line: ``share`` is its share of what remained."""
        words = _said(self._rule, share, f"what remained on {day}: ")
        if more:
            self._add_step(id, AllocationStep(day, more, words))
        self._words[id] = share.words
        self._update_share(id, share.words)

    def _update_share(self, id: str, words: str) -> None:
        now = self._shares[id]
        self._shares[id] = now._replace(allocated=now.billed + self._steps[id][-1].difference, words=words)

    def _add_step(self, id: str, step: AllocationStep) -> None:
        """Add a step of a line; its ``difference`` is added to the one before it."""
        before = self._steps[id]
        self._steps[id] = (*before, step._replace(difference=before[-1].difference + step.difference))

    def _apply_changes(self, until: date = date.max) -> None:
        """Allocate the changes of the price until the end of a day, in date order."""
        due = [change for change in self._changes if change.on <= until]
        self._changes = [change for change in self._changes if change.on > until]
        for change in sorted(due, key=lambda one: one.order):
            self._apply(change)

    def _apply(self, change: _ContractChange) -> None:
        newest = len(self._stages) - 1
        stage = newest if change.stage is None else min(change.stage, newest)
        if change.event and stage == newest and self._stages[stage].obligations == {change.id}:
            # Its only obligation takes the change, by the policies of its rule.
            return
        gained, satisfied = self._gained(stage, change)
        own = change.more if change.event else 0
        for id in dict.fromkeys((*gained, *satisfied, change.id)):
            gains, at_once = gained.get(id, 0), satisfied.get(id, 0)
            its_own = own if id == change.id else 0
            words = self._in_words(change, gains + at_once)
            event, planned = change.event if id == change.id else None, change.is_planned
            self._add_step(id, AllocationStep(change.on, gains - its_own, words, SHARE, event, planned))
            if at_once:
                self._add_step(id, AllocationStep(change.on, at_once, "", SATISFIED, planned=planned))
            self._update_share(id, f"{self._words[id]}; {words}")

    def _gained(self, stage: int, change: _ContractChange) -> tuple[dict[str, int], dict[str, int]]:
        """Return what each line gains by a change, and what of it was satisfied before a modification."""
        only_for = self._only_for(change.id)
        gained, satisfied = self._share(self._stages[stage], only_for, change.more), dict[str, int]()
        for later in self._stages[stage + 1 :] if not only_for else ():
            open_amount = 0
            for id, amount in gained.items():
                rest = rounded(amount * later.remained.get(id, Fraction(1)))
                satisfied[id] = satisfied.get(id, 0) + amount - rest
                open_amount += rest
            gained = self._share(later, (), open_amount)
        return ({id: amount for id, amount in gained.items() if amount}, satisfied)

    def _only_for(self, id: str) -> tuple[str, ...]:
        """Return the lines that a line is variable consideration for."""
        lines = [member.line for member in self._lines.values()]
        line = self._lines[id].line
        return self._rule.obligation(line, lines).only_for if self._rule.is_only_a_price(line) else ()

    def _share(self, stage: _Stage, only_for: tuple[str, ...], more: int) -> dict[str, int]:
        """Add an amount to the price of a stage, or of some of its lines; return what each line gains."""
        if not more:
            return {}
        before = stage.added.get(only_for, 0)
        stage.added[only_for] = before + more
        was, now = (self._of(stage, only_for, amount) for amount in (before, before + more))
        return {id: amount - was[id] for id, amount in now.items()}

    def _of(self, stage: _Stage, only_for: tuple[str, ...], amount: int) -> dict[str, int]:
        if not only_for:
            return share_change(stage.lines, list(stage.shares.values()), amount, self._terms)
        prices = {id: self._rule.standalone(self._lines[id].line).amount or Fraction(1) for id in only_for}
        return share_among(prices, amount, self._terms)

    def _in_words(self, change: _ContractChange, gains: int) -> str:
        verb = "becomes part of" if change.more > 0 else "leaves"
        amount = decimal_string(abs(change.more), self._currency)
        its_own = decimal_string(gains, self._currency)
        return (
            f"on {change.on}, {amount} {self._currency} of {change.id} {verb} the price of the contract, "
            f"{its_own} for it (ASC 606-10-32-43)"
        )

    def _remaining(self, member: ContractMember, day: date) -> Fraction:
        """Return how much of what a line promises is not satisfied at the end of a day: from 1 down to 0."""
        share = member.line._replace(amount=member.line.amount + self._steps[member.line.id][0].difference)
        # A part for the days of a month is satisfied by its days, so the shares equal the ones of a plan by days.
        return self._book.remaining(share, stopped_after(share, known_on(member.events, day), day), day)

    def _what_remains(
        self, member: ContractMember, lines: Sequence[ChargeLine], day: date, remains: Fraction
    ) -> Obligation:
        """Return what a line still promises, with what is not recognized of its price.

        Its standalone price is reduced by what is satisfied, and not by changes of its price: a credit for goods that
        were delivered does not make the others worth less.
        """
        promised = self._promised_on(day, member.line, lines)
        if promised.standalone is None or not remains:
            return Obligation(member.line.id, 0, begun=True)
        price, done = self._by(member, day)
        amount = promised.standalone.amount
        whole = amount if amount is not None else Fraction(abs(self._shares[member.line.id].allocated))
        words = f"{promised.standalone.words}, as much of it as remains"
        return Obligation(member.line.id, price - done, StandalonePrice(whole * remains, words), begun=True)

    def _promised_on(self, day: date, line: ChargeLine, lines: Sequence[ChargeLine]) -> Obligation:
        """Return the line as an obligation by the prices of a day, or of its post date if that day has none.

        A modification makes a new contract of what remains, at the prices of its day.
        """
        try:
            return self._rule.obligation(line._replace(post_date=day), lines)
        except CannotAllocate:
            return self._rule.obligation(line, lines)

    def _by(self, member: ContractMember, day: date) -> tuple[int, int]:
        """Return the price of a line at the end of a day, and the amount its plan recognizes by then (minor units)."""
        events, steps = known_on(member.events, day), self._steps[member.line.id]
        line, adjusted = apply_allocation(member.line, events, steps)
        rule = self._book.match(member.line)
        if isinstance(rule, Unscheduled):
            return price_of(line, adjusted), 0
        price = included_price(rule.constraint, rule.method, line, adjusted, member.line.amount, day)
        found = self._book.derive(member.line, stopped_after(line, events, day), steps)
        if not isinstance(found, Schedule):
            return price, 0
        return price, sum(part.amount for part in found.parts if part.date <= day)


def _as_imported(
    line: ChargeLine, changes: Sequence[IncludedChange], before: Sequence[IncludedChange]
) -> Sequence[IncludedChange]:
    """Return the changes of what is included of a migrated line, the planned ones as they were when it was imported.

    As :func:`revrec.core.migration.as_imported` does with events: a recorded event can leave less to include.
    """
    now, then = ([one for one in some if is_planned_before_cutover(line, one.event)] for some in (changes, before))
    if now == then:
        return changes
    offset = [
        IncludedChange(one.event._replace(charge=line.id), sign * one.more)
        for some, sign in ((now, 1), (then, -1))
        for one in some
    ]
    return [*(one for one in changes if one not in now), *then, *offset]


def _said(rule: AllocationRule, share: AllocatedShare, when: str = "") -> str:
    return f'allocation "{rule.name}": {when}{share.words}'
