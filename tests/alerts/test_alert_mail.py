"""Mail, against real servers: TLS is verified, passwords stay where they belong, failures are reported with the fix."""

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revrec.alerts import AlertFailed
from revrec.alerts.digest import AlertMessage
from revrec.alerts.mail import MailServer, compose, send_mail
from support.mail import ServeMail

USER, PASSWORD = "robot", "p455<word>%41 4711"
FROM, TO = "Ledger <revrec@example.com>", "Ann Ledger <ann@example.com>, bob@example.com"
DIGEST = AlertMessage("revrec ACME: 1 failed", "RRD1  2024-03-31  120.00 USD  failed\n.\nlast line\n")


def server_of(box: Any, tls: str = "none", **changes: Any) -> MailServer:
    return replace(MailServer(box.host, box.port, tls, timeout=60.0), **changes)


def text_of(mail: Any) -> str:
    return str(mail.get_content()).replace("\r\n", "\n")


def refusal(server: MailServer, digest: AlertMessage = DIGEST, sender: str = FROM, to: str = TO) -> str:
    with pytest.raises(AlertFailed) as refused:
        send_mail(server, sender, to, digest)
    assert PASSWORD not in str(refused.value) and refused.value.__cause__ is None
    return str(refused.value)


def test_a_mail_arrives_whole_at_each_receiver(mail_server: ServeMail) -> None:
    box = mail_server()
    send_mail(server_of(box), FROM, TO, DIGEST)
    (mail,), (envelope,) = box.mails, box.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("revrec@example.com", ["ann@example.com", "bob@example.com"])
    assert mail["Subject"] == DIGEST.subject and mail["To"] == TO and mail["From"] == FROM
    assert mail["Auto-Submitted"] == "auto-generated" and mail["Message-ID"].endswith("@example.com>")
    assert mail.get_content_type() == "text/plain"
    assert text_of(mail) == DIGEST.body


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_over_tls_with_a_certificate_that_is_trusted_one_can_sign_in(
    mail_server: ServeMail, trusted: None, tls: str
) -> None:
    box = mail_server(tls, auth=True)
    send_mail(server_of(box, tls, user=USER, password=PASSWORD), FROM, TO, DIGEST)
    assert len(box.mails) == 1


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_certificate_of_an_unknown_authority_is_refused_before_anything_is_said(
    mail_server: ServeMail, tls: str
) -> None:
    box = mail_server(tls)
    message = refusal(server_of(box, tls, user=USER, password=PASSWORD))
    assert "certificate is not trusted" in message and box.mails == []


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_certificate_of_another_host_is_refused(mail_server: ServeMail, trusted: None, tls: str) -> None:
    box = mail_server(tls, name="mail.elsewhere.example")
    assert "certificate is not trusted" in refusal(server_of(box, tls)) and box.mails == []


def test_a_server_without_tls_gets_nothing_if_tls_is_wanted(mail_server: ServeMail) -> None:
    box = mail_server()
    assert "STARTTLS" in refusal(server_of(box, "starttls", user=USER, password=PASSWORD))
    assert box.mails == []


@pytest.mark.parametrize("host", ["mail.example.com", "192.0.2.7", "localhost.example.com"])
def test_without_tls_mail_goes_to_this_machine_alone(host: str) -> None:
    assert "without TLS may go to this machine only" in refusal(MailServer(host, 25, "none"))


def test_a_wrong_password_is_reported_without_it(mail_server: ServeMail, trusted: None) -> None:
    box = mail_server("starttls", auth=True)
    message = refusal(server_of(box, "starttls", user=USER, password="wrong-4713"))
    assert (
        "refused user 'robot' (535)" in message and "REVREC_ALERTS_PASSWORD" in message and "wrong-4713" not in message
    )


def test_a_missing_password_is_reported_with_the_place_where_it_belongs() -> None:
    assert "set REVREC_ALERTS_PASSWORD" in refusal(MailServer("127.0.0.1", 25, "none", user=USER))


