"""Generate ``docs/worked-examples.md`` and ``sample_data/asc606``: python docs/write_examples.py

Both come from the examples that the tests run.
"""

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from generated import DOCS

from revrec.core.worked_examples import PRICE_LIST, case_of, number_of, rules_of

SOURCE = DOCS.parent / "tests" / "golden" / "worked_examples.toml"
PAGE = DOCS / "worked-examples.md"
SAMPLES = DOCS.parent / "sample_data" / "asc606"
HEAD = """# Worked examples

Find an example from the standard that resembles your contract, and copy its rule. Each example shows the rule and the
schedule or the journal entries that revrec derives from it. In the entries, 2400 is deferred revenue, 4000 revenue,
1300 deferred cost, 5000 cost, 2100 what is owed to others, 7100 interest expense, and 7200 interest income. This page
is generated from `tests/golden/worked_examples.toml`, and a test runs every example.

`revrec selftest` derives the journal of each of the standard's examples on your installation. The folder
`sample_data/asc606` has each as rules with a [test case](rules.md#cases-beside-the-rules), to copy and change.
"""


def page(examples: Iterable[Mapping[str, Any]]) -> str:
    """Return the page as Markdown."""
    return HEAD + "".join("\n" + "\n".join(_example(one)) + "\n" for one in examples)


def examples() -> list[dict[str, Any]]:
    """Read the examples from the file."""
    found: list[dict[str, Any]] = tomllib.loads(SOURCE.read_text(encoding="utf-8"))["example"]
    return found


def _example(one: Mapping[str, Any]) -> Iterator[str]:
    yield from (
        f"## {one['title']}",
        "",
        f"{one['paragraphs']}. Figures: {one['figures']}.",
        "",
        one["story"].strip(),
        "",
    )
    if "journal" in one:
        yield from _journal(one)
    else:
        yield from _contract(one) if "allocate" in one else _line(one)


def _contract(one: Mapping[str, Any]) -> Iterator[str]:
    yield from ("```toml", "[[allocation]]", 'prices = "ssp"', one["allocate"].strip(), "```", "")
    yield from ("```csv", one["prices"].strip(), "```", "")
    yield from ("| item | billed | standalone | allocated |", "|---|---|---|---|")
    for line, share in zip(one["billed"], one["shares"], strict=True):
        standalone = _money(share["standalone"]) if "standalone" in share else ""
        yield f"| {line['item']} | {_money(line['amount'])} | {standalone} | {_money(share['allocated'])} |"


def _journal(one: Mapping[str, Any]) -> Iterator[str]:
    yield from ("```toml", one["rules"].strip(), "```", "")
    if "prices" in one:
        yield from ("```csv", one["prices"].strip(), "```", "")
    yield from ("| charge line | amount | |", "|---|---|---|")
    for line in one["lines"]:
        joins = ", joins the contract later" if line.get("joins") else ""
        amount = f"{_money(line['amount'])} {one['currency']}"
        yield f"| {_name(line)} | {amount} | {', '.join(_facts(line))}{joins} |"
    yield ""
    if one.get("events"):
        yield from ("| event | charge line | date | |", "|---|---|---|---|")
        for event in one["events"]:
            yield f"| {event['kind']} | {event['line']} | {event['date']} | {_rest(event)} |"
        yield ""
    if "shares" in one:
        yield from _shares(one)
    yield from ("| entry on | charge line | debit | credit | amount |", "|---|---|---|---|---|")
    for entry in one["journal"]:
        accounts = f"{entry['debit']} | {entry['credit']}"
        yield f"| {entry['date']} | {entry['line']} | {accounts} | {_money(entry['amount'])} |"
    if "waiting" in one:
        yield f"| waits | | | | {_money(one['waiting'])} |"
    if "until" in one:
        yield f"| and so on after {one['until']} | | | | |"


def _shares(one: Mapping[str, Any]) -> Iterator[str]:
    billed = {_name(line): line["amount"] for line in one["lines"]}
    yield from ("| charge line | billed | standalone | allocated |", "|---|---|---|---|")
    for share in one["shares"]:
        standalone = _money(share["standalone"]) if "standalone" in share else ""
        yield f"| {share['line']} | {_money(billed[share['line']])} | {standalone} | {_money(share['allocated'])} |"
    yield ""


def _name(line: Mapping[str, Any]) -> str:
    return str(line.get("line", line["item"]))


def _line(one: Mapping[str, Any]) -> Iterator[str]:
    charge = one["charge"]
    yield from ("```toml", "[rule.recognize]", one["recognize"].strip(), "```", "")
    yield f"{_money(charge['amount'])} {charge['currency']}, {', '.join(_facts(charge))}."
    yield ""
    if one.get("events"):
        yield from ("| event | date | |", "|---|---|---|")
        yield from (f"| {event['kind']} | {event['date']} | {_rest(event)} |" for event in one["events"])
        yield ""
    yield from ("| recognized on | amount |", "|---|---|")
    yield from (f"| {part['date']} | {_money(part['amount'])} |" for part in one["expect"])
    if "waiting" in one:
        yield f"| waits | {_money(one['waiting'])} |"


def _facts(charge: Mapping[str, Any]) -> Iterator[str]:
    yield f"posted on {charge['post_date']}"
    if "service_end" in charge:
        yield f"service from {charge['service_start']} to {charge['service_end']}"
    elif "service_start" in charge:
        yield f"service from {charge['service_start']} on"
    if "cutover" in charge:
        yield f"{_money(charge['recognized_before'])} recognized before the cutover on {charge['cutover']}"


def _rest(event: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in event.items() if name not in ("kind", "date", "line"))


def _money(amount: str) -> str:
    whole, _point, cents = amount.partition(".")
    return f"{int(whole):,}.{cents}"


def sample_files(examples: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the rules, price list and case of each example with a journal, by their path in ``sample_data/asc606``."""
    found = {}
    for one in examples:
        if "journal" in one:
            folder = f"example-{number_of(one).lower()}"
            found[f"{folder}/rules.toml"] = rules_of(one)
            found[f"{folder}/cases.toml"] = _case_text(one)
            if "prices" in one:
                found[f"{folder}/{PRICE_LIST}"] = one["prices"].lstrip()
    return found


def _case_text(one: Mapping[str, Any]) -> str:
    case = case_of(one)
    expect = {**case["expect"]}
    entries, allocated = expect.pop("entries"), expect.pop("allocated", None)
    lines = [f"# {one['paragraphs']}.", "[[case]]", f"name = {_toml(case['name'])}"]
    for block in ("charge", "event"):
        for table in case.get(block, ()):
            lines += ["", f"[[case.{block}]]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
    lines += ["", "[case.expect]", *(f"{key} = {_toml(value)}" for key, value in expect.items())]
    if allocated:
        lines.append(f"allocated = {_inline(allocated)}")
    lines += ["entries = [", *(f"  {_inline(entry)}," for entry in entries), "]"]
    return "\n".join(lines) + "\n"


def _inline(table: Mapping[str, Any]) -> str:
    return "{ " + ", ".join(f"{key} = {_toml(value)}" for key, value in table.items()) + " }"


def _toml(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else json.dumps(value)


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files into a folder, and remove others from it."""
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        path.unlink()
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    PAGE.write_text(page(examples()), encoding="utf-8")
    write(SAMPLES, sample_files(examples()))
