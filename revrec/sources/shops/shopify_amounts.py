"""Shopify: the amounts of a line, its price, discounts and tax, in the shop's currency and as the order states them."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from revrec.sources.edi.segments import plain, times
from revrec.sources.shops.objects import JsonNode

FETCH_WHOLE = "fetch the order again with all its lines, discounts, taxes, shipping and refunds"
ZERO = Decimal(0)


class LineAmounts(NamedTuple):
    """Amounts of a line item or a shipping line.

    ``price`` is after discounts. It and ``list_price`` include the tax if the prices of the order do.
    """

    list_price: Decimal
    price: Decimal
    tax: Decimal

    @property
    def discount(self) -> Decimal:
        """Return the discounts of the line."""
        return self.list_price - self.price

    def net(self, taxes_included: bool) -> Decimal:
        """Return the price without tax."""
        return self.price - self.tax if taxes_included else self.price

    def gross(self, taxes_included: bool) -> Decimal:
        """Return the price with tax, which is what the customer pays."""
        return self.price if taxes_included else self.price + self.tax


def total(amounts: Iterable[LineAmounts]) -> LineAmounts:
    """Return the sums of the amounts."""
    columns = list(zip(*amounts, strict=True)) or [(), (), ()]
    return LineAmounts(*(sum(column, ZERO) for column in columns))


def stated_money(node: JsonNode, *names: str) -> Decimal | None:
    """Return an amount by the first name that is present, plain or as a set of currencies; None if there is none.

    Raises:
        BrokenDocument: the amount is not a number, or a set of currencies lacks the shop's.
    """
    for name in names:
        if node.has(name):
            return node.required_number(name)
        if node.has(f"{name}_set"):
            return node.node(f"{name}_set").node("shop_money").required_number("amount")
    return None


def required_money(node: JsonNode, *names: str) -> Decimal:
    """Return an amount like :func:`stated_money`.

    Raises:
        BrokenDocument: the amount is missing. Zero in its place would lose revenue or a refund.
    """
    amount = stated_money(node, *names)
    if amount is None:
        raise node.broken(names[0], "", "is missing", FETCH_WHOLE)
    return amount


def line_amounts(line: JsonNode) -> LineAmounts:
    """Return the amounts of a line item.

    Without ``discount_allocations`` its discounted total counts. Without a list price this is the only price.
    """
    allocated = _allocated(line)
    discounted = stated_money(line, "discounted_total")
    unit_price = stated_money(line, "price", "original_unit_price")
    if unit_price is None and (discounted is None or allocated):
        raise line.broken("price", "", "is missing", FETCH_WHOLE)
    quantity = line.required_number("quantity")
    list_price = times(unit_price, quantity) if unit_price is not None else discounted or ZERO
    stated = list_price - discounted if discounted is not None else stated_money(line, "total_discount") or ZERO
    return LineAmounts(list_price, list_price - _discount(line, allocated, stated), _tax(line))


def shipping_amounts(line: JsonNode) -> LineAmounts:
    """Return the amounts of a shipping line."""
    discounted = stated_money(line, "discounted_price")
    list_price = required_money(line, "price", "original_price", "discounted_price")
    stated = list_price - discounted if discounted is not None else ZERO
    return LineAmounts(list_price, list_price - _discount(line, _allocated(line), stated), _tax(line))


def refund_amounts(one: JsonNode, price: str, tax: str, is_taxed: bool) -> LineAmounts:
    """Return the amounts of a refunded line, as positive numbers. The tax is required if ``is_taxed``."""
    refunded = required_money(one, price)
    taxed = required_money(one, tax) if is_taxed else stated_money(one, tax) or ZERO
    return LineAmounts(refunded, refunded, taxed)


def _allocated(line: JsonNode) -> Decimal | None:
    """Return the sum of the discounts that are allocated to a line; None if the document does not itemize them."""
    if not line.has("discount_allocations"):
        return None
    parts = line.nodes("discount_allocations")
    return sum((required_money(one, "amount", "allocated_amount") for one in parts), ZERO)


def _discount(line: JsonNode, allocated: Decimal | None, stated: Decimal) -> Decimal:
    """Return the discounts of a line. The ``stated`` total omits discounts of the whole order, but is never more."""
    if allocated is not None and stated > allocated:
        reason = f"add up to {plain(allocated)}, but the line is discounted by {plain(stated)}"
        raise line.broken("discount_allocations", "", reason, FETCH_WHOLE)
    return stated if allocated is None else allocated


def _tax(line: JsonNode) -> Decimal:
    return sum((required_money(one, "price") for one in line.nodes("tax_lines")), ZERO)
