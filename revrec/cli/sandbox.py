"""``revrec sandbox``."""

from pathlib import Path
from typing import Annotated

import typer

from revrec.cli.shared import Options, command


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The built-in Intacct simulator.", no_args_is_help=True)
    app.add_typer(group, name="sandbox")

    @command(group, "serve", "sandbox")
    def serve(
        options: Options,
        port: Annotated[int, typer.Option("--port", help="Port on the loopback; 0 takes a free one.")] = 0,
        data: Annotated[
            Path | None, typer.Option("--data", help="Its own data file; none: the configured one.")
        ] = None,
        seed: Annotated[int, typer.Option("--seed", help="For everything that varies.")] = 0,
    ) -> None:
        """Serve a simulated Intacct company over real HTTP, until stopped.

        The first line printed is JSON with its address and credentials; any Intacct client can talk to it. A run with
        the same data file finds it and posts to it.

        \b
        revrec sandbox serve
        revrec sandbox serve --port 8099 --data sandbox.db
        """
        from revrec.sandbox import serve as start

        file = data or options.context().settings.path("sandbox", "data")
        raise typer.Exit(start(port=port, data=file, seed=seed))
