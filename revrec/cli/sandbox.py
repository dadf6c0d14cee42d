"""``revrec sandbox``."""

from pathlib import Path
from typing import Annotated

import typer

from revrec.cli.shared import Options, add_group, command, fail


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = add_group(app, "sandbox", "The built-in Intacct simulator.")

    @command(group, "serve", "sandbox")
    def serve(
        options: Options,
        port: Annotated[
            int, typer.Option("--port", metavar="N", min=0, max=65535, help="Port on the loopback; 0 takes a free one.")
        ] = 0,
        data: Annotated[
            Path | None, typer.Option("--data", metavar="FILE", help="Its own data file; else the configured one.")
        ] = None,
        seed: Annotated[
            int, typer.Option("--seed", metavar="N", help="For record numbers and all else that varies.")
        ] = 1,
        fault: Annotated[
            str, typer.Option("--fault", metavar="PLAN", help="Faults to play, see the examples.", show_default=False)
        ] = "",
        switch: Annotated[
            list[str] | None,
            typer.Option("--switch", metavar="NAME=VALUE", help="Another behaviour of the gateway; may be repeated."),
        ] = None,
        quiet: Annotated[bool, typer.Option("--quiet", help="No access log on standard error.")] = False,
    ) -> None:
        """Serve a simulated Intacct company over real HTTP, until stopped.

        The first line printed is JSON with its addresses and credentials; any Intacct client can talk to it. A run
        with the same data file finds it and posts to it.

        \b
        Examples:
          revrec sandbox serve
          revrec sandbox serve --port 8099 --data sandbox.db
          revrec sandbox serve --fault "drop@after:1x:create,503@before:0.1" --seed 7
          revrec sandbox serve --switch masters=strict
        """
        from revrec.sandbox.serve import serve as start

        file = data or options.context().settings.path("sandbox", "data")
        raise typer.Exit(start(port, file, seed, fault, _pairs(switch or []), quiet))


def _pairs(items: list[str]) -> dict[str, str]:
    for item in items:
        if "=" not in item:
            fail(f"--switch {item!r}: no value; write it as NAME=VALUE", 2)
    return dict(item.split("=", 1) for item in items)
