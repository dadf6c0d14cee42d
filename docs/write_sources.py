"""Writes the tables of keys in ``docs/sources.md`` from the transports' own: python docs/write_sources.py

A test compares, so that the page and the program cannot differ.
"""

import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path

from revrec.core.keys import ConfigKey
from revrec.sources.transports import transports
from revrec.sources.transports.settings import COMMON, FILES

PAGE = Path(__file__).resolve().parent / "sources.md"
BEGIN, END = "<!-- keys: written by docs/write_sources.py -->\n", "<!-- end of keys -->"


def written(page: str) -> str:
    """The page with its keys as the program has them now."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}{''.join(sections())}{END}{rest.partition(END)[2]}"


def sections() -> Iterator[str]:
    """The keys that all sources take, those of files in folders, then each transport's own."""
    yield "\n### Every source\n\n" + "".join(table(COMMON))
    yield "\n### Files in a folder (`folder`, `ftp`, `sftp`, `s3`)\n\n" + "".join(table(FILES))
    for name, kind in transports().items():
        yield f"\n### `{name}`\n\n{(inspect.getdoc(kind) or '').replace('``', '`')}\n\n"
        common = COMMON + FILES if all(key in kind.keys for key in FILES) else COMMON
        yield "".join(table(key for key in kind.keys if key not in common))


def table(keys: Iterable[ConfigKey]) -> Iterator[str]:
    """One row a key."""
    yield "| key | meaning | default |\n|---|---|---|\n"
    for key in keys:
        default = "required" if key.required else "" if key.default is None else f"`{_toml(key.default)}`"
        yield f"| `{key.name}` | {key.doc} | {default} |\n"


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value).lower() if isinstance(value, bool | int) else f'"{value}"'


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
