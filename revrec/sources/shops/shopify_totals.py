"""Shopify: the totals that an order states, compared with its charge lines.

A discount, a tax or a refund that an order counts but does not itemize changes a total and no line, so that only this
comparison finds it.
"""

from collections.abc import Iterator
from decimal import Decimal

from revrec.sources.edi.segments import plain
from revrec.sources.shops.objects import JsonNode
from revrec.sources.shops.shopify_amounts import FETCH_WHOLE, ZERO, LineAmounts, stated_money

_NOT_REVENUE = ("total_duties", "total_additional_fees")


class OrderTotals:
    """Sums of an order's charge lines: ``goods`` without tips, ``shipping``, and what was refunded of both.

    ``tips`` is the sum of the tip lines, which are no charges. ``adjusted`` is the net sum of refund discrepancies:
    negative if more was paid back than the refunded lines are worth.
    """

    def __init__(self, order: JsonNode, goods: LineAmounts, shipping: LineAmounts, tips: Decimal) -> None:
        self._order = order
        self._included = order.flag("taxes_included")
        self._goods = goods
        self._shipping = shipping
        self._tips = tips

    def check(self, refunded_goods: LineAmounts, refunded_shipping: LineAmounts, adjusted: Decimal) -> None:
        """Compare every total that the order states, before and after its refunds.

        Raises:
            BrokenDocument: a total differs from the charge lines; it shows both figures.
        """
        goods, shipping, tips = self._goods, self._shipping, self._tips
        refunded = refunded_goods.price
        # Shopify counts tips and the discounts of shipping in some totals or not, by version of its API.
        self._compare("total_line_items_price", goods.list_price, goods.list_price + tips)
        self._compare("subtotal_price", goods.price, goods.price + tips)
        self._compare("total_shipping_price", shipping.list_price, shipping.price)
        self._compare("total_discounts", goods.discount, goods.discount + shipping.discount)
        self._compare("current_subtotal_price", goods.price - refunded, goods.price - refunded + tips)
        if tips:
            self._compare("total_tip_received", tips)
        if not self._order.nodes("refunds"):
            self._compare("current_total_discounts", goods.discount, goods.discount + shipping.discount)
        self._check_taxes_and_totals(refunded_goods, refunded_shipping, adjusted)

    def _check_taxes_and_totals(self, goods: LineAmounts, shipping: LineAmounts, adjusted: Decimal) -> None:
        """Compare the tax and the grand totals with the charge lines, and after ``goods`` and ``shipping`` refunded."""
        tax, net = self._goods.tax + self._shipping.tax, self._net(self._goods) + self._net(self._shipping)
        tax_left, net_left = tax - goods.tax - shipping.tax, net - self._net(goods) - self._net(shipping)
        if self._included and not self._apart("original"):
            self._compare("total_tax", tax)
        self._compare_net("total_price", "total_tax", tax, "original", net)
        self._compare_net(
            "current_total_price", "current_total_tax", tax_left, "current", net_left, net_left + adjusted
        )

    def _net(self, amounts: LineAmounts) -> Decimal:
        return amounts.net(self._included)

    def _compare(self, name: str, *expected: Decimal) -> None:
        stated = stated_money(self._order, name)
        if stated is not None and stated not in expected:
            reason = f"is {plain(stated)}, the lines add up to {plain(expected[0])}"
            raise self._order.broken(name, "", reason, FETCH_WHOLE)

    def _compare_net(self, name: str, tax_name: str, tax: Decimal, state: str, *expected: Decimal) -> None:
        """Compare a grand total, reduced by what is not revenue in it, with the net charge lines."""
        stated, stated_tax = stated_money(self._order, name), stated_money(self._order, tax_name)
        if stated is None:
            return
        tips = stated_money(self._order, "total_tip_received") or self._tips
        net = stated - (tax if stated_tax is None else stated_tax) - tips - self._apart(state)
        if net not in expected:
            reason = f"is {plain(net)} without tax, duties and tips, the charge lines add up to {plain(expected[0])}"
            raise self._order.broken(name, plain(stated), reason, FETCH_WHOLE)

    def _apart(self, state: str) -> Decimal:
        """Return the duties and fees of the order, ``original`` or ``current``."""
        other = "current" if state == "original" else "original"
        amounts: Iterator[Decimal | None] = (
            stated_money(self._order, f"{state}_{name}", f"{other}_{name}") for name in _NOT_REVENUE
        )
        return sum((amount or ZERO for amount in amounts), ZERO)


def check_refund(refund: JsonNode, paid: Decimal, currency: str) -> None:
    """Compare the sum of a refund's lines and adjustments with what was paid back.

    Raises:
        BrokenDocument: they differ; it shows both figures.
    """
    if refund.has("duties") and refund.value["duties"]:
        return
    stated = stated_money(refund, "total_refunded")
    if stated is None:
        payments = [one for one in refund.nodes("transactions") if _is_payment(one, currency)]
        stated = sum((stated_money(one, "amount") or ZERO for one in payments), ZERO) if payments else None
    if stated is not None and stated != paid:
        reason = f"is {plain(stated)}, the refunded lines and adjustments add up to {plain(paid)}"
        raise refund.broken("total_refunded", "", reason, FETCH_WHOLE)


def _is_payment(transaction: JsonNode, currency: str) -> bool:
    """Return True for money that was or will be paid back, in the currency of the order."""
    kind, status = transaction.text("kind").lower(), transaction.text("status").lower()
    paid = kind == "refund" and status in ("", "success", "pending")
    return paid and transaction.text("currency") in ("", currency)
