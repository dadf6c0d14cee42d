"""Telling people of a run: one digest to each channel that is set up. A failing alert never changes the run's end."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.alerts.digest import AlertMessage, RunFacts, run_digest, trial_digest
from revrec.core.errors import Busy, RevrecError
from revrec.core.money import decimal_string
from revrec.jobs.gateway import company

if TYPE_CHECKING:
    from revrec.core.closed_periods import BlockedGroup
    from revrec.core.journal import EntryGroup
    from revrec.jobs.context import Context
    from revrec.jobs.running.result import RunResult

PASSWORD = "REVREC_ALERTS_PASSWORD"  # noqa: S105 - the name of a variable
URLS = "REVREC_ALERTS_URLS"
SECTION = "alerts"
_NOT_INVOICED = "settle its invoice; the run after that recognizes it: revrec postings list"
_CLOSED = "open the period and run again, or date it in the next open one: closed_period in [posting] of revrec.toml"
STATES = {"rejected": "failed", "in_doubt": "in_doubt", "sending": "in_doubt", "held": "held", "ready": "waiting"}


class Told(NamedTuple):
    """Whether one channel took a message, and if not, why and what to do."""

    channel: str
    ok: bool
    detail: str


class Channel(NamedTuple):
    """One tables to people: its name, and how to send on it."""

    name: str
    send: Callable[[AlertMessage], None]


def run_and_tell(
    context: "Context",
    day: date,
    dry_run: bool,
    wait: timedelta,
    warn: Callable[[str], None],
    retry_for: timedelta = timedelta(0),
) -> "RunResult":
    """Run a day, for ``retry_for`` if need be, then tell people of it once, as ``[alerts] when`` says.

    ``warn`` gets what fails in the telling. Of a dry run nobody is told, nor of one that finds another run at work.
    """
    from revrec.jobs.running.run import run
    from revrec.jobs.running.run_until import run_for

    if dry_run:
        return run(context, day, dry_run, wait)
    try:
        result = run_for(context, day, retry_for, wait) if retry_for else run(context, day, wait=wait)
    except Busy:
        raise
    except Exception as error:
        # Only what revrec says itself is known to hold no secret.
        said = str(error) if isinstance(error, RevrecError) else f"unexpected {type(error).__name__}"
        _tell(context, warn, lambda: _failed(context, day, said))
        raise
    _tell(context, warn, lambda: _finished(context, result))
    return result


def send_test(context: "Context") -> list[Told]:
    """Send a test message to every channel; an empty list if none is set up."""
    digest = trial_digest(_company(context))
    return [_send(channel, digest) for channel in channels(context)]


def channels(context: "Context") -> Iterator[Channel]:
    """The channels that are set up: mail if ``[alerts] host`` is, and each URL of ``REVREC_ALERTS_URLS``."""
    if context.settings.alerts.host:
        yield Channel("mail", lambda digest: _mail(context, digest))
    seconds = context.settings.alerts.timeout.total_seconds()
    for number, url in enumerate(context.environment.get(URLS, "").split(), 1):
        from revrec.alerts.chat import channel_name, send_chat

        name = channel_name(number, url)
        yield Channel(name, lambda digest, name=name, url=url: send_chat(name, url, digest, seconds))  # type: ignore[misc]


def _tell(context: "Context", warn: Callable[[str], None], facts: Callable[[], RunFacts]) -> None:
    """Whatever happens here is told and changes nothing."""
    try:
        when = context.settings.alerts.when
        by_tables = [] if when == "never" else list(channels(context))
        if not by_tables:
            return
        found = facts()
        if when == "problems" and not found.problem:
            return
        for told in (_send(channel, run_digest(found)) for channel in by_tables):
            if not told.ok:
                warn(f"nobody was told through {told.channel}: {told.detail}")
    except Exception as error:
        warn(f"nobody was told: unexpected {type(error).__name__}; try: revrec alert test")


def _send(channel: Channel, digest: AlertMessage) -> Told:
    try:
        channel.send(digest)
    except RevrecError as error:
        return Told(channel.name, False, str(error))
    return Told(channel.name, True, "")


def _finished(context: "Context", result: "RunResult") -> RunFacts:
    stopped = result.stopped.advice if result.stopped is not None else ""
    day = result.date.isoformat()
    held = [*map(_in_closed_period, result.held.items()), *map(_without_invoice, result.awaiting.items())]
    counts = {state: count + result.invoice_counts.get(state, 0) for state, count in result.counts.items()}
    unsettled = [*_unsettled(context), *held]
    return RunFacts(result.run, day, _company(context), counts, unsettled, stopped, result.repaired)


def _in_closed_period(held: "tuple[EntryGroup, BlockedGroup]") -> dict[str, Any]:
    return _on_no_entry(held, "closed period", _CLOSED)


def _without_invoice(held: "tuple[EntryGroup, BlockedGroup]") -> dict[str, Any]:
    return _on_no_entry(held, "not invoiced", _NOT_INVOICED)


def _on_no_entry(held: "tuple[EntryGroup, BlockedGroup]", state: str, advice: str) -> dict[str, Any]:
    """Lines that are on no entry, as a row among the entries to settle."""
    (day, _entity, _journal, currency), group = held
    amount = decimal_string(group.amount, currency)
    told = {"error_no": None, "error": group.reason, "advice": advice}
    return {
        "reference": "no entry",
        "date": day,
        "state": state,
        "amount": amount,
        "currency": currency,
        **told,
    }


def _failed(context: "Context", day: date, said: str) -> RunFacts:
    unsettled = _unsettled(context)
    counts: dict[str, int] = {}
    for row in unsettled:
        state = STATES.get(row["state"], row["state"])
        counts[state] = counts.get(state, 0) + 1
    return RunFacts(None, day.isoformat(), _company(context), counts, unsettled, said)


def _unsettled(context: "Context") -> list[dict[str, Any]]:
    """The entries to settle; none if the database is what fails."""
    from revrec.jobs.reports.status import status

    try:
        found: list[dict[str, Any]] = status(context)["attention"]
    except RevrecError:
        return []
    return found


def _company(context: "Context") -> str:
    try:
        return company(context)
    except RevrecError:
        return ""


def _mail(context: "Context", digest: AlertMessage) -> None:
    from revrec.alerts.mail import MailServer, send_mail

    alerts = context.settings.alerts
    seconds = alerts.timeout.total_seconds()
    password = _password(context, alerts.user, alerts.host) if alerts.user else ""
    server = MailServer(alerts.host, alerts.port, alerts.tls, alerts.user, password, timeout=seconds)
    send_mail(server, alerts.sender, alerts.to, digest)


def _password(context: "Context", user: str, host: str) -> str:
    """From the environment, the credentials file's section [alerts], or the keychain under ``user@host``."""
    from revrec.intacct.credentials import KEYCHAIN_SERVICE, keyring_password, private_value
    from revrec.jobs import trust

    trust.check(context, trust.ALERTS)
    if context.environment.get(PASSWORD):
        return context.environment[PASSWORD]
    file = context.settings.gateway.credentials_file
    if file and (found := private_value(file, SECTION, "password")):
        return found
    return keyring_password(KEYCHAIN_SERVICE, f"{user}@{host}") or ""
