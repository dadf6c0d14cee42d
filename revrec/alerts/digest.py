"""The digest of a run: one plain-text message with what happened, what is not settled, and what to do next.

It contains what an accountant needs to act: references, dates, amounts, errors and advice, but no customers or items.
Text from Intacct or from the data is untrusted: each piece is put on one line, without control characters.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from revrec.core.posting import needs_review

LISTED = 50
"""Most entries that are listed. Of further ones only the number is given."""

TEXT_LIMIT = 500
"""Most characters of an error or a piece of advice."""

SUBJECT_LIMIT = 180

WORDS = {
    "rejected": "failed", "in_doubt": "in doubt", "held": "needs review", "ready": "waiting", "sending": "in doubt",
    "awaiting_approval": "awaiting approval",
}  # fmt: skip
"""Words for the states of an entry in the message, if they differ."""

NEXT = {
    "failed": "Follow the advice; the next revrec run sends it again.",
    "in doubt": "The next revrec run checks Intacct and settles it; do not enter it there by hand.",
    "needs review": "Look for it in Intacct, then settle it: revrec postings resolve REFERENCE",
    "waiting": "Nothing was sent; the next revrec run sends it.",
}


class AlertMessage(NamedTuple):
    """An alert: its subject in one line, and its body in plain text."""

    subject: str
    body: str


class RunFacts(NamedTuple):
    """The facts of a run: its number (None if it did not start), day, company, entries by state, and why it stopped.

    ``unsettled`` are entries of any run, with ``reference``, ``date``, ``state``, ``amount`` (decimal text),
    ``currency``, ``error_no``, ``error`` and ``advice``. ``repaired`` counts entries by the name of the repair.
    ``missing`` is revenue that no run will recognize unless a person acts, ``undated`` the totals of all amounts
    without a recognition date, and ``documents`` the documents that were not imported, all in words.
    """

    run: int | None
    day: str
    company: str
    counts: Mapping[str, int]
    unsettled: Sequence[Mapping[str, Any]] = ()
    stopped: str = ""
    repaired: Mapping[str, int] = {}
    missing: Sequence[str] = ()
    undated: Sequence[str] = ()
    documents: Sequence[str] = ()

    @property
    def problem(self) -> bool:
        """True if a person has to act."""
        return bool(self.stopped or self.missing or self.documents) or any(
            count for state, count in self.counts.items() if state not in ("posted", "awaiting_approval")
        )


def run_digest(facts: RunFacts) -> AlertMessage:
    """Return the digest of one run."""
    name = f"run {facts.run}" if facts.run is not None else "the run"
    what = f"{name} for {facts.day}"
    body = "\n".join(_body(facts, what)) + "\n"
    return AlertMessage(one_line(f"{_from(facts.company)}: {_headline(facts, what)}", SUBJECT_LIMIT), body)


def trial_digest(company: str) -> AlertMessage:
    """Return the message of ``revrec alert test``."""
    body = "This is a test of revrec's alerts. You will get a message here when a run needs attention.\n"
    return AlertMessage(one_line(f"{_from(company)}: test of the alerts", SUBJECT_LIMIT), body)


def one_line(text: object, limit: int = TEXT_LIMIT) -> str:
    """Return untrusted text as one line, without line breaks, control characters or marks of text direction."""
    spaced = " ".join(str("" if text is None else text).split())
    kept = "".join(letter for letter in spaced if unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return kept if len(kept) <= limit else f"{kept[: limit - 3]}..."


def _from(company: str) -> str:
    return f"revrec {company}" if company else "revrec"


def _headline(facts: RunFacts, what: str) -> str:
    if facts.stopped:
        return f"{what} stopped: {facts.stopped}"
    unsettled = [count for count in _counted(facts) if not count.endswith(" posted")]
    posted = f"{facts.counts.get('posted', 0)} posted"
    return f"{', '.join([*unsettled, *facts.missing, *facts.documents, posted])} ({what})"


def _counted(facts: RunFacts) -> list[str]:
    return [
        needs_review(count) if state == "held" else f"{count} {state.replace('_', ' ')}"
        for state, count in facts.counts.items()
        if count
    ]


def _body(facts: RunFacts, what: str) -> Iterator[str]:
    company = f" in company {one_line(facts.company)}" if facts.company else ""
    outcome = "it stopped early" if facts.stopped else ", ".join(_counted(facts)) or "nothing was due"
    yield f"{what[0].upper()}{what[1:]}{company}: {outcome}."
    for name, count in facts.repaired.items():
        yield f"{count} {'entry' if count == 1 else 'entries'} repaired by {one_line(name)}."
    if facts.stopped:
        yield f"\n{one_line(facts.stopped)}"
    yield from _without_date(facts)
    yield from _not_imported(facts)
    if not facts.unsettled:
        yield "\nNothing is left to settle." if not facts.problem else "\nThe next step: revrec status"
        return
    yield f"\nNot settled ({len(facts.unsettled)}):"
    for row in facts.unsettled[:LISTED]:
        yield from _entry(row)
    if len(facts.unsettled) > LISTED:
        yield f"\n... and {len(facts.unsettled) - LISTED} more; see them all: revrec postings list"
    yield "\nThe history of an entry: revrec trace REFERENCE. What is waiting now: revrec status"


def _without_date(facts: RunFacts) -> Iterator[str]:
    if facts.missing:
        yield "\nNo run recognizes this revenue until you add a rule or record the event:"
        yield from (f"  {one_line(one)}" for one in facts.missing)
    if facts.undated:
        yield "\nWithout a recognition date:"
        yield from (f"  {one_line(one)}" for one in facts.undated)
    if facts.missing or facts.undated:
        yield "The charge lines and reasons: revrec preview"


def _not_imported(facts: RunFacts) -> Iterator[str]:
    if facts.documents:
        yield "\nNot imported from the sources, so that their revenue may be missing:"
        yield from (f"  {one_line(one)}" for one in facts.documents)
        yield "The documents and reasons: revrec fetch list"


def _entry(row: Mapping[str, Any]) -> Iterator[str]:
    state = WORDS.get(str(row["state"]), one_line(row["state"]))
    reference, day, amount, currency = (one_line(row[name]) for name in ("reference", "date", "amount", "currency"))
    yield f"\n{reference}  {day}  {amount} {currency}  {state}"
    error = one_line(f"{row['error_no'] or ''} {row['error'] or ''}")
    if error:
        yield f"  Error: {error}"
    if row["advice"]:
        yield f"  Advice: {one_line(row['advice'])}"
    if state in NEXT:
        yield f"  Next: {NEXT[state].replace('REFERENCE', reference)}"
