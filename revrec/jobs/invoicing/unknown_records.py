"""Compare the customers, items and definitions that the invoices of a dry run name with Intacct."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.errors import RevrecError
from revrec.intacct.errors import ReadRefused
from revrec.intacct.gateway import Gateway, MasterKind
from revrec.jobs.gateway import open_gateway
from revrec.jobs.invoicing.settings import InvoiceSettings, invoice_settings
from revrec.store.posting.named_records import InvoicedRecords, LineOfFile

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.jobs.gateway import Connect

KINDS = {"customer": MasterKind.CUSTOMER, "item": MasterKind.ITEM, "definition": MasterKind.DEFINITION}
NAMES = {"definition": "transaction definition"}
"""The words for kinds whose name is not enough."""
MISSING, INACTIVE, NO_TERM = "missing", "inactive", "without a payment term"


class UnknownInvoiceRecord(NamedTuple):
    """A record that keeps invoices from being sent, and the charge lines that need it.

    ``problem`` is ``missing``, ``inactive`` or, for a customer, ``without a payment term``.
    """

    kind: str
    id: str
    problem: str
    lines: Sequence[LineOfFile]

    def at(self, line: LineOfFile) -> str:
        """Return a sentence about one of the charge lines, which begins with its file and row."""
        what = f"{NAMES.get(self.kind, self.kind)} {self.id}"
        said = f"Intacct has no {what}" if self.problem == MISSING else f"the {what} is {self.problem} in Intacct"
        return f"{line.file}, row {line.row}: {said} ({line.charge})"


class CheckedInvoices(NamedTuple):
    """The records that keep invoices from being sent; ``failed`` is the reason why some were not looked up."""

    unknown: Sequence[UnknownInvoiceRecord] = ()
    failed: str = ""


def check_invoices(context: "Context", named: InvoicedRecords, connect: "Connect" = open_gateway) -> CheckedInvoices:
    """Return which of the records Intacct does not know or has as inactive. If Intacct does not answer, say so."""
    if not named:
        return CheckedInvoices()
    settings, unknown, failed = invoice_settings(context), [], []
    try:
        with connect(context) as gateway:
            gateway.sign_in()
            for kind in KINDS:
                wanted = _wanted(settings, named, kind)
                try:
                    problems = dict(_problems(gateway, settings, kind, list(wanted))) if wanted else {}
                except ReadRefused as error:
                    failed.append(f"{kind}: {error}")
                    continue
                unknown += [UnknownInvoiceRecord(kind, id, problems[id], wanted[id]) for id in sorted(problems)]
    except RevrecError as error:
        return CheckedInvoices((), str(error))
    return CheckedInvoices(unknown, "; ".join(failed))


def _wanted(settings: InvoiceSettings, named: InvoicedRecords, kind: str) -> dict[str, list[LineOfFile]]:
    """Return the ids of a kind, each with the charge lines that need it."""
    wanted = {record.id: lines for record, lines in named.items() if record.kind == kind}
    lines_of_orders = wanted.get(settings.names.order)
    if kind == "definition" and lines_of_orders:
        # The order becomes an invoice, whose definition can be missing, too.
        wanted[settings.names.invoice] = lines_of_orders
    return wanted


def _problems(
    gateway: Gateway, settings: InvoiceSettings, kind: str, ids: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield the ids with a problem, and the problem."""
    terms: Mapping[str, str] = {}
    if kind == "customer":
        customers = gateway.customers(ids)
        known = {id: one.active for id, one in customers.items()}
        terms = {id: one.term for id, one in customers.items()}
    else:
        known = gateway.masters(KINDS[kind], ids)
    for id in ids:
        if id not in known:
            if KINDS[kind] not in settings.creates:
                yield id, MISSING
        elif not known[id]:
            yield id, INACTIVE
        elif kind == "customer" and not (terms[id] or settings.default_term):
            yield id, NO_TERM
