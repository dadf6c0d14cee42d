"""The seeded company: the records that a new sandbox holds before anything is posted, and the way back to them."""

from __future__ import annotations

from revrec.sandbox.company.masters import Master
from revrec.sandbox.company.profile import (
    INTER_ENTITY_PAYABLE,
    INTER_ENTITY_RECEIVABLE,
    JOURNAL,
    RECEIVABLE,
    SALES_JOURNAL,
)
from revrec.sandbox.company.state import Desk

_TERMS = {"Due on Receipt": 0, "Net 15": 15, "Net 30": 30, "NET30": 30, "Net 60": 60}


def _accounts() -> list[Master]:
    plain = {
        "1000": "Cash",
        "1100": "Accounts Receivable",
        "1300": "Deferred Cost",
        INTER_ENTITY_RECEIVABLE: "Inter Entity Receivable",
        "2400": "Deferred Revenue",
        "2410": "Deferred Revenue - Other",
        INTER_ENTITY_PAYABLE: "Inter Entity Payable",
        "4000": "Revenue",
        "4010": "Revenue - Services",
        "4100": "Revenue - Freight",
        "5000": "Cost of Goods Sold",
    }
    accounts = [Master("GLACCOUNT", number, title, details=_account(number)) for number, title in plain.items()]
    required = {"requires": ["LOCATION", "DEPARTMENT"]}
    only = {"only": {"DEPARTMENT": ["OPS", "ENG"], "LOCATION": ["100", "E100"]}}
    return [
        *accounts,
        Master("GLACCOUNT", "4900", "Revenue - closed line", active=False, details=_account("4900")),
        Master("GLACCOUNT", "4200", "Revenue - by location and department", details=_account("4200") | required),
        Master("GLACCOUNT", "4300", "Revenue - operations only", details=_account("4300") | only),
    ]


def _item(glgroup: str) -> dict[str, str]:
    return {"unit": "Each", "glgroup": glgroup}


def _account(number: str) -> dict[str, str]:
    kind = "balancesheet" if number < "4000" else "incomestatement"
    return {"type": kind, "normal": "debit" if number[0] in "15" else "credit"}


def _many(kind: str, names: dict[str, str]) -> list[Master]:
    return [Master(kind, code, name) for code, name in names.items()]


def definitions() -> list[Master]:
    """The transaction definitions of order entry: an order posts nothing, an invoice to receivables and ledger.

    `accounts` maps item GL groups to the account that an invoice credits: what is billed before it is earned goes to
    deferred revenue.
    """
    deferred = {"Subscriptions": "2400", "Freight": "2400"}
    invoice = {
        "class": "Invoice",
        "posts": True,
        "prefix": "INV-",
        "from": ["Sales Order"],
        "accounts": deferred | {"Services": "4010"},
        "account": "2400",
        "receivable": RECEIVABLE,
        "journal": SALES_JOURNAL,
    }
    order = {"class": "Order", "posts": False, "prefix": "SO-", "from": ["Sales Quote"]}
    return [
        Master("SODOCUMENTPARAMS", "Sales Quote", "Sales Quote", details=order | {"prefix": "SQ-", "from": []}),
        Master("SODOCUMENTPARAMS", "Sales Order", "Sales Order", details=order),
        Master("SODOCUMENTPARAMS", "Sales Invoice", "Sales Invoice", details=invoice),
    ]


def seed() -> list[Master]:
    """The master records of a new company."""
    return [
        *_accounts(),
        *_many("JOURNAL", {JOURNAL: "Revenue Recognition", "GJ": "General Journal", "RRJ": "Revenue Journal"}),
        *_many("JOURNAL", {SALES_JOURNAL: "Sales Journal"}),
        Master("JOURNAL", "OLD", "Old journal", active=False),
        *_many("LOCATION", {"100": "United States", "200": "Europe", "E100": "Holding"}),
        Master("LOCATION", "100-NY", "New York", parent="100"),
        Master("LOCATION", "900", "Closed branch", active=False),
        *_many("DEPARTMENT", {"OPS": "Operations", "ENG": "Engineering", "SALES": "Sales", "MKT": "Marketing"}),
        *_many("DEPARTMENT", {"200": "Publishing", "300": "Freight"}),
        Master("DEPARTMENT", "GONE", "Former department", active=False),
        *_many("CLASS", {"RETAIL": "Retail", "WHOLESALE": "Wholesale", "ONLINE": "Online"}),
        *_many("PROJECT", {"P-100": "First project", "P-200": "Second project"}),
        Master("CUSTOMER", "C1007", "Harbour Trading", details={"term": "Net 30"}),
        Master("CUSTOMER", "C1008", "Northwind Retail"),
        Master("ITEM", "FRT-OCEAN", "Ocean freight", details=_item("Freight")),
        Master("ITEM", "MAG-12", "Magazine, twelve issues", details=_item("Subscriptions")),
        Master("ITEM", "SUPPORT", "Support call", details=_item("Services") | {"unit": "Hour", "price": "80.00"}),
        Master("ITEM", "OLD-ITEM", "Item no longer sold", active=False, details=_item("Services")),
        *_many("ITEMGLGROUP", {"Subscriptions": "Billed up front", "Freight": "Billed before delivery"}),
        *_many("ITEMGLGROUP", {"Services": "Earned when billed"}),
        *(Master("ARTERM", name, name, details={"days": days}) for name, days in _TERMS.items()),
        *definitions(),
        *_many("VENDOR", {"V100": "Carrier"}),
        *_many("EMPLOYEE", {"E-1": "First employee"}),
        *_many("WAREHOUSE", {"WH1": "Main warehouse"}),
        *_many("TASK", {"T-1": "First task"}),
        *_many("COSTTYPE", {"CT-1": "Labour"}),
    ]


def fill(desk: Desk) -> None:
    """Write what the store lacks of the seeded company: all of it, or what an older file did not know."""
    with desk.store.transaction():
        for master in seed():
            if desk.masters.get(master.kind, master.id) is None:
                desk.masters.put(master)


def reset(desk: Desk) -> None:
    """Back to the seeded company: no entries, no memory of control ids, all periods open, no sessions, no locks."""
    with desk.store.transaction():
        desk.store.clear()
        desk.masters.reload()
        fill(desk)
    desk.periods.reload()
    desk.sessions.clear()
    desk.visibility.clear()
    desk.access.unlock()
