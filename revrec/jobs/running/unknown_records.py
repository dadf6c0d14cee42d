"""Compare the accounts, journals and other records that the entries of a dry run name with Intacct."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.errors import RevrecError
from revrec.intacct.errors import ReadRefused
from revrec.intacct.gateway import MasterKind
from revrec.jobs.gateway import SANDBOX, endpoint, omitted, open_gateway
from revrec.jobs.sandbox_company import own_kinds
from revrec.store.posting.named_records import NamedRecord

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.jobs.gateway import Connect

KINDS = {kind.name.lower(): kind for kind in MasterKind}
"""The kinds that can be looked up, by the word for them. Dimensions that a company defines itself cannot."""

OF_SANDBOX = frozenset({"account", "journal", "location"})
"""The kinds that the sandbox never creates on demand, besides the kinds of the user's own company."""


class UnknownRecord(NamedTuple):
    """A record that Intacct does not have, or that is inactive there, although ``entries`` entries name it."""

    kind: str
    id: str
    inactive: bool
    entries: int

    def __str__(self) -> str:
        """Return a sentence with the fix."""
        where = "inactive in Intacct" if self.inactive else "not in Intacct"
        source = "the rules" if self.kind in ("account", "journal") else "the charge lines"
        count = "1 entry names" if self.entries == 1 else f"{self.entries:,} entries name"
        do = "activate" if self.inactive else "create"
        return f"{self.kind} {self.id} is {where}, and {count} it; {do} it there, or correct {source}"


class LookedUp(NamedTuple):
    """The unknown records; ``failed`` is the reason why some were not looked up."""

    unknown: tuple[UnknownRecord, ...] = ()
    failed: str = ""


def look_up(context: "Context", named: Mapping[NamedRecord, int], connect: "Connect" = open_gateway) -> LookedUp:
    """Return which of the records Intacct does not know. Without credentials, or without an answer, say so."""
    if not named:
        return LookedUp()
    try:
        kinds = OF_SANDBOX | own_kinds(context) if endpoint(context) == SANDBOX else KINDS.keys()
        wanted = {record: count for record, count in named.items() if record.kind in kinds - omitted(context)}
        found: list[UnknownRecord] = []
        failed: list[str] = []
        with connect(context) as gateway:
            gateway.sign_in()
            for kind in sorted({record.kind for record in wanted} & KINDS.keys()):
                entries = {record.id: count for record, count in wanted.items() if record.kind == kind}
                try:
                    known = gateway.masters(KINDS[kind], entries)
                except ReadRefused as error:
                    failed.append(f"{kind}: {error}")
                    continue
                missing = sorted(id for id in entries if not known.get(id))
                found += [UnknownRecord(kind, id, id in known, entries[id]) for id in missing]
    except RevrecError as error:
        return LookedUp((), str(error))
    return LookedUp(tuple(found), "; ".join(failed))
