"""Kill the real command at any moment, start it again until nothing is left, and compare both ledgers.

The command is ``revrec run`` as a process of its own on a database file of its own; the other side is the sandbox's
process with a seeded plan of faults. A command is killed by SIGKILL at a durable step (before or after a commit or a
request) or after some milliseconds. In some trials each kill cuts the power too: the machine starts again, and the end
of the database's log is lost. To be quick, commands are forked from a warmed parent; ``--fresh`` starts a new
interpreter for each.

Before the random trials every durable step is killed at, by name, until each was hit: ``durable_steps`` finds them in
the source. A step that no trial hits is a failure.

    python tests/proof/kill_harness.py --trials 2000 --seed 1
    python tests/proof/kill_harness.py --seed 1 --trial 17        # one trial again, printed step by step

The plan of a trial, its faults, kills and steps, follows from the seed alone. Kills after milliseconds fall where the
machine lets them, so a trial that fails by one of these may need a few tries to fail again.
"""

import argparse
import contextlib
import gc
import io
import json
import os
import random
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from durable_steps import Death, moments_of, steps

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests"))
DAY = "2024-02-29"
NEXT_DAY = "2024-03-01"
CONFIG = """
[accounts]
deferred = "2400"
accrued = "4000"
[posting]
quarantine = "0.05 s"
timeout = "5 s"
lease = "6 s"
attempts = 3
refusals = 2
lines_per_entry = 4
closed_period = "next_open"
[presentation]
contract_assets = "1200"
post = "run"
[mapping.shop.dimensions]
_route = "route"
"""
"""With presentation entries at the end of the month, each with its reversal on the next day."""
OMIT = """
[gateway]
omit = "_route"
"""
"""How a person fixes the dimension that Intacct can have no name for."""
RULES = """
[[rule]]
name = "magazine"
[rule.when]
item = "MAG-*"
[rule.recognize]
method = "monthly"
periods = 3
[rule.post]
memo = "{charge} {seq}"

[[rule]]
name = "goods"
[rule.when]
item = "GOODS-*"
[rule.recognize]
method = "fixed_offset"
offset = "5 days"
[rule.post]
memo = "{charge} {seq}"

[[repair]]
name = "main location"
[repair.when]
error = "dimension-unknown"
dimension = "location"
[repair.set]
dimensions.location = "E100"
"""
CHARGES = """\
source,document,line,customer,item,post_date,amount,currency,route,location
shop,INV-1,1,C1,MAG-1,2024-01-05,10.00,USD,,
shop,INV-2,1,C2,GOODS-1,2023-12-31,-5.00,USD,,
shop,INV-3,1,C2,GOODS-1,2023-12-31,7.00,EUR,{route},
shop,INV-4,1,C3,GOODS-1,2023-12-31,99.99,USD,,
shop,INV-5,1,C3,GOODS-2,2023-12-31,0.01,USD,,{location}
shop,INV-6,1,C1,MAG-1,2024-01-05,-9.00,USD,,
"""
PRESENTED = 300
"""The contract asset at the end of the month, in cents: the part of the credit note that is not recognized yet."""
TEMPLATES = 8
"""Deployments made once and copied: a late request of one trial must not meet the next trial's same references.
The first two have a line with a location that Intacct does not have, for which there is a repair; the last has an entry
that cannot be written for Intacct before a person fixes it."""
REPAIRED, UNWRITABLE = (0, 1), TEMPLATES - 1
FAULTS = (
    "drop", "reset", "html", "empty", "truncated", "garbled", "wrong_control_id", "stale", "slow=0.05", "500", "503",
    "524", "429", "GW-0001",
)  # fmt: skip
FUNCTIONS = ("create", "create", "create", "create", "query", "")
STEPS = 60
"""More durable steps than a run has: a kill at a later one does not happen."""
BOOT = "PROOF_BOOT"
"""Holds the kernel's id of this time of being switched on, for the proof."""
LOG_KEPT = 900 * 4120
"""Bytes of the log from which on parts of it may be in the database already; those the disk has not lied about."""
DATABASE = ("revrec.db", "revrec.db-wal", "revrec.db-shm")
MOST_RUNS = 60
RUN = ["run", "--date", DAY, "--format", "csv"]
RUN_NEXT_DAY = ["run", "--date", NEXT_DAY, "--format", "csv"]
"""It sends the reversals that a run of the day before had to leave."""
CLOSE = ("periods", "close", "2024-01", "--reason", "the proof")
ADVISED = "give it up, then run again"
"""What is said of an entry whose lines seem to be on another one, of a future that these books have lost."""
TOLD_EVERY = 100
PATIENCE = 20.0
"""Seconds after which a run counts as stuck."""


