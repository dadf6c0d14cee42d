"""Reports as workbooks and pages: formulas that come to the same figures, hostile text that stays text."""

import csv
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from decimal import Decimal
from errno import ENOSPC
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from unittest import mock
from zipfile import ZipFile

import pytest
from lxml import etree

from revrec.cli import report_output
from revrec.cli.report_formats import long_sheet, page, workbook
from revrec.cli.report_output import show_json
from revrec.core.errors import BadInput
from revrec.core.report import Chart, Check, ColumnSum, Report, row_facts
from revrec.jobs.reports.long_rows import RowsOnDisk
from support.commands import Revrec

HOSTILE = '=HYPERLINK("http://evil.example","x")<script>alert(1)</script>'
SPREADSHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
SOFFICE = shutil.which("soffice")


def sample(*, right: int = 350, name: str = HOSTILE) -> Report:
    """Two months in two currencies, one of them without minor units."""
    columns = ("period", "currency", "customer", "opening", "billed", "closing")
    rows = [
        dict(zip(columns, row, strict=True))
        for row in (
            ("2024-01", "USD", name, "0.00", "4.50", "4.50"),
            ("2024-02", "USD", name, "4.50", "-1.00", "3.50"),
            ("2024-01", "JPY", "", "0", "700", "700"),
        )
    ]
    checks = [Check("billed", "USD", 350, right, ColumnSum("billed")), Check("billed", "JPY", 700, 700)]
    return Report(
        "Balances", {"report": "balances", "basis": "ledger", "rules": {"a.toml": "abc"}, "by": ["customer"]},
        columns, rows, checks,
        ("opening", "billed", "closing"), formulas={"closing": {"opening": 1, "billed": 1}},
        balances={"opening": "first", "closing": "last"}, chart=Chart("period", ("billed", "closing")),
    )  # fmt: skip


def written(report: Report, writer: object = workbook) -> bytes:
    file = BytesIO()
    writer.write_report(report, file)  # type: ignore[attr-defined]
    return file.getvalue()


def formulas(book: bytes, sheet: str) -> dict[str, str]:
    with ZipFile(BytesIO(book)) as archive:
        names = re.findall(r'<sheet name="([^"]+)"', archive.read("xl/workbook.xml").decode())
        tree = etree.fromstring(archive.read(f"xl/worksheets/sheet{names.index(sheet) + 1}.xml"))
    return {cell.get("r", ""): cell.findtext(f"{SPREADSHEET}f") or "" for cell in tree.iter(f"{SPREADSHEET}c")}


def test_sums_balances_and_checks_of_a_workbook_are_formulas() -> None:
    book = written(sample())
    usd = formulas(book, "USD")
    assert usd["F5"] == "ROUND(+D5+E5,2)" and usd["E7"] == "SUBTOTAL(109,$E$5:$E$6)"
    # A balance is not added up over periods: the total opens with the first one and closes by its formula.
    assert usd["D7"] == 'SUMIFS($D$5:$D$6,$A$5:$A$6,"2024-01")' and usd["F7"] == "ROUND(+D7+E7,2)"
    assert formulas(book, "JPY")["F5"] == "ROUND(+D5+E5,0)"
    checks = formulas(book, "Checks")
    assert checks["C2"] == "ROUND(SUM('USD'!$E$5:$E$6),2)" and checks["E2"] == "ROUND(C2-D2,2)"
    assert "SUMPRODUCT(--('Checks'!$E$2:$E$3<>0))" in formulas(book, "Summary").values()


def test_hostile_text_stays_text() -> None:
    book = written(sample())
    assert not any("HYPERLINK" in text for text in formulas(book, "USD").values())
    with ZipFile(BytesIO(book)) as archive:
        assert "HYPERLINK" in archive.read("xl/sharedStrings.xml").decode()
    text = written(sample(), page).decode()
    assert "<script" not in text and "&lt;script&gt;alert(1)" in text


def test_a_page_needs_no_network_and_has_its_figures_beside_the_chart() -> None:
    text = written(sample(), page).decode()
    addresses = re.findall(r"""(?:href=|src=|url\()\s*["']?([^"'\s)>]+)""", text)
    assert {one for one in addresses if not one.startswith("#")} == set()
    assert text.count("<svg") == 2 and "<h2" in text and "4.50" in text and "All 2 checks hold" in text
    HTMLParser().feed(text)
    assert written(sample(), page).decode() == text  # no random names
    assert "1 of 2 checks fails" not in text and "1 of 2 checks fail:" in written(sample(right=1), page).decode()


def test_an_amount_that_a_workbook_would_round_is_refused() -> None:
    huge = {"period": "2024-01", "currency": "USD", "customer": "", "opening": "0.00"}
    row = huge | {"billed": "12345678901234.56", "closing": "12345678901234.56"}
    with pytest.raises(BadInput, match=r"billed 12345678901234\.56 has more than 15 digits.*--format csv"):
        written(sample()._replace(rows=[row]))
    # Each row fits, and their total does not.
    half = huge | {"billed": "6000000000000.00", "closing": "6000000000000.00"}
    with pytest.raises(BadInput, match=r"the total of billed 12000000000000\.00 has more than 15 digits"):
        written(sample()._replace(rows=[half, half]))


