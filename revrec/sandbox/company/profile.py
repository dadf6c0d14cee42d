"""Constants of the simulated company: its name, currencies, periods, and the accounts it posts to automatically."""

from decimal import Decimal

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
RECEIVABLE = "1100"
SALES_JOURNAL = "SJ"
