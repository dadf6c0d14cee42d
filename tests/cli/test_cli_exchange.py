"""``revrec report exchange --post``: exchange differences go to the account that is configured, when a person asks."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from support.commands import SAMPLES, Revrec

REPORT = ("report", "exchange", "--date", "2024-03-31")
RATES = {"REVREC_GATEWAY_RATES": str(SAMPLES / "exchange" / "rates.csv")}
POSTED = {**RATES, "REVREC_EXCHANGE_GAIN_OR_LOSS_ACCOUNT": "7800"}


@pytest.mark.parametrize(
    ("code", "words", "env", "said"),
    [
        (2, ["--dry-run"], POSTED, "--dry-run is for --post"),
        (2, ["--post", "--customer", "C-ADA"], POSTED, "--post posts the differences of all charge lines"),
        (2, ["--post", "--known", "2024-03-31"], POSTED, "--post cannot be combined with --known"),
        (5, ["--post"], RATES, "set gain_or_loss_account in [exchange]"),
        (5, ["--post"], {"REVREC_EXCHANGE_GAIN_OR_LOSS_ACCOUNT": "7800"}, 'set rates = "rates.csv" in [gateway]'),
    ],
)
@pytest.mark.usefixtures("books")
def test_what_cannot_be_posted_is_refused_with_the_fix(
    revrec: Revrec, code: int, words: list[str], env: Mapping[str, str], said: str
) -> None:
    refused = revrec(*REPORT, *words, env=env)
    assert refused.code == code and said in refused.err


@pytest.mark.usefixtures("signed_in")
def test_programs_get_the_entries_as_json_and_csv(books: Path, revrec: Revrec) -> None:
    (books / "rules" / "work.toml").write_text((SAMPLES / "exchange" / "work.toml").read_text())
    assert revrec("import", SAMPLES / "exchange" / "charges.csv").code == 0
    assert revrec("run", "--date", "2024-01-31").code == 0
    planned = revrec(*REPORT, "--post", "--dry-run", "--format", "csv", env=POSTED)
    assert planned.code == 0 and ",shop/INV-4001/1 2400,USD,10.00,planned," in planned.out
    posted = revrec(*REPORT, "--post", "--format", "json", env=POSTED).json
    (entry,) = posted["adjustments"]
    assert (entry["kind"], entry["day"], entry["amount"], entry["status"]) == (
        "exchange", "2024-03-31", "10.00", "posted",
    )  # fmt: skip
    assert "exchange gain of 10.00 USD cleared from 2400" in revrec("trace", "shop/INV-4001/1").out
    again = revrec(*REPORT, "--post", env=POSTED)
    assert again.code == 0 and "nothing left to post" in again.out
