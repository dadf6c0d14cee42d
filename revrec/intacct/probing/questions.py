"""The questions of a probe, one function each. Each creates a few drafts at most."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

from revrec.intacct.glbatch import CONTROL_ID_LENGTH
from revrec.intacct.probing.drafts import ROLLED_BACK, ProbeDrafts
from revrec.intacct.probing.requests import NOT_ANSWERED, NOT_ASKED, ProbeFinding, ProbeReply, records

CLOSED = "an entry in closed books"
FAILING = "status of the failing function in a transaction"
REVERSAL = "the reversal of a draft with REVERSEDATE"
POSTED = "STATE of an entry created as Posted"


def repeated_control_id(drafts: ProbeDrafts) -> Iterator[ProbeFinding]:
    """Question 1: how Intacct refuses a repeated control id, and when two ids are the same."""
    control_id = drafts.new_id()
    question = "a control id used again"
    first = drafts.create(control_id, unique=True)
    if not first.created:
        yield ProbeFinding("1", question, NOT_ANSWERED, f"no draft could be created: {first.said}")
        return
    again = drafts.create(control_id, unique=True)
    if again.created:
        yield ProbeFinding("1", question, "EXECUTED AGAIN: control ids do not protect", f"record {again.record_no}")
        return
    yield ProbeFinding("1", question, f"refused with {again.errorno}", again.said, "duplicate_errorno", again.errorno)
    upper = drafts.create(control_id.upper(), unique=True)
    case = "counts" if upper.created else "ignored" if upper.errorno == again.errorno else None
    yield ProbeFinding(
        "1", "upper and lower case of control ids", case or NOT_ANSWERED, upper.said if case is None else "",
        "control_id_case" if case else "", case,
    )  # fmt: skip
    yield _long_control_id(drafts, again)
    yield _without_uniqueid(drafts, again)
    yield _of_a_read(drafts, again)
    yield ProbeFinding("1", "the company as part of the key", "cannot be determined with one company")


def _long_control_id(drafts: ProbeDrafts, duplicate: ProbeReply) -> ProbeFinding:
    question = f"control ids beyond {CONTROL_ID_LENGTH} characters"
    start = drafts.new_id().ljust(CONTROL_ID_LENGTH, "0")
    first = drafts.create(f"{start}a", unique=True)
    if not first.created:
        word = NOT_ANSWERED if first.status == "lost" else "refused"
        setting = "reject" if word == "refused" else None
        return ProbeFinding("1", question, word, first.said, "control_id_length" if setting else "", setting)
    other = drafts.create(f"{start}b", unique=True)
    if other.created:
        return ProbeFinding("1", question, "count in full")
    word = "cut" if other.errorno == duplicate.errorno else NOT_ANSWERED
    return ProbeFinding("1", question, word, other.said, "control_id_length" if word == "cut" else "", word)


def _without_uniqueid(drafts: ProbeDrafts, duplicate: ProbeReply) -> ProbeFinding:
    question = "control ids of functions that ran without uniqueid"
    control_id = drafts.new_id()
    first = drafts.create(control_id, unique=False)
    second = drafts.create(control_id, unique=True)
    if not first.created or not (second.created or second.errorno == duplicate.errorno):
        return ProbeFinding("1", question, NOT_ANSWERED, (second if first.created else first).said)
    remembered = not second.created
    word = "remembered" if remembered else "not remembered"
    return ProbeFinding("1", question, word, "", "remember_nonunique", remembered)


def _of_a_read(drafts: ProbeDrafts, duplicate: ProbeReply) -> ProbeFinding:
    """Ask for the control ids of reads, by which a run claims the posting: only one copy of the books may post."""
    question = "control ids of functions that only read"
    control_id = drafts.new_id()
    first, second = drafts.read_nothing(control_id), drafts.read_nothing(control_id)
    is_run_again, is_refused = second.status == "success", second.errorno == duplicate.errorno
    if first.status != "success" or not (is_run_again or is_refused):
        return ProbeFinding("1", question, NOT_ANSWERED, (second if first.status == "success" else first).said)
    word = "not remembered: Intacct does not keep two copies of the books apart" if is_run_again else "remembered"
    return ProbeFinding("1", question, word, second.said if is_refused else "", "remember_reads", is_refused)


def closed_books_date(drafts: ProbeDrafts) -> tuple[ProbeFinding, date | None]:
    """Question 4: does get_closedbooksdate work under dtdversion 3.0? Also return the date that it reports."""
    question = "get_closedbooksdate under dtdversion 3.0"
    reply = drafts.run_function("get_closedbooksdate")
    day = _day(records(reply, "CLOSEDBOOKSDATE"))
    if day is not None:
        return ProbeFinding("4", question, f"works: closed through {day}", "", "closed_books_date", "answer"), day
    if reply.status == "success" or not reply.was_answered:
        return ProbeFinding("4", question, NOT_ANSWERED, reply.said), None
    return ProbeFinding("4", question, "refused", reply.said, "closed_books_date", "refuse"), None


def _day(found: list[dict[str, str]]) -> date | None:
    try:
        return date(*(int(found[0][part]) for part in ("YEAR", "MONTH", "DAY")))
    except (IndexError, KeyError, ValueError):
        return None


def closed_period(drafts: ProbeDrafts, day: date | None, post: bool) -> Iterator[ProbeFinding]:
    """Question 3: errorno and text for a date in closed books. Posts an entry only if the user agreed (``post``)."""
    if day is None:
        yield ProbeFinding("3", CLOSED, NOT_ASKED, "no closed day is known; set one with --closed-date")
        return
    reply = drafts.create(day=day)
    if reply.created and not post:
        yield ProbeFinding("3", CLOSED, "a draft is accepted", "--post tries a posted one")
        return
    if reply.created:
        reply = drafts.create(day=day, state="Posted")
    if reply.created:
        yield ProbeFinding("3", CLOSED, "accepted", f"{day} does not seem to be closed")
        return
    if not reply.was_answered:
        yield ProbeFinding("3", CLOSED, NOT_ANSWERED, reply.said)
        return
    yield ProbeFinding("3", CLOSED, f"refused with {reply.errorno}", reply.said, "closed_period_errorno", reply.errorno)
    words = {"closed": r"period.*closed", "on_or_after": r"on or after"}
    known = next((name for name, text in words.items() if re.search(text, reply.said, re.IGNORECASE)), None)
    wording = known or "unknown: not in revrec/intacct/catalog.toml yet"
    yield ProbeFinding("3", "its wording", wording, reply.said, "closed_period_text" if known else "", known)


def failed_transaction(drafts: ProbeDrafts) -> ProbeFinding:
    """Question 5: the status of the function that fails in a transaction."""
    first, failing = drafts.create_rolled_back()
    blameless = all(error.errorno == ROLLED_BACK for error in first.errors)
    if failing.status not in ("failure", "aborted") or first.created or not blameless:
        return ProbeFinding("5", FAILING, NOT_ANSWERED, failing.said)
    others = f"the other one is {first.status}"
    return ProbeFinding("5", FAILING, failing.status, others, "aborting_status", failing.status)


def reversal(drafts: ProbeDrafts) -> ProbeFinding:
    """Question 10: does a draft with a reversal date get a reversal, and is that named as ``reconcile`` expects?"""
    if not drafts.can_read():
        return ProbeFinding("10", REVERSAL, NOT_ASKED, "entries cannot be read, so that it could not be deleted")
    reply = drafts.create(reverse_on=drafts.template.day + timedelta(days=1))
    if not reply.created:
        return ProbeFinding("10", REVERSAL, reply.refusal, reply.said)
    mirror = drafts.reversal_of(reply.record_no)
    if mirror is None:
        return ProbeFinding("10", REVERSAL, "none yet", "REVERSEDKEY of the entry is empty")
    return ProbeFinding("10", REVERSAL, f"created with the state {mirror.state}", "REVERSEDKEY of the entry names it")


def posted_state(drafts: ProbeDrafts, post: bool) -> ProbeFinding:
    """Question 8: the state of an entry created as Posted, if the user agreed to post one."""
    if not post:
        return ProbeFinding(
            "8",
            POSTED,
            NOT_ASKED,
            "--post asks it; the entry is posted to the ledger (0.01 debit and credit on one account)",
        )
    reply = drafts.create(state="Posted")
    if not reply.created:
        return ProbeFinding("8", POSTED, NOT_ANSWERED, reply.said)
    state = drafts.read_back(reply.record_no).state
    if not state:
        return ProbeFinding("8", POSTED, NOT_ANSWERED, "it could not be read back")
    known = {"Posted": False, "Submitted": True}.get(state)
    return ProbeFinding("8", POSTED, state, "", "approval" if known is not None else "", known)
