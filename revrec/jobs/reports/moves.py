"""``revrec report moves``: the amounts that each rebuild of the schedules moved, by charge line and month."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.errors import BadInput
from revrec.core.filters import NO_FILTERS, Filters
from revrec.core.money import decimal_string
from revrec.jobs.reports.filters import check_filters
from revrec.store.reports.moves import moved_amounts, schedule_rebuilds

if TYPE_CHECKING:
    from revrec.jobs.context import Context


class ScheduleMove(NamedTuple):
    """The planned amount of a charge line in a month before and after a rebuild, as decimal strings.

    ``period`` is empty for an amount without a recognition date. What was posted before the rebuild is in neither.
    """

    rebuild: int
    at: str
    actor: str
    reason: str
    charge: str
    period: str
    currency: str
    before: str
    after: str
    moved: str


def schedule_moves(
    context: "Context", rebuild: int | None = None, filters: Filters = NO_FILTERS
) -> Iterator[ScheduleMove]:
    """Yield what rebuilds moved, oldest first; only one rebuild if it is named.

    Raises:
        BadInput: There is no such rebuild, or a filter names something that these books do not know.
    """
    with context.database.read() as connection:
        rebuilds = {one.rebuild: one for one in schedule_rebuilds(connection)}
        if rebuild is not None and rebuild not in rebuilds:
            raise BadInput(f"--rebuild {rebuild}: no such rebuild; {_known(list(rebuilds))}")
        check_filters(context, connection, filters)
        for one in moved_amounts(connection, rebuild, filters):
            by, money = rebuilds[one.rebuild], one.currency
            before, after, moved = (decimal_string(it, money) for it in (one.before, one.after, one.after - one.before))
            yield ScheduleMove(*by, one.charge, one.period, money, before, after, moved)


def _known(numbers: list[int]) -> str:
    return f"there are {', '.join(map(str, numbers[-20:]))}" if numbers else "there is no rebuild yet"
