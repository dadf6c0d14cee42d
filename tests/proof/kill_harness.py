"""Kill the real command at any moment, start it again until nothing is left, and compare both ledgers.

The command is ``revrec run`` as a process of its own on a database file of its own; the other side is the sandbox's
process with a seeded plan of faults. A run is killed by SIGKILL at a durable step (before or after a commit, before
or after a request) or after some milliseconds. To be quick, runs are forked from a warmed parent; ``--fresh`` starts
a new interpreter for each.

    python tests/proof/kill_harness.py --trials 2000 --seed 1
    python tests/proof/kill_harness.py --seed 1 --trial 17        # one trial again, told step by step

The plan of a trial, its faults, kills and steps, follows from the seed alone. Kills after milliseconds fall where the
machine lets them, so a trial that fails by one of these may need a few tries to fail again.
"""

import argparse
import contextlib
import gc
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
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
DAY = "2024-03-31"
CONFIG = """
[accounts]
deferred = "2400"
accrued = "4000"
[posting]
quarantine = "0.1 s"
timeout = "5 s"
lease = "6 s"
attempts = 3
lines_per_entry = 4
"""
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
"""
CHARGES = """\
source,document,line,customer,item,post_date,amount,currency
shop,INV-1,1,C1,MAG-1,2024-01-05,10.00,USD
shop,INV-2,1,C2,GOODS-1,2023-12-31,-5.00,USD
shop,INV-3,1,C2,GOODS-1,2023-12-31,7.00,EUR
shop,INV-4,1,C3,GOODS-1,2023-12-31,99.99,USD
shop,INV-5,1,C3,GOODS-2,2023-12-31,0.01,USD
"""
TEMPLATES = 8
"""Deployments made once and copied: a late request of one trial must not meet the next trial's same references."""
FAULTS = (
    "drop", "reset", "html", "empty", "truncated", "garbled", "wrong_control_id", "stale", "slow=0.05", "500", "503",
    "524", "429", "GW-0011",
)  # fmt: skip
FUNCTIONS = ("create", "create", "create", "create", "query", "")
STEPS = 42
"""More durable steps than a run has: a kill at a later one does not happen."""
MOST_RUNS = 60
PATIENCE = 20.0
"""Seconds after which a run counts as stuck."""


class Failed(AssertionError):
    """A trial did not end as promised."""


class Kill(NamedTuple):
    """Where a run is killed: at a durable step, or after some seconds; never if both are 0."""

    step: int = 0
    seconds: float = 0.0


NEVER = Kill()


@dataclass
class Plan:
    """What goes wrong in one trial."""

    faults: str
    kills: list[Kill]
    delay_ms: int
    late_reads: int

    @classmethod
    def of(cls, seed: int, trial: int) -> "Plan":
        """The plan that follows from the seed."""
        draw = random.Random(f"{seed}:{trial}")
        faults = [
            f"{draw.choice(FAULTS)}@{draw.choice(('before', 'after'))}:{draw.randint(1, 3)}x:{draw.choice(FUNCTIONS)}"
            for _ in range(draw.choice((0, 1, 2, 4)))
        ]
        kills = [
            Kill(step=draw.randint(1, STEPS)) if draw.random() < 0.7 else Kill(seconds=draw.uniform(0.001, 0.15))
            for _ in range(draw.randint(1, 5))
        ]
        return cls(",".join(faults), kills, draw.choice((0, 0, 5, 30)), draw.choice((0, 0, 0, 1)))


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


def _die_at(step: int) -> None:
    """Kill this very process at its n-th durable step; the steps are counted at the database and at the wire."""
    from revrec.intacct.transport import Transport
    from revrec.store.engine import Database

    left = step
    write, post = Database.write, Transport.post

    def pass_step() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    @contextlib.contextmanager
    def stepped_write(self: Any, *words: Any, **named: Any) -> Iterator[Any]:
        with write(self, *words, **named) as connection:
            yield connection
            pass_step()
        pass_step()

    def stepped_post(self: Any, *words: Any) -> Any:
        pass_step()
        exchange = post(self, *words)
        pass_step()
        return exchange

    Database.write, Transport.post = stepped_write, stepped_post  # type: ignore[method-assign]


def _command(words: list[str], kill: Kill) -> int:
    """Run the command in this process; its exit code."""
    from revrec.cli.main import main
    from revrec.intacct.reading import ReadPolicy

    # A read that fails is tried again after 2 and 4 s; the proof does not need the waiting.
    ReadPolicy.__new__.__defaults__ = (3, 0.005, time.sleep)
    if kill.step:
        _die_at(kill.step)
    sys.argv = ["revrec", *words]
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    return 0


