"""``revrec report exchange --post``: clear exchange differences from deferred accounts, each exactly once."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

from revrec.jobs.adjusting.exchange import check_exchange_settings, propose_exchange
from revrec.jobs.reports.exchange import read_rates
from revrec.jobs.running.adjust import adjust

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.jobs.gateway import Connect
    from revrec.jobs.running.result import RunResult


def post_exchange(
    context: "Context",
    day: date,
    dry_run: bool = False,
    wait: timedelta = timedelta(0),
    connect: "Connect | None" = None,
) -> "RunResult":
    """Post what is not posted yet of the exchange differences as of a day, dated with that day.

    Raises:
        BadInput: differences of a later day are posted, the period is closed, or the file has no rate for a day.
        BadConfiguration: no account or no file of rates is configured, or it cannot be used.
        Busy: another run is posting.
    """
    check_exchange_settings(context)
    rates = read_rates(context)
    return adjust(
        context,
        day,
        lambda connection, run, company: propose_exchange(connection, context, run, company, day, rates),
        dry_run,
        wait,
        connect,
    )
