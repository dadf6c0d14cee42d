"""The policies of a rule: how a schedule follows later changes, by the names that rule files use.

They are declared here, below everything that applies them, so that a schedule can name the policies of its rule
without knowing rules or methods.
"""

from collections.abc import Sequence
from typing import Protocol

from revrec.core.calendar import Calendar

ON_CREDIT = ("prospective", "catch_up", "latest", "earned_first")
"""How a credit changes the plan after its day; see :mod:`revrec.core.pricing`."""
ON_PRICE = ("prospective", "catch_up")
"""How a new price changes the plan after its day; see :mod:`revrec.core.pricing`."""
SCOPE_TEXT = (
    "What credits, new prices and estimates belong to: all obligations of the contract, or the line that they are "
    "recorded for. Default: the contract, except credits of lines with on_credit latest or earned_first."
)
ON_CHANGE = ("restate", "prospective", "catch_up")
"""How new plan dates affect amounts that are already on entries; see :mod:`revrec.core.change`."""
ON_RELEASE = ("catch_up", "extend")
"""How a release treats the parts that fell during the hold; see :mod:`revrec.core.holding`."""

ON_MIGRATION = ("refuse", "spread", "catch_up")
"""How a difference to what another system recognized before the cutover is treated; see
:mod:`revrec.core.migration`."""


class RecognitionPolicies(Protocol):
    """The part of a recognition method that later changes of a schedule depend on."""

    rounding: str
    roll: str
    calendar: Calendar
    reshapes: bool
    on_change: str
    on_credit: str
    on_price: str
    scope: str
    on_release: str
    on_migration: str
    counts_days: bool
    day_count: str

    @property
    def is_dated_by_events(self) -> bool:
        """Return True if events decide what is recognized by which day."""
        ...

    @property
    def name(self) -> str:
        """Return the method's name in rule files."""
        ...

    def amounts(self, total: int, weights: Sequence[int]) -> list[int]:
        """Split ``total`` (minor units) over the dates of a plan."""
        ...

    def dividing_weights(self, weights: Sequence[int]) -> tuple[int, ...] | None:
        """Return the weights by which cumulative rounding makes the same split; None if there are none."""
        ...

    def explain_amounts(self, total: int, weights: Sequence[int], currency: str) -> list[str]:
        """Explain each of these amounts in a sentence."""
        ...
