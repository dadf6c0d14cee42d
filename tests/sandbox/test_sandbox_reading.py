"""Behaviors 54 to 60: query, readByQuery, read and balances."""

from decimal import Decimal
from typing import Any

import pytest

from support.sandbox_client import SandboxAnswer, SandboxClient


def query(fields: str = "RECORDNO", filters: str = "", more: str = "", name: str = "GLBATCH") -> str:
    select = "".join(f"<field>{field}</field>" for field in fields.split(","))
    inner = f"<filter>{filters}</filter>" if filters else ""
    return f"<query><object>{name}</object><select>{select}</select>{inner}{more}</query>"


def equal(field: str, value: str) -> str:
    return f"<equalto><field>{field}</field><value>{value}</value></equalto>"


def by_query(text: str = "", more: str = "", name: str = "GLBATCH", fields: str = "*") -> str:
    return f"<readByQuery><object>{name}</object><fields>{fields}</fields><query>{text}</query>{more}</readByQuery>"


def fill(client: SandboxClient, count: int = 5) -> list[int]:
    for number in range(count):
        client.create(client.glbatch(client.pair(f"{number + 1}.00"), REFERENCENO=f"R{number}"))
    return [entry["record_no"] for entry in client.entries()]


def test_b54_children_of_query_come_in_any_order(client: SandboxClient) -> None:
    fill(client, 1)
    answer = client.call(
        "<query><pagesize>10</pagesize><orderby><order><field>RECORDNO</field><ascending/></order></orderby>"
        f"<filter>{equal('REFERENCENO', 'R0')}</filter><select><field>STATE</field><field>RECORDNO</field></select>"
        "<object>GLBATCH</object></query>"
    )
    assert answer.status == "success"
    assert [node.tag for node in answer.data[0]] == ["STATE", "RECORDNO"]


def test_b54_the_answer_counts_and_uses_upper_case_names(client: SandboxClient) -> None:
    fill(client)
    answer = client.call(query(more="<pagesize>2</pagesize><offset>1</offset>"))
    expected = {"listtype": "GLBATCH", "totalcount": "5", "offset": "1", "count": "2", "numremaining": "2"}
    assert dict(answer.data.attrib) == expected
    assert {node.tag for node in answer.data} == {"GLBATCH"}


@pytest.mark.parametrize(
    "body",
    [
        query(filters=equal("STATE", "Posted") + equal("JOURNAL", "RR")),
        query(filters=f"<and>{equal('STATE', 'Posted')}</and>"),
        query(filters="<between><field>RECORDNO</field><value>1</value></between>"),
        query(filters="<in><field>RECORDNO</field></in>"),
        query(filters="<in><field>RECORDNO</field>" + "<value>1</value>" * 1001 + "</in>"),
        query(filters="<isnull><field>STATE</field><value>1</value></isnull>"),
        query(filters="<resembles><field>STATE</field><value>1</value></resembles>"),
        query(more="<pagesize>0</pagesize>"),
        query(more="<pagesize>2001</pagesize>"),
        query(more="<offset>-1</offset>"),
        query(more="<fields>*</fields>"),
        query(more="<options><showprivate>true</showprivate><caseinsensitive>true</caseinsensitive></options>"),
        query(more="<orderby><field>RECORDNO</field></orderby>"),
        "<query><object>GLBATCH</object></query>",
    ],
)
def test_b54_a_query_outside_its_schema_is_a_control_failure(client: SandboxClient, body: str) -> None:
    answer = client.call(body)
    assert answer.control == "failure"
    assert answer.errors[0][0] == "XL03000003"


@pytest.mark.parametrize(
    "body",
    [
        query("NOTHING"),
        query("*"),
        query(filters=equal("NOTHING", "1")),
        query(more="<orderby><order><field>NOTHING</field></order></orderby>"),
        query(filters=equal("RECORDNO", "abc")),
        query(filters=equal("BATCH_DATE", "2025-03-31")),
    ],
)
def test_b54_unknown_fields_and_wrong_values_fail_the_function(client: SandboxClient, body: str) -> None:
    answer = client.call(body)
    assert (answer.control, answer.status) == ("success", "failure")
    assert answer.errors[0][0] == "DL02000001"


