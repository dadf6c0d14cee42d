"""The manual page of the recognition methods, made from their docstrings and their tables of keys."""

import inspect
import re
from collections.abc import Iterable, Iterator

from revrec.core.calendar import Offset
from revrec.core.keys import ConfigKey
from revrec.core.methods import methods
from revrec.core.recognition import COMMON_KEYS, Method


def methods_page() -> str:
    """Return Markdown: the keys that every method accepts, then a section for each method."""
    lines = ["# Recognition methods", "", "Keys of `[rule.recognize]` that every method accepts:", ""]
    lines += _key_table(COMMON_KEYS)
    for name, method in methods().items():
        lines += ["", f"## {name}", "", *_manual(method)]
        if method.keys:
            lines += ["", *_key_table(method.keys)]
    return "\n".join(lines) + "\n"


def _manual(method: type[Method]) -> Iterator[str]:
    """Return the docstring as Markdown: single backticks, and the example as a fenced block."""
    text = (inspect.getdoc(method) or "").replace("``", "`")
    before, _word, after = text.partition("Example::")
    example, source = re.split(r"\n\n(?=Source:)", after, maxsplit=1)
    yield from before.rstrip().split("\n")
    yield from ("", "```toml", *inspect.cleandoc(example).split("\n"), "```", "")
    yield from source.split("\n")


def _key_table(keys: Iterable[ConfigKey]) -> list[str]:
    rows = ["| key | value | meaning | default |", "|---|---|---|---|"]
    for key in keys:
        wanted = key.kind.wanted if key.kind else "the method's name"
        default = key.default.text if isinstance(key.default, Offset) else _shown(key.default)
        rows.append(f"| `{key.name}` | {wanted} | {key.doc} | {'required' if key.required else default} |")
    return rows


def _shown(default: object) -> str:
    return "" if default is None else str(default).lower()
