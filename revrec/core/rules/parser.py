"""Parse rule files: every mistake of every file is reported with its place before anything runs."""

import hashlib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from revrec.core.errors import BadInput
from revrec.core.holidays import CalendarFile, DatesError, FileCalendar
from revrec.core.keys import KeyPath, KeyProblem, as_toml, did_you_mean, read_table
from revrec.core.methods import methods
from revrec.core.posting_options import read_options, why_not_custom
from revrec.core.rules import memo
from revrec.core.rules.allocations import AllocationRule, price_problems, read_allocation
from revrec.core.rules.book import duplicate_names
from revrec.core.rules.declaration import (
    ANY_COLUMN,
    ANY_DIMENSION,
    ANY_TABLE,
    DISCLOSE_KEYS,
    EFFECTIVE_KEYS,
    FILE_KEYS,
    OPTION_KEYS,
    POST_KEYS,
    RULE_KEYS,
    TABLE_KEYS,
    TARGET_KEYS,
    WHEN_KEYS,
    recognize_keys,
)
from revrec.core.rules.disclosure import EXPEDIENTS
from revrec.core.rules.impairment import losses_of
from revrec.core.rules.lookup import LookupCell, LookupCondition, LookupTableError, RuleLookupTable
from revrec.core.rules.model import Rule, RuleErrors, RuleProblem
from revrec.core.rules.readers import conditions_of, read_constraint, read_costs, read_financing
from revrec.core.rules.repairs import Repair, read_repair
from revrec.core.rules.toml_text import TomlBlock, blocks, locate
from revrec.core.schedule import PostingTarget

Resolver = Callable[[str, str], tuple[str, str]]
"""(name in ``include``, including file) to (name of the included file, its text). Raises OSError or LookupError."""


def parse_rules(text: str, filename: str, defaults: Mapping[str, str], resolve: Resolver | None = None) -> list[Rule]:
    """Return the rules of one file and of the files it includes, in order.

    ``defaults`` may have ``deferred``, ``accrued``, ``journal`` and ``memo`` for rules without them.

    Raises:
        RuleErrors: every problem found.
    """
    return parse_files({filename: text}, defaults, resolve)


def parse_files(files: Mapping[str, str], defaults: Mapping[str, str], resolve: Resolver | None = None) -> list[Rule]:
    """Return the rules of several files, a mapping from name to text; an included file is read once.

    Without ``resolve`` a file may include only others of ``files``, named relative to itself.
    """
    return parse_all(files, defaults, resolve)[0]


def parse_all(
    files: Mapping[str, str],
    defaults: Mapping[str, str],
    resolve: Resolver | None = None,
    failures: Callable[[], Sequence[str]] = tuple,
) -> tuple[list[Rule], list[Repair], list[AllocationRule]]:
    """Return rules, repairs and allocations of several files; ``failures`` returns names that repairs may use."""
    reading = _RuleFilesReader(defaults, resolve or partial(_sibling, files), failures)
    for filename, text in files.items():
        reading.read(filename, text, ())
    reading.finish()
    problems = reading.problems + duplicate_names(reading.rules) + duplicate_names(reading.repairs, "repair")
    problems += duplicate_names(reading.allocations, "allocation")
    if problems:
        raise RuleErrors(problems)
    return reading.rules, reading.repairs, reading.allocations


def _sibling(files: Mapping[str, str], wanted: str, including: str) -> tuple[str, str]:
    folder = including[: max(including.rfind("/"), including.rfind("\\")) + 1]
    for name in (folder + wanted, wanted):
        if name in files:
            return name, files[name]
    raise LookupError("there is no such file among the rule files")