def test_b54_an_unknown_object_is_named(client: SandboxClient) -> None:
    answer = client.call(query(name="VENDOR9"))
    assert answer.errors[0][0] == "Query Failed"
    assert answer.errors[0][1].startswith("Object definition VENDOR9 not found")


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (equal("REFERENCENO", "R1"), ["R1"]),
        (equal("REFERENCENO", "r1"), []),
        ("<notequalto><field>REFERENCENO</field><value>R1</value></notequalto>", ["R0", "R2"]),
        ("<like><field>REFERENCENO</field><value>R%</value></like>", ["R0", "R1", "R2"]),
        ("<like><field>REFERENCENO</field><value>r%</value></like>", []),
        ("<like><field>REFERENCENO</field><value>_1</value></like>", ["R1"]),
        ("<in><field>REFERENCENO</field><value>R0</value><value>R2</value></in>", ["R0", "R2"]),
        ("<notin><field>REFERENCENO</field><value>R0</value></notin>", ["R1", "R2"]),
        ("<isnull><field>REVERSEDATE</field></isnull>", ["R0", "R1", "R2"]),
        ("<isnotnull><field>REVERSEDATE</field></isnotnull>", []),
        (f"<or>{equal('REFERENCENO', 'R0')}{equal('REFERENCENO', 'R1')}</or>", ["R0", "R1"]),
        (f"<and>{equal('JOURNAL', 'RR')}{equal('REFERENCENO', 'R1')}</and>", ["R1"]),
        (equal("JOURNAL.SYMBOL", "GJ"), []),
        (equal("STATE", "Posted"), ["R0", "R1", "R2"]),
        (equal("STATE", "P"), []),
        (equal("BATCH_DATE", "03/31/2025"), ["R0", "R1", "R2"]),
        ("<between><field>BATCH_DATE</field><value>03/01/2025</value><value>03/30/2025</value></between>", []),
        (
            "<greaterthanorequalto><field>BATCH_DATE</field><value>3/31/2025</value></greaterthanorequalto>",
            ["R0", "R1", "R2"],
        ),
        ("<lessthan><field>BATCHNO</field><value>2</value></lessthan>", ["R0"]),
    ],
)
def test_b54_filters_find_what_they_say(client: SandboxClient, filters: str, found: list[str]) -> None:
    fill(client, 3)
    assert sorted(client.call(query("REFERENCENO", filters)).column("REFERENCENO")) == found


def test_b54_case_may_be_ignored(client: SandboxClient) -> None:
    fill(client, 2)
    answer = client.call(
        query("REFERENCENO", equal("REFERENCENO", "r1"), "<options><caseinsensitive>true</caseinsensitive></options>")
    )
    assert answer.column("REFERENCENO") == ["R1"]


def test_b54_without_orderby_the_order_changes_from_call_to_call(client: SandboxClient) -> None:
    numbers = [str(number) for number in fill(client, 8)]
    seen = [client.call(query()).column("RECORDNO") for _ in range(4)]
    assert all(sorted(found, key=int) == numbers for found in seen)
    assert len({tuple(found) for found in seen}) > 1


@pytest.mark.parametrize("direction", ["ascending", "descending"])
def test_b54_with_orderby_pages_join_without_gaps(client: SandboxClient, direction: str) -> None:
    numbers = [str(number) for number in fill(client, 7)]
    found = []
    for offset in range(0, 8, 2):
        more = (
            f"<orderby><order><field>RECORDNO</field><{direction}/></order></orderby>"
            f"<pagesize>2</pagesize><offset>{offset}</offset>"
        )
        found += client.call(query(more=more)).column("RECORDNO")
    assert found == (numbers if direction == "ascending" else numbers[::-1])


def test_b54_lines_carry_amounts_dimensions_and_their_entry(client: SandboxClient) -> None:
    lines = client.pair("12.50", CUSTOMERID="C1007", DOCUMENT="INV-1/1", DEPARTMENT="OPS", DESCRIPTION="memo")
    number = client.create(client.glbatch(lines, REFERENCENO="REF")).record_no
    fields = (
        "BATCHNO,LINE_NO,TR_TYPE,TRX_AMOUNT,AMOUNT,CURRENCY,ACCOUNTNO,DOCUMENT,DESCRIPTION,LOCATION,DEPARTMENT,"
        "CUSTOMERID,ITEMID,ENTRY_DATE,GLBATCH.REFERENCENO"
    )
    order = "<orderby><order><field>LINE_NO</field><ascending/></order></orderby>"
    answer = client.call(query(fields, equal("BATCHNO", number), order, "GLENTRY"))
    row = [node.text for node in answer.data[1]]
    expected = [number, "2", "-1", "12.50", "12.50", "USD", "4000", "INV-1/1", "memo", "100", "OPS", "C1007"]
    assert row == [*expected, None, "03/31/2025", "REF"]


