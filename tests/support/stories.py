"""Stories: random steps through the life of books that post to an empty ledger."""

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any, Self

from hypothesis import strategies as st

from revrec.jobs.posting.reversing import ReversalOrder
from revrec.jobs.reconciling.reconcile import reconcile
from revrec.jobs.running.reverse import reverse
from revrec.jobs.scheduling.rebuild import schedule
from support.books import Books, MakeBooks, MakeRow
from support.intacct import Intacct

Sums = dict[tuple[str, str], int]
"""Minor units by account and currency; without zeros."""

HELD = """
[[rule]]
name = "held"
priority = 200
when = { item = "TOY-1" }
recognize = { method = "hold", reason = "R" }
"""
RULES = f"""{HELD}
[[rule]]
name = "magazine"
when = {{ item = "MAG-*" }}
recognize = {{ method = "monthly", offset = "7 days", periods = 3, on_migration = "catch_up" }}
[[rule]]
name = "delivery"
when = {{ item = "POD-*" }}
recognize = {{ method = "pod_date" }}
"""

DAYS = st.dates(date(2024, 1, 1), date(2024, 5, 31)).map(str)
CUTOVER = "2024-03-01"
UNDO = ("undo", "undo finally", "accept", "reopen", "finally")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["line", "line", "migrated"]), DAYS, st.integers(1, 9)),
        st.tuples(st.sampled_from(["credit", "pod", "hold"]), DAYS, st.integers(1, 9)),
        st.tuples(st.just("run"), DAYS, st.just(0)),
        st.tuples(st.just("account"), st.sampled_from(["2400", "2410"]), st.just(0)),
        st.tuples(st.sampled_from(UNDO), DAYS, st.integers(0, 9)),
    ),
    min_size=4, max_size=10,
)  # fmt: skip

OPENING = (("line", "2024-01-02", 24), ("run", "2024-02-29", 0))
"""The first steps, so that the later ones have something to change."""


class Story:
    """Books that posted to an empty ledger, and the account that each charge line was billed on."""

    def __init__(self, books: Books, intacct: Intacct, row: MakeRow) -> None:
        self.books = books
        self.intacct = intacct
        self.row = row
        self.account = "2400"
        self.billed: dict[str, str] = {}
        self.do(0, "account", "2400", 0)

    @classmethod
    def begin(cls, fresh_books: MakeBooks, intacct: Intacct, row: MakeRow) -> Self:
        """Return a story in new books; the ledger becomes empty and gets the account 2410."""
        intacct.admin("/reset")
        intacct.admin("/accounts", id="2410")
        return cls(fresh_books(intacct.environment), intacct, row)

    def do(self, at: int, what: str, day: str, number: int) -> None:
        """Take one step; the number is an amount, or chooses an entry."""
        if what in ("line", "migrated"):
            fields = {"item": ("MAG-1", "POD-1", "TOY-1")[number % 3], "amount": f"{number}.00", "post_date": day}
            if what == "migrated":
                fields |= {"cutover": CUTOVER, "post_date": min(day, "2024-02-28")}
                fields["recognized_before"] = f"{number * int(day[-2:]) // 31}.00"
            self.books.take(self.row(f"D{at}", **fields), name=f"{at}.csv")
            self.billed[f"shop/D{at}/1"] = self.account
        elif what == "account":
            self.account = day
            self.books.rules(RULES.replace("recognize", f'post = {{ deferred = "{day}" }}\nrecognize'))
            schedule(self.books.context("schedule"), rebuild=True)
        elif what == "run":
            assert self.books.run(day).complete
        elif what in UNDO:
            self.undo(what, day, number)
        else:
            charge = list(self.billed)[number % len(self.billed)]
            self.books.event(charge, what, day, amount=number if what == "credit" else None)

    def undo(self, what: str, day: str, number: int) -> None:
        """Reverse an entry of ours that no one has touched, here or in Intacct, where it may be deleted instead."""
        ours = [one for one in self.intacct.entries() if not one["title"].startswith("Reversal") and self.stays(one)]
        if not ours:
            return
        entry = ours[number % len(ours)]
        day = max(day, entry["date"])
        if what.startswith("undo"):
            order = ReversalOrder(entry["reference"], "wrong", date.fromisoformat(day), what == "undo finally")
            assert reverse(self.books.context("postings reverse"), order).complete
            return
        if number % 2:
            self.intacct.admin("/entries/delete", record_no=entry["record_no"])
        else:
            self.intacct.admin("/entries/reverse", record_no=entry["record_no"], date=day)
        found = reconcile(self.books.context("reconcile"), date(2024, 12, 31))
        keys = [one.key for one in found.open if one.reference == entry["reference"]]
        how = {{"finally": "final"}.get(what, what): keys}
        reconcile(self.books.context("reconcile"), date(2024, 12, 31), reason="so it is", **how)  # type: ignore[arg-type]

    def stays(self, entry: dict[str, Any]) -> bool:
        """Check that an entry is ours and neither reversed nor a reversal."""
        reversed_ = self.books.sql(
            "SELECT 1 FROM entry_reversal r JOIN journal_entry e ON e.id = r.reverses WHERE e.reference = ?"
            " UNION SELECT 1 FROM ledger_change c JOIN journal_entry e ON e.id = c.entry_id WHERE e.reference = ?",
            entry["reference"], entry["reference"],
        )  # fmt: skip
        known = self.books.sql("SELECT 1 FROM journal_entry WHERE reference = ?", entry["reference"])
        return bool(known) and not reversed_ and not entry.get("reverses")

    def expected(self, day: date) -> Sums:
        """Return what was billed until a day, on its account then, less the movement of the accounts in Intacct.

        Of a contract in progress, it is what was still deferred at the cutover.
        """
        sums: Counter[tuple[str, str]] = Counter()
        for no, charge, amount in self.books.sql(
            "SELECT no, id, amount - recognized_before FROM charge_line WHERE coalesce(cutover, post_date) <= ?",
            str(day),
        ):
            credits = self.books.sql(
                "SELECT coalesce(sum(amount), 0) FROM fulfillment_event WHERE charge_no = ? AND kind = 'credit'"
                " AND date <= ?", no, str(day)
            )  # fmt: skip
            sums[self.billed[charge], "USD"] += amount - int(credits[0][0])
        for entry in self.intacct.entries():
            for line in entry["lines"] if entry["date"] <= str(day) else ():
                if line["account"] in ("2400", "2410"):
                    sums[line["account"], "USD"] -= int(Decimal(line["amount"]) * 100) * line["type"]
        return {key: amount for key, amount in sums.items() if amount}
