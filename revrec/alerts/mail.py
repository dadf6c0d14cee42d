"""E-mail over SMTP (RFC 5321, submission by RFC 6409): TLS with verified certificates, or this machine."""

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
    """Where mail is handed in and how. ``tls`` is one of :data:`TLS`; ``timeout`` in seconds, for each answer.

    Without ``user`` nobody signs in. The password shows neither in ``repr`` nor in ``str``.
    """

    host: str
    port: int
    tls: str
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 30.0

    @property
    def name(self) -> str:
        """The server as messages name it."""
        return f"mail server {self.host}:{self.port}"


def send_mail(server: MailServer, sender: str, to: str, digest: AlertMessage) -> None:
    """Hand one mail in; ``sender`` is an address, ``to`` one or more with commas between, with or without names.

    Raises:
        AlertFailed: an address or the security is wrong, or the server did not take the mail.
    """
    message = compose(sender, to, digest)
    if server.tls == "none" and not is_loopback(server.host):
        raise AlertFailed(f"{server.name}: mail goes without TLS to this machine alone; set [alerts] tls = 'starttls'")
    if server.user and not server.password:
        raise AlertFailed(f"{server.name}: no password for user {server.user!r}; set REVREC_ALERTS_PASSWORD")
    if not (server.user + server.password).isascii():
        raise AlertFailed(
            f"{server.name}: user and password can be sent in ASCII alone; choose another password for it"
        )
    within(server.timeout * 3, server.name, lambda: _deliver(server, message))


def compose(sender: str, to: str, digest: AlertMessage) -> EmailMessage:
    """The mail, in which nothing of another's text can become a header.

    Raises:
        AlertFailed: an address is none.
    """
    message = EmailMessage(policy=SMTP)
    froms = _addresses(sender, "from")
    if len(froms) != 1:
        raise AlertFailed(f"[alerts] from = {one_line(sender)!r}: write one address, such as revrec@example.com")
    message["From"] = froms
    message["To"] = _addresses(to, "to")
    message["Subject"] = one_line(digest.subject)
    message["Date"] = localtime()
    # By the sender's domain, since the name of this machine is nobody's business.
    message["Message-ID"] = make_msgid(domain=froms[0].domain)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(digest.body, charset="utf-8", cte="quoted-printable")
    return message


def _addresses(text: str, key: str) -> list[Address]:
    mend = f"[alerts] {key} = {one_line(text)!r}: not an e-mail address; write it as ledger@example.com"
    if any(ord(letter) < 32 for letter in text):
        raise AlertFailed(mend)
    found = []
    for name, spec in getaddresses([text]):
        try:
            address = Address(name, addr_spec=spec)
        except (ValueError, IndexError, MessageError):
            raise AlertFailed(mend) from None
        if not address.username or not address.domain:
            raise AlertFailed(mend)
        found.append(address)
    if not found:
        raise AlertFailed(mend)
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
        raise AlertFailed(f"{server.name}: {_told(error, server)}") from None
    if refused:
        raise AlertFailed(f"{server.name}: not taken for {', '.join(sorted(refused))}; correct [alerts] to")


def _farewell(connection: smtplib.SMTP) -> None:
    """The mail is taken already, whatever the server answers to this."""
    with contextlib.suppress(smtplib.SMTPException, OSError):
        connection.quit()


def _connected(server: MailServer, own_name: str) -> smtplib.SMTP:
    """A connection that is encrypted, the certificate and its name checked, before anything is said on it."""
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


def _told(error: Exception, server: MailServer) -> str:
    """What went wrong, with the mend. What a server says of a sign-in is not quoted: it may hold what was sent."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"refused user {server.user!r} ({error.smtp_code}); correct [alerts] user and REVREC_ALERTS_PASSWORD"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"not taken for {', '.join(sorted(error.recipients))}; correct [alerts] to"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted ({error.verify_message}); correct [alerts] host, or trust its CA"
    # smtplib turns a time-out while it waits for an answer into a disconnection.
    if isinstance(error, TimeoutError) or "timed out" in str(error):
        return f"no answer after {server.timeout:g} s; port 465 wants tls = 'implicit', 587 and 25 'starttls'"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return f"it does not offer what is needed ({_clean(error, server)}); see [alerts] tls and user"
    return f"{_clean(error, server)}; see [alerts] host, port and tls"


def _clean(error: Exception, server: MailServer) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        text = f"{error.smtp_code} {said}"
    else:
        text = str(getattr(error, "strerror", None) or error) or type(error).__name__
    return one_line(redact_text(text, [server.password]), 200)
