"""Refuse settings under which an entry could be sent twice, before anything is sent."""

from datetime import timedelta
from typing import TYPE_CHECKING

from revrec.core.errors import BadConfiguration
from revrec.core.journal import company_of
from revrec.core.loopback import is_loopback_url
from revrec.jobs.gateway import SANDBOX, endpoint
from revrec.store.database import BUSY_SECONDS
from revrec.store.database.engine import deployment
from revrec.store.posting.kinds import EVERY_KIND

if TYPE_CHECKING:
    from revrec.intacct.gateway import Gateway
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

INTACCT_CUT_OFF = timedelta(minutes=15)
"""How long Intacct may work on a request after its connection was lost (its own time limit)."""
LONGEST = timedelta(days=366)


def check_settings(context: "Context") -> None:
    """Refuse settings under which an entry could be sent twice. Raises BadConfiguration."""
    check_times(context)
    check_quarantine(context)


def check_times(context: "Context") -> None:
    """Check that a worker loses its right to send before another one may think it dead. Raises BadConfiguration."""
    posting = context.settings.posting
    for name, time in (("lease", posting.lease), ("quarantine", posting.quarantine)):
        if time > LONGEST:
            raise BadConfiguration(f"[posting] {name} must be at most a year")
    if posting.timeout >= posting.lease:
        raise BadConfiguration("[posting] timeout must be shorter than lease, or two workers could send the same entry")


def check_quarantine(context: "Context") -> None:
    """Check that the quarantine outlasts a request in Intacct. Raises BadConfiguration.

    An entry that is not shown before Intacct's own cut-off may still appear. Sent again, it would be there twice.
    """
    address = endpoint(context)
    real = address != SANDBOX and not is_loopback_url(address)
    if real and context.settings.posting.quarantine < INTACCT_CUT_OFF:
        raise BadConfiguration("[posting] quarantine must be at least 15 min; only a sandbox can do with less")


def right_to_send(context: "Context") -> timedelta:
    """Return for how long after a claim these books may send.

    Books that take over wait out the quarantine before they send. By its end, what was sent within this span has
    arrived, because Intacct itself ends its work on a request at its cut-off. Between the check of the claim and the
    request a run may wait for the database, which counts too.
    """
    address, quarantine = endpoint(context), context.settings.posting.quarantine
    if address == SANDBOX:
        # Started by the run itself, on a data file that no other copy can have open.
        return timedelta(hours=1)
    real = not is_loopback_url(address)
    used = INTACCT_CUT_OFF + timedelta(seconds=BUSY_SECONDS)
    return max(quarantine - used, timedelta(0)) if real else quarantine / 2


def check_clock(context: "Context", gateway: "Gateway") -> None:
    """Check this machine's clock against Intacct's, as the last sign-in showed it.

    The times in the database (the last scan of the journals, quarantines, leases) are this machine's. A scan that a
    wrong clock dates in the future hides what was posted before that date.

    Raises:
        BadConfiguration: the clocks differ by more than ``[posting] clock_difference``.
    """
    offset = gateway.clock_offset()
    bound = context.settings.posting.clock_difference
    if offset is None or abs(offset) <= bound:
        return
    ours, theirs = (f"{one:%Y-%m-%d %H:%M:%S} UTC" for one in (context.now(), context.now() + offset))
    raise BadConfiguration(
        f"this machine's clock says {ours}, Intacct's says {theirs}: "
        f"they differ by more than {bound} ([posting] clock_difference), so nothing was sent. Set this machine's clock "
        "(NTP), then run again"
    )


def check_company(connection: "Connection", to: str) -> None:
    """Check that a database posts to one company. Raises BadConfiguration.

    What is posted to one company is missing in another, and would not be posted again.
    """
    last = next(filter(None, (tables.last_control_id(connection) for tables in EVERY_KIND)), None)
    before = company_of(last, deployment(connection)) if last else to.lower()
    if before != to.lower():
        raise BadConfiguration(
            f"this database posts to the company {before}, not to {to}: what is posted there would never reach {to}. "
            f"Go back to {before}, or make books for {to} in a separate folder: revrec init DIR"
        )