class _RuleFilesReader:
    """The state of reading files: the results and the problems."""

    def __init__(self, defaults: Mapping[str, str], resolve: Resolver, failures: Callable[[], Sequence[str]]) -> None:
        self.rules: list[Rule] = []
        self.repairs: list[Repair] = []
        self.allocations: list[AllocationRule] = []
        self._failures = failures
        self.problems: list[RuleProblem] = []
        self.tables: dict[str, RuleLookupTable] = {}
        self._pending: list[tuple[_RuleFile, Any, Any]] = []
        self._defaults = defaults
        self._resolve = resolve
        self._read: set[str] = set()
        self._checked: set[str] = set()

    def read(self, filename: str, text: str, chain: tuple[str, ...]) -> None:
        """Read one file and then those it includes; ``chain`` names the files that led here."""
        if filename in self._read:
            return
        self._read.add(filename)
        text = text.removeprefix("\ufeff")
        document = self._toml(filename, text)
        if document is None:
            return
        file = _RuleFile(filename, text, [])
        values, _refused = read_table(document, FILE_KEYS, (), file.complaints)
        self._tables_of(file, values.get("table", []))
        self._repairs_of(file, values.get("repair", []))
        self._pending.append((file, values.get("rule", []), values.get("allocation", [])))
        for index, included in enumerate(values.get("include", ())):
            one_of_many: KeyPath = ("include", index) if isinstance(document["include"], list) else ("include",)
            self._include(included, (*chain, filename), one_of_many, file.complaints)

    def finish(self) -> None:
        """Read rules and allocations once the tables of every file are known, and collect the problems by file."""
        for file, rules, allocations in self._pending:
            self._rules_of(file, rules)
            self._allocations_of(file, allocations)
            self.problems.extend(sorted(map(file.placed, file.complaints), key=_order))

    def _toml(self, filename: str, text: str) -> dict[str, Any] | None:
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"^(.*) \(at line (\d+), column (\d+)\)$", str(error))
            last = (str(error).removesuffix(" (at end of document)"), text.count("\n") + 1, 1)
            what, line, column = (found[1], int(found[2]), int(found[3])) if found else last
            self.problems.append(RuleProblem(filename, line, column, f"this is not TOML: {what}"))
        except RecursionError:
            self.problems.append(RuleProblem(filename, 1, 1, "this is not TOML that can be read: nested too deeply"))
        return None

    def _include(self, wanted: str, chain: tuple[str, ...], path: KeyPath, complaints: list[KeyProblem]) -> None:
        try:
            filename, text = self._resolve(wanted, chain[-1])
        except (OSError, LookupError, ValueError, BadInput) as error:
            complaints.append(KeyProblem(path, f'include "{wanted}" cannot be read: {_words(error)}'))
            return
        if filename in chain:
            loop = " includes ".join((*chain[chain.index(filename) :], filename))
            complaints.append(KeyProblem(path, f"files include each other in a circle: {loop}; remove one include"))
            return
        self.read(filename, text, chain)

    def _rules_of(self, file: "_RuleFile", raw: Any) -> None:
        for index, (table, block) in enumerate(file.blocks(raw, "rule")):
            before = len(file.complaints)
            calendar = partial(self._calendar, file, ("rule", index, "recognize", "calendar"))
            parts = _RuleReader(table, ("rule", index), self._defaults, self.tables, calendar, file.complaints)
            if len(file.complaints) == before:
                self.rules.append(parts.rule(file.name, block))

    def _repairs_of(self, file: "_RuleFile", raw: Any) -> None:
        for index, (table, block) in enumerate(file.blocks(raw, "repair")):
            repair = read_repair(table, ("repair", index), file.name, block, self._failures, file.complaints)
            if repair is not None:
                self.repairs.append(repair)

    def _allocations_of(self, file: "_RuleFile", raw: Any) -> None:
        for index, (table, block) in enumerate(file.blocks(raw, "allocation")):
            found = read_allocation(table, ("allocation", index), file.name, block, self.tables, file.complaints)
            if found is not None:
                self.allocations.append(found)
        lists = {allocation.prices.name: allocation.prices for allocation in self.allocations}
        for prices in lists.values():
            if prices.name not in self._checked:
                self._checked.add(prices.name)
                wrong = price_problems(prices)
                self.problems += [
                    RuleProblem(prices.file, line, 1, f"{said}; correct it there") for line, said in wrong
                ]

    def _tables_of(self, file: "_RuleFile", raw: Any) -> None:
        for index, (table, block) in enumerate(file.blocks(raw, "table")):
            path: KeyPath = ("table", index)
            before = len(file.complaints)
            values, _refused = read_table(table, TABLE_KEYS, path, file.complaints)
            if len(file.complaints) == before and values["name"] in self.tables:
                file.complaints.append(KeyProblem((*path, "name"), f'another table has the name "{values["name"]}"'))
            if len(file.complaints) == before:
                self._table(file, path, values, block)

    def _calendar(self, file: "_RuleFile", path: KeyPath, named: CalendarFile) -> FileCalendar | None:
        """Return the calendar that a rule names by its file; None if a problem was added."""
        try:
            found, content = self._resolve(named.file, file.name)
            return FileCalendar(named.file, content)
        except DatesError as error:
            self.problems.append(RuleProblem(found, error.line, 1, f"{error}; correct it there"))
        except (OSError, LookupError, ValueError, BadInput) as error:
            file.complaints.append(KeyProblem(path, f'calendar file "{named.file}" cannot be read: {_words(error)}'))
        return None

    def _table(self, file: "_RuleFile", path: KeyPath, values: Mapping[str, Any], block: TomlBlock) -> None:
        try:
            found, content = self._resolve(values["file"], file.name)
            made = RuleLookupTable(values["name"], found, values["key"], content.removeprefix("\ufeff"), block.text)
            self.tables[made.name] = made
        except LookupTableError as error:
            self.problems.append(RuleProblem(found, error.line, 1, f"{error}; correct it there"))
        except (OSError, LookupError, ValueError, BadInput) as error:
            message = f'file "{values["file"]}" cannot be read: {_words(error)}'
            file.complaints.append(KeyProblem((*path, "file"), message))


