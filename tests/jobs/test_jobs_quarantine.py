"""The quarantine: people fix a row that was set aside, and it is imported like any other: never lost, never doubled."""

from collections.abc import Mapping

import pytest

from revrec.core.errors import BadInput
from revrec.jobs.context import Context
from revrec.jobs.importing import quarantine
from revrec.jobs.reports.status import status
from support.books import Books, MakeRow


@pytest.fixture
def aside(offline: Books, row: MakeRow) -> Books:
    """Books with one imported charge line and one row set aside: its amount is no number."""
    path = offline.file("charges.csv", [row("INV-1"), row("INV-2", amount="zwölf", item="GOODS-1")])
    assert offline.import_file(path, keep_good=True).quarantined
    return offline


def context(books: Books, command: str = "quarantine") -> Context:
    found: Context = books.context(command)
    return found


def fix(books: Books, id: int = 1, also: Mapping[str, str] = {}, **fields: str) -> quarantine.ShownRow:
    return quarantine.fix(context(books), id, {**also, **fields}, "by mail")


def test_a_row_that_waits_is_listed_with_its_reason_and_shown_as_it_came(aside: Books) -> None:
    (listed,) = quarantine.listed(context(aside))
    assert (listed.id, listed.row, listed.state) == (1, 3, "waiting")
    assert listed.reason == "amount: is not a number"
    shown = quarantine.show(context(aside), 1)
    assert isinstance(shown.raw, dict)
    assert shown.raw["amount"] == "zwölf" and shown.raw["document"] == "INV-2"
    assert [one["field"] for one in shown.now] == ["amount"] and shown.outcome is None


def test_fix_and_release_take_the_row_in_as_a_row_of_its_file(aside: Books) -> None:
    raw = aside.sql("SELECT problems, raw FROM quarantine")
    assert fix(aside, amount="12.00").now == []
    result = quarantine.release(context(aside), [1])
    assert (result.accepted, result.scheduled, result.refused) == (1, 1, "")
    assert aside.sql("SELECT id, row, amount, import_id FROM charge_line ORDER BY no")[1] == (
        "shop/INV-2/1",
        3,
        1200,
        1,
    )
    assert aside.open_parts("shop/INV-2/1") == [("2024-02-04", 1200)]
    assert aside.sql("SELECT problems, raw FROM quarantine") == raw, "the row itself stays as it came"
    assert quarantine.listed(context(aside)) == []
    assert [one.state for one in quarantine.listed(context(aside), settled=True)] == ["released"]
    assert status(context(aside)).quarantined == 0


def test_the_trace_shows_the_whole_way(aside: Books) -> None:
    fix(aside, amount="12.00")
    quarantine.release(context(aside), [1])
    life = aside.trace("shop/INV-2/1")
    printed = life["source"]["quarantine"]
    assert (printed["id"], printed["raw"]["amount"], printed["problems"][0]["field"]) == (1, "zwölf", "amount")
    assert printed["fixes"][0]["fields"] == {"amount": "12.00"} and printed["fixes"][0]["reason"] == "by mail"
    assert life["source"]["cleaning"] == [
        {"field": "amount", "before": "zwölf", "after": "12.00", "step": "fix", "table": "", "table_row": 0}
    ]
    actions = [event["action"] for event in life["audit"]]
    assert "quarantine fix" in actions and "quarantine release" in actions
    assert aside.trace("shop/INV-1/1")["source"]["quarantine"] is None


def test_a_row_is_released_once(aside: Books) -> None:
    fix(aside, amount="12.00")
    quarantine.release(context(aside), [1])
    before = aside.content()
    for again in (
        lambda: quarantine.release(context(aside), [1]),
        lambda: fix(aside, amount="13.00"),
        lambda: quarantine.dismiss(context(aside), [1], "no"),
    ):
        with pytest.raises(BadInput, match="quarantine 1: was released already"):
            again()
    assert aside.content() == before
    result = aside.import_file(aside.folder / "charges.csv", keep_good=True)
    assert result.rejected == 1 and aside.content() == before, "nor does its file bring it back"


def test_the_database_itself_refuses_a_second_outcome_and_a_late_fix(aside: Books) -> None:
    import sqlite3

    fix(aside, amount="12.00")
    quarantine.release(context(aside), [1])
    connection = sqlite3.connect(aside.database)
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        connection.execute("INSERT INTO quarantine_outcome VALUES (1, 'dismissed', '', 'x', 't', 'me', 1)")
    with pytest.raises(sqlite3.IntegrityError, match="can no longer be fixed"):
        connection.execute("INSERT INTO quarantine_fix VALUES (9, 1, '{}', 'x', 't', 'me', 1)")
    connection.close()


