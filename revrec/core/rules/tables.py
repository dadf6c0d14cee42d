"""Check a parsed TOML table against its declared keys (:mod:`revrec.core.keys`); all problems are collected."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from revrec.core.keys import ConfigKey, RejectedValue, ValueKind, as_toml, did_you_mean
from revrec.core.rules.toml_text import TomlPath


class KeyProblem(NamedTuple):
    """A problem at a path of the document; ``at`` points to its value, its key or a column of its text."""

    path: TomlPath
    message: str
    on_key: bool = False
    column: int | None = None


def read_table(
    table: Any, keys: Sequence[ConfigKey], path: TomlPath, complaints: list[KeyProblem]
) -> tuple[dict[str, Any], set[str]]:
    """Return the values of a table with defaults filled in, and the names of the keys whose values were rejected."""
    if not isinstance(table, Mapping):
        complaints.append(KeyProblem(path, f"{_dotted(path)} must be a table {_header(path)}"))
        return {}, {key.name for key in keys}
    known = {key.name: key for key in keys}
    values: dict[str, Any] = {key.name: key.default for key in keys if key.default is not None}
    refused = set()
    for name, value in table.items():
        key = known.get(name) or known.get("*")
        if key is None:
            complaints.append(KeyProblem((*path, name), _unknown(name, path, tuple(known)), on_key=True))
        elif key.kind is not None:
            found = read_value(value, key.kind, (*path, name), complaints)
            if found is None:
                refused.add(name)
            else:
                values[name] = found
        else:
            values[name] = value
    for key in keys:
        if key.required and key.name not in table:
            wanted = f"{key.name}: {key.kind.wanted}" if key.kind else f"a table {_header((*path, key.name))}"
            complaints.append(KeyProblem(path, f"{_header(path)} needs {wanted}"))
    return values, refused


def read_value(value: Any, kind: ValueKind, path: TomlPath, complaints: list[KeyProblem]) -> Any:
    """Return the value as its kind reads it; None if a problem was added."""
    try:
        return kind.read(value)
    except RejectedValue as refused:
        fix = str(refused) or did_you_mean(value, kind.choices).removeprefix("; ")
        wanted = f"expected {kind.wanted}" + (f"; {fix}" if fix else "")
        where = path if refused.item is None else (*path, refused.item)
        shown = value if refused.item is None else value[refused.item]
        message = f"{_dotted(path)} = {as_toml(shown)}: {wanted}"
        complaints.append(KeyProblem(where, message, column=refused.column))
        return None


def _unknown(name: str, path: TomlPath, known: tuple[str, ...]) -> str:
    place = f"in {_header(path)}" if path else "at the top of the file"
    return f'unknown key "{name}" {place}{did_you_mean(name, known)} (known: {", ".join(known)})'


def _header(path: TomlPath) -> str:
    """Return ``[[rule]]`` or ``[rule.when]``."""
    names = ".".join(step for step in path if isinstance(step, str))
    return f"[[{names}]]" if path and isinstance(path[-1], int) else f"[{names}]"


def _dotted(path: TomlPath) -> str:
    """Return ``when.item``: the key without its block, which is known from the place."""
    names = [step for step in path if isinstance(step, str)]
    return ".".join(names[1:] if len(names) > 1 and isinstance(path[1], int) else names)
