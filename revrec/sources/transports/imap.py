"""A mailbox: bodies and attachments of mails from certain senders."""

import json
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from revrec.core.errors import BadConfiguration
from revrec.core.keys import YES_OR_NO, ConfigKey, choice
from revrec.core.loopback import is_loopback
from revrec.sources.transports.settings import CA_FILE, COMMON, HOST, PORT, TEXT, TEXTS, USER, action, tls_context
from revrec.sources.transports.transport import (
    BLOCK,
    TLS_REQUIRED,
    Document,
    DocumentUnreachable,
    SourceTransport,
    missing_extra,
)

HEADERS = 200
"""Mails whose headers are requested together."""

ENCODED = 2
"""A mail is at most this many times as large as what it carries: base64 adds a third, and headers come on top."""

ACTION = action("keep", "seen", "delete")

SENDERS = TEXTS._replace(wanted='an address or a list of addresses, such as "@example.com"')


class ImapTransport(SourceTransport):
    """Mails of one folder (RFC 9051) from the named senders and with the named subject, over TLS.

    A mail is finished when each of its documents is imported or resolved. Only then does ``after`` apply.
    """

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
        ConfigKey(
            "after", ACTION, '"keep", "seen", "delete" or "move:FOLDER", once all of a mail is imported.', "seen"
        ),
        ConfigKey("refused", ACTION, "The same for a mail of which a part was refused.", "keep"),
        CA_FILE,
    )
    _box: Any = None
    _valid = 0
    _position = ""

    def __init__(self, settings: Mapping[str, Any], secret: Callable[[str], str]) -> None:
        super().__init__(settings, secret)
        self._finished = Numbers()

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
        kinds = {"implicit": imap_tools.MailBox, "starttls": imap_tools.MailBoxStartTls}
        kind = kinds.get(tls, imap_tools.MailBoxUnencrypted)
        secure = {} if tls == "none" else {"ssl_context": tls_context(self.settings)}
        with self.reported_failures():
            self._box = kind(host, self.settings["port"], timeout=self.settings["timeout"], **secure)
            self._box.login(self.settings["user"], self.secret("password"), initial_folder=self.settings["folder"])

    def close(self) -> None:
        """Sign out."""
        import contextlib

        if self._box is not None:
            with contextlib.suppress(Exception):
                self._box.logout()

    @property
    def position(self) -> str:
        """The numbers of the finished mails, with what they depend on: the mailbox and which mails are wanted."""
        return json.dumps({"of": self._fingerprint(), "finished": self._finished.text}) if self._valid else ""

    def resume(self, position: str) -> None:
        """Skip the mails that are finished, unless the mailbox or the settings changed since."""
        self._position = position

    def _fingerprint(self) -> list[Any]:
        wanted = [self.settings[name] for name in ("folder", "senders", "subject", "files", "body")]
        return [self._valid, *(list(one) if isinstance(one, tuple) else one for one in wanted)]

    def documents(self) -> Iterator[Document]:
        """Yield the wanted parts of the wanted mails that are not finished, in the order of their UIDs."""
        with self.reported_failures():
            # UIDs are only valid together with UIDVALIDITY: a server that rebuilds its mailbox may number the mails
            # again, and a new mail could then be mistaken for one that was received before.
            self._valid = self._box.folder.status(self.settings["folder"], ["UIDVALIDITY"])["UIDVALIDITY"]
            uids = self._wanted_uids()
        if self._position:
            found = json.loads(self._position)
            self._finished = Numbers(found["finished"] if found["of"] == self._fingerprint() else "")
            self._position = ""
        left = [uid for uid in uids if int(uid) not in self._finished]
        for at in range(0, len(left), HEADERS):
            for mail in self._headers(left[at : at + HEADERS]):
                if self._is_sender(mail.from_):
                    yield from self._parts(mail)
                else:
                    self._finished.add(int(mail.uid))

    def _wanted_uids(self) -> list[str]:
        from imap_tools import AND

        subject = self.settings["subject"]
        found: list[str] = (
            self._box.uids(AND(subject=subject), "US-ASCII" if subject.isascii() else "UTF-8")
            if subject
            else self._box.uids("ALL")
        )
        return found

    def _headers(self, uids: list[str]) -> list[Any]:
        with self.reported_failures():
            return list(self._box.fetch(uid_list=uids, mark_seen=False, headers_only=True, bulk=True))

    def _parts(self, header: Any) -> Iterator[Document]:
        group = f"{self._valid}-{header.uid}"
        if header.size_rfc822 > self.settings["largest"] * ENCODED:
            yield Document(f"mail {group}", group, header.size_rfc822, (header.uid, b""), group)
            return
        try:
            found = list(self._wanted_parts(header.uid, group))
        except DocumentUnreachable as error:
            found = [Document(f"mail {group}", group, header.size_rfc822, (header.uid, error), group)]
        if not found:
            self._finished.add(int(header.uid))
        yield from found

    def _wanted_parts(self, uid: str, group: str) -> Iterator[Document]:
        """Yield the wanted parts of a mail; none if it was removed meanwhile."""
        with self.reported_failures():
            mail = next(iter(self._box.fetch(uid_list=[uid], mark_seen=False)), None)
        if mail is None:
            return
        try:
            text, attachments = mail.text, [(one.filename, one.payload) for one in mail.attachments]
        except Exception as error:
            # Mails are hostile input: one that the library cannot read must not keep the others from being fetched.
            why = f"the mail cannot be read ({type(error).__name__}); ask its sender to send it again"
            raise DocumentUnreachable(why) from None
        if self.settings["body"] and text.strip():
            yield Document(f"mail {group} body", f"{group}-body", None, (uid, text.encode(errors="replace")), group)
        for number, (name, content) in enumerate(attachments, 1):
            if name and self.is_wanted(name):
                marker = f"{group}-{number}"
                yield Document(f"mail {group} part {number}: {name}", marker, len(content), (uid, content), group)

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
        content = document.place[1]
        if isinstance(content, DocumentUnreachable):
            raise DocumentUnreachable(f"{self.where}/{document.name}: {content}")
        yield from (content[at : at + BLOCK] for at in range(0, len(content), BLOCK))

    def settle(self, document: Document, received: bool) -> None:
        """Mark, move or delete the mail that a document belongs to."""
        kind, folder = self.destination(received)
        uid = document.place[0]
        with self.reported_failures():
            if kind == "seen":
                self._box.flag(uid, "\\Seen", True)
            elif kind == "delete":
                self._box.delete(uid)
            elif kind == "move":
                self._box.move(uid, folder)

    def mark_finished(self, document: Document) -> None:
        """Note that all of a mail is imported or resolved."""
        self._finished.add(int(document.place[0]))

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


class Numbers:
    """A set of whole numbers that is stored as ranges: a mailbox has many mails, and almost all of them are finished.

    ``text`` is written as in IMAP: ``1:5000,5003``.
    """

    def __init__(self, text: str = "") -> None:
        parts = (part.partition(":") for part in text.split(",") if part)
        self._ranges = [[int(first), int(last or first)] for first, _colon, last in parts]

    @property
    def text(self) -> str:
        """The ranges as text."""
        return ",".join(f"{first}:{last}" if last > first else str(first) for first, last in self._ranges)

    def __contains__(self, number: int) -> bool:
        at = bisect_left(self._ranges, [number + 1]) - 1
        return at >= 0 and number <= self._ranges[at][1]

    def add(self, number: int) -> None:
        """Add a number; it joins the ranges that it touches."""
        if number in self:
            return
        at = bisect_left(self._ranges, [number])
        self._ranges.insert(at, [number, number])
        for left in (at, at - 1):
            if 0 <= left < len(self._ranges) - 1 and self._ranges[left][1] + 1 == self._ranges[left + 1][0]:
                self._ranges[left][1] = self._ranges.pop(left + 1)[1]