def test_a_release_takes_all_that_are_named_or_none(offline: Books, row: MakeRow) -> None:
    rows = [row("INV-1", amount="x"), row("INV-2", amount="y", currency="Q")]
    offline.import_file(offline.file("charges.csv", rows), keep_good=True)
    fix(offline, 1, amount="12.00")
    before = offline.content()
    result = quarantine.release(context(offline), [1, 2])
    assert "2 rows cannot be used; none was released" in result.refused.replace("1 of ", "")
    assert {one["field"] for one in result.report} == {"amount", "currency"}
    assert all(one["place"] == "quarantine 2, row 3" for one in result.report)
    assert offline.content() == before
    assert fix(offline, 2, amount="13.00", currency="USD").now == []
    assert quarantine.release(context(offline), [1, 2]).accepted == 2


def test_a_charge_that_came_in_by_another_way_meanwhile_is_not_doubled(aside: Books, row: MakeRow) -> None:
    aside.take(row("INV-2", amount="12.00", item="GOODS-1"), name="fixed.csv")
    fix(aside, amount="12.00")
    result = quarantine.release(context(aside), [1])
    assert (result.accepted, result.unchanged, result.refused) == (0, 1, "")
    assert aside.sql("SELECT count(*) FROM charge_line") == [(2,)]
    assert quarantine.listed(context(aside)) == []


def test_a_charge_that_came_in_with_other_figures_meanwhile_is_a_conflict(aside: Books, row: MakeRow) -> None:
    aside.take(row("INV-2", amount="13.00", item="GOODS-1"), name="fixed.csv")
    fix(aside, amount="12.00")
    result = quarantine.release(context(aside), [1])
    assert result.refused and "was imported with 13.00" in str(result.report[0]["reason"])
    assert [one.state for one in quarantine.listed(context(aside))] == ["waiting"]


def test_what_is_corrected_elsewhere_needs_no_fix(offline: Books, row: MakeRow) -> None:
    """An event whose charge was not imported yet: once it is, the row can be released as it came."""
    pod = {"charge": "shop/POD-1/1", "kind": "pod", "date": "2024-03-07"}
    assert offline.import_events(pod, keep_good=True).quarantined
    offline.take(row("POD-1", item="POD-1"))
    assert quarantine.release(context(offline), [1]).scheduled == 1
    assert offline.open_parts("shop/POD-1/1") == [("2024-03-07", 2400)]
    assert offline.trace("shop/POD-1/1")["events"][0]["row"] == 2


def test_a_dismissed_row_is_kept_with_its_reason(aside: Books) -> None:
    with pytest.raises(BadInput, match="with a reason"):
        quarantine.dismiss(context(aside), [1], " ")
    quarantine.dismiss(context(aside), [1], "a test order")
    shown = quarantine.show(context(aside), 1)
    assert shown.outcome is not None and (shown.state, shown.outcome.reason) == ("dismissed", "a test order")
    assert shown.raw and quarantine.listed(context(aside)) == []


def test_a_row_whose_shape_was_broken_is_given_its_fields_by_hand(offline: Books) -> None:
    path = offline.folder / "charges.csv"
    header = "source,document,line,customer,item,post_date,amount,currency"
    path.write_text(f"{header}\nshop,INV-1,1,C-1,MAG-1,2024-01-05,24.00,USD\nshop,INV-2,1,C-1,GOODS-1\n")
    offline.import_file(path, keep_good=True)
    assert quarantine.show(context(offline), 1).raw == ["shop", "INV-2", "1", "C-1", "GOODS-1"]
    values = ["shop", "INV-2", "1", "C-1", "GOODS-1", "2024-01-05", "12.00", "USD"]
    assert fix(offline, also=dict(zip(header.split(","), values, strict=True))).now == []
    assert quarantine.release(context(offline), [1]).accepted == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"amuont": "1"}, "amuont: there is no such field"), ({"amount": "1" * 70_000}, "over 65,536 characters")],
)
def test_a_fix_that_cannot_be_is_refused(aside: Books, fields: dict[str, str], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        fix(aside, also=fields)


def test_rows_are_named_by_number_range_or_all() -> None:
    assert list(quarantine.ids(["7", "2-4", "all"], [2, 4, 9])) == [7, 2, 4, 2, 4, 9]
    assert list(quarantine.ids(["3-999999999999"], [2, 4, 9])) == [4, 9]
    with pytest.raises(BadInput, match="7-3: the range ends before it begins; write 3-7"):
        list(quarantine.ids(["7-3"], [4]))
    for wrong in ("x", "-3", "3-", "1,2", "9" * 19):
        with pytest.raises(BadInput, match="not a row of the quarantine"):
            list(quarantine.ids([wrong], []))


def test_a_release_that_left_no_charge_line_is_found(aside: Books) -> None:
    import sqlite3

    from revrec.jobs.admin.verify import verify

    with sqlite3.connect(aside.database) as connection:
        connection.execute("INSERT INTO quarantine_outcome VALUES (1, 'released', 'shop/NONE/1', '', 't', 'me', 1)")
    found = {finding.check: finding for finding in verify(context(aside)).findings}
    assert found["release from the quarantine"].key == "quarantine_id 1"


def test_the_whole_of_it_is_verified(aside: Books) -> None:
    from revrec.jobs.admin.verify import verify

    fix(aside, amount="12.00")
    quarantine.release(context(aside), [1])
    assert verify(context(aside)).findings == []