class Failed(AssertionError):
    """A trial did not end as promised."""


class Kill(NamedTuple):
    """Where a command is killed: at its n-th moment or a named one, or after some seconds; never if all are empty."""

    step: int = 0
    seconds: float = 0.0
    moment: str = ""

    @property
    def where(self) -> str:
        """As :class:`Death` takes it."""
        return self.moment or str(self.step)


NEVER = Kill()


@dataclass
class Plan:
    """What goes wrong in one trial. A kill at a named moment waits until a command comes by there."""

    faults: str = ""
    kills: Sequence[Kill] = ()
    delay_ms: int = 0
    late_reads: int = 0
    refusals: int = 0
    """How many creates Intacct refuses without a reason."""
    books: int = 2
    denied: str = ""
    """What the user may not do in Intacct."""
    one_currency: bool = False
    """Intacct refuses other currencies, with an error that revrec does not know, until a person has that changed."""
    put_back: bool = False
    """After the first run the database alone is put back to what it was before."""
    giving_up: bool = False
    """Cancel what needs review and is not in the ledger; otherwise send it again."""
    closed: bool = False
    """The first month is closed in Intacct."""
    undisclosed: bool = False
    """Intacct does not tell how far its books are closed."""
    decided: bool = False
    """A person closes the first month here."""
    power: bool = False
    """With each kill the machine goes down, and what the disk had promised last is lost."""
    unnoticed: bool = False
    """What is put back is the whole folder, so that only the claim of the posting shows it."""
    in_flight: int = 1
    """The most requests at the same time."""

    @classmethod
    def of(cls, seed: int, trial: int) -> "Plan":
        """The plan that follows from the seed."""
        draw = random.Random(f"{seed}:{trial}")
        faults = [
            f"{draw.choice(FAULTS)}@{draw.choice(('before', 'after'))}:{draw.randint(1, 3)}x:{draw.choice(FUNCTIONS)}"
            for _ in range(draw.choice((0, 1, 2, 4)))
        ]
        kills = [_drawn(draw) for _ in range(draw.randint(1, 4))]
        delay, late, refusals = draw.choice((0, 0, 5, 30)), draw.choice((0, 0, 0, 1)), draw.choice((0, 0, 0, 1, 3))
        books, giving_up, put_back = draw.randrange(TEMPLATES), draw.random() < 0.3, draw.random() < 0.1
        one_currency, closed, undisclosed = draw.random() < 0.1, draw.random() < 0.15, draw.random() < 0.5
        decided, power, unnoticed = draw.random() < 0.05, draw.random() < 0.15, draw.random() < 0.3
        shown = (one_currency, put_back, giving_up, closed, undisclosed, decided, power, unnoticed)
        in_flight = draw.choice((1, 2, 4))
        return cls(",".join(faults), kills, delay, late, refusals, books, "", *shown, in_flight)

    @classmethod
    def at(cls, moments: Sequence[str], turn: int) -> "Plan":
        """A plan that kills at these moments: first twice in the scene that leads there, then in any other."""
        leads = next((at for at, (_scene, steps) in enumerate(SCENES) for step in steps if step in moments[0]), 1)
        scene, _steps = SCENES[(leads + max(0, turn - 1)) % len(SCENES)]
        return replace(scene, kills=[Kill(moment=moment) for moment in moments], in_flight=1 + 2 * (turn % 2))


SCENES: tuple[tuple[Plan, tuple[str, ...]], ...] = (
    (Plan(), ("begin_request", "_write_answer", "create")),
    (Plan("drop@after:2x:create"), ()),
    (Plan("html@before:1x:create,503@before:20x:query"), ("_note_failed_lookup",)),
    (Plan("drop@before:20x:create"), ("send_again", "Poster.post")),
    (Plan("drop@before:20x:create", giving_up=True), ("cancel",)),
    (Plan("524@after:1x:create", denied="read:GLENTRY"), ("as_posted", "_lookup_failed")),
    (Plan("503@before:12x:getAPISession"), ("PostingRun.post 2",)),
    (Plan(one_currency=True), ("_replace",)),
    (Plan(refusals=40), ("review_repeated_rejections",)),
    (Plan(put_back=True), (".recover_lost_entries", "_raise_epoch", "_doubt_known_references")),
    (Plan(put_back=True, unnoticed=True), ("_give_up",)),
    (Plan(books=UNWRITABLE), ("Poster._reject",)),
    (Plan(books=REPAIRED[0]), ("PostingRun._repair",)),
    (Plan(closed=True, undisclosed=True), ("_redate",)),
    (Plan(closed=True, decided=True), ("periods.refresh_closed_periods", "periods.decide")),
    (Plan(power=True), ()),
)
"""What leads a run past each durable step, and to which one only this leads."""


