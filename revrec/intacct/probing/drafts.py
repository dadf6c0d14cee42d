"""Drafts of a probe: created, read back and deleted. Their references share a prefix, so that all can be found."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from lxml import etree

from revrec.core.batching import batched
from revrec.intacct import requests_xml
from revrec.intacct.elements import add_text
from revrec.intacct.glbatch import format_date
from revrec.intacct.probing.requests import (
    ProbeReply,
    RunFunctions,
    element,
    function,
    records,
    run_several,
    run_single,
)
from revrec.intacct.reading import ParsedAnswer

TITLE = "revrec probe: delete me"
"""Short enough for the shortest known limit, 30 characters."""
ROLLED_BACK = "XL03000009"
"""Errorno of every function that a transaction rolled back; the one that caused it has its own error, too."""
NO_ACCOUNT = "NO-SUCH-ACCOUNT"
_DELETED_AT_ONCE = 20


class DraftTemplate(NamedTuple):
    """The values of every draft. Both lines are on the same account, so that even a posted one changes no balance."""

    journal: str
    account: str
    day: date
    currency: str
    location: str = ""


class StoredDraft(NamedTuple):
    """A draft's state and texts as Intacct stored them."""

    state: str
    texts: dict[str, str]


class LeftoverDraft(NamedTuple):
    """An entry of the probe that could not be deleted, and why."""

    record_no: str
    state: str
    reason: str


