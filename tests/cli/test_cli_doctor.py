"""``revrec doctor`` prints each finding as it comes, and ends with 5 if one failed."""

import json
from pathlib import Path

from support.commands import Revrec


def test_new_books_are_healthy(story: Path, revrec: Revrec) -> None:
    ended = revrec("doctor")
    assert ended.code == 0, ended.out
    lines = ended.out.splitlines()
    assert lines[0] == "ok       configuration  revrec.toml"
    assert [line.split()[0] for line in lines] == ["ok"] * 24


def test_a_failure_is_shown_with_its_mend_and_ends_with_5(story: Path, revrec: Revrec, intacct: dict[str, str]) -> None:
    rules = story / "rules" / "mine.toml"
    rules.write_text('[[rule]]\nname = "m"\npriority = 999\n[rule.when]\nitem = "ZZZ"\n[rule.recognize]\n')
    rules.write_text(rules.read_text() + 'method = "rev_rec_date"\n[rule.post]\naccrued = "9999"\n')
    ended = revrec("doctor", env=intacct)
    assert ended.code == 5
    assert (
        "FAILED   accounts       not in Intacct: 9999\n" + " " * 24 + "create or activate them in Intacct" in ended.out
    )
    assert intacct["INTACCT_USER_PASSWORD"] not in ended.out


def test_for_programs_each_finding_has_the_same_keys(books: Path, revrec: Revrec) -> None:
    (books / "revrec.db").unlink()
    ended = revrec("doctor", "--format", "json")
    assert ended.code == 5 and list(ended.json) == ["checks"]
    assert all(list(one) == ["name", "state", "detail", "fix", "mend"] for one in ended.json["checks"])
    assert [one["name"] for one in ended.json["checks"] if one["state"] == "failed"] == ["database"]
    assert revrec("doctor", "--format", "csv").out.startswith("name,state,detail,fix\n")


def test_a_broken_configuration_is_a_finding_too(books: Path, revrec: Revrec) -> None:
    (books / "revrec.toml").write_text("[nonsense]\n", encoding="utf-8")
    ended = revrec("doctor")
    assert ended.code == 5 and ended.out.startswith('FAILED   configuration  revrec.toml: unknown key "nonsense"')


def test_a_probe_prints_its_answers_writes_its_report_and_a_sandbox_can_be_served_alike(
    books: Path, revrec: Revrec
) -> None:
    ended = revrec("doctor", "--probe", "--report", "probe.json", "--location", "100")
    assert ended.code == 0, ended.err
    assert "1  a control id used again" in ended.out and "refused with SIM-DUPLICATE-CONTROLID" in ended.out
    assert ended.out.splitlines()[-1].endswith("8 entries and orders created, 8 of them deleted")
    report = json.loads((books / "probe.json").read_text())
    assert report["switches"]["max_reference"] == 20 and report["left"] == []
    wrong = revrec("sandbox", "serve", "--like", "revrec.toml")
    assert wrong.code == 3 and "cannot be read as a probe report" in wrong.err
    assert revrec("doctor", "--probe", "--format", "json").json["company"] == "REVREC-sandbox"


def test_a_probe_of_a_company_that_is_no_sandbox_is_refused(
    story: Path, revrec: Revrec, intacct: dict[str, str]
) -> None:
    ended = revrec("doctor", "--probe", env={**intacct, "INTACCT_COMPANY_ID": "ACME"})
    assert ended.code == 5 and "does not look like a sandbox company" in ended.err and ended.out == ""


def test_what_belongs_to_a_probe_is_not_accepted_without_it(books: Path, revrec: Revrec) -> None:
    ended = revrec("doctor", "--post")
    assert ended.code == 2 and "need --probe" in ended.err
