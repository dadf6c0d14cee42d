"""Ask the company what it is: set-up, fields, journal types, approvals, permissions. Nothing is changed.

A company that does not offer a function, or a user who may not use it, gets a warning: posting needs none of these.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from revrec.core.errors import RevrecError
from revrec.core.invoice import AR_INVOICE
from revrec.core.posting_options import PostingOptions, read_options
from revrec.intacct.glbatch import DIMENSION_ELEMENTS, DOCUMENT_LENGTH, MEMO_LENGTH, REFERENCE_LENGTH, TITLE_LENGTH
from revrec.intacct.reading import GLBATCH_FIELDS, GLENTRY_FIELDS
from revrec.intacct.reading_company import CompanyReader, FieldDefinition
from revrec.jobs.admin.checks import FAILED, WARNING, DoctorCheck, Problem, asked, combined, first_ids
from revrec.jobs.admin.probe import SANDBOX_COMPANY
from revrec.jobs.gateway import company as company_id
from revrec.jobs.gateway import entity_currencies, omitted
from revrec.jobs.invoicing.settings import invoice_settings

if TYPE_CHECKING:
    from revrec.core.rules import RuleBook
    from revrec.intacct.client import XmlGateway
    from revrec.intacct.gateway import CompanySetup
    from revrec.jobs.context import Context
    from revrec.store.doctor import WaitingPlace

LENGTHS = {
    "GLBATCH": {"BATCH_TITLE": TITLE_LENGTH, "REFERENCENO": REFERENCE_LENGTH},
    "GLENTRY": {"DOCUMENT": DOCUMENT_LENGTH, "DESCRIPTION": MEMO_LENGTH},
}
"""The longest texts that revrec sends, by object and field."""
READ_FIELDS = {"GLBATCH": GLBATCH_FIELDS, "GLENTRY": GLENTRY_FIELDS}
CUSTOM_FIELDS = {"GLBATCH": "entry_fields", "GLENTRY": "line_fields"}
"""The key of ``[rule.post]`` with the custom fields of each object."""
NEEDED_RIGHTS = ("list", "view", "add")
"""Rights that posting needs, to journal entries and to what is invoiced."""
EXCESSIVE_RIGHTS = ("edit", "delete")
"""Rights that no run uses."""
ACCRUAL_BOOKS = ("", "ACCRUAL")


def company_check(context: "Context", gateway: "XmlGateway", places: Sequence["WaitingPlace"]) -> DoctorCheck:
    """Compare the company's financial set-up with the settings that depend on it."""
    by_hand = "check by hand that base_currency in [gateway] is the company's"
    return asked("company", partial(_company, context, gateway, places), by_hand)


def company_checks(
    context: "Context", gateway: "XmlGateway", book: "RuleBook | None", places: Sequence["WaitingPlace"]
) -> Iterator[DoctorCheck]:
    """Yield what the company says about fields, attachments, journals, approvals and permissions."""
    rules = book.rules if book else ()
    about, settings = gateway.about_company, context.settings
    options = {rule.name: read_options(rule.post.options) for rule in rules}
    journals = sorted({settings.posting.journal, *(rule.post.journal for rule in rules)})
    attachments = sorted({one.attachment for one in options.values() if one.attachment})
    fields = partial(_fields, about, options, [_dimensions(context, place) for place in places])
    yield asked("fields", fields, "check by hand that required custom fields have a value in [rule.post]")
    yield asked("attachments", partial(_attachments, about, attachments), "check them by hand")
    yield asked(
        "journal types", partial(_journal_types, about, journals), "check by hand that they are regular journals"
    )
    yield asked(
        "approvals", partial(_approvals, about, journals), "check by hand if entries of these journals need one"
    )
    rights = partial(_permissions, context, about)
    yield asked("permissions", rights, "check the role of the user by hand: revrec docs intacct")


def _company(context: "Context", gateway: "XmlGateway", places: Sequence["WaitingPlace"]) -> DoctorCheck:
    setup = gateway.company_setup()
    words = {"foreign currencies": setup.multi_currency, "several entities": setup.multi_entity}
    found = ", ".join(name if is_on else f"no {name}" for name, is_on in words.items())
    if setup.multi_base_currency:
        return _several_base_currencies(context, gateway, places, found)
    return _one_base_currency(context, setup, {place.currency for place in places}, found)


