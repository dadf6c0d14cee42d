"""Uneven parts: percentages or amounts as typed in the rule."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import accumulate
from typing import Any

from revrec.core.aligned import ALIGNED_KEYS, aligned_contradictions
from revrec.core.anchors import Events
from revrec.core.charge_line import ChargeLine
from revrec.core.explanation import explain_progress
from revrec.core.keys import OFFSET, ConfigKey, RejectedValue, ValueKind
from revrec.core.methods.every import every_contradictions
from revrec.core.money import decimal_string, minor_digits, split_by_progress
from revrec.core.numbers import NUMBER_SCHEMA, number, percent, whole_weights
from revrec.core.recognition import AnchorDates
from revrec.core.recurrence import ON, SeriesMethod
from revrec.core.schedule import Unscheduled

MOST = 1200


def _list(read: Any) -> Any:
    def listed(value: Any) -> tuple[Decimal, ...]:
        if not isinstance(value, list) or not 0 < len(value) <= MOST:
            raise RejectedValue()
        found = []
        for index, one in enumerate(value):
            try:
                found.append(read(one))
            except RejectedValue as refused:
                raise RejectedValue(str(refused), item=index) from None
        return tuple(found)

    return listed


_SCHEMA = {"type": "array", "items": NUMBER_SCHEMA, "minItems": 1, "maxItems": MOST}
PERCENTAGES = ValueKind("a list of percentages such as [50, 30, 20]", _list(percent), _SCHEMA)
AMOUNTS = ValueKind('a list of amounts such as ["250.00", "750.00"]', _list(number), _SCHEMA)


class Percentages(SeriesMethod):
    """Parts of any size, one every so many days, weeks, months or years.

    ``percentages`` add up to 100. ``amounts`` are in the line's currency and add up to the charge line; a line of
    another amount is not scheduled, with the reason (Business Central's "User-Defined", Intacct's custom and
    predefined percentage templates, Zuora's custom unlimited).

    Parts can be aligned with calendar or fiscal periods (``align``), or fall on a list of days after the start
    (``day_offsets``), as for ``every``: 50 percent at once, 30 after 60 days and 20 after 90.

    Keys: ``percentages`` or ``amounts`` (one of them), ``every`` (default ``1 month``) or ``day_offsets``, ``on``,
    ``align``, ``pattern``, ``year_end``, ``week_53``, ``start`` (default ``post_date``), ``offset``, ``rounding``,
    ``roll``, ``calendar``.

    Example::

        [rule.recognize]
        method = "percentages"
        percentages = [50, 30, 20]
        every = "3 months"

    Source: ASC 606-10-25-31 (IFRS 15.39): whatever depicts the transfer of control; write why in ``description``.
    """

    name = "percentages"
    keys = (
        ConfigKey("percentages", PERCENTAGES, "What falls on each date, in percent of the line; they sum to 100."),
        ConfigKey("amounts", AMOUNTS, "What falls on each date, in the line's currency, instead of percentages."),
        ConfigKey("every", OFFSET, "The distance from one part to the next; default 1 month."),
        ON,
        *ALIGNED_KEYS,
    )

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.typed: tuple[Decimal, ...] | None = settings.get("amounts")
        self.shares = whole_weights(list(self.typed or settings["percentages"]))
        self.periods = len(self.shares)

    @classmethod
    def default_start(cls, settings: Mapping[str, Any]) -> str:  # noqa: ARG003 - the same for all settings
        """Return the post date."""
        return "post_date"

    @classmethod
    def contradictions(cls, settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Report both or neither of the lists, and percentages that do not add up to 100."""
        yield from every_contradictions(settings)
        percentages, amounts = settings.get("percentages"), settings.get("amounts")
        offsets, shares = settings.get("day_offsets"), percentages or amounts
        yield from aligned_contradictions(settings, ("on",) if settings.get("align") else ("on", "every"))
        if offsets and shares and len(offsets) != len(shares):
            yield "day_offsets", f"are {len(offsets)} days for {len(shares)} parts: write one for each"
        if percentages and amounts:
            yield "amounts", "cannot be combined with percentages: keep one of them"
        elif amounts and not sum(amounts):
            yield "amounts", "sum to zero: nothing could be split by them"
        elif percentages and sum(percentages) != 100:
            yield "percentages", f"sum to {sum(percentages)}, not to 100"
        elif not percentages and not amounts:
            yield "method", '= "percentages" needs percentages = [...] or amounts = [...]'

    def anchors(self, line: ChargeLine, events: Events) -> AnchorDates | Unscheduled:
        """Return the start; reject a line whose amount differs from the typed amounts."""
        if self.typed:
            whole, digits = sum(self.typed, Decimal()), minor_digits(line.currency)
            if any(one.scaleb(digits) % 1 for one in self.typed):
                reason = f"its amounts have more decimals than {line.currency} has: correct them in the rule"
                return Unscheduled("impossible", reason)
            if whole.scaleb(digits) != line.amount:
                amount = f"{decimal_string(line.amount, line.currency)} {line.currency}"
                return Unscheduled(
                    "impossible", f"its amounts sum to {whole}, the line is {amount}: correct them in the rule"
                )
        return super().anchors(line, events)

    def weights(self, begin: date, end: date | None, count: int) -> Sequence[int]:
        """Return the weights as typed."""
        return self.shares

    def amounts(self, total: int, weights: Sequence[int]) -> list[int]:
        """Return typed amounts in minor units; split percentages like any weights."""
        if not self.typed:
            return super().amounts(total, weights)
        return split_by_progress(total, self._positions(weights))

    def explain_amounts(self, total: int, weights: Sequence[int], currency: str) -> list[str]:
        """Explain typed amounts as the rule's."""
        if not self.typed:
            return super().explain_amounts(total, weights, currency)
        if len(weights) != len(self.shares):
            return explain_progress(self.amounts(total, weights), self._positions(weights), currency)
        return [f"part {at} of {len(weights)}: as typed in the rule" for at in range(1, len(weights) + 1)]

    @staticmethod
    def _positions(weights: Sequence[int]) -> list[int]:
        """Return the cumulative weights of typed amounts, of which single ones, or all, can be negative."""
        sign = 1 if sum(weights) > 0 else -1
        return list(accumulate(sign * weight for weight in weights))
