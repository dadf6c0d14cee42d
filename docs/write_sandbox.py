"""Write the tables of faults and switches in ``docs/sandbox.md`` from the code: python docs/write_sandbox.py"""

from collections.abc import Iterator
from dataclasses import fields

from generated import DOCS, with_part

from revrec.sandbox.company.switches import SETTINGS, Switches
from revrec.sandbox.faults import KINDS

MANUAL = DOCS / "sandbox.md"


def written(manual: str) -> str:
    """Return the manual with its tables as the code has them now."""
    for name, rows in (("faults", faults()), ("switches", switches())):
        manual = with_part(manual, name, "write_sandbox", ("\n", *rows, "\n"))
    return manual


def faults() -> Iterator[str]:
    """Yield the lines of the fault table, one for each kind."""
    yield "| KIND | what happens | VALUE | WHEN |\n|---|---|---|---|\n"
    for kind in KINDS.values():
        beside = " (does not affect the answer)" if kind.changes_company else ""
        yield f"| `{kind.name}` | {kind.about}{beside} | {kind.value} | {', '.join(kind.moments)} |\n"


def switches() -> Iterator[str]:
    """Yield the lines of the switch table: each switch with its default and the other settings that revrec is tested
    under.
    """
    yield "| switch | default | also tested | meaning |\n|---|---|---|---|\n"
    for item in fields(Switches):
        default, *others = [_value(setting) for setting in SETTINGS[item.name]]
        yield f"| `{item.name}` | {default} | {', '.join(others)} | {item.metadata['about']} |\n"


def _value(setting: bool | int | str) -> str:
    if isinstance(setting, bool):
        return str(setting).lower()
    return f"`{setting}`" if setting != "" else ""


if __name__ == "__main__":
    MANUAL.write_text(written(MANUAL.read_text(encoding="utf-8")), encoding="utf-8")