def test_b54_aggregates_are_computed(client: SandboxClient) -> None:
    fill(client, 4)
    body = (
        "<query><object>GLENTRY</object><select><count>RECORDNO</count><sum>TRX_AMOUNT</sum><max>TRX_AMOUNT</max>"
        f"</select><filter>{equal('ACCOUNTNO', '2400')}</filter></query>"
    )
    answer = client.call(body)
    assert [(node.tag, node.text) for node in answer.data[0]] == [
        ("COUNT.RECORDNO", "4"),
        ("SUM.TRX_AMOUNT", "10.00"),
        ("MAX.TRX_AMOUNT", "4.00"),
    ]


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("GLACCOUNT", "TITLE"),
        ("JOURNAL", "TITLE"),
        ("DEPARTMENT", "TITLE"),
        ("LOCATION", "NAME"),
        ("LOCATIONENTITY", "NAME"),
        ("CUSTOMER", "NAME"),
        ("ITEM", "NAME"),
    ],
)
def test_b54_master_data_can_be_queried(client: SandboxClient, name: str, title: str) -> None:
    answer = client.call(query(f"RECORDNO,{title},WHENCREATED,WHENMODIFIED", equal("STATUS", "active"), name=name))
    assert int(answer.data.get("count")) > 0
    assert "" not in [*answer.column(title), *answer.column("WHENCREATED"), *answer.column("WHENMODIFIED")]


def test_b54_departments_have_a_title_and_no_name(client: SandboxClient) -> None:
    answer = client.call(query("RECORDNO,NAME", name="DEPARTMENT"))
    assert answer.status == "failure" and "NAME" in answer.said


def test_b54_entities_are_the_locations_without_a_parent(client: SandboxClient) -> None:
    locations = client.call(query("LOCATIONID", name="LOCATION")).column("LOCATIONID")
    entities = client.call(query("LOCATIONID,CURRENCY", name="LOCATIONENTITY")).column("LOCATIONID")
    assert set(locations) - set(entities) == {"100-NY"}


def test_b55_names_are_lower_case_and_fields_upper_case(client: SandboxClient) -> None:
    fill(client, 1)
    answer = client.call(by_query("REFERENCENO = 'R0'"))
    assert dict(answer.data.attrib) == {
        "listtype": "glbatch",
        "count": "1",
        "totalcount": "1",
        "numremaining": "0",
        "resultId": "",
    }
    assert answer.data[0].tag == "glbatch"
    assert "RECORDNO" in [node.tag for node in answer.data[0]]


def test_b55_states_are_compared_by_code(client: SandboxClient) -> None:
    fill(client, 1)
    client.create(client.glbatch(STATE="Draft"))
    assert client.call(by_query("STATE = 'P'")).data.get("count") == "1"
    assert client.call(by_query("STATE = 'I'")).data.get("count") == "1"
    assert client.call(by_query("STATE = 'Posted'")).data.get("count") == "0"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("BATCHNO &gt; 1 AND BATCHNO &lt;= 2", ["R1"]),
        ("REFERENCENO in ('R0','R2')", ["R0", "R2"]),
        ("REFERENCENO not in ('R0','R2')", ["R1"]),
        ("REFERENCENO like 'R%' AND NOT (REFERENCENO = 'R1' OR REFERENCENO = 'R2')", ["R0"]),
        ("REFERENCENO not like '%1'", ["R0", "R2"]),
        ("REVERSEDATE IS NULL and REFERENCENO is not null", ["R0", "R1", "R2"]),
        ("BATCH_DATE = '03/31/2025'", ["R0", "R1", "R2"]),
        ("REFERENCENO = 'r1'", []),
        ("", ["R0", "R1", "R2"]),
    ],
)
def test_b55_statements_find_what_they_say(client: SandboxClient, text: str, found: list[str]) -> None:
    fill(client, 3)
    assert sorted(client.call(by_query(text)).column("REFERENCENO")) == found


def test_b55_an_apostrophe_is_written_with_a_backslash(client: SandboxClient) -> None:
    client.create(client.glbatch(BATCH_TITLE="O'Brien's March"))
    assert client.call(by_query("BATCH_TITLE = 'O\\'Brien\\'s March'")).data.get("count") == "1"
    assert client.call(by_query("BATCH_TITLE = 'O''Brien'")).status == "failure"


