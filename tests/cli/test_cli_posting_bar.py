"""The progress bar of a run: entries, lines and amounts that are done, lines per second, and the time left."""

import io

from rich.console import Console

from revrec.cli.posting_bar import posting_bar
from revrec.store.posting.posting_tables import PostingSize

SIZES = {
    7: PostingSize(600, 123456, "USD"),
    8: PostingSize(400, -50, "USD"),
    9: PostingSize(2, 1000, "JPY"),
}


def test_it_shows_entries_lines_amounts_and_pace() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80)
    with posting_bar(console, "posting entries", SIZES) as done:
        for number in SIZES:
            done(number)
    shown = screen.getvalue()
    assert "posting entries" in shown and "3/3" in shown and "left" in shown
    assert "1,002/1,002 lines" in shown and " lines/s" in shown
    assert "1,000 JPY · 1,234.06 USD" in shown
