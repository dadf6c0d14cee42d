"""``revrec doctor``: check everything that a run needs, in order, and say how to fix it; change nothing."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

from revrec.core.errors import Busy, RevrecError
from revrec.core.posting_options import PostingOptions, read_options
from revrec.core.presentation import PARTS
from revrec.core.rules import RuleBook
from revrec.intacct.errors import ReadRefused, UnpostableEntry
from revrec.intacct.gateway import Gateway, MasterKind
from revrec.jobs.admin.checks import FAILED, OK, SKIPPED, WARNING, DoctorCheck, first_ids, unread
from revrec.jobs.admin.company_checks import company_check, company_checks
from revrec.jobs.gateway import SANDBOX, company, credential_origins, endpoint, entity_currencies, omitted, open_gateway
from revrec.jobs.invoicing.checks import unready
from revrec.jobs.invoicing.settings import invoice_settings
from revrec.jobs.posting import safe_settings
from revrec.jobs.rules.load import load_rules
from revrec.store.database.engine import discarded
from revrec.store.doctor import WaitingPlace, waiting_parties, waiting_places

if TYPE_CHECKING:
    from revrec.jobs.context import Context

CLOCK_TOLERANCE = timedelta(seconds=60)
ENTITIES = 10
"""Most entities whose closed books are checked: each needs a sign-in."""

WORDS = {MasterKind.JOURNAL: "journal", MasterKind.ACCOUNT: "account"}
DIMENSIONS = {
    "class": MasterKind.CLASS,
    "project": MasterKind.PROJECT,
    "contract": MasterKind.CONTRACT,
    "vendor": MasterKind.VENDOR,
    "employee": MasterKind.EMPLOYEE,
    "warehouse": MasterKind.WAREHOUSE,
}
"""Dimensions besides location, department, customer and item whose ids can be looked up."""
REMOTE = (
    "company", "ledger", "fields", "attachments", "journal types", "approvals", "permissions",
    "journals", "accounts", "locations", "departments", "customers", "items",
    "dimensions", "reading", "creating", "invoices", "closed books",
)  # fmt: skip


def examine(make_context: Callable[[], "Context"]) -> Iterator[DoctorCheck]:
    """Check everything; skip the checks that an earlier failure makes impossible."""
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
) -> Iterator[DoctorCheck]:
    """Run the checks that need the gateway."""
    try:
        with open_gateway(context) as gateway:
            gateway.sign_in()
            yield DoctorCheck("sign-in", OK, f"company {company(context)} at {_address(context)}")
            yield _clock(gateway)
            yield company_check(context, gateway, places)
            yield _ledger_dimensions(context, gateway, places, parties)
            yield from company_checks(context, gateway, book, places)
            yield from _posting(context, gateway, book, places)
            yield from _dimensions_of_lines(context, gateway, places, parties)
            yield from _rights(context, gateway)
            yield _guarded("invoices", lambda: _invoices(context, gateway))
            yield _guarded("closed books", lambda: _closed(gateway, places))
    except RevrecError as error:
        yield _failed("sign-in", error)
        yield from _skipped(("clock", *REMOTE), "the sign-in")


def _posting(
    context: "Context", gateway: Gateway, book: RuleBook | None, places: list[WaitingPlace]
) -> Iterator[DoctorCheck]:
    """Check that the records that an entry refers to exist and are active."""
    if book is None:
        yield from _skipped(("journals", "accounts"), "the rules")
    else:
        journals = {rule.post.journal for rule in book.rules}
        accounts = {account for rule in book.rules for account in (rule.post.deferred, rule.post.accrued)}
        accounts |= context.settings.posting.inter_entity
        accounts |= {account for cost in book.costs.values() for account in (cost.deferred, cost.expense)}
        journals.add(context.settings.exchange.journal)
        accounts.add(context.settings.exchange.gain_or_loss_account)
        journals.add(context.settings.presentation.journal)
        accounts |= {one for part in PARTS for one in getattr(context.settings.presentation, part).values()}
        yield _guarded("journals", lambda: _known(gateway, "journals", MasterKind.JOURNAL, journals))
        yield _guarded("accounts", lambda: _known(gateway, "accounts", MasterKind.ACCOUNT, accounts))
    sent = omitted(context)
    for name, kind in (("location", MasterKind.LOCATION), ("department", MasterKind.DEPARTMENT)):
        ids = set() if name in sent else {_dimension_id(place, name) for place in places}
        yield _guarded(f"{name}s", partial(_known, gateway, f"{name}s", kind, ids))


def _dimensions_of_lines(
    context: "Context", gateway: Gateway, places: list[WaitingPlace], parties: dict[str, list[str]]
) -> Iterator[DoctorCheck]:
    """Check customers, items and further dimensions of open lines."""
    if endpoint(context) == SANDBOX:
        for name in ("customers", "items", "dimensions"):
            yield DoctorCheck(name, OK, "the built-in sandbox creates unknown ones itself")
        return
    left_out = omitted(context)
    for name, kind in (("customer", MasterKind.CUSTOMER), ("item", MasterKind.ITEM)):
        ids = [] if name in left_out else parties.get(name, [])
        yield _guarded(f"{name}s", partial(_known_or_warning, gateway, f"{name}s", kind, ids))
    yield _guarded("dimensions", lambda: _dimensions(gateway, places, left_out))


def _known_or_warning(gateway: Gateway, name: str, kind: MasterKind, ids: Iterable[str]) -> DoctorCheck:
    """Check ids with a warning only: they can be omitted, or created in Intacct before entries are due."""
    found = _known(gateway, name, kind, ids)
    if found.state != FAILED:
        return found
    return found._replace(state=WARNING, fix="create or activate them in Intacct, or leave them out: omit in [gateway]")


def _dimensions(gateway: Gateway, places: list[WaitingPlace], omitted: frozenset[str]) -> DoctorCheck:
    """Check all further dimensions; return one finding."""
    checks = []
    for name in sorted({name for place in places for name in place.dimensions} - omitted - {"location", "department"}):
        ids = {place.dimensions.get(name, "") for place in places}
        if name in DIMENSIONS:
            checks.append(_known_or_warning(gateway, name, DIMENSIONS[name], ids))
        else:
            checks.append(_user_dimension(gateway, name, ids))
    if not checks:
        return DoctorCheck("dimensions", OK, "none are used")
    worst = max(checks, key=lambda check: (OK, WARNING, FAILED).index(check.state))
    details = "; ".join(f"{check.name}: {check.detail}" for check in checks)
    return DoctorCheck("dimensions", worst.state, details, worst.fix)


def _user_dimension(gateway: Gateway, name: str, ids: set[str]) -> DoctorCheck:
    """Check that the company has defined a dimension, and its records, by name or record id."""
    try:
        missing = gateway.missing_values(name, sorted(ids))
    except UnpostableEntry as error:
        return DoctorCheck(name, FAILED, str(error))
    if missing:
        fix = "create them in Intacct, or correct the charge lines"
        return DoctorCheck(name, WARNING, f"not in Intacct: {first_ids(missing)}", fix)
    return DoctorCheck(name, OK, f"{first_ids(sorted(filter(None, ids)))}: exist")


def _rights(context: "Context", gateway: Gateway) -> Iterator[DoctorCheck]:
    """Check the user's permissions: to read entries, which recovery needs, and to create them."""
    journal = context.settings.posting.journal
    yield _guarded("reading", lambda: _reading(gateway, journal))
    yield _guarded("creating", lambda: _creating(gateway, journal))


