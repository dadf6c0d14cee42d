"""Explain in one sentence where an amount comes from: the arithmetic of a split, of progress, of a changed price."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from itertools import accumulate, groupby
from operator import itemgetter

from revrec.core.anchors import Events
from revrec.core.charge_line import ALLOCATE, IMPAIR, INCLUDE, LOSS, ChargeLine
from revrec.core.money import decimal_string, period_amount, rounded_shares
from revrec.core.pricing import AT_ONCE, PriceChange, price_changes, treatment_of
from revrec.core.schedule import Schedule, SchedulePart, total_of

LATEST = "the latest parts are reduced first"


def explain_parts(schedule: Schedule, line: ChargeLine, events: Events) -> dict[SchedulePart, str]:
    """Explain how the amount of each part follows from the charge line; parts that a hold moved are left out."""
    if schedule.pieces:
        return _explain_pieces(schedule, schedule.pieces, line, events)
    words = _explain_plan(schedule, line, line.amount)
    changes = price_changes(line, events)
    for at, change in enumerate(changes):
        past = [
            part
            for part in schedule.all_parts
            if part.date < change.date or (part.date == change.date and part in words)
        ]
        later = [part for part in schedule.all_parts if part.date > change.date]
        at_new_price = _explain_plan(schedule, line, change.after)
        how = treatment_of(change, schedule.rule.method)
        replanned = how == "catch_up" or (not past and how in ("prospective", "earned_first"))
        words = {part: words[part] for part in past if part in words}
        words |= {part: at_new_price[part] for part in later if replanned and part in at_new_price}
        made_later = _made_on(schedule, {one.date for one in changes[at + 1 :]} - {change.date})
        rest = [
            part
            for part in schedule.all_parts
            if part not in words
            and (part.date == change.date or (part.date > change.date and how != AT_ONCE))
            and part not in made_later
        ]
        words |= {part: _explain_change(schedule, line, change, part.date, total_of(past)) for part in rest}
    return _with_canceled_out({part: words[part] for part in schedule.all_parts if part in words}, line.currency)


def _made_on(schedule: Schedule, days: Collection[date]) -> list[SchedulePart]:
    """Return the parts that changes on these days made: all but the first of a day where the plan has one."""
    planned = set(schedule.plan.dates if schedule.plan else ())
    found = []
    for part in schedule.all_parts:
        if part.date in days and part.date not in planned:
            found.append(part)
        planned.discard(part.date)
    return found


def _with_canceled_out(words: dict[SchedulePart, str], currency: str) -> dict[SchedulePart, str]:
    """Add the parts that a plus and a minus of one day leave, since only they are posted if neither was before."""
    for day, same in groupby(sorted(words), key=itemgetter(0)):
        parts = list(same)
        left = SchedulePart(day, total_of(parts))
        if len(parts) > 1 and left not in words:
            words[left] = "; ".join(f"{_money(part.amount, currency)}: {words[part]}" for part in parts)
    return words


def _explain_pieces(schedule: Schedule, cut: Schedule, line: ChargeLine, events: Events) -> dict[SchedulePart, str]:
    """Explain parts by the days before and after a change within their month."""
    words = explain_parts(cut, line, events)
    of_part: dict[date, list[SchedulePart]] = {}
    for piece, day in zip(cut.parts, schedule.piece_dates, strict=True):
        of_part.setdefault(day, []).append(piece)
    found: dict[SchedulePart, str] = {}
    for part in schedule.parts:
        pieces = of_part[part.date]
        if not all(piece in words for piece in pieces):
            continue
        said = [f"to {piece.date}, {_money(piece.amount, line.currency)}: {words[piece]}" for piece in pieces]
        found[part] = "; ".join(said) if len(said) > 1 else words[pieces[0]]
    return found


def explain_split(amounts: Sequence[int], weights: Sequence[int], rounding: str, currency: str) -> list[str]:
    """Explain the parts that :func:`revrec.core.money.split` made."""
    whole, scale, count = sum(amounts), sum(weights), len(amounts)
    if count == 1:
        return [f"the whole amount, {decimal_string(whole, currency)} {currency}"]
    if rounding == "cumulative":
        return list(_so_far(amounts, list(accumulate(weights)), currency))
    plug = 0 if rounding == "first" else count - 1
    price = _money(whole, currency)
    if rounding == "period":
        sentences = list(_of_period(whole, weights, currency))
    else:
        sentences = [f"{weight}/{scale} of {price}{_rounded(whole * weight, scale, currency)}" for weight in weights]
    shares = rounded_shares(abs(whole), weights, rounding)
    for at, (amount, share) in enumerate(zip(amounts, shares, strict=True)):
        if abs(amount) < share:
            sentences[at] += f"; the parts before it leave only {_money(amount, currency)}"
    sentences[plug] = f"what the other parts leave of {price}, {_money(whole - amounts[plug], currency)}"
    return [f"part {at} of {count}: {one}" for at, one in enumerate(sentences, 1)]


def _of_period(whole: int, weights: Sequence[int], currency: str) -> Iterator[str]:
    """Explain each part as its share of the amount of a whole period, which is rounded first."""
    amount = period_amount(abs(whole), weights) * (1 if whole > 0 else -1)
    period, scale = max(weights), sum(weights)
    of_period = f"{period}/{scale} of {_money(whole, currency)}{_rounded(whole * period, scale, currency)}"
    for weight in weights:
        share = f"; {weight}/{period} of that{_rounded(amount * weight, period, currency)}"
        yield of_period + (share if weight != period else "")


def explain_progress(amounts: Sequence[int], positions: Sequence[int], currency: str) -> list[str]:
    """Explain the parts that :func:`revrec.core.money.split_by_progress` made."""
    return list(_so_far(amounts, positions, currency))


def _so_far(amounts: Sequence[int], positions: Sequence[int], currency: str) -> Iterator[str]:
    """Explain each part as the rounded cumulative share minus what came before."""
    whole, scale, before = sum(amounts), positions[-1], 0
    for at, (part, position) in enumerate(zip(amounts, positions, strict=True), 1):
        share = f"{position}/{scale} of {_money(whole, currency)}{_rounded(whole * position, scale, currency)}"
        less = f", less {_money(before, currency)} before it" if before else ""
        yield f"part {at} of {len(amounts)}: {share}{less}"
        before += part


def _rounded(numerator: int, scale: int, currency: str) -> str:
    """Return the share as an amount, and whether it was rounded."""
    share = (2 * abs(numerator) + scale) // (2 * scale)
    shown = f" is {_money(share if numerator > 0 else -share, currency)}"
    return f"{shown} rounded" if numerator % scale else shown


def _explain_plan(schedule: Schedule, line: ChargeLine, price: int) -> dict[SchedulePart, str]:
    """Explain the parts of the plan at a price, including those combined from several."""
    plan, method = schedule.plan, schedule.rule.method
    if plan is None:
        return {}
    amounts = method.amounts(price, plan.weights)
    sentences = method.explain_amounts(price, plan.weights, line.currency)
    parts = list(map(SchedulePart, plan.dates, amounts))
    words = dict(zip(parts, sentences, strict=True))
    return words | dict(_explain_combined(schedule, parts, line.currency)) if method.reshapes else words


def _explain_combined(
    schedule: Schedule, parts: Sequence[SchedulePart], currency: str
) -> Iterator[tuple[SchedulePart, str]]:
    """Explain the parts that ``not_before`` or ``smallest`` combined from several."""
    ends = dict(zip(accumulate(part.amount for part in parts), range(1, len(parts) + 1), strict=True))
    first = so_far = 0
    for part in schedule.all_parts:
        so_far += part.amount
        last = ends.get(so_far, 0)
        if last > first + 1 or (last and parts[last - 1].date != part.date):
            which = f"parts {first + 1} to {last}" if last > first + 1 else f"part {last}"
            sum_of = " + ".join(_money(one.amount, currency) for one in parts[first:last][:12])
            more = " + ..." if last - first > 12 else ""
            yield part, f"{which} of {len(parts)} on one day, by not_before or smallest: {sum_of}{more}"
        first = last or first


_NAMED = {ALLOCATE: "new allocation", INCLUDE: "constraint", IMPAIR: "impairment", LOSS: "impairment"}


def _explain_change(schedule: Schedule, line: ChargeLine, change: PriceChange, day: date, past: int) -> str:
    """Explain a part that results from a change of the price, on its day or after it."""
    how, currency = treatment_of(change, schedule.rule.method), line.currency
    kind = _NAMED.get(change.kind, change.kind)
    named = f"{kind}{f' {change.name}' if change.name else ''} on {change.date}"
    price = f"{named}: {_money(change.before, currency)} became {_money(change.after, currency)}"
    left = f"what is left after {_money(past, currency)} before it, {_money(change.after - past, currency)},"
    if day > change.date:
        return f"{price}; " + (
            LATEST if how == "latest" else f"{left} is spread over the parts to come as they were weighed"
        )
    if how == AT_ONCE:
        return f"{price}; {left} comes at once"
    return f"{price}; " + (
        "recognized revenue is taken back first"
        if how == "earned_first"
        else "the difference up to that day comes at once"
    )


def _money(amount: int, currency: str) -> str:
    return decimal_string(amount, currency)
