"""Enter journal entries in the sandbox as another user does."""

import itertools
import random
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from revrec.core.journal import JournalEntry, JournalLine
from revrec.intacct.client import XmlGateway
from revrec.intacct.credentials import Credentials
from support.intacct import Intacct

NUMBERS = itertools.count(1)


def entered(
    intacct: Intacct, lines: Sequence[dict[str, Any]], day: str, journal: str = "RR", reference: str = "JE-1"
) -> str:
    """Enter a journal entry; return its record number."""
    with XmlGateway(credentials_of(intacct)) as gateway:
        made = tuple(
            JournalLine(
                at, "debit" if line["type"] == 1 else "credit", line["account"], int(Decimal(line["amount"]) * 100),
                line["currency"], f"x/{line['document']}", 0, 0, 0, line["document"] or "", "", "", "", {},
            )
            for at, line in enumerate(lines, 1)
        )  # fmt: skip
        control_id = f"by-hand-{next(NUMBERS)}-{random.random()}"
        entry = JournalEntry(reference, control_id, date.fromisoformat(day), journal, "", "USD", "By hand", made)
        answer = gateway.post_entry(entry)
    assert answer.record_no, answer
    return answer.record_no


def credentials_of(intacct: Intacct) -> Credentials:
    """Return the credentials with which another program signs in."""
    given = intacct.environment
    return Credentials(
        given["INTACCT_SENDER_ID"], given["INTACCT_SENDER_PASSWORD"], given["INTACCT_COMPANY_ID"],
        given["INTACCT_USER_ID"], given["INTACCT_USER_PASSWORD"], "", given["INTACCT_ENDPOINT_URL"],
    )  # fmt: skip