def _configuration(context: "Context") -> DoctorCheck:
    safe_settings.check_settings(context)
    entity_currencies(context)
    file = context.settings.file
    if file is None:
        return DoctorCheck("configuration", WARNING, "no file: the defaults apply", "make one with: revrec init")
    return DoctorCheck("configuration", OK, str(file))


def _rules(context: "Context", book: list[RuleBook]) -> DoctorCheck:
    book.append(load_rules(context))
    found = f"{len(book[0].rules)} rules in {context.settings.rules.folder}"
    if book[0].warnings:
        return DoctorCheck("rules", WARNING, f"{found}; {len(book[0].warnings)} warnings", "see: revrec rules check")
    between = [rule.name for rule in book[0].rules if _is_between_locations(read_options(rule.post.options))]
    if between and not context.settings.posting.inter_entity:
        detail = f"{found}; rules that post between two locations: {first_ids(between)}"
        fix = "if these are in two entities, set inter_entity in [posting] to the accounts of Intacct's own lines"
        return DoctorCheck("rules", WARNING, detail, fix)
    return DoctorCheck("rules", OK, found)


def _is_between_locations(options: PostingOptions) -> bool:
    deferred, accrued = options.deferred_location, options.accrued_location
    return bool(deferred and accrued and deferred != accrued)


