"""Presentation entries: what the balance sheet shows on other accounts than the ledger keeps it on.

Source: ASC 606-10-45-1 (IFRS 15.105), contract assets and liabilities are presented separately; ASC 210-10-45 (IAS
1.60), current and noncurrent; ASC 606-10-32-10 and 55-27 (IFRS 15.55 and B25), refund liabilities and return assets.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import NamedTuple

from revrec.core.adjusting import PRESENTATION, AdjustingLine, Adjustment
from revrec.core.contract_balance import PresentedAccount

EVERY = ""
"""The key of the account that applies to every deferred account without its own."""
CONTRACT_ASSETS, NONCURRENT_ASSETS, NONCURRENT_DEFERRED = "contract_assets", "noncurrent_assets", "noncurrent_deferred"
REFUND_LIABILITIES, RETURN_ASSETS = "refund_liabilities", "return_assets"
PARTS = (CONTRACT_ASSETS, NONCURRENT_ASSETS, NONCURRENT_DEFERRED, REFUND_LIABILITIES, RETURN_ASSETS)
"""The parts that are moved, named as the settings that name their accounts."""

Accounts = Mapping[str, str]
"""The account of a part by deferred account; :data:`EVERY` for all others."""


class PresentationAccounts(NamedTuple):
    """The accounts that each part of a deferred account is presented on; a part without an account is not moved."""

    contract_assets: Accounts
    noncurrent_assets: Accounts
    noncurrent_deferred: Accounts
    refund_liabilities: Accounts = MappingProxyType({})
    return_assets: Accounts = MappingProxyType({})

    def of(self, part: str, deferred: str) -> str:
        """Return the account of a part of a deferred account; empty if there is none."""
        found: Accounts = getattr(self, part)
        return found.get(deferred) or found.get(EVERY, "")


def presentation_entries(
    presented: Iterable[PresentedAccount], accounts: PresentationAccounts, day: date, journal: str
) -> Iterator[Adjustment]:
    """Yield the adjustments that present deferred accounts on a day; each is reversed on the next day.

    Contract assets are moved from the deferred account, and their noncurrent part from there to its own account. Return
    assets are moved from the account of the deferred cost.
    """
    for one in presented:
        assets = accounts.of(CONTRACT_ASSETS, one.account)
        moves = (
            (CONTRACT_ASSETS, one.account, assets, one.asset),
            (NONCURRENT_ASSETS, assets or one.account, accounts.of(NONCURRENT_ASSETS, one.account), one.asset_later),
            (NONCURRENT_DEFERRED, one.account, accounts.of(NONCURRENT_DEFERRED, one.account), -one.liability_later),
            (REFUND_LIABILITIES, one.account, accounts.of(REFUND_LIABILITIES, one.account), -one.refund),
            (RETURN_ASSETS, one.account, accounts.of(RETURN_ASSETS, one.account), one.return_asset),
        )
        for part, source, to, amount in moves:
            if to and amount and to != source:
                reason = f"{part.replace('_', ' ')} of account {one.account}"
                lines = (AdjustingLine(to, amount), AdjustingLine(source, -amount))
                head = (PRESENTATION, f"{part} {one.account}", day, one.entity, one.currency, journal)
                yield Adjustment(*head, lines, reason, day + timedelta(days=1))
