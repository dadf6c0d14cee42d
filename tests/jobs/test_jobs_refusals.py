"""Refused entries: tried again under a new reference if the refusal is understood, looked for first if it is not, and
set aside for a person if it never ends."""

from typing import Any

import pytest

from revrec.intacct import client
from revrec.intacct.gateway import PostingOutcome
from revrec.intacct.judgment import judge_posting
from revrec.jobs.admin.verify import verify
from revrec.jobs.posting import resolve
from revrec.jobs.posting.poster import Poster
from revrec.jobs.scheduling.rebuild import schedule
from support.books import Books, MakeRow
from support.intacct import Intacct

pytestmark = pytest.mark.both_databases

DAY = "2024-02-10"


def states(books: Books) -> list[str]:
    return [state for (state,) in books.sql("SELECT state FROM journal_entry ORDER BY id")]


def attempts(books: Books) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = books.sql(
        "SELECT a.kind, o.outcome, f.name FROM attempt a JOIN attempt_outcome o ON o.attempt_id = a.id"
        " LEFT JOIN attempt_failure f ON f.attempt_id = a.id ORDER BY a.id"
    )
    return found


@pytest.fixture
def nowhere(books: Books, row: MakeRow) -> Books:
    """Books with an entry that names a location that Intacct does not have, and a good one."""
    books.take(row("INV-1", location="NOWHERE", entity="E1"), row("INV-2", post_date="2024-01-06"))
    return books


@pytest.fixture
def strange(books: Books, row: MakeRow, monkeypatch: pytest.MonkeyPatch) -> Books:
    """Books whose Intacct refuses in words that revrec does not know: nothing of the catalog's is recognized."""
    from revrec.intacct import catalog

    none: tuple[Any, ...] = ()
    monkeypatch.setattr(catalog, "catalog", lambda: none)
    books.take(row("INV-1", location="NOWHERE", entity="E1"))
    return books


def test_what_each_failure_meant_is_kept_with_its_attempt(nowhere: Books) -> None:
    nowhere.run(DAY)
    assert attempts(nowhere) == [("send", "rejected", "dimension-unknown"), ("send", "posted", None)]
    assert nowhere.sql("SELECT error_class, named FROM attempt_failure") == [
        ("needs_data", '{"dimension":"location","value":"NOWHERE"}')
    ]


def test_the_same_error_again_and_again_sets_an_entry_aside_and_the_others_go_on(
    nowhere: Books, intacct: Intacct, row: MakeRow
) -> None:
    for time in range(1, 4):
        result = nowhere.run(DAY, REVREC_POSTING_REFUSALS="3")
        assert (result.counts["failed"], result.counts["held"]) == ((1, 0) if time < 3 else (0, 1))
    (entry,) = [one for one in result.entries if one["status"] == "held"]
    assert str(entry["advice"]).startswith("Rejected 3 times with the same error, and set aside. location NOWHERE")
    nowhere.take(row("INV-3", post_date="2024-01-07"), name="more.csv")
    assert nowhere.run(DAY, REVREC_POSTING_REFUSALS="3").counts["posted"] == 1
    assert sorted(states(nowhere)) == ["HELD", "POSTED", "POSTED", "REPLACED", "REPLACED"], "it was not sent again"
    assert verify(nowhere.context()).sound


def test_a_person_lets_what_was_set_aside_go_on_once_its_cause_is_fixed(nowhere: Books, intacct: Intacct) -> None:
    for _ in range(2):
        nowhere.run(DAY, REVREC_POSTING_REFUSALS="2")
    (held,) = nowhere.sql("SELECT reference FROM journal_entry WHERE state = 'HELD'")
    intacct.admin("/locations", id="NOWHERE", name="Nowhere")
    resolve.send_again(nowhere.context(), held[0], "the location is there now")
    assert nowhere.run(DAY, REVREC_POSTING_REFUSALS="2").complete and len(intacct.entries()) == 2
    assert [outcome for _kind, outcome, _name in attempts(nowhere)][-2:] == ["absent", "posted"]


def test_what_a_person_gave_back_is_counted_again(nowhere: Books) -> None:
    for _ in range(2):
        nowhere.run(DAY, REVREC_POSTING_REFUSALS="2")
    (held,) = nowhere.sql("SELECT reference FROM journal_entry WHERE state = 'HELD'")
    resolve.cancel(nowhere.context(), held[0], "try it under the present rules")
    assert nowhere.run(DAY, REVREC_POSTING_REFUSALS="2").counts["failed"] == 1
    assert nowhere.run(DAY, REVREC_POSTING_REFUSALS="2").counts["held"] == 1


