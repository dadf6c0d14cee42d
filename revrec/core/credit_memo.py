"""Credit memos: what is still to be credited of an invoiced charge line, and the document that credits it.

An invoice in Intacct has the price of its day. A later credit, refund or lower price reduces what is billed, so that
Intacct needs a credit memo of the same amount and day.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date

from revrec.core.invoice import (
    AR_CREDIT,
    AR_INVOICE,
    BY_HAND,
    SALES_CREDIT,
    DocumentDefinitions,
    Invoice,
    InvoiceLine,
    following,
)
from revrec.core.money import decimal_string
from revrec.core.pricing import PriceChange

_NUMBER = re.compile(r"(.+)-CR[0-9]{6}(?:-[0-9]+)?")


def due_credits(changes: Iterable[PriceChange], billed: date, credited: Mapping[date, int]) -> dict[date, int]:
    """Return by day what is still to be credited for a charge line, in minor units.

    ``changes`` are the changes of its price, ``billed`` is the day of its invoice, and ``credited`` what its credit
    memos took off, by their day. What was credited too much is deducted from later days. If a rest remains, it is below
    zero, on the last day: the customer owes it.
    """
    open_by_day: dict[date, int] = {}
    for change in changes:
        day = max(change.date, billed)
        open_by_day[day] = open_by_day.get(day, 0) + change.before - change.after
    for day, amount in credited.items():
        open_by_day[day] = open_by_day.get(day, 0) - amount
    found: dict[date, int] = {}
    rest = 0
    for day in sorted(open_by_day):
        rest += open_by_day[day]
        if rest > 0:
            found[day], rest = rest, 0
    if rest:
        found[max(open_by_day)] = rest
    return found


def credit_kind(billed: Invoice, key: str) -> str:
    """Return the kind of a credit memo for a posted invoice with this key of Intacct."""
    is_receivable = billed.kind == AR_INVOICE or (billed.kind == BY_HAND and key.isdigit())
    return AR_CREDIT if is_receivable else SALES_CREDIT


def credited_number(number: str) -> str:
    """Return the number of the invoice that a credit memo of this number reduces; empty for a number of others."""
    found = _NUMBER.fullmatch(number)
    return found[1] if found else ""


def credit_memo(
    billed: Invoice,
    key: str,
    amounts: Mapping[int, int],
    day: date,
    earlier: int,
    names: DocumentDefinitions,
    term: str,
    revision: int,
    deployment: str,
) -> Invoice:
    """Build the credit memo that takes ``amounts``, by number of the charge line, off a posted invoice.

    ``key`` is the invoice's key in Intacct, and ``earlier`` counts its credit memos of the same day. The number follows
    from these, so that a copy of the books finds in Intacct what another copy posted. ``revision`` counts all earlier
    credit memos of the document.
    """
    kind = credit_kind(billed, key)
    credited = [line for line in billed.lines if amounts.get(line.charge_no)]
    return following(billed, kind, revision, deployment)._replace(
        number=f"{billed.number}-CR{day:%y%m%d}{f'-{earlier + 1}' if earlier else ''}",
        definition=names.credit if kind == SALES_CREDIT else "",
        date=day,
        term=term if kind == SALES_CREDIT else "",
        lines=tuple(_credited(at, line, amounts, billed.currency) for at, line in enumerate(credited, 1)),
        after=key,
    )


def _credited(line_no: int, line: InvoiceLine, amounts: Mapping[int, int], currency: str) -> InvoiceLine:
    amount = amounts[line.charge_no]
    return line._replace(line_no=line_no, quantity="1", price=decimal_string(amount, currency), amount=amount)
