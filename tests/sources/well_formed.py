"""Well-formed documents with totals, made at random, in which each figure is known by its place.

Each document states its net total at least once: alone, with taxes, or as the sum of its parts. ``stated_nets``
computes what the charge lines must add up to, from these figures alone and independently of the readers.
"""

import io
import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

import xlsxwriter

Values = Mapping[str, Sequence[Decimal]]
"""The figures of a document by their role."""

Nets = list[tuple[str, set[Decimal]]]
"""Sums that a document states: of its ``billed`` lines, or of ``all`` with refunds. Each may have several readings."""

Rows = Sequence[Sequence[str]]
"""A table; its first row has the names of the columns."""

_MARK = re.compile("\x01([^\x02]*)\x02([^\x03]*)\x03")


class Figure(NamedTuple):
    """One figure of a document: its role, and its place in the text."""

    role: str
    start: int
    end: int


class WellFormed(NamedTuple):
    """One document with totals; its charge lines have the id ``key``."""

    file: str
    mapping: str
    key: str
    text: str
    figures: Sequence[Figure]
    stated_nets: Callable[[Values], Nets]
    pack: Callable[[str], bytes] = str.encode
    """Turns the text into the content of the file."""

    def values(self, text: str, shift: int = 0, after: int = 0) -> Values:
        """Return the figures of a text that differs from this one by ``shift`` characters from ``after`` on."""
        found: dict[str, list[Decimal]] = {}
        for role, start, end in self.figures:
            moved = (start + (shift if start > after else 0), end + (shift if end > after else 0))
            found.setdefault(role, []).append(Decimal(text[slice(*moved)]))
        return found


def figure(role: str, value: object) -> str:
    """Return a value marked as a figure."""
    return f"\x01{role}\x02{value}\x03"


def cents(amount: int) -> str:
    """Return an amount of cents with two decimals."""
    return f"{Decimal(amount).scaleb(-2):.2f}"


def _made(file: str, mapping: str, key: str, marked: str, nets: Callable[[Values], Nets]) -> WellFormed:
    parts: list[str] = []
    figures: list[Figure] = []
    at = size = 0
    for found in _MARK.finditer(marked):
        parts += [marked[at : found.start()], found[2]]
        size += found.start() - at
        figures.append(Figure(found[1], size, size + len(found[2])))
        size, at = size + len(found[2]), found.end()
    return WellFormed(file, mapping, key, "".join([*parts, marked[at:]]), figures, nets)


def _rounded(value: Decimal) -> int:
    """Return an amount in cents, rounded half up."""
    return int(value.scaleb(2).quantize(Decimal(1), ROUND_HALF_UP))


def _one(values: Values, role: str) -> Decimal:
    return sum(values.get(role, ()), Decimal(0))


def x12(chance: random.Random, key: str) -> WellFormed:
    """Return an 810: prices for one or more units, allowances and charges of lines and document, taxes."""
    credit, taxed = chance.random() < 0.3, chance.random() < 0.5
    body: list[str] = [f"BIG*20240328*{key}**PO-1***{'CR' if credit else 'DI'}", "N1*BY*Ada*92*C-1"]
    net, count = 0, chance.randint(1, 4)
    for at in range(1, count + 1):
        quantity, price = chance.randint(1, 60), Decimal(chance.randint(1, 99_999)).scaleb(-chance.choice((2, 2, 4)))
        basis, units = chance.choice((("PE", 1), ("PE", 1), ("HP", 100), ("TP", 1000)))
        amount = _rounded(quantity * price / units)
        line = f"IT1*{at}*{figure('quantity', quantity)}*EA*{figure('price', price)}*{basis}*VN*ITEM-{at}"
        body.append(line)
        if amount > 300 and chance.random() < 0.4:
            extra = chance.randint(1, 299)
            indicator = chance.choice("AC")
            amount += extra if indicator == "C" else -extra
            body.append(f"SAC*{indicator}*D240***{figure('extra', extra)}")
        net += amount
    total_at = len(body)
    if chance.random() < 0.5:
        extra = chance.randint(1, 5_000)
        body.append(f"SAC*C*D240***{figure('extra', extra)}")
        net += extra
    tax = chance.randint(1, 900) if taxed else 0
    if tax:
        body.append(f"TXI*ST*{figure('tax', cents(tax))}")
    total = net + tax if chance.random() < 0.7 else net
    body.insert(total_at, f"TDS*{figure('total', -total if credit and chance.random() < 0.5 else total)}")
    body.append(f"CTT*{figure('count', count)}")
    envelope = f"ISA*00*{'':10}*00*{'':10}*ZZ*{'ACME':15}*ZZ*{'BUYER':15}*240329*0915*U*00401*000000001*0*P*>"
    segments = [envelope, "GS*IN*ACME*BUYER*20240329*0915*7*X*004010", "ST*810*0001", *body]
    segments += [f"SE*{len(body) + 2}*0001", "GE*1*7", "IEA*1*000000001"]

    def nets(values: Values) -> Nets:
        total, tax = _one(values, "total").scaleb(-2), _one(values, "tax")
        if credit:
            # A credit writes its tax with the sign of its lines, which are positive here, or of its total.
            tax = abs(tax) if tax * total > 0 else tax
            return [("all", {-abs(total), -(abs(total) - tax)})]
        return [("all", {total, total - tax})]

    return _made("invoice.810", "x12", key, "".join(f"{one}~\n" for one in segments), nets)


