"""Transaction definitions: the kinds of order-entry documents, and the accounts they post to."""

from dataclasses import dataclass, field

from revrec.sandbox.company.masters import MasterRecord, MasterRecords
from revrec.sandbox.company.profile import RECEIVABLE, SALES_JOURNAL
from revrec.sandbox.errors import FunctionFailure, business_error


@dataclass(frozen=True, slots=True)
class TransactionDefinition:
    """One transaction definition.

    ``posts`` is true if its documents become receivables. ``prefix`` starts the document numbers that the sandbox
    assigns. ``sources`` are the definitions whose documents can be converted to this one. ``accounts`` maps item GL
    groups to the account credited, and ``account`` is the one for all other items. ``credits`` is true if its documents
    reduce what the customer owes: they become adjustments, which debit the account.
    """

    name: str
    posts: bool
    prefix: str
    sources: tuple[str, ...]
    accounts: dict[str, str] = field(default_factory=dict)
    account: str = "2400"
    receivable: str = RECEIVABLE
    journal: str = SALES_JOURNAL
    credits: bool = False

    def account_of(self, item: MasterRecord) -> str:
        """Return the account that a line with this item credits: the item's, else that for its GL group."""
        own = item.details.get("account")
        return str(own or self.accounts.get(item.details.get("glgroup", ""), self.account))


def find_definition(name: str, masters: MasterRecords) -> TransactionDefinition:
    """Return the active definition with this name.

    Raises:
        FunctionFailure: it does not exist or is not active.
    """
    found = masters.active("SODOCUMENTPARAMS", name)
    if found is None:
        text = f"The transaction definition '{name}' is invalid."
        raise FunctionFailure(business_error(text, errorid="SIM-INVALID-DEFINITION"))
    details = found.details
    return TransactionDefinition(
        name=name,
        posts=bool(details.get("posts", False)),
        prefix=str(details.get("prefix", "")),
        sources=tuple(details.get("from", ())),
        accounts=dict(details.get("accounts", {})),
        account=str(details.get("account", "2400")),
        receivable=str(details.get("receivable", RECEIVABLE)),
        journal=str(details.get("journal", SALES_JOURNAL)),
        credits=bool(details.get("credits", False)),
    )
