"""Adjusting entries as a type of postings: journal entries that have no schedule lines."""

from typing import TYPE_CHECKING

from revrec.jobs.posting.journal_entries import EntryPostings
from revrec.store.posting import adjustments
from revrec.store.posting.adjustments import ADJUSTMENT_TABLES, StoredAdjustment

if TYPE_CHECKING:
    from revrec.store.connection import Connection


class AdjustmentPostings(EntryPostings):
    """Adjusting entries, as a :class:`revrec.jobs.posting.poster.PostingType`: found and compared as entries are."""

    tables = ADJUSTMENT_TABLES
    closed_advice = "open it again in Intacct or here (revrec periods): an adjusting entry keeps its date"

    def load(self, connection: "Connection", number: int) -> StoredAdjustment:
        """Return the adjusting entry with its lines."""
        return adjustments.load_adjustment(connection, number)
