"""Result sets kept between readByQuery and readMore."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

_KEPT = 200


@dataclass(slots=True)
class ResultSet:
    """Record numbers still to be handed out, with what is needed to read them."""

    owner: str
    object: str
    fields: tuple[str, ...]
    remaining: list[int]
    total: int
    page_size: int
    docparid: str = ""


class ResultPages:
    """The newest result sets, by resultId."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sets: OrderedDict[str, ResultSet] = OrderedDict()
        self._made = 0

    def keep(self, pages: ResultSet) -> str:
        """Store a result set; its resultId."""
        with self._lock:
            self._made += 1
            result_id = f"7765623{self._made:06d}SIM"
            self._sets[result_id] = pages
            while len(self._sets) > _KEPT:
                self._sets.popitem(last=False)
            return result_id

    def take(self, result_id: str, owner: str) -> ResultSet | None:
        """The result set if `owner` made it and it is not used up."""
        with self._lock:
            pages = self._sets.get(result_id)
            return pages if pages is not None and pages.owner == owner else None
