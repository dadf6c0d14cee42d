"""Books that invoice a document in Intacct, with short ways to ask what is in Intacct."""

from datetime import date, timedelta
from typing import Any

from revrec.jobs.admin.verify import verify
from revrec.jobs.gateway import open_gateway
from revrec.jobs.running.run import INVOICES, run
from support.books import Books, MakeRow
from support.intacct import Intacct

DAY = "2024-02-20"
ORDER, PLAIN = "sales_order", "invoice"
STEPS = {ORDER: ("create_sotransaction", 2), PLAIN: ("create_invoice", 1)}
"""The function that each way uses, and how often for one document."""
FREIGHT = '[[rule]]\nname = "freight"\n[rule.when]\nitem = "FRT-*"\n[rule.recognize]\nmethod = "pod_date"\n'


class Billing:
    """Books of one document with two lines, one of them negative, that its source wants invoiced."""

    def __init__(self, books: Books, intacct: Intacct, row: MakeRow, how: str) -> None:
        self.books, self.intacct, self.row, self.how = books, intacct, row, how
        self.configure(how)
        self.rules = (books.folder / "rules" / "rules.toml").read_text() + FREIGHT
        books.rules(self.rules)

    def configure(self, how: str, more: str = "", **invoicing: str) -> None:
        config = self.books.folder / "revrec.toml"
        base = config.read_text().partition("[invoicing]")[0]
        keys = {"default_term": "Net 30", **invoicing}
        table = "".join(f'{key} = "{value}"\n' for key, value in keys.items())
        config.write_text(f'{base}[invoicing]\n{table}[invoice.shop]\nas = "{how}"\n{more}')

    def document(self, document: str = "INV-1", **fields: str) -> None:
        rows = [
            self.row(document, **{"item": "MAG-12", "quantity": "3", "description": "Magazine", **fields}),
            self.row(document, line="2", **{"item": "FRT-OCEAN", **fields, "amount": "-4.00"}),
        ]
        self.books.take(*rows, name=f"{document}.csv")

    def run(self, later: timedelta = timedelta(0), day: str = DAY) -> Any:
        return self.books.run(day, later)

    def invoice(self) -> Any:
        """Invoices alone: an entry would create its customer and item on sight in this sandbox."""
        return run(self.books.context("invoice"), date.fromisoformat(DAY), parts=(INVOICES,))

    def states(self) -> list[tuple[str, str]]:
        return [tuple(row) for row in self.books.sql("SELECT kind, state FROM invoice ORDER BY id")]

    def attempts(self) -> list[tuple[str, str]]:
        return [
            tuple(row)
            for row in self.books.sql(
                "SELECT a.kind, o.outcome FROM invoice_attempt a"
                " LEFT JOIN invoice_attempt_outcome o ON o.attempt_id = a.id ORDER BY a.id"
            )
        ]

    def in_intacct(self, *numbers: str) -> list[Any]:
        """Return the amounts that Intacct has billed under these numbers."""
        with open_gateway(self.books.context()) as gateway:
            gateway.sign_in()
            return gateway.find_invoices("Sales Invoice" if self.how == ORDER else "", numbers or ("INV-1",))

    def billed(self) -> list[dict[str, Any]]:
        """The journal entries behind invoices."""
        return [entry for entry in self.intacct.entries() if entry["journal"] == "SJ"]

    def whole(self) -> None:
        """The document is billed once, and the books are sound."""
        (found,) = self.in_intacct()
        assert [line.amount for line in found.lines] == [2400, -400]
        assert len(self.billed()) == 1
        posted = [("sales_order", "POSTED"), ("sales_invoice", "POSTED")]
        live = [one for one in self.states() if one[1] != "REPLACED"]
        assert live == (posted if self.how == ORDER else [("ar_invoice", "POSTED")])
        assert verify(self.books.context("verify")).findings == []
