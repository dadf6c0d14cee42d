"""Split a long stream into lists, so that each database query, request or transaction stays small."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in order, in lists of ``size``; the last list may be shorter.

    ``itertools.batched`` does the same from Python 3.12 on.
    """
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
