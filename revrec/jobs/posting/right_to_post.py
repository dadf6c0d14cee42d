"""Claim the right to post, which one copy of the books owns at a time.

Intacct runs each control id once, whoever sends it. So the control ids ``...:claim:1``, ``...:claim:2`` and so on are
a sequence from which each number can be claimed once. Every run claims the next number with a read that finds nothing,
so that nothing is left in the ledger. Two copies of the same books ask for the same number, and one of them is refused.
Books that were restored from a copy claim the used numbers and more; then they wait out the quarantine, within which
the right of any other copy ends.
"""

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from revrec.core.errors import BadConfiguration
from revrec.intacct.errors import ReadRefused, not_run_answer
from revrec.intacct.gateway import ClaimOutcome, ErrorClass
from revrec.jobs.gateway import SANDBOX, endpoint
from revrec.jobs.posting import recovery
from revrec.jobs.posting.poster import WRITE_LOCK_TIMEOUT, RunStopped
from revrec.jobs.posting.safe_settings import right_to_send
from revrec.store.database.engine import deployment
from revrec.store.posting import continuity
from revrec.store.posting.continuity import PostingClaim

if TYPE_CHECKING:
    from revrec.intacct.gateway import Gateway
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection
    from revrec.store.posting.workers import Worker

NUMBERS_A_REQUEST = 100
MOST_REQUESTS = 500
"""Requests for numbers before books that take over give up: more numbers than runs of many years take."""