def _drawn(draw: random.Random) -> Kill:
    return Kill(step=draw.randint(1, STEPS)) if draw.random() < 0.7 else Kill(seconds=draw.uniform(0.001, 0.15))


class Sandbox:
    """The sandbox's process, seen from its admin port."""

    def __init__(self, address: dict[str, Any]) -> None:
        self.admin_url = address["admin_url"].rstrip("/")
        self.environment = {
            "INTACCT_ENDPOINT_URL": address["url"],
            "INTACCT_SENDER_ID": address["sender_id"],
            "INTACCT_SENDER_PASSWORD": address["sender_password"],
            "INTACCT_COMPANY_ID": address["company_id"],
            "INTACCT_USER_ID": address["user_id"],
            "INTACCT_USER_PASSWORD": address["user_password"],
        }

    def change(self, path: str, **body: object) -> None:
        """Change something from outside."""
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.admin_url + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()

    def entries(self) -> list[dict[str, Any]]:
        """The ledger, entry by entry."""
        with urllib.request.urlopen(f"{self.admin_url}/entries", timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)["entries"]
        return found


@contextlib.contextmanager
def serving(folder: Path, seed: int) -> Iterator[Sandbox]:
    """A sandbox process on a data file of its own."""
    words = ["--quiet", "--seed", str(seed), "--data", str(folder / "sandbox.db")]
    with subprocess.Popen(
        [sys.executable, "-m", "revrec.sandbox", "serve", *words], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        try:
            yield Sandbox(json.loads(process.stdout.readline()))
        finally:
            process.kill()


# --- the process that is killed ---


def _command(words: list[str], where: str, record: Path) -> int:
    """Run the command in this process, which dies where the test says; its exit code."""
    from revrec.cli.main import main
    from revrec.intacct.reading import ReadPolicy
    from revrec.jobs.posting import retries as patience
    from revrec.store.posting import continuity

    # What fails is tried again after some seconds; the proof does not need the waiting.
    ReadPolicy.__new__.__defaults__ = (3, 0.005, time.sleep)
    patience.FIRST_PAUSE = 0.01
    continuity._boot = lambda: os.environ.get(BOOT, "")
    if where != NEVER.where:
        Death(where, record).arm()
    sys.argv = ["revrec", *words]
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    return 0


def warm_up(folder: Path, environment: dict[str, str]) -> None:
    """Do once in this process what those forked from it will do, so that all is imported and prepared by then."""
    import typer.main

    from revrec.cli import main as program
    from revrec.store.database import sqlite
    from support.sqlite import create_sharing

    app = program.build_app()
    program.build_app = lambda words=(): app
    typer.main.get_command = cache(typer.main.get_command)
    mock.patch.object(sqlite, "create_engine", create_sharing).start()
    command = partial(_within, environment={**environment, "HOME": str(folder)})
    _deployment(folder, NOTHING_ODD, command)
    for words in (RUN, ["verify"], [*CLOSE]):
        assert command(["--config", str(folder / "revrec.toml"), *words]) == 0
    steps()
    gc.collect()
    gc.freeze()


def _within(words: list[str], environment: dict[str, str]) -> int:
    """A command in this very process, without a word."""
    given, before = sys.argv, os.environ.copy()
    os.environ.update(environment)
    silence = io.StringIO()
    try:
        with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
            return _command(words, NEVER.where, Path(os.devnull))
    finally:
        sys.argv = given
        os.environ.clear()
        os.environ.update(before)


Start = Callable[[list[str], Kill, dict[str, str], Path], int]
"""Starts a command in a folder and gives its process id."""
SAID, DEATHS = "said.txt", "deaths.txt"
"""Files of such a folder: what commands said, and at which moments they were killed."""


def forked(
    words: list[str],
    kill: Kill,
    environment: dict[str, str],
    books: Path,
    before: Callable[[], object] = lambda: None,
) -> int:
    """A command forked from this process, which does something ``before``."""
    process = os.fork()
    if process:
        return process
    code = 70
    # It would only touch, and so copy, what this process shares with its parent.
    gc.disable()
    try:
        sys.stdout = sys.stderr = (books / SAID).open("a")
        os.environ.update(environment)
        before()
        code = _command(words, kill.where, books / DEATHS)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def fresh(words: list[str], kill: Kill, environment: dict[str, str], books: Path) -> int:
    """A command in a new interpreter."""
    line = [sys.executable, __file__, "--die-at", kill.where, "--deaths", str(books / DEATHS), "--command", *words]
    with (books / SAID).open("a") as file:
        return subprocess.Popen(line, stdout=file, stderr=file, env={**os.environ, **environment}, cwd=ROOT).pid


def _end(process: int, kill: Kill) -> int | None:
    """Wait for the end, or bring it about; the exit code, None if it was killed."""
    descriptor = os.pidfd_open(process)
    try:
        ended = select.poll()
        ended.register(descriptor, select.POLLIN)
        if not ended.poll(1000 * (kill.seconds or PATIENCE)):
            os.kill(process, signal.SIGKILL)
            if not kill.seconds:
                os.waitpid(process, 0)
                raise Failed(f"STUCK: a run did not end within {PATIENCE} s")
    finally:
        os.close(descriptor)
    _pid, status = os.waitpid(process, 0)
    return None if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status)