def edifact(chance: random.Random, key: str) -> WellFormed:
    """Return an INVOIC with a choice of the totals that the standard has."""
    credit = chance.random() < 0.3
    rate = chance.choice((0, 0, 7, 19))
    body = [f"BGM+{'381' if credit else '380'}+{key}+9", "DTM+137:20240328:102", "NAD+BY+C1::92", "CUX+2:EUR:4"]
    in_head = chance.randint(1, 5_000) if chance.random() < 0.5 else 0
    if in_head:
        body += ["ALC+C++++FC", f"MOA+8:{figure('extra', cents(in_head))}"]
    of_lines, count = 0, chance.randint(1, 4)
    for at in range(1, count + 1):
        quantity, price = chance.randint(1, 60), chance.randint(1, 99_999)
        amount = quantity * price
        allowance = chance.randint(1, amount) // 2 if chance.random() < 0.3 else 0
        of_lines += amount - allowance
        body += [f"LIN+{at}++401234500{at:04d}:EN", f"QTY+47:{figure('quantity', quantity)}"]
        if allowance or chance.random() < 0.7:
            body.append(f"MOA+203:{figure('amount', cents(amount - allowance))}")
        body.append(f"PRI+{'AAB' if allowance else 'AAA'}:{figure('price', cents(price))}")
        if allowance:
            body += ["ALC+A", f"MOA+204:{figure('extra', cents(allowance))}"]
    net = of_lines + in_head
    tax = _rounded(Decimal(net).scaleb(-2) * rate / 100)
    totals = {"79": of_lines, "125": net, "131": in_head, "176": tax, "77": net + tax, "86": net + tax}
    wanted = {chance.choice(("79", "125")), *chance.sample(list(totals), chance.randint(1, 5))}
    wanted -= ({"131"} if not in_head else set()) | ({"176"} if not tax else set())
    body += ["UNS+S", f"CNT+2:{figure('count', count)}"]
    body += [f"MOA+{code}:{figure(code, cents(totals[code]))}" for code in totals if code in wanted]
    if rate:
        body.append(f"TAX+7+VAT+++:::{rate}")
        body += [f"MOA+125:{figure('base', cents(net))}"] if chance.random() < 0.5 else []
        body += [f"MOA+124:{figure('tax', cents(tax))}"]
    segments = ["UNB+UNOC:3+ACME:14+BUYER:14+240401:1200+1", "UNH+1+INVOIC:D:96A:UN:EAN008", *body]
    segments += [f"UNT+{len(body) + 2}+1", "UNZ+1+1"]

    def nets(values: Values) -> Nets:
        sign = -1 if credit else 1
        found = [_one(values, "125")] if "125" in values else []
        if "79" in values and (not in_head or "131" in values):
            found.append(_one(values, "79") + _one(values, "131"))
        taxes = _one(values, "176") if "176" in values else _one(values, "tax")
        readings = [{one} for one in found]
        readings += [{_one(values, code) - taxes, _one(values, code)} for code in ("77", "86") if code in values]
        return [("all", {sign * abs(one) if credit else one for one in reading}) for reading in readings]

    return _made("invoice.edifact", "edifact", key, "".join(f"{one}'\n" for one in segments), nets)


