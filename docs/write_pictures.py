"""Draw the pictures of the documentation from the sample data: a report on a terminal (SVG), and its page (PNG).

Run ``python docs/write_pictures.py`` after a change of a report. The picture of the page needs Chromium.
"""

import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parent / "sample_data"
PICTURES = HERE / "pictures"
WIDTH, HEIGHT = 1500, 720
PROGRAM = [sys.executable, "-c", "from revrec.cli.main import main; main()"]
STORY = (
    ("import", *(str(SAMPLES / name) for name in ("charges.csv", "orders.xml", "shop-orders.jsonl"))),
    ("import", "--events", str(SAMPLES / "events.csv")),
    ("run", "--date", "2024-03-31"),
    ("event", "add", "shop/INV-1005/1", "pod", "2024-04-11"),
    ("run", "--date", "2024-04-30"),
)
REPORT = ("report", "rollforward", "--from", "2024-01", "--to", "2024-04")


def write_pictures() -> None:
    """Write the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        play(Path(folder), "init", "books")
        books = Path(folder, "books")
        for words in STORY:
            play(books, *words)
        PICTURES.mkdir(exist_ok=True)
        draw_terminal(at_terminal(books, *REPORT), PICTURES / "rollforward.svg")
        page = books / "rollforward.html"
        play(books, *REPORT, "--output", str(page))
        _draw_page(page, PICTURES / "rollforward-page.png")


def play(folder: Path, *words: str) -> None:
    """Run a command in a folder."""
    subprocess.run([*PROGRAM, *words], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def at_terminal(folder: Path, *words: str) -> str:
    """Return what a command prints on a terminal of 120 columns."""
    master, slave = pty.openpty()
    environment = os.environ | {"COLUMNS": "120", "TERM": "xterm-256color"}
    with subprocess.Popen(
        [*PROGRAM, *words], cwd=folder, stdout=slave, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        os.close(slave)
        shown = b""
        while block := _read(master):
            shown += block
        os.close(master)
    if process.returncode:
        raise SystemExit(process.returncode)
    return shown.decode().replace("\r\n", "\n")


def _read(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:  # Linux ends a closed terminal with an error
        return b""


def draw_terminal(shown: str, path: Path) -> None:
    """Draw the command and what it printed as SVG."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(width=122, record=True, file=nowhere, force_terminal=True)
        console.print(Text(f"$ revrec {' '.join(REPORT)}"))
        console.print(Text.from_ansi(shown))
        drawn = console.export_svg(title="revrec", unique_id="rollforward")
    # A picture must not load fonts from another site: the reader's own monospaced font does.
    path.write_text(re.sub(r"@font-face \{[^}]*\}\s*", "", drawn), encoding="utf-8")


def _draw_page(page: Path, path: Path) -> None:
    browser = shutil.which("chromium")
    if browser is None:
        print(f"{path.name} is left as it is: Chromium is not installed", file=sys.stderr)
        return
    flags = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={page.parent / 'browser'}")
    size = (f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={path}")
    subprocess.run([browser, *flags, *size, page.as_uri()], check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    write_pictures()
