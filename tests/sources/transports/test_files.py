"""What holds for every transport whose documents are files: folder, FTP, SFTP, S3; each against a real server."""

from typing import Any

import pytest

from revrec.core.errors import BadConfiguration
from support.transports import DocumentServer

CSV = b"source,document\nshop,1\n"


def read(transport: Any) -> dict[str, bytes]:
    return {one.name: b"".join(transport.read(one)) for one in transport.documents()}


def test_every_wanted_file_is_listed_and_read_whole(files: DocumentServer) -> None:
    large = bytes(range(256)) * 2_000
    files.put("a.csv", CSV)
    files.put("b.csv", large)
    files.put("notes.txt", b"no")
    with files.open(files="*.csv") as transport:
        assert read(transport) == {"a.csv": CSV, "b.csv": large}


def test_hidden_and_half_written_files_are_left_alone(files: DocumentServer) -> None:
    for name in (".hidden.csv", "a.csv.part", "b.csv.tmp", "c.csv.filepart", "d.csv"):
        files.put(name, CSV)
    with files.open() as transport:
        assert list(read(transport)) == ["d.csv"]


def test_a_changed_file_has_another_marker_and_an_unchanged_one_the_same(files: DocumentServer) -> None:
    files.put("a.csv", CSV)
    with files.open() as transport:
        (first,) = transport.documents()
        (again,) = transport.documents()
        files.put("a.csv", CSV + b"shop,2\n")
        (changed,) = transport.documents()
    assert first.marker == again.marker != changed.marker


def test_an_imported_document_is_left_moved_or_deleted_as_the_source_says(files: DocumentServer) -> None:
    for name in ("keep.csv", "gone.csv", "moved.csv"):
        files.put(name, CSV)
    for pattern, after in (("keep.csv", "keep"), ("gone.csv", "delete"), ("moved.csv", "move:done")):
        with files.open(files=pattern, after=after) as transport:
            (document,) = transport.documents()
            transport.settle(document, received=True)
    assert files.names() == ["done/moved.csv", "keep.csv"]


def test_a_refused_one_goes_its_own_way(files: DocumentServer) -> None:
    files.put("bad.csv", CSV)
    with files.open(after="delete", refused="move:done") as transport:
        (document,) = transport.documents()
        transport.settle(document, received=False)
    assert files.names() == ["done/bad.csv"]


def test_what_was_moved_aside_is_not_offered_again(files: DocumentServer) -> None:
    files.put("a.csv", CSV)
    with files.open(after="move:done") as transport:
        (document,) = transport.documents()
        transport.settle(document, received=True)
        assert list(transport.documents()) == []


@pytest.mark.parametrize("word", ["remove", "move:", "keep:x"])
def test_a_wrong_action_is_reported(files: DocumentServer, word: str) -> None:
    with pytest.raises(BadConfiguration, match="move:FOLDER"):
        files.open(after=word)


def test_an_empty_place_has_no_documents(files: DocumentServer) -> None:
    with files.open() as transport:
        assert list(transport.documents()) == []
