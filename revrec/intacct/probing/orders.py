"""A draft order of a probe: created for an existing customer and item, read back and deleted."""

from lxml import etree

from revrec.intacct import requests_xml
from revrec.intacct.elements import add_date, add_text
from revrec.intacct.probing.drafts import TITLE, LeftoverDraft, ProbeDrafts
from revrec.intacct.probing.requests import (
    NOT_ASKED,
    ProbeFinding,
    ProbeReply,
    element,
    function,
    records,
    run_single,
)

ORDER = "a draft order"


class ProbeOrder:
    """One draft order of a transaction definition. Its number begins with the prefix of the probe."""

    def __init__(self, drafts: ProbeDrafts, definition: str) -> None:
        self._drafts = drafts
        self._definition = definition
        self._was_sent = False
        self.count = 0
        """The number of orders that Intacct has created: 0 or 1."""

    @property
    def _number(self) -> str:
        return f"{self._drafts.prefix}ORD"

    def ask(self) -> ProbeFinding:
        """Question 9: can a draft order be created, and which state does it have?"""
        customer, item = self._first_active("CUSTOMER"), self._first_active("ITEM")
        if not customer or not item:
            lacking = "customer" if not customer else "item"
            return ProbeFinding("9", ORDER, NOT_ASKED, f"no active {lacking} can be read")
        self._was_sent = True
        reply = self._run(self._create(customer, item))
        evidence = f"{self._definition} for customer {customer} and item {item}"
        if reply.status != "success":
            return ProbeFinding("9", ORDER, reply.refusal, f"{evidence}: {reply.said}")
        self.count = 1
        state = self._stored()
        return ProbeFinding("9", ORDER, f"created with the state {state}" if state else "created", evidence)

    def clean_up(self) -> list[LeftoverDraft]:
        """Delete the order, also if its answer was lost; return it if it remains."""
        if not self._was_sent or self._stored() == "":
            return []
        self.count = 1
        reply = self._run(etree.Element("delete_sotransaction", key=self._docid))
        state = self._stored()
        gone = state == "" or (state is None and reply.status == "success")
        return [] if gone else [LeftoverDraft(self._docid, state or "", reply.said)]

    @property
    def _docid(self) -> str:
        return f"{self._definition}-{self._number}"

    def _create(self, customer: str, item: str) -> etree._Element:
        template = self._drafts.template
        body = element("create_sotransaction", transactiontype=self._definition)
        add_date(body, "datecreated", template.day)
        add_text(body, "customerid", customer)
        add_text(body, "documentno", self._number)
        add_date(body, "datedue", template.day)
        add_text(body, "message", TITLE)
        add_text(body, "currency", template.currency)
        add_text(body, "exchratetype", "")
        add_text(body, "state", "Draft")
        place = {"locationid": template.location} if template.location else {}
        line = element("sotransitem", itemid=item, quantity="1", price="0.01", **place)
        etree.SubElement(body, "sotransitems").append(line)
        return body

    def _first_active(self, kind: str) -> str:
        """Return the id of an active customer or item; empty if none can be read."""
        fields = ("RECORDNO", f"{kind}ID")
        query = requests_xml.query(self._drafts.new_id(), kind, fields, (("STATUS", "active"),), 0, 1)
        rows = records(run_single(self._drafts.run, query), kind)
        return rows[0].get(f"{kind}ID", "") if rows else ""

    def _stored(self) -> str | None:
        """Return the state of the order in Intacct: empty if it is not there, None if it cannot be read."""
        where = (("DOCPARID", self._definition), ("DOCNO", self._number))
        query = requests_xml.query(self._drafts.new_id(), "SODOCUMENT", ("RECORDNO", "STATE"), where, 0, 1)
        reply = run_single(self._drafts.run, query)
        if reply.status != "success":
            return None
        rows = records(reply, "SODOCUMENT")
        return rows[0].get("STATE", "") or "unknown" if rows else ""

    def _run(self, body: etree._Element) -> ProbeReply:
        return run_single(self._drafts.run, function(self._drafts.new_id(), body))
