"""``revrec doctor --probe``: test in a sandbox company, with a few drafts, what Intacct's documentation leaves open."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.errors import BadConfiguration
from revrec.intacct.probing import questions
from revrec.intacct.probing.drafts import DraftTemplate, LeftoverDraft, ProbeDrafts
from revrec.intacct.probing.lengths import LENGTHS, find_maximum_lengths
from revrec.intacct.probing.orders import ProbeOrder
from revrec.intacct.probing.requests import NOT_ANSWERED, ProbeFinding
from revrec.jobs.gateway import company, open_gateway

if TYPE_CHECKING:
    from revrec.jobs.context import Context

SANDBOX_COMPANY = re.compile(r"-(sandbox|imp|dev)\d*\Z", re.IGNORECASE)
"""The endings of the ids of sandbox and implementation companies."""
REQUESTS = 60
"""Most requests for all lengths together; they create no drafts."""


class ProbeOptions(NamedTuple):
    """The options of a probe.

    ``post`` allows posted entries: 0.01 debit and credit on one account. ``location`` is for the drafts' lines.
    """

    company_is_a_sandbox: bool = False
    post: bool = False
    closed_date: date | None = None
    location: str = ""
    requests: int = REQUESTS


class ProbeReport(NamedTuple):
    """The answers of a probe, the sandbox switches that follow from them, and the drafts that could not be deleted."""

    company: str
    at: str
    requests: int
    drafts: int
    findings: tuple[ProbeFinding, ...]
    left: tuple[LeftoverDraft, ...]

    @property
    def switches(self) -> dict[str, str | int | bool]:
        """Return the settings with which the sandbox behaves like this company."""
        return {one.switch: one.setting for one in self.findings if one.switch and one.setting is not None}

    def plain(self) -> dict[str, Any]:
        """Return the report for JSON; ``revrec sandbox serve --like`` reads its ``switches``."""
        answers = [one._asdict() for one in self.findings]
        left = [one._asdict() for one in self.left]
        head = {"company": self.company, "at": self.at, "requests": self.requests, "drafts": self.drafts}
        return {**head, "answers": answers, "switches": self.switches, "left": left}


def probe(
    context: "Context", wanted: ProbeOptions, report: Callable[[ProbeFinding], None] = lambda _finding: None
) -> ProbeReport:
    """Ask every question, ``report`` each answer as it comes, and delete the drafts even if something fails.

    Raises:
        BadConfiguration: The company does not look like a sandbox, or the sign-in fails.
    """
    asked = company(context)
    if not SANDBOX_COMPANY.search(asked) and not wanted.company_is_a_sandbox:
        raise BadConfiguration(
            f"company {asked!r} does not look like a sandbox company (-sandbox, -imp, -DEV), and a probe creates "
            "drafts; if it is one, add --company-is-a-sandbox"
        )
    findings: list[ProbeFinding] = []
    with open_gateway(context) as gateway:
        gateway.sign_in()
        drafts = ProbeDrafts(gateway.run_functions, _draft_template(context, wanted))
        order = ProbeOrder(drafts, context.settings.invoicing.order_definition)
        left: list[LeftoverDraft] = []
        try:
            for finding in _answers(drafts, order, wanted):
                findings.append(finding)
                report(finding)
        finally:
            try:
                left += order.clean_up()
            finally:
                left += drafts.clean_up()
    at = context.now().isoformat(timespec="seconds")
    return ProbeReport(asked, at, drafts.requests, len(drafts.created) + order.count, tuple(findings), tuple(left))


def _draft_template(context: "Context", wanted: ProbeOptions) -> DraftTemplate:
    settings = context.settings
    return DraftTemplate(
        journal=settings.posting.journal,
        account=settings.accounts.deferred,
        day=context.now().date(),
        currency=settings.gateway.base_currency,
        location=wanted.location or settings.gateway.entity_id,
    )


def _answers(drafts: ProbeDrafts, order: ProbeOrder, wanted: ProbeOptions) -> Iterator[ProbeFinding]:
    """Yield the answers. Without a draft nothing else can be asked: its rejection would be mistaken for the answer."""
    yield from questions.repeated_control_id(drafts)
    answer, closed = questions.closed_books_date(drafts)
    yield answer
    if not drafts.created:
        for number, question in (
            ("3", questions.CLOSED),
            ("5", questions.FAILING),
            ("6", LENGTHS),
            ("8", questions.POSTED),
            ("10", questions.REVERSAL),
        ):
            yield ProbeFinding(number, question, NOT_ANSWERED, "no draft could be created, see 1")
        yield order.ask()
        return
    yield from questions.closed_period(drafts, wanted.closed_date or closed, wanted.post)
    yield questions.failed_transaction(drafts)
    yield from find_maximum_lengths(drafts, wanted.requests)
    yield questions.posted_state(drafts, wanted.post)
    yield order.ask()
    yield questions.reversal(drafts)