def _one_base_currency(
    context: "Context", setup: "CompanySetup", currencies: Collection[str], found: str
) -> DoctorCheck:
    ours = context.settings.gateway.base_currency
    if setup.base_currency != ours:
        detail = f"its base currency is {setup.base_currency}, and base_currency in [gateway] is {ours}"
        return DoctorCheck("company", FAILED, detail, f'set base_currency = "{setup.base_currency}" in [gateway]')
    problems = []
    own = sorted(entity for entity, one in entity_currencies(context).items() if one.base != ours)
    if own:
        detail = f"it has one base currency, {ours}, and revrec.toml has another one of {first_ids(own)}"
        problems.append(Problem(FAILED, detail, "remove base_currency from [entities.ID]"))
    foreign = sorted({*currencies} - {ours})
    if foreign and not setup.multi_currency:
        detail = f"it has no foreign currencies, and open charge lines are in {first_ids(foreign)}"
        problems.append(Problem(FAILED, detail, "switch on foreign currencies in Intacct, or void these charge lines"))
    return combined("company", problems, f"base currency {ours}; {found}")


def _several_base_currencies(
    context: "Context", gateway: "XmlGateway", places: Sequence["WaitingPlace"], found: str
) -> DoctorCheck:
    """Compare the base currency of each entity with the settings; it matters where open lines are."""
    theirs = gateway.about_company.base_currencies()
    configured = entity_currencies(context)
    used = {place.entity for place in places} | {place.dimensions.get("location", "") for place in places}
    problems = []
    for entity, currency in theirs.items():
        ours = configured[entity].base if entity in configured else context.settings.gateway.base_currency
        if currency and currency != ours:
            state = FAILED if entity in used else WARNING
            detail = f"the base currency of entity {entity} is {currency}, and in revrec.toml {ours}"
            problems.append(Problem(state, detail, f'set base_currency = "{currency}" in [entities.{entity}]'))
    listed = first_ids(f"{entity} {currency}" for entity, currency in theirs.items())
    return combined("company", problems, f"base currencies of entities: {listed}; {found}")


def _dimensions(context: "Context", place: "WaitingPlace") -> set[str]:
    """Return the GLENTRY elements of the location, department and the like that lines of a place are sent with."""
    values = {**place.dimensions, "location": place.dimensions.get("location", "") or place.entity}
    sent = {name for name, value in values.items() if value} - omitted(context)
    return {DIMENSION_ELEMENTS[name] for name in sent & {*DIMENSION_ELEMENTS}}


def _fields(
    about: CompanyReader, options: Mapping[str, PostingOptions], dimensions: Sequence[Collection[str]]
) -> DoctorCheck:
    """Check fields of entries and lines: standard ones, custom ones of the rules, and required ones."""
    problems: list[Problem] = []
    counts = []
    for name in READ_FIELDS:
        known = about.fields(name)
        counts.append(f"{name} has {len(known)} fields")
        problems += _missing_fields(name, known)
        problems += _custom_fields(name, known, options)
        if name == "GLENTRY":
            problems += _required_dimensions(known, dimensions)
        with suppress(RevrecError):
            problems += _short_fields(name, about.longest(name))
    return combined("fields", problems, f"{', '.join(counts)}; no required one is missing")


def _missing_fields(name: str, known: Mapping[str, FieldDefinition]) -> Iterator[Problem]:
    missing = [field for field in READ_FIELDS[name] if field not in known]
    if missing:
        fix = "see the check of reading: if it is ok, Intacct only does not list them"
        yield Problem(WARNING, f"{name} has no field {first_ids(missing)}", fix)


def _custom_fields(
    name: str, known: Mapping[str, FieldDefinition], options: Mapping[str, PostingOptions]
) -> Iterator[Problem]:
    key = CUSTOM_FIELDS[name]
    sent = {rule: {field.upper() for field, _text in getattr(one, key)} for rule, one in options.items()}
    unknown = sorted({field for fields in sent.values() for field in fields} - {*known})
    if unknown:
        fix = f"create them in Intacct, or correct {key} in [rule.post]"
        yield Problem(FAILED, f"{name} has no custom field {first_ids(unknown)}", fix)
    for field, definition in known.items():
        lacking = [rule for rule, fields in sent.items() if field not in fields]
        if definition.custom and definition.required and lacking:
            detail = f"{name} requires the custom field {field}, and these rules have none: {first_ids(lacking)}"
            yield Problem(FAILED, detail, f"add {field} to {key} in [rule.post], or to [{key}] in revrec.toml")


