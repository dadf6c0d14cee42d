"""Recompute the audit chain, link by link."""

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from revrec.store.audit import GENESIS, chain_hash
from revrec.store.bulk import stream_rows
from revrec.store.tables import audit_event
from revrec.store.verifying.findings import VerifyFinding

CHECK = "audit chain"


class AuditChain:
    """A walk along the chain: its head, and the first broken link."""

    def __init__(self) -> None:
        self.seq = 0
        self.hash = GENESIS
        self.broken: VerifyFinding | None = None
        self.passed: dict[int, str] = {}

    def walk(self, connection: Connection, remember: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield each event's number and detail, in order; ``passed`` gets the hash of the event ``remember``."""
        for row in stream_rows(connection, select(audit_event).order_by(audit_event.c.seq), 500):
            *fields, own = row
            self._link(fields, own)
            self.seq, self.hash = row.seq, own
            if row.seq == remember:
                self.passed[remember] = own
            yield row.seq, _detail(row.detail)

    def _link(self, fields: list[Any], own: str) -> None:
        if self.broken:
            return
        seq, previous = fields[0], fields[-1]
        if seq != self.seq + 1:
            missing = self.seq + 1
            self._break(missing, f"event {missing} is missing: event {seq} follows event {self.seq}")
        elif previous != self.hash:
            self._break(seq, f"its previous hash is not the hash of event {self.seq}")
        elif chain_hash(fields) != own:
            self._break(seq, "its hash does not match its content")

    def _break(self, seq: int, problem: str) -> None:
        meaning = "an audit event was changed, removed or added; nothing after it is proven"
        self.broken = VerifyFinding(CHECK, "audit_event", f"seq {seq}", problem, meaning)


def _detail(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def compare_with_anchor(chain: AuditChain, anchor: dict[str, Any], deployment: str) -> Iterator[VerifyFinding]:
    """Yield a finding if the chain that was walked does not continue an anchor."""
    place = f"seq {anchor['seq']}"
    meaning = "the audit trail is not the one that was anchored: it was cut off, rewritten, or is another database's"
    if anchor["deployment"] != deployment:
        problem = f"the anchor is of database {anchor['deployment']}, this is {deployment}"
        yield VerifyFinding("anchor", "meta", "key deployment", problem, meaning)
    elif anchor["seq"] > chain.seq:
        problem = f"the trail ends at event {chain.seq}, the anchor has seen event {anchor['seq']}"
        yield VerifyFinding("anchor", "audit_event", place, problem, meaning)
    elif chain.passed.get(anchor["seq"], GENESIS) != anchor["hash"]:
        yield VerifyFinding("anchor", "audit_event", place, "its hash is not the anchored one", meaning)
