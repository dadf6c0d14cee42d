"""Send alerts about a run: one digest to each configured channel. A failing alert never changes the run's result."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.alerts.digest import AlertMessage, RunFacts, run_digest, trial_digest
from revrec.core.errors import Busy, RevrecError
from revrec.core.money import decimal_string
from revrec.jobs.gateway import company
from revrec.jobs.reports.documents import documents_in_words
from revrec.jobs.reports.undated import totals_in_words

if TYPE_CHECKING:
    from revrec.core.closed_periods import BlockedGroup
    from revrec.core.journal import EntryGroup
    from revrec.jobs.context import Context
    from revrec.jobs.reports.status import BooksStatus
    from revrec.jobs.running.result import RunResult

PASSWORD = "REVREC_ALERTS_PASSWORD"  # noqa: S105 - the name of a variable
URLS = "REVREC_ALERTS_URLS"
SECTION = "alerts"
_NOT_INVOICED = "settle its invoice; the run after that recognizes it: revrec postings list"
_CLOSED = "open the period and run again, or date it in the next open one: closed_period in [posting] of revrec.toml"
STATES = {"rejected": "failed", "in_doubt": "in_doubt", "sending": "in_doubt", "held": "held", "ready": "waiting"}


class Delivery(NamedTuple):
    """The outcome of sending a message on one channel; ``detail`` says why it failed and what to do."""

    channel: str
    ok: bool
    detail: str


class Channel(NamedTuple):
    """A way to reach people: its name, and the function that sends on it."""

    name: str
    send: Callable[[AlertMessage], None]


def run_and_alert(
    context: "Context",
    day: date,
    dry_run: bool,
    wait: timedelta,
    warn: Callable[[str], None],
    retry_for: timedelta = timedelta(0),
) -> "RunResult":
    """Run a day, for ``retry_for`` if necessary, then send one alert, as ``[alerts] when`` says.

    Delivery failures go to ``warn``. No alert is sent for a dry run, or when another run holds the lock.
    """
    from revrec.jobs.running.run import run
    from revrec.jobs.running.run_until import run_with_retries

    if dry_run:
        return run(context, day, dry_run, wait)
    try:
        result = run_with_retries(context, day, retry_for, wait) if retry_for else run(context, day, wait=wait)
    except Busy:
        raise
    except Exception as error:
        # Another library's message may contain a password, so only its type is sent.
        reason = str(error) if isinstance(error, RevrecError) else f"unexpected {type(error).__name__}"
        _alert(context, warn, partial(_failed, context, day, reason))
        raise
    _alert(context, warn, partial(_finished, context, result))
    return result


def send_test(context: "Context") -> list[Delivery]:
    """Send a test message to every channel; return an empty list if none is configured."""
    digest = trial_digest(_company(context))
    return [_send(channel, digest) for channel in channels(context)]


def channels(context: "Context") -> Iterator[Channel]:
    """Yield the configured channels: mail if ``[alerts] host`` is set, and each URL of ``REVREC_ALERTS_URLS``."""
    if context.settings.alerts.host:
        yield Channel("mail", partial(_mail, context))
    seconds = context.settings.alerts.timeout.total_seconds()
    for number, url in enumerate(context.environment.get(URLS, "").split(), 1):
        from revrec.alerts.chat import channel_name

        name = channel_name(number, url)
        yield Channel(name, partial(_chat, name, url, seconds))


def _chat(name: str, url: str, timeout: float, digest: AlertMessage) -> None:
    from revrec.alerts.chat import send_chat

    send_chat(name, url, digest, timeout)


def _alert(context: "Context", warn: Callable[[str], None], facts: Callable[[], RunFacts]) -> None:
    """Send an alert. An error here is a warning: the run's result, which is committed, must not depend on mail."""
    try:
        when = context.settings.alerts.when
        chosen = [] if when == "never" else list(channels(context))
        if not chosen:
            return
        found = facts()
        if when == "problems" and not found.problem:
            return
        for delivery in (_send(channel, run_digest(found)) for channel in chosen):
            if not delivery.ok:
                warn(f"alert not sent by {delivery.channel}: {delivery.detail}")
    except Exception as error:
        warn(f"alert not sent: unexpected {type(error).__name__}; try: revrec alert test")


