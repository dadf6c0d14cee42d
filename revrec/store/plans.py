"""Plans and explanations, which schedule versions share: each is written once and has an id.

A schedule version is an amount and a plan. Twelve monthly parts of a thousand charge lines are a thousand versions and
one plan with twelve dates, not twelve thousand rows.
"""

import json
from collections.abc import Collection, Sequence
from datetime import date
from hashlib import sha256
from itertools import accumulate
from math import gcd
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from revrec.core.calendar import day_of, iso
from revrec.core.money import divisible_amounts, split
from revrec.store import digests
from revrec.store.bulk import insert_columns, insert_rows, next_number
from revrec.store.digests import RowDigest
from revrec.store.tables import explanation, plan, plan_part

SHARES, AMOUNTS = "shares", "amounts"
MOST_PARTS_KEPT = 200_000
MOST_TEXTS_KEPT = 20_000
"""Bounds of the caches, so that memory stays flat however many plans and texts a file needs."""


class SharedPlan(NamedTuple):
    """Dates and their weights: ``kind`` is shares, whose weights divide any amount, or amounts in minor units."""

    kind: str
    dates: tuple[date, ...]
    weights: tuple[int, ...]


def plan_of_parts(parts: Sequence[tuple[date, int]], shares: SharedPlan | None) -> SharedPlan:
    """Return the plan that results in exactly these parts, in order of date: a shared one if there is one.

    ``shares`` is the plan that split the amount, if one did and the parts have not changed since.
    """
    dates, amounts = zip(*sorted(parts, key=itemgetter(0)), strict=True)
    if shares and shares.dates == dates:
        # The same object, so that the dates of many plans are compared and hashed at once.
        dates = shares.dates
    amount = sum(amounts)
    for candidate in (shares, SharedPlan(SHARES, dates, (1,) * len(dates))):
        if candidate is None or candidate.dates != dates or abs(amount) not in divisible_amounts(candidate.weights):
            continue
        if tuple(split(amount, candidate.weights)) == amounts:
            return candidate
    return SharedPlan(AMOUNTS, dates, amounts)


def read_plans(connection: Connection, ids: Collection[int]) -> dict[int, SharedPlan]:
    """Return stored plans by their ids, with their weights in lowest terms."""
    query = (
        select(plan.c.id, plan.c.kind, plan_part.c.date, plan_part.c.cumulative - plan_part.c.before)
        .join(plan_part, plan_part.c.plan_id == plan.c.id)
        .where(plan.c.id.in_(ids))
        .order_by(plan.c.id, plan_part.c.seq)
    )
    found: dict[int, tuple[str, list[date], list[int]]] = {}
    for id, kind, day, weight in connection.execute(query).all():
        _kind, dates, weights = found.setdefault(id, (kind, [], []))
        dates.append(day_of(day))
        weights.append(weight)
    return {id: SharedPlan(kind, tuple(dates), tuple(weights)) for id, (kind, dates, weights) in found.items()}


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
        shown = f'["{one.kind}",{days},{digests.text_of_numbers(_reduced(one))}]'
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
            weights, count = _reduced(one), len(one.dates)
            isos, _json = self._texts_of(one.dates)
            sums = list(accumulate(weights, initial=0))
            ids += [id] * count
            seqs += range(1, count + 1)
            days += isos
            before += sums[:-1]
            after += sums[1:]
            smallest = min(weights) if one.kind == SHARES else 0
            rows.append((id, mark, one.kind, count, sums[-1], smallest, isos[0]))
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

    def forget(self) -> None:
        """Empty the caches if they are large; a plan is then found in the database, and a text is written again."""
        if self._parts_kept > MOST_PARTS_KEPT or len(self._same) > MOST_TEXTS_KEPT:
            self._kept.clear()
            self._same.clear()
            self._days.clear()
            self._parts_kept = 0
        if len(self._texts) > MOST_TEXTS_KEPT:
            self._texts.clear()


def _reduced(one: SharedPlan) -> tuple[int, ...]:
    """Return the weights, in lowest terms if they are shares, so that plans with the same effect are stored once."""
    if one.kind != SHARES:
        return one.weights
    common = gcd(*one.weights)
    return one.weights if common == 1 else tuple(weight // common for weight in one.weights)
