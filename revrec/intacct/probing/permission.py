"""Whether the user may create journal entries, asked without creating one."""

import re
from uuid import uuid4

from revrec.intacct.probing.elements import function, parent
from revrec.intacct.probing.replies import Run, single

_PERMISSION = re.compile(r"permission|not authori[sz]ed|access denied", re.IGNORECASE)


def why_not_creating(run: Run, journal: str) -> str:
    """Why not; empty if an entry without lines was refused for its content, as it must be.

    Two things keep it from being made: it has no lines, and it runs as a transaction with an unknown function.
    """
    batch = parent("GLBATCH", JOURNAL=journal, BATCH_DATE="01/31/2000", BATCH_TITLE="revrec doctor", STATE="Draft")
    create = parent("create")
    create.append(batch)
    reply = single(run, function(f"revrec-doctor-{uuid4()}", create), transaction=True)
    said = " ".join(error.text for error in reply.errors)
    if _PERMISSION.search(said) or reply.status in ("lost", "door"):
        return reply.said
    return ""
