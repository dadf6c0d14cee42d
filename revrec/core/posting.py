"""The posting states of a journal entry and the only ways between them.

READY: committed here, never sent. SENDING: a worker holds it and a request may be out. POSTED: Intacct confirmed it
and returned its record number. AWAITING_APPROVAL: Intacct has it under a record number, but not in its ledger: it is a
draft, or it waits for an approver there. REJECTED: Intacct rejected it and saved nothing. IN_DOUBT: no usable answer;
only reading Intacct back may settle it. HELD: needs review by a person. REPLACED: a rejected entry whose schedule lines
went on to a new entry under a new reference. CANCELED: canceled by a person, with a reason.
"""

import re

TRANSITIONS: frozenset[tuple[str, str]] = frozenset(
    {
        ("READY", "SENDING"),
        ("READY", "REJECTED"),
        ("READY", "IN_DOUBT"),
        ("SENDING", "POSTED"),
        ("SENDING", "AWAITING_APPROVAL"),
        ("SENDING", "REJECTED"),
        ("SENDING", "IN_DOUBT"),
        ("SENDING", "READY"),
        ("IN_DOUBT", "POSTED"),
        ("IN_DOUBT", "AWAITING_APPROVAL"),
        ("IN_DOUBT", "SENDING"),
        ("IN_DOUBT", "HELD"),
        ("AWAITING_APPROVAL", "POSTED"),
        ("AWAITING_APPROVAL", "HELD"),
        ("REJECTED", "REPLACED"),
        ("REJECTED", "HELD"),
        ("HELD", "POSTED"),
        ("HELD", "READY"),
        ("HELD", "CANCELED"),
    }
)
"""Allowed transitions. SENDING -> READY only where nothing ran (sign-in or connection refused), or where Intacct failed
without a reason and saved nothing: that one is read back before it is sent again. READY -> REJECTED where it cannot
even be written for Intacct; READY -> IN_DOUBT where it may be there already. AWAITING_APPROVAL -> HELD where it was
declined, deleted or changed in Intacct."""

UNSETTLED = ("READY", "SENDING", "AWAITING_APPROVAL", "IN_DOUBT", "REJECTED", "HELD")
"""States that are not final: they need a worker, an answer from Intacct, or a person."""

UNCONFIRMED = ("READY", "SENDING", "IN_DOUBT", "REJECTED", "HELD")
"""States in which Intacct has not confirmed a posting: it may be there all the same, or may still be sent."""

RELEASED = ("REPLACED", "CANCELED")
"""States in which an entry no longer holds its schedule lines: they are free for another entry."""


def state_in_words(state: str) -> str:
    """Return a stored state in lower case as people read it: ``held`` is "needs review", ``in_doubt`` "in doubt"."""
    return "needs review" if state == "held" else state.replace("_", " ")


def without_error(state: str) -> str:
    """Return why a posting without an error is not settled, by its stored state in lower case."""
    words = {
        "sending": "it may have been sent; the next run reads Intacct back",
        "awaiting_approval": "not in Intacct's ledger yet",
    }
    return words.get(state, "not sent yet")


def needs_review(count: int) -> str:
    """Return a count in words: ``1 needs review``, ``2 need review``."""
    return f"{count:,} {'needs' if count == 1 else 'need'} review"


def outcome_in_words(outcome: str) -> str:
    """Return the recorded outcome of a run as people read it; its ``held`` counts both entries and blocked lines."""
    text = re.sub(r"\b0 held\b", "0 need review", outcome.replace("_", " "))
    return text.replace(" held", " need review or are blocked").replace(" waiting", " not sent")


def is_allowed(old: str, new: str) -> bool:
    """Check whether an entry may go from one state to the other."""
    return (old, new) in TRANSITIONS
