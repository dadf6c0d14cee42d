"""Time zones: the day of a time is the one in the zone of the books, and doubtful days are reported."""

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from revrec.core.errors import BadConfiguration
from revrec.sources import BadRow, ColumnMapping, GoodRow, SourceStream, read_charges
from revrec.sources.dates import compile_format, date_reader
from revrec.sources.edi.times import moment
from revrec.sources.explaining import explain_rows
from revrec.sources.mapping_reader import read_mapping
from revrec.sources.suggesting.draft import suggest

NEW_YORK = "America/New_York"

REST = {
    "id": 8010, "name": "#8010", "processed_at": "2024-03-31T22:30:00-05:00", "currency": "USD",
    "financial_status": "paid", "taxes_included": False, "email": "a@example.com",
    "line_items": [{"id": 1, "sku": "W", "title": "Lamp", "quantity": 1, "price": "50.00"}],
}  # fmt: skip
GRAPHQL = {
    "id": "gid://shopify/Order/8010", "name": "#8010", "processedAt": "2024-04-01T03:30:00Z", "currencyCode": "USD",
    "displayFinancialStatus": "PAID", "taxesIncluded": False, "email": "a@example.com",
    "lineItems": {"nodes": [{
        "id": "gid://shopify/LineItem/1", "sku": "W", "title": "Lamp", "quantity": 1,
        "originalUnitPriceSet": {"shopMoney": {"amount": "50.00", "currencyCode": "USD"}},
    }]},
}  # fmt: skip
MAGENTO = {
    "entity_id": 3, "increment_id": "0003", "state": "complete", "created_at": "2024-04-01 02:30:00", "customer_id": 7,
    "order_currency_code": "USD",
    "items": [{"item_id": 1, "sku": "S-1", "name": "Thing", "qty_ordered": 1, "row_total": 100}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("order", "name"), [(REST, "shopify-orders"), (GRAPHQL, "shopify-orders"), (MAGENTO, "magento-orders")]
)
def test_an_order_late_on_the_last_day_of_a_month_is_of_that_month_in_the_zone_of_the_shop(
    read_by: Callable[..., Any], order: dict[str, Any], name: str
) -> None:
    (row,) = read_by(name, json.dumps({"orders": [order]} if name == "shopify-orders" else order), timezone=NEW_YORK)
    assert str(row.line.post_date) == "2024-03-31"


def test_a_mapping_of_your_own_for_magento_knows_that_its_times_are_in_utc() -> None:
    assert read_mapping("own", {"format": "magento"}).times_in == "UTC"
    assert read_mapping("own", {"format": "magento", "times_in": "Europe/Oslo"}).times_in == "Europe/Oslo"


@pytest.mark.parametrize(
    ("written", "zone", "times_in", "day"),
    [
        ("2024-04-01T02:30Z", NEW_YORK, "", "2024-03-31"),
        ("2024-04-01T02:30:00+00:00", NEW_YORK, "", "2024-03-31"),
        ("20240401T023000Z", NEW_YORK, "", "2024-03-31"),
        ("2024-04-01 02:30:00 UTC", NEW_YORK, "", "2024-03-31"),
        ("2024-03-31T20:30:00-0400", "Europe/Berlin", "", "2024-04-01"),
        ("2024-04-01T02:30", NEW_YORK, "", "2024-04-01"),
        ("2024-04-01T02:30", NEW_YORK, "UTC", "2024-03-31"),
        ("2024-04-01T02:30", "", "UTC", "2024-04-01"),
        ("2024-04-01", NEW_YORK, "UTC", "2024-04-01"),
        ("2024-04-01T02:30Z", "", "", "2024-04-01"),
        # The clock goes forward on March 10 and back on November 3: midnight is at 05:00Z, 04:00Z and 05:00Z.
        ("2024-03-10T04:59:59Z", NEW_YORK, "", "2024-03-09"),
        ("2024-03-10T05:00:00Z", NEW_YORK, "", "2024-03-10"),
        ("2024-03-11T03:59:59Z", NEW_YORK, "", "2024-03-10"),
        ("2024-03-11T04:00:00Z", NEW_YORK, "", "2024-03-11"),
        ("2024-11-03T03:59:59Z", NEW_YORK, "", "2024-11-02"),
        ("2024-11-04T04:59:59Z", NEW_YORK, "", "2024-11-03"),
        ("2024-11-04T05:00:00Z", NEW_YORK, "", "2024-11-04"),
        ("2024-11-03T01:30:00", "UTC", NEW_YORK, "2024-11-03"),
        ("2024-01-01T00:00:00+14:00", "Pacific/Niue", "", "2023-12-30"),
    ],
)  # fmt: skip
def test_the_day_of_a_time(written: str, zone: str, times_in: str, day: str) -> None:
    assert str(date_reader(None, zone, times_in)(written)) == day


@pytest.mark.parametrize("written", ["2024-10-27T02:30:00", "2024-03-31T02:30:00"])
def test_a_time_that_the_clock_repeats_or_skips_is_refused_if_it_could_be_on_two_days(
    one: Callable[..., Any], written: str
) -> None:
    zones = {"times_in": "Europe/Berlin", "timezone": "Etc/GMT+1"}
    row = one({**zones}, post_date=written)
    assert isinstance(row, BadRow)
    assert "the change of the clock in Europe/Berlin repeats or skips" in row.problems[0].reason
    assert one({**zones}, post_date="2024-10-27T04:30:00").line.post_date.day == 27


@pytest.mark.parametrize(
    ("form", "written", "day"),
    [
        ("%Y-%m-%dT%H:%M:%S%z", "2024-04-01T02:30:00Z", "2024-03-31"),
        ("%Y-%m-%dT%H:%M:%S%z", "2024-03-31T22:30:00-0400", "2024-03-31"),
        ("%d.%m.%Y %H:%M %z", "01.04.2024 02:30 +00:00", "2024-03-31"),
        ("%d-%b-%Y %H:%M", "28-Mar-2024 14:22", "2024-03-28"),
        ("%d-%b-%Y", "28-Mar-2024 14:22", "2024-03-28"),
        ("%m/%d/%Y %I:%M:%S %p %z", "4/1/2024 2:30:00 AM Z", "2024-03-31"),
        ("%m/%d/%Y", "4/1/2024 12:30 AM UTC", "2024-03-31"),
        ("%m/%d/%Y", "4/1/2024 12:30 PM UTC", "2024-04-01"),
        ("%Y-%m-%d %H:%M:%S.%f%z", "2024-04-01 02:30:00.123456+01", "2024-03-31"),
        ("unix", "1711938600", "2024-03-31"),
        ("unix", "1711938600.25", "2024-03-31"),
        ("unix_ms", "1711938600000", "2024-03-31"),
        ("unix", "2024-04-01T02:30:00Z", "2024-03-31"),
        ("unix", "20240401", "2024-04-01"),
    ],
)  # fmt: skip
def test_declared_formats_have_times_of_day_and_zones(form: str, written: str, day: str) -> None:
    assert str(date_reader(form, NEW_YORK)(written)) == day


def test_a_unix_time_without_a_time_zone_has_its_day_in_utc() -> None:
    assert str(date_reader("unix")("1711938600")) == "2024-04-01"


@pytest.mark.parametrize(
    ("form", "written", "fix"),
    [
        ("unix", "1711938600000", 'set date_format = "unix_ms"'),
        ("unix_ms", "1711938600", 'set date_format = "unix"'),
        ("unix", "-1711938600", "write it as 2024-03-28"),
        ("%m/%d/%Y", "4/1/2024 14:30 PM", "from 1 to 12"),
        ("%Y-%m-%d %H:%M", "2024-04-01 24:30", "write it as 2024-03-28"),
        (None, "2024-04-01T02:30:00+15:00", "date_format"),
    ],
)
def test_a_time_that_cannot_be_read_is_refused(
    one: Callable[..., Any], form: str | None, written: str, fix: str
) -> None:
    row = one({"date_format": form} if form else None, post_date=written)
    assert isinstance(row, BadRow) and fix in row.problems[0].fix


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ("%Y-%m-%d %H:%S", "%S needs %M"),
        ("%Y-%m-%d %I:%M", "%I needs %p"),
        ("%Y-%m-%d%z", "%z needs %H or %I"),
        ("%Y-%m-%d %H %I %p", "each part of the time once"),
        ("%Y-%m-%d %Z", "%Z is not known"),
    ],
)
def test_a_format_with_part_of_a_time_is_refused(form: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        compile_format(form)


@pytest.mark.parametrize(
    ("key", "name", "hint"),
    [
        ("timezone", "America/New_Yrk", 'did you mean "America/New_York"?'),
        ("timezone", "new york", 'did you mean "America/New_York"?'),
        ("times_in", "Paris", 'did you mean "Europe/Paris"?'),
        ("times_in", "../../etc/passwd", 'expected the IANA name of a time zone, such as "America/New_York"'),
        ("timezone", "", "expected the IANA name"),
    ],
)
def test_an_unknown_zone_is_refused_with_a_suggestion(key: str, name: str, hint: str) -> None:
    with pytest.raises(BadConfiguration) as refused:
        read_mapping("shop", {key: name})
    assert hint in str(refused.value) and f"[mapping.shop] {key}" in str(refused.value)


RECORD = "document,line,customer,item,post_date,amount,currency\n"


def warnings(*times: str, **mapping: str) -> list[str]:
    """Return the warnings about a file whose rows have these times."""
    rows = "".join(f"D-{at},1,C-1,MAG-01,{time},24.00,USD\n" for at, time in enumerate(times))
    source = SourceStream(BytesIO((RECORD + rows).encode()), "in.csv")
    assert all(isinstance(row, GoodRow) for row in read_charges(source, read_mapping("m", {"source": "s", **mapping})))
    return source.warnings


def test_utc_times_near_the_end_of_a_month_are_reported_if_no_zone_is_declared() -> None:
    (said,) = warnings("2024-04-01T03:30:00Z", "2024-03-15T12:00:00Z", "2024-03-31T23:00:00Z")
    assert said.startswith("2 times in UTC, such as 2024-03-31T23:00:00Z, are near the end of a month")
    assert 'set timezone = "America/New_York"' in said
    assert not warnings("2024-04-01T03:30:00Z", timezone=NEW_YORK)
    assert not warnings("2024-03-15T12:00:00Z")
    assert len(warnings("2024-04-01 03:30:00", times_in="UTC")) == len(warnings("1711938600", date_format="unix")) == 1


def test_mixed_offsets_are_reported_but_not_the_two_of_one_zone() -> None:
    (said,) = warnings("2024-03-31T22:30:00-05:00", "2024-03-12T03:30:00Z")
    assert said.startswith("times have different UTC offsets (-05:00, Z)")
    assert not warnings("2024-03-01T09:00:00-05:00", "2024-03-20T09:00:00-04:00")
    assert not warnings("2024-04-01T00:30:00-04:00")
    (said,) = warnings("2024-03-31T23:30:00-06:00", "2024-03-20T09:00:00-05:00")
    assert "2024-03-31T23:30:00-06:00 could be in either of two months" in said


def test_a_step_names_the_zone_in_which_the_day_was_found(one: Callable[..., Any]) -> None:
    row = one({"timezone": NEW_YORK}, post_date="2024-04-01T02:30Z")
    assert [tuple(step)[:4] for step in row.steps] == [
        ("post_date", "2024-04-01T02:30Z", "2024-03-31", f"date in {NEW_YORK}")
    ]
    assert one({"timezone": NEW_YORK}, post_date="2024-04-01T02:30").steps[0].step == "date"


def test_an_explanation_shows_the_zone() -> None:
    data = f"{RECORD}D-1,1,C-1,MAG-01,2024-04-01T02:30Z,24.00,USD\n".encode()
    mapping = read_mapping("m", {"source": "s", "timezone": NEW_YORK})
    (row,) = explain_rows(SourceStream(BytesIO(data), "in.csv"), mapping, 1)
    (field,) = (one for one in row.fields if one.field == "post_date")
    assert (field.value, str(field.steps[0])) == ("2024-03-31", f"date in {NEW_YORK}")


def test_json_xml_and_events_are_dated_in_the_zone(events: Callable[..., Any], charges: Callable[..., Any]) -> None:
    (event,) = events("charge,kind,date\ns/D-1/1,pod,2024-04-01T02:30Z\n", mapping={"timezone": NEW_YORK})
    assert str(event.line.date) == "2024-03-31"
    values = {"document": "D-1", "line": "1", "customer": "C", "item": "I", "amount": "24.00", "currency": "USD"}
    record = {**values, "post_date": "2024-04-01T02:30Z"}
    (row,) = charges(json.dumps([record]), "in.json", {"source": "s", "timezone": NEW_YORK})
    assert str(row.line.post_date) == "2024-03-31"
    xml = "".join(f"<{name}>{value}</{name}>" for name, value in record.items())
    (row,) = charges(f"<charges><charge>{xml}</charge></charges>", "in.xml", {"source": "s", "timezone": NEW_YORK})
    assert str(row.line.post_date) == "2024-03-31"


@pytest.mark.parametrize(
    ("clock", "zone", "written"),
    [
        ("", "", "2024-03-31"),
        ("2230", "", "2024-03-31T22:30:00"),
        ("22304512", "LT", "2024-03-31T22:30:45"),
        ("22", "UT", "2024-03-31T22:00:00+00:00"),
        ("2230", "ET", "2024-03-31T22:30:00-04:00"),
        ("2230", "ES", "2024-03-31T22:30:00-05:00"),
        ("2230", "NS", "2024-03-31T22:30:00-03:30"),
        ("2230", "09", "2024-03-31T22:30:00+09:00"),
        ("2230", "13", "2024-03-31T22:30:00-12:00"),
        ("2230", "24", "2024-03-31T22:30:00-01:00"),
        ("2230", "+0530", "2024-03-31T22:30:00+05:30"),
        ("2230", "UTC", "2024-03-31T22:30:00+00:00"),
        ("223045", "-05", "2024-03-31T22:30:45-05:00"),
    ],
)
def test_edi_times_are_iso_with_their_zone(clock: str, zone: str, written: str) -> None:
    assert moment("20240331", clock, zone) == written


@pytest.mark.parametrize(("clock", "zone"), [("2460", ""), ("x", ""), ("2230", "QQ"), ("2230", "25"), ("2230", "+15")])
def test_an_edi_time_that_cannot_be_read_is_refused(clock: str, zone: str) -> None:
    with pytest.raises(ValueError, match="time"):
        moment("20240331", clock, zone)


@pytest.mark.parametrize(
    ("form", "written", "day"),
    [
        ("102", "20240401", "2024-04-01"),
        ("203", "202404010230", "2024-04-01"),
        ("204", "20240401023000", "2024-04-01"),
        ("303", "202404010230UTC", "2024-03-31"),
        ("304", "20240401023000+01", "2024-03-31"),
        ("205", "202404010230+0000", "2024-03-31"),
        ("301", "2404010230UTC", "2024-03-31"),
        ("201", "2404010230", "2024-04-01"),
    ],
)
def test_edifact_dates_have_times_and_zones(read_by: Callable[..., Any], form: str, written: str, day: str) -> None:
    head = ["BGM+380+INV-1+9", f"DTM+137:{written.replace('+', '?+')}:{form}", "NAD+BY+C-1::92", "CUX+2:EUR:4"]
    body = [*head, "LIN+1++MAG-01:SA", "QTY+47:2:PCE", "MOA+203:24.00"]
    segments = ["UNB+UNOC:3+A+B+240401:0915+11", "UNH+1+INVOIC:D:96A:UN", *body, f"UNT+{len(body) + 2}+1", "UNZ+1+11"]
    (row,) = read_by("edifact", "".join(f"{one}'" for one in segments), timezone=NEW_YORK)
    assert str(row.line.post_date) == day


def test_x12_deliveries_have_times_and_zones(read_by: Callable[..., Any]) -> None:
    status = [
        "B10*REF1*SHIP-1*ABCD",
        "L11*INV-1*IK",
        "LX*1",
        "AT7*D1*NS***20240401*0230*UT",
        "AT7*D1*NS***20240402*0230",
    ]
    isa = f"ISA*00*{'':10}*00*{'':10}*ZZ*{'ACME':15}*ZZ*{'FABRIKAM':15}*240329*0915*U*00401*000000001*0*P*>"
    segments = [
        isa,
        "GS*QM*A*B*20240329*0915*7*X*004010",
        "ST*214*0001",
        *status,
        "SE*7*0001",
        "GE*1*7",
        "IEA*1*000000001",
    ]
    rows = read_by("x12", "".join(f"{one}~" for one in segments), "events", timezone=NEW_YORK)
    assert [str(row.line.date) for row in rows] == ["2024-03-31", "2024-04-02"]


def drafted(*times: str) -> str:
    rows = "".join(f"D-{at},C-1,MAG-01,{time},24.00,USD\n" for at, time in enumerate(times))
    data = f"Order no.,Client,SKU,Created at,Net,Currency\n{rows}".encode()
    return suggest(lambda: SourceStream(BytesIO(data), "orders.csv"), "orders", ColumnMapping()).toml()


def test_a_draft_leaves_the_time_zone_of_utc_times_to_a_person() -> None:
    draft = drafted("2024-04-01T02:30:00Z", "2024-04-02T12:00:00Z")
    assert 'timezone = "?"' in draft and "UTC offset Z" in draft
    assert "timezone" not in drafted("2024-04-01T02:30:00-04:00", "2024-03-02T12:00:00-05:00")
    assert "timezone" not in drafted("2024-04-01 02:30:00")


@pytest.mark.parametrize(("time", "form"), [("1711938600", "unix"), ("1711938600000", "unix_ms")])
def test_a_draft_knows_unix_times_of_a_column_of_times(time: str, form: str) -> None:
    draft = drafted(time, time)
    assert f'date_format = "{form}"' in draft and 'timezone = "?"' in draft