def warm_up() -> None:
    """Import all that a run imports, so that a forked one need not."""
    import revrec.cli.main
    import revrec.cli.output
    import revrec.cli.postings
    import revrec.cli.run
    import revrec.intacct.client
    import revrec.jobs.resolve
    import revrec.jobs.run
    import revrec.jobs.verify  # noqa: F401

    gc.collect()
    gc.freeze()


Start = Callable[[list[str], Kill, dict[str, str], Path], int]
"""Starts a command and gives its process id."""


def forked(words: list[str], kill: Kill, environment: dict[str, str], output: Path) -> int:
    """A command forked from this process."""
    process = os.fork()
    if process:
        return process
    code = 70
    try:
        with output.open("a") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        os.environ.update(environment)
        code = _command(words, kill)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def fresh(words: list[str], kill: Kill, environment: dict[str, str], output: Path) -> int:
    """A command in a new interpreter."""
    line = [sys.executable, __file__, "--die-at", str(kill.step), "--command", *words]
    with output.open("a") as file:
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
    runs: int = 0
    killed: int = 0
    held: int = 0
    templates: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number in range(TEMPLATES):
            self.templates.append(_deployment(self.folder / f"template-{number}", self.sandbox.environment))

    def trial(self, number: int) -> None:
        """Play one trial; raises Failed."""
        plan = Plan.of(self.seed, number)
        self.tell(f"faults {plan.faults or 'none'}; kills {[*map(_shown, plan.kills)]}")
        books = self.folder / "books"
        shutil.rmtree(books, ignore_errors=True)
        shutil.copytree(self.templates[number % TEMPLATES], books)
        self.sandbox.change("/fault", plan="")
        self.sandbox.change("/reset")
        self.sandbox.change("/switch", function_delay_ms=plan.delay_ms, visibility_reads=plan.late_reads)
        self.sandbox.change("/fault", plan=plan.faults)
        self._settle(books, list(plan.kills))
        self.sandbox.change("/fault", plan="")
        compare(books, self.sandbox.entries())
        if number % 10 == 0 and self._run(books, ["verify"], NEVER):
            raise Failed(f"LOST: revrec verify finds a difference:\n{_said(books)}")

    def _settle(self, books: Path, kills: list[Kill]) -> None:
        for _ in range(MOST_RUNS):
            code = self._run(books, ["run", "--date", DAY, "--format", "csv"], kills.pop(0) if kills else NEVER)
            if code == 0 and not kills:
                return
            if code not in (None, 0, 4, 5):
                raise Failed(f"ERROR: exit code {code}:\n{_said(books)}")
            if code is not None and not kills:
                self._decide(books)
                time.sleep(0.11)
        raise Failed(f"STUCK: after {MOST_RUNS} runs: {_states(books)}\n{_said(books)}")

    def _decide(self, books: Path) -> None:
        """A person settles what is held by what the ledger shows."""
        for reference, state in _states(books).items():
            if state == "HELD":
                self.held += 1
                found = [entry["record_no"] for entry in self.sandbox.entries() if entry["reference"] == reference]
                way = ["--as-posted", str(found[0])] if found else ["--resend"]
                code = self._run(books, ["postings", "resolve", reference, *way, "--reason", "the proof"], NEVER)
                if code:
                    raise Failed(f"ERROR: resolve ends with {code}:\n{_said(books)}")

    def _run(self, books: Path, words: list[str], kill: Kill) -> int | None:
        environment = {**self.sandbox.environment, "HOME": str(books)}
        words = ["--config", str(books / "revrec.toml"), *words]
        code = _end(self.start(words, kill, environment, books / "said.txt"), kill)
        self.runs += 1
        self.killed += code is None
        self.tell(f"{words[2]} {_shown(kill)}: {'killed' if code is None else code}; {_states(books)}")
        return code


def _deployment(folder: Path, environment: dict[str, str]) -> Path:
    """Books with charges that are due, made by the real commands in processes of their own."""
    folder.mkdir()
    (folder / "charges.csv").write_text(CHARGES)
    output = folder / "said.txt"
    commands = [["init", str(folder)], ["--config", str(folder / "revrec.toml"), "import", str(folder / "charges.csv")]]
    for words in commands:
        code = _end(forked(words, NEVER, {**environment, "HOME": str(folder)}, output), NEVER)
        assert code == 0, output.read_text()
        (folder / "revrec.toml").write_text(CONFIG)
        for shipped in (folder / "rules").glob("*.toml"):
            shipped.unlink()
        (folder / "rules" / "rules.toml").write_text(RULES)
    return folder