@pytest.mark.parametrize(
    "text",
    [
        "STATE = 'P' ORDER BY RECORDNO",
        "SELECT * FROM GLBATCH",
        "STATE = P",
        "STATE =",
        "(STATE = 'P'",
        "STATE = 'P'; DROP TABLE glbatch",
        "NOTHING = 1",
        "1 = 1",
        "BATCH_DATE = '2025-03-31'",
        "NOT " * 100 + "STATE = 'P'",
        "STATE ~ 'P'",
        "STATE = 'P",
    ],
)
def test_b55_other_statements_are_refused(client: SandboxClient, text: str) -> None:
    fill(client, 1)
    answer = client.call(by_query(text))
    assert answer.status == "failure"
    assert answer.errors[0][0] == "DL02000001"
    assert len(client.entries()) == 1


def test_b55_orderby_as_an_element_breaks_the_schema(client: SandboxClient) -> None:
    answer = client.call(by_query(more="<orderby><order><field>RECORDNO</field></order></orderby>"))
    assert answer.control == "failure"
    assert answer.errors[0][0] == "XL03000003"


@pytest.mark.parametrize("size", ["0", "1001", "x"])
def test_b55_the_page_size_is_1_to_1000(client: SandboxClient, size: str) -> None:
    assert client.call(by_query(more=f"<pagesize>{size}</pagesize>")).status == "failure"


def test_b55_read_more_returns_every_record_once(client: SandboxClient) -> None:
    numbers = fill(client, 7)
    answer = client.call(by_query(fields="RECORDNO", more="<pagesize>3</pagesize>"))
    found = answer.column("RECORDNO")
    while answer.data.get("numremaining") != "0":
        answer = client.call(f"<readMore><resultId>{answer.data.get('resultId')}</resultId></readMore>")
        found += answer.column("RECORDNO")
    assert sorted(map(int, found)) == numbers
    assert client.call(f"<readMore><resultId>{answer.data.get('resultId')}</resultId></readMore>").status == "failure"


def test_b55_an_unknown_result_id_is_refused(client: SandboxClient) -> None:
    assert client.call("<readMore><resultId>1</resultId></readMore>").errors[0][0] == "DL02000001"


def test_b56_private_data_of_an_entity_is_hidden_at_the_top_level(client: SandboxClient) -> None:
    public = client.create().record_no
    entity = client.session("100")
    private = client.in_session(entity, f"<create>{client.glbatch()}</create>").record_no
    other = client.session("200")
    assert client.call(query()).column("RECORDNO") == [public]
    shown = client.call(query(more="<options><showprivate>true</showprivate></options>"))
    assert sorted(shown.column("RECORDNO"), key=int) == [public, private]
    assert sorted(client.in_session(entity, query()).column("RECORDNO"), key=int) == [public, private]
    assert client.in_session(other, query()).column("RECORDNO") == [public]
    assert client.call(by_query(fields="RECORDNO")).column("RECORDNO") == [public]


def test_b56_an_entity_session_posts_to_its_own_locations_only(client: SandboxClient) -> None:
    entity = client.session("100")
    answer = client.in_session(entity, f"<create>{client.glbatch(client.pair(LOCATION='200'))}</create>")
    assert "The location '200' is invalid." in answer.said


def test_b57_read_returns_the_entry_with_its_lines(client: SandboxClient) -> None:
    number = client.create().record_no
    answer = client.call(f"<read><object>GLBATCH</object><keys>{number}</keys><fields>*</fields></read>")
    assert dict(answer.data.attrib) == {"listtype": "GLBATCH", "count": "1"}
    assert answer.column("LINE_NO") == ["1", "2"]
    assert answer.text("operation/result/data/GLBATCH/RECORDNO") == number
    some = client.call(f"<read><object>glbatch</object><keys>{number}</keys><fields>STATE</fields></read>")
    assert [(node.tag, node.text) for node in some.data[0]] == [("STATE", "Posted")]


def test_b57_at_most_100_keys_are_read(client: SandboxClient) -> None:
    keys = ",".join(map(str, range(1, 102)))
    assert client.call(f"<read><object>GLBATCH</object><keys>{keys}</keys></read>").status == "failure"
    keys = ",".join(map(str, range(1, 101)))
    assert client.call(f"<read><object>GLBATCH</object><keys>{keys}</keys></read>").status == "success"


def test_b57_a_missing_key_gives_empty_data(client: SandboxClient) -> None:
    answer = client.call("<read><object>GLBATCH</object><keys>424242</keys></read>")
    assert answer.status == "success"
    assert answer.data.get("count") == "0"
    assert len(answer.data) == 0