# --- trials ---


@dataclass
class Harness:
    """Plays trials in a folder, against one sandbox."""

    folder: Path
    sandbox: Sandbox
    seed: int
    start: Start = forked
    tell: Callable[[str], None] = lambda _text: None
    trials: int = 0
    runs: int = 0
    killed: int = 0
    held: int = 0
    deaths: Counter[str] = field(default_factory=Counter)
    """How often a command was killed at each moment."""
    kills: list[Kill] = field(default_factory=list)
    """Those of this trial that are still to come."""
    plan: Plan = field(default_factory=Plan)
    boot: int = 0
    """How often the machine was switched on."""

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def _template(self, number: int) -> Path:
        """The deployment of this number, made when it is first asked for."""
        folder = self.folder / f"template-{number}"
        if not folder.exists():
            odd = {
                "route": "north" if number == UNWRITABLE else "",
                "location": "NOWHERE" if number in REPAIRED else "",
            }
            _deployment(folder, odd, partial(self._forked, folder))
        return folder

    def _forked(self, folder: Path, words: list[str]) -> int | None:
        return _end(forked(words, NEVER, {**self.sandbox.environment, "HOME": str(folder)}, folder), NEVER)

    def trial(self, number: int) -> None:
        """Play one trial; raises Failed."""
        books = self.play(Plan.of(self.seed, number))
        if number % 10 == 0 and self._command(books, ["verify"], NEVER):
            raise Failed(f"LOST: revrec verify finds a difference:\n{_said(books)}")

    def hit(self, step: str) -> None:
        """Play trials that kill before and after a durable step until both have happened; raises Failed."""
        left = [*map(str, moments_of(step))]
        for turn in range(len(SCENES)):
            self.play(Plan.at(left, turn))
            left = [moment for moment in left if not self.deaths[moment]]
            if not left:
                return
        raise Failed(f"NOT HIT: in {len(SCENES)} trials no command came by {left}")

    def play(self, plan: Plan, first: Callable[[Path], None] = lambda _books: None) -> Path:
        """Play a plan to its end, something else ``first``, and compare both ledgers; the books. Raises Failed."""
        self.tell(f"faults {plan.faults or 'none'}; kills {[*map(_shown, plan.kills)]}")
        self.trials += 1
        books = self.folder / "books"
        shutil.rmtree(books, ignore_errors=True)
        shutil.copytree(self._template(plan.books), books)
        self.sandbox.change("/fault", plan="")
        self.sandbox.change("/reset")
        self.sandbox.change(
            "/switch",
            function_delay_ms=plan.delay_ms,
            visibility_reads=plan.late_reads,
            random_failures=plan.refusals,
            denied=plan.denied,
            multi_currency=not plan.one_currency,
            closed_books_date="refuse" if plan.undisclosed else "answer",
        )
        if plan.closed:
            self.sandbox.change("/periods/close", month="2024-01")
        self.sandbox.change("/fault", plan=plan.faults)
        self.kills, self.plan = list(plan.kills), plan
        try:
            first(books)
            while plan.decided and self._run(books, [*CLOSE]) is None:
                """Killed, the person gives it again."""
            if plan.put_back:
                self._put_back(books)
            self._settle(books, RUN)
            self._settle(books, RUN_NEXT_DAY)
        finally:
            self.deaths.update(_lines(books / DEATHS))
        self.sandbox.change("/fault", plan="")
        compare(books, self.sandbox.entries())
        return books

    def _put_back(self, books: Path) -> None:
        """Run, then put the database back from a copy, as a person does by hand; what was sent is unknown then."""
        copy = {file.name: file.read_bytes() for file in books.glob("revrec.db*") if file.name in DATABASE}
        self._command(books, RUN, NEVER)
        for name in (*DATABASE, *["revrec.db.head"] * self.plan.unnoticed):
            (books / name).unlink(missing_ok=True)
        for name, content in copy.items():
            (books / name).write_bytes(content)

    def _settle(self, books: Path, run: list[str]) -> None:
        for _ in range(MOST_RUNS):
            code = self._run(books, run)
            done = not any(not kill.moment for kill in self.kills)
            if code == 0 and done:
                return
            if code not in (None, 0, 4, 5):
                raise Failed(f"ERROR: exit code {code}:\n{_said(books)}")
            if code is not None and done:
                self._decide(books)
                time.sleep(0.06)
        raise Failed(f"STUCK: after {MOST_RUNS} runs: {_states(books)}\n{_said(books)}")

    def _decide(self, books: Path) -> None:
        """A person fixes what cannot be written for Intacct, and settles what needs review by what the ledger shows."""
        if "_route" in "".join(text or "" for (text,) in _sql(books, REFUSED)):
            (books / "revrec.toml").write_text(CONFIG + OMIT)
        if "Only one copy may post" in _said(books):
            self._run(books, ["db", "restored", "--reason", "the proof"])
        for reference, state in _states(books).items():
            if state == "HELD":
                self.held += 1
                self._resolve(books, reference)
        self.sandbox.change("/switch", multi_currency=True)

    def _resolve(self, books: Path, reference: str) -> None:
        ((advice,),) = _sql(books, f"SELECT advice FROM ({POSTINGS}) WHERE reference = '{reference}'")
        give_up = self.plan.giving_up or ADVISED in (advice or "")
        if give_up:
            # What is given up must not be on its way any more; what is sent again is known by its control id.
            time.sleep(0.5)
        found = [entry["record_no"] for entry in self.sandbox.entries() if entry["reference"] == reference]
        way = ["--as-posted", str(found[0])] if found else ["--cancel" if give_up else "--resend"]
        code = self._run(books, ["postings", "resolve", reference, *way, "--reason", "the proof"])
        if code not in (None, 0):
            raise Failed(f"ERROR: resolve ends with {code}:\n{_said(books)}")

    def _run(self, books: Path, words: list[str]) -> int | None:
        """A command with the kill that is next; one at a named moment stays until it has happened."""
        if not self.kills:
            return self._command(books, words, NEVER)
        kill = self.kills[0]
        code = self._command(books, words, kill)
        if code is None or not kill.moment:
            self.kills.pop(0)
        if code is None and self.plan.power:
            self._power_is_cut(books)
        return code

    def _power_is_cut(self, books: Path) -> None:
        """The disk has lied: the end of the log is lost with the power, but for what is in the database by then."""
        log = books / "revrec.db-wal"
        if log.exists() and log.stat().st_size < LOG_KEPT:
            os.truncate(log, self.random.randint(0, log.stat().st_size))
        self.boot += 1

    def _command(self, books: Path, words: list[str], kill: Kill) -> int | None:
        environment = {**self.sandbox.environment, "HOME": str(books), BOOT: str(self.boot)}
        environment["REVREC_POSTING_MAX_IN_FLIGHT"] = str(self.plan.in_flight)
        words = ["--config", str(books / "revrec.toml"), *words]
        code = _end(self.start(words, kill, environment, books), kill)
        self.runs += 1
        self.killed += code is None
        self.tell(f"{words[2]} {_shown(kill)}: {'killed' if code is None else code}; {_states(books)}")
        return code


