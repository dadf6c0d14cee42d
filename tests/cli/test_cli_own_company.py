"""The user's own chart of accounts in the sandbox, and dry runs that name what Intacct does not know."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.commands import Revrec

CHART = "Account no,Title,Type\n2400,Deferred revenue,Liability\n4000,Sales,Revenue\n"


@pytest.fixture
def configured(story: Path) -> Callable[[str], None]:
    """Set ``[sandbox] company`` in the books of the sample story."""

    def write(value: str) -> None:
        config = story / "revrec.toml"
        text = config.read_text(encoding="utf-8")
        assert text.count('\n# company = ""\n') == 1
        config.write_text(text.replace('\n# company = ""\n', f'\ncompany = "{value}"\n'), encoding="utf-8")

    return write


def dry_run(revrec: Revrec) -> list[tuple[str, str, bool]]:
    """Return what a dry run says is unknown: kind, id, and whether it is only inactive."""
    found = revrec("run", "--date", "2024-03-31", "--dry-run", "--format", "json").json
    assert found["not_looked_up"] == ""
    return [(one["kind"], one["id"], one["inactive"]) for one in found["unknown_records"]]


def test_a_dry_run_has_no_warning_if_the_sandbox_knows_everything(story: Path, revrec: Revrec) -> None:
    assert dry_run(revrec) == []


def test_a_dry_run_names_accounts_that_the_users_chart_does_not_have(
    story: Path, configured: Callable[[str], None], revrec: Revrec
) -> None:
    (story / "chart.csv").write_text(CHART.replace("2400", "2300"), encoding="utf-8")
    configured("chart.csv")
    assert dry_run(revrec) == [("account", "2400", False)]
    said = revrec("run", "--date", "2024-03-31", "--dry-run")
    assert said.code == 0
    assert "account 2400 is not in Intacct, and 13 entries name it; create it there, or correct the rules" in said.err


def test_what_the_dry_run_names_is_what_the_run_is_refused_for(
    story: Path, configured: Callable[[str], None], revrec: Revrec
) -> None:
    (story / "chart.csv").write_text(CHART, encoding="utf-8")
    configured("chart.csv")
    assert dry_run(revrec) == []
    assert revrec("run", "--date", "2024-03-31").code == 0


def test_customers_are_compared_if_the_file_has_customers(
    story: Path, configured: Callable[[str], None], revrec: Revrec
) -> None:
    (story / "own.csv").write_text("kind,id,name\ncustomer,C-ADA,Ada\n", encoding="utf-8")
    configured("own.csv")
    found = dry_run(revrec)
    assert {("customer", "C-BRUNO", False), ("customer", "C-CHEN", False)} <= set(found)
    assert ("customer", "C-ADA", False) not in found


def test_the_company_of_the_rules_has_what_they_and_the_settings_post_to(
    story: Path, configured: Callable[[str], None], revrec: Revrec, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured("rules")
    monkeypatch.setenv("REVREC_EXCHANGE_GAIN_OR_LOSS_ACCOUNT", "7800")
    monkeypatch.setenv("REVREC_PRESENTATION_CONTRACT_ASSETS", "2400: 1200")
    assert dry_run(revrec) == []
    written = (story / "sandbox.db.company.csv").read_text(encoding="utf-8").splitlines()
    assert written[1:] == [
        "account,2400,Deferred revenue,balancesheet,credit,",
        "account,4000,Revenue,incomestatement,credit,",
        "journal,RR,Revenue recognition,,,",
        "account,7800,Exchange gains and losses,incomestatement,credit,",
        "account,1200,Contract assets,balancesheet,debit,",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Title,Type\nSales,Revenue\n", "has no column of ids; name it id, account or number"),
        ("kind,id,name\nacount,1,Cash\n", 'row 2: kind "acount": expected one of account, '),
        ("kind,id,name\naccount,,Cash\n", "row 2: has no id"),
        ("kind,id,name\naccount,1,Cash\nTotal,,\n", "row 3 is not a record"),
        ("", "the file is empty"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_row(
    story: Path, configured: Callable[[str], None], revrec: Revrec, content: str, message: str
) -> None:
    (story / "own.csv").write_text(content, encoding="utf-8")
    configured("own.csv")
    ended = revrec("run", "--date", "2024-03-31")
    assert ended.code == 5
    assert message in ended.err


def test_without_an_answer_the_dry_run_says_that_nothing_was_looked_up(story: Path, revrec: Revrec) -> None:
    ended = revrec("run", "--date", "2024-03-31", "--dry-run", env={"INTACCT_ENDPOINT_URL": "http://127.0.0.1:9/"})
    assert ended.code == 0
    assert "warning: records were not looked up in Intacct: " in ended.err
    assert "dry run for 2024-03-31: 13 entries would be posted" in ended.out


def test_a_dry_run_looks_up_customers_in_a_real_company(story: Path, revrec: Revrec, intacct: dict[str, str]) -> None:
    found = revrec("run", "--date", "2024-01-31", "--dry-run", "--format", "json", env=intacct).json
    assert ("customer", "C-ADA") in {(one["kind"], one["id"]) for one in found["unknown_records"]}
