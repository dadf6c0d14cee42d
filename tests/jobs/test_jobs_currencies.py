"""Foreign currencies: what goes to Intacct beside the amount, from the file to the ledger."""

import pytest

from revrec.jobs.admin.verify import verify
from support.books import Books, MakeRow


@pytest.mark.both_databases
def test_a_magazine_billed_in_euro_is_earned_at_the_rate_of_its_invoice(books: Books, row: MakeRow) -> None:
    books.take(row("INV-1", currency="EUR", post_date="2024-01-05"), row("INV-2", post_date="2024-01-05"))
    assert books.run("2024-03-31").complete
    requests = [text for (text,) in books.sql("SELECT request FROM attempt ORDER BY id") if "<GLENTRY>" in text]
    euro, dollar = ([text for text in requests if f"<CURRENCY>{one}<" in text] for one in ("EUR", "USD"))
    assert len(euro) == len(dollar) == 3
    for text in euro:
        assert text.count("<EXCH_RATE_DATE>01/05/2024</EXCH_RATE_DATE>") == 2
        assert text.count("<EXCH_RATE_TYPE_ID>Intacct Daily Rate</EXCH_RATE_TYPE_ID>") == 2
    assert not any("EXCH_RATE" in text for text in dollar)
    assert verify(books.context("verify")).sound


@pytest.mark.parametrize("word", ["recognized", "recognised"])
def test_the_rate_of_the_entry_s_date_is_a_setting_under_its_former_name_too(
    word: str, books: Books, row: MakeRow
) -> None:
    config = books.folder / "revrec.toml"
    config.write_text(f'{config.read_text()}\n[gateway]\nrate_date = "{word}"\n')
    books.take(row("INV-1", currency="EUR"))
    assert books.run("2024-01-31").complete
    ((request,),) = books.sql("SELECT request FROM attempt WHERE request LIKE '%<GLENTRY>%'")
    assert "EXCH_RATE_DATE" not in request and request.count("EXCH_RATE_TYPE_ID") == 4