def _database(context: "Context", places: list[WaitingPlace], parties: dict[str, list[str]]) -> DoctorCheck:
    """Check the database's revision, and that it can be written to, by a transaction that is rolled back."""
    try:
        with discarded(context.database) as connection:
            safe_settings.check_company(connection, company(context))
            places.extend(waiting_places(connection))
            parties.update(waiting_parties(connection))
    except Busy as error:
        return DoctorCheck("database", WARNING, str(error), "run doctor again when the other command has ended")
    return DoctorCheck("database", OK, f"{context.database.where} is writable")


def _credentials(context: "Context") -> DoctorCheck:
    if endpoint(context) == SANDBOX:
        return DoctorCheck("credentials", OK, "the built-in sandbox has its own")
    company(context)
    origins = credential_origins(context)
    return DoctorCheck(
        "credentials", OK, ", ".join(f"{name} from {origin}" for name, origin in sorted(origins.items()))
    )


def _address(context: "Context") -> str:
    address = endpoint(context)
    return "the built-in sandbox" if address == SANDBOX else address


def _clock(gateway: Gateway) -> DoctorCheck:
    """Check this machine's clock, which Intacct's answer shows to the second; a run posts nothing if it is far off."""
    offset = gateway.clock_offset()
    if offset is None:
        return DoctorCheck("clock", WARNING, "Intacct does not report its time", "compare this machine's clock by hand")
    seconds = round(offset.total_seconds())
    found = f"Intacct's is {abs(seconds)} s {'ahead of' if seconds >= 0 else 'behind'} this machine's"
    if abs(offset) > CLOCK_TOLERANCE:
        return DoctorCheck(
            "clock", WARNING, found, "set this machine's clock (NTP); times in the audit trail follow it"
        )
    return DoctorCheck("clock", OK, found)


def _ledger_dimensions(
    context: "Context", gateway: Gateway, places: list[WaitingPlace], parties: dict[str, list[str]]
) -> DoctorCheck:
    """Check that the company uses each dimension of the open lines in its general ledger."""
    name = "ledger"
    of_lines = {one for place in places for one, value in place.dimensions.items() if value}
    used = (of_lines | {one for one, ids in parties.items() if any(ids)}) - omitted(context)
    try:
        disabled = {one.name.lower() for one in gateway.dimensions() if not one.in_ledger}
    except ReadRefused as error:
        return unread(name, error, "check the dimensions of the general ledger by hand")
    refused = sorted(used & disabled)
    if refused:
        fix = f'enable them in the general ledger, or leave them out: omit = "{", ".join(refused)}" in [gateway]'
        return DoctorCheck(name, FAILED, f"not enabled in the general ledger: {', '.join(refused)}", fix)
    return DoctorCheck(name, OK, f"{', '.join(sorted(used)) or 'no dimension'}: enabled in the general ledger")


