"""Every file in ``bad/`` is refused with the exact message in ``bad_expected.txt``: place, reason and fix.

A line that begins with ``refused:`` is about the whole file, the others about one of its rows.
"""

import io
import re
from pathlib import Path

import pytest

from revrec.sources import BadRow, SourceError, SourceStream, read_charges

HEADER = b"source,document,line,customer,item,post_date,amount,currency,description\n"
ROW = b"shop,INV-1,1,C-1,MAG-01,2024-01-05,24.00,USD,"

HERE = Path(__file__).parent
FILES = sorted((HERE / "bad").iterdir())
EXPECTED = (HERE / "bad_expected.txt").read_text(encoding="utf-8").splitlines()


def messages(file: Path) -> list[str]:
    try:
        rows = list(read_charges(SourceStream(file, file.name)))
    except SourceError as err:
        return [f"refused: {err}"]
    return [line for row in rows if isinstance(row, BadRow) for line in row.report(file.name)]


def own_words(message: str) -> str:
    """The message without what a library says in brackets, which its versions may change, and the list of formats."""
    message = re.sub(r"(set format in the mapping to one of ).*", r"\1", message)
    return re.sub(r"(damaged JSON.*?|damaged XML|misplaced quote|end properly|in the mapping) \(.*\)", r"\1", message)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_bad_file_is_refused_with_its_place_and_the_fix(file: Path) -> None:
    expected = [line for line in EXPECTED if line.removeprefix("refused: ").startswith(f"{file.name}: ")]
    found = messages(file)
    assert found, "it was accepted"
    assert [own_words(line) for line in found] == [own_words(line) for line in expected]


def test_every_expected_message_has_its_file() -> None:
    names = {line.removeprefix("refused: ").partition(": ")[0] for line in EXPECTED}
    assert names == {file.name for file in FILES}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere\.csv: no such file; check the path"):
        list(read_charges(tmp_path / "nowhere.csv"))


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is a folder; name the files in it"):
        list(read_charges(tmp_path))


def test_a_file_that_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    secret = tmp_path / "secret.csv"
    secret.write_bytes(HEADER)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(SourceError, match="permission denied; give this user permission"):
        list(read_charges(secret))


def test_a_disk_error_in_the_midst_names_the_byte() -> None:
    class Failing(io.BytesIO):
        name = "in.csv"

        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError(5, "Input/output error")
            return super().read(100)

    with pytest.raises(SourceError, match=r"byte 100: cannot be read \(Input/output error\)"):
        list(read_charges(Failing(HEADER + ROW * 100)))


@pytest.mark.parametrize("quote", [b"", b'"'], ids=["plain", "quoted"])
def test_a_field_of_10_megabytes_is_refused_without_being_gathered(quote: bytes) -> None:
    data = HEADER + ROW + b"ok\n" + ROW + quote + b"x" * 10_000_000 + quote + b"\n"
    with pytest.raises(SourceError, match="line 3: is longer than 1024 KiB without a break"):
        list(read_charges(SourceStream(io.BytesIO(data), "in.csv")))


def test_a_field_over_64_kib_is_a_problem_of_its_row() -> None:
    data = HEADER + ROW + b"x" * 70_000 + b"\n" + ROW + b'"' + b"line\n" * 14_000 + b'"\n' + ROW + b"ok\n"
    first, second, good = read_charges(SourceStream(io.BytesIO(data), "in.csv"))
    assert isinstance(first, BadRow) and isinstance(second, BadRow) and not isinstance(good, BadRow)
    assert first.problems[0].reason == "is 70,000 characters long, the limit is 65,536"
    assert second.problems[0].field == "description"


def test_a_field_over_128_kib_ends_the_reading_with_its_line() -> None:
    data = HEADER + ROW + b"x" * 200_000 + b"\n"
    with pytest.raises(SourceError, match="line 2: a field is longer than 64 KiB"):
        list(read_charges(SourceStream(io.BytesIO(data), "in.csv")))


def test_a_json_text_of_10_megabytes_is_refused() -> None:
    with pytest.raises(SourceError, match="without a break"):
        list(read_charges(SourceStream(io.BytesIO(b'[{"document": "' + b"x" * 10_000_000 + b'"}]'), "in.json")))


def test_an_xml_record_of_10_megabytes_is_refused() -> None:
    data = b"<charges><charge>" + b"<a>1</a>" * 400_000 + b"</charge></charges>"
    with pytest.raises(SourceError, match="without a <charge>"):
        list(read_charges(SourceStream(io.BytesIO(data), "in.xml")))
