"""Propose the adjusting entries that clear exchange differences from deferred accounts."""

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING

from revrec.core.adjusting import EXCHANGE, Adjustment
from revrec.core.errors import BadConfiguration, BadInput
from revrec.core.exchange import Rates
from revrec.core.exchange_entries import DifferenceKey, exchange_adjustment, not_posted
from revrec.jobs.adjusting.adjustments import propose
from revrec.jobs.reports.exchange import charge_differences
from revrec.store.reports.posted_exchange import (
    cleared_line,
    differences_on_their_way,
    latest_exchange_day,
)

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.jobs.settings import ExchangeSettings
    from revrec.store.connection import Connection


def check_exchange_settings(context: "Context") -> "ExchangeSettings":
    """Return the settings by which exchange differences are posted.

    Raises:
        BadConfiguration: no account is configured.
    """
    settings = context.settings.exchange
    if not settings.gain_or_loss_account:
        raise BadConfiguration(
            "exchange differences are not posted: no account is configured; set gain_or_loss_account in [exchange]"
        )
    return settings


def propose_exchange(
    connection: "Connection", context: "Context", run_id: int, company: str, day: date, rates: Rates
) -> list[int]:
    """Store the entries that clear the exchange differences of a day, as READY; return their numbers.

    Raises:
        BadInput: differences of a later day are posted, or the period of the day is closed.
        BadConfiguration: no account is configured, or it is a deferred account.
    """
    last = latest_exchange_day(connection)
    if last is not None and last > day:
        raise BadInput(f"exchange differences are posted as of {last} already: post them as of that day or a later one")
    wanted = _adjustments(connection, context, day, rates)
    return propose(connection, context, run_id, company, EXCHANGE, day, wanted)


def _adjustments(connection: "Connection", context: "Context", day: date, rates: Rates) -> list[Adjustment]:
    """Return what the entries of a day have to clear: the differences, without what earlier days cleared."""
    settings = check_exchange_settings(context)
    journal = settings.journal or context.settings.posting.journal
    places: dict[DifferenceKey, tuple[str, str]] = {}
    differences, posted = Counter[DifferenceKey](), Counter[DifferenceKey]()
    for one in charge_differences(context, connection, day, rates):
        places[one.charge, one.account] = (one.entity, one.base)
        differences[one.charge, one.account] += one.difference.difference
    for there in differences_on_their_way(connection, day):
        places[there.charge, there.account] = (there.entity, there.base)
        posted[there.charge, there.account] += there.amount
    found: list[Adjustment] = []
    for key, amount in sorted(not_posted(differences, posted).items()):
        if key[1] == settings.gain_or_loss_account:
            raise BadConfiguration(
                f"[exchange] gain_or_loss_account {key[1]!r} is the deferred account of {key[0]}; name another account"
            )
        line = cleared_line(connection, *key, *places[key])
        found.append(exchange_adjustment(line, amount, day, settings.gain_or_loss_account, journal))
    return found
