"""Check the entries that Intacct has outside its ledger: drafts, and entries that wait for approval there.

Nothing is sent. An entry that a person has posted, or an approver approved, is recorded as posted. One that was
declined, deleted or changed needs review.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from revrec.core.batching import batched
from revrec.intacct.errors import ReadRefused
from revrec.intacct.gateway import AWAITING_STATES
from revrec.jobs.posting.poster import Poster

if TYPE_CHECKING:
    from revrec.intacct.gateway import FoundEntry

AT_ONCE = 200


def check_approvals(poster: Poster, numbers: Sequence[int]) -> set[int]:
    """Read the entries that await approval from Intacct, by their numbers here; return those that no longer do.

    An entry that Intacct does not show counts as deleted only after the quarantine: new entries may appear late.
    """
    now = poster.context.timestamp()
    with poster.context.database.read() as connection:
        heads = [poster.tables.head(connection, number) for number in numbers]
    changed: set[int] = set()
    for some in batched(heads, AT_ONCE):
        try:
            found = _changed_in_intacct(poster, [head.record_no for head in some])
        except ReadRefused as error:
            poster.context.say(f"entries awaiting approval were not checked: {error}")
            return changed
        for head in some:
            theirs = found.get(head.record_no)
            gone = theirs is None and (head.not_before or "") <= now
            if gone or (theirs is not None and theirs.state not in AWAITING_STATES):
                poster.settle_approval(head.id, [] if theirs is None else [theirs])
                changed.add(head.id)
    return changed


def _changed_in_intacct(poster: Poster, record_nos: "list[str]") -> "dict[str, FoundEntry]":
    """Return the entries that Intacct has, by record number; those that no longer await approval have their lines."""
    heads = poster.gateway.entries_numbered(record_nos)
    settled = [head for head in heads if head.state not in AWAITING_STATES]
    return {one.record_no: one for one in (*heads, *poster.gateway.with_lines(settled))}
