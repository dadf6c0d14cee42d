"""``revrec demo``."""

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from revrec.cli.shared import Options, command, fail, in_folder, program

DAY = "2024-04-30"
CLOSE = f"close-{DAY[:7]}"
CHARGE = "shop/INV-1001/1"
REPORT_LIBRARIES = ("xlsxwriter", "pygal", "jinja2")
"""The libraries of the extra ``reports``, without which the demo ends before its reports."""
Step = Callable[[str, list[str]], None]
"""Run one command of the demo, after printing what it is about."""
Story = Callable[[Step], None]
STORY = (
    ("Import what was billed, from three sources.",
     ["import", "sample_data/charges.csv", "sample_data/orders.xml", "sample_data/shop-orders.jsonl"]),
    ("Import two proofs of delivery.",
     ["import", "--events", "sample_data/events.csv"]),
    (f"Preview what is due up to {DAY}. Nothing is written yet.",
     ["preview", "--date", DAY, "--limit", "0"]),
    ("Post it: from deferred revenue to revenue, one journal entry for each day.",
     ["run", "--date", DAY]),
    ("Run it again: nothing is posted twice.",
     ["run", "--date", DAY]),
    ("Trace one charge line: a magazine of 24.00, twelve issues, the first a week after payment.",
     ["trace", CHARGE]),
    ("Show what is left.",
     ["status"]),
    ("Write the reports of the month, with their checks and the close checklist.",
     ["report", "close", "--period", DAY[:7], "--to", CLOSE, "--replace"]),
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "demo")
    def demo(
        options: Options,
        folder: Annotated[
            Path | None, typer.Argument(metavar="DIR", help="Folder for its files; default: revrec-demo.")
        ] = None,
        serve: Annotated[
            bool, typer.Option("--serve", help="Keep the sandbox running afterwards, until Ctrl-C.")
        ] = False,
        round_trip: Annotated[
            bool, typer.Option("--round-trip", help="Run the demo from an order to its invoice, delivery and entry.")
        ] = False,
    ) -> None:
        """Run the whole process on sample data, in a separate folder.

        It shows and runs the ordinary commands: import, events, preview, a run against the built-in sandbox, a trace.
        Run it a second time, and nothing is posted twice. It never touches another database or gateway.

        With --round-trip it runs a different demo, in revrec-round-trip: an order arrives by SFTP and is invoiced on
        March 28, the proof of delivery arrives by email, and the revenue is recognized on April 28. It uses real
        servers on this machine, which the extra demo installs.

        \b
        Examples:
          revrec demo
          revrec demo --round-trip
          revrec demo /tmp/books --serve
        """
        if options.config or options.database or options.format:
            fail("demo uses its own configuration and prints text only: leave out --config, --database and --format", 2)
        # The program that runs has the commands of this module only.
        from revrec.cli.main import build_app

        whole = build_app()
        with _alone():
            if round_trip:
                from revrec.cli.round_trip import check, story

                place = folder or Path("revrec-round-trip")
                check(place)
                play(whole, place, serve, story)
            else:
                play(whole, folder or Path("revrec-demo"), serve, _story)


def play(app: typer.Typer, folder: Path, serve: bool, story: Story) -> None:
    """Run the commands of a demo in ``folder``, against a sandbox that runs meanwhile."""
    import os

    from revrec.jobs.admin.init import add_samples
    from revrec.jobs.sandbox_process import sandbox

    if not (folder / "revrec.toml").exists():
        _step(app, "Create a configuration, rules and an empty database.", ["init", str(folder)])
    add_samples(folder)
    explore = f"{in_folder(folder)}{program()} preview"  # before the folder changes: the program's path may be relative
    print(f"\n$ cd {shlex.quote(str(folder))}")
    with _inside(folder), sandbox(Path("sandbox.db"), os.environ) as address:
        print(f"\n# Intacct is simulated by the sandbox at {address['url']}; see its state at {address['admin_url']}")
        story(partial(_step, app))
        if Path(CLOSE, "index.html").exists():
            print(f"\nThe reports of the month: open {folder / CLOSE / 'index.html'} in a browser.")
        print(f"\nEverything is in {folder}. Explore it: {explore}")
        if serve:
            _until_stopped(address["admin_url"])


def _story(step: Step) -> None:
    for about, words in STORY:
        if words[0] != "report" or all(map(find_spec, REPORT_LIBRARIES)):
            step(about, words)


def _step(app: typer.Typer, about: str, words: list[str]) -> None:
    print(f"\n# {about}\n$ revrec {' '.join(words)}", flush=True)
    code = app(words, standalone_mode=False)
    if code:
        raise typer.Exit(code)


@contextmanager
def _alone() -> Iterator[None]:
    """Hide the settings in the environment, which could send sample data to a real database or a real Intacct."""
    import os

    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(("REVREC_", "INTACCT_"))}
    try:
        yield
    finally:
        os.environ.update(hidden)


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """Change to that folder for the block, so that the commands shown are the commands run."""
    import os

    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _until_stopped(url: str) -> None:
    import time

    try:
        # Inside the try: Ctrl-C may come as soon as the line is read.
        print(f"The sandbox runs at {url} until Ctrl-C.", flush=True)
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print("\nstopped")