def test_b57_an_unknown_field_is_named_in_the_errorno(client: SandboxClient) -> None:
    answer = client.call("<read><object>GLBATCH</object><keys>1</keys><fields>NOTHING</fields></read>")
    assert answer.errors[0] == ("Invalid fields list NOTHING", "")


def dated(tag: str, year: str, month: str, day: str) -> str:
    return f"<{tag}><year>{year}</year><month>{month}</month><day>{day}</day></{tag}>"


MARCH = dated("startdate", "2025", "03", "01") + dated("enddate", "2025", "03", "31")
DEFERRED = "<glaccountno>2400</glaccountno>"


def balances_of(client: SandboxClient, inner: str) -> Any:
    return client.call(f"<get_accountbalances>{inner}</get_accountbalances>")


@pytest.mark.parametrize("period", [MARCH, "<reportingperiodname>Month Ended March 2025</reportingperiodname>"])
def test_b58_balances_are_signed_by_dates_or_period_name(client: SandboxClient, period: str) -> None:
    invoiced = client.line("1100", "1", "120.00") + client.line("2400", "-1", "120.00")
    client.create(client.glbatch(invoiced, BATCH_DATE="02/10/2025"))
    client.create(client.glbatch(client.pair("10.00")))
    client.create(client.glbatch(client.pair("10.00"), BATCH_DATE="04/30/2025"))
    answer = balances_of(client, period + DEFERRED)
    row = {node.tag: node.text for node in answer.data[0]}
    assert row == {
        "glaccountno": "2400",
        "startbalance": "-120.00",
        "debits": "10.00",
        "credits": "0.00",
        "adjdebits": "0.00",
        "adjcredits": "0.00",
        "endbalance": "-110.00",
    }


@pytest.mark.parametrize(
    "inner",
    [
        DEFERRED,
        "<reportingperiodname>Month Ended March 2025</reportingperiodname>" + MARCH + DEFERRED,
        dated("startdate", "2025", "03", "01") + DEFERRED,
        MARCH + DEFERRED + "<startaccountno>1</startaccountno><endaccountno>2</endaccountno>",
        MARCH + "<startaccountno>1</startaccountno>",
    ],
)
def test_b58_dates_and_accounts_must_be_stated_in_one_way(client: SandboxClient, inner: str) -> None:
    answer = balances_of(client, inner)
    assert (answer.control, answer.errors[0][0]) == ("failure", "XL03000003")


@pytest.mark.parametrize(
    "inner",
    [
        "<reportingperiodname>March</reportingperiodname>" + DEFERRED,
        dated("startdate", "2025", "02", "30") + dated("enddate", "2025", "03", "31") + DEFERRED,
        MARCH,
        MARCH + "<glaccountno>9999</glaccountno>",
    ],
)
def test_b58_dates_and_accounts_must_exist(client: SandboxClient, inner: str) -> None:
    assert balances_of(client, inner).status == "failure"


@pytest.mark.parametrize(
    "inner", [DEFERRED + MARCH, MARCH + DEFERRED + "<dates/>", MARCH + "<locationid>100</locationid>" + DEFERRED]
)
def test_b58_the_legacy_order_is_enforced(client: SandboxClient, inner: str) -> None:
    answer = balances_of(client, inner)
    assert answer.control == "failure"
    assert answer.errors[0][0] == "XL03000003"


def test_b58_ranges_locations_customers_and_zero_balances(client: SandboxClient) -> None:
    client.create(client.glbatch(client.pair("10.00", CUSTOMERID="C1007")))
    client.create(client.glbatch(client.pair("5.00", LOCATION="200")))
    client.create(client.glbatch(client.pair("2.00", LOCATION="100-NY")))
    everything = MARCH + "<startaccountno>2000</startaccountno><endaccountno>4999</endaccountno>"
    assert balances_of(client, everything).column("glaccountno") == ["2400", "4000"]
    assert balances_of(client, everything + "<locationid>100</locationid>").column("endbalance") == ["12.00", "-12.00"]
    assert balances_of(client, everything + "<customerid>C1007</customerid>").column("endbalance") == [
        "10.00",
        "-10.00",
    ]
    zero = balances_of(client, everything + "<showzerobalances>true</showzerobalances>")
    assert "2410" in zero.column("glaccountno")


