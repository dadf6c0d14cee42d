"""What scripts rely on: keys, amounts and dates of JSON and CSV, and what goes to which stream."""

import csv
import io
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from support.commands import Revrec

AMOUNT = re.compile(r"-?\d+(\.\d+)?")
PREVIEW_LINE = {
    "charge", "document", "customer", "item", "rule", "method", "seq", "of", "date", "period", "amount", "currency",
    "deferred", "revenue", "accrued", "status", "entity", "entry_date", "reason",
}  # fmt: skip
PREVIEW_TOTAL = {
    "period", "currency", "amount", "posted", "planned", "awaiting_approval", "in_doubt", "needs_review", "blocked",
    "rejected",
}  # fmt: skip
RUN_ENTRY = {"reference", "date", "journal", "entity", "currency", "lines", "amount", "status", "record_no"}
FURTHER = {"schedule_lines", "error_no", "error", "advice", "recognized", "recognised", "reason"}


def test_preview_has_exactly_the_documented_keys(story: Path, revrec: Revrec) -> None:
    found = revrec("preview", "--from", "2024-01-01", "--to", "2024-04-30", "--format", "json").json
    assert found.keys() == {
        "from", "to", "basis", "lines", "totals", "costs", "unscheduled", "waiting", "undated", "allocations",
        "rule_changes", "summarized", "billing",
    }  # fmt: skip
    assert (found["from"], found["to"]) == ("2024-01-01", "2024-04-30")
    assert all(line.keys() == PREVIEW_LINE for line in found["lines"])
    assert all(total.keys() == PREVIEW_TOTAL for total in found["totals"])
    assert [one.keys() for one in found["unscheduled"]] == [
        {"charge", "customer", "item", "amount", "currency", "since", "age", "code", "reason"}
    ]


def test_preview_writes_amounts_as_decimal_strings_and_dates_in_iso(story: Path, revrec: Revrec) -> None:
    found = revrec("preview", "--format", "json").json
    for line in found["lines"]:
        assert isinstance(line["amount"], str) and AMOUNT.fullmatch(line["amount"])
        assert date.fromisoformat(line["date"]).isoformat().startswith(line["period"])
        assert isinstance(line["seq"], int) and isinstance(line["of"], int)
    assert {"2.00", "-10.00", "1850.00"} <= {line["amount"] for line in found["lines"]}


def test_the_totals_of_a_preview_are_the_sums_of_its_lines(story: Path, revrec: Revrec) -> None:
    from collections import Counter
    from decimal import Decimal

    found = revrec("preview", "--format", "json").json
    sums: Counter[tuple[str, str]] = Counter()
    for line in found["lines"]:
        sums[line["period"], line["currency"]] += Decimal(line["amount"])  # type: ignore[assignment]
    assert {(one["period"], one["currency"]): Decimal(one["amount"]) for one in found["totals"]} == sums


@pytest.mark.parametrize("dry", [True, False], ids=["dry run", "run"])
def test_run_has_the_documented_keys_and_says_why_an_entry_failed(story: Path, revrec: Revrec, dry: bool) -> None:
    found = revrec("run", "--date", "2024-01-31", "--format", "json", *(["--dry-run"] if dry else [])).json
    assert found.keys() == {
        "run", "runs", "date", "entries", "posted", "failed", "in_doubt", "held", "waiting", "awaiting_approval",
        "repaired", "invoices", "invoiced", "shared", "undated", "missing", "unknown_records", "not_looked_up",
        "rule_changes", "picked_up", "adjustments", "adjusted",
    }  # fmt: skip
    assert found["date"] == "2024-01-31"
    assert [entry.keys() for entry in found["entries"]] == [RUN_ENTRY | FURTHER] * 2
    assert [entry["amount"] for entry in found["entries"]] == ["2.00", "31.00"]
    assert {entry["status"] for entry in found["entries"]} == {"planned" if dry else "posted"}
    assert (found["run"] is None) == dry
    assert found["posted"] == (0 if dry else 2)


def test_trace_has_the_documented_keys(story: Path, revrec: Revrec) -> None:
    assert revrec("run", "--date", "2024-01-31").code == 0
    life = revrec("trace", "shop/INV-1001/1", "--format", "json").json
    assert life.keys() == {
        "charge",
        "credits",
        "earlier_rules",
        "credited_by",
        "bills",
        "billed_by",
        "source",
        "changes",
        "events",
        "rule",
        "unscheduled",
        "allocations",
        "historical",
        "schedule",
        "repairs",
        "invoices",
        "entries",
        "exchange",
        "audit",
    }
    assert life["source"].keys() >= {"uri", "sha256", "row", "imported_at", "actor"}
    assert life["rule"].keys() >= {"name", "version", "text", "explanation"}
    assert [entry["status"] for entry in life["entries"]] == ["posted"]
    entry = life["entries"][0]
    assert entry.keys() >= {"reference", "status", "record_no", "attempts"}
    assert [set(one) >= {"at", "control_id", "request", "response", "outcome"} for one in entry["attempts"]] == [True]
    assert life["charge"]["amount"] == "24.00"


