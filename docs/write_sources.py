"""Write the tables of keys in ``docs/sources.md`` from the transports: python docs/write_sources.py"""

import inspect
from collections.abc import Iterable, Iterator

from generated import DOCS, with_part

from revrec.core.keys import ConfigKey
from revrec.sources.transports import transports
from revrec.sources.transports.settings import COMMON, FILES

PAGE = DOCS / "sources.md"


def written(page: str) -> str:
    """Return the page with its keys as the program has them now."""
    return with_part(page, "keys", "write_sources", sections())


def sections() -> Iterator[str]:
    """Yield the keys of all sources, the keys of files in folders, then the keys of each transport."""
    yield "\n### Every source\n\n" + "".join(table(COMMON))
    yield "\n### Files in a folder (`folder`, `ftp`, `sftp`, `s3`)\n\n" + "".join(table(FILES))
    for name, kind in transports().items():
        yield f"\n### `{name}`\n\n{(inspect.getdoc(kind) or '').replace('``', '`')}\n\n"
        common = COMMON + FILES if all(key in kind.keys for key in FILES) else COMMON
        yield "".join(table(key for key in kind.keys if key not in common))


def table(keys: Iterable[ConfigKey]) -> Iterator[str]:
    """Yield the lines of a table with one row for each key."""
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
