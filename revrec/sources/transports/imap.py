"""A mailbox: bodies and attachments of mails from certain senders."""

from collections.abc import Iterator
from typing import Any

from revrec.core.errors import BadConfiguration
from revrec.core.keys import YES_OR_NO, ConfigKey, choice
from revrec.core.loopback import is_loopback
from revrec.sources.transports.settings import COMMON, HOST, PORT, TEXT, TEXTS, USER
from revrec.sources.transports.transport import BLOCK, TLS_REQUIRED, Document, IsKnown, SourceTransport, missing_extra

MOST_MAILS = 10_000
"""Most mails that are checked in one fetch, the oldest first."""

SENDERS = TEXTS._replace(wanted='an address or a list of addresses, such as "@example.com"')


class ImapTransport(SourceTransport):
    """Mails of one folder (RFC 9051) from the named senders and with the named subject, over TLS."""

    name = "imap"
    extra = "mail"
    keys = (
        *COMMON,
        ConfigKey("host", HOST, "The server.", required=True),
        ConfigKey("port", PORT, "Its port: usually 993, or 143 with starttls.", 993),
        ConfigKey("tls", choice("implicit", "starttls", "none"), "none is allowed to this machine only.", "implicit"),
        ConfigKey("user", USER, "The user; the password is a secret.", required=True),
        ConfigKey("folder", TEXT, "The mail folder.", "INBOX"),
        ConfigKey(
            "senders", SENDERS, "Addresses whose mails are read; @example.com allows a whole domain.", required=True
        ),
        ConfigKey("subject", TEXT, "A text that the subject must contain."),
        ConfigKey("files", TEXTS, "Names of attachments to read; * and ? are wildcards.", ("*",)),
        ConfigKey("body", YES_OR_NO, "Read the mail's plain text as well.", False),
        ConfigKey("after", TEXT, '"keep", "seen", "delete" or "move:FOLDER", once all of a mail is imported.', "seen"),
        ConfigKey("refused", TEXT, "The same for a mail of which a part was refused.", "keep"),
    )
    _box: Any = None

    @property
    def where(self) -> str:
        """``imap://host/folder``."""
        return f"imap://{self.settings['host']}/{self.settings['folder']}"

    def connect(self) -> None:
        """Connect, start TLS, sign in, and open the folder."""
        try:
            import imap_tools
        except ImportError:
            raise missing_extra(self.extra) from None
        host, tls = self.settings["host"], self.settings["tls"]
        if tls == "none" and not is_loopback(host):
            raise BadConfiguration(f"{self.where}: {TLS_REQUIRED}; set tls = 'implicit'")
        import ssl

        kinds = {"implicit": imap_tools.MailBox, "starttls": imap_tools.MailBoxStartTls}
        kind = kinds.get(tls, imap_tools.MailBoxUnencrypted)
        secure = {} if tls == "none" else {"ssl_context": ssl.create_default_context()}
        with self.reported_failures():
            self._box = kind(host, self.settings["port"], timeout=self.settings["timeout"], **secure)
            self._box.login(self.settings["user"], self.secret("password"), initial_folder=self.settings["folder"])

    def close(self) -> None:
        """Sign out."""
        import contextlib

        if self._box is not None:
            with contextlib.suppress(Exception):
                self._box.logout()

    def documents(self, known: IsKnown = lambda _marker: False) -> Iterator[Document]:
        """Yield the wanted parts of the wanted mails, in the order of their UIDs."""
        from imap_tools import AND

        with self.reported_failures():
            valid = self._box.folder.status(self.settings["folder"], ["UIDVALIDITY"])["UIDVALIDITY"]
            subject = {"subject": self.settings["subject"]} if self.settings["subject"] else {}
            uids = self._box.uids(AND(**subject) if subject else "ALL")[:MOST_MAILS]
        # UIDs are only valid together with UIDVALIDITY: a server that rebuilds its mailbox may number the mails again,
        # and a new mail could then be mistaken for one that was received before.
        for uid in uids:
            if not known(f"{valid}-{uid}"):
                yield from self._parts(valid, uid)

    def _parts(self, valid: int, uid: str) -> Iterator[Document]:
        mail = self._mail(uid, headers_only=True)
        if mail is None or not self._is_sender(mail.from_):
            return
        mail = self._mail(uid)
        if mail is None:
            return
        marker = f"{valid}-{uid}"
        if self.settings["body"] and mail.text.strip():
            yield Document(f"mail {uid}", f"{marker}-body", len(mail.text), (uid, mail.text.encode()))
        for number, part in enumerate(mail.attachments, 1):
            if part.filename and self.is_wanted(part.filename):
                name = f"mail {uid}: {part.filename}"
                yield Document(name, f"{marker}-{number}", part.size, (uid, part.payload))

    def _mail(self, uid: str, headers_only: bool = False) -> Any:
        from imap_tools import AND

        with self.reported_failures():
            found = self._box.fetch(AND(uid=uid), mark_seen=False, headers_only=headers_only, bulk=False)
            return next(iter(found), None)

    def _is_sender(self, address: str) -> bool:
        """Return True if a mail claims to be from one of the senders.

        Anyone can write any sender, so the mail server must check signatures (DMARC).
        """
        there = address.lower()
        return any(
            there == one.lower() or (one[0] == "@" and there.endswith(one.lower())) for one in self.settings["senders"]
        )

    def read(self, document: Document) -> Iterator[bytes]:
        """Yield the bytes of a part, which were received with the mail."""
        content: bytes = document.place[1]
        yield from (content[at : at + BLOCK] for at in range(0, len(content), BLOCK))

    def settle(self, document: Document, received: bool) -> None:
        """Mark, move or delete the mail that a document belongs to."""
        word = self.settings["after" if received else "refused"]
        kind, _, folder = word.partition(":")
        uid = document.place[0]
        if kind not in ("keep", "seen", "delete", "move") or (kind == "move") != bool(folder):
            raise BadConfiguration(f'{self.where}: {word!r}: write "keep", "seen", "delete" or "move:FOLDER"')
        with self.reported_failures():
            if kind == "seen":
                self._box.flag(uid, "\\Seen", True)
            elif kind == "delete":
                self._box.delete(uid)
            elif kind == "move":
                self._box.move(uid, folder)

    def reason(self, error: Exception) -> str | None:
        """Return the reason of a failure. The library's own message is left out, since it may quote the password."""
        from imaplib import IMAP4

        from imap_tools import MailboxLoginError
        from imap_tools.errors import ImapToolsError

        if isinstance(error, MailboxLoginError):
            return "the server refused the sign-in: check user and password, before users get locked"
        if isinstance(error, ImapToolsError | IMAP4.error):
            return f"the server refused, or broke off ({type(error).__name__})"
        return super().reason(error)

    def is_sign_in_failure(self, error: Exception) -> bool:
        """Return True for the library's exception for this."""
        from imap_tools import MailboxLoginError

        return isinstance(error, MailboxLoginError)
