"""Beancount: a ledger with a transaction for each schedule line, as its periodic plugin makes, loaded and checked."""

import sys
from pathlib import Path

import with_sqlite
from beancount import loader

ACCOUNTS = """2000-01-01 open Liabilities:Deferred
2000-01-01 open Income:Accrued
"""


def write(charges: str, ledger: str) -> int:
    """Write a ledger with a transaction for each schedule line, and load it; return the number of lines."""
    count = 0
    with Path(ledger).open("w", encoding="utf-8") as file:
        file.write(ACCOUNTS)
        for charge, seq, day, amount in with_sqlite.rows(charges):
            money = f"{amount // 100}.{amount % 100:02} USD"
            file.write(f'{day} * "{charge}" "{seq}/12"\n  Liabilities:Deferred  {money}\n  Income:Accrued  -{money}\n')
            count += 1
    entries, errors, _options = loader.load_file(ledger)
    assert not errors and len(entries) == count + 2
    return count


if __name__ == "__main__":
    import measured

    some = measured.shorten(sys.argv[1], f"{sys.argv[2]}.csv", 2_000)
    measured.show(lambda: write(some, sys.argv[2]), measured.size_of(sys.argv[2]))
