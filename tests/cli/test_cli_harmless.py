"""What others wrote never steers a terminal: control characters are shown, not obeyed."""

from pathlib import Path
from typing import Any

import pytest

from revrec.cli.harmless import harmless

ATTACKS = ("\x1b[2J", "\x9b31m", "\r", "\x08\x08", "\x07", "\u202e", "\u2066")


@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
def test_a_control_character_is_shown_by_its_escape(attack: str) -> None:
    shown = harmless(f"before{attack}after")
    assert shown.isprintable() and shown.startswith("before\\")


def test_line_breaks_tabs_and_other_scripts_stay() -> None:
    text = "Überfällig\n\t日本 – ₣ שלום 🙂"
    assert harmless(text) == text


@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
def test_an_error_message_is_harmless(attack: str, books: Path, revrec: Any) -> None:
    ended = revrec("trace", f"INV{attack}1")
    assert ended.code == 3 and not set(ended.err) & set("\x1b\x9b\r\x08\x07\u202e\u2066")


def test_an_answer_of_a_gateway_that_colours_and_clears_is_only_shown(
    story: Path, revrec: Any, intacct: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from revrec.intacct.transport import Exchange, Transport

    real = Transport.post

    def hostile(self: Transport, url: str, body: bytes) -> Exchange:
        attack = Exchange(True, 200, b"\x1b[2J\x1b]0;owned\x07all is posted")
        return attack if b"<create>" in body else real(self, url, body)

    monkeypatch.setattr(Transport, "post", hostile)
    assert revrec("run", "--date", "2024-01-31", env=intacct).code == 4
    for words in (("status",), ("postings", "list"), ("trace", "shop/INV-1001/1", "-v"), ("status", "--check")):
        ended = revrec(*words)
        assert "\x1b" not in ended.out + ended.err and "\x07" not in ended.out + ended.err, words
