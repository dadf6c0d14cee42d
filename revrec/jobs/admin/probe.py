"""``revrec doctor --probe``: what Intacct's documentation leaves open, asked of a sandbox company with a few drafts."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.errors import BadConfiguration
from revrec.intacct.probing import questions
from revrec.intacct.probing.drafts import DraftTemplate, LeftoverDraft, ProbeDrafts
from revrec.intacct.probing.lengths import LENGTHS, find_maximum_lengths
from revrec.intacct.probing.requests import ProbeFinding
from revrec.jobs.gateway import company, open_gateway

if TYPE_CHECKING:
    from revrec.jobs.context import Context

SANDBOX_COMPANY = re.compile(r"-(sandbox|imp|dev)\d*\Z", re.IGNORECASE)
"""How the ids of sandbox and implementation companies end."""
REQUESTS = 60
"""Requests that the lengths may take together; they make no drafts."""


class ProbeOptions(NamedTuple):
    """What the user agreed to and named.

    ``post``: entries that are posted, 0.01 to and fro on one account. ``location``: of the drafts' lines.
    """

    company_is_a_sandbox: bool = False
    post: bool = False
    closed_date: date | None = None
    location: str = ""
    requests: int = REQUESTS


class ProbeReport(NamedTuple):
    """All answers, what they make the sandbox's switches, and what could not be deleted."""

    company: str
    at: str
    requests: int
    drafts: int
    findings: tuple[ProbeFinding, ...]
    left: tuple[LeftoverDraft, ...]

    @property
    def switches(self) -> dict[str, str | int | bool]:
        """Settings under which the sandbox behaves like this company."""
        return {one.switch: one.setting for one in self.findings if one.switch and one.setting is not None}

    def plain(self) -> dict[str, Any]:
        """The report as JSON has it; `revrec sandbox serve --like` reads its ``switches``."""
        answers = [one._asdict() for one in self.findings]
        left = [one._asdict() for one in self.left]
        head = {"company": self.company, "at": self.at, "requests": self.requests, "drafts": self.drafts}
        return {**head, "answers": answers, "switches": self.switches, "left": left}


def probe(
    context: "Context", wanted: ProbeOptions, tell: Callable[[ProbeFinding], None] = lambda _finding: None
) -> ProbeReport:
    """Ask everything, ``tell`` each answer as it comes, and delete the drafts whatever happens.

    Raises:
        BadConfiguration: the company does not look like a sandbox, or the sign-in fails.
    """
    asked = company(context)
    if not SANDBOX_COMPANY.search(asked) and not wanted.company_is_a_sandbox:
        raise BadConfiguration(
            f"company {asked!r} does not look like a sandbox company (-sandbox, -imp, -DEV), and a probe makes drafts; "
            "if it is one, say --company-is-a-sandbox"
        )
    findings: list[ProbeFinding] = []
    with open_gateway(context) as gateway:
        gateway.sign_in()
        drafts = ProbeDrafts(gateway.run_functions, _draft_template(context, wanted))
        left: list[LeftoverDraft] = []
        try:
            for finding in _answers(drafts, wanted):
                findings.append(finding)
                tell(finding)
        finally:
            left = drafts.clean_up()
    at = context.now().isoformat(timespec="seconds")
    return ProbeReport(asked, at, drafts.requests, len(drafts.created), tuple(findings), tuple(left))


def _draft_template(context: "Context", wanted: ProbeOptions) -> DraftTemplate:
    settings = context.settings
    return DraftTemplate(
        journal=settings.posting.journal,
        account=settings.accounts.deferred,
        day=context.now().date(),
        currency=settings.gateway.base_currency,
        location=wanted.location or settings.gateway.entity_id,
    )


def _answers(drafts: ProbeDrafts, wanted: ProbeOptions) -> Iterator[ProbeFinding]:
    """Without a draft nothing else can be asked: whatever refuses it would be taken for the answer."""
    yield from questions.repeated_control_id(drafts)
    told, closed = questions.closed_books_date(drafts)
    yield told
    if not drafts.created:
        for number, question in (
            ("3", questions.CLOSED),
            ("5", questions.FAILING),
            ("6", LENGTHS),
            ("8", questions.POSTED),
        ):
            yield ProbeFinding(number, question, questions.NOT_ANSWERED, "no draft could be created, see 1")
        return
    yield from questions.closed_period(drafts, wanted.closed_date or closed, wanted.post)
    yield questions.failed_transaction(drafts)
    yield from find_maximum_lengths(drafts, wanted.requests)
    yield questions.posted_state(drafts, wanted.post)