def _send(channel: Channel, digest: AlertMessage) -> Delivery:
    try:
        channel.send(digest)
    except RevrecError as error:
        return Delivery(channel.name, False, str(error))
    return Delivery(channel.name, True, "")


def _finished(context: "Context", result: "RunResult") -> RunFacts:
    stopped = result.stopped.explanation if result.stopped is not None else ""
    day = result.date.isoformat()
    on_no_entry = [
        *map(_in_closed_period, result.blocked.items()),
        *map(_without_invoice, result.awaiting_invoice.items()),
    ]
    others = Counter(result.invoice_counts) + Counter(result.adjustment_counts)
    counts = {state: count + others[state] for state, count in result.counts.items()}
    if on_no_entry:
        counts["held"] -= len(on_no_entry)
        counts["blocked"] = len(on_no_entry)
    found = _status(context)
    unsettled = [*_unsettled(found), *on_no_entry]
    return RunFacts(
        result.run, day, _company(context), counts, unsettled, stopped, result.repaired,
        [str(one) for one in result.missing], totals_in_words(result.undated), _documents(found),
    )  # fmt: skip


def _in_closed_period(lines: "tuple[EntryGroup, BlockedGroup]") -> dict[str, Any]:
    return _on_no_entry(lines, "closed period", _CLOSED)


def _without_invoice(lines: "tuple[EntryGroup, BlockedGroup]") -> dict[str, Any]:
    return _on_no_entry(lines, "not invoiced", _NOT_INVOICED)


def _on_no_entry(lines: "tuple[EntryGroup, BlockedGroup]", state: str, advice: str) -> dict[str, Any]:
    """Return lines that are on no entry as a row among the entries to settle."""
    (day, _entity, _journal, currency, _options), group = lines
    amount = decimal_string(group.amount, currency)
    delivery = {"error_no": None, "error": group.reason, "advice": advice}
    return {
        "reference": "no entry",
        "date": day,
        "state": state,
        "amount": amount,
        "currency": currency,
        **delivery,
    }


def _failed(context: "Context", day: date, reason: str) -> RunFacts:
    found = _status(context)
    unsettled = _unsettled(found)
    counts: dict[str, int] = {}
    for row in unsettled:
        state = STATES.get(row["state"], row["state"])
        counts[state] = counts.get(state, 0) + 1
    missing = [str(one) for one in found.missing] if found else []
    undated = totals_in_words(found.undated) if found else []
    return RunFacts(
        None, day.isoformat(), _company(context), counts, unsettled, reason, missing=missing, undated=undated,
        documents=_documents(found),
    )  # fmt: skip


def _documents(found: "BooksStatus | None") -> list[str]:
    """Return how many documents of sources were not imported, and the sources that failed, in words."""
    if found is None:
        return []
    return [*documents_in_words(one.state for one in found.documents), *map(str, found.failed_sources)]


def _unsettled(found: "BooksStatus | None") -> list[dict[str, Any]]:
    """Return the entries to settle."""
    return [one._asdict() for one in found.attention] if found else []


def _status(context: "Context") -> "BooksStatus | None":
    """Return the status of the books, None if the database itself fails."""
    from revrec.jobs.reports.status import status

    try:
        return status(context)
    except RevrecError:
        return None


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
    """Return the password from the environment, the credentials file's section [alerts], or the keychain."""
    from revrec.intacct.credentials import KEYCHAIN_SERVICE, keyring_password, private_value
    from revrec.jobs import trust

    trust.check(context, trust.ALERTS)
    if context.environment.get(PASSWORD):
        return context.environment[PASSWORD]
    file = context.settings.gateway.credentials_file
    if file and (found := private_value(file, SECTION, "password")):
        return found
    return keyring_password(KEYCHAIN_SERVICE, f"{user}@{host}") or ""
