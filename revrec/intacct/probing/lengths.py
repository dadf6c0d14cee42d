"""Maximum lengths of texts, found with transactions that are rolled back, so that few drafts are created."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from revrec.intacct.probing.drafts import ROLLED_BACK, ProbeDrafts
from revrec.intacct.probing.requests import NOT_ANSWERED, ProbeFinding

FIELDS = {
    "BATCH_TITLE": "max_title",
    "REFERENCENO": "max_reference",
    "DOCUMENT": "max_document",
    "DESCRIPTION": "max_description",
}
"""The fields to measure, and the sandbox switch for each."""
LENGTHS = "maximum lengths"
HIGHEST = 4000
_USUAL = (20, 30, 40, 45, 50, 60, 80, 100, 120, 128, 200, 255, 256, 400, 500, 512, 1000, 1024, 2000, HIGHEST)
"""Common lengths of database columns, tried first; between them the range is halved."""


class LengthRange(NamedTuple):
    """The longest length known to be accepted, and the shortest known to be refused."""

    accepted: int = 0
    refused: int = HIGHEST + 1

    @property
    def exact(self) -> bool:
        """Return True if no length is left between the accepted and the refused one."""
        return 0 < self.accepted == self.refused - 1 < HIGHEST

    @property
    def words(self) -> str:
        """Return the range in words."""
        if self.exact:
            return f"{self.accepted}: longer ones are refused"
        return f"at least {self.accepted}" + (f", less than {self.refused}" if self.refused <= HIGHEST else "")


def find_maximum_lengths(drafts: ProbeDrafts, requests: int) -> Iterator[ProbeFinding]:
    """Find the maximum length of each field, with at most this many requests in total."""
    whole = drafts.create(texts={field: _text(drafts, field, HIGHEST) for field in FIELDS})
    if whole.created:
        yield from _read_back_findings(drafts, whole.record_no, dict.fromkeys(FIELDS, LengthRange(HIGHEST)))
        return
    limit = drafts.requests + requests
    found = {
        field: search_length(partial(_accepts, drafts, field), lambda: limit - drafts.requests) for field in FIELDS
    }
    longest = drafts.create(texts={field: _text(drafts, field, one.accepted) for field, one in found.items()})
    if not longest.created:
        yield ProbeFinding("6", LENGTHS, NOT_ANSWERED, f"a draft with the longest texts: {longest.said}")
        return
    yield from _read_back_findings(drafts, longest.record_no, found)


def search_length(accepts: Callable[[int], bool], left: Callable[[], int]) -> LengthRange:
    """Narrow down the longest accepted length while requests are ``left``."""
    known = LengthRange()
    while left() > 0 and known.refused - known.accepted > 1:
        size = _next(known)
        known = LengthRange(size, known.refused) if accepts(size) else LengthRange(known.accepted, size)
    return known


def _next(known: LengthRange) -> int:
    """Return the next length to try: a common one, else one above a common one (usually refused), else the middle."""
    between = [size for size in _USUAL if known.accepted < size < known.refused]
    if between:
        return between[len(between) // 2]
    return known.accepted + 1 if known.accepted in _USUAL else (known.accepted + known.refused) // 2


def _accepts(drafts: ProbeDrafts, field: str, size: int) -> bool:
    """Return True if Intacct accepts a draft with a text of this length (it is rolled back with the next one)."""
    first, _ = drafts.create_rolled_back({field: _text(drafts, field, size)})
    own = [error for error in first.errors if error.errorno != ROLLED_BACK]
    return not own and first.status in ("success", "aborted")


def _text(drafts: ProbeDrafts, field: str, size: int) -> str:
    start = drafts.prefix if field == "REFERENCENO" else "revrec doctor --probe "
    return (start + "x" * size)[:size]


def _read_back_findings(drafts: ProbeDrafts, record_no: str, found: dict[str, LengthRange]) -> Iterator[ProbeFinding]:
    """Read back the accepted texts, which Intacct may have cut, and return the findings."""
    texts = drafts.read_back(record_no).texts
    cut = {
        field: len(texts.get(field, "")) for field in FIELDS if 0 < len(texts.get(field, "")) < found[field].accepted
    }
    for field, switch in FIELDS.items():
        question, one = f"maximum length of {field}", found[field]
        if field in cut:
            yield ProbeFinding("6", question, f"{cut[field]}: longer ones are cut", "", switch, cut[field])
        else:
            yield ProbeFinding(
                "6", question, one.words, "", switch if one.exact else "", one.accepted if one.exact else None
            )
    if cut:
        yield ProbeFinding("6", "texts that are too long", "cut", ", ".join(cut), "over_long", "cut")
    elif any(one.exact for one in found.values()):
        yield ProbeFinding("6", "texts that are too long", "refused", "", "over_long", "reject")
