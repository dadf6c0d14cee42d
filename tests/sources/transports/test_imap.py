"""A mailbox, by a real IMAP server."""

from pathlib import Path
from typing import Any

from revrec.sources.transports import open_transport
from revrec.sources.transports.imap import Numbers
from support.transports import PASSWORD, Mailbox, imap_server

CSV = b"charge,kind,date\nshop/1/1,pod,2024-04-11\n"


def read(transport: Any) -> list[tuple[str, bytes]]:
    return [(one.name.partition(": ")[2], b"".join(transport.read(one))) for one in transport.documents()]


def test_attachments_of_the_senders_are_read(mailbox: Mailbox) -> None:
    mailbox.put(("pod.csv", CSV), ("logo.png", b"png"))
    mailbox.put(("pod.csv", b"forged"), sender="somebody@example.org")
    with mailbox.open(files="*.csv") as transport:
        assert read(transport) == [("pod.csv", CSV)]


def test_a_whole_domain_can_be_named_and_a_subject(mailbox: Mailbox) -> None:
    mailbox.put(("a.csv", b"a"), sender="Driver <driver7@example.com>", subject="POD for SO-1")
    mailbox.put(("b.csv", b"b"), sender="driver7@example.com", subject="Holiday")
    mailbox.put(("c.csv", b"c"), sender="x@badexample.com", subject="POD")
    with mailbox.open(senders="@example.com", subject="POD", files="*.csv") as transport:
        assert read(transport) == [("a.csv", b"a")]


def test_the_text_of_a_mail_can_be_the_document(mailbox: Mailbox) -> None:
    mailbox.put()
    with mailbox.open(body=True) as transport:
        (body,) = transport.documents()
        assert b"".join(transport.read(body)).strip() == b"see the files"


def test_a_finished_mail_is_not_read_again_by_the_next_fetch(mailbox: Mailbox) -> None:
    mailbox.put(("a.csv", CSV))
    mailbox.put(("b.csv", CSV))
    with mailbox.open() as transport:
        first, _second = transport.documents()
        transport.mark_finished(first)
        position = transport.position
    for more, left in (({}, ["b.csv"]), ({"files": "*.csv"}, ["a.csv", "b.csv"])):
        with mailbox.open(**more) as transport:
            transport.resume(position)
            assert [name for name, _content in read(transport)] == left


def test_numbers_of_finished_mails_are_kept_as_ranges() -> None:
    found = Numbers("1:3,9")
    for number in (5, 4, 11, 10, 2):
        found.add(number)
    assert found.text == "1:5,9:11" and Numbers(found.text).text == found.text
    assert [number for number in range(13) if number in found] == [1, 2, 3, 4, 5, 9, 10, 11]


def test_a_mail_is_marked_moved_or_deleted_as_the_source_says(mailbox: Mailbox) -> None:
    for after in ("seen", "move:Done", "delete", "keep"):
        mailbox.put((f"{after[:4]}.csv", CSV))
        with mailbox.open(files=f"{after[:4]}.csv", after=after) as transport:
            (document,) = transport.documents()
            transport.settle(document, received=True)
    assert ["\\Seen" in flags for flags in mailbox.flags()] == [True, False]
    assert len(mailbox.flags("Done")) == 1


def test_over_starttls(trusted: None, certificate: Path) -> None:
    with imap_server(certificate) as port:
        config = {"transport": "imap", "host": "localhost", "port": port, "tls": "starttls", "user": "revrec"}
        with open_transport("m", {**config, "senders": "@example.com"}, lambda _key: PASSWORD) as transport:
            assert list(transport.documents()) == []