def test_a_long_report_has_all_rows_in_its_workbook_and_the_first_ones_with_all_totals_on_its_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    short = written(sample())
    monkeypatch.setattr(workbook, "MOST_IN_MEMORY", 2)
    monkeypatch.setattr(page, "MOST_ROWS", 2)
    on_disk = sample()._replace(rows=RowsOnDisk(sample().rows))
    long = written(on_disk)
    for sheet in ("USD", "JPY", "Checks", "Summary"):
        assert formulas(long, sheet) == formulas(short, sheet)
    with ZipFile(BytesIO(long)) as archive:
        sheet = archive.read("xl/worksheets/sheet3.xml").decode()
        assert "HYPERLINK" in sheet and "<autoFilter" in sheet
        assert not any("/tables/" in name for name in archive.namelist())
    text = written(on_disk, page).decode()
    assert "1 of 3 rows are left out" in text and "Totals of all rows" in text and "<dt>rows</dt><dd>3</dd>" in text
    assert text.count("<td>2024-") == 2 and "<td>JPY</td>" in text
    monkeypatch.setattr(page, "MOST_ROWS", 3)
    assert "left out" not in written(on_disk, page).decode()


def test_the_rows_of_a_long_workbook_have_the_cells_of_a_short_one(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [HOSTILE, "a & b", " lead", "\x1b[1m", "_x001B_", "two\nlines", "Zoë", "x" * 40_000, "", "=1"]
    rows = [
        {"currency": "USD", "text": text, "no": no, "amount": f"-{no}.05", "base_currency": ("EUR", "JPY")[no % 2],
         "base": str(no)}
        for no, text in enumerate(texts)
    ]  # fmt: skip
    columns, header = ("currency", "text", "no", "amount", "base_currency", "base"), {"report": "r", "basis": "ledger"}
    report = Report("Rows", header, columns, rows, (), ("amount",), base=("base",))
    short = cells(written(report))
    monkeypatch.setattr(workbook, "MOST_IN_MEMORY", 2)
    monkeypatch.setattr(long_sheet, "MOST_TEXTS", 3)
    assert cells(written(report)) == short and short["D6"] == ("-1.05", "#,##0.00;[Red]-#,##0.00")
    assert short["F6"] == ("1.00", "#,##0;[Red]-#,##0")


def test_json_of_a_long_list_has_a_line_for_each_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = sample(name="\x1b[1m\u202eZoë")
    show_json(report)
    short = capsys.readouterr().out
    monkeypatch.setattr(report_output, "MOST_INDENTED", 2)
    show_json(report, row_facts(report))
    long = capsys.readouterr().out
    assert json.loads(long) == json.loads(short) and len(json.loads(long)["rows"]) == 3
    assert sum(line.startswith('    {"period"') for line in long.splitlines()) == 3
    assert all(one not in text for one in "\x1b\u202e" for text in (short, long))


def cells(book: bytes) -> dict[str, tuple[str, str]]:
    """Return the value and the number format of each cell of the first sheet of rows."""
    with ZipFile(BytesIO(book)) as archive:
        assert archive.testzip() is None
        parts = {name: etree.fromstring(archive.read(name)) for name in archive.namelist()}
    shared = [item.findtext(f"{SPREADSHEET}t") for item in parts["xl/sharedStrings.xml"].iter(f"{SPREADSHEET}si")]
    styles = parts["xl/styles.xml"]
    formats = {one.get("numFmtId"): one.get("formatCode") for one in styles.iter(f"{SPREADSHEET}numFmt")}
    kinds = [formats.get(one.get("numFmtId"), "General") for one in styles.iterfind(f"{SPREADSHEET}cellXfs/*")]
    found = {}
    for cell in parts["xl/worksheets/sheet2.xml"].iter(f"{SPREADSHEET}c"):
        value = cell.findtext(f"{SPREADSHEET}v") or "".join(map(str, cell.itertext()))
        # XlsxWriter writes -8.05 with 16 digits, as -8.050000000000001.
        text = value if cell.get("t") else f"{float(value):.2f}" if value else ""
        found[cell.get("r", "")] = (
            shared[int(value)] or "" if cell.get("t") == "s" else text,
            kinds[int(cell.get("s", "0"))] or "",
        )
    return {name: found[name] for name in found if int(re.sub("[A-Z]", "", name)) > workbook.HEAD + 1}


def test_a_workbook_that_cannot_be_finished_leaves_no_temporary_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(workbook, "MOST_IN_MEMORY", 2)
    huge = {**sample().rows[0], "billed": "12345678901234.56"}
    with pytest.raises(BadInput, match="more than 15 digits"):
        written(sample()._replace(rows=[*sample().rows, huge]))
    full = mock.Mock(side_effect=OSError(ENOSPC, "No space left on device"))
    monkeypatch.setattr("xlsxwriter.workbook.ZipFile", full)
    with pytest.raises(OSError, match="No space left"):
        written(sample())
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("story")
def test_files_of_reports_from_the_command_line(
    revrec: Revrec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    words = ("report", "rollforward", "--period", "2024-Q1")
    assert revrec(*words, "--output", str(out / "r.xlsx")).code == 0  # the end of the name is enough
    assert revrec(*words, "--format", "html", "--output", str(out / "r.page")).code == 0
    assert (out / "r.page").read_text().startswith("<!doctype html>")
    with monkeypatch.context() as patch:
        patch.setattr(page, "MOST_ROWS", 1)
        assert (
            "r.html: 2 of 3 rows are left out; --format csv lists all"
            in revrec(*words, "--output", str(out / "r.html")).err
        )
    digest = hashlib.sha256((out / "r.xlsx").read_bytes()).hexdigest()
    assert (out / "r.xlsx.sha256").read_text() == f"{digest}  r.xlsx\n"
    for name in ("balance --date 2024-03-31", "journal", "moves", "activity", "revenue", "rpo", "waterfall"):
        file = out / f"{name.split()[0]}.xlsx"
        assert revrec("report", *name.split(), "--output", str(file)).code == 0
        assert file.read_bytes()[:2] == b"PK"
    for listed in (words, ("report", "moves"), ("charge", "list")):
        assert revrec(*listed, "--output", str(out / "r.csv")).code == 0
        assert revrec(*listed, "--format", "csv").out == (out / "r.csv").read_text()
    assert revrec(*words, "--output", str(out / "r.json")).code == 0 and "rows" in json.loads(
        (out / "r.json").read_text()
    )
    assert revrec(*words, "--format", "table", "--output", str(out / "r.csv")).code == 0
    assert (out / "r.csv").read_text().startswith("Rollforward")
    for chosen, name in (("csv", "wrong.xlsx"), ("xlsx", "wrong.csv"), ("html", "wrong.xlsx")):
        for listed in (words, ("report", "journal"), ("report", "balance", "--date", "2024-03-31")):
            refused = revrec(*listed, "--format", chosen, "--output", str(out / name))
            assert refused.code == 2 and f"--format {chosen} cannot be combined with --output" in refused.err
            assert not (out / name).exists()
    no_report = revrec("charge", "list", "--output", str(out / "charges.xlsx"))
    assert no_report.code == 2 and "charges.xlsx: only reports can be written as xlsx" in no_report.err
    missing = revrec(*words, "--format", "xlsx")
    assert missing.code == 2 and "--format xlsx needs a file: add --output FILE.xlsx" in missing.err
    refused = revrec("--format", "html", "status")
    assert refused.code == 2 and "--format html: only reports" in refused.err


@pytest.mark.slow
@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice (Debian package libreoffice-calc-nogui) is not installed")
@pytest.mark.usefixtures("story", "signed_in")
def test_libreoffice_recalculates_every_workbook_to_the_same_cents(revrec: Revrec, tmp_path: Path) -> None:
    assert revrec("run", "--date", "2024-04-30").code == 0
    out = tmp_path / "out"
    out.mkdir()
    span = ("--from", "2024-01", "--to", "2024-04")
    for words in (("rollforward", *span), ("revenue", *span), ("activity", *span), ("rpo", "--date", "2024-04-30"),
                  ("waterfall", "--date", "2024-04-30")):  # fmt: skip
        file, report = out / f"{words[0]}.xlsx", ("report", *words)
        assert revrec(*report, "--output", str(file)).code == 0
        expected = revrec(*report, "--format", "json").json
        _without_values(file)
        rows = _recalculated(file, "USD")[3:]
        for row, wanted in zip(rows[1:-1], expected["rows"], strict=True):
            for name, value in wanted.items():
                assert _same(row[rows[0].index(name)], value), (words, name)
        for row, check in zip(_recalculated(file, "Checks")[1:], expected["checks"], strict=True):
            assert all(
                _same(cell, check[name]) for name, cell in zip(("left", "right", "difference"), row[2:], strict=True)
            )


def _same(cell: str, value: object) -> bool:
    text = str(value)
    return cell == text or (re.fullmatch(r"-?\d+\.?\d*", text) is not None and Decimal(cell) == Decimal(text))


def _without_values(file: Path) -> None:
    """Remove the stored results of formulas, so that only what LibreOffice computes can be right."""
    with ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with ZipFile(file, "w") as archive:
        for name, part in parts.items():
            is_sheet = name.startswith("xl/worksheets/sheet")
            archive.writestr(name, re.sub(rb"</f><v>[^<]*</v>", b"</f>", part) if is_sheet else part)


def _recalculated(file: Path, sheet: str) -> list[list[str]]:
    folder = file.parent / file.stem
    if not folder.exists():
        profile = (file.parent / "profile").as_uri()
        as_csv = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
        assert SOFFICE is not None
        subprocess.run(
            [SOFFICE, f"-env:UserInstallation={profile}", "--headless", "--convert-to", as_csv, "--outdir", folder,
             file],
            check=True, capture_output=True, timeout=300,
        )  # fmt: skip
    with (folder / f"{file.stem}-{sheet}.csv").open(encoding="utf-8", newline="") as table:
        return list(csv.reader(table))
