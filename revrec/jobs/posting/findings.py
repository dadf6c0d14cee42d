"""Findings about entries in Intacct that differ from these books, each with what to do about it."""

import hashlib
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

from revrec.intacct.gateway import FoundEntry

Amounts = Mapping[tuple[str, str], int]
"""Net amounts in minor units by account and currency, debits positive."""

ADVICE = {
    "deleted": "Intacct's own history may show who deleted it. If that was wrong, enter it again there under this "
    "reference, from: revrec trace {reference}. If it was right, --reopen it, and the next run posts its lines again; "
    "or --final, and they are not posted again.",
    "moved": "it was entered again under another record. If the new entry is right, accept it; else delete or correct "
    "it in Intacct.",
    "edited": "put it back in Intacct as revrec posted it: revrec trace {reference}; or accept it.",
    "reversed": "if what was recognized is to stay recognized, delete the reversal in Intacct. Else --reopen it, and "
    "the next run posts its lines again (change rules or events first); or --final, and they are not posted again.",
    "restored": "accept it, so that its revenue counts as recognized again.",
    "came_back": "its schedule lines were reopened here, and runs post them on other entries: delete or reverse it in "
    "Intacct, or its revenue is recognized twice.",
    "doubled": "delete or reverse the one that revrec did not post, Intacct's entry {record_no}.",
    "alike": "if it is the same entry made a second time, delete or reverse it in Intacct; else accept it.",
    "unsettled": "nothing by hand: the next revrec run settles it; one that needs review: revrec postings list.",
    "given_up": "if its lines need review: revrec postings list. If they were posted again under another reference, "
    "they are in Intacct twice: revrec trace {reference}; delete or reverse one of the two there.",
    "lost": "these books were put back from a copy, or are used in two places. Import what is missing, then revrec run "
    "records it. Else accept it: with --recognized if it is right (its lines are not posted again), with "
    "--not-recognized if it was reversed or is not of these books (lines that are due here are posted).",
    "foreign": "another person or program works in this journal: move the entry to another journal, or accept it.",
    "invoice_deleted": "Intacct's own history may show who deleted it. Enter it again there under its number, from: "
    "revrec trace {reference}; or accept it.",
    "invoice_edited": "put it back in Intacct as it was posted: revrec trace {reference}; or accept it.",
    "invoice_state": "if it is not to count, record a credit of its amount (revrec event add) or accept it; else post "
    "it again in Intacct.",
    "invoice_unsettled": "nothing by hand: the next revrec run settles it, or see what needs a person: revrec postings "
    "list.",
    "invoice_unknown": "these books were put back from a copy, or a person entered it: import what is missing, and the "
    "next revrec run adopts it if it is equal; else correct its number in Intacct, or accept it.",
    "credit_due": "the next revrec run posts it or demands it; one that it demands is in: revrec postings list.",
    "balance": "Intacct's balance has amounts that its entries, as this user may read them, do not: look at the "
    "account's ledger in Intacct for entities or books that the user may not see.",
}


class Finding(NamedTuple):
    """One difference. ``effect`` is how far it moves Intacct's balances from ours, within the range.

    ``part`` says what of our entry changed in Intacct, the ``entry`` or its ``reversal``, empty for other findings, and
    ``found`` is what Intacct has of it now; None if it has nothing.
    """

    kind: str
    reference: str
    record_no: str
    date: date | None
    currency: str
    amount: int
    what: str
    effect: Amounts = MappingProxyType({})
    part: str = ""
    found: FoundEntry | None = None

    @property
    def key(self) -> str:
        """The key to accept it by. Any further change of the entry makes it a different finding."""
        said = "\n".join((self.kind, self.reference, self.record_no, self.what))
        return hashlib.sha256(said.encode()).hexdigest()[:12]

    def as_record(self) -> dict[str, str]:
        """Return what the audit trail keeps of it with an acceptance."""
        return {"kind": self.kind, "reference": self.reference, "record_no": self.record_no, "what": self.what}

    @property
    def advice(self) -> str:
        """The advice for the accountant."""
        return ADVICE[self.kind].format(reference=self.reference, record_no=self.record_no)


def in_intacct(kind: str, found: FoundEntry, what: str) -> Finding:
    """Return a finding about an entry in our journal that is not posted by these books."""
    currency = found.lines[0].currency if found.lines else ""
    return Finding(kind, found.reference, found.record_no, found.date, currency, found.total_debit, what)


def lost(found: FoundEntry) -> Finding:
    """Return the finding that an entry bears the mark of these books, which do not know it."""
    return in_intacct("lost", found, "these books made it, and do not know it")


def given_up(found: FoundEntry, state: str) -> Finding:
    """Return the finding that an entry is in Intacct which these books gave up."""
    return in_intacct("given_up", found, _HERE.format(state.lower().replace("_", " ")))


def unsettled(found: FoundEntry, state: str) -> Finding:
    """Return the finding that an entry is in Intacct which these books have not settled."""
    return in_intacct("unsettled", found, _HERE.format(state.lower().replace("_", " ")))


_HERE = "it is in Intacct; here it is {}"