def test_a_password_that_cannot_be_sent_is_reported_without_it() -> None:
    message = refusal(MailServer("127.0.0.1", 25, "none", user=USER, password="geheim-ß"))
    assert "must be ASCII" in message and "ß" not in message


def test_a_server_that_is_down_is_reported(closed_port: int) -> None:
    message = refusal(MailServer("127.0.0.1", closed_port, "none"))
    assert f"mail server 127.0.0.1:{closed_port}: Connection refused; see [alerts] host, port" in message


@pytest.mark.parametrize("tls", ["none", "implicit"])
def test_a_server_that_says_nothing_costs_no_more_than_the_time_out(silent_port: int, tls: str) -> None:
    message = refusal(MailServer("127.0.0.1", silent_port, tls, timeout=0.2))
    assert "no reply within 0.2 s; port 465 needs tls = 'implicit'" in message


def test_a_server_that_drips_costs_no_more_than_three_times_the_time_out(closed_port: int) -> None:
    import socket
    import threading

    def drip(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            try:
                while True:
                    connection.sendall(b"220-still here\r\n")
                    time.sleep(0.05)
            except OSError:
                pass

    with socket.create_server(("127.0.0.1", closed_port)) as server:
        threading.Thread(target=drip, args=(server,), daemon=True).start()
        message = refusal(MailServer("127.0.0.1", closed_port, "none", timeout=0.2))
        assert "did not finish within 0.6 s" in message


def test_a_mail_that_is_not_accepted_is_reported_with_the_server_s_reply(mail_server: ServeMail) -> None:
    box = mail_server()
    box.refuse = "552 no room\u202e for\x07 you"
    assert "552 no room for you" in refusal(server_of(box))


def test_a_password_of_one_letter_does_not_garble_the_server_s_reply(mail_server: ServeMail) -> None:
    box = mail_server()
    box.refuse = "552 no room for you"
    assert "552 no room for you" in refusal(server_of(box, password="o"))


def test_names_and_texts_of_every_script_arrive(mail_server: ServeMail) -> None:
    box = mail_server()
    digest = AlertMessage(
        "revrec Bücher GmbH: 1 failed", "Fehler: Ungültige Abteilung «Zürich» 東京 🧾\n" + "x" * 3000 + "\n"
    )
    send_mail(server_of(box), "Buchführung <revrec@example.com>", "Jürgen Größe <j@example.com>", digest)
    (mail,) = box.mails
    assert mail["Subject"] == digest.subject and text_of(mail) == digest.body
    assert mail["To"].addresses[0].display_name == "Jürgen Größe"
    assert all(len(line) <= 998 for line in box.envelopes[0].content.splitlines())


@pytest.mark.parametrize("to", ["", "nobody", "a@b\nBcc: c@d.example", "a@", "@b", "a@example.com, nobody"])
def test_an_invalid_address_is_refused_with_the_fix(to: str) -> None:
    assert "write it as ledger@example.com" in refusal(MailServer("127.0.0.1", 25, "none"), to=to)
    assert "[alerts] from" in refusal(MailServer("127.0.0.1", 25, "none"), sender=to)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.text(max_size=300))
def test_no_subject_can_add_a_header(subject: str) -> None:
    usual = compose(FROM, TO, DIGEST)
    for evil in (subject, f"x\r\nBcc: evil@example.com\r\n{subject}", f"x\n\n{subject}"):
        made = compose(FROM, TO, AlertMessage(evil, DIGEST.body))
        head = made.as_bytes().partition(b"\r\n\r\n")[0]
        starts = [line.partition(b":")[0] for line in head.split(b"\r\n") if line[:1] not in (b" ", b"\t")]
        assert starts == [name.encode() for name in usual]


def test_the_password_is_not_in_what_the_server_s_settings_look_like() -> None:
    assert PASSWORD not in repr(MailServer("h", 25, "starttls", USER, PASSWORD))
