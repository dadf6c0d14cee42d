"""``revrec docs``."""

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from revrec.cli.shared import Options, command

COLUMNS = ("page", "title")
_SITE_ONLY = re.compile(r"^```\{toctree\}\n.*?^```\n", re.MULTILINE | re.DOTALL)
"""Blocks that only the HTML site uses."""


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "docs")
    def docs(
        options: Options,
        page: Annotated[str, typer.Argument(metavar="[PAGE]", help="The page's name, or how it starts.")] = "",
        open_site: Annotated[bool, typer.Option("--open", help="Open the page in a browser instead.")] = False,
        samples: Annotated[
            bool, typer.Option("--samples", help="Copy the sample files of the pages to ./sample_data instead.")
        ] = False,
    ) -> None:
        """Read the documentation, offline.

        Without a page, list all pages. On a terminal, pages are formatted; in a pipe, they are plain Markdown.

        \b
        Examples:
          revrec docs
          revrec docs first-close
          revrec docs periods
          revrec docs --open rules
          revrec docs --samples
        """
        from revrec.cli.output import print_csv, print_json, print_table
        from revrec.jobs.admin.init import add_samples
        from revrec.jobs.reports import documentation

        if samples:
            folder = str(add_samples(Path()))
            print_json({"folder": folder}) if options.json else print(f"the sample files are in {folder}")
        elif open_site:
            found = documentation.page(page or "index")
            typer.launch(f"file://{documentation.site() / found.name}.html")
        elif page:
            found = documentation.page(page)
            if options.json:
                print_json(found._asdict())
            else:
                _print(_SITE_ONLY.sub("", found.text))
        else:
            rows = [{"page": one.name, "title": one.title} for one in documentation.pages()]
            if options.json:
                print_json(rows)
            elif options.csv:
                print_csv(rows, COLUMNS)
            else:
                print_table(rows, COLUMNS)


def _print(markdown: str) -> None:
    if not sys.stdout.isatty():
        sys.stdout.write(markdown)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(markdown))