NOTHING_ODD = {"route": "", "location": ""}


def _deployment(folder: Path, odd: dict[str, str], command: Callable[[list[str]], int | None]) -> None:
    """Books with charges that are due, made by the real commands."""
    folder.mkdir()
    charges = folder / "charges.csv"
    charges.write_text(CHARGES.format_map(odd))
    assert command(["init", str(folder)]) == 0
    (folder / "revrec.toml").write_text(CONFIG)
    for shipped in (folder / "rules").glob("*.toml"):
        shipped.unlink()
    (folder / "rules" / "rules.toml").write_text(RULES)
    importing = ["import", str(charges), "--map", "shop"]
    assert command(["--config", str(folder / "revrec.toml"), *importing]) == 0


POSTINGS = (
    "SELECT reference, state, advice FROM journal_entry UNION ALL SELECT reference, state, advice FROM adjusting_entry"
)
REFUSED = "SELECT error FROM journal_entry WHERE state IN ('REJECTED', 'HELD')"


def _shown(kill: Kill) -> str:
    if kill.step or kill.moment:
        return f"at {kill.where}"
    return f"after {kill.seconds * 1000:.0f} ms" if kill.seconds else "unharmed"


def _said(books: Path) -> str:
    return (books / SAID).read_text()[-3000:]


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def _sql(books: Path, text: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(books / "revrec.db")) as connection:
        return connection.execute(text).fetchall()


