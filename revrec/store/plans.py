"""Plans and explanations, which schedule versions share: each is written once and has an id.

A schedule version is an amount and a plan. Twelve monthly parts of a thousand charge lines are a thousand versions and
one plan with twelve dates, not twelve thousand rows.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date
from functools import partial
from hashlib import sha256
from itertools import accumulate, groupby
from math import gcd
from operator import itemgetter, sub
from typing import Any, NamedTuple, overload

from sqlalchemy import Connection, select

from revrec.core.calendar import day_of, iso
from revrec.core.money import divisible_amounts, divisible_by, first_share, split
from revrec.store import digests
from revrec.store.bulk import insert_columns, insert_rows, next_number
from revrec.store.digests import RowDigest
from revrec.store.tables import explanation, plan, plan_part

SHARES, AMOUNTS, CHANGED = "shares", "amounts", "changed"
MOST_PARTS_KEPT = 200_000
MOST_TEXTS_KEPT = 20_000
"""Bounds of the caches, so that memory stays flat however many plans and texts a file needs."""


class SharedPlan(NamedTuple):
    """Dates and their weights: ``kind`` is shares, whose weights divide any amount, or amounts in minor units.

    A plan that is ``changed`` begins with ``carried`` parts from the plan before: they are shares of another amount,
    whose weight is ``whole``. The other weights divide what these parts leave.
    """

    kind: str
    dates: tuple[date, ...]
    weights: tuple[int, ...]
    carried: int = 0
    whole: int = 0

    def divide(self, amount: int, base: int | None = None, listed: str | None = None) -> Sequence[int]:
        """Return the amounts on the dates, as the view ``schedule_line`` divides an amount and its base.

        ``listed`` are the amounts of a version that lists them, as :func:`listed_amounts` writes them.
        """
        if listed is not None:
            return list(map(int, listed.split()))
        if self.kind == AMOUNTS:
            return self.weights
        if base is None:
            return split(amount, self.weights)
        first = self.weights[: self.carried]
        kept = split(base, (*first, self.whole - sum(first)))[: self.carried]
        rest = self.weights[self.carried :]
        return [*kept, *split(amount - sum(kept), rest)] if rest else kept


class DividedParts(Sequence[tuple[date, int]]):
    """The parts of a schedule version, as (date, amount), which are divided when one of them is needed.

    The values are the same as for :meth:`SharedPlan.divide`. Most schedules that change are replaced unread.
    """

    __slots__ = ("_by", "_parts", "_plan")

    def __init__(self, plan: SharedPlan, *by: Any) -> None:
        self._plan = plan
        self._by = by
        self._parts: tuple[tuple[date, int], ...] | None = None

    def _all(self) -> tuple[tuple[date, int], ...]:
        if self._parts is None:
            self._parts = tuple(zip(self._plan.dates, self._plan.divide(*self._by), strict=True))
        return self._parts

    def __len__(self) -> int:
        return len(self._plan.dates)

    @overload
    def __getitem__(self, at: int) -> tuple[date, int]: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[tuple[date, int]]: ...
    def __getitem__(self, at: int | slice) -> tuple[date, int] | Sequence[tuple[date, int]]:
        return self._all()[at]

    def __iter__(self) -> Iterator[tuple[date, int]]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and self._all() == tuple(other)

    def __hash__(self) -> int:
        return hash(self._all())


class SplitAmount(NamedTuple):
    """An amount in minor units that a plan of shares split, with the weight of the share that waits."""

    amount: int
    undated: int = 0


make_split: Callable[[tuple[int, int]], SplitAmount] = partial(tuple.__new__, SplitAmount)


class ChangedPlan(NamedTuple):
    """A plan that is changed, and the amounts (minor units, without sign) that a database can divide by it.

    ``bases`` are amounts of which the first parts are shares, ``rests`` are amounts for the parts after them.
    """

    plan: SharedPlan
    bases: range
    rests: range


def changed_plan(shares: SharedPlan, undated: int, dates: tuple[date, ...], carried: int) -> ChangedPlan:
    """Return the plan that keeps the first parts of ``shares``: as many as ``carried`` says.

    The parts after them keep their weights, or have equal ones if they are on other dates. ``undated`` is the weight of
    the share that waited beside ``shares``.
    """
    first, rest = shares.weights[:carried], _weights_after(shares, dates, carried)
    whole, smallest = sum(shares.weights) + undated, min(first + rest)
    rests = divisible_by(sum(rest), smallest) if rest else range(1)
    return ChangedPlan(SharedPlan(CHANGED, dates, first + rest, carried, whole), divisible_by(whole, smallest), rests)


def plan_of_parts(
    parts: Sequence[tuple[date, int]], shares: SharedPlan | None, base: SplitAmount | None = None
) -> SharedPlan:
    """Return the plan that results in exactly these parts, in order of date: a shared one if there is one.

    ``shares`` is the plan that split the amount, if one did. If the parts changed since, it split ``base`` before.
    """
    dates, amounts = zip(*sorted(parts, key=itemgetter(0)), strict=True)
    if shares and shares.dates == dates:
        # The same object, so that the dates of many plans are compared and hashed at once.
        dates = shares.dates
    if shares and base and shares.weights:
        found = _plan_put_together(dates, amounts, shares, base)
        if found is None and len(dates) > 1:
            found = _plan_carried_over(dates, amounts, shares, base)
        if found:
            return found
    amount = sum(amounts)
    for candidate in (shares, SharedPlan(SHARES, dates, (1,) * len(dates))):
        if candidate is None or candidate.dates != dates or abs(amount) not in divisible_amounts(candidate.weights):
            continue
        if _are_shares(amounts, amount, candidate.weights):
            return candidate
    return SharedPlan(AMOUNTS, dates, amounts)


def _are_shares(amounts: Sequence[int], whole: int, weights: Sequence[int]) -> bool:
    """Check that amounts are the shares of ``whole``; other amounts mostly differ in the first one."""
    return amounts[0] == first_share(whole, weights) and list(amounts) == split(whole, weights)


def _plan_put_together(
    dates: tuple[date, ...], amounts: tuple[int, ...], shares: SharedPlan, base: SplitAmount
) -> SharedPlan | None:
    """Return the plan of the parts of ``base``, some put together or on other dates; None if there are other parts.

    The weight of a part is the sum of the weights that are put together, so that it is rounded as their sum is.
    """
    if base.undated or sum(amounts) != base.amount or abs(base.amount) not in divisible_amounts(shares.weights):
        return None
    before = split(base.amount, shares.weights)
    if dates == shares.dates and amounts == tuple(before):
        return shares
    weight_until = dict(zip(accumulate(before), accumulate(shares.weights), strict=True))
    until = [weight_until.get(amount, 0) for amount in accumulate(amounts)]
    weights = tuple(map(sub, until, (0, *until)))
    return SharedPlan(SHARES, dates, weights) if min(weights) > 0 else None


def _plan_carried_over(
    dates: tuple[date, ...], amounts: tuple[int, ...], shares: SharedPlan, base: SplitAmount
) -> SharedPlan | None:
    """Return the plan of parts of which the first ones are parts of ``base``; None if the first one is not."""
    if min(shares.weights) < 1:
        return None
    before = split(base.amount, (*shares.weights, base.undated))
    carried = _count_same(zip(dates, amounts, strict=True), zip(shares.dates, before, strict=False))
    if not carried:
        return None
    rest, left = _weights_after(shares, dates, carried), sum(amounts[carried:])
    if rest and not _are_shares(amounts[carried:], left, rest):
        return None
    found = changed_plan(shares, base.undated, dates, carried)
    return found.plan if abs(base.amount) in found.bases and abs(left) in found.rests else None


def _count_same(some: Iterable[tuple[date, int]], others: Iterable[tuple[date, int]]) -> int:
    """Return how many of the first parts are the same."""
    count = 0
    for one, other in zip(some, others, strict=False):
        if one != other:
            break
        count += 1
    return count


def _weights_after(shares: SharedPlan, dates: tuple[date, ...], carried: int) -> tuple[int, ...]:
    """Return the weights of the parts after those that are carried over: equal ones if they are on other dates."""
    if dates[carried:] == shares.dates[carried:]:
        return shares.weights[carried:]
    return (min(shares.weights[:carried]),) * (len(dates) - carried)


class ListedPlan(NamedTuple):
    """A plan that has only the dates of a schedule version, and the amounts that the version lists."""

    plan: SharedPlan
    amounts: str


def listed_amounts(amounts: Sequence[int]) -> str:
    """Return amounts as text, each with a space before it and with the same number of characters."""
    width = max(len(str(max(amounts))), len(str(min(amounts)))) + 1
    return f"%{width}d" * len(amounts) % tuple(amounts)


def read_plans(connection: Connection, ids: Collection[int]) -> dict[int, SharedPlan]:
    """Return stored plans by their ids, with their weights in lowest terms."""
    query = (
        select(
            plan.c.id, plan.c.kind, plan.c.carried, plan.c.whole, plan_part.c.date, plan_part.c.before,
            plan_part.c.cumulative,
        )
        .join(plan_part, plan_part.c.plan_id == plan.c.id)
        .where(plan.c.id.in_(ids))
        .order_by(plan.c.id, plan_part.c.seq)
    )  # fmt: skip
    found: dict[int, SharedPlan] = {}
    for id, rows in groupby(connection.execute(query).all(), key=itemgetter(0)):
        _ids, kinds, carried, wholes, days, before, sums = zip(*rows, strict=True)
        weights = tuple(map(sub, sums, before))
        first = sums.index(carried[0]) + 1 if carried[0] else 0
        found[id] = SharedPlan(kinds[0], tuple(map(day_of, days)), weights, first, wholes[0] or 0)
    return found


class KeptPlan(NamedTuple):
    """A plan as it is stored: its id, its number of parts, and its first date as ISO text."""

    id: int
    parts: int
    first_date: str


class PlanKeeper:
    """The ids of plans and explanations within one transaction; it writes those that are new."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._kept: dict[SharedPlan, KeptPlan] = {}
        self._parts_kept = 0
        self._same: dict[int, tuple[SharedPlan, KeptPlan]] = {}
        self._days: dict[tuple[date, ...], tuple[list[str], str]] = {}
        self._dated: dict[tuple[date, ...], SharedPlan] = {}
        self._texts: dict[str, int] = {}

    def keep(self, wanted: Sequence[SharedPlan | None]) -> tuple[list[KeptPlan | None], list[RowDigest]]:
        """Return the stored plans, in order, and the digests of those that were written now."""
        # By identity first, for speed: hashing a plan of twelve dates is slower than all other work on a charge line.
        same = self._same
        others = [one for one in wanted if one is not None and id(one) not in same]
        new = sorted({one for one in others if one not in self._kept})
        written = self._write(new) if new else []
        same.update((id(one), (one, self._kept[one])) for one in others)
        return [None if one is None else same[id(one)][1] for one in wanted], written

    def _write(self, new: Sequence[SharedPlan]) -> list[RowDigest]:
        self._parts_kept += sum(len(one.dates) for one in new)
        marks = [self._fingerprint(one) for one in new]
        stored = select(plan.c.fingerprint, plan.c.id).where(plan.c.fingerprint.in_(marks))
        ids: dict[str, int] = {row.fingerprint: row.id for row in self._connection.execute(stored)}
        missing = {mark: one for mark, one in zip(marks, new, strict=True) if mark not in ids}
        if missing:
            ids |= {mark: id for id, mark in enumerate(missing, next_number(self._connection, plan.c.id))}
        for mark, one in zip(marks, new, strict=True):
            self._kept[one] = KeptPlan(ids[mark], len(one.dates), iso(one.dates[0]))
        return self._insert([(ids[mark], mark, one) for mark, one in missing.items()])

    def _fingerprint(self, one: SharedPlan) -> str:
        _isos, days = self._texts_of(one.dates)
        weights, whole = _reduced(one)
        more = f",{one.carried},{whole}" if one.kind == CHANGED else ""
        shown = f'["{one.kind}",{days},{digests.text_of_numbers(weights)}{more}]'
        return sha256(shown.encode()).hexdigest()

    def _texts_of(self, dates: tuple[date, ...]) -> tuple[list[str], str]:
        """Return dates as texts, and all of them as JSON. Many plans of amounts have the same dates."""
        found = self._days.get(dates)
        if found is None:
            isos = list(map(iso, dates))
            found = self._days[dates] = isos, json.dumps(isos, separators=(",", ":"))
        return found

    def _insert(self, new: Sequence[tuple[int, str, SharedPlan]]) -> list[RowDigest]:
        """Write plans after their parts, which they seal."""
        if not new:
            return []
        columns: list[list[Any]] = [[], [], [], [], []]
        ids, seqs, days, before, after = columns
        rows = []
        for id, mark, one in new:
            (weights, whole), count = _reduced(one), len(one.dates)
            isos, _json = self._texts_of(one.dates)
            sums = list(accumulate(weights, initial=0))
            ids += [id] * count
            seqs += range(1, count + 1)
            days += isos
            before += sums[:-1]
            after += sums[1:]
            smallest = 0 if one.kind == AMOUNTS else min(weights)
            carried = (sums[one.carried], whole) if one.kind == CHANGED else (None, None)
            rows.append((id, mark, one.kind, count, sums[-1], smallest, isos[0], *carried))
        insert_columns(self._connection, plan_part, plan_part.columns.keys(), columns)
        insert_rows(self._connection, plan, plan.columns.keys(), rows)
        keys = digests.key_runs(id for id, _mark, _one in new)
        parts = digests.digest_texts(plan_part.name, keys, digests.texts_of_columns(columns))
        return [parts, digests.digest_rows(plan, rows, keys)]

    def explanation_ids(self, texts: Sequence[str]) -> tuple[list[int], list[RowDigest]]:
        """Return the ids of explanations, in order, and the digests of those that were written now."""
        known = self._texts
        new = list(dict.fromkeys(text for text in texts if text not in known))
        if not new:
            return [known[text] for text in texts], []
        rows: list[Any] = list(enumerate(new, next_number(self._connection, explanation.c.id)))
        insert_rows(self._connection, explanation, explanation.columns.keys(), rows)
        known.update((text, id) for id, text in rows)
        return [known[text] for text in texts], [digests.digest_rows(explanation, rows)]

    def listed_plan(self, parts: Sequence[tuple[date, int]], shares: SharedPlan | None) -> ListedPlan:
        """Return the dates and the list of parts in order of date.

        ``shares`` is the plan if it has the same dates, so that no other one is needed.
        """
        dates, amounts = zip(*parts, strict=True)
        if shares and shares.dates == dates and min(shares.weights) > 0:
            return ListedPlan(shares, listed_amounts(amounts))
        found = self._dated.get(dates)
        if found is None:
            found = self._dated[dates] = SharedPlan(SHARES, dates, (1,) * len(dates))
        return ListedPlan(found, listed_amounts(amounts))

    def forget(self) -> None:
        """Empty the caches if they are large; a plan is then found in the database, and a text is written again."""
        if self._parts_kept > MOST_PARTS_KEPT or len(self._same) > MOST_TEXTS_KEPT:
            self._kept.clear()
            self._same.clear()
            self._days.clear()
            self._dated.clear()
            self._parts_kept = 0
        if len(self._texts) > MOST_TEXTS_KEPT:
            self._texts.clear()


def _reduced(one: SharedPlan) -> tuple[tuple[int, ...], int]:
    """Return the weights and the whole, in lowest terms if they are shares: plans with the same effect are equal."""
    common = 1 if one.kind == AMOUNTS else gcd(*one.weights, one.whole)
    if common == 1:
        return one.weights, one.whole
    return tuple(weight // common for weight in one.weights), one.whole // common
