"""The rows of a report that may be longer than memory."""

import pickle
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from itertools import chain, islice
from typing import Any, TypeVar, overload

from revrec.core.batching import batched

T = TypeVar("T")
IN_MEMORY = 5_000
"""Rows of a list that stay in memory."""
AT_ONCE = 500
"""Rows that are read from a temporary file at once."""
SORTED_AT_ONCE = 50_000
"""Rows of a part that is sorted in memory."""


def kept_rows(rows: Iterable[T]) -> Sequence[T]:
    """Return the rows in memory, or in a temporary file if there are more than :data:`IN_MEMORY`."""
    if isinstance(rows, RowsOnDisk):
        return rows
    rest = iter(rows)
    first = list(islice(rest, IN_MEMORY))
    more = list(islice(rest, 1))
    return RowsOnDisk(chain(first, more, rest)) if more else first


def sorted_rows(rows: Iterable[T], key: Callable[[T], Any]) -> Iterator[T]:
    """Yield the rows in the order of ``key``; many are sorted in parts, which are in temporary files until then."""
    parts = [kept_rows(sorted(some, key=key)) for some in batched(rows, SORTED_AT_ONCE)]
    return merge(*parts, key=key)


class RowsOnDisk(Sequence[T]):
    """Rows in a temporary file: they can be read again and again, in their order, a few at a time."""

    def __init__(self, rows: Iterable[T]) -> None:
        self._count = 0
        self._places: list[int] = []
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when no one has the rows any more
        weakref.finalize(self, self._file.close)
        for some in batched(rows, AT_ONCE):
            self._places.append(self._file.tell())
            pickle.dump(some, self._file, pickle.HIGHEST_PROTOCOL)
            self._count += len(some)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        for place in self._places:
            # Another iterator may have moved the position of the file meanwhile.
            self._file.seek(place)
            yield from pickle.load(self._file)  # noqa: S301 - no one else can write to a file without a name

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...

    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if isinstance(index, slice):
            # In one pass: each row by its index would read all rows before it again.
            start, stop, step = index.indices(self._count)
            return list(islice(self, start, stop, step)) if step > 0 else list(self)[index]
        at = range(self._count)[index]
        return next(islice(self, at, None))