def _states(books: Path) -> dict[str, str]:
    return dict(_sql(books, f"SELECT reference, state FROM ({POSTINGS}) ORDER BY reference"))


FINAL = ("POSTED", "REPLACED", "CANCELED")


def compare(books: Path, theirs: list[dict[str, Any]]) -> None:
    """Both ledgers, entry by entry, and each schedule line that is due exactly once; raises Failed."""
    unsettled = {reference: state for reference, state in _states(books).items() if state not in FINAL}
    if unsettled:
        raise Failed(f"STUCK: {unsettled}")
    ours, booked = Counter(_our_entries(books)), Counter(map(_their_entry, theirs))
    if ours != booked:
        raise Failed(f"LOST or DOUBLED: only here {ours - booked}; only or more often in the ledger {booked - ours}")
    due = _sql(
        books,
        "SELECT c.id || ' ' || l.seq FROM schedule_line l JOIN charge_line c ON c.no = l.charge_no"
        f" WHERE l.superseded_by IS NULL AND l.date <= '{DAY}'",
    )
    for_lines = [entry for entry in theirs if entry["reference"].startswith("RR")]
    parts = Counter(line["description"] for entry in for_lines for line in entry["lines"] if line["type"] == 1)
    if parts != Counter(part for (part,) in due):
        raise Failed(f"LOST or DOUBLED: due {sorted(due)}, in the ledger {parts}")
    presented = {day: _on_account(theirs, "1200", day) for day in (DAY, NEXT_DAY)}
    if presented != {DAY: PRESENTED, NEXT_DAY: 0}:
        raise Failed(f"LOST or DOUBLED: contract assets {presented}")


def _on_account(theirs: list[dict[str, Any]], account: str, until: str) -> int:
    """The balance of an account in the ledger on a day, in cents."""
    lines = [line for entry in theirs if entry["date"] <= until for line in entry["lines"]]
    return sum(line["type"] * round(100 * Decimal(line["amount"])) for line in lines if line["account"] == account)


Booked = tuple[str, str, str, str, tuple[tuple[int, str, int, str, str], ...]]


def _our_entries(books: Path) -> Iterator[Booked]:
    query = "SELECT id, reference, record_no, date, journal FROM journal_entry WHERE state = 'POSTED'"
    for number, reference, record_no, date, journal in _sql(books, query):
        lines = _sql(books, f"SELECT side, account, amount, currency, memo FROM journal_line WHERE entry_id = {number}")
        signed = ((1 if side == "debit" else -1, *rest) for side, *rest in lines)
        yield reference, record_no, date, journal, tuple(sorted(signed))
    query = (
        "SELECT id, reference, record_no, date, journal, currency, reason FROM adjusting_entry WHERE state = 'POSTED'"
    )
    for number, *head, currency, reason in _sql(books, query):
        lines = _sql(books, f"SELECT account, amount, memo FROM adjusting_line WHERE adjustment_id = {number}")
        sides = ((1 if amount > 0 else -1, account, abs(amount), memo or reason) for account, amount, memo in lines)
        reference, record_no, date, journal = head
        booked = tuple(sorted((side, account, amount, currency, memo) for side, account, amount, memo in sides))
        yield reference, record_no, date, journal, booked


