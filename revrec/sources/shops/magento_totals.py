"""Magento: the net amounts of items and shipping, and the totals of a document compared with them."""

from collections.abc import Iterable
from decimal import Context, Decimal, Inexact
from typing import NamedTuple

from revrec.sources.edi.segments import plain
from revrec.sources.shops.objects import JsonNode

FIX = "request the document from the shop again; if the figures are still different, correct it there"
ZERO = Decimal(0)
_EXACT = Context(prec=60, traps=[Inexact])
_CREDITS = ("gift_cards", "customer_balance", "reward_currency")
"""Ways to pay that reduce the grand total: gift cards, store credit, reward points."""


class NetAmounts(NamedTuple):
    """An amount without tax before discounts, and its discounts without tax."""

    subtotal: Decimal
    discount: Decimal

    @property
    def net(self) -> Decimal:
        """Return the amount after discounts."""
        return self.subtotal - self.discount


class ItemAmounts(NamedTuple):
    """Amounts of an item as ordered, and what is left of them without canceled units."""

    item: JsonNode
    ordered: NetAmounts
    kept: NetAmounts
    is_settled: bool
    """True if every unit is either invoiced or canceled."""


class Shipping(NamedTuple):
    """Amounts of the shipping of a document, and the net part of it that was canceled."""

    amounts: NetAmounts
    canceled: Decimal

    @property
    def kept(self) -> Decimal:
        """Return the net amount without the canceled part."""
        return self.amounts.net - self.canceled


def item_amounts(item: JsonNode, document: JsonNode) -> ItemAmounts:
    """Return the amounts of an item.

    Raises:
        BrokenDocument: the row total is missing and the document's subtotal cannot confirm that it is zero, or units
            were canceled whose amount cannot be known exactly.
    """
    if not item.has("row_total") and not document.has("subtotal"):
        raise item.broken("row_total", "", "is missing", FIX)
    ordered = NetAmounts(item.number("row_total"), _discount(item, "amount"))
    quantity, canceled = item.number("qty_ordered"), item.number("qty_canceled")
    is_settled = item.number("qty_invoiced") == quantity - canceled
    if not canceled:
        return ItemAmounts(item, ordered, ordered, is_settled)
    if is_settled and item.has("row_invoiced"):
        kept = NetAmounts(item.number("row_invoiced"), _discount(item, "invoiced"))
    else:
        kept = NetAmounts(*(_share(item, amount, quantity - canceled, quantity) for amount in ordered))
    return ItemAmounts(item, ordered, kept, is_settled)


def _discount(node: JsonNode, what: str) -> Decimal:
    """Return a discount without tax: one on prices with tax is reduced by the tax in it."""
    return abs(node.number(f"discount_{what}")) - abs(node.number(f"discount_tax_compensation_{what}"))


def _share(item: JsonNode, amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    if not 0 <= part <= whole or not whole:
        raise item.broken("qty_canceled", item.text("qty_canceled"), f"is not part of {plain(whole)} ordered", FIX)
    try:
        return _EXACT.divide(_EXACT.multiply(amount, part), whole)
    except Inexact:
        reason = f"leaves {plain(part)} of {plain(whole)} units, whose part of {plain(amount)} is not exact"
        fix = "use the mapping magento-invoices, where invoices state their amounts"
        raise item.broken("qty_canceled", item.text("qty_canceled"), reason, fix) from None


def shipping_of(document: JsonNode, items: Iterable[ItemAmounts]) -> Shipping:
    """Return the shipping of a document.

    Invoices and credit memos do not state the discount of shipping: it is the rest of the document's discount, which
    the grand total confirms.
    """
    amount = document.number("shipping_amount")
    compensation = abs(document.number("shipping_discount_tax_compensation_amount"))
    discount = abs(document.number("shipping_discount_amount"))
    if not document.has("shipping_discount_amount") and document.has("grand_total"):
        of_items = sum((abs(one.item.number("discount_amount")) for one in items), ZERO)
        rest = abs(document.number("discount_amount")) - of_items
        discount = rest if 0 < rest <= amount else ZERO
    return Shipping(NetAmounts(amount, discount - compensation), document.number("shipping_canceled"))


class DocumentTotals:
    """The totals that a document states, to be compared with its items and shipping.

    ``adjustment`` is the net amount that a credit memo refunds besides them.
    """

    def __init__(self, document: JsonNode, items: list[ItemAmounts], shipping: Shipping, adjustment: Decimal) -> None:
        self._document = document
        self._items = items
        self._shipping = shipping
        self._ordered = sum((one.ordered.net for one in items), ZERO) + shipping.amounts.net + adjustment
        self._kept = sum((one.kept.net for one in items), ZERO) + shipping.kept + adjustment

    def check(self) -> None:
        """Compare every total.

        Raises:
            BrokenDocument: a total differs; it shows both figures.
        """
        items, shipping = self._items, self._shipping
        self._compare("subtotal", sum((one.ordered.subtotal for one in items), ZERO), "items")
        canceled = sum((one.ordered.subtotal - one.kept.subtotal for one in items), ZERO)
        self._compare("subtotal_canceled", canceled, "canceled items")
        discounts = sum((abs(one.item.number("discount_amount")) for one in items), ZERO)
        shipping_discount = shipping.amounts.discount + abs(
            self._document.number("shipping_discount_tax_compensation_amount")
        )
        self._compare(
            "discount_amount", discounts + shipping_discount, "discounts of items and shipping", absolute=True
        )
        self._compare_net("grand_total", "amount", self._ordered)
        self._compare_net("total_canceled", "canceled", self._ordered - self._kept)
        if all(one.is_settled for one in items if one.item.has("qty_ordered")):
            self._compare_net("total_invoiced", "invoiced", self._kept)

    def _compare(self, name: str, found: Decimal, what: str, absolute: bool = False) -> None:
        if not self._document.has(name):
            return
        stated = self._document.required_number(name)
        if (abs(stated) if absolute else stated) != found:
            reason = f"is {plain(stated)}, the {what} add up to {plain(found)}"
            raise self._document.broken(name, self._document.text(name), reason, FIX)

    def _compare_net(self, name: str, state: str, found: Decimal) -> None:
        """Compare a total without its tax, before it was reduced by other ways to pay, with the charge lines."""
        document = self._document
        if not document.has(name):
            return
        stated = document.required_number(name)
        net = stated - self._tax(state) + sum((_credit(document, f"{way}_{state}") for way in _CREDITS), ZERO)
        if net != found or stated < 0:
            reason = f"is {plain(net)} without tax, the charge lines add up to {plain(found)}"
            raise document.broken(name, document.text(name), reason, FIX)

    def _tax(self, state: str) -> Decimal:
        """Return the tax of the document in this state; by its items if the document does not state it."""
        name = f"tax_{state}"
        if self._document.has(name):
            return self._document.number(name)
        of_items = sum((one.item.number(name) for one in self._items), ZERO)
        return of_items + self._document.number(f"shipping_tax_{state}")


def _credit(document: JsonNode, name: str) -> Decimal:
    node = document if document.has(name) else document.node("extension_attributes")
    return abs(node.number(name))
