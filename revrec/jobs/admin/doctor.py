"""``revrec doctor``: everything that a run needs, looked at in order, each with its mend. Nothing is changed."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.errors import Busy, RevrecError
from revrec.core.rules import RuleBook
from revrec.intacct.errors import ReadRefused
from revrec.intacct.gateway import Gateway, MasterKind
from revrec.jobs.gateway import SANDBOX, company, credential_origins, endpoint, omitted, open_gateway
from revrec.jobs.invoicing.checks import unready
from revrec.jobs.invoicing.settings import invoice_settings
from revrec.jobs.posting.safe_settings import check_company, check_settings
from revrec.jobs.rules.load import load_rules
from revrec.store.database.engine import discarded
from revrec.store.doctor import WaitingPlace, waiting_parties, waiting_places

if TYPE_CHECKING:
    from revrec.jobs.context import Context

OK, WARNING, FAILED, SKIPPED = "ok", "warning", "failed", "skipped"
CLOCK_TOLERANCE = timedelta(seconds=60)
SHOWN = 10
"""Ids that are named in one finding; of more, their number is told."""
ENTITIES = 10
"""Entities whose books are looked at: each costs a sign-in."""

WORDS = {MasterKind.JOURNAL: "journal", MasterKind.ACCOUNT: "account"}
DIMENSIONS = {
    "class": MasterKind.CLASS,
    "project": MasterKind.PROJECT,
    "contract": MasterKind.CONTRACT,
    "vendor": MasterKind.VENDOR,
    "employee": MasterKind.EMPLOYEE,
    "warehouse": MasterKind.WAREHOUSE,
}
"""Dimensions beside location and department, customer and item, whose ids can be looked up."""
REMOTE = (
    "journals", "accounts", "locations", "departments", "customers", "items", "dimensions", "reading", "creating",
    "invoices", "closed books",
)  # fmt: skip


class Check(NamedTuple):
    """One finding: ``state`` is ok, warning, failed, or skipped because what it needs failed.

    ``mend`` says what to do; it is empty where the detail is a message, for these say it themselves.
    """

    name: str
    state: str
    detail: str
    mend: str = ""


def examine(make_context: Callable[[], "Context"]) -> Iterator[Check]:
    """Look at everything; a finding that makes later ones impossible lets them be skipped."""
    try:
        context = make_context()
        yield _configuration(context)
    except RevrecError as error:
        yield _failed("configuration", error)
        return
    book: list[RuleBook] = []
    places: list[WaitingPlace] = []
    parties: dict[str, list[str]] = {}
    yield _guarded("rules", lambda: _rules(context, book))
    yield _guarded("database", lambda: _database(context, places, parties))
    credentials = _guarded("credentials", lambda: _credentials(context))
    yield credentials
    if credentials.state == FAILED:
        yield from _skipped(("sign-in", "clock", *REMOTE), "the credentials")
        return
    yield from _remote(context, book[0] if book else None, places, parties)


def _remote(
    context: "Context", book: RuleBook | None, places: list[WaitingPlace], parties: dict[str, list[str]]
) -> Iterator[Check]:
    """What only the gateway can tell."""
    try:
        with open_gateway(context) as gateway:
            gateway.sign_in()
            yield Check("sign-in", OK, f"company {company(context)} at {_address(context)}")
            yield _clock(gateway)
            yield from _posting(context, gateway, book, places)
            yield from _carried_by_lines(context, gateway, places, parties)
            yield from _rights(context, gateway)
            yield _guarded("invoices", lambda: _invoices(context, gateway))
            yield _guarded("closed books", lambda: _closed(gateway, places))
    except RevrecError as error:
        yield _failed("sign-in", error)
        yield from _skipped(("clock", *REMOTE), "the sign-in")


def _posting(
    context: "Context", gateway: Gateway, book: RuleBook | None, places: list[WaitingPlace]
) -> Iterator[Check]:
    """What an entry names must exist and be active."""
    if book is None:
        yield from _skipped(("journals", "accounts"), "the rules")
    else:
        journals = {rule.post.journal for rule in book.rules}
        accounts = {account for rule in book.rules for account in (rule.post.deferred, rule.post.accrued)}
        accounts |= {account for cost in book.costs.values() for account in (cost.deferred, cost.expense)}
        yield _guarded("journals", lambda: _known(gateway, "journals", MasterKind.JOURNAL, journals))
        yield _guarded("accounts", lambda: _known(gateway, "accounts", MasterKind.ACCOUNT, accounts))
    sent = omitted(context)
    for name, kind in (("location", MasterKind.LOCATION), ("department", MasterKind.DEPARTMENT)):
        ids = set() if name in sent else {_carried(place, name) for place in places}
        yield _guarded(f"{name}s", lambda name=name, kind=kind, ids=ids: _known(gateway, f"{name}s", kind, ids))  # type: ignore[misc]


def _carried_by_lines(
    context: "Context", gateway: Gateway, places: list[WaitingPlace], parties: dict[str, list[str]]
) -> Iterator[Check]:
    """Customers, items and further dimensions of waiting lines."""
    if endpoint(context) == SANDBOX:
        for name in ("customers", "items", "dimensions"):
            yield Check(name, OK, "the built-in sandbox makes unknown ones on sight")
        return
    left_out = omitted(context)
    for name, kind in (("customer", MasterKind.CUSTOMER), ("item", MasterKind.ITEM)):
        ids = [] if name in left_out else parties.get(name, [])
        yield _guarded(f"{name}s", lambda name=name, kind=kind, ids=ids: _wanted(gateway, f"{name}s", kind, ids))  # type: ignore[misc]
    yield _guarded("dimensions", lambda: _dimensions(gateway, places, left_out))


def _wanted(gateway: Gateway, name: str, kind: MasterKind, ids: Iterable[str]) -> Check:
    """A warning is enough for what can be left out of entries, and may be made in Intacct before they are due."""
    found = _known(gateway, name, kind, ids)
    if found.state != FAILED:
        return found
    return found._replace(state=WARNING, mend="make or activate them in Intacct, or leave them out: omit in [gateway]")


def _dimensions(gateway: Gateway, places: list[WaitingPlace], omitted: frozenset[str]) -> Check:
    """Each further dimension, in one finding."""
    checks = []
    for name in sorted({name for place in places for name in place.dimensions} - omitted - {"location", "department"}):
        ids = {place.dimensions.get(name, "") for place in places}
        if name in DIMENSIONS:
            checks.append(_wanted(gateway, name, DIMENSIONS[name], ids))
        else:
            checks.append(Check(name, OK, "not looked up: the company's own dimension"))
    if not checks:
        return Check("dimensions", OK, "none are named")
    worst = max(checks, key=lambda check: (OK, WARNING, FAILED).index(check.state))
    told = "; ".join(f"{check.name}: {check.detail}" for check in checks)
    return Check("dimensions", worst.state, told, worst.mend)


def _rights(context: "Context", gateway: Gateway) -> Iterator[Check]:
    """What the user may do: read entries, which recovery needs, and create them."""
    journal = context.settings.posting.journal
    yield _guarded("reading", lambda: _reading(gateway, journal))
    yield _guarded("creating", lambda: _creating(gateway, journal))


def _configuration(context: "Context") -> Check:
    check_settings(context)
    file = context.settings.file
    if file is None:
        return Check("configuration", WARNING, "no file: the defaults hold", "make one with: revrec init")
    return Check("configuration", OK, str(file))


def _rules(context: "Context", book: list[RuleBook]) -> Check:
    book.append(load_rules(context))
    told = f"{len(book[0].rules)} rules in {context.settings.rules.folder}"
    if book[0].warnings:
        return Check("rules", WARNING, f"{told}; {len(book[0].warnings)} warnings", "see: revrec rules check")
    return Check("rules", OK, told)


def _database(context: "Context", places: list[WaitingPlace], parties: dict[str, list[str]]) -> Check:
    """Its revision, and that it can be written to: a transaction is begun and thrown away."""
    try:
        with discarded(context.database) as connection:
            check_company(connection, company(context))
            places.extend(waiting_places(connection))
            parties.update(waiting_parties(connection))
    except Busy as error:
        return Check("database", WARNING, str(error), "look again when the other command has ended")
    return Check("database", OK, f"{context.database.where}, can be written to")


def _credentials(context: "Context") -> Check:
    if endpoint(context) == SANDBOX:
        return Check("credentials", OK, "the built-in sandbox has its own")
    company(context)
    origins = credential_origins(context)
    return Check("credentials", OK, ", ".join(f"{name} from {origin}" for name, origin in sorted(origins.items())))


def _address(context: "Context") -> str:
    address = endpoint(context)
    return "the built-in sandbox" if address == SANDBOX else address


def _clock(gateway: Gateway) -> Check:
    """Check this machine's clock, which Intacct's answer shows to the second; a run posts nothing if it is far off."""
    offset = gateway.clock_offset()
    if offset is None:
        return Check("clock", WARNING, "Intacct does not tell its time", "compare this machine's clock by hand")
    seconds = round(offset.total_seconds())
    told = f"Intacct's is {abs(seconds)} s {'ahead of' if seconds >= 0 else 'behind'} this machine's"
    if abs(offset) > CLOCK_TOLERANCE:
        return Check("clock", WARNING, told, "set this machine's clock (NTP); times in the audit trail follow it")
    return Check("clock", OK, told)


def _known(gateway: Gateway, name: str, kind: MasterKind, ids: Iterable[str]) -> Check:
    """That records exist and are active. A user with few rights may not be let to look, which stops no posting."""
    wanted = sorted(filter(None, ids))
    if not wanted:
        return Check(name, OK, "none are named")
    try:
        found = gateway.masters(kind, wanted)
    except ReadRefused as error:
        return Check(name, WARNING, f"cannot be looked up: {error}", f"let the user list {kind}, or check them by hand")
    missing = [one for one in wanted if one not in found]
    inactive = [one for one in wanted if not found.get(one, True)]
    if missing or inactive:
        parts = [(missing, "not in Intacct"), (inactive, "inactive")]
        told = "; ".join(f"{words}: {_some(some)}" for some, words in parts if some)
        mend = f"make or activate them in Intacct, or correct {'the rules' if kind in WORDS else 'the charge lines'}"
        return Check(name, FAILED, told, mend)
    return Check(name, OK, f"{_some(wanted)}: there and active")


def _carried(place: WaitingPlace, dimension: str) -> str:
    """The id that a line will carry; without a location it is the entity, as in the entry that is sent."""
    return place.dimensions.get(dimension, "") or (place.entity if dimension == "location" else "")


def _reading(gateway: Gateway, journal: str) -> Check:
    """A lost answer is resolved by reading, so a run must not begin without."""
    try:
        gateway.check_reading(journal)
    except ReadRefused as error:
        mend = "give the user the right to list and view journal entries; without it a lost answer cannot be resolved"
        return Check("reading", FAILED, str(error), mend)
    return Check("reading", OK, f"journal entries (GLBATCH, GLENTRY) of {journal} can be read")


def _creating(gateway: Gateway, journal: str) -> Check:
    """Asked with an entry that cannot be made, for it has no lines: a missing right is told before that."""
    why_not = gateway.check_creating(journal)
    if why_not:
        return Check("creating", FAILED, why_not, "give the user the right to add journal entries")
    return Check("creating", OK, f"nothing speaks against creating journal entries in {journal}; none was created")


def _invoices(context: "Context", gateway: Gateway) -> Check:
    """What the sources that ask for invoices need besides."""
    settings = invoice_settings(context)
    if not settings.requests:
        return Check("invoices", OK, "no source asks for them")
    trouble = next(unready(settings, gateway), "")
    if trouble:
        return Check("invoices", FAILED, trouble, "see the chapter on Intacct in docs/invoices.md")
    return Check("invoices", OK, f"can be read, for {', '.join(sorted(settings.requests))}")


def _closed(gateway: Gateway, places: list[WaitingPlace]) -> Check:
    """Open lines dated in closed books will be refused."""
    first: dict[str, str] = {}
    for place in places:
        first[place.entity] = min(first.get(place.entity, place.first), place.first)
    told, late = [], []
    for entity in sorted({"", *first})[:ENTITIES]:
        closed = gateway.closed_through(entity)
        who = entity or "top level"
        told.append(f"{who}: {f'through {closed}' if closed else 'not told'}")
        if closed and entity in first and date.fromisoformat(first[entity]) <= closed:
            late.append(f"{who} from {first[entity]}")
    if late:
        mend = "open the period in Intacct, or let closed_period in [posting] say what becomes of them"
        return Check("closed books", WARNING, f"{'; '.join(told)}; lines wait in closed books: {_some(late)}", mend)
    return Check("closed books", OK, "; ".join(told))


def _guarded(name: str, look: Callable[[], Check]) -> Check:
    try:
        return look()
    except RevrecError as error:
        return _failed(name, error)


def _failed(name: str, error: RevrecError) -> Check:
    return Check(name, FAILED, str(error))


def _skipped(names: Iterable[str], missing: str) -> Iterator[Check]:
    for name in names:
        yield Check(name, SKIPPED, f"not looked at: {missing} failed", f"mend {missing} first")


def _some(ids: list[str]) -> str:
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return f"{', '.join(ids[:SHOWN])}{more}"