def test_b59_the_closed_books_date_depends_on_the_entity(client: SandboxClient) -> None:
    def closed(session: tuple[str, str]) -> list[str]:
        return [node.text for node in client.in_session(session, "<get_closedbooksdate/>").data[0]]

    entity, top = client.session("100"), client.session()
    assert closed(entity) == ["1999", "12", "31"]
    client.admin("periods/close", entity="100", month="2025-02")
    assert closed(entity) == ["2025", "02", "28"]
    assert closed(top) == ["1999", "12", "31"]


def test_b59_under_dtdversion_3_0_it_may_be_an_unknown_function(client: SandboxClient) -> None:
    client.switch(closed_books_date="refuse")
    assert "not a known function" in client.call("<get_closedbooksdate/>").said
    old = client.call("<get_closedbooksdate/>", control=client.control(dtdversion="2.1"))
    assert old.status == "success"


def test_b60_the_trial_balance_sums_to_zero(client: SandboxClient) -> None:
    client.create(client.glbatch(client.pair("33.33", CURRENCY="EUR", EXCHANGE_RATE="1.0837")))
    client.create(client.glbatch(client.pair("0.07") * 3, REVERSEDATE="04/02/2025"))
    client.create(client.glbatch(client.pair("1.00"), STATE="Draft"))
    client.create(client.glbatch(client.pair("1.00"), JOURNAL="NONE"))
    answer = client.call(f"<get_trialbalance>{MARCH}</get_trialbalance>")
    for column in ("startbalance", "endbalance"):
        assert sum(map(Decimal, answer.column(column))) == 0
    assert sum(map(Decimal, answer.column("debits"))) == sum(map(Decimal, answer.column("credits"))) > 0


@pytest.mark.parametrize(
    ("name", "key", "title", "active", "inactive"),
    [
        ("JOURNAL", "SYMBOL", "TITLE", "RR", "OLD"),
        ("GLACCOUNT", "ACCOUNTNO", "TITLE", "2400", "4900"),
        ("LOCATION", "LOCATIONID", "NAME", "100-NY", "900"),
        ("DEPARTMENT", "DEPARTMENTID", "TITLE", "OPS", "GONE"),
    ],
)
def test_b54_master_records_are_found_by_their_ids(
    client: SandboxClient, name: str, key: str, title: str, active: str, inactive: str
) -> None:
    ids = "".join(f"<value>{one}</value>" for one in (active, inactive, "NO-SUCH"))
    answer = client.call(query(f"{key},STATUS,{title}", f"<in><field>{key}</field>{ids}</in>", name=name))
    found = {row.findtext(key): row.findtext("STATUS") for row in answer.data}
    assert found == {active: "active", inactive: "inactive"}
    assert all(row.findtext(title) for row in answer.data)
    by_code = client.call(by_query(f"{key} IN ('{active}', '{inactive}')", name=name))
    assert by_code.data.get("count") == "2"


@pytest.mark.parametrize("name", ["JOURNAL", "GLACCOUNT", "LOCATION", "DEPARTMENT"])
def test_b66_reading_master_records_needs_the_permission(client: SandboxClient, name: str) -> None:
    client.switch(denied=f"read:{name}")
    answer = client.call(query("RECORDNO", name=name))
    assert answer.status == "failure" and "You do not have permission for API" in answer.said


def by_name(client: SandboxClient, name: str, keys: str, fields: str = "*") -> SandboxAnswer:
    inner = f"<object>{name}</object><keys>{keys}</keys><fields>{fields}</fields>"
    return client.call(f"<readByName>{inner}<returnFormat>xml</returnFormat></readByName>")


def test_b57_records_are_read_by_their_id(client: SandboxClient) -> None:
    answer = by_name(client, "CUSTOMER", "C1008,C1007,C1", "CUSTOMERID,NAME")
    assert [node.tag for node in answer.data] == ["CUSTOMER", "CUSTOMER"]
    assert answer.column("NAME") == ["Harbour Trading", "Northwind Retail"]


def test_b57_an_entry_has_no_id_and_is_read_by_its_record_number(client: SandboxClient) -> None:
    key = client.create().record_no
    assert by_name(client, "GLBATCH", key).column("TR_TYPE") == ["1", "-1"]
    assert by_name(client, "GLBATCH", "Revenue March").data.get("count") == "0"


def test_b57_at_most_100_records_are_read_by_id(client: SandboxClient) -> None:
    assert "at most 100 keys" in by_name(client, "ITEM", ",".join(f"I-{number}" for number in range(101))).said
