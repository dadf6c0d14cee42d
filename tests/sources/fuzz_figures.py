"""Change one figure in well-formed documents with totals, and import them.

Whatever is imported must add up to the net total that its document states. Otherwise nothing of it is imported.

    export PYTHONPATH=tests
    python tests/sources/fuzz_figures.py --files 5000                    # so many documents of each format
    python tests/sources/fuzz_figures.py --format x12 --seed 7 --only 4711   # one of them again, printed

Each document is made from the seed, its format and its number alone. With ``--import-every 10``, of the documents that
the readers refuse only every tenth is imported, too.
"""

import argparse
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from revrec.core.money import decimal_string
from revrec.jobs.importing.import_files import import_document
from sources.fuzz import FuzzBooks, folder_in_memory
from sources.well_formed import FORMATS, MAPPINGS, WellFormed
from support.sqlite import quick_engines


def changed_figure(document: WellFormed, chance: random.Random) -> tuple[str, str, int, int]:
    """Return the text with one figure changed, which one, how much longer it is, and where the change begins."""
    role, start, end = chance.choice(document.figures)
    figure = document.text[start:end]
    while (new := _changed(figure, chance)) == figure:
        pass
    text = document.text[:start] + new + document.text[end:]
    return text, f"{role} {figure} -> {new}", len(new) - len(figure), start


def _changed(figure: str, chance: random.Random) -> str:
    """Return another number: one digit differs, two are swapped, one more, one less, or the sign is turned."""
    digits = [at for at, one in enumerate(figure) if one.isdigit()]
    at = chance.choice(digits)
    kind = chance.randrange(5)
    if kind == 0 and len(digits) > 1:
        other = chance.choice([one for one in digits if one != at])
        swapped = list(figure)
        swapped[at], swapped[other] = swapped[other], swapped[at]
        figure = "".join(swapped)
    elif kind == 1:
        figure = figure[:at] + chance.choice("123456789") + figure[at:]
    elif kind == 2 and len(digits) > 1:
        figure = figure[:at] + figure[at + 1 :]
    elif kind == 3:
        figure = figure[1:] if figure.startswith("-") else f"-{figure}"
    else:
        figure = figure[:at] + chance.choice("0123456789") + figure[at + 1 :]
    # JSON has no numbers such as 05 or .5, so that the document would be damaged and not only different.
    return f"{Decimal(figure):f}"


@dataclass
class Report:
    """The outcomes of one format; ``faults`` must never occur."""

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class FigureTrials:
    """Books into which all documents are imported: each has its own id, so that none affects another."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._seed = seed
        self._books = FuzzBooks(folder, MAPPINGS)

    def document(self, kind: str, number: int) -> tuple[WellFormed, random.Random]:
        """Return a document, and the chance that decides what is changed in it."""
        chance = random.Random(f"{self._seed}/{kind}/{number}")
        return FORMATS[kind](chance, f"{number + 1}{FORMAT_NUMBER[kind]:02}"), chance

    def run(self, kind: str, numbers: Sequence[int], change: bool = True, import_every: int = 1) -> Report:
        """Import the documents of these numbers, each with one figure changed, or as they are."""
        report = Report()
        for number in numbers:
            document, chance = self.document(kind, number)
            text, what, shift, after = changed_figure(document, chance) if change else (document.text, "as is", 0, 0)
            try:
                is_read = number % import_every > 0
                report.outcomes[self._trial(document, text, shift, after, is_read)] += 1
            except Exception:
                report.outcomes["FAULT"] += 1
                report.faults.append(f"{kind} {number} ({what}): {traceback.format_exc(limit=-2)}")
        return report

    def _trial(self, document: WellFormed, text: str, shift: int, after: int, is_read: bool) -> str:
        books = self._books
        path = books.folder / document.file
        path.write_bytes(document.pack(text))
        if is_read and books.cannot_read(path, document.mapping):
            return "refused"
        before = books.content()
        results = import_document(books.context, path, books.mappings_of(document.mapping))
        refused = [one for one in results if one.refused]
        if refused:
            assert len(refused) == len(results) and books.content() == before, "half an import"
            assert all(one["reason"] and one["fix"] for result in results for one in result.report)
            return "refused"
        sums = self._sums(document.key)
        for what, stated in document.stated_nets(document.values(text, shift, after)):
            assert sums[what] in stated, f"{sums[what]} imported, {sorted(stated)} stated"
        return "imported"

    def _sums(self, key: str) -> dict[str, Decimal]:
        """Return what the charge lines of a document add up to: those that are no refund, and all."""
        rows = self._books.query("SELECT line, amount, currency FROM charge_line WHERE document = ?", key)
        found = {"billed": Decimal(0), "all": Decimal(0)}
        for line, amount, currency in rows:
            exact = Decimal(decimal_string(amount, currency))
            found["all"] += exact
            found["billed"] += 0 if line.startswith("refund-") else exact
        return found


FORMAT_NUMBER = {name: at for at, name in enumerate(FORMATS)}
"""The last digits of a document's id, so that documents of two formats never have the same."""


def run(
    kinds: Sequence[str], numbers: Sequence[int], seed: int, change: bool = True, import_every: int = 1
) -> dict[str, Report]:
    """Return the outcomes of the documents of these numbers, by format."""
    with folder_in_memory() as folder, quick_engines():
        trials = FigureTrials(folder, seed)
        return {kind: trials.run(kind, numbers, change, import_every) for kind in kinds}


def lines(reports: dict[str, Report], seconds: float) -> Iterator[str]:
    """Yield the report for people."""
    yield f"{'format':20}{'documents':>12}{'refused':>12}{'imported':>12}{'faults':>12}"
    for kind, one in reports.items():
        counts = one.outcomes
        yield f"{kind:20}{counts.total():>12,}{counts['refused']:>12,}{counts['imported']:>12,}{len(one.faults):>12,}"
    yield f"{seconds:,.0f} s"


def main() -> int:
    """Run the command line; return 1 if there was any fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--format", choices=FORMATS, action="append")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    parser.add_argument("--import-every", type=int, default=1)
    options = parser.parse_args()
    kinds = options.format or list(FORMATS)
    if options.only is not None:
        with tempfile.TemporaryDirectory() as folder:
            trials = FigureTrials(Path(folder), options.seed)
            print("\n".join(changed_figure(*trials.document(kind, options.only))[0] for kind in kinds))
    began = time.monotonic()
    numbers = range(options.files) if options.only is None else [options.only]
    reports = run(kinds, numbers, options.seed, import_every=options.import_every)
    faults = [fault for one in reports.values() for fault in one.faults]
    print("\n".join([*faults[:20], *lines(reports, time.monotonic() - began)]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