class _RuleFile(NamedTuple):
    """One rule file: its name, its text, and its problems."""

    name: str
    text: str
    complaints: list[KeyProblem]

    def blocks(self, raw: Any, name: str) -> list[tuple[Any, TomlBlock]]:
        """Yield the tables of the ``[[name]]`` blocks with their places."""
        place = blocks(self.text, name)
        if not isinstance(raw, list) or len(raw) != len(place):
            self.complaints.append(KeyProblem((name,), f"write each {name} as a block that begins with [[{name}]]"))
            return []
        return list(zip(raw, place, strict=True))

    def placed(self, complaint: KeyProblem) -> RuleProblem:
        """Return the problem at its line and column."""
        path = complaint.path
        index = path[1] if len(path) > 1 else None
        place = blocks(self.text, str(path[0])) if isinstance(index, int) else []
        fallback = place[index].line if isinstance(index, int) and index < len(place) else 1
        if place and len(path) == 2:
            return RuleProblem(self.name, fallback, 1, complaint.message)
        line, column = locate(self.text, path, fallback, key=complaint.on_key) if path else (1, 1)
        within = 0 if complaint.column is None else complaint.column + 1
        return RuleProblem(self.name, line, column + within, complaint.message)


class _RuleReader:
    """A reader that checks one rule's table and keeps its parts."""

    def __init__(
        self,
        table: dict[str, Any],
        path: KeyPath,
        defaults: Mapping[str, str],
        tables: Mapping[str, RuleLookupTable],
        calendar: Callable[[CalendarFile], FileCalendar | None],
        complaints: list[KeyProblem],
    ) -> None:
        self._path = path
        self._complaints = complaints
        self._tables = tables
        self._calendar = calendar
        self._cells: dict[str, LookupCell] = {}
        self._values, _refused = read_table(table, RULE_KEYS, path, complaints)
        self._effective, _refused = self._table("effective", EFFECTIVE_KEYS)
        self._disclose, _refused = self._table("disclose", DISCLOSE_KEYS)
        self._when, _refused = self._table("when", WHEN_KEYS)
        self._dimensions, _refused = read_table(
            self._when.get("dimensions", {}), (ANY_DIMENSION,), (*path, "when", "dimensions"), complaints
        )
        self._lookups = list(self._looked_up(self._when.get("lookup", {})))
        self._post = self._accounts(defaults)
        self._recognize = self._method()
        self._costs = read_costs(
            self._values.get("cost", []), self._recognize.get("periods"), (*path, "cost"), complaints
        )
        for at, cost in enumerate(self._costs):
            if cost.impairment and cost.expense == self._post.accrued:
                self._complain(
                    f"cost.{at}.impairment", "what is owed to a principal is no asset, so it is not impaired"
                )
        deferred = "" if "deferred" in self._cells else self._post.deferred
        self._financing = read_financing(self._values.get("financing"), deferred, (*path, "financing"), complaints)
        self._constraint = read_constraint(self._values.get("constraint"), (*path, "constraint"), complaints)
        self._check_window()
        notice = self._disclose.get("notice")
        if notice and notice.number < 0:
            self._complain("disclose.notice", f'disclose.notice = "{notice.text}": write it without a minus')

    def rule(self, filename: str, block: TomlBlock) -> Rule:
        """Build the rule if there were no problems. Its text includes the tables it uses, with their digests."""
        used = [one.table for one in self._lookups] + [cell.table for cell in self._cells.values()]
        tables = tuple({table.name: table for table in used}.values())
        method = methods()[self._recognize["method"]]({**self._recognize, "transfer": self._values.get("transfer")})
        versions = [*(table.version for table in tables), *filter(None, [method.calendar.version])]
        text = "\n\n".join([block.text, *versions])
        return Rule(
            name=self._values["name"],
            description=self._values.get("description", ""),
            priority=self._values["priority"],
            effective_from=self._effective.get("from"),
            effective_to=self._effective.get("to"),
            when=tuple(conditions_of(self._when, self._dimensions, self._lookups)),
            method=method,
            post=self._post,
            file=filename,
            line=block.line,
            text=text,
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            cells=self._cells,
            tables=tables,
            after_invoice=bool(self._recognize.get("after_invoice")),
            costs=self._costs + losses_of(self._costs) + ((self._financing,) if self._financing else ()),
            financing=self._financing,
            constraint=self._constraint,
            transfer=self._values.get("transfer") or method.transfer,
            expedients=tuple(name for name in EXPEDIENTS if self._disclose.get(name)),
            notice=self._disclose.get("notice"),
            owner=self._values["owner"],
        )

    def _table(self, name: str, keys: Any) -> tuple[dict[str, Any], set[str]]:
        return read_table(self._values.get(name, {}), keys, (*self._path, name), self._complaints)

    def _complain(self, name: str, message: str) -> None:
        self._complaints.append(KeyProblem((*self._path, *name.split(".")), message))

    def _accounts(self, defaults: Mapping[str, str]) -> PostingTarget:
        given, refused = self._table("post", POST_KEYS)
        given["options"] = self._options(defaults.get("options", ""), given)
        found = {"memo": memo.DEFAULT, **{name: value for name, value in defaults.items() if value}, **given}
        for key in TARGET_KEYS:
            if key.name not in found and key.name not in refused:
                where = "post" if "post" in self._values else ""
                message = f"no {key.name} account" if key.name != "journal" else "no journal"
                fix = f'give {key.name} = "..." in [rule.post], or a default for it in revrec.toml'
                path = (*self._path, where) if where else self._path
                self._complaints.append(KeyProblem(path, f"{message}: {fix}"))
        return PostingTarget(*(self._text_or_cell(field, found.get(field, "")) for field in PostingTarget._fields))

    def _options(self, defaults: str, given: Mapping[str, Any]) -> str:
        """Return the text of the options; what the rule leaves out comes from the settings."""
        chosen = {key.name: given[key.name] for key in OPTION_KEYS if key.name in given}
        for key in OPTION_KEYS:
            if key.table and key.name in chosen:
                path = (*self._path, "post", key.name)
                chosen[key.name], _refused = read_table(chosen[key.name], key.table, path, self._complaints)
                for name in chosen[key.name]:
                    if why := why_not_custom(key.name, name):
                        self._complaints.append(KeyProblem((*path, name), f"{key.name}.{name}: {why}", on_key=True))
        return read_options(defaults).with_values(chosen).text

    def _text_or_cell(self, field: str, value: Any) -> str:
        """Return the text; for a table cell its name, and keep the cell."""
        if isinstance(value, str):
            return value
        name, column = value
        table = self._known_table(name, ("post", field), (column,))
        if table:
            self._cells[field] = LookupCell(table, column)
        return f"{name}.{column}"

    def _known_table(self, name: str, path: KeyPath, columns: Iterable[str]) -> RuleLookupTable | None:
        """Return the table of a name if it has the columns; else add a problem at the path."""
        table = self._tables.get(name)
        if table is None:
            fix = did_you_mean(name, tuple(self._tables)) or "; write a [[table]] block for it"
            self._complaints.append(KeyProblem((*self._path, *path), f'there is no table "{name}"{fix}'))
            return None
        for column in columns:
            if column not in table.columns:
                fix = did_you_mean(column, table.columns) or f" (known: {', '.join(table.columns)})"
                message = f'table "{name}" ({table.file}) has no column "{column}"{fix}'
                self._complaints.append(KeyProblem((*self._path, *path), message))
                return None
        return table

    def _looked_up(self, raw: Any) -> Iterator[LookupCondition]:
        """Yield the conditions of ``[rule.when.lookup]``."""
        path = (*self._path, "when", "lookup")
        tables, _refused = read_table(raw, (ANY_TABLE,), path, self._complaints)
        for name, columns in tables.items():
            values, _refused = read_table(columns, (ANY_COLUMN,), (*path, name), self._complaints)
            table = self._known_table(name, ("when", "lookup", name), values)
            if table:
                yield from (LookupCondition(table, column, patterns) for column, patterns in values.items())

    def _method(self) -> dict[str, Any]:
        raw = self._values.get("recognize")
        if not isinstance(raw, dict) or raw.get("method") not in list(methods()):  # A list: a table has no hash.
            self._complain_of_method(raw)
            return {}
        values, refused = self._table("recognize", recognize_keys(raw["method"]))
        if isinstance(values.get("calendar"), CalendarFile):
            values["calendar"] = self._calendar(values["calendar"])
        if not refused:
            for key, message in _contradictions(raw["method"], values):
                self._complain(f"recognize.{key}", f"recognize.{key} {message}")
        return values

    def _complain_of_method(self, raw: Any) -> None:
        known = tuple(methods())
        if raw is None:
            return
        if not isinstance(raw, dict):
            self._complain("recognize", "recognize must be a table [rule.recognize]")
        elif "method" not in raw:
            self._complain("recognize", f"[rule.recognize] needs method: one of {', '.join(known)}")
        else:
            fix = did_you_mean(raw["method"], known)
            shown = as_toml(raw["method"])
            message = f"recognize.method = {shown}: expected one of {', '.join(known)}{fix}"
            self._complain("recognize.method", message)

    def _check_window(self) -> None:
        first, last = self._effective.get("from"), self._effective.get("to")
        if first and last and first > last:
            self._complain("effective.to", f"effective.to = {last} is before effective.from = {first}")


def _order(problem: RuleProblem) -> tuple[int, int]:
    return problem.line, problem.column


def _words(error: Exception) -> str:
    """Return the message of an error without the quotes that a LookupError adds."""
    return str(error.args[0]) if isinstance(error, LookupError) and error.args else str(error)


def _contradictions(method: str, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    required = (key.name for key in recognize_keys(method) if key.required)
    return list(methods()[method].contradictions(values)) if all(name in values for name in required) else []
