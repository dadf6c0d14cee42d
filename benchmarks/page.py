"""Write tables and charts into ``docs/performance.md``."""

from collections.abc import Sequence
from typing import NamedTuple

from measure import HERE

PAGE = HERE.parent / "docs" / "performance.md"
CHARTS = HERE.parent / "docs" / "site"


class Bar(NamedTuple):
    """A bar of a chart: what it shows, its length in any unit, the length in words, and whether it is revrec's."""

    name: str
    length: float
    shown: str
    is_ours: bool = True


def bar_chart(title: str, bars: Sequence[Bar]) -> str:
    """Return a bar chart as SVG."""
    most = max(bar.length for bar in bars)
    height = 34 * len(bars) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" font-family="sans-serif" font-size="13">',
        f'<text x="0" y="16">{title}</text>',
    ]
    for at, bar in enumerate(bars):
        top, width = 30 + 34 * at, max(2, 330 * bar.length / most)
        color = "#0b6e4f" if bar.is_ours else "#9aa5b1"
        parts += [
            f'<text x="0" y="{top + 17}">{bar.name}</text>',
            f'<rect x="320" y="{top}" width="{width:.0f}" height="24" fill="{color}"/>',
            f'<text x="{326 + width:.0f}" y="{top + 17}">{bar.shown}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])


def write(script: str, table: str, chart: str, title: str, bars: Sequence[Bar]) -> None:
    """Replace the part of the page that a script writes, and the chart that it shows."""
    begin, end = f"<!-- {script} writes the following -->", f"<!-- end of what {script} writes -->"
    before, rest = PAGE.read_text(encoding="utf-8").split(begin)
    after = rest.split(end)[1]
    PAGE.write_text(f"{before}{begin}\n\n{table}\n\n![{title}](site/{chart})\n\n{end}{after}", encoding="utf-8")
    (CHARTS / chart).write_text(bar_chart(title, bars), encoding="utf-8")
