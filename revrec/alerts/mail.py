"""Send alerts by e-mail over SMTP (RFC 5321, RFC 6409): with TLS and verified certificates, or on this machine."""

import contextlib
import smtplib
import ssl
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses, localtime, make_msgid

from revrec.alerts import AlertFailed, within
from revrec.alerts.digest import AlertMessage, one_line
from revrec.core.loopback import is_loopback
from revrec.core.redaction import redact_text

TLS = ("starttls", "implicit", "none")


@dataclass(frozen=True)
class MailServer:
    """A mail server and how to reach it. ``tls`` is one of :data:`TLS`; ``timeout`` is in seconds, for each reply.

    Without ``user`` there is no sign-in. The password does not appear in ``repr`` or ``str``.
    """

    host: str
    port: int
    tls: str
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 30.0

    @property
    def name(self) -> str:
        """Its name in messages."""
        return f"mail server {self.host}:{self.port}"


def send_mail(server: MailServer, sender: str, to: str, digest: AlertMessage) -> None:
    """Send one mail. ``sender`` is one address; ``to`` is one or more, separated by commas, with or without names.

    Raises:
        AlertFailed: an address or the TLS setting is wrong, or the server did not accept the mail.
    """
    message = compose(sender, to, digest)
    if server.tls == "none" and not is_loopback(server.host):
        raise AlertFailed(f"{server.name}: mail without TLS may go to this machine only; set [alerts] tls = 'starttls'")
    if server.user and not server.password:
        raise AlertFailed(f"{server.name}: no password for user {server.user!r}; set REVREC_ALERTS_PASSWORD")
    if not (server.user + server.password).isascii():
        raise AlertFailed(f"{server.name}: user and password must be ASCII; choose another password for this account")
    within(server.timeout * 3, server.name, lambda: _deliver(server, message))


def compose(sender: str, to: str, digest: AlertMessage) -> EmailMessage:
    """Return the mail. No untrusted text in it can become a header.

    Raises:
        AlertFailed: an address is not valid.
    """
    message = EmailMessage(policy=SMTP)
    froms = _addresses(sender, "from")
    if len(froms) != 1:
        raise AlertFailed(f"[alerts] from = {one_line(sender)!r}: write one address, such as revrec@example.com")
    message["From"] = froms
    message["To"] = _addresses(to, "to")
    message["Subject"] = one_line(digest.subject)
    message["Date"] = localtime()
    # With the sender's domain: by default the id would contain the name of this machine, which stays private.
    message["Message-ID"] = make_msgid(domain=froms[0].domain)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(digest.body, charset="utf-8", cte="quoted-printable")
    return message


def _addresses(text: str, key: str) -> list[Address]:
    wrong = f"[alerts] {key} = {one_line(text)!r}: not an e-mail address; write it as ledger@example.com"
    if any(ord(letter) < 32 for letter in text):
        raise AlertFailed(wrong)
    found = []
    for name, spec in getaddresses([text]):
        try:
            address = Address(name, addr_spec=spec)
        except (ValueError, IndexError, MessageError):
            raise AlertFailed(wrong) from None
        if not address.username or not address.domain:
            raise AlertFailed(wrong)
        found.append(address)
    if not found:
        raise AlertFailed(wrong)
    return found


def _deliver(server: MailServer, message: EmailMessage) -> None:
    try:
        connection = _connected(server, message["From"].addresses[0].domain)
        try:
            if server.user:
                connection.login(server.user, server.password)
            refused = connection.send_message(message)
            _farewell(connection)
        finally:
            connection.close()
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise AlertFailed(f"{server.name}: {_reason(error, server)}") from None
    if refused:
        raise AlertFailed(f"{server.name}: not accepted for {', '.join(sorted(refused))}; correct [alerts] to")


def _farewell(connection: smtplib.SMTP) -> None:
    """Say goodbye. The mail is already accepted, whatever the server replies to this."""
    with contextlib.suppress(smtplib.SMTPException, OSError):
        connection.quit()


def _connected(server: MailServer, own_name: str) -> smtplib.SMTP:
    """Return a connection that is encrypted, with a verified certificate, before anything is sent on it."""
    name = own_name.encode("idna").decode()
    if server.tls == "implicit":
        checked = ssl.create_default_context()
        return smtplib.SMTP_SSL(server.host, server.port, name, timeout=server.timeout, context=checked)
    connection = smtplib.SMTP(server.host, server.port, name, timeout=server.timeout)
    try:
        if server.tls == "starttls":
            connection.starttls(context=ssl.create_default_context())
    except BaseException:
        connection.close()
        raise
    return connection


def _reason(error: Exception, server: MailServer) -> str:
    """Return the reason and the fix. A server's reply to a sign-in is not quoted: it may repeat what was sent."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"refused user {server.user!r} ({error.smtp_code}); correct [alerts] user and REVREC_ALERTS_PASSWORD"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"not accepted for {', '.join(sorted(error.recipients))}; correct [alerts] to"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message}); correct [alerts] host, or trust its CA"
    # smtplib turns a time-out while it waits for an answer into a disconnection.
    if isinstance(error, TimeoutError) or "timed out" in str(error):
        return f"no reply within {server.timeout:g} s; port 465 needs tls = 'implicit', ports 587 and 25 'starttls'"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return f"it does not support what is needed ({_clean(error, server)}); see [alerts] tls and user"
    return f"{_clean(error, server)}; see [alerts] host, port and tls"


def _clean(error: Exception, server: MailServer) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        reply = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        text = f"{error.smtp_code} {reply}"
    else:
        text = str(getattr(error, "strerror", None) or error) or type(error).__name__
    return one_line(redact_text(text, [server.password]), 200)
