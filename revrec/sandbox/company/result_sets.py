"""Result sets kept between readByQuery and readMore."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

_LIMIT = 200


@dataclass(slots=True)
class ResultSet:
    """The record numbers that have not been read yet, and how to read them."""

    owner: str
    object: str
    fields: tuple[str, ...]
    remaining: list[int]
    total: int
    page_size: int
    docparid: str = ""


class ResultSetCache:
    """The newest result sets by resultId; the oldest ones are dropped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sets: OrderedDict[str, ResultSet] = OrderedDict()
        self._count = 0

    def add(self, pages: ResultSet) -> str:
        """Store a result set and return its resultId."""
        with self._lock:
            self._count += 1
            result_id = f"7765623{self._count:06d}SIM"
            self._sets[result_id] = pages
            while len(self._sets) > _LIMIT:
                self._sets.popitem(last=False)
            return result_id

    def find(self, result_id: str, owner: str) -> ResultSet | None:
        """Return the result set if ``owner`` created it, else None."""
        with self._lock:
            pages = self._sets.get(result_id)
            return pages if pages is not None and pages.owner == owner else None
