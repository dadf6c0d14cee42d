"""Sign the figures of a report: who agreed with them, in the audit trail, with a hash of the figures."""

from typing import TYPE_CHECKING

from revrec.core.errors import BadInput
from revrec.core.report import Report
from revrec.store import audit
from revrec.store.reports.control_totals import signatures, signed_in_words

if TYPE_CHECKING:
    from revrec.jobs.context import Context


def check_words(text: str, example: str) -> None:
    """Refuse a signature without words, of which ``example`` shows some.

    Raises:
        BadInput: as above.
    """
    if not text.strip():
        raise BadInput(f'a signature needs words, for the auditor: --sign "{example}"')


def sign_report(context: "Context", report: Report, action: str, named: str, text: str, problem: str) -> Report:
    """Record that a person signs the figures of a report for the day that its header has as ``named``.

    Another person may sign them again. ``action`` is the one of the audit event; ``problem`` says what it means if a
    check of the report fails.

    Raises:
        BadInput: a check fails. Then nothing is recorded.
    """
    if not report.ties_out:
        failing = ", ".join(check.name for check in report.checks if check.difference)
        raise BadInput(f"{report.title}: not signed, because {problem}: {failing}")
    day, digest = report.header[named].isoformat(), report.header["figures_sha256"]
    with context.database.write() as connection:
        audit.record(connection, context.who(), action, day, {named: day, "text": text, "sha256": digest})
        signed = signatures(connection, day, action)
    return report._replace(header={**report.header, "signed": signed_in_words(signed, digest)})
