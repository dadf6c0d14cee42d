"""Zip and gzip: members are read as files are; whatever could surprise is refused with its name."""

import gzip
import io
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from revrec.sources import GoodRow, SourceError, archives, read_charges
from revrec.sources.archives import members

DATA = b"source,document,line,customer,item,post_date,amount,currency\nshop,INV-1,1,C,I,2024-01-05,1.00,USD\n"


def zipped(path: Path, *files: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return path


def refusal(path: Path) -> str:
    def read() -> None:
        for member in members(path):
            with member.open() as stream:
                stream.drain()
            list(read_charges(member.open()))

    with pytest.raises(SourceError) as caught:
        read()
    assert caught.value.fix
    return str(caught.value).removeprefix(f"{path.parent}/")


def test_each_member_is_a_separate_file(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("in.csv", DATA), ("sub/more.csv", DATA), ("__MACOSX/in.csv", b"x"))
    found = members(path, "a.zip")
    assert [member.name for member in found] == ["a.zip/in.csv", "a.zip/sub/more.csv"]
    for member in found:
        for _again in range(2):
            (row,) = read_charges(member.open())
            assert isinstance(row, GoodRow) and row.line.id == "shop/INV-1/1"


def test_gzip_holds_one_file_named_without_its_suffix(tmp_path: Path) -> None:
    path = tmp_path / "in.csv.gz"
    path.write_bytes(gzip.compress(DATA))
    (member,) = members(path)
    assert member.name.endswith("in.csv.gz/in.csv")
    (row,) = read_charges(member.open())
    assert isinstance(row, GoodRow)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../in.csv", "leads out of the archive"),
        ("/etc/in.csv", "leads out of the archive"),
        ("a/../../in.csv", "leads out of the archive"),
        ("a\\..\\in.csv", "has a name with characters that are not allowed"),
        ("C:in.csv", "has a name with characters that are not allowed"),
        ("in\u202ecsv", "has a name with characters that are not allowed"),
        ("in.zip", "is an archive within an archive"),
        ("in.tar", "is an archive within an archive"),
        ("in.csv.gz", "is an archive within an archive"),
        ("in.dat", 'the suffix ".dat" is not a known format'),
    ],
)
def test_a_member_with_a_name_that_tricks_is_refused(tmp_path: Path, name: str, said: str) -> None:
    found = refusal(zipped(tmp_path / "a.zip", (name, DATA)))
    assert said in found and found.startswith("a.zip/")


def test_a_file_without_a_name_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("x", DATA))
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\1\2")
    data[entry + 28] = 0  # the length of the name
    del data[entry + 46]  # the name
    data[data.index(b"PK\5\6") + 12] -= 1  # the size of the directory
    path.write_bytes(data)
    assert "is a file without a name" in refusal(path)


def test_a_link_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("in.csv")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert "is a link, not a file" in refusal(zipped(tmp_path / "a.zip", (info, b"/etc/passwd")))


def test_an_archive_behind_an_innocent_name_is_refused(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("in.csv", DATA)
    for data, what in ((inner.getvalue(), "a zip archive"), (gzip.compress(DATA), "a gzip file")):
        assert f"is {what} within an archive, whatever its name" in refusal(
            zipped(tmp_path / "a.zip", ("in.csv", data))
        )


def test_a_bomb_is_refused_by_what_it_says_of_itself_before_it_is_unpacked(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("in.csv", b"0" * 30_000_000))
    assert "30,000,000 bytes, more than 200 times" in refusal(path)


def test_a_bomb_that_lies_about_itself_is_stopped_while_it_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path / "a.zip", ("in.csv", b"\n" * 30_000_000))
    data = path.read_bytes().replace((30_000_000).to_bytes(4, "little"), (3_000).to_bytes(4, "little"))
    path.write_bytes(data)
    assert "a.zip/in.csv" in refusal(path)
    gz = tmp_path / "in.csv.gz"
    gz.write_bytes(gzip.compress(b"\n" * 30_000_000))
    assert "grows beyond 8,388,608 bytes when unpacked" in refusal(gz)


def test_too_many_members_and_two_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_MEMBERS", 3)
    path = zipped(tmp_path / "a.zip", *((f"{n}.csv", DATA) for n in range(4)))
    assert "has 4 files, at most 3 are read" in refusal(path)
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = zipped(tmp_path / "b.zip", ("in.csv", DATA), ("in.csv", DATA))
    assert "is in the archive twice" in refusal(twice)


@pytest.mark.parametrize("damage", [lambda d: d[:-30], lambda d: d[:40] + b"xxxxxx" + d[46:], lambda d: b"PK" + d[9:]])
def test_a_damaged_archive_is_reported(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = zipped(tmp_path / "a.zip", ("in.csv", DATA))
    path.write_bytes(damage(path.read_bytes()))
    assert "ask the sender to send it again" in refusal(path)
    gz = tmp_path / "in.csv.gz"
    gz.write_bytes(damage(gzip.compress(DATA * 50)))
    assert "is damaged after" in refusal(gz)


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("in.csv", DATA))
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    assert "is encrypted" in refusal(path)


def test_an_empty_archive_and_a_missing_one_are_reported(tmp_path: Path) -> None:
    assert "has no files in it" in refusal(zipped(tmp_path / "a.zip"))
    with pytest.raises(SourceError, match="no such file"):
        members(tmp_path / "b.zip")