def test_a_trace_that_means_several_charge_lines_is_a_list(story: Path, revrec: Revrec) -> None:
    lives = revrec("trace", "INV-1003", "--format", "json").json
    assert [life["charge"]["id"] for life in lives] == ["shop/INV-1003/1", "shop/INV-1003/2"]


JSON_CALLS: dict[str, tuple[list[str], set[str]]] = {
    "status": (
        ["status"],
        {
            "charges", "unscheduled", "quarantined", "open", "waiting", "next_date", "entries", "unscheduled_reasons",
            "closed_periods", "attention", "last_run", "invoices", "awaiting_invoice", "undated", "missing",
            "quarantined_amounts",
            "adjustments",
            "rule_changes",
            "documents",
            "failed_sources",
        },
    ),
    "invoice": (
        ["invoice", "--date", "2024-01-31", "--dry-run"],
        {
            "run", "date", "invoices", "posted", "failed", "in_doubt", "held", "waiting", "unknown_records",
            "not_looked_up",
        },
    ),
    "report balance": (
        ["report", "balance", "--date", "2024-01-31"],
        {
            "header", "rows", "checks",
            "date", "planned", "by", "contracts", "accounts", "totals", "moves", "closed", "late", "notes",
        },
    ),
    "report moves": (["report", "moves"], {"header", "rows", "checks", "moves"}),
    "postings list": (["postings", "list"], {"postings"}),
    "run list": (["run", "list"], {"runs"}),
    "charge list": (["charge", "list"], {"charges"}),
    "import list": (["import", "list"], {"imports"}),
    "audit list": (["audit", "list"], {"events"}),
    "rules history": (["rules", "history"], {"versions"}),
    "periods list": (["periods", "list"], {"periods"}),
    "periods close": (["periods", "close", "2024-01", "--reason", "reported"], {"periods"}),
    "periods open": (["periods", "open", "2024-01", "--reason", "late"], {"periods"}),
    "rules list": (["rules", "list"], {"rules", "repairs", "allocations", "costs"}),
    "rules check": (["rules", "check"], {"rules", "repairs", "problems", "warnings"}),
    "rules explain": (
        ["rules", "explain", "shop/INV-1001/1"],
        {"charge", "rules", "winner", "explanation", "unscheduled", "schedule", "waiting", "allocation"},
    ),
    "schedule": (["schedule"], {"applied", "charges", "changed", "unscheduled", "moved", "changes", "picked_up"}),
    "event add": (
        ["event", "add", "shop/INV-1005/1", "pod", "2024-05-02"],
        {"charge", "kind", "date", "dry_run", "changes", "months", "due", "warnings"},
    ),
    "db status": (["db", "status"], {"database", "revision", "needs", "current"}),
    "db upgrade": (["db", "upgrade"], {"database", "revision", "changed"}),
}  # fmt: skip


@pytest.mark.parametrize(("call", "keys"), JSON_CALLS.values(), ids=JSON_CALLS)
def test_the_other_commands_have_the_keys_of_the_manual(
    call: list[str], keys: set[str], story: Path, revrec: Revrec
) -> None:
    ended = revrec(*call, "--format", "json")
    assert ended.json.keys() == keys
    assert ended.err == ""


def test_import_shows_every_file_with_its_counts(story: Path, revrec: Revrec, charges: Callable[..., Path]) -> None:
    bad = charges("shop,I-9,1,C-ADA,MAG-01,2024-01-05,0.00,USD")
    ended = revrec("import", bad, "--format", "json")
    assert ended.code == 3
    [found] = ended.json["files"]
    assert found.keys() == {
        "file", "kind", "rows", "accepted", "unchanged", "rejected", "changed", "changes", "scheduled", "unscheduled",
        "quarantined", "dry_run", "refused", "passed_over", "outcome", "report", "warnings", "dates", "amounts",
        "without_amount", "waiting", "waits_for", "billing",
    }  # fmt: skip
    assert found["amounts"] == [
        {
            "currency": "USD",
            "accepted": "0.00",
            "unchanged": "0.00",
            "rejected": "0.00",
            "total": "0.00",
            "left_out": "0.00",
        }
    ]
    assert (found["rows"], found["accepted"], found["rejected"], found["outcome"]) == (1, 0, 1, "refused")
    [problem] = found["report"]
    assert problem.keys() == {"file", "row", "place", "field", "value", "reason", "fix", "mend"}
    assert (problem["row"], problem["field"], problem["value"]) == (2, "amount", "0.00")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["import", "nix.csv"], 3),
        (["rules", "check", "--config", "nix.toml"], 5),
        (["trace", "nothing"], 3),
        (["run", "--date", "2024-02-30"], 2),
        (["status", "--database", "sqlite:///nix.db"], 5),
        (["db", "backup", "revrec.db"], 3),
    ],
    ids=str,
)
def test_a_failure_never_puts_anything_but_json_on_standard_output(
    words: list[str], code: int, story: Path, revrec: Revrec
) -> None:
    ended = revrec("--format", "json", *words)
    assert ended.code == code
    assert ended.err or ended.json["files"][0]["refused"]
    assert ended.out == "" or ended.json


