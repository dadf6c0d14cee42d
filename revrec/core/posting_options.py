"""Options of a rule's entries: attachment, custom fields, and the locations of the two sides."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from revrec.core.schedule import PostingTarget
from revrec.core.summary import LINE

Fields = tuple[tuple[str, str], ...]
"""Custom fields: integration names and texts, in alphabetical order."""


_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}\Z")
_STANDARD = {
    "entry_fields": "RECORDNO JOURNAL BATCH_DATE REVERSEDATE BATCH_TITLE HISTORY_COMMENT REFERENCENO BASELOCATION_NO "
    "SUPDOCID STATE ENTRIES",
    "line_fields": "RECORDNO DOCUMENT ACCOUNTNO TR_TYPE TRX_AMOUNT AMOUNT CURRENCY EXCH_RATE_DATE EXCH_RATE_TYPE_ID "
    "EXCHANGE_RATE DESCRIPTION ALLOCATION SPLIT TAXENTRIES LOCATION DEPARTMENT PROJECTID TASKID COSTTYPEID CUSTOMERID "
    "VENDORID EMPLOYEEID ITEMID CLASSID CONTRACTID WAREHOUSEID",
}
"""Intacct's own fields that decide what an entry means. A custom field of such a name would replace them."""


class PostingOptions(NamedTuple):
    """What ``[rule.post]`` adds to entries. Lines with different options go on different entries.

    ``summarize``: the level by which journal lines are added up (:data:`revrec.core.summary.KEPT`). ``attachment``: id
    of an attachment (SUPDOCID). ``entry_fields``: custom fields of the entry (GLBATCH). ``line_fields``: custom fields
    of each line (GLENTRY), whose texts are memo templates. ``deferred_location`` and ``accrued_location``: replace the
    location of the charge line on the line of that account, so that an entry can move revenue from one entity to
    another.
    """

    attachment: str = ""
    entry_fields: Fields = ()
    line_fields: Fields = ()
    deferred_location: str = ""
    accrued_location: str = ""
    summarize: str = LINE

    @property
    def text(self) -> str:
        """Return the options as canonical JSON, as they are stored; empty without any."""
        chosen = self._chosen
        return json.dumps(chosen, sort_keys=True, separators=(",", ":"), ensure_ascii=False) if chosen else ""

    @property
    def chosen(self) -> dict[str, str | dict[str, str]]:
        """Return the options that are set, by name; custom fields by their integration names."""
        return {name: dict(value) if isinstance(value, tuple) else value for name, value in self._chosen.items()}

    @property
    def _chosen(self) -> dict[str, str | Fields]:
        return {name: value for name, value in self._asdict().items() if value != self._field_defaults[name]}

    def with_values(self, values: Mapping[str, object]) -> "PostingOptions":
        """Return the options with these in their place; custom fields are replaced one by one."""
        merged = dict(values)
        for name in ("entry_fields", "line_fields"):
            if name in merged:
                merged[name] = fields({**dict(getattr(self, name)), **merged[name]})  # type: ignore[dict-item]
        return self._replace(**merged)  # type: ignore[arg-type]


NO_OPTIONS = PostingOptions()


def fields(texts: Mapping[str, str]) -> Fields:
    """Return custom fields in their order; those with an empty text are left out."""
    return tuple(sorted((name, text) for name, text in texts.items() if text))


@lru_cache(maxsize=1024)
def read_options(text: str) -> PostingOptions:
    """Return the options that :attr:`PostingOptions.text` is the text of."""
    if not text:
        return NO_OPTIONS
    values = json.loads(text)
    for name in ("entry_fields", "line_fields"):
        if name in values:
            values[name] = tuple((field, value) for field, value in values[name])
    return PostingOptions(**values)


def target_changes(before: PostingTarget, after: PostingTarget) -> list[str]:
    """Return what of the target of a rule's entries changed, each as ``name: before -> after``."""
    if before == after:
        return []
    old, new = ({**one._asdict(), **read_options(one.options)._asdict(), "options": ""} for one in (before, after))
    return [
        f"{_SHOWN.get(name, name)}: {_text(old[name])} -> {_text(new[name])}" for name in new if old[name] != new[name]
    ]


_SHOWN = {"deferred": "deferred account", "accrued": "revenue account"}


def _text(value: str | Fields) -> str:
    if isinstance(value, str):
        return value or "none"
    return ", ".join(f"{name} {text}" for name, text in value) or "none"


def why_not_custom(table: str, name: str) -> str:
    """Return why a field of ``entry_fields`` or ``line_fields`` is not a custom field; empty if it can be one."""
    if not _NAME.match(name):
        return "an integration name has letters, digits and _, and begins with a letter; copy it from Intacct"
    if name.upper() in _STANDARD[table].split() or name.upper().startswith("GLDIM"):
        return "this is Intacct's own field, which revrec sends itself; only custom fields belong here"
    return ""
