"""X12: how each transaction set is read, and how contradictions are reported with their numbers."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from revrec.sources import BadRow, GoodRow, PassedOver, SourceError

SAMPLES = Path(__file__).parents[2] / "sample_data" / "edi"
LINE = ("IT1*1*2*EA*12.00**VN*MAG-01",)
HEAD = ("BIG*20240328*INV-1*20240201*PO-1", "N1*BY*Ada*92*C-1")


def interchange(*sets: tuple[str, Sequence[str]], separators: str = "*>~", line_end: str = "\n") -> str:
    segments = [f"ISA*00*{'':10}*00*{'':10}*ZZ*{'ACME':15}*ZZ*{'FABRIKAM':15}*240329*0915*U*00401*000000001*0*P*>"]
    segments.append("GS*IN*ACME*FABRIKAM*20240329*0915*7*X*004010")
    for number, (kind, body) in enumerate(sets, 1):
        segments += [f"ST*{kind}*{number:04d}", *body, f"SE*{len(body) + 2}*{number:04d}"]
    segments += [f"GE*{len(sets)}*7", "IEA*1*000000001"]
    text = "".join(f"{segment}~{line_end}" for segment in segments)
    return text.translate(str.maketrans("*>~", separators))


def invoice(*lines: str, head: Sequence[str] = HEAD, after: Sequence[str] = ()) -> tuple[str, Sequence[str]]:
    return "810", (*head, *lines, *after)


@pytest.fixture
def read(read_by: Callable[..., Any]) -> Callable[..., list[Any]]:
    return partial(read_by, "x12")


def amounts(rows: list[Any]) -> list[tuple[str, int]]:
    return [(row.line.line, row.line.amount) for row in rows if isinstance(row, GoodRow)]


def problem(rows: list[Any]) -> tuple[str, str, str]:
    (row,) = rows
    assert isinstance(row, BadRow)
    (one,) = row.problems
    assert one.fix and row.place
    return row.place, one.field, one.reason


def test_the_samples_become_charges_and_deliveries(read: Callable[..., Any]) -> None:
    charges = [row for row in read(SAMPLES / "invoices.x12") if isinstance(row, GoodRow)]
    assert [(row.line.id, row.line.item, row.line.amount) for row in charges] == [
        ("edi/INV-5001/1", "FRT-OCEAN", 421050),
        ("edi/INV-5001/2", "GOODS-POD-PALLET", 94800),
        ("edi/INV-5001/SAC-1", "D240", 11800),
        ("edi/CR-5002/1", "GOODS-POD-PALLET", -16000),
        ("edi/INV-5003/1", "GOODS-POD-TOYS", 90000),
    ]
    assert {row.line.customer for row in charges} == {"C-FABRIKAM", "C-WINGTIP"}
    assert str(charges[-1].line.post_date) == "2024-03-27"
    found = read(SAMPLES / "invoices.x12", "events") + read(SAMPLES / "deliveries.x12", "events")
    assert [(row.line.charge, str(row.line.date)) for row in found if isinstance(row, GoodRow)] == [
        ("edi/INV-5003/*", "2024-04-02"),
        ("edi/INV-5001/*", "2024-04-12"),
        ("edi/INV-5003/*", "2024-04-02"),
        ("edi/INV-5001/*", "2024-04-12"),
    ]


@pytest.mark.parametrize("separators", ["*>~", "|^\n", "\x1d:\x1e", "+:'"])
@pytest.mark.parametrize("line_end", ["", "\n", "\r\n"])
def test_the_separators_are_those_that_the_isa_declares(
    read: Callable[..., Any], separators: str, line_end: str
) -> None:
    rows = read(interchange(invoice(*LINE), separators=separators, line_end=line_end))
    assert amounts(rows) == [("1", 2400)]


def test_several_interchanges_may_stand_in_a_file(read: Callable[..., Any]) -> None:
    other = interchange(invoice(*LINE, head=("BIG*20240328*INV-2",)), separators="|:!")
    rows = read(interchange(invoice(*LINE)) + other, customer="C")
    assert [row.line.document for row in rows] == ["INV-1", "INV-2"]


def test_a_lines_own_charges_are_part_of_it_and_the_documents_are_lines_of_their_own(read: Callable[..., Any]) -> None:
    line = (*LINE, "SAC*C*F050***150", "SAC*A*C310***50", "TXI*ST*1.90")
    after = ("TDS*3280", "SAC*A*C310***1000", "SAC*C*D240***1490", "SAC*C*H770***100", "SAC*N*A170***9999", "CTT*1")
    rows = read(interchange(invoice(*line, after=after)))
    assert amounts(rows) == [("1", 2500), ("SAC-1", -1000), ("SAC-2", 1490)]
    assert [row.line.item for row in rows] == ["MAG-01", "C310", "D240"]


@pytest.mark.parametrize("total", ["2400", "2590"])
def test_a_total_may_be_with_taxes_or_without(read: Callable[..., Any], total: str) -> None:
    rows = read(interchange(invoice(*LINE, "TXI*ST*1.90", after=(f"TDS*{total}",))))
    assert amounts(rows) == [("1", 2400)]


def test_a_stated_line_total_comes_before_quantity_times_price(read: Callable[..., Any]) -> None:
    rows = read(interchange(invoice("IT1*1*3*EA*3.333**VN*MAG-01", "PAM****1*10.00", after=("TDS*1000",))))
    assert amounts(rows) == [("1", 1000)]


def test_a_line_that_does_not_come_out_to_the_cent_is_refused_with_both_ways(read: Callable[..., Any]) -> None:
    (row,) = read(interchange(invoice("IT1*1*3*EA*3.333**VN*MAG-01")))
    assert isinstance(row, BadRow) and row.problems[0].fix == "write it as 9.99 or 10.00"


@pytest.mark.parametrize(("kind", "total"), [("CR", "2400"), ("CR", "-2400"), ("CN", "2400")])
def test_a_credit_is_negative_however_it_is_written(read: Callable[..., Any], kind: str, total: str) -> None:
    sign = "-" if total.startswith("-") else ""
    head = (f"BIG*20240328*INV-1*****{kind}", *HEAD[1:])
    rows = read(interchange(invoice(f"IT1*1*{sign}2*EA*12.00**VN*MAG-01", head=head, after=(f"TDS*{total}",))))
    assert amounts(rows) == [("1", -2400)]


def test_what_comes_to_nothing_is_passed_over(read: Callable[..., Any]) -> None:
    free, charged = read(interchange(invoice("IT1*1*1*EA*0**VN*GIFT", "IT1*2*1*EA*5**VN*MAG-01")))
    assert isinstance(free, PassedOver) and free.reason == "its amount is zero" and charged.line.amount == 500


@pytest.mark.parametrize(
    ("spoil", "field", "said"),
    [
        (
            ("TDS*2400", "TDS*2500"),
            "TDS01",
            "the total is 25, lines, charges and allowances add up to 24; the difference is 1",
        ),
        (("CTT*1", "CTT*2"), "CTT01", "states 2 lines, the document has 1"),
        (("SE*7*", "SE*6*"), "SE01", "states 6, the set has 7 segments"),
        (("SE*7*0001", "SE*7*0009"), "SE02", "is not the control number 0001 of its ST"),
        (("*12.00*", "**"), "IT104", "is empty, a number is needed here"),
        (("*2*EA", "**EA"), "IT102", "is empty, a number is needed here"),
        (("*12.00*", "*twelve*"), "IT104", "is not a number"),
        (("TDS*2400", "TDS*24.00"), "TDS01", "has a decimal point, but its decimals are implied"),
        (("CTT*1", "SAC*C*D240*"), "SAC05", "an allowance or charge needs an amount"),
    ],
)
def test_a_document_that_contradicts_itself_is_one_bad_row_with_its_numbers(
    read: Callable[..., Any], spoil: tuple[str, str], field: str, said: str
) -> None:
    text = interchange(invoice(*LINE, after=("TDS*2400", "CTT*1")))
    assert spoil[0] in text
    place, named, reason = problem(read(text.replace(*spoil)))
    assert (named, reason) == (field, said) and place.startswith("interchange 000000001, group 7, set 810 0001")


def test_a_bad_document_is_kept_in_its_own_words(read: Callable[..., Any]) -> None:
    for spoiled in ("CTT*3", "CTT*1"):
        text = interchange(invoice(*LINE, after=(spoiled,)))
        (row,) = read(text if spoiled == "CTT*3" else text.replace("SE*6*", "SE*7*"))
        assert isinstance(row, BadRow) and list(row.raw) == [*HEAD, *LINE, spoiled]


def test_a_bad_document_leaves_the_others_alone(read: Callable[..., Any]) -> None:
    second = invoice(*LINE, head=("BIG*20240328*INV-2", *HEAD[1:]))
    bad, good = read(interchange(invoice(*LINE, after=("CTT*3",)), second))
    assert isinstance(bad, BadRow) and good.line.document == "INV-2"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("GE*1*7", "GE*2*7", "GE01 states 2, the file has 1 transaction set"),
        ("GE*1*7", "GE*1*8", 'GE02 "8" does not match the opening segment\'s "7"'),
        ("IEA*1*", "IEA*3*", "IEA01 states 3, the file has 1 group"),
        ("IEA*1*000000001~", "IEA*1*000000002~", 'IEA02 "000000002" does not match the opening segment\'s "000000001"'),
        ("IEA*1*000000001~", "", "IEA is missing: the file is cut off"),
        ("GE*1*7~\nIEA*1*000000001~", "GE*1*7", 'ends without its terminator "~"'),
        ("IEA*1*000000001~", "IEA*1*00000000", 'IEA02 "00000000" does not match the opening segment'),
        ("SE*5*0001~", "", "SE is missing before it"),
        ("ISA*", "XSA*", "it does not start with ISA"),
        ("*P*>~", "*P~", "is damaged"),
        ("GS*IN", "XX*IN", "expected GS or IEA here"),
        ("ST*810", "XX*810", "expected ST or GE here"),
    ],
)
def test_a_damaged_envelope_refuses_the_file(read: Callable[..., Any], old: str, new: str, said: str) -> None:
    text = interchange(invoice(*LINE))
    assert old in text
    with pytest.raises(SourceError) as caught:
        read(text.replace(old, new, 1))
    assert said in str(caught.value) and "ask the sender to send it again" in str(caught.value)


def test_a_segment_without_end_is_refused_before_it_fills_the_memory(read: Callable[..., Any]) -> None:
    with pytest.raises(SourceError, match="is longer than 64 KiB"):
        read(interchange(invoice("PID*F****" + "x" * 10_000_000)))


def test_any_element_can_be_named(read: Callable[..., Any]) -> None:
    (row,) = read(
        interchange(invoice(*LINE, head=(*HEAD, "REF*IA*V-99", "REF*DP*200"))),
        columns={"post_date": "date", "document": "BIG04", "customer": "N1[BY]02", "description": "IT107"},
        dimensions={"department": "REF[DP]02", "sender": "ISA06"},
    )
    line = row.line
    assert (line.document, line.customer, line.description) == ("PO-1", "Ada", "MAG-01")
    assert line.dimensions == {"department": "200", "sender": "ACME"}


def test_a_column_that_the_format_does_not_know_is_refused_with_a_hint(read: Callable[..., Any]) -> None:
    with pytest.raises(
        SourceError, match=r'"amuont" of the mapping is not a column of this format; did you mean "amount"'
    ):
        read(interchange(invoice(*LINE)), columns={"amount": "amuont"})


def test_statuses_on_the_way_are_passed_over(read: Callable[..., Any]) -> None:
    body = ("B10*PRO-1*BOL-1*ACMF", "L11*INV-1*IK", "LX*1", "AT7*AF*NS***20240401", "AT7*D1*NS***20240402")
    on_the_way, delivered = read(interchange(("214", body)), "events")
    assert on_the_way.reason == 'status is "AF"'
    assert (delivered.line.charge, str(delivered.line.date)) == ("edi/INV-1/*", "2024-04-02")


def test_what_is_asked_for_is_what_counts(read: Callable[..., Any]) -> None:
    text = interchange(("997", ("AK1*IN*7",)), invoice(*LINE))
    other, row = read(text)
    assert other.reason == "set 997 has no charges" and row.line.amount == 2400
    assert [row.reason for row in read(text, "events")] == ["set 997 has no deliveries", "set 810 has no deliveries"]


def test_a_ship_notice_without_a_delivery_is_passed_over(read: Callable[..., Any]) -> None:
    body = ("BSN*00*S-1*20240328*1015", "HL*1**S", "DTM*011*20240329", "HL*2*1*O", "PRF*PO-1")
    (row,) = read(interchange(("856", body)), "events")
    assert row.reason == 'status is "11"'
    (row,) = read(interchange(("856", [one for one in body if not one.startswith("DTM")])), "events")
    assert row.reason == "it has no delivery date (DTM 035)"


@pytest.mark.parametrize("clock", ["2561", "1430*PT["])
def test_a_status_with_a_time_that_cannot_be_read_is_one_bad_row(read: Callable[..., Any], clock: str) -> None:
    body = ("B10*PRO-1*SHIP-1*CC", "L11*INV-1*IK", "LX*1", f"AT7*D1*NS***20240402*{clock}")
    _place, field, reason = problem(read(interchange(("214", body)), "events"))
    assert field == "AT706" and reason.startswith("the time ")


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("BIG*20240328*INV-1", "customer (N1[BY]04, N1[BT]04, N1[ST]04): is empty"),
        ("BIG*20241328*INV-1~N1*BY*Ada*92*C-1", 'post_date (BIG01, DTM[003]02) "20241328": there is no month 13'),
        ("BIG*20240328*~N1*BY*Ada*92*C-1", "document (BIG02, N9[IV]02): is empty"),
    ],
)
def test_a_problem_names_the_element(read: Callable[..., Any], head: str, message: str) -> None:
    (row,) = read(interchange(invoice(*LINE, head=head.split("~"))))
    assert str(row.problems[0]).startswith(message)
    assert row.problems[0].as_dict()["element"] in message
    columns = {"customer": "N1[BT]02", "post_date": "date"}
    (row,) = read(interchange(invoice(*LINE, head=head.split("~"))), columns=columns)
    assert {one.field: one.element for one in row.problems}["customer"] == "N1[BT]02"


def test_a_document_that_states_two_totals_or_an_empty_one_is_refused(read: Callable[..., Any]) -> None:
    two = problem(read(interchange(invoice(*LINE, after=("TDS*2400", "TDS*9900")))))
    assert two[1:] == ("TDS01", "another total (TDS01) of the document is 24")
    empty = problem(read(interchange(invoice(*LINE, after=("TDS*",)))))
    assert empty[1:] == ("TDS01", "is empty, a number is needed here")


def test_an_857_without_the_total_of_an_order_is_refused_and_not_lost(read: Callable[..., Any]) -> None:
    body = ["BHT*0004*00*SH-1*20240328", "HL*1**S", "HL*2*1*O", "N9*IV*INV-1", "N1*BY*A*92*C-1", "TDS*2400"]
    body += ["HL*3*2*I", LINE[0]]
    assert amounts(read(interchange(("857", body)))) == [("1", 2400)]
    body.remove("TDS*2400")
    assert problem(read(interchange(("857", body))))[1:] == ("IT101", "its order has no total (TDS)")


@pytest.mark.parametrize(
    ("total", "expected"),
    [("2900", [("1", 2900)]), ("3400", [("1", 2900), ("SAC-1", 500)])],
)
def test_a_charge_that_repeats_those_of_the_lines_counts_only_if_the_total_includes_it(
    read: Callable[..., Any], total: str, expected: list[tuple[str, int]]
) -> None:
    extra = "SAC*C*D240***500"
    rows = read(interchange(invoice(*LINE, extra, after=(f"TDS*{total}", extra))))
    assert amounts(rows) == expected


def test_the_items_of_a_shipment_on_its_way_are_a_notice(read: Callable[..., Any]) -> None:
    item = ("HL*3*2*I", "LIN**VN*BED", "SN1**2*EA")
    body = ("BSN*00*S-1*20240328*1015", "HL*1**S", "DTM*011*20240329", "HL*2*1*O", "PRF*PO-1", *item)
    (row,) = read(interchange(("856", body)), "events")
    assert (row.line.kind, str(row.line.date), str(row.line.quantity), row.line.name, row.line.item) == (
        "notice", "2024-03-29", "2", "S-1", "BED",
    )  # fmt: skip
    _place, field, reason = problem(read(interchange(("856", (*body[:-1], "SN1**-2*EA"))), "events"))
    assert (field, reason) == ("SN102", "is below zero")


SHIPPED: dict[str, Any] = {
    "kind": "pod",
    "only": {"status": ["035", "011", "11"]},
    "columns": {"date": "shipped", "note": "reference", "name": "notice"},
}
"""The part of a mapping that uses the shipping date."""


def test_a_mapping_can_use_the_shipping_date(read: Callable[..., Any]) -> None:
    item = ("HL*3*2*I", "LIN**VN*BED", "SN1**2*EA")
    body = ("BSN*00*S-1*20240328*1015", "HL*1**S", "DTM*011*20240329", "HL*2*1*O", "PRF*PO-1", *item)
    (row,) = read(interchange(("856", body)), "events", **SHIPPED)
    assert (row.line.charge, row.line.item, str(row.line.quantity), str(row.line.date), row.line.name) == (
        "edi/PO-1/*", "BED", "2", "2024-03-29", "S-1",
    )  # fmt: skip
    # Once the delivery is reported, too, the event is the same one.
    later = (*body[:3], "DTM*035*20240402", *body[3:])
    assert read(interchange(("856", later)), "events", **SHIPPED)[0].line == row.line


@pytest.mark.parametrize("date", ["20240402", "***D8*20240402", "***DT*202404021015"])
def test_a_date_can_be_in_the_period_of_a_dtm(read: Callable[..., Any], date: str) -> None:
    body = ("BSN*00*S-1*20240328*1015", "HL*1**S", f"DTM*035*{date}", "HL*2*1*O", "PRF*PO-1")
    (row,) = read(interchange(("856", body)), "events")
    assert str(row.line.date) == "2024-04-02"


@pytest.mark.parametrize(("code", "reason"), [("IB", "is back-ordered"), ("IR", "was rejected"), ("AC", "")])
def test_an_item_that_was_not_shipped_delivers_nothing(read: Callable[..., Any], code: str, reason: str) -> None:
    item = ("HL*3*2*I", "LIN**VN*BED", f"SN1**2*EA*****{code}")
    body = ("BSN*00*S-1*20240328*1015", "HL*1**S", "DTM*035*20240402", "HL*2*1*O", "PRF*PO-1", *item)
    (row,) = read(interchange(("856", body)), "events")
    assert row.reason == f"the item {reason} (SN108)" if reason else row.line.quantity == 2


@pytest.mark.parametrize("code", ["35", "035"])
def test_the_delivery_date_of_a_carriers_invoice(read: Callable[..., Any], code: str) -> None:
    body = ("B3**PRO-1*SHIP-1*CC*L*20240405", "N9*IK*INV-1", f"G62*{code}*20240402")
    (row,) = read(interchange(("210", body)), "events")
    assert (row.line.charge, str(row.line.date)) == ("edi/INV-1/*", "2024-04-02")


def test_a_level_below_a_missing_one_is_reported(read: Callable[..., Any]) -> None:
    body = ("BSN*00*S-1*20240328*1015", "HL*1**S", "HL*2*9*O", "PRF*PO-1")
    _place, field, reason = problem(read(interchange(("856", body)), "events"))
    assert (field, reason) == ("HL02", "names a parent level that does not come before it")


CREDIT = ("BIG*20240328*CM-1*****CR", *HEAD[1:])


@pytest.mark.parametrize("kind", ["CR", "CN", "CE", "CG", "MC"])
@pytest.mark.parametrize(
    ("lines", "total"),
    [
        (("IT1*1*2*EA*12.00**VN*A",), "2400"),
        (("IT1*1*2*EA*12.00**VN*A",), "-2400"),
        (("IT1*1*-2*EA*12.00**VN*A",), "-2400"),
        (("IT1*1*-2*EA*12.00**VN*A",), "2400"),
    ],
)
def test_a_credit_is_negative_under_each_of_its_codes(
    read: Callable[..., Any], kind: str, lines: Sequence[str], total: str
) -> None:
    head = (f"BIG*20240328*CM-1*****{kind}", *HEAD[1:])
    assert amounts(read(interchange(invoice(*lines, head=head, after=(f"TDS*{total}",))))) == [("1", -2400)]


@pytest.mark.parametrize(
    ("line", "extra", "total", "expected"),
    [
        ("IT1*1*2*EA*12.00**VN*A", "SAC*C*D240***500", "-2900", [-2900]),
        ("IT1*1*2*EA*12.00**VN*A", "SAC*A*C310***400", "2000", [-2000]),
        ("IT1*1*-2*EA*12.00**VN*A", "SAC*C*D240***500", "-2900", [-2900]),
        ("IT1*1*-2*EA*12.00**VN*A", "SAC*C*D240***-500", "-2900", [-2900]),
    ],
)
def test_the_charges_of_a_credit_have_its_sign(
    read: Callable[..., Any], line: str, extra: str, total: str, expected: list[int]
) -> None:
    rows = read(interchange(invoice(line, extra, head=CREDIT, after=(f"TDS*{total}",))))
    assert [row.line.amount for row in rows] == expected


def test_the_tax_of_a_credit_has_the_sign_of_its_lines_or_its_total(read: Callable[..., Any]) -> None:
    line = ("IT1*1*2*EA*12.00**VN*A", "TXI*ST*1.90")
    for total in ("2590", "-2590"):
        assert amounts(read(interchange(invoice(*line, head=CREDIT, after=(f"TDS*{total}",))))) == [("1", -2400)]
    negative = (line[0], "TXI*ST*-1.90")
    assert amounts(read(interchange(invoice(*negative, head=CREDIT, after=("TDS*-2590",))))) == [("1", -2400)]
    _place, field, reason = problem(read(interchange(invoice(*negative, head=CREDIT, after=("TDS*2590",)))))
    assert (field, reason) == ("TXI02", "has another sign than the lines and the total of the credit")


@pytest.mark.parametrize("total", ["-2400", "2401", "240"])
def test_an_invoice_whose_total_has_another_sign_or_size_is_refused(read: Callable[..., Any], total: str) -> None:
    _place, field, reason = problem(read(interchange(invoice(*LINE, after=(f"TDS*{total}",)))))
    assert field == "TDS01" and "add up to 24" in reason


def test_a_negative_invoice_stays_negative(read: Callable[..., Any]) -> None:
    rows = read(interchange(invoice("IT1*1*-2*EA*12.00**VN*A", after=("TDS*-2400",))))
    assert amounts(rows) == [("1", -2400)]


@pytest.mark.parametrize("kind", ["", "CI", "DI", "DR", "PR", "FB"])
def test_debits_and_consolidated_invoices_are_positive(read: Callable[..., Any], kind: str) -> None:
    head = (f"BIG*20240328*INV-1*****{kind}", *HEAD[1:])
    assert amounts(read(interchange(invoice(*LINE, head=head, after=("TDS*2400",))))) == [("1", 2400)]


@pytest.mark.parametrize(
    ("codes", "outcome"),
    [
        ("**07", "it is a duplicate (BIG08 07)"),
        ("**06", "it is a confirmation (BIG08 06)"),
        ("**22", "it is an information copy (BIG08 22)"),
        ("*ME*", "it is a memorandum (BIG07 ME)"),
        ("*P1*00", "it is preliminary (BIG07 P1)"),
        ("*DU*", "it is a duplicate (BIG07 DU)"),
        ("*38*", "it is a test (BIG07 38)"),
        ("*BD*", "it is a statement of the balance due (BIG07 BD)"),
        ("**38", "it is without financial value (BIG08 38)"),
    ],
)
def test_what_bills_nothing_is_left_out(read: Callable[..., Any], codes: str, outcome: str) -> None:
    head = (f"BIG*20240328*INV-1****{codes}", *HEAD[1:])
    (row,) = read(interchange(invoice(*LINE, head=head)))
    assert isinstance(row, PassedOver) and row.reason == outcome


@pytest.mark.parametrize(
    ("codes", "field", "reason"),
    [
        ("**01", "BIG08", "cancels another document"),
        ("**05", "BIG08", "replaces another document"),
        ("**CO", "BIG08", "corrects another document"),
        ("**XX", "BIG08", "is not a code of an original document that is known here"),
        ("*RG*", "BIG07", "revises another document"),
        ("*CO*", "BIG07", "corrects another document"),
        ("*AI*", "BIG07", "adjusts another document"),
    ],
)
def test_what_changes_another_document_is_refused_unless_the_mapping_leaves_it_out(
    read: Callable[..., Any], codes: str, field: str, reason: str
) -> None:
    text = interchange(invoice(*LINE, head=(f"BIG*20240328*INV-1****{codes}", *HEAD[1:])))
    assert problem(read(text))[1:] == (field, reason)
    (row,) = read(text, only={"BIG08": ["", "00"], "BIG07": ["", "CR"]})
    assert isinstance(row, PassedOver) and row.reason.startswith(f"{field} is ")


@pytest.mark.parametrize("rows", ["charges", "events"])
def test_a_test_interchange_is_left_out(read: Callable[..., Any], rows: str) -> None:
    document = invoice(*LINE) if rows == "charges" else ("856", ("BSN*00*S-1*20240328", "HL*1**S", "DTM*035*20240402"))
    (row,) = read(interchange(document).replace("*0*P*>", "*0*T*>"), rows)
    assert row.reason == "it is in a test interchange (ISA15 T)"


@pytest.mark.parametrize(
    ("basis", "unit", "quantity", "price", "amount"),
    [
        ("", "EA", "5", "2.50", 1250),
        ("PE", "EA", "5", "2.50", 1250),
        ("HP", "EA", "500", "12.50", 6250),
        ("TP", "EA", "2500", "8.20", 2050),
        ("PD", "EA", "24", "3.00", 600),
        ("PD", "DZ", "2", "3.00", 600),
        ("NC", "EA", "5", "", None),
    ],
)
def test_a_price_is_for_the_units_of_its_basis(
    read: Callable[..., Any], basis: str, unit: str, quantity: str, price: str, amount: int | None
) -> None:
    total = () if amount is None else (f"TDS*{amount}",)
    (row,) = read(interchange(invoice(f"IT1*1*{quantity}*{unit}*{price}*{basis}*VN*A", after=total)))
    assert isinstance(row, PassedOver) if amount is None else row.line.amount == amount


@pytest.mark.parametrize(
    ("prices", "total", "expected"),
    [
        (("48*EA*1.2345", "3*EA*0.3333"), "6026", [5926, 100]),
        (("1*EA*0.333", "1*EA*0.333", "1*EA*0.334"), "100", [33, 34, 33]),
    ],
)
def test_prices_with_more_decimals_are_rounded_as_the_total_confirms(
    read: Callable[..., Any], prices: Sequence[str], total: str, expected: list[int]
) -> None:
    lines = [f"IT1*{at}*{price}**VN*A" for at, price in enumerate(prices, 1)]
    rows = read(interchange(invoice(*lines, after=(f"TDS*{total}",))))
    assert [row.line.amount for row in rows] == expected


def test_percentages_and_rates_are_calculated_if_a_total_confirms_them(read: Callable[..., Any]) -> None:
    line = ("IT1*1*10*EA*20.00**VN*PEN", "SAC*A*C310****3*10*****02")
    after = ("TDS*17410", "SAC*A*C310****Z*5*****02", "SAC*C*D240******1.55*KG*2")
    rows = read(interchange(invoice(*line, after=after)))
    assert amounts(rows) == [("1", 18000), ("SAC-1", -900), ("SAC-2", 310)]
    _place, field, reason = problem(read(interchange(invoice(*line, after=after[1:]))))
    assert field == "SAC05" and "no total (TDS) confirms" in reason


def test_what_is_settled_outside_the_invoice_is_no_part_of_it(read: Callable[..., Any]) -> None:
    after = ("TDS*2400", "SAC*A*C310***500*******01")
    assert amounts(read(interchange(invoice(*LINE, after=after)))) == [("1", 2400)]
    rows = read(interchange(invoice(*LINE, after=("TDS*1900", after[1]))))
    assert amounts(rows) == [("1", 2400), ("SAC-1", -500)]


@pytest.mark.parametrize("tax", ["TXI*ST*2.00", "TXI*ST**10", "SAC*C*H750***200", "SAC*C*D360***200"])
@pytest.mark.parametrize("at", ["line", "document"])
def test_a_tax_is_in_the_total_and_never_a_charge(read: Callable[..., Any], tax: str, at: str) -> None:
    line = ("IT1*1*2*EA*10.00**VN*A", *((tax,) if at == "line" else ()))
    after = ("TDS*2200", *((tax,) if at == "document" else ()))
    assert amounts(read(interchange(invoice(*line, after=after)))) == [("1", 2000)]


def test_prices_that_include_tax_are_refused(read: Callable[..., Any]) -> None:
    text = interchange(invoice(*LINE, "TXI*ST*2.00*****I", after=("TDS*2400",)))
    assert problem(read(text))[1:] == ("TXI07", "the prices include tax, which is not revenue")


def test_dates_of_six_digits_have_their_century(read: Callable[..., Any]) -> None:
    (row,) = read(interchange(invoice(*LINE, head=("BIG*240401*INV-1", *HEAD[1:]))))
    assert str(row.line.post_date) == "2024-04-01"


@pytest.mark.parametrize("separators", ["*>~", "*>\n"])
def test_the_terminator_of_the_last_segment_may_be_missing(read: Callable[..., Any], separators: str) -> None:
    text = interchange(invoice(*LINE), separators=separators, line_end="")
    assert amounts(read(text[:-1])) == [("1", 2400)]


def notice(*items: tuple[str, str, str]) -> tuple[str, Sequence[str]]:
    head = ("BSN*00*S-1*20240328*1015", "HL*1**S", "DTM*035*20240402", "HL*2*1*O", "PRF*PO-1")
    levels = [
        segment
        for at, (item, quantity, date) in enumerate(items, 3)
        for segment in (
            f"HL*{at}*2*I",
            f"LIN**VN*{item}",
            f"SN1**{quantity}*EA",
            *([f"DTM*035*{date}"] if date else []),
        )
    ]
    return "856", (*head, *levels)


def test_a_ship_notice_delivers_its_items_each_with_its_quantity(read: Callable[..., Any]) -> None:
    items = (("A", "2", ""), ("B", "1", ""), ("A", "3", ""), ("C", "0", ""), ("B", "4", "20240405"))
    rows = read(interchange(notice(*items)), "events")
    found = [(row.line.charge, row.line.item, row.line.quantity, str(row.line.date), row.line.name) for row in rows
             if isinstance(row, GoodRow)]  # fmt: skip
    assert found == [
        ("edi/PO-1/*", "A", 5, "2024-04-02", "S-1"),
        ("edi/PO-1/*", "B", 1, "2024-04-02", "S-1"),
        ("edi/PO-1/*", "B", 4, "2024-04-05", "S-1 20240405"),
    ]
    assert [row.reason for row in rows if isinstance(row, PassedOver)] == ["its quantity is zero"]


@pytest.mark.parametrize(
    ("purpose", "outcome"), [("01", "cancels another document"), ("05", "replaces another document")]
)
def test_a_ship_notice_that_changes_another_one_is_refused(
    read: Callable[..., Any], purpose: str, outcome: str
) -> None:
    text = interchange(notice(("A", "2", ""))).replace("BSN*00", f"BSN*{purpose}")
    assert problem(read(text, "events"))[1:] == ("BSN01", outcome)