def test_broken_rules_are_json_too(books: Path, revrec: Revrec) -> None:
    (books / "rules" / "mine.toml").write_text('[[rule]]\nname = "x"\n', encoding="utf-8")
    ended = revrec("rules", "check", "--format", "json")
    assert ended.code == 3
    assert [problem.keys() for problem in ended.json["problems"]] == [{"file", "line", "column", "message"}]


CSV_CALLS = {
    "import": ["import", "charges.csv"],
    "preview": ["preview", "--date", "2024-04-30"],
    "run": ["run", "--date", "2024-01-31", "--dry-run"],
    "status": ["status"],
    "report balance": ["report", "balance", "--date", "2024-01-31"],
    "report balance of lines": ["report", "balance", "--date", "2024-01-31", "--show", "lines"],
    "report balance of accounts": ["report", "balance", "--date", "2024-01-31", "--show", "accounts"],
    "postings list": ["postings", "list"],
    "run list": ["run", "list"],
    "charge list": ["charge", "list"],
    "import list": ["import", "list"],
    "audit list": ["audit", "list"],
    "rules history": ["rules", "history"],
    "rules list": ["rules", "list"],
    "rules check": ["rules", "check"],
    "rules explain": ["rules", "explain", "shop/INV-1001/1"],
    "schedule": ["schedule"],
    "event add": ["event", "add", "shop/INV-1005/1", "pod", "2024-05-02"],
    "db status": ["db", "status"],
    "db upgrade": ["db", "upgrade"],
    "db backup": ["db", "backup", "copy.db"],
}


@pytest.mark.parametrize("call", CSV_CALLS.values(), ids=CSV_CALLS)
def test_csv_is_a_header_and_rows_of_its_length(
    call: list[str], story: Path, revrec: Revrec, charges: Callable[..., Path]
) -> None:
    charges("shop,I-9,1,C-ADA,MAG-01,2024-01-05,24.00,USD")
    ended = revrec(*call, "--format", "csv")
    assert ended.code == 0, ended.err
    header, *rows = csv.reader(io.StringIO(ended.out))
    assert len(header) == len(set(header)) and all(re.fullmatch("[a-z_0-9]+", name) for name in header)
    assert all(len(row) == len(header) for row in rows)


def test_a_trace_as_csv_is_a_usage_error(story: Path, revrec: Revrec) -> None:
    ended = revrec("trace", "shop/INV-1001/1", "--format", "csv")
    assert (ended.code, ended.out) == (2, "")


@pytest.mark.parametrize("evil", ["=cmd()", "+1+cmd", "-2+3", "@SUM(A1)", "=1-2"])
def test_text_that_a_spreadsheet_would_run_is_escaped_in_csv(
    evil: str, books: Path, revrec: Revrec, charges: Callable[..., Path]
) -> None:
    path = charges(f"shop,I-1,1,{evil},GOODS-30-A,2024-01-05,-12.00,USD")
    assert revrec("import", path).code == 0
    [row] = csv.DictReader(io.StringIO(revrec("preview", "--format", "csv").out))
    assert row["customer"] == f"'{evil}"
    assert row["amount"] == "-12.00", "a negative number stays a number"
    assert revrec("preview", "--format", "json").json["lines"][0]["customer"] == evil


@pytest.mark.parametrize("call", CSV_CALLS.values(), ids=CSV_CALLS)
def test_tables_off_a_terminal_have_no_escape_codes_and_no_spaces_at_their_ends(
    call: list[str], story: Path, revrec: Revrec, charges: Callable[..., Path]
) -> None:
    charges("shop,I-9,1,C-ADA,MAG-01,2024-01-05,24.00,USD")
    ended = revrec(*call)
    assert "\x1b" not in ended.out + ended.err
    assert [line for line in ended.out.splitlines() if line != line.rstrip()] == []


def test_problems_and_notes_go_to_standard_error_in_every_format(
    books: Path, revrec: Revrec, charges: Callable[..., Path]
) -> None:
    path = charges("shop,I-1,1,C-ADA,MAG-01,2024-01-05,0.00,USD")
    for form in ("table", "csv"):
        ended = revrec("import", path, "--format", form)
        assert "is zero" in ended.err and "is zero" not in ended.out.replace(ended.err, "")
