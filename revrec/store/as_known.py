# ruff: noqa: S608 - the parts of these statements are names of tables and numbers of rows.
"""Read the books as they were at an earlier audit event: every table without what was written later.

Most tables are append-only, and the digests of the audit trail name the rows that each event wrote. So the earlier
state follows from the rows of today. In a read transaction, temporary views with the names of the tables and views
hide the real ones: every query reads the earlier state, and no report has to know about it.

What the trail does not have is as it is today: the files of the rules and the settings.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, bindparam, text

from revrec.core.errors import BadInput
from revrec.core.known_time import KnownTime
from revrec.core.posting import RELEASED
from revrec.store.bulk import execute_text, sort_on_disk
from revrec.store.tables import metadata, views

NUMBERED = {
    "charge_line": ("no", "%"),
    "fulfillment_event": ("id", "%"),
    "quarantine": ("id", "import of %"),
    "received_document": ("id", "document %"),
    "source_fetch": ("id", "source fetched"),
    "rule_version": ("id", "rule version kept"),
    "posting_run": ("id", "run begun"),
    "journal_entry": ("id", "entry created"),
    "entry_reversal": ("id", "entry reversed"),
    "attempt": ("id", "attempt begun"),
    "invoice": ("id", "invoice created"),
    "invoice_attempt": ("id", "attempt begun"),
    "adjusting_entry": ("id", "adjustment created"),
    "adjusting_attempt": ("id", "attempt begun"),
    "period_fact": ("id", "period %"),
}
"""Tables whose rows are numbered in the order in which they were written: the number, and the actions of the audit
events that write them."""
OF_NUMBERED = {
    "document_part": ("charge_no", "charge_line"),
    "after_invoice": ("rule_version_id", "rule_version"),
    "period_closing": ("fact_id", "period_fact"),
    "journal_line": ("entry_id", "journal_entry"),
    "account_sum": ("entry_id", "journal_entry"),
    "summary_line": ("entry_id", "journal_entry"),
    "entry_date_override": ("entry_id", "journal_entry"),
    "attempt_outcome": ("attempt_id", "attempt"),
    "attempt_failure": ("attempt_id", "attempt"),
    "invoice_line": ("invoice_id", "invoice"),
    "invoice_attempt_outcome": ("attempt_id", "invoice_attempt"),
    "invoice_attempt_failure": ("attempt_id", "invoice_attempt"),
    "adjusting_line": ("adjustment_id", "adjusting_entry"),
    "adjusting_attempt_outcome": ("attempt_id", "adjusting_attempt"),
    "adjusting_attempt_failure": ("attempt_id", "adjusting_attempt"),
}
"""Tables whose rows belong to a numbered row and are written with it, with the column that names it."""
OF_VERSION = ("price_change", "schedule_allocation", "schedule_wait", "schedule_plan", "take_back_line")
"""Tables whose rows are written with a version of a schedule."""
OF_SCHEDULE = ("historical_part",)
"""Tables whose rows are written with the first version of a schedule."""
WHOLE = ("plan", "plan_part", "explanation", "cleaning", "repair_version", "repaired_value")
"""Tables that are read as they are: other rows name theirs, or no report reads them."""
POSTINGS = {"journal_entry": "entry", "invoice": "invoice", "adjusting_entry": "adjustment"}
"""Tables whose rows change state, and the word that the actions of these changes begin with."""
CHANGING = ("state", "record_no", "error_no", "error", "advice", "not_before", "posted_at")
ERRORS = ("error_no", "error", "advice")
SETTLED = ("POSTED", "AWAITING_APPROVAL")
"""States in which the error of an earlier answer no longer counts."""
RULES_NOTED, SCHEDULES_WRITTEN = "rules noted", "schedules written"


class Moment(NamedTuple):
    """The last audit event that is read, and its time as UTC text."""

    seq: int
    at: str


def find_moment(connection: Connection, wanted: KnownTime, option: str = "--known") -> Moment:
    """Return the last audit event that was written by a time; ``option`` is what the user named it with.

    An event after a later one was written later too, whatever its time says: the clock was set back.

    Raises:
        BadInput: The books began later, or there is no such event yet.
    """
    first, last = _event(connection, "ORDER BY seq"), _event(connection, "ORDER BY seq DESC")
    if wanted.seq is None:
        later = _one(connection, "SELECT min(seq) FROM audit_event WHERE at > :at", at=wanted.at)
        seq = last.seq if later is None else later - 1
    else:
        seq = wanted.seq
    if seq < first.seq:
        raise BadInput(f"{option} {wanted.text}: these books began later, at {first.at[:19]} UTC (audit event 1)")
    if seq > last.seq:
        raise BadInput(f"{option} {wanted.text}: there is no such audit event yet; the last one is {last.seq}")
    return _event(connection, f"WHERE seq = {seq}")


def _event(connection: Connection, which: str) -> Moment:
    return Moment(*connection.execute(text(f"SELECT seq, at FROM audit_event {which} LIMIT 1")).one())


def _one(connection: Connection, query: str, **values: Any) -> Any:
    return connection.execute(text(query), values).scalar()


def hide_later_rows(connection: Connection, seq: int) -> None:
    """Create temporary views, for this connection, that hide what was written after an audit event.

    The connection must be closed afterwards, and not be used again.
    """
    place = _Place(connection)
    definitions = dict(place.definitions())
    numbers = {name: _first_later(connection, seq, name, actions) for name, (_key, actions) in NUMBERED.items()}
    for name, what in POSTINGS.items():
        _keep_states(connection, place, name, what, seq)
    rules = _rules_then(connection, seq)
    documents = [_detail(row)["id"] for row in _later(connection, seq, "document dismissed", "document replaced")]
    ended = [int(row.subject.removeprefix("run ")) for row in _later(connection, seq, "run ended")]
    place.hide("audit_event", f"seq <= {seq}")
    for name, table in metadata.tables.items():
        if condition := _condition(place, table, seq, numbers):
            place.hide(name, condition)
    place.hide("document_resolution", _not_in("document_id", documents))
    place.hide("posting_run", _before("id", numbers["posting_run"]), _unless_ended(ended))
    for name in POSTINGS:
        place.hide_states(name, _before("id", numbers[name]))
    _hide_meta(connection, place, rules)
    _hide_schedules(place, seq, numbers["journal_entry"])
    for name in (*views.tables, *(name for name in definitions if name not in views.tables)):
        place.view(name, definitions[name])
    place.done()


def _condition(place: "_Place", table: Table, seq: int, numbers: Mapping[str, int | None]) -> str:
    """Return the condition that a row was written by then, for a table whose rows never change; empty without one."""
    name = table.name
    if name in ("schedule", "unscheduled", "audit_event", "posting_run", *POSTINGS):
        return ""
    if name in NUMBERED:
        return _before(NUMBERED[name][0], numbers[name])
    if name in OF_NUMBERED:
        column, of = OF_NUMBERED[name]
        return _before(column, numbers[of])
    if name in (*OF_VERSION, *OF_SCHEDULE):
        same = f"s.charge_no = {name}.charge_no" + (f" AND s.version = {name}.version" if name in OF_VERSION else "")
        return f"EXISTS (SELECT 1 FROM {place.real('schedule')} s WHERE {same} AND s.audit_seq <= {seq})"
    if name == "allocation_line":
        return f"allocation_id IN (SELECT id FROM {place.real('allocation')} WHERE audit_seq <= {seq})"
    return f"audit_seq <= {seq}" if "audit_seq" in table.c else ""


def _before(column: str, number: int | None) -> str:
    return "" if number is None else f"{column} < {number}"


def _not_in(column: str, numbers: list[int]) -> str:
    return f"{column} NOT IN ({', '.join(map(str, numbers))})" if numbers else ""


def _unless_ended(runs: list[int]) -> dict[str, str]:
    """Return the columns of a run that are set when it ends, which are empty for runs that ended later."""
    listed = _not_in("id", runs)
    return {name: f"CASE WHEN {listed} THEN {name} END" for name in ("finished_at", "outcome")} if runs else {}


def _first_later(connection: Connection, seq: int, table: str, actions: str) -> int | None:
    """Return the number of the first row of a table that was written after an event; None if there is none."""
    query = """SELECT detail FROM audit_event WHERE seq > :seq AND action LIKE :actions AND detail LIKE :mark
        ORDER BY seq LIMIT 1"""
    found = _one(connection, query, seq=seq, actions=actions, mark=f'%"table":"{table}"%')
    if found is None:
        return None
    digests = json.loads(found)["digests"]
    return min(int(run[0]) for one in digests if one["table"] == table for run in one["keys"])


def _later(connection: Connection, seq: int, *actions: str) -> list[Any]:
    query = text("SELECT subject, detail FROM audit_event WHERE seq > :seq AND action IN :actions ORDER BY seq")
    values = {"seq": seq, "actions": actions}
    return list(connection.execute(query.bindparams(bindparam("actions", expanding=True)), values))


def _detail(row: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(row.detail)
    return found


def _rules_then(connection: Connection, seq: int) -> dict[str, str] | None:
    """Return the files of the rules that all schedules were derived from; None before the first schedule."""
    query = """SELECT detail FROM audit_event WHERE seq <= :seq AND (action = :noted AND subject = 'all charge lines'
        OR action = :written AND detail LIKE '%"files":%') ORDER BY seq DESC LIMIT 1"""
    found = _one(connection, query, seq=seq, noted=RULES_NOTED, written=SCHEDULES_WRITTEN)
    return None if found is None else json.loads(found)["files"]


def _hide_meta(connection: Connection, place: "_Place", rules: dict[str, str] | None) -> None:
    """Show the rules of the plan as they were; nothing else of ``meta`` is in a report."""
    place.table("then_meta", {"key": "TEXT", "value": "TEXT"})
    if rules is not None:
        values = {"key": "rules_planned", "value": json.dumps({"files": rules, "at": ""})}
        connection.execute(text("INSERT INTO then_meta (key, value) VALUES (:key, :value)"), values)
    kept = f"SELECT key, value FROM {place.real('meta')} WHERE key NOT IN ('rules_planned', 'rules_tried')"
    place.view("meta", f"{kept} UNION ALL SELECT key, value FROM then_meta")


def _keep_states(connection: Connection, place: "_Place", table: str, what: str, seq: int) -> None:
    """Write the state of each posting that has changed since to the temporary table ``then_TABLE``."""
    place.table(f"then_{table}", {"reference": "TEXT", **dict.fromkeys(CHANGING, "TEXT")})
    query = """SELECT subject, detail FROM audit_event
        WHERE seq <= :seq AND action LIKE :of AND subject IN (
          SELECT subject FROM audit_event WHERE seq > :seq AND action LIKE :of) ORDER BY seq"""
    found: dict[str, dict[str, str | None]] = {}
    for row in connection.execute(text(query), {"seq": seq, "of": f"{what} %"}):
        known = found.setdefault(row.subject, {**dict.fromkeys(CHANGING), "state": "READY"})
        _change(known, _detail(row))
    if found:
        names = ("reference", *CHANGING)
        insert = f"INSERT INTO then_{table} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"
        connection.execute(text(insert), [{"reference": reference, **known} for reference, known in found.items()])


def _change(known: dict[str, str | None], detail: Mapping[str, Any]) -> None:
    """Apply a change of state, or of the end of a quarantine. An event has only the columns that were set."""
    state = detail.get("to")
    if state in SETTLED:
        known.update(dict.fromkeys(ERRORS))
    if state == "HELD":
        known["record_no"] = None
    known.update({name: detail[name] for name in CHANGING if name in detail and "to" in detail})
    if state:
        known["state"] = state
    elif "not_before" in detail:
        known["not_before"] = detail["not_before"]


def _hide_schedules(place: "_Place", seq: int, later_entry: int | None) -> None:
    """Show schedules without later versions, and their lines on the entries that they were on."""
    schedule, line = place.real("schedule"), place.real("journal_line")
    _hide_entered_lines(place, schedule, line, seq, later_entry)
    after = f"""EXISTS (SELECT 1 FROM {schedule} n
        WHERE n.charge_no = schedule.charge_no AND n.version = schedule.version + 1 AND n.audit_seq <= {seq})"""
    first_open = f"""(SELECT p.date FROM {place.real("plan_part")} p WHERE p.plan_id = schedule.plan_id
        AND NOT EXISTS (SELECT 1 FROM entered_line e WHERE e.charge_no = schedule.charge_no
          AND e.version = schedule.version AND e.seq = schedule.first_seq + p.seq - 1)
        ORDER BY p.seq LIMIT 1)"""
    columns = {
        "superseded_by": f"CASE WHEN {after} THEN schedule.version + 1 END",
        "open_from": f"CASE WHEN {after} THEN NULL ELSE {first_open} END",
    }
    place.hide("schedule", f"audit_seq <= {seq}", columns)
    columns_of = ", ".join(metadata.tables["unscheduled"].c.keys())
    place.view(
        "unscheduled",
        f"""SELECT {columns_of} FROM {place.real("unscheduled")} WHERE audit_seq <= {seq}
        UNION ALL SELECT {columns_of} FROM {place.real("past_unscheduled")}
        WHERE audit_seq <= {seq} AND ended_seq > {seq}""",
    )


def _hide_entered_lines(place: "_Place", schedule: str, line: str, seq: int, later_entry: int | None) -> None:
    """Show the lines that were on an entry by then, each with the last entry that had not released it.

    A line whose entry of today was there already has not been on another one since.
    """
    place.table("then_released", {"entry_id": "BIGINT"})
    states = ", ".join(f"'{state}'" for state in sorted(RELEASED))
    place.execute(f"""INSERT INTO then_released (entry_id)
        SELECT id FROM journal_entry WHERE state IN ({states})
        UNION SELECT r.reverses FROM entry_reversal r LEFT JOIN journal_entry m ON m.id = r.entry_id
        WHERE r.final = 0 AND (r.entry_id IS NULL OR m.state = 'POSTED')""")
    mirrors = f"SELECT entry_id FROM {place.real('entry_reversal')} WHERE entry_id IS NOT NULL"
    until = "" if later_entry is None else f" AND l.entry_id < {later_entry}"
    its_own = f"""FROM {line} l WHERE l.charge_no = entered_line.charge_no AND l.version = entered_line.version
        AND l.seq = entered_line.seq AND l.side = 'debit'{until} AND l.entry_id NOT IN ({mirrors})"""
    released = "l.entry_id IN (SELECT entry_id FROM then_released)"
    superseded = f"""SELECT 1 FROM {schedule} n WHERE n.charge_no = entered_line.charge_no
        AND n.version = entered_line.superseded_by AND n.audit_seq <= {seq}"""
    columns = {
        "entry_id": f"(SELECT max(l.entry_id) {its_own} AND NOT {released})",
        "revision": f"CAST((SELECT count(*) {its_own} AND {released}) AS INTEGER)",
        "superseded_by": f"CASE WHEN EXISTS ({superseded}) THEN entered_line.superseded_by END",
    }
    place.hide("entered_line", f"EXISTS (SELECT 1 {its_own})", columns)


class _Place:
    """The place of the real tables, and of the temporary ones that hide them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._is_sqlite = connection.dialect.name == "sqlite"
        # The temporary tables of large books are too much for memory. A report that changed it later would delete them.
        sort_on_disk(connection)
        if self._is_sqlite:
            self._schema = "main"
        else:
            name = _one(connection, "SELECT current_schema()")
            self._schema = connection.dialect.identifier_preparer.quote(name)

    def real(self, table: str) -> str:
        """Return the name of the table itself, also while a view hides it."""
        return f"{self._schema}.{table}"

    def execute(self, statement: str) -> None:
        """Execute a statement without parameters."""
        execute_text(self._connection, statement)

    def definitions(self) -> Iterator[tuple[str, str]]:
        """Yield the queries of the views of the database, by name."""
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'view' ORDER BY rowid"
        if not self._is_sqlite:
            query = """SELECT viewname, definition FROM pg_views
                WHERE schemaname = current_schema() ORDER BY viewname"""
        for name, sql in self._connection.execute(text(query)):
            yield name, (sql.partition(" AS ")[2] if self._is_sqlite else sql)

    def table(self, name: str, columns: Mapping[str, str]) -> None:
        """Create a temporary table; its first column is the key."""
        text_type = "TEXT" if self._is_sqlite else 'TEXT COLLATE "C"'
        shown = ", ".join(f"{one} {text_type if kind == 'TEXT' else kind}" for one, kind in columns.items())
        self.execute(f"CREATE TEMPORARY TABLE {name} ({shown}, PRIMARY KEY ({next(iter(columns))}))")

    def view(self, name: str, query: str) -> None:
        """Create a temporary view, which hides a table or view of this name."""
        self.execute(f"CREATE TEMPORARY VIEW {name} AS {query}")

    def hide(self, name: str, condition: str, columns: Mapping[str, str] = {}) -> None:
        """Hide the rows of a table that do not meet a condition; ``columns`` are computed instead of read."""
        if condition or columns:
            quoted = {one: self._quoted(one) for one in _columns(name)}
            shown = (f"{columns.get(one, f'{name}.{mark}')} AS {mark}" for one, mark in quoted.items())
            where = f" WHERE {condition}" if condition else ""
            self.view(name, f"SELECT {', '.join(shown)} FROM {self.real(name)} {name}{where}")

    def hide_states(self, name: str, condition: str) -> None:
        """Hide later postings and later states, which :func:`_keep_states` has written."""
        then = f"then_{name}"
        columns = (
            f"CASE WHEN t.reference IS NULL THEN {name}.{one} ELSE t.{one} END AS {one}"
            if one in CHANGING
            else f"{name}.{self._quoted(one)}"
            for one in _columns(name)
        )
        where = f" WHERE {name}.{condition}" if condition else ""
        joined = f"{self.real(name)} {name} LEFT JOIN {then} t ON t.reference = {name}.reference"
        self.view(name, f"SELECT {', '.join(columns)} FROM {joined}{where}")

    def done(self) -> None:
        """Let nothing be written from now on."""
        if not self._is_sqlite:
            self.execute("SET TRANSACTION READ ONLY")

    def _quoted(self, column: str) -> str:
        return self._connection.dialect.identifier_preparer.quote(column)


def _columns(name: str) -> list[str]:
    return metadata.tables[name].c.keys()
