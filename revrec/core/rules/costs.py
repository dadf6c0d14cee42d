"""Costs that a rule defers and expenses together with its revenue: the cost to fulfill or to obtain a sale.

Each cost of a charge line is a separate charge line with the opposite sign and the same item, customer, dates and
dimensions, so that it is scheduled, posted, corrected and traced like any other: debit the expense, credit the deferred
cost.

Source: ASC 340-40-25-1 to 25-5, costs to obtain and to fulfill a contract; 340-40-35-1, expensed as the goods or
services are transferred (IFRS 15.91 to 99).
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from revrec.core.charge_line import LOSS_MARK, ChargeLine
from revrec.core.money import minor_digits
from revrec.core.recognition import Method
from revrec.core.standalone import rounded

COST_MARK = ":cost:"
"""The separator between the line that a cost belongs to and the cost's name."""
FINANCING = "financing"
"""The name of the interest of ``[rule.financing]`` among the costs of a rule; a longer name begins with it."""
INTEREST_MARK = f"{COST_MARK}{FINANCING}"
"""What the line of an interest charge contains."""
CATEGORIES = ("obtain", "fulfill", "setup")
"""The main categories of deferred costs (ASC 340-40-50-3): to obtain a contract, to fulfill it, to set it up."""
UNNAMED = "fulfill"
"""The category of a cost whose rule names none."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One ``[[rule.cost]]``: ``amount`` in units of the line's currency for each of ``parts`` parts, unit or line, or
    ``percent`` of the line's amount. ``deferred`` and ``expense`` are account numbers; ``category`` is of
    :data:`CATEGORIES`. ``impairment`` is the account of impairment losses; without it there are none."""

    name: str
    amount: Decimal | None
    percent: Decimal | None
    per: str
    parts: int
    deferred: str
    expense: str
    category: str = UNNAMED
    impairment: str = ""

    @property
    def own_method(self) -> Method | None:
        """Return the method that recognizes it; None if the one of its rule does."""
        return None

    @property
    def price(self) -> str:
        """Return what it costs, in words: an amount in units of the line's currency, or a percentage."""
        return str(self.amount) if self.percent is None else f"{self.percent} percent"

    def line_of(self, line: ChargeLine) -> ChargeLine | None:
        """Return the charge line of this cost for another line; None if the cost is zero."""
        return self.beside(line, -rounded(self._total(line)))

    def beside(self, line: ChargeLine, amount: int) -> ChargeLine | None:
        """Return the charge line beside another one that has this amount in minor units; None if it is zero.

        It bills no contract line and is not one itself.
        """
        return line._replace(line=f"{line.line}{COST_MARK}{self.name}", amount=amount, bills="") if amount else None

    def _total(self, line: ChargeLine) -> Fraction:
        if self.percent is not None:
            return Fraction(self.percent) * line.amount / 100
        assert self.amount is not None
        units = Fraction(1 if line.quantity is None else abs(line.quantity))
        times: Fraction = {"line": Fraction(1), "unit": units, "part": Fraction(self.parts)}[self.per]
        whole: Fraction = Fraction(self.amount) * times * 10 ** minor_digits(line.currency)
        return -whole if line.amount < 0 else whole


PARAGRAPH = "ASC 340-40-35-1 (IFRS 15.99): expensed as the goods or services that it is for are transferred."

PARAGRAPH_OF_LOSS = "ASC 340-40-35-3 (IFRS 15.101): a cost that cannot be recovered is expensed as an impairment loss."


def is_cost(charge: str) -> bool:
    """Check whether a charge, by its id or its line, is a cost of another one; its document may have the mark too."""
    return COST_MARK in charge.rpartition("/")[2]


def sold_by(charge: str) -> str:
    """Return the charge or rule that a cost belongs to, by the id, line or name of the cost; another one as it is."""
    return charge.rpartition(COST_MARK)[0] if is_cost(charge) else charge


def is_loss(charge: str) -> bool:
    """Check whether a charge, by its id or its line, is the impairment loss of a cost."""
    return is_cost(charge) and charge.endswith(LOSS_MARK)


def cost_of(charge: str) -> str:
    """Return the charge of the cost that a charge is the impairment loss of; the charge itself if it is no loss."""
    return charge.removesuffix(LOSS_MARK) if is_loss(charge) else charge


def is_financing(charge: str) -> bool:
    """Check whether a charge, by its id or its line, is the interest of another one."""
    return INTEREST_MARK in charge.rpartition("/")[2]
