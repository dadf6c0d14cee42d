"""``revrec demo``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from revrec.cli.shared import Options, command, fail

DAY = "2024-04-30"
CHARGE = "shop/INV-1001/1"
Step = Callable[[str, list[str]], None]
"""Runs one command of a story, after saying what it is about."""
Story = Callable[[Step], None]
STORY = (
    ("What was billed comes in from three sources.",
     ["import", "sample_data/charges.csv", "sample_data/orders.xml", "sample_data/shop-orders.jsonl"]),
    ("Two deliveries were proved.",
     ["import", "--events", "sample_data/events.csv"]),
    (f"What is to be recognized up to {DAY}? Nothing is written yet.",
     ["preview", "--date", DAY, "--limit", "0"]),
    ("Post it: deferred to accrued, one journal entry a day.",
     ["run", "--date", DAY]),
    ("Again: nothing is posted twice.",
     ["run", "--date", DAY]),
    ("The whole life of one charge line: a magazine of 24.00, twelve issues, the first a week after payment.",
     ["trace", CHARGE]),
    ("What is left?",
     ["status"]),
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "demo")
    def demo(
        options: Options,
        folder: Annotated[
            Path | None, typer.Argument(metavar="DIR", help="Where its files go; default revrec-demo.")
        ] = None,
        serve: Annotated[bool, typer.Option("--serve", help="Leave the sandbox up afterwards, until Ctrl-C.")] = False,
        round_trip: Annotated[
            bool, typer.Option("--round-trip", help="From an order to its invoice, delivery and entry.")
        ] = False,
    ) -> None:
        """Tell the whole story on sample data, in a folder of its own.

        It runs the ordinary commands and shows each of them: import, events, preview, a run against the built-in
        sandbox, a trace. Given a second time, nothing is posted twice. It never touches another database or gateway.

        With --round-trip it tells another one, in revrec-round-trip: an order comes by SFTP and is invoiced on 28
        March, the proof of its delivery comes by mail, and it is earned on 28 April. The servers are real ones on
        this machine; they need an extra: pip install "revrec[demo]".

        \b
        Examples:
          revrec demo
          revrec demo --round-trip
          revrec demo /tmp/books --serve
        """
        if options.config or options.database or options.format:
            fail("demo has its own configuration and speaks to people: leave --config, --database and --format out", 2)
        with _alone():
            if round_trip:
                from revrec.cli.round_trip import check, story

                place = folder or Path("revrec-round-trip")
                check(place)
                tell(app, place, serve, story)
            else:
                tell(app, folder or Path("revrec-demo"), serve, _story)


def tell(app: typer.Typer, folder: Path, serve: bool, story: Story) -> None:
    """Run a story's commands in ``folder``."""
    import os

    from revrec.jobs.admin.init import add_samples
    from revrec.jobs.sandbox_process import sandbox

    if not (folder / "revrec.toml").exists():
        _step(app, "A configuration, rules and an empty database.", ["init", str(folder)])
    add_samples(folder)
    print(f"\n$ cd {folder}")
    with _inside(folder), sandbox(Path("sandbox.db"), os.environ) as address:
        print(f"\n# An Intacct to post to: the sandbox at {address['url']}; look into it at {address['admin_url']}")
        story(partial(_step, app))
        print(f"\nAll of it is in {folder}. Look around: cd {folder} && revrec preview")
        if serve:
            _until_stopped(address["admin_url"])


def _story(step: Step) -> None:
    for about, words in STORY:
        step(about, words)


def _step(app: typer.Typer, about: str, words: list[str]) -> None:
    print(f"\n# {about}\n$ revrec {' '.join(words)}", flush=True)
    code = app(words, standalone_mode=False)
    if code:
        raise typer.Exit(code)


@contextmanager
def _alone() -> Iterator[None]:
    """Without the environment's settings, which could lead sample data to a real database or a real Intacct."""
    import os

    taken = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(("REVREC_", "INTACCT_"))}
    try:
        yield
    finally:
        os.environ.update(taken)


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """In that folder, so that the commands shown are the commands run."""
    import os

    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _until_stopped(url: str) -> None:
    import time

    print(f"The sandbox stays up at {url} until Ctrl-C.", flush=True)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print("\nstopped")
