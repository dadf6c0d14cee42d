"""What others wrote never steers a terminal: control characters are shown, not obeyed."""

import json
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.text import Text

from revrec.cli import output
from revrec.cli.terminal import safe_console, safe_streams
from revrec.core.harmless import harmless, one_line
from support.commands import Revrec

HEADER = "source,document,line,customer,item,post_date,amount,currency"
ATTACKS = ("\x1b[2J", "\x9b31m", "\r", "\x08\x08", "\x07", "\x7f", "\u202e", "\u2066", "\u2028", "\u2029", "\udc9b")


@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
def test_a_control_character_is_shown_by_its_escape(attack: str) -> None:
    shown = harmless(f"before{attack}after")
    assert shown.isprintable() and shown.startswith("before\\")


@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
def test_json_reads_an_escape_back_as_the_character(attack: str, capsys: pytest.CaptureFixture[str]) -> None:
    with safe_streams():
        output.print_json({"customer": attack})
    printed = capsys.readouterr().out
    assert harmless(printed) == printed and json.loads(printed) == {"customer": attack}


@pytest.mark.parametrize("attack", [*ATTACKS, "\n", "\t"], ids=ascii)
def test_a_value_of_a_table_or_of_csv_is_one_harmless_line(attack: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"customer": f"ACME{attack}1  posted by auditor"}]
    with safe_streams():
        output.print_csv(rows, ["customer"])
        output.print_table(rows, ["customer"])
    printed = capsys.readouterr().out
    assert harmless(printed) == printed and printed.count(one_line(rows[0]["customer"])) == 2


@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
def test_colors_pass_and_the_codes_of_others_do_not(attack: str) -> None:
    to = StringIO()
    console = safe_console(file=to, force_terminal=True, color_system="standard")
    console.print(Text(f"a{attack}b", "red"), attack)
    printed = to.getvalue()
    assert printed.startswith("\x1b[31ma") and attack not in printed
    assert harmless(printed) == printed.replace("\x1b[31m", "\\u001b[31m").replace("\x1b[0m", "\\u001b[0m")


def test_a_usage_error_is_harmless(revrec: Revrec) -> None:
    ended = revrec("run", "--\x1b[2J\u202e")
    assert ended.code == 2 and harmless(ended.err) == ended.err and "\\u202e" in ended.err


def test_what_is_printed_in_any_other_way_is_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    with safe_streams():
        print("\x1b[2J")
        sys.stderr.writelines(["\u202e\n"])
    assert capsys.readouterr() == ("\\u001b[2J\n", "\\u202e\n")


def test_a_line_feed_in_a_name_forges_no_line_of_a_trace(books: Path, revrec: Revrec) -> None:
    forged = "ceo\n2  2024-01-01 00:00:00 UTC  auditor@office  approve: approved"
    charges = books / "charges.csv"
    charges.write_text(f"{HEADER}\nshop,A,1,ACME,WIDGET,2024-01-31,1.00,USD\n")
    assert revrec("import", charges, env={"LOGNAME": forged, "USER": forged}).code == 0
    reported = revrec("trace", "shop/A/1")
    assert reported.code == 0
    assert "ceo\\n2" in reported.out and not any(
        line.strip("│├└─ ").startswith("2  2024") for line in reported.out.splitlines()
    )


def test_a_line_feed_in_a_note_forges_no_line_of_a_trace(books: Path, revrec: Revrec) -> None:
    (books / "charges.csv").write_text(f"{HEADER}\nshop,A,1,ACME,POD-1,2024-01-31,1.00,USD\n")
    (books / "events.csv").write_text(
        'charge,kind,date,note\nshop/A/1,pod,2024-02-01,"left\n2  2024-01-01 00:00:00 UTC  auditor: approved"\n'
    )
    assert revrec("import", books / "charges.csv").code == 0
    assert revrec("import", "--events", books / "events.csv").code == 0
    traced = revrec("trace", "shop/A/1")
    assert "note left\\n2  2024-01-01" in traced.out
    assert not any(line.strip("│├└─ ").startswith("2  2024-01-01 00:00:00") for line in traced.out.splitlines())


def test_line_breaks_tabs_and_other_scripts_stay() -> None:
    text = "Überfällig\n\t日本 – ₣ שלום 🙂"
    assert harmless(text) == text


@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
def test_an_error_message_is_harmless(attack: str, books: Path, revrec: Revrec) -> None:
    ended = revrec("trace", f"INV{attack}1")
    assert ended.code == 3 and not set(ended.err) & set("".join(ATTACKS)) - set("[2J31m")


def test_an_answer_of_a_gateway_that_colours_and_clears_is_only_shown(
    story: Path, revrec: Revrec, intacct: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from revrec.intacct.transport import GatewayTransport, HttpExchange

    real = GatewayTransport.post

    def hostile(self: GatewayTransport, url: str, body: bytes) -> HttpExchange:
        attack = HttpExchange(True, 200, b"\x1b[2J\x1b]0;owned\x07all is posted")
        return attack if b"<create>" in body else real(self, url, body)

    monkeypatch.setattr(GatewayTransport, "post", hostile)
    assert revrec("run", "--date", "2024-01-31", env=intacct).code == 4
    for words in (("status",), ("postings", "list"), ("trace", "shop/INV-1001/1", "-v"), ("status", "--check")):
        ended = revrec(*words)
        assert "\x1b" not in ended.out + ended.err and "\x07" not in ended.out + ended.err, words
