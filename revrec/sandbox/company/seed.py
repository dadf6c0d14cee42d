"""The seeded company: the records of a new sandbox, and the reset to them."""

from revrec.sandbox.company.masters import SUPDOCFOLDER, MasterRecord
from revrec.sandbox.company.own_records import take_over
from revrec.sandbox.company.profile import (
    INTER_ENTITY_PAYABLE,
    INTER_ENTITY_RECEIVABLE,
    JOURNAL,
    RECEIVABLE,
    SALES_JOURNAL,
)
from revrec.sandbox.company.state import CompanyState

_TERMS = {"Due on Receipt": 0, "Net 15": 15, "Net 30": 30, "NET30": 30, "Net 60": 60}


def _accounts() -> list[MasterRecord]:
    plain = {
        "1000": "Cash",
        "1100": "Accounts Receivable",
        "1200": "Contract Assets",
        "1210": "Contract Assets - Noncurrent",
        "1300": "Deferred Cost",
        INTER_ENTITY_RECEIVABLE: "Inter Entity Receivable",
        "2100": "Payable to Principals",
        "2400": "Deferred Revenue",
        "2410": "Deferred Revenue - Other",
        "2500": "Deferred Revenue - Noncurrent",
        INTER_ENTITY_PAYABLE: "Inter Entity Payable",
        "4000": "Revenue",
        "4010": "Revenue - Services",
        "4100": "Revenue - Freight",
        "5000": "Cost of Goods Sold",
        "5900": "Impairment of Deferred Costs",
        "7800": "Exchange Gain or Loss",
    }
    accounts = [MasterRecord("GLACCOUNT", number, title, details=_account(number)) for number, title in plain.items()]
    required = {"requires": ["LOCATION", "DEPARTMENT"]}
    only = {"only": {"DEPARTMENT": ["OPS", "ENG"], "LOCATION": ["100", "E100"]}}
    return [
        *accounts,
        MasterRecord("GLACCOUNT", "4900", "Revenue - closed line", active=False, details=_account("4900")),
        MasterRecord("GLACCOUNT", "4200", "Revenue - by location and department", details=_account("4200") | required),
        MasterRecord("GLACCOUNT", "4300", "Revenue - operations only", details=_account("4300") | only),
    ]


def _item(glgroup: str) -> dict[str, str]:
    return {"unit": "Each", "glgroup": glgroup}


def _account(number: str) -> dict[str, str]:
    kind = "balancesheet" if number < "4000" else "incomestatement"
    return {"type": kind, "normal": "debit" if number[0] in "15" else "credit"}


def _records(kind: str, names: dict[str, str]) -> list[MasterRecord]:
    return [MasterRecord(kind, code, name) for code, name in names.items()]


def _transaction_definitions() -> list[MasterRecord]:
    """Return the transaction definitions: an order posts nothing, an invoice posts to receivables and the ledger.

    A credit memo posts the reverse of an invoice.

    ``accounts`` maps item GL groups to the account that an invoice credits. What is billed before it is earned goes to
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
    credit = invoice | {"class": "Credit Memo", "prefix": "CM-", "from": ["Sales Invoice"], "credits": True}
    order = {"class": "Order", "posts": False, "prefix": "SO-", "from": ["Sales Quote"]}
    return [
        MasterRecord("SODOCUMENTPARAMS", "Sales Quote", "Sales Quote", details=order | {"prefix": "SQ-", "from": []}),
        MasterRecord("SODOCUMENTPARAMS", "Sales Order", "Sales Order", details=order),
        MasterRecord("SODOCUMENTPARAMS", "Sales Invoice", "Sales Invoice", details=invoice),
        MasterRecord("SODOCUMENTPARAMS", "Sales Credit Memo", "Sales Credit Memo", details=credit),
    ]


def seed_records() -> list[MasterRecord]:
    """Return the master records of a new company."""
    return [
        *_accounts(),
        *_records("JOURNAL", {JOURNAL: "Revenue Recognition", "GJ": "General Journal", "RRJ": "Revenue Journal"}),
        *_records("JOURNAL", {SALES_JOURNAL: "Sales Journal"}),
        MasterRecord("JOURNAL", "OLD", "Old journal", active=False),
        *_records("LOCATION", {"100": "United States", "200": "Europe", "E100": "Holding"}),
        MasterRecord("LOCATION", "100-NY", "New York", parent="100"),
        MasterRecord("LOCATION", "900", "Closed branch", active=False),
        *_records("DEPARTMENT", {"OPS": "Operations", "ENG": "Engineering", "SALES": "Sales", "MKT": "Marketing"}),
        *_records("DEPARTMENT", {"200": "Publishing", "300": "Freight"}),
        MasterRecord("DEPARTMENT", "GONE", "Former department", active=False),
        *_records("CLASS", {"RETAIL": "Retail", "WHOLESALE": "Wholesale", "ONLINE": "Online"}),
        *_records("PROJECT", {"P-100": "First project", "P-200": "Second project"}),
        MasterRecord("CUSTOMER", "C1007", "Harbour Trading", details={"term": "Net 30"}),
        MasterRecord("CUSTOMER", "C1008", "Northwind Retail"),
        MasterRecord("ITEM", "FRT-OCEAN", "Ocean freight", details=_item("Freight")),
        MasterRecord("ITEM", "MAG-12", "Magazine, twelve issues", details=_item("Subscriptions")),
        MasterRecord("ITEM", "SUPPORT", "Support call", details=_item("Services") | {"unit": "Hour", "price": "80.00"}),
        MasterRecord("ITEM", "OLD-ITEM", "Item no longer sold", active=False, details=_item("Services")),
        *_records("ITEMGLGROUP", {"Subscriptions": "Billed up front", "Freight": "Billed before delivery"}),
        *_records("ITEMGLGROUP", {"Services": "Earned when billed"}),
        *(MasterRecord("ARTERM", name, name, details={"days": days}) for name, days in _TERMS.items()),
        *_transaction_definitions(),
        *_records("VENDOR", {"V100": "Carrier"}),
        *_records("EMPLOYEE", {"E-1": "First employee"}),
        *_records("WAREHOUSE", {"WH1": "Main warehouse"}),
        *_records("TASK", {"T-1": "First task"}),
        *_records("COSTTYPE", {"CT-1": "Labor"}),
        *_records(SUPDOCFOLDER, {"Journal entries": "Support for journal entries"}),
    ]


def seed_missing(company: CompanyState) -> None:
    """Write the seed records that the store lacks: all in a new file, the newly added ones in an older file."""
    with company.store.transaction():
        for master in seed_records():
            if company.masters.get(master.kind, master.id) is None:
                company.masters.put(master)


def reset(company: CompanyState) -> None:
    """Reset to the initial company: no entries, control ids, sessions or locks, and all periods open."""
    with company.store.transaction():
        company.store.clear()
        company.masters.reload()
        seed_missing(company)
    if company.own_records:
        take_over(company, company.own_records)
    company.periods.reload()
    company.sessions.clear()
    company.visibility.clear()
    company.access.unlock()
