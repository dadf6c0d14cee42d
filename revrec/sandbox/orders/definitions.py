"""Transaction definitions: what kind of document it is, and which accounts it posts to."""

from __future__ import annotations

from dataclasses import dataclass, field

from revrec.sandbox.company.masters import Master, Masters
from revrec.sandbox.company.profile import RECEIVABLE, SALES_JOURNAL
from revrec.sandbox.errors import Refusal, business


@dataclass(frozen=True, slots=True)
class Definition:
    """One transaction definition.

    posts: its documents become receivables. prefix: of document numbers that the sandbox gives. sources: definitions
    whose documents it may be made from. accounts: item GL group to the account credited; account: for all others.
    """

    name: str
    posts: bool
    prefix: str
    sources: tuple[str, ...]
    accounts: dict[str, str] = field(default_factory=dict)
    account: str = "2400"
    receivable: str = RECEIVABLE
    journal: str = SALES_JOURNAL

    def account_of(self, item: Master) -> str:
        """The account a line with this item credits: the item's own, else that of its GL group."""
        own = item.details.get("account")
        return str(own or self.accounts.get(item.details.get("glgroup", ""), self.account))


def definition_of(name: str, masters: Masters) -> Definition:
    """The active definition called `name`. Raises Refusal."""
    found = masters.active("SODOCUMENTPARAMS", name)
    if found is None:
        text = f"The transaction definition '{name}' is invalid."
        raise Refusal(business(text, errorid="SIM-INVALID-DEFINITION"))
    details = found.details
    return Definition(
        name=name,
        posts=bool(details.get("posts", False)),
        prefix=str(details.get("prefix", "")),
        sources=tuple(details.get("from", ())),
        accounts=dict(details.get("accounts", {})),
        account=str(details.get("account", "2400")),
        receivable=str(details.get("receivable", RECEIVABLE)),
        journal=str(details.get("journal", SALES_JOURNAL)),
    )