class ProbeDrafts:
    """The drafts of one probe. ``created``: record numbers to delete. ``requests``: number of requests sent."""

    def __init__(self, run: RunFunctions, template: DraftTemplate) -> None:
        self._run = run
        self.template = template
        self._token = secrets.token_hex(4)
        self._numbers = 0
        self.requests = 0
        self.created: set[str] = set()

    @property
    def prefix(self) -> str:
        """Return the common prefix of the drafts' references."""
        return f"RVPROBE{self._token}"

    def new_id(self) -> str:
        """Return a control id that was never used, in lower case."""
        self._numbers += 1
        return f"revrec:probe:{self._token}:{self._numbers}"

    def create(
        self,
        control_id: str = "",
        *,
        unique: bool = False,
        day: date | None = None,
        state: str = "Draft",
        texts: Mapping[str, str] | None = None,
        reverse_on: date | None = None,
    ) -> ProbeReply:
        """Create one entry; ``texts`` replace its default texts. Intacct creates its reversal, dated ``reverse_on``."""
        element = self._create(day or self.template.day, state, self.template.account, texts or {})
        if reverse_on is not None:
            add_text(element[0], "REVERSEDATE", format_date(reverse_on))
        reply = run_single(self.run, function(control_id or self.new_id(), element), unique=unique)
        return self._remember(reply)

    def create_rolled_back(self, texts: Mapping[str, str] | None = None) -> tuple[ProbeReply, ProbeReply]:
        """Create an entry in a transaction with one that must fail: both are rolled back. Return both replies."""
        good = self._create(self.template.day, "Draft", self.template.account, texts or {})
        bad = self._create(self.template.day, "Draft", NO_ACCOUNT, {})
        both = [function(self.new_id(), good), function(self.new_id(), bad)]
        first, second = run_several(self.run, both, transaction=True)
        return self._remember(first), self._remember(second)

    def run_function(self, name: str, **texts: str) -> ProbeReply:
        """Run a function that creates nothing."""
        return run_single(self.run, function(self.new_id(), element(name, **texts)))

    def read_nothing(self, control_id: str) -> ProbeReply:
        """Run a read that finds nothing under a control id, as a run claims the posting."""
        body = requests_xml.query(control_id, "GLBATCH", ("RECORDNO",), (("RECORDNO", "0"),), 0, 1)
        return run_single(self.run, body, unique=True)

    def reversal_of(self, record_no: str) -> StoredDraft | None:
        """Return the reversal of an entry, to be deleted with the drafts; None if the entry names none."""
        batch = self._query("GLBATCH", ("RECORDNO", "REVERSEDKEY"), (("RECORDNO", record_no),))
        mirror = batch[0].get("REVERSEDKEY", "") if batch else ""
        if not mirror:
            return None
        self.created.add(mirror)
        return self.read_back(mirror)

    def read_back(self, record_no: str) -> StoredDraft:
        """Read an entry back."""
        fields = ("RECORDNO", "STATE", "BATCH_TITLE", "REFERENCENO")
        batch = self._query("GLBATCH", fields, (("RECORDNO", record_no),))
        lines = self._query("GLENTRY", ("RECORDNO", "DOCUMENT", "DESCRIPTION"), (("BATCHNO", record_no),))
        found = {**(batch[0] if batch else {}), **(lines[0] if lines else {})}
        return StoredDraft(found.get("STATE", ""), found)

    def clean_up(self) -> list[LeftoverDraft]:
        """Delete every entry of this probe, including those whose answer was lost. Return the ones that remain."""
        # Reading them adds the reversals that they name to those created.
        known = self._present() or {}
        keys = sorted({*known, *self.created}, key=int)
        reasons: dict[str, str] = {}
        for some in batched(keys, _DELETED_AT_ONCE):
            functions = [function(self.new_id(), element("delete", object="GLBATCH", keys=key)) for key in some]
            for key, reply in zip(some, run_several(self.run, functions), strict=True):
                reasons[key] = "" if reply.status == "success" else reply.said
        present = self._present()
        if present is None:
            # The entries cannot be read, so rely on what Intacct answered to each deletion.
            present = {key: "" for key, reason in reasons.items() if reason}
        return [LeftoverDraft(key, present[key], reasons.get(key, "")) for key in sorted(present, key=int)]

    def _present(self) -> dict[str, str] | None:
        """Return the state of every entry of this probe by record number; None if they cannot be read."""
        query = element("query", object="GLBATCH")
        select = etree.SubElement(query, "select")
        for name in ("RECORDNO", "STATE", "REVERSEDKEY"):
            etree.SubElement(select, "field").text = name
        etree.SubElement(query, "filter").append(self._is_ours())
        query.append(element("options", showprivate="true"))
        etree.SubElement(query, "pagesize").text = "200"
        reply = run_single(self.run, function(self.new_id(), query))
        if reply.status != "success":
            return None
        rows = [row for row in records(reply, "GLBATCH") if row.get("RECORDNO")]
        self.created.update(row["REVERSEDKEY"] for row in rows if row.get("REVERSEDKEY"))
        return {row["RECORDNO"]: row.get("STATE", "") for row in rows}

    def can_read(self) -> bool:
        """Check if the entries of this probe can be read."""
        return self._present() is not None

    def _is_ours(self) -> etree._Element:
        """Return the condition for the entries of this probe. Intacct's reversals may lack the reference."""
        by_reference = element("like", field="REFERENCENO", value=f"{self.prefix}%")
        if not self.created:
            return by_reference
        either, by_number = etree.Element("or"), element("in", field="RECORDNO")
        for record_no in sorted(self.created, key=int):
            add_text(by_number, "value", record_no)
        either.extend([by_reference, by_number])
        return either

    def _query(self, name: str, fields: tuple[str, ...], where: requests_xml.Where) -> list[dict[str, str]]:
        body = requests_xml.query(self.new_id(), name, fields, where, 0, 10)
        return records(run_single(self.run, body), name)

    def run(self, functions: Sequence[bytes], **options: bool) -> ParsedAnswer:
        """Send functions in one request, and count it."""
        self.requests += 1
        return self._run(functions, **options)

    def _remember(self, reply: ProbeReply) -> ProbeReply:
        if reply.created:
            self.created.add(reply.record_no)
        return reply

    def _create(self, day: date, state: str, account: str, texts: Mapping[str, str]) -> etree._Element:
        self._numbers += 1
        batch = element(
            "GLBATCH",
            JOURNAL=self.template.journal,
            BATCH_DATE=format_date(day),
            BATCH_TITLE=texts.get("BATCH_TITLE", TITLE),
            REFERENCENO=texts.get("REFERENCENO", f"{self.prefix}{self._numbers:03d}"),
            STATE=state,
        )
        entries = etree.SubElement(batch, "ENTRIES")
        for side in ("1", "-1"):
            entries.append(self._line(side, account, texts))
        create = element("create")
        create.append(batch)
        return create

    def _line(self, side: str, account: str, texts: Mapping[str, str]) -> etree._Element:
        place = {"LOCATION": self.template.location} if self.template.location else {}
        document = {"DOCUMENT": texts["DOCUMENT"]} if "DOCUMENT" in texts else {}
        head = {"ACCOUNTNO": account, "TR_TYPE": side, "TRX_AMOUNT": "0.01", "CURRENCY": self.template.currency}
        return element("GLENTRY", **document, **head, **place, DESCRIPTION=texts.get("DESCRIPTION", TITLE))