class RightToPost:
    """The right of one run to post to the company ``to``; confirmed before each entry that is sent."""

    def __init__(self, context: "Context", gateway: "Gateway", worker: "Worker", to: str) -> None:
        self._context = context
        self._gateway = gateway
        self._worker = worker
        self._to = to
        self._here = continuity.books_place(context.database)
        self._ends: datetime | None = None
        self._epoch = 0

    def begin(self, run: int) -> None:
        """Claim the posting for a run.

        Raises:
            RunStopped: another copy of these books owns the posting, or it is not clear who does.
            BadConfiguration: Intacct cannot be asked.
        """
        recovery.notice_restored_copy(self._context, run)
        self._claim()
        self._epoch = self._epoch_now()

    def confirm(self) -> None:
        """Claim again, unless the last claim is recent.

        If these books have taken over since the run began, in this worker or another, the run ends. The next one waits
        out the quarantine and scans the journals, which this one did before it could know of the other copy's entries.

        Raises:
            RunStopped: another copy of these books owns the posting, or did meanwhile, or Intacct cannot be asked.
        """
        if self._ends is None or self._context.now() < self._ends:
            return
        if self._epoch_now() == self._epoch:
            try:
                self._claim()
            except BadConfiguration as error:
                raise RunStopped(not_run_answer("", error, str(error))) from error
        if self._epoch_now() != self._epoch:
            # The step is tried again after a pause. That this worker has claimed by then must not let it send.
            self._ends = self._context.now()
            raise RunStopped.before_sending("the posting had to be claimed again; run again", ErrorClass.RETRY_LATER)

    def _epoch_now(self) -> int:
        with self._context.database.read() as connection:
            return continuity.epoch(connection)

    def _claim(self) -> None:
        """Claim the next number; if it is used up and may be, take over, which begins a new epoch."""
        with self._worker.only("claim"):
            asked = self._context.now()
            mine, may_take_over = self._announce()
            # An older copy of the database is recognized by this head. Asking before it is kept would lose that.
            recovery.keep_head(self._context)
            number = mine.number + 1
            outcome = self._ask([number])[0]
            if outcome is not ClaimOutcome.WON and not may_take_over:
                # Also while the other copy's claim is in process: on a second attempt, the number would seem to have
                # been used up by a lost request of these books, and they would take over from a copy at work.
                self._give_up(mine)
                raise RunStopped.before_sending(_overtaken(mine))
            if outcome is ClaimOutcome.IN_PROCESS:
                raise _claim_unclear()
            takes_over = outcome is ClaimOutcome.TAKEN
            if takes_over:
                self._raise_epoch(mine)
                asked = self._context.now()
                number = self._take_all(number)
            self._keep(number, asked, takes_over)
            if takes_over or mine.number == 0:
                self._check_memory(number)
            self._ends = asked + right_to_send(self._context)

    def _announce(self) -> tuple[PostingClaim, bool]:
        """Commit that the next number is asked for; return the last claim, and True if the number may be used up.

        These books may have used it up themselves, after the copy that they were restored from was made, or by a
        request whose answer was lost.
        """
        with self._context.database.write(patience=WRITE_LOCK_TIMEOUT) as connection:
            mine = continuity.read_claim(connection)
            if mine.place not in ("", self._here.id) and endpoint(self._context) != SANDBOX:
                raise RunStopped.before_sending(_moved(mine, self._here.shown))
            behind = continuity.epoch(connection) != mine.epoch
            asked = mine._replace(asked=max(mine.asked, mine.number + 1), place=self._here.id, shown=self._here.shown)
            continuity.record_claim(connection, self._context.who(), asked)
        return mine, behind or mine.asked > mine.number

    def _check_memory(self, number: int) -> None:
        """Warn if Intacct lets a number be claimed twice: then it cannot keep two copies of these books apart."""
        with suppress(BadConfiguration, RunStopped):
            if self._ask([number]) == [ClaimOutcome.WON]:
                self._context.say(
                    "warning: Intacct runs a read again under a control id that it has run, so that two copies of "
                    "these books that run at the same time could post twice. Make sure that only one runs"
                )

    def _give_up(self, mine: PostingClaim) -> None:
        """Forget that the next number was asked for: it was never these books'."""
        with self._context.database.write(patience=WRITE_LOCK_TIMEOUT) as connection:
            continuity.record_claim(connection, self._context.who(), mine)

    def _ask(self, numbers: list[int]) -> list[ClaimOutcome]:
        with self._context.database.read() as connection:
            ours = deployment(connection)
        try:
            answers = self._gateway.claim([f"revrec:{self._to}:{ours}:claim:{number}".lower() for number in numbers])
        except ReadRefused as error:
            raise RunStopped.before_sending(
                f"nothing was sent, because the posting cannot be claimed: {error}"
            ) from error
        if ClaimOutcome.UNCLEAR in answers:
            raise _claim_unclear()
        return answers

    def _raise_epoch(self, mine: PostingClaim) -> None:
        """Begin a new epoch, unless one has begun already: someone may have posted what these books do not know."""
        with self._context.database.write(patience=WRITE_LOCK_TIMEOUT) as connection:
            if continuity.epoch(connection) == mine.epoch:
                why = {"why": "the answer to a claim of the posting was lost, or its run was cut off"}
                continuity.raise_epoch(connection, self._context.who(), why)
        recovery.keep_head(self._context)

    def _take_all(self, number: int) -> int:
        """Take the numbers after ``number`` that are gone, and more; return the last one, which these books won."""
        for _ in range(MOST_REQUESTS):
            numbers = list(range(number + 1, number + 1 + NUMBERS_A_REQUEST))
            number = numbers[-1]
            if self._ask(numbers)[-1] is ClaimOutcome.WON:
                return number
        raise RunStopped.before_sending(
            f"{number} numbers of the posting are used: another copy of these books is at work"
        )

    def _keep(self, number: int, at: datetime, takes_over: bool) -> None:
        with self._context.database.write(patience=WRITE_LOCK_TIMEOUT) as connection:
            now = continuity.read_claim(connection)
            if now.number >= number:
                # A worker that had lost its session claimed beside this one.
                return
            epoch = continuity.epoch(connection)
            since = now.since
            if takes_over or epoch != now.epoch:
                since = _text(at if takes_over else self._raised(connection, at))
            won = now._replace(number=number, asked=max(number, now.asked), epoch=epoch, since=since, at=_text(at))
            continuity.record_claim(connection, self._context.who(), won)

    def _raised(self, connection: "Connection", now: datetime) -> datetime:
        """Return when the epoch was raised. No one has posted since, so that the quarantine counts from there."""
        at = continuity.raised_at(connection)
        return min(datetime.fromisoformat(at), now) if at else now


def _claim_unclear() -> RunStopped:
    return RunStopped.before_sending("Intacct's answer to the claim of the posting was lost", ErrorClass.RETRY_NOW)


def _text(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")


def _when(claim: PostingClaim) -> str:
    return f"{datetime.fromisoformat(claim.at):%Y-%m-%d %H:%M:%S} UTC" if claim.at else "it never has"


def _moved(mine: PostingClaim, here: str) -> str:
    return (
        f"nothing was sent: these books, {here}, are a copy of {mine.shown}, which last claimed the posting at "
        f"{_when(mine)}. Only one copy may post. Use that one; or, if it posts no more, take over here: "
        f'revrec db restored --reason "moved here". That copy is refused from then on'
    )


def _overtaken(mine: PostingClaim) -> str:
    return (
        "nothing was sent: another copy of these books is at work or has posted. It claimed the posting after "
        f"{mine.shown or 'this copy'} last did ({_when(mine)}). Only one copy may post. Use that one; or, if it posts "
        'no more, take over here: revrec db restored --reason "the other copy is gone"'
    )
