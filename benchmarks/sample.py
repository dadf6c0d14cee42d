"""Make a company to measure with: its configuration, the shipped rules, and any number of charge lines."""

import random
import shutil
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from revrec.jobs.context import Context

RULES = Path(__file__).resolve().parent.parent / "rules"
CONFIG = '[accounts]\ndeferred = "2400"\naccrued = "4000"\n'
HEADER = "source,document,line,customer,item,post_date,amount,currency,description,quantity,location,department,class"
YEAR = tuple(date(2024, 1, 1) + timedelta(days=day) for day in range(366))


def company(folder: Path) -> Path:
    """Create a folder with a configuration and the shipped rules, and return it."""
    folder.mkdir(parents=True)
    (folder / "revrec.toml").write_text(CONFIG, encoding="utf-8")
    shutil.copytree(RULES, folder / "rules")
    return folder


def context(folder: Path) -> "Context":
    """Return the context of a command in that folder, independent of this user's environment."""
    from revrec.jobs.context import make_context

    return make_context("benchmark", config=folder / "revrec.toml", environment={})


def write_charges(path: Path, count: int, days: Sequence[date] = YEAR) -> Path:
    """Write ``count`` charge lines of yearly magazine plans (12 parts each), spread over ``days``, in random order.

    Real charges do not arrive in the order of their dates: with sorted ones, the rows of a day are neighbors in the
    database, and reading looks faster than it is.
    """
    pick = random.Random(7)
    posted = [days[number % len(days)] for number in range(count)]
    pick.shuffle(posted)
    places = [f"{pick.choice((100, 200))},{pick.choice((10, 20))},{pick.choice('AB')}" for _ in range(12)]
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER + "\n")
        for number in range(count):
            day = posted[number]
            amount = f"{pick.randrange(1200, 500_000) / 100:.2f}"
            customer, item = f"C-{pick.randrange(500):04}", f"MAG-{pick.randrange(40):02}"
            document = f"INV-{number // 3:07},{number % 3 + 1}"
            place = pick.choice(places)
            file.write(f"shop,{document},{customer},{item},{day},{amount},USD,Yearly plan {item},1,{place}\n")
    return path