def test_another_error_is_counted_again(nowhere: Books, intacct: Intacct) -> None:
    nowhere.run(DAY, REVREC_POSTING_REFUSALS="2")
    intacct.admin("/locations", id="NOWHERE", name="Nowhere")
    intacct.admin("/periods/close", entity="", month="2024-01")
    result = nowhere.run(DAY, REVREC_POSTING_REFUSALS="2", REVREC_POSTING_CLOSED_PERIOD="fail")
    assert (result.counts["failed"], result.counts["held"]) == (1, 0)


def test_a_refusal_in_unknown_words_is_looked_for_before_its_lines_go_on(strange: Books, intacct: Intacct) -> None:
    assert strange.run(DAY).counts["failed"] == 1
    assert attempts(strange) == [("send", "rejected", "unknown"), ("read_back", "absent", None)]
    intacct.admin("/locations", id="NOWHERE", name="Nowhere")
    assert strange.run(DAY).complete and len(intacct.entries()) == 1
    assert states(strange) == ["REPLACED", "POSTED"]
    assert [kind for kind, _outcome, _name in attempts(strange)] == ["send", "read_back", "read_back", "send"]


@pytest.fixture
def landed(books: Books, intacct: Intacct, row: MakeRow, monkeypatch: pytest.MonkeyPatch) -> Books:
    """Books whose entry landed and was refused in unknown words all the same, as if 'already recorded' had been said in
    another language; Intacct could not be read back then."""
    books.take(row("INV-1", item="POD-1"), row("INV-2", item="POD-1"))
    for document in ("INV-1", "INV-2"):
        books.event(f"shop/{document}/1", "pod", "2024-02-01")
    monkeypatch.setattr(client, "judge_posting", refusing(judge_posting))
    monkeypatch.setattr(Poster, "confirm_absent", lambda *_: False)
    assert books.run(DAY).counts["failed"] == 1 and len(intacct.entries()) == 1
    monkeypatch.undo()
    return books


def test_what_landed_though_it_was_refused_in_unknown_words_is_never_sent_under_another_reference(
    landed: Books, intacct: Intacct
) -> None:
    result = landed.run(DAY)
    assert result.counts["held"] == 1 and states(landed) == ["HELD"] and len(intacct.entries()) == 1
    assert "yet has an entry with this reference" in str(result.entries[0]["error"])
    assert verify(landed.context()).sound


def test_an_event_does_not_give_up_an_entry_that_must_be_looked_for(landed: Books, intacct: Intacct) -> None:
    landed.event("shop/INV-1/1", "pod", "2024-03-05")
    assert landed.open_parts("shop/INV-1/1") == [("2024-02-01", -2400), ("2024-03-05", 2400)], "the difference alone"
    landed.run(DAY)
    assert states(landed) == ["HELD", "POSTED"] and len(intacct.entries()) == 2
    assert verify(landed.context()).sound


def test_changed_rules_do_not_give_up_an_entry_that_must_be_looked_for(landed: Books, intacct: Intacct) -> None:
    landed.rules('[[rule]]\nname = "at once"\n[rule.recognize]\nmethod = "fixed_offset"\n')
    schedule(landed.context("schedule"), rebuild=True)
    landed.run(DAY)
    assert states(landed) == ["HELD"] and len(intacct.entries()) == 1
    assert verify(landed.context()).sound


def refusing(judge: Any) -> Any:
    """Judges what was posted as refused in unknown words."""

    def translated(exchange: Any, control_id: str, clean: Any) -> Any:
        verdict = judge(exchange, control_id, clean)
        unknown = {"outcome": PostingOutcome.REJECTED, "record_no": "", "meaning": plain_unknown()}
        return verdict._replace(**unknown) if verdict.outcome == "posted" else verdict

    return translated


def plain_unknown() -> Any:
    from revrec.intacct.catalog import meaning_of

    return meaning_of("function", 200, [])


def test_once_it_was_looked_for_its_lines_are_planned_again_by_corrected_rules(
    strange: Books, intacct: Intacct
) -> None:
    strange.run(DAY)
    strange.rules('[[rule]]\nname = "at once"\n[rule.recognize]\nmethod = "fixed_offset"\noffset = "1 day"\n')
    schedule(strange.context("schedule"), rebuild=True)
    assert strange.open_parts("shop/INV-1/1") == [("2024-01-06", 2400)] and states(strange) == ["REPLACED"]


def test_what_landed_though_it_was_refused_in_unknown_words_is_held_in_the_same_run(
    books: Books, intacct: Intacct, row: MakeRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.take(row("INV-1"))
    monkeypatch.setattr(client, "judge_posting", refusing(judge_posting))
    assert books.run(DAY).counts["held"] == 1 and states(books) == ["HELD"] and len(intacct.entries()) == 1


def test_a_refused_entry_that_cannot_be_looked_for_stays_as_it_is(strange: Books, intacct: Intacct) -> None:
    strange.run(DAY)
    intacct.admin("/switch", denied="read:GLBATCH")
    assert strange.run(DAY).counts["failed"] == 1 and states(strange) == ["REJECTED"]
    intacct.admin("/switch", denied="")
