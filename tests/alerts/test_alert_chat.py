"""Chat, against a real web hook; the contents of a channel's URL never appear in a message."""

import logging
import sys

import pytest

from revrec.alerts import AlertFailed
from revrec.alerts.chat import channel_name, send_chat
from revrec.alerts.digest import AlertMessage
from support.mail import WebHook

DIGEST = AlertMessage("revrec ACME: 1 failed", "RRD1 *not bold* <b>Zürich</b>\n")
TOKEN = "t0ken4711"


def refusal(url: str, timeout: float = 60.0) -> str:
    with pytest.raises(AlertFailed) as refused:
        send_chat(channel_name(1, url), url, DIGEST, timeout)
    assert TOKEN not in str(refused.value) and refused.value.__cause__ is None
    return str(refused.value)


def test_a_channel_on_this_machine_gets_subject_and_body(hook: WebHook) -> None:
    send_chat("channel 1 (json)", f"json://127.0.0.1:{hook.server_port}/{TOKEN}", DIGEST)
    (received,) = hook.received
    assert (received["title"], received["message"].rstrip("\n")) == (DIGEST.subject, DIGEST.body.rstrip("\n"))


def test_a_refusal_by_a_service_is_reported_and_nothing_of_it_is_printed(
    hook: WebHook, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    hook.status = 500
    assert "did not accept the alert" in refusal(f"json://127.0.0.1:{hook.server_port}/{TOKEN}?retry=0")
    assert capfd.readouterr() == ("", "") and TOKEN not in caplog.text
    assert logging.getLogger("apprise").propagate is False


def test_a_service_that_says_nothing_costs_no_more_than_three_time_outs(silent_port: int) -> None:
    assert "did not finish within 0.3 s" in refusal(f"json://127.0.0.1:{silent_port}/{TOKEN}", 0.3)


@pytest.mark.parametrize("url", [f"bogus://{TOKEN}", TOKEN, f"slack://{TOKEN}", ""])
def test_an_invalid_service_url_is_reported_by_its_place(url: str) -> None:
    assert "channel 1 (" in refusal(url) and "correct it in REVREC_ALERTS_URLS" in refusal(url)


def test_certificates_are_always_verified() -> None:
    assert "remove verify=no" in refusal(f"jsons://chat.example/{TOKEN}?verify=no")


@pytest.mark.parametrize("scheme", ["json", "xml", "gotify"])
def test_without_tls_only_this_machine_gets_alerts(scheme: str) -> None:
    assert f"write its URL with {scheme}s://" in refusal(f"{scheme}://chat.example/{TOKEN}")


def test_without_the_library_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert '-m pip install "revrec[alerts]"' in refusal(f"json://127.0.0.1:1/{TOKEN}")


def test_a_channel_is_named_by_place_and_kind_alone() -> None:
    assert channel_name(2, f"slack://{TOKEN}/b/c") == "channel 2 (slack)"
    assert channel_name(3, TOKEN) == "channel 3 (no URL)"