def _shown(kill: Kill) -> str:
    if kill.step:
        return f"at step {kill.step}"
    return f"after {kill.seconds * 1000:.0f} ms" if kill.seconds else "unharmed"


def _said(books: Path) -> str:
    return (books / "said.txt").read_text()[-3000:]


def _sql(books: Path, text: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(books / "revrec.db")) as connection:
        return connection.execute(text).fetchall()


def _states(books: Path) -> dict[str, str]:
    return dict(_sql(books, "SELECT reference, state FROM journal_entry ORDER BY id"))


def compare(books: Path, theirs: list[dict[str, Any]]) -> None:
    """Both ledgers, entry by entry, and each schedule line that is due exactly once; raises Failed."""
    unsettled = {reference: state for reference, state in _states(books).items() if state not in ("POSTED", "REPLACED")}
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
    parts = Counter(line["description"] for entry in theirs for line in entry["lines"] if line["type"] == 1)
    if parts != Counter(part for (part,) in due):
        raise Failed(f"LOST or DOUBLED: due {sorted(due)}, in the ledger {parts}")


Booked = tuple[str, str, str, str, tuple[tuple[int, str, int, str, str], ...]]


def _our_entries(books: Path) -> Iterator[Booked]:
    query = "SELECT id, reference, record_no, date, journal FROM journal_entry WHERE state = 'POSTED'"
    for number, *head in _sql(books, query):
        lines = _sql(books, f"SELECT side, account, amount, currency, memo FROM journal_line WHERE entry_id = {number}")
        yield *head, tuple(sorted((1 if side == "debit" else -1, *rest) for side, *rest in lines))  # type: ignore[misc]


def _their_entry(entry: dict[str, Any]) -> Booked:
    lines = (
        (line["type"], line["account"], int(Decimal(line["amount"]) * 100), line["currency"], line["description"])
        for line in entry["lines"]
    )
    return entry["reference"], str(entry["record_no"]), entry["date"], entry["journal"], tuple(sorted(lines))


class Report(NamedTuple):
    """What came of some trials."""

    trials: int
    failures: tuple[str, ...]
    runs: int
    killed: int
    held: int

    def __str__(self) -> str:
        counts = f"{self.runs} runs, {self.killed} of them killed, {self.held} entries settled by a person"
        return f"{self.trials} trials, {len(self.failures)} failed: {counts}"


def play(seed: int, numbers: Sequence[int], start: Start = forked, folder: Path | None = None) -> Report:
    """Play trials one after the other against a sandbox of their own."""
    failures = []
    with harness(seed, start, folder) as played:
        for number in numbers:
            try:
                played.trial(number)
            except Failed as failure:
                failures.append(f"seed {seed}, trial {number}: {failure}")
                print(failures[-1], flush=True)
        return Report(len(numbers), tuple(failures), played.runs, played.killed, played.held)


def play_all(seed: int, trials: int, processes: int, start: Start = forked, folder: Path | None = None) -> Report:
    """Share trials among processes, each with its sandbox."""
    shares = [range(first, trials, processes) for first in range(processes)]
    with ProcessPoolExecutor(processes) as pool:
        reports = [one.result() for one in [pool.submit(play, seed, share, start, folder) for share in shares]]
    failures = tuple(failure for report in reports for failure in report.failures)
    sums = [sum(column) for column in zip(*((r.runs, r.killed, r.held) for r in reports), strict=True)]
    return Report(trials, failures, *sums)


@contextlib.contextmanager
def harness(seed: int, start: Start = forked, folder: Path | None = None) -> Iterator[Harness]:
    """A harness with its sandbox, in memory where the system has a file system there."""
    warm_up()
    memory = Path("/dev/shm")
    place = folder or (memory if memory.is_dir() and os.access(memory, os.W_OK) else None)
    with tempfile.TemporaryDirectory(dir=place, prefix="revrec-kills-") as made, serving(Path(made), seed) as sandbox:
        yield Harness(Path(made), sandbox, seed, start)


def main() -> int:
    """Play trials on demand."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trial", type=int, help="play this one alone and tell its steps")
    parser.add_argument("--fresh", action="store_true", help="a new interpreter for each run, instead of a fork")
    parser.add_argument("--folder", type=Path, help="where to work; a disk makes commits as slow as they are")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--die-at", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.command:
        return _command(given.command, Kill(given.die_at))
    start = fresh if given.fresh else forked
    if given.trial is not None:
        with harness(given.seed, start, given.folder) as played:
            played.tell = print
            played.trial(given.trial)
        return 0
    started = time.monotonic()
    report = play_all(given.seed, given.trials, given.processes, start, given.folder)
    print(f"{report}; {time.monotonic() - started:.0f} s")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
