"""Whatever the bytes: rows, or a SourceError; never another exception, never a row made of broken pieces."""

import io
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revrec.core.charge_line import ChargeLine
from revrec.sources import BadRow, GoodRow, PassedOver, SourceError, SourceStream, read_charges

SAMPLES = Path(__file__).parents[2] / "sample_data"
NAMES = ("charges.csv", "shop-orders.jsonl", "orders.xml")
ORIGINAL = {name: (SAMPLES / name).read_bytes() for name in NAMES}
ORIGINAL["orders.json"] = b"[" + b",\n".join(ORIGINAL["shop-orders.jsonl"].splitlines()) + b"]"


def rows_of(data: bytes, name: str) -> list[GoodRow[ChargeLine] | BadRow | PassedOver]:
    """The rows, or none where the file as a whole is refused."""
    try:
        return list(read_charges(SourceStream(io.BytesIO(data), name)))
    except SourceError as err:
        return [] if err.file == name and err.fix else [pytest.fail("a refusal without place or fix")]


@pytest.mark.parametrize("name", ["in.csv", "in.json", "in.jsonl", "in.xml"])
@pytest.mark.parametrize("examples", [25, pytest.param(75, marks=pytest.mark.slow)])
def test_random_bytes_never_become_rows_by_accident(name: str, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.binary(min_size=1, max_size=400) | st.text(max_size=200).map(str.encode).filter(bool))
    def holds(data: bytes) -> None:
        assert not [row for row in rows_of(data, name) if isinstance(row, GoodRow)]

    holds()


def damaged(data: bytes, chance: random.Random) -> bytes:
    """The data with a byte flipped, a stretch cut out, doubled or overwritten, or the end missing."""
    start = chance.randrange(len(data))
    length = chance.choice((1, 1, 2, 7, 60, 400))
    kind = chance.randrange(6)
    middle = {
        0: bytes([data[start] ^ (1 << chance.randrange(8))]) + data[start + 1 : start + length],
        1: b"",
        2: data[start : start + length] * 2,
        3: chance.randbytes(length),
        4: chance.choice((b'"', b"\0", b"\n", b"<", b"{", b"]", b"&x;", b"<!DOCTYPE a>", b"\xff\xfe", b",,,,")),
        5: b"",
    }[kind]
    return data[:start] + middle + (b"" if kind == 5 else data[start + length :])


@pytest.mark.parametrize("name", ORIGINAL)
def test_damaged_files_end_in_rows_or_in_a_source_error(name: str) -> None:
    chance = random.Random(1729)
    for _ in range(150):
        for row in rows_of(damaged(ORIGINAL[name], chance), name):
            if isinstance(row, BadRow):
                assert row.problems and all(problem.fix for problem in row.problems)
            elif isinstance(row, GoodRow):
                line = row.line
                assert all((line.source, line.document, line.line, line.customer, line.item, line.amount))


@pytest.mark.parametrize("name", ORIGINAL)
def test_a_file_cut_off_anywhere_gives_no_row_that_the_whole_one_lacks(name: str) -> None:
    data = ORIGINAL[name]
    whole = [row.line for row in rows_of(data, name) if isinstance(row, GoodRow)]
    ends = {b"\n"[0]} if name.endswith((".csv", ".jsonl")) else set()
    for cut in range(1, len(data), 7):
        read = [row.line for row in rows_of(data[:cut], name) if isinstance(row, GoodRow)]
        complete = read if data[cut] in ends or not read else read[:-1]
        assert complete == whole[: len(complete)]
        if name.endswith((".json", ".xml")):
            assert read == [] or read == whole, "a cut-off document is refused as a whole"
