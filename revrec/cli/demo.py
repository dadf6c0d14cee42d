"""``revrec demo``."""

from pathlib import Path
from typing import Annotated

import typer

from revrec.cli.shared import Options, command

DAY = "2024-04-30"


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "demo")
    def demo(
        options: Options,
        folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where the demo's files go.")] = Path(
            "revrec-demo"
        ),
        serve: Annotated[bool, typer.Option("--serve", help="Leave the sandbox up afterwards, until Ctrl-C.")] = False,
    ) -> None:
        """Tell the whole story on sample data: import, events, preview, a run against the sandbox, and a trace.

        It runs the ordinary commands and shows each of them first. Run it a second time and nothing is posted twice.

        \b
        revrec demo
        revrec demo /tmp/books --serve
        """
        del options
        tell(app, folder, serve)


def tell(app: typer.Typer, folder: Path, serve: bool) -> None:
    """Run the story's commands in ``folder``."""
    import os

    from revrec.jobs.init import shipped
    from revrec.jobs.sandbox_process import sandbox

    if not (folder / "revrec.toml").exists():
        _step(app, f"init {folder}", ["init", str(folder)])
    samples = shipped("sample_data")
    with sandbox(folder / "sandbox.db", os.environ) as address:
        print(f"\nThe sandbox serves at {address['url']}; watch it at {address['admin_url']}")
        for words in (
            ["import", *(str(samples / name) for name in ("charges.csv", "orders.xml", "shop-orders.jsonl"))],
            ["import", "--events", str(samples / "events.csv")],
            ["preview", "--date", DAY, "--limit", "12"],
            ["run", "--date", DAY],
            ["run", "--date", DAY],
            ["trace", STORY_CHARGE],
            ["status"],
        ):
            shown = " ".join(word.replace(f"{samples}/", "sample_data/") for word in words)
            _step(app, shown, ["--config", str(folder / "revrec.toml"), *words])
        print(f"\nAll of it is in {folder}; look around: revrec --config {folder / 'revrec.toml'} preview")
        if serve:
            _until_stopped(address["admin_url"])


STORY_CHARGE = "shop/INV-1001/1"


def _step(app: typer.Typer, shown: str, words: list[str]) -> None:
    print(f"\n$ revrec {shown}")
    code = app(words, standalone_mode=False)
    if code:
        raise typer.Exit(code)


def _until_stopped(url: str) -> None:
    import time

    print(f"The sandbox stays up at {url} until Ctrl-C.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print()
