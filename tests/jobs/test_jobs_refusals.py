"""Refused entries: tried again under a new reference if the refusal is understood, looked for first if it is not, and
set aside for a person if it never ends."""

from typing import Any

import pytest

from revrec.intacct import client
from revrec.intacct.gateway import Outcome
from revrec.jobs import resolve
from revrec.jobs.verify import verify

pytestmark = pytest.mark.both_databases

DAY = "2024-02-10"


def states(books: Any) -> list[str]:
    return [state for (state,) in books.sql("SELECT state FROM journal_entry ORDER BY id")]


def attempts(books: Any) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = books.sql(
        "SELECT a.kind, o.outcome, f.name FROM attempt a JOIN attempt_outcome o ON o.attempt_id = a.id"
        " LEFT JOIN attempt_failure f ON f.attempt_id = a.id ORDER BY a.id"
    )
    return found


@pytest.fixture
def nowhere(books: Any, row: Any) -> Any:
    """Books with an entry that names a location that Intacct does not have, and a good one."""
    books.take(row("INV-1", location="NOWHERE", entity="E1"), row("INV-2", post_date="2024-01-06"))
    return books


@pytest.fixture
def strange(books: Any, row: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Books whose Intacct refuses in words that revrec does not know: nothing of the catalogue's is recognised."""
    from revrec.intacct import catalogue

    none: tuple[Any, ...] = ()
    monkeypatch.setattr(catalogue, "catalogue", lambda: none)
    books.take(row("INV-1", location="NOWHERE", entity="E1"))
    return books


def test_what_each_failure_meant_is_kept_with_its_attempt(nowhere: Any) -> None:
    nowhere.run(DAY)
    assert attempts(nowhere) == [("send", "rejected", "dimension-unknown"), ("send", "posted", None)]
    assert nowhere.sql("SELECT error_class, named FROM attempt_failure") == [
        ("needs_data", '{"dimension":"location","value":"NOWHERE"}')
    ]


def test_the_same_error_again_and_again_sets_an_entry_aside_and_the_others_go_on(
    nowhere: Any, intacct: Any, row: Any
) -> None:
    for time in range(1, 4):
        result = nowhere.run(DAY, REVREC_POSTING_REFUSALS="3")
        assert (result.counts["failed"], result.counts["held"]) == ((1, 0) if time < 3 else (0, 1))
    (entry,) = [one for one in result.entries if one["status"] == "held"]
    assert str(entry["advice"]).startswith("Refused 3 times with the same error, and set aside. location NOWHERE")
    nowhere.take(row("INV-3", post_date="2024-01-07"), name="more.csv")
    assert nowhere.run(DAY, REVREC_POSTING_REFUSALS="3").counts["posted"] == 1
    assert sorted(states(nowhere)) == ["HELD", "POSTED", "POSTED", "REPLACED", "REPLACED"], "it was not sent again"
    assert verify(nowhere.context()).sound


def test_a_person_lets_what_was_set_aside_go_on_once_its_cause_is_mended(nowhere: Any, intacct: Any) -> None:
    for _ in range(2):
        nowhere.run(DAY, REVREC_POSTING_REFUSALS="2")
    (held,) = nowhere.sql("SELECT reference FROM journal_entry WHERE state = 'HELD'")
    intacct.admin("/locations", id="NOWHERE", name="Nowhere")
    resolve.send_again(nowhere.context(), held[0], "the location is there now")
    assert nowhere.run(DAY, REVREC_POSTING_REFUSALS="2").complete and len(intacct.entries()) == 2
    assert [outcome for _kind, outcome, _name in attempts(nowhere)][-2:] == ["absent", "posted"]


def test_what_a_person_gave_back_is_counted_anew(nowhere: Any) -> None:
    for _ in range(2):
        nowhere.run(DAY, REVREC_POSTING_REFUSALS="2")
    (held,) = nowhere.sql("SELECT reference FROM journal_entry WHERE state = 'HELD'")
    resolve.cancel(nowhere.context(), held[0], "try it under the present rules")
    assert nowhere.run(DAY, REVREC_POSTING_REFUSALS="2").counts["failed"] == 1
    assert nowhere.run(DAY, REVREC_POSTING_REFUSALS="2").counts["held"] == 1


def test_another_error_is_counted_anew(nowhere: Any, intacct: Any) -> None:
    nowhere.run(DAY, REVREC_POSTING_REFUSALS="2")
    intacct.admin("/locations", id="NOWHERE", name="Nowhere")
    intacct.admin("/periods/close", entity="", month="2024-01")
    result = nowhere.run(DAY, REVREC_POSTING_REFUSALS="2", REVREC_POSTING_CLOSED_PERIOD="fail")
    assert (result.counts["failed"], result.counts["held"]) == (1, 0)


def test_a_refusal_in_unknown_words_is_looked_for_before_its_lines_go_on(strange: Any, intacct: Any) -> None:
    assert strange.run(DAY).counts["failed"] == 1
    assert attempts(strange) == [("send", "rejected", "unknown")]
    intacct.admin("/locations", id="NOWHERE", name="Nowhere")
    assert strange.run(DAY).complete and len(intacct.entries()) == 1
    assert states(strange) == ["REPLACED", "POSTED"]
    assert [kind for kind, _outcome, _name in attempts(strange)] == ["send", "read_back", "send"]


def test_a_refusal_in_unknown_words_of_what_landed_all_the_same_is_never_sent_under_another_reference(
    books: Any, intacct: Any, row: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if 'already recorded' had been said in another language, after an old backup was put back."""
    books.take(row("INV-1"))
    plain = client.judge

    def translated(exchange: Any, control_id: str, clean: Any) -> Any:
        verdict = plain(exchange, control_id, clean)
        unknown = {"outcome": Outcome.REJECTED, "record_no": "", "meaning": plain_unknown()}
        return verdict._replace(**unknown) if verdict.outcome == "posted" else verdict

    monkeypatch.setattr(client, "judge", translated)
    assert books.run(DAY).counts["failed"] == 1 and len(intacct.entries()) == 1
    monkeypatch.setattr(client, "judge", plain)
    result = books.run(DAY)
    assert result.counts["held"] == 1 and states(books) == ["HELD"] and len(intacct.entries()) == 1
    assert "yet has an entry with this reference" in str(result.entries[0]["error"])
    assert verify(books.context()).sound


def plain_unknown() -> Any:
    from revrec.intacct.catalogue import meaning_of

    return meaning_of("function", 200, [])


def test_a_refused_entry_that_cannot_be_looked_for_stays_as_it_is(strange: Any, intacct: Any) -> None:
    strange.run(DAY)
    intacct.admin("/switch", denied="read:GLBATCH")
    assert strange.run(DAY).counts["failed"] == 1 and states(strange) == ["REJECTED"]
    intacct.admin("/switch", denied="")
