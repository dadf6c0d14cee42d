"""Cut the parts of a plan into days where a price change or a hold falls within a month.

A part of a service by months is for its days. A change in mid-month must leave the days before it as they were, and
the months must add up to what a plan by days has. So the parts in question are cut into pieces, each dated on its last
day; prices and holds are applied to the pieces; and what remains of each month becomes one part again.

Source: ASC 606-10-25-13(a) (IFRS 15.21(a)): a modification changes what remains, from its day on.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from revrec.core.day_count import DAY, weight
from revrec.core.schedule import DaySpan, Plan, SchedulePart


class PlanPieces(NamedTuple):
    """A plan whose parts are cut after some days.

    ``part_of`` has the part of the last day of each piece. With a ``period_end`` pieces move, and each period, which
    ends on that day, gets a new part. Pieces up to ``until`` are history and stay as they are.
    """

    plan: Plan
    part_of: Mapping[date, DaySpan]
    period_end: Callable[[date], date] | None = None
    until: date | None = None

    def dates_of(self, pieces: Sequence[SchedulePart]) -> list[date]:
        """Return for each piece the date of the part that it belongs to; other parts keep their dates.

        A part without its last days falls on the last day that remains of it.
        """
        past = [] if self.until is None else [piece for piece in pieces if piece.date <= self.until]
        later = pieces[len(past) :]
        moved = self._parts(later) if self.period_end is None else self._periods(later, self.period_end)
        return [day for day, _amount in past] + list(moved)

    def _parts(self, pieces: Sequence[SchedulePart]) -> Iterator[date]:
        remain = {piece.date for piece in pieces}
        last = {span: max(remain & ends) for span, ends in self._ends().items() if remain & ends}
        seen: set[date] = set()
        for day, _amount in pieces:
            span = self.part_of.get(day)
            # A second part on the last day of a piece is the effect of a change on that day.
            is_piece = span is not None and day not in seen
            seen.add(day)
            if span is not None and is_piece:
                yield span.falls_on if last[span] == span.last else last[span]
            else:
                yield day

    def _ends(self) -> dict[DaySpan, set[date]]:
        ends: dict[DaySpan, set[date]] = {}
        for day, span in self.part_of.items():
            ends.setdefault(span, set()).add(day)
        return ends

    def _periods(self, pieces: Sequence[SchedulePart], period_end: Callable[[date], date]) -> Iterator[date]:
        last = max((day for day, _amount in pieces), default=date.max)
        for day, _amount in pieces:
            yield min(period_end(day), last)


def cut(
    plan: Plan,
    spans: Iterable[DaySpan],
    after: Collection[date],
    day_count: str,
    period_end: Callable[[date], date] | None = None,
    until: date | None = None,
) -> PlanPieces | None:
    """Cut the parts of a plan after these days; return None if no day is within the days of a part.

    ``period_end`` and ``until`` are as for :class:`PlanPieces`.
    """
    by_date: dict[date, DaySpan] = {}
    for span in spans:
        # Where one term ends and the next begins within a month, the month has one part for both.
        by_date[span.falls_on] = span._replace(first=by_date.get(span.falls_on, span).first)
    dates: list[date] = []
    weights: list[Fraction] = []
    part_of: dict[date, DaySpan] = {}
    for day, whole in zip(plan.dates, plan.weights, strict=True):
        its_span = by_date.get(day)
        # A service can end before its last part falls: what happens in between comes after all its days.
        days = sorted(one for one in after if its_span and its_span.first <= one < max(its_span.last, day))
        total = weight(day_count, its_span.first, its_span.last) if its_span and days else 0
        if its_span is None or not total:
            dates.append(day)
            weights.append(Fraction(whole))
            continue
        begin = its_span.first
        for end in (*(one for one in days if one < its_span.last), its_span.last):
            dates.append(end)
            weights.append(Fraction(whole) * weight(day_count, begin, end) / total)
            part_of[end] = its_span
            begin = end + DAY
    if not part_of:
        return None
    scale = lcm(*(one.denominator for one in weights))
    whole_weights = tuple(int(one * scale) for one in weights)
    return PlanPieces(plan._replace(dates=tuple(dates), weights=whole_weights), part_of, period_end, until)


def joined(pieces: Sequence[SchedulePart], dates: Sequence[date]) -> tuple[SchedulePart, ...]:
    """Return one part for all pieces of a date."""
    amounts: Counter[date] = Counter()
    for piece, day in zip(pieces, dates, strict=True):
        amounts[day] += piece.amount
    return tuple(SchedulePart(day, amount) for day, amount in sorted(amounts.items()) if amount)