def _required_dimensions(
    known: Mapping[str, FieldDefinition], dimensions: Sequence[Collection[str]]
) -> Iterator[Problem]:
    """Yield the dimensions that each journal line must have and open lines lack; each has a customer and an item."""
    for element in sorted({*DIMENSION_ELEMENTS.values()} - {"CUSTOMERID", "ITEMID"}):
        is_required = element in known and known[element].required
        if is_required and any(element not in sent for sent in dimensions):
            detail = f"each journal line must have {element}, and open charge lines have none"
            yield Problem(FAILED, detail, "map a column to it, or add a [[repair]]: revrec docs rules")


def _short_fields(name: str, longest: Mapping[str, int]) -> Iterator[Problem]:
    for field, ours in LENGTHS[name].items():
        limit = longest.get(field, ours)
        if limit < ours:
            detail = f"{name}.{field} has at most {limit} characters, and revrec sends up to {ours}"
            yield Problem(WARNING, detail, "keep document numbers and memos short, or see: revrec doctor --probe")


def _attachments(about: CompanyReader, codes: Iterable[str]) -> DoctorCheck:
    problems = []
    for code in codes:
        try:
            about.check_attachment(code)
        except RevrecError as error:
            fix = "create it in Intacct, or correct attachment in [rule.post]; the user needs permission to view it"
            problems.append(Problem(WARNING, f"{code} cannot be read: {error}", fix))
    listed = first_ids(codes)
    return combined("attachments", problems, f"{listed}: exist" if listed else "none are used")


def _journal_types(about: CompanyReader, journals: Sequence[str]) -> DoctorCheck:
    """Check that journals are regular ones: others are left out of the figures of most reports."""
    found = about.journals(journals)
    problems = []
    for symbol, journal in found.items():
        if journal.is_adjustment:
            detail = f"{symbol} is an adjustment journal, which reports can leave out"
            problems.append(Problem(WARNING, detail, "use a regular journal"))
        if journal.book.upper() not in ACCRUAL_BOOKS:
            detail = f"{symbol} posts to the book {journal.book}"
            problems.append(Problem(WARNING, detail, "use a journal of the accrual book, unless that book is meant"))
    fine = f"{first_ids(found)}: regular, of the accrual book" if found else "see the check of journals"
    return combined("journal types", problems, fine)


def _approvals(about: CompanyReader, journals: Sequence[str]) -> DoctorCheck:
    """Report entries that wait for approval, and a preference for approvals if Intacct shows one."""
    waiting = about.awaiting_approval(journals)
    problems = []
    if waiting:
        detail = f"entries of {first_ids(journals)} that wait for approval in Intacct: {first_ids(waiting)}"
        problems.append(Problem(WARNING, detail, "approve them there; they count once Intacct has posted them"))
    with suppress(RevrecError):
        switched_on = [
            name
            for name, value in about.preferences("GL").items()
            if "APPROV" in name.upper() and value.upper() in ("T", "TRUE", "Y")
        ]
        if switched_on:
            detail = f"Intacct's preferences ask for approvals: {first_ids(switched_on)}"
            problems.append(Problem(WARNING, detail, "each entry counts only once it is approved in Intacct"))
    return combined("approvals", problems, f"no entry of {first_ids(journals)} waits for approval")


def _policies(context: "Context") -> list[str]:
    """Return the policies whose rights posting needs, as Intacct lists them, in small letters."""
    kinds = {request.kind for request in invoice_settings(context).requests.values()}
    receivables = ["invoices"] if AR_INVOICE in kinds else []
    orders = ["order entry transactions"] if kinds - {AR_INVOICE} else []
    return ["journal entries", *receivables, *orders]


def _permissions(context: "Context", about: CompanyReader) -> DoctorCheck:
    """Check the rights of the user: the ones that posting needs, and no others outside a sandbox company."""
    is_sandbox = SANDBOX_COMPANY.search(company_id(context)) is not None
    rights = about.rights()
    problems, found = [], []
    for policy in _policies(context):
        own = next((own for name, own in rights.items() if policy in name), None)
        if own is None:
            fix = "check the role of the user by hand: revrec docs intacct"
            problems.append(Problem(WARNING, f"Intacct lists no permission for {policy}", fix))
            continue
        found.append(f"{policy}: {', '.join(sorted(own))}")
        missing = [right for right in NEEDED_RIGHTS if right not in own]
        if missing:
            problems.append(
                Problem(FAILED, f"the user may not {', '.join(missing)} {policy}", "add it to the user's role")
            )
        excess = [right for right in EXCESSIVE_RIGHTS if right in own]
        if excess and not is_sandbox:
            fix = "take it out of the user's role: no run needs it"
            problems.append(Problem(WARNING, f"the user may also {', '.join(excess)} {policy}", fix))
    return combined("permissions", problems, "; ".join(found))