def _their_entry(entry: dict[str, Any]) -> Booked:
    lines = (
        (line["type"], line["account"], int(Decimal(line["amount"]) * 100), line["currency"], line["description"])
        for line in entry["lines"]
    )
    return entry["reference"], str(entry["record_no"]), entry["date"], entry["journal"], tuple(sorted(lines))


def all_moments() -> list[str]:
    """Before and after each durable step."""
    return [str(moment) for step in steps() for moment in moments_of(step)]


class Report(NamedTuple):
    """The results of some trials."""

    trials: int
    failures: tuple[str, ...]
    runs: int
    killed: int
    held: int
    deaths: Counter[str]

    def __str__(self) -> str:
        counts = f"{self.runs} commands, {self.killed} of them killed, {self.held} entries settled by a person"
        known = all_moments()
        hit = f"{sum(1 for moment in known if self.deaths[moment])} of {len(known)} durable moments hit"
        return f"{self.trials} trials, {len(self.failures)} failed: {counts}; {hit}"


def play(seed: int, numbers: Sequence[int | str], start: Start = forked, folder: Path | None = None) -> Report:
    """Play trials one after the other against a sandbox of their own: numbers are random ones, words steps to hit."""
    failures: list[str] = []
    with harness(seed, start, folder) as played:
        for done, number in enumerate(numbers):
            if done and done % TOLD_EVERY == 0:
                print(f"{done} of {len(numbers)}, {len(failures)} failed", file=sys.stderr, flush=True)
            try:
                played.hit(number) if isinstance(number, str) else played.trial(number)
            except Failed as failure:
                failures.append(f"seed {seed}, trial {number}: {failure}")
                print(failures[-1], flush=True)
        return Report(played.trials, tuple(failures), played.runs, played.killed, played.held, played.deaths)


def play_all(seed: int, trials: int, processes: int, start: Start = forked, folder: Path | None = None) -> Report:
    """Share trials among processes, each with its sandbox; first those that hit each step by its name."""
    all_of_them = [*steps(), *range(trials)]
    shares = [all_of_them[first::processes] for first in range(processes)]
    with ProcessPoolExecutor(processes) as pool:
        reports = [one.result() for one in [pool.submit(play, seed, share, start, folder) for share in shares]]
    failures = tuple(failure for report in reports for failure in report.failures)
    counts = zip(*((report.trials, report.runs, report.killed, report.held) for report in reports), strict=True)
    trials_played, runs, killed, held = map(sum, counts)
    deaths = sum((report.deaths for report in reports), Counter[str]())
    return Report(trials_played, failures, runs, killed, held, deaths)


@contextlib.contextmanager
def harness(seed: int, start: Start = forked, folder: Path | None = None) -> Iterator[Harness]:
    """A harness with its sandbox, in memory where the system has a file system there."""
    memory = Path("/dev/shm")
    place = folder or (memory if memory.is_dir() and os.access(memory, os.W_OK) else None)
    with tempfile.TemporaryDirectory(dir=place, prefix="revrec-kills-") as made, serving(Path(made), seed) as sandbox:
        warm_up(Path(made) / "warm", sandbox.environment)
        yield Harness(Path(made), sandbox, seed, start)


def main() -> int:
    """Play trials on demand."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trial", help="play this one alone and tell its steps: a number, or a durable step")
    parser.add_argument("--fresh", action="store_true", help="a new interpreter for each run, instead of a fork")
    parser.add_argument("--folder", type=Path, help="where to work; a disk makes commits as slow as they are")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--die-at", default=NEVER.where, help=argparse.SUPPRESS)
    parser.add_argument("--deaths", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.command:
        return _command(given.command, given.die_at, given.deaths)
    start = fresh if given.fresh else forked
    if given.trial is not None:
        with harness(given.seed, start, given.folder) as played:
            played.tell = print
            played.trial(int(given.trial)) if given.trial.isdecimal() else played.hit(given.trial)
        return 0
    started = time.monotonic()
    report = play_all(given.seed, given.trials, given.processes, start, given.folder)
    for moment in all_moments():
        print(f"{report.deaths[moment]:6}  {moment}")
    print(f"{report}; {time.monotonic() - started:.0f} s")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
