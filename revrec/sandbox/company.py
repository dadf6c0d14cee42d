"""The seeded company: what a new sandbox holds before anything is posted."""

from __future__ import annotations

from decimal import Decimal

from revrec.sandbox.masters import Master

COMPANY_ID = "REVREC-sandbox"
USER_ID = "revrec_ws"
SENDER_ID = "revrec_sender"
BASE_CURRENCY = "USD"
JOURNAL = "RR"
FIRST_MONTH = "2000-01"
LAST_MONTH = "2099-12"
RATES = {
    "USD": Decimal(1),
    "EUR": Decimal("1.08"),
    "GBP": Decimal("1.27"),
    "JPY": Decimal("0.0067"),
    "KWD": Decimal("3.25"),
}
RATE_TYPE = "Intacct Daily Rate"
INTER_ENTITY_RECEIVABLE = "1900"
INTER_ENTITY_PAYABLE = "2900"


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


def _account(number: str) -> dict[str, str]:
    kind = "balancesheet" if number < "4000" else "incomestatement"
    return {"type": kind, "normal": "debit" if number[0] in "15" else "credit"}


def _many(kind: str, names: dict[str, str]) -> list[Master]:
    return [Master(kind, code, name) for code, name in names.items()]


def seed() -> list[Master]:
    """The master records of a new company."""
    return [
        *_accounts(),
        *_many("JOURNAL", {JOURNAL: "Revenue Recognition", "GJ": "General Journal", "RRJ": "Revenue Journal"}),
        Master("JOURNAL", "OLD", "Old journal", active=False),
        *_many("LOCATION", {"100": "United States", "200": "Europe", "E100": "Holding"}),
        Master("LOCATION", "100-NY", "New York", parent="100"),
        Master("LOCATION", "900", "Closed branch", active=False),
        *_many("DEPARTMENT", {"OPS": "Operations", "ENG": "Engineering", "SALES": "Sales", "MKT": "Marketing"}),
        *_many("DEPARTMENT", {"200": "Publishing", "300": "Freight"}),
        Master("DEPARTMENT", "GONE", "Former department", active=False),
        *_many("CLASS", {"RETAIL": "Retail", "WHOLESALE": "Wholesale", "ONLINE": "Online"}),
        *_many("PROJECT", {"P-100": "First project", "P-200": "Second project"}),
        *_many("CUSTOMER", {"C1007": "Harbour Trading", "C1008": "Northwind Retail"}),
        *_many("ITEM", {"FRT-OCEAN": "Ocean freight", "MAG-12": "Magazine, twelve issues"}),
        *_many("VENDOR", {"V100": "Carrier"}),
        *_many("EMPLOYEE", {"E-1": "First employee"}),
        *_many("WAREHOUSE", {"WH1": "Main warehouse"}),
        *_many("TASK", {"T-1": "First task"}),
        *_many("COSTTYPE", {"CT-1": "Labour"}),
    ]
