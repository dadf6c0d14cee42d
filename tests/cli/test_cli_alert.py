"""A run alerts people: one digest each, only as configured; and whatever happens to it, the run ends as it ends."""

import json
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from filelock import FileLock

from support.commands import Revrec

LINE = "shop,I-1,1,C-ADA,GOODS-30-A,2024-01-05,12.00,USD"
RULE = """[[rule]]
name = "mine"
priority = 900
[rule.when]
item = "GOODS-30-B"
[rule.recognize]
method = "fixed_offset"
offset = "31 days"
[rule.post]
accrued = "9999"
"""
PASSWORD = "s3cret-4711"


class MailServer:
    """A mail server on the loopback that keeps what it takes, and the passwords it is given."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.passwords: list[str] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 taken"

    def check(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        self.passwords.append(data.password.decode())
        return AuthResult(success=True)


@pytest.fixture
def box(closed_port: int) -> Iterator[MailServer]:
    made = MailServer()
    controller = Controller(
        made, "127.0.0.1", closed_port, authenticator=made.check, auth_require_tls=False, server_hostname="test"
    )
    controller.start()
    yield made
    controller.stop(no_assert=True)


@pytest.fixture
def closed_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def alerts(books: Path, closed_port: int) -> Callable[..., None]:
    """Writes the section [alerts], mail going to the loopback."""

    def write(**changes: str) -> None:
        keys = {"host": "127.0.0.1", "tls": "none", "from": "revrec@example.com", "to": "ann@example.com", **changes}
        config = books / "revrec.toml"
        text = config.read_text(encoding="utf-8").partition("\n[alerts]")[0]
        more = "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
        config.write_text(f"{text}\n[alerts]\nport = {closed_port}\n{more}", encoding="utf-8")

    return write


@pytest.fixture
def trouble(books: Path, revrec: Revrec, charges: Callable[..., Path]) -> None:
    """Two lines are due, one of them with an account that Intacct does not have."""
    (books / "rules" / "mine.toml").write_text(RULE, encoding="utf-8")
    assert revrec("import", charges(LINE, LINE.replace("I-1", "I-2").replace("-A,", "-B,"))).code == 0


def body(mail: EmailMessage) -> str:
    return str(mail.get_content()).replace("\r\n", "\n")


@pytest.mark.usefixtures("trouble")
def test_a_run_that_leaves_something_to_settle_sends_one_digest(box: MailServer, alerts: Any, revrec: Revrec) -> None:
    alerts()
    ended = revrec("run", "--date", "2024-04-30", "--format", "json")
    assert ended.code == 4 and ended.json["failed"] == 1 and "warning" not in ended.err
    (mail,) = box.mails
    assert mail["Subject"] == "revrec REVREC-sandbox: 1 failed, 1 posted (run 1 for 2024-04-30)"
    (failed,) = [one for one in ended.json["entries"] if one["status"] == "rejected"]
    for part in (failed["reference"], "12.00 USD", failed["error"], failed["advice"], "Next: Follow the advice"):
        assert part in body(mail)
    assert "C-ADA" not in body(mail)


@pytest.mark.usefixtures("trouble")
def test_what_is_blocked_by_a_closed_period_is_reported_with_the_reason(
    box: MailServer, alerts: Any, revrec: Revrec
) -> None:
    alerts()
    assert revrec("periods", "close", "2024-02", "2024-03", "2024-04", "--reason", "reported").code == 0
    assert revrec("run", "--date", "2024-04-30").code == 4
    (mail,) = box.mails
    for part in ("2 blocked", "no entry", "closed period", "closed here by", "closed_period in [posting]"):
        assert part in f"{mail['Subject']} {body(mail)}"


@pytest.mark.usefixtures("trouble")
@pytest.mark.parametrize(("when", "good", "bad"), [("problems", 0, 1), ("always", 1, 1), ("never", 0, 0)])
def test_who_is_alerted_is_a_setting(
    box: MailServer, alerts: Any, revrec: Revrec, when: str, good: int, bad: int
) -> None:
    alerts(when=when)
    assert revrec("run", "--date", "2024-01-31").code == 0
    assert len(box.mails) == good
    assert revrec("run", "--date", "2024-04-30").code == 4
    assert len(box.mails) == good + bad


@pytest.mark.usefixtures("trouble")
def test_no_alert_is_sent_for_a_dry_run_or_of_one_that_finds_another_at_work(
    box: MailServer, books: Path, alerts: Any, revrec: Revrec
) -> None:
    alerts(when="always")
    assert revrec("run", "--date", "2024-04-30", "--dry-run").code == 0
    with FileLock(books.resolve() / "revrec.db.run-lock"):
        assert revrec("run", "--date", "2024-04-30").code == 6
    assert box.mails == []


@pytest.mark.usefixtures("trouble")
@pytest.mark.parametrize("broken", ["down", "address", "library"])
def test_an_alert_that_fails_is_a_warning_and_the_run_ends_as_it_ends(
    alerts: Any, revrec: Revrec, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts(**({"to": "nobody"} if broken == "address" else {}))
    if broken == "library":
        monkeypatch.setattr("revrec.alerts.mail.send_mail", lambda *_: 1 / 0)
    ended = revrec("run", "--date", "2024-04-30", "--format", "json")
    assert ended.code == 4 and ended.json["posted"] == 1
    assert ended.err.count("revrec: warning: alert not sent") == 1


def test_a_run_that_cannot_sign_in_is_reported_without_the_password(
    box: MailServer, story: Path, closed_port: int, revrec: Revrec, intacct: dict[str, str]
) -> None:
    host = {
        "host": "127.0.0.1",
        "port": str(closed_port),
        "tls": "none",
        "from": "r@example.com",
        "to": "a@example.com",
    }
    settings = {f"REVREC_ALERTS_{name.upper()}": value for name, value in host.items()}
    ended = revrec("run", "--date", "2024-01-31", env={**intacct, **settings, "INTACCT_USER_PASSWORD": PASSWORD})
    assert ended.code == 5
    (mail,) = box.mails
    assert "the run for 2024-01-31 stopped: Intacct refused the sign-in" in mail["Subject"]
    assert PASSWORD not in mail.as_string() and PASSWORD not in body(mail)


def test_something_unforeseen_is_reported_by_its_kind_alone(
    box: MailServer, alerts: Any, revrec: Revrec, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts()
    nothing: dict[str, str] = {}
    monkeypatch.setattr("revrec.jobs.running.run.run", lambda *_, **__: nothing[PASSWORD])
    assert revrec("run", "--date", "2024-01-31").code == 1
    (mail,) = box.mails
    assert mail["Subject"].endswith("the run for 2024-01-31 stopped: unexpected KeyError")
    assert PASSWORD not in body(mail)


def test_a_database_that_is_gone_is_reported(box: MailServer, books: Path, alerts: Any, revrec: Revrec) -> None:
    alerts()
    (books / "revrec.db").unlink()
    assert revrec("run", "--date", "2024-01-31").code == 5
    assert "there is no database here" in box.mails[0]["Subject"]


def test_alert_test_shows_each_channel_and_says_so(box: MailServer, alerts: Any, revrec: Revrec) -> None:
    alerts()
    ended = revrec("alert", "test")
    assert (ended.code, ended.out) == (0, "mail: sent\n")
    assert box.mails[0]["Subject"] == "revrec REVREC-sandbox: test of the alerts"
    ended = revrec("alert", "test", "--format", "json", env={"REVREC_ALERTS_URLS": f"bogus://{PASSWORD}"})
    assert ended.code == 5
    assert [(one["channel"], one["ok"]) for one in ended.json["channels"]] == [
        ("mail", True),
        ("channel 1 (bogus)", False),
    ]
    assert PASSWORD not in ended.out + ended.err


def test_alert_test_says_if_there_is_no_channel(books: Path, revrec: Revrec) -> None:
    ended = revrec("alert", "test")
    assert ended.code == 5 and "no channel is configured; set host, from and to in [alerts]" in ended.err


def test_the_password_comes_from_the_environment_else_from_the_credentials_file(
    box: MailServer, books: Path, alerts: Any, revrec: Revrec
) -> None:
    alerts(user="robot")
    config = books / "revrec.toml"
    config.write_text(config.read_text().replace("[gateway]\n", '[gateway]\ncredentials_file = "secret.ini"\n'))
    (books / "secret.ini").write_text("[alerts]\npassword = from-the-file\n")
    (books / "secret.ini").chmod(0o600)
    ended = revrec("alert", "test")
    assert ended.code == 5 and "you have not confirmed the alerts" in ended.out and not box.passwords
    assert revrec("trust", "--yes").code == 0
    assert revrec("alert", "test").code == 0
    assert revrec("alert", "test", env={"REVREC_ALERTS_PASSWORD": PASSWORD}).code == 0
    assert box.passwords == ["from-the-file", PASSWORD]
    (books / "secret.ini").chmod(0o644)
    ended = revrec("alert", "test")
    assert ended.code == 5 and "others can read this file" in ended.out


def test_a_password_in_the_configuration_is_refused_without_being_quoted(
    books: Path, alerts: Any, revrec: Revrec
) -> None:
    alerts(password=PASSWORD)
    ended = revrec("alert", "test")
    assert ended.code == 5 and 'unknown key "password" in [alerts]' in ended.err and PASSWORD not in ended.err