def _known(gateway: Gateway, name: str, kind: MasterKind, ids: Iterable[str]) -> DoctorCheck:
    """Check that records exist and are active. A user without permission to list them can still post."""
    wanted = sorted(filter(None, ids))
    if not wanted:
        return DoctorCheck(name, OK, "none are used")
    try:
        found = gateway.masters(kind, wanted)
    except ReadRefused as error:
        return DoctorCheck(
            name,
            WARNING,
            f"cannot be looked up: {error}",
            f"give the user permission to list {kind}, or check them by hand",
        )
    missing = [one for one in wanted if one not in found]
    inactive = [one for one in wanted if not found.get(one, True)]
    if missing or inactive:
        parts = [(missing, "not in Intacct"), (inactive, "inactive")]
        problems = "; ".join(f"{words}: {first_ids(some)}" for some, words in parts if some)
        fix = f"create or activate them in Intacct, or correct {'the rules' if kind in WORDS else 'the charge lines'}"
        return DoctorCheck(name, FAILED, problems, fix)
    return DoctorCheck(name, OK, f"{first_ids(wanted)}: exist and are active")


def _dimension_id(place: WaitingPlace, dimension: str) -> str:
    """Return the id of a dimension on the entry's line; the location defaults to the entity, as in the entry sent."""
    return place.dimensions.get(dimension, "") or (place.entity if dimension == "location" else "")


def _reading(gateway: Gateway, journal: str) -> DoctorCheck:
    """Check the permission to read: a lost answer is resolved by reading, so a run must not start without it."""
    try:
        gateway.check_reading(journal)
    except ReadRefused as error:
        fix = "give the user permission to list and view journal entries; a lost answer cannot be resolved without it"
        return DoctorCheck("reading", FAILED, str(error), fix)
    return DoctorCheck("reading", OK, f"journal entries (GLBATCH, GLENTRY) of {journal} can be read")


def _creating(gateway: Gateway, journal: str) -> DoctorCheck:
    """Check the permission to create, with an entry without lines: Intacct reports a missing permission before that."""
    why_not = gateway.check_creating(journal)
    if why_not:
        return DoctorCheck("creating", FAILED, why_not, "give the user permission to add journal entries")
    return DoctorCheck("creating", OK, f"journal entries can be created in {journal}; none was created")


def _invoices(context: "Context", gateway: Gateway) -> DoctorCheck:
    """Check what invoices of sources need in addition."""
    settings = invoice_settings(context)
    if not settings.requests:
        return DoctorCheck("invoices", OK, "no source is invoiced")
    trouble = next(unready(settings, gateway), "")
    if trouble:
        return DoctorCheck("invoices", FAILED, trouble, "see the chapter on Intacct in: revrec docs invoices")
    return DoctorCheck("invoices", OK, f"can be read, for {', '.join(sorted(settings.requests))}")


def _closed(gateway: Gateway, places: list[WaitingPlace]) -> DoctorCheck:
    """Warn about open lines dated in closed books, which Intacct would reject."""
    first: dict[str, str] = {}
    for place in places:
        first[place.entity] = min(first.get(place.entity, place.first), place.first)
    found, late = [], []
    for entity in sorted({"", *first})[:ENTITIES]:
        closed = gateway.closed_through(entity)
        who = entity or "top level"
        found.append(f"{who}: {f'through {closed}' if closed else 'not reported'}")
        if closed and entity in first and date.fromisoformat(first[entity]) <= closed:
            late.append(f"{who} from {first[entity]}")
    if late:
        fix = "open the period in Intacct, or choose a policy with closed_period in [posting]"
        return DoctorCheck(
            "closed books", WARNING, f"{'; '.join(found)}; open lines in closed books: {first_ids(late)}", fix
        )
    return DoctorCheck("closed books", OK, "; ".join(found))


def _guarded(name: str, check: Callable[[], DoctorCheck]) -> DoctorCheck:
    try:
        return check()
    except RevrecError as error:
        return _failed(name, error)


def _failed(name: str, error: RevrecError) -> DoctorCheck:
    return DoctorCheck(name, FAILED, str(error))


def _skipped(names: Iterable[str], missing: str) -> Iterator[DoctorCheck]:
    for name in names:
        yield DoctorCheck(name, SKIPPED, f"not checked: {missing} failed", f"fix {missing} first")