class _ShopOrder(NamedTuple):
    """The figures of a shop's order in cents."""

    included: bool
    lines: list[tuple[int, int, int, int]]
    """Quantity, price, discount and tax of each line."""
    shipping: tuple[int, int]
    """Price and tax."""
    tip: int
    refund: tuple[int, int, int] | None
    """Units of the first line, their subtotal and their tax."""

    @property
    def tax(self) -> int:
        return sum(one[3] for one in self.lines) + self.shipping[1]

    @property
    def subtotal(self) -> int:
        return sum(quantity * price - discount for quantity, price, discount, _tax in self.lines)

    @property
    def total(self) -> int:
        return self.subtotal + self.shipping[0] + self.tip + (0 if self.included else self.tax)

    @property
    def refunded(self) -> int:
        return self.refund[1] + (0 if self.included else self.refund[2]) if self.refund else 0


def _shop_order(chance: random.Random) -> _ShopOrder:
    included = chance.random() < 0.4
    lines = []
    for _ in range(chance.randint(1, 4)):
        quantity, price = chance.randint(1, 9), chance.randint(100, 50_000)
        discount = chance.randint(1, quantity * price // 2) if chance.random() < 0.4 else 0
        lines.append((quantity, price, discount, chance.choice((0, (quantity * price - discount) // 12))))
    shipping = chance.choice(((0, 0), (chance.randint(100, 2_000), chance.randint(0, 90))))
    refund = None
    if chance.random() < 0.4:
        quantity, price, discount, tax = lines[0]
        refund = (quantity, quantity * price - discount, tax)
    return _ShopOrder(included, lines, shipping, chance.choice((0, 0, chance.randint(50, 900))), refund)


def shopify_rest(chance: random.Random, key: str) -> WellFormed:
    """Return an order of the REST API."""
    return _shopify(chance, key, _rest_money, "orders")


def shopify_graphql(chance: random.Random, key: str) -> WellFormed:
    """Return an order of the GraphQL API."""
    return _shopify(chance, key, _graphql_money, "data")


Money = Callable[[str, str, int], dict[str, Any]]


def _rest_money(role: str, name: str, amount: int) -> dict[str, Any]:
    return {name: figure(role, cents(amount))}


def _graphql_money(role: str, name: str, amount: int) -> dict[str, Any]:
    return {f"{name}_set": {"shop_money": {"amount": figure(role, cents(amount)), "currency_code": "USD"}}}


def _shopify(chance: random.Random, key: str, money: Money, wrapper: str) -> WellFormed:
    made = _shop_order(chance)
    rest = wrapper == "orders"

    def taxes(amount: int) -> list[dict[str, Any]]:
        return [money("tax_line", "price", amount)] if amount else []

    def discounts(amount: int) -> list[dict[str, Any]]:
        return [money("discount", "amount" if rest else "allocated_amount", amount)] if amount else []

    items = [
        {"id": str(at), "sku": f"S-{at}", "title": "Thing", "quantity": quantity, "tax_lines": taxes(tax)}
        | money("price", "price" if rest else "original_unit_price", price)
        | {"discount_allocations": discounts(discount)}
        for at, (quantity, price, discount, tax) in enumerate(made.lines, 1)
    ]
    if made.tip:
        tip = money("tip_line", "price" if rest else "original_unit_price", made.tip)
        items.append({"id": "tip", "title": "Tip", "quantity": 1, "tax_lines": [], "discount_allocations": []} | tip)
    price, tax = made.shipping
    shipping = [money("shipping", "price" if rest else "original_price", price) | {"id": "9", "tax_lines": taxes(tax)}]
    order: dict[str, Any] = {"id": key, "name": "#1", "created_at": "2024-03-28T10:00:00Z", "email": "a@example.com"}
    order |= {"currency": "USD", "financial_status": "partially_refunded" if made.refund else "paid"}
    order |= {"taxes_included": made.included, "test": False, "line_items": items}
    order["shipping_lines"] = shipping if price else []
    order |= money("total_tax", "total_tax", made.tax) | money("total_price", "total_price", made.total)
    if made.tip:
        order |= money("tip", "total_tip_received", made.tip)
    if chance.random() < 0.5:
        order |= money("subtotal", "subtotal_price", made.subtotal)
    order["refunds"] = []
    if made.refund:
        units, subtotal, refunded_tax = made.refund
        line = {"line_item": {"id": "1"}, "line_item_id": "1", "quantity": units}
        line |= money("refund", "subtotal", subtotal) | money("refund_tax", "total_tax", refunded_tax)
        order["refunds"] = [{"id": "7", "created_at": "2024-04-02T10:00:00Z", "refund_line_items": [line]}]
        order |= money("current_total", "current_total_price", made.total - made.refunded)
        order |= money("current_tax", "current_total_tax", made.tax - refunded_tax)
    text = json.dumps({wrapper: [order]} if rest else {wrapper: {"orders": {"nodes": [_as_graphql(order)]}}})

    def nets(values: Values) -> Nets:
        found = [("billed", {_one(values, "total_price") - _one(values, "total_tax") - _one(values, "tip")})]
        if "subtotal" in values and not made.included:
            found.append(("billed", {_one(values, "subtotal") + _one(values, "shipping")}))
        if made.refund:
            net = _one(values, "current_total") - _one(values, "current_tax") - _one(values, "tip")
            found.append(("all", {net}))
        return found

    return _made("order.json", "shopify-orders", key, _unescaped(text), nets)


_CAMEL = re.compile(r"_([a-z])")


def _as_graphql(value: Any) -> Any:
    if isinstance(value, list):
        return {"nodes": [_as_graphql(one) for one in value]}
    if not isinstance(value, dict):
        return value
    renamed = {"currency": "currencyCode", "financial_status": "displayFinancialStatus"}
    camel = {name: renamed.get(name) or _CAMEL.sub(lambda found: found[1].upper(), name) for name in value}
    return {camel[name]: _as_graphql(one) for name, one in value.items()}


def _unescaped(text: str) -> str:
    return text.replace("\\u0001", "\x01").replace("\\u0002", "\x02").replace("\\u0003", "\x03")


def magento(chance: random.Random, key: str) -> WellFormed:
    """Return an order, an invoice or a credit memo. Its numbers are JSON numbers."""
    kind = chance.choice(("order", "order", "invoice", "creditmemo"))
    quantity_name, id_name = ("qty_ordered", "item_id") if kind == "order" else ("qty", "order_item_id")
    items, subtotal, discounts, taxes = [], 0, 0, 0
    canceled_net = 0
    for at in range(1, chance.randint(1, 4) + 1):
        quantity, price = chance.randint(1, 9), chance.randint(100, 50_000)
        discount = quantity * chance.randint(1, price // 2) if chance.random() < 0.3 else 0
        tax = quantity * (price // 12)
        one: dict[str, Any] = {id_name: at, "sku": f"S-{at}", "name": "Thing", quantity_name: quantity}
        one |= {"row_total": figure("row", cents(quantity * price)), "tax_amount": figure("tax_row", cents(tax))}
        if discount:
            one["discount_amount"] = figure("discount_row", cents(discount))
        if kind == "order" and quantity > 1 and not discount and chance.random() < 0.3:
            one |= {"qty_canceled": 1, "qty_invoiced": quantity - 1}
            one["row_invoiced"] = figure("invoiced_row", cents((quantity - 1) * price))
            canceled_net += price
        items.append(one)
        subtotal, discounts, taxes = subtotal + quantity * price, discounts + discount, taxes + tax
    shipping = chance.choice((0, chance.randint(100, 2_000)))
    document: dict[str, Any] = {"increment_id": key, "created_at": "2024-03-28 10:00:00", "customer_id": 7}
    document |= {"order_currency_code": "USD", "items": items, "subtotal": figure("subtotal", cents(subtotal))}
    document |= {"grand_total": figure("total", cents(subtotal - discounts + shipping + taxes))}
    document |= {"tax_amount": figure("tax", cents(taxes)), "shipping_amount": figure("shipping", cents(shipping))}
    if discounts:
        document["discount_amount"] = figure("discount", cents(-discounts))
    if kind == "order":
        document |= {"entity_id": key, "state": "processing"}
    else:
        document |= {"entity_id": 5, "order_id": key}
        document |= {"adjustment": 0} if kind == "creditmemo" else {"state": 2}
    if canceled_net:
        document["subtotal_canceled"] = figure("canceled", cents(canceled_net))
    text = re.sub('"(\x01[^\x03]*\x03)"', r"\1", _unescaped(json.dumps({"items": [document]})))

    def nets(values: Values) -> Nets:
        sign = -1 if kind == "creditmemo" else 1
        net = _one(values, "total") - _one(values, "tax") - _one(values, "canceled")
        parts = _one(values, "subtotal") - abs(_one(values, "discount")) + _one(values, "shipping")
        return [("all", {sign * net}), ("all", {sign * (parts - _one(values, "canceled"))})]

    mapping = "magento-invoices" if kind == "invoice" else "magento-orders"
    return _made("document.json", mapping, key, text, nets)


def cargowise(chance: random.Random, key: str) -> WellFormed:
    """Return a receivables transaction with its posting journals."""
    credit = chance.random() < 0.3
    sign = -1 if credit and chance.random() < 0.5 else 1
    amounts = [
        (sign * chance.randint(1, 500_000), sign * chance.choice((0, chance.randint(1, 9_000))))
        for _ in range(chance.randint(1, 3))
    ]
    net, tax = sum(one for one, _tax in amounts), sum(tax for _one, tax in amounts)
    journals = "".join(
        "<PostingJournal><ChargeCode><Code>FRT</Code></ChargeCode>"
        f"<OSAmount>{figure('amount', cents(amount))}</OSAmount>"
        f"<OSCurrency><Code>USD</Code></OSCurrency><OSGSTVATAmount>{figure('tax_part', cents(tax))}</OSGSTVATAmount>"
        f"<Sequence>{at}</Sequence></PostingJournal>"
        for at, (amount, tax) in enumerate(amounts, 1)
    )
    text = (
        '<UniversalTransaction xmlns="http://www.cargowise.com/Schemas/Universal/2011/11"><TransactionInfo>'
        f"<Job><Type>Job</Type><Key>{key}</Key></Job><Ledger>AR</Ledger><Number>{key}</Number>"
        "<OrganizationAddress><OrganizationCode>C-1</OrganizationCode></OrganizationAddress>"
        f"<OSCurrency><Code>USD</Code></OSCurrency><OSExGSTVATAmount>{figure('net', cents(net))}</OSExGSTVATAmount>"
        f"<OSGSTVATAmount>{figure('tax', cents(tax))}</OSGSTVATAmount>"
        f"<OSTotal>{figure('total', cents(net + tax))}</OSTotal>"
        f"<PostDate>2024-03-28T00:00:00</PostDate><TransactionType>{'CRD' if credit else 'INV'}</TransactionType>"
        f"<PostingJournalCollection>{journals}</PostingJournalCollection></TransactionInfo></UniversalTransaction>"
    )

    def nets(values: Values) -> Nets:
        found = [_one(values, "net"), _one(values, "total") - _one(values, "tax")]
        return [("all", {-abs(one) if credit else one}) for one in found]

    return _made("transaction.xml", "cargowise", key, text, nets)


def ubl(chance: random.Random, key: str) -> WellFormed:
    """Return a UBL invoice or credit note with all amounts of its LegalMonetaryTotal."""
    credit = chance.random() < 0.3
    name, quantity = ("CreditNote", "CreditedQuantity") if credit else ("Invoice", "InvoicedQuantity")
    amounts = [chance.randint(100, 500_000) for _ in range(chance.randint(1, 4))]
    charge, allowance = chance.choice((0, chance.randint(1, 9_000))), chance.choice((0, chance.randint(1, 90)))
    net = sum(amounts) + charge - allowance
    tax = net // 5
    prepaid = chance.choice((0, net // 3))

    def money(tag: str, role: str, amount: int) -> str:
        return f'<cbc:{tag} currencyID="EUR">{figure(role, cents(amount))}</cbc:{tag}>'

    def extra(is_charge: bool, amount: int) -> str:
        indicator = f"<cbc:ChargeIndicator>{str(is_charge).lower()}</cbc:ChargeIndicator>"
        return f"<cac:AllowanceCharge>{indicator}{money('Amount', 'extra', amount)}</cac:AllowanceCharge>" * (
            amount > 0
        )

    lines = "".join(
        f"<cac:{name}Line><cbc:ID>{at}</cbc:ID><cbc:{quantity}>1</cbc:{quantity}>"
        f"{money('LineExtensionAmount', 'amount', amount)}<cac:Item><cbc:Name>Thing</cbc:Name></cac:Item>"
        f"</cac:{name}Line>"
        for at, amount in enumerate(amounts, 1)
    )
    totals = money("LineExtensionAmount", "lines", sum(amounts)) + money("TaxExclusiveAmount", "net", net)
    totals += money("TaxInclusiveAmount", "gross", net + tax) + money("AllowanceTotalAmount", "allowances", allowance)
    totals += money("ChargeTotalAmount", "charges", charge) + money("PrepaidAmount", "prepaid", prepaid)
    totals += money("PayableAmount", "payable", net + tax - prepaid)
    namespaces = " ".join(
        f'xmlns:{prefix}="urn:oasis:names:specification:ubl:schema:xsd:Common{kind}Components-2"'
        for prefix, kind in (("cac", "Aggregate"), ("cbc", "Basic"))
    )
    code = "" if credit else "<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>"
    customer = "<cac:PartyIdentification><cbc:ID>C-1</cbc:ID></cac:PartyIdentification>"
    text = (
        f'<{name} xmlns="urn:oasis:names:specification:ubl:schema:xsd:{name}-2" {namespaces}><cbc:ID>{key}</cbc:ID>'
        f"<cbc:IssueDate>2024-03-28</cbc:IssueDate>{code}<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>"
        f"<cac:AccountingCustomerParty><cac:Party>{customer}</cac:Party></cac:AccountingCustomerParty>"
        f"{extra(True, charge)}{extra(False, allowance)}"
        f"<cac:LegalMonetaryTotal>{totals}</cac:LegalMonetaryTotal>{lines}</{name}>"
    )

    def nets(values: Values) -> Nets:
        sign = -1 if credit else 1
        parts = _one(values, "lines") + _one(values, "charges") - _one(values, "allowances")
        due = _one(values, "net") + _one(values, "payable") + _one(values, "prepaid") - _one(values, "gross")
        return [("all", {sign * one}) for one in (_one(values, "net"), parts, due)]

    return _made("invoice.xml", "ubl", key, text, nets)


def cii(chance: random.Random, key: str) -> WellFormed:
    """Return a cross industry invoice or credit note with all amounts of its summation."""
    credit = chance.random() < 0.3
    amounts = [chance.randint(100, 500_000) for _ in range(chance.randint(1, 4))]
    charge, allowance = chance.choice((0, chance.randint(1, 9_000))), chance.choice((0, chance.randint(1, 90)))
    net = sum(amounts) + charge - allowance
    tax = net // 5
    prepaid = chance.choice((0, net // 3))

    def extra(is_charge: bool, amount: int) -> str:
        indicator = f"<ChargeIndicator><Indicator>{str(is_charge).lower()}</Indicator></ChargeIndicator>"
        money = f"<ActualAmount>{figure('extra', cents(amount))}</ActualAmount>"
        return f"<SpecifiedTradeAllowanceCharge>{indicator}{money}</SpecifiedTradeAllowanceCharge>" * (amount > 0)

    lines = "".join(
        f"<IncludedSupplyChainTradeLineItem><AssociatedDocumentLineDocument><LineID>{at}</LineID>"
        "</AssociatedDocumentLineDocument><SpecifiedTradeProduct><Name>Thing</Name></SpecifiedTradeProduct>"
        "<SpecifiedLineTradeSettlement><SpecifiedTradeSettlementLineMonetarySummation>"
        f"<LineTotalAmount>{figure('amount', cents(amount))}</LineTotalAmount>"
        "</SpecifiedTradeSettlementLineMonetarySummation></SpecifiedLineTradeSettlement>"
        "</IncludedSupplyChainTradeLineItem>"
        for at, amount in enumerate(amounts, 1)
    )
    totals = {
        "LineTotalAmount": sum(amounts), "ChargeTotalAmount": charge, "AllowanceTotalAmount": allowance,
        "TaxBasisTotalAmount": net, "TaxTotalAmount": tax, "GrandTotalAmount": net + tax, "TotalPrepaidAmount": prepaid,
        "DuePayableAmount": net + tax - prepaid,
    }  # fmt: skip
    summation = "".join(f"<{name}>{figure(name, cents(amount))}</{name}>" for name, amount in totals.items())
    settlement = (
        f"<InvoiceCurrencyCode>EUR</InvoiceCurrencyCode>{extra(True, charge)}{extra(False, allowance)}"
        "<SpecifiedTradeSettlementHeaderMonetarySummation>"
        f"{summation}</SpecifiedTradeSettlementHeaderMonetarySummation>"
    )
    text = (
        f"<CrossIndustryInvoice><ExchangedDocument><ID>{key}</ID><TypeCode>{381 if credit else 380}</TypeCode>"
        "<IssueDateTime><DateTimeString>20240328</DateTimeString></IssueDateTime></ExchangedDocument>"
        f"<SupplyChainTradeTransaction>{lines}<ApplicableHeaderTradeAgreement><BuyerTradeParty><ID>C-1</ID>"
        "</BuyerTradeParty></ApplicableHeaderTradeAgreement><ApplicableHeaderTradeSettlement>"
        f"{settlement}</ApplicableHeaderTradeSettlement></SupplyChainTradeTransaction></CrossIndustryInvoice>"
    )

    def nets(values: Values) -> Nets:
        sign = -1 if credit else 1
        stated = {name: _one(values, name) for name in totals}
        found = (
            stated["TaxBasisTotalAmount"],
            stated["LineTotalAmount"] + stated["ChargeTotalAmount"] - stated["AllowanceTotalAmount"],
            stated["GrandTotalAmount"] - stated["TaxTotalAmount"],
            stated["DuePayableAmount"] + stated["TotalPrepaidAmount"] - stated["TaxTotalAmount"],
        )
        return [("all", {sign * one}) for one in found]

    return _made("invoice.xml", "cii", key, text, nets)


def woocommerce(chance: random.Random, key: str) -> WellFormed:
    """Return a WooCommerce order: amounts net of tax, the total with it."""
    amounts = [(chance.randint(100, 50_000), chance.randint(0, 900)) for _ in range(chance.randint(1, 4))]
    shipping = chance.choice(((0, 0), (chance.randint(100, 2_000), chance.randint(0, 90))))
    tax = sum(one for _amount, one in (*amounts, shipping))
    total = sum(amount for amount, _tax in (*amounts, shipping)) + tax
    items = [
        {"id": at, "sku": f"S-{at}", "name": "Thing", "quantity": 1, "total": figure("amount", cents(amount))}
        | {"total_tax": figure("tax_part", cents(part))}
        for at, (amount, part) in enumerate(amounts, 1)
    ]
    ship = [{"id": 90, "method_title": "Post", "total": figure("shipping", cents(shipping[0]))}] * (shipping[0] > 0)
    order = {"id": key, "status": "completed", "currency": "USD", "date_created": "2024-03-28T10:00:00"}
    order |= {"customer_id": "7", "total": figure("total", cents(total)), "total_tax": figure("tax", cents(tax))}
    text = json.dumps([order | {"line_items": items, "shipping_lines": ship, "fee_lines": []}])

    def nets(values: Values) -> Nets:
        return [("all", {_one(values, "total") - _one(values, "tax")})]

    return _made("orders.json", "woocommerce-orders", key, _unescaped(text), nets)


def stripe(chance: random.Random, key: str) -> WellFormed:
    """Return a Stripe invoice in cents, with discounts of its lines."""
    amounts = [
        (chance.randint(100, 50_000), chance.choice((0, chance.randint(1, 99)))) for _ in range(chance.randint(1, 4))
    ]
    net = sum(amount - discount for amount, discount in amounts)
    tax = net // 12
    lines = [
        {
            "id": f"il_{key}_{at}",
            "amount": figure("amount", amount),
            "currency": "usd",
            "description": "Plan",
            "quantity": 1,
        }
        | {"discount_amounts": [{"amount": figure("discount", discount)}] if discount else []}
        | {"period": {"start": 1711584000, "end": 1711584000}}
        for at, (amount, discount) in enumerate(amounts, 1)
    ]
    invoice = {"id": key, "livemode": True, "status": "paid", "customer": "cus_1", "currency": "usd"}
    invoice |= {"created": 1711635720, "total": figure("total", net + tax), "tax": figure("tax", tax)}
    invoice |= {"total_excluding_tax": figure("net", net), "lines": {"data": lines}}
    text = re.sub('"(\x01[^\x03]*\x03)"', r"\1", _unescaped(json.dumps({"data": [invoice]})))

    def nets(values: Values) -> Nets:
        stated = (_one(values, "net"), _one(values, "total") - _one(values, "tax"))
        return [("all", {one.scaleb(-2)}) for one in stated]

    return _made("invoices.json", "stripe-invoices", key, text, nets)


def table(file: str, mapping: str, pack: Callable[[Rows], bytes]) -> Callable[[random.Random, str], WellFormed]:
    """Return a maker of tables with the total of their document, for a mapping with a control.

    ``pack`` writes the rows in the format.
    """

    def made(chance: random.Random, key: str) -> WellFormed:
        amounts = [chance.choice((1, 1, 1, -1)) * chance.randint(1, 500_000) for _ in range(chance.randint(1, 5))]
        figures = [figure("amount", cents(one)) for one in amounts]
        rows = [f"{key},{at},C-1,ITEM,2024-03-28,{one},USD," for at, one in enumerate(figures, 1)]
        rows[0] += figure("total", cents(sum(amounts)))
        head = "document,line,customer,item,post_date,amount,currency,total"
        document = _made(file, mapping, key, "\n".join([head, *rows, ""]), nets)
        return document._replace(pack=lambda text: pack([row.split(",") for row in text.splitlines()]))

    def nets(values: Values) -> Nets:
        return [("all", {_one(values, "total")})]

    return made


def _separated(separator: str) -> Callable[[Rows], bytes]:
    return lambda rows: "".join(separator.join(row) + "\n" for row in rows).encode()


def _fixed(rows: Rows) -> bytes:
    return "".join("".join(f"{one:16}" for one in row).rstrip() + "\n" for row in rows[1:]).encode()


def _records(rows: Rows) -> list[dict[str, str]]:
    return [{name: value for name, value in zip(rows[0], row, strict=True) if value} for row in rows[1:]]


def _json(rows: Rows) -> bytes:
    return json.dumps(_records(rows)).encode()


def _jsonl(rows: Rows) -> bytes:
    return "".join(f"{json.dumps(one)}\n" for one in _records(rows)).encode()


def _xml(rows: Rows) -> bytes:
    tags = ("".join(f"<{name}>{value}</{name}>" for name, value in one.items()) for one in _records(rows))
    return f"<charges>{''.join(f'<charge>{one}</charge>' for one in tags)}</charges>".encode()


def _xlsx(rows: Rows) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate(rows):
            for column, value in enumerate(row):
                is_number = at and rows[0][column] in ("amount", "total") and value
                sheet.write(at, column, float(value) if is_number else value)
    return out.getvalue()


MAPPINGS = """
[mapping.totals-csv]
source = "totals"
control = { document_total = "total" }
ignore = ["total"]

[mapping.totals-tsv]
base = "totals-csv"
format = "tsv"

[mapping.totals-xlsx]
base = "totals-csv"
format = "xlsx"

[mapping.totals-json]
base = "totals-csv"
format = "json"

[mapping.totals-jsonl]
base = "totals-csv"
format = "jsonl"

[mapping.totals-xml]
base = "totals-csv"
format = "xml"
record = "charges/charge"

[mapping.totals-fixed]
base = "totals-csv"
format = "fixed"

[mapping.totals-fixed.positions]
document = "1-16"
line = "17-32"
customer = "33-48"
item = "49-64"
post_date = "65-80"
amount = "81-96"
currency = "97-112"
total = "113-128"
"""
"""Mappings of these documents that are not shipped."""

FORMATS: Mapping[str, Callable[[random.Random, str], WellFormed]] = {
    "x12": x12,
    "edifact": edifact,
    "shopify-rest": shopify_rest,
    "shopify-graphql": shopify_graphql,
    "magento": magento,
    "cargowise": cargowise,
    "ubl": ubl,
    "woocommerce": woocommerce,
    "stripe": stripe,
    "csv": table("charges.csv", "totals-csv", _separated(",")),
    "tsv": table("charges.tsv", "totals-tsv", _separated("\t")),
    "fixed": table("charges.fixed", "totals-fixed", _fixed),
    "json": table("charges.json", "totals-json", _json),
    "jsonl": table("charges.jsonl", "totals-jsonl", _jsonl),
    "xml": table("charges.xml", "totals-xml", _xml),
    "xlsx": table("charges.xlsx", "totals-xlsx", _xlsx),
    "cii": cii,
}
