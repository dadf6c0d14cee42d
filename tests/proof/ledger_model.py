"""A model of Intacct for the proofs: a ledger in memory that speaks just enough of the XML gateway.

Not the sandbox: that one is a server that behaves as well as Intacct does. This one is as bad as a gateway may be. It
forgets control ids, checks them without atomicity, shows entries late, refuses at random; whoever drives it decides.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from xml.sax.saxutils import escape

from lxml import etree

START = datetime(2024, 3, 1, 9, tzinfo=UTC)


class Violation(AssertionError):
    """A promise of the protocol was broken; the text begins with DOUBLE, LOST, STUCK, ADOPTED, IDENTITY or ERROR."""


class Clock:
    """The one clock of a simulated world."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Set it to the beginning."""
        self.time, self.seconds = START, 0.0

    def __call__(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds
        self.time = START + timedelta(seconds=self.seconds)


OPEN_AGAIN = date(2023, 12, 31)
"""A day before everything: the books are closed through it when all is open."""
LIVE = ("Posted", "Submitted")
"""States of an entry that is in the ledger, or that may still be approved."""
Line = tuple[str, str, str, str]
"""Side (1 debit, -1 credit), account, amount, currency."""


@dataclass
class Entry:
    """A GLBATCH of the ledger. ``parts`` are the schedule lines it recognizes, by the memo of its debit lines."""

    record_no: str
    reference: str
    journal: str
    date: str
    lines: list[Line]
    parts: list[str]
    visible_at: datetime
    created: datetime
    documents: list[str] = field(default_factory=list)
    """DOCUMENT of each line."""
    foreign: bool = False
    """Somebody else made it or changed its figures: it is no work of revrec's any more."""
    sent_as: str = ""
    """The reference that revrec gave it, if a person has edited that away."""
    state: str = "Posted"
    """Posted, Submitted for approval, Declined, or Deleted."""

    @property
    def content(self) -> tuple[str, Counter[Line]]:
        """What must be equal for it to be ours."""
        return self.date, Counter(self.lines)


@dataclass
class Function:
    """The one function of a request, taken apart."""

    kind: str
    control_id: str
    element: etree._Element
    unique: bool
    """Return True if the request asks for a check of its control id."""
    more: list[str] = field(default_factory=list)
    """The control ids of the further functions of a request that claims several."""

    @property
    def description(self) -> str:
        """The request in words that are the same whenever the same is asked; the control id of a read is not."""
        return f"create {self.control_id[-6:]}" if self.kind == "create" else f"{self.kind} {self.text('object')}"

    def text(self, path: str) -> str:
        """The text at a path below the function."""
        return self.element.findtext(path) or ""


def function_of(body: bytes) -> Function:
    """The function of a request; the first one of several that claim control ids."""
    request = etree.fromstring(body)
    elements = request.findall("operation/content/function")
    unique = request.findtext("control/uniqueid") == "true"
    element, *more = elements
    assert len(element) == 1 and (unique or not more)
    claims = [str(one.get("controlid")) for one in more]
    return Function(str(element[0].tag), str(element.get("controlid")), element[0], unique, claims)


@dataclass
class Ledger:
    """The entries, and the control ids that are remembered."""

    clock: Clock
    entries: dict[str, Entry] = field(default_factory=dict)
    remembered: set[str] = field(default_factory=set)
    delay: float = 0.0
    """Seconds until a new entry shows in reads."""
    forgetful: bool = False
    """It remembers no control id at all."""
    closed: date = OPEN_AGAIN
    """The books are closed through this day."""
    approval: bool = False
    """Its entries need approval: a create only submits them."""
    sent_as: dict[str, tuple[str, object]] = field(default_factory=dict)
    """By reference: the control id and the content that it was first sent with."""
    shown: dict[str, list[object]] = field(default_factory=dict)
    """By reference: what reads showed: a number of entries, or the content of one of them."""

    def known(self, function: Function) -> bool:
        """Return True if the function is to be refused because its control id is recorded."""
        return function.unique and function.control_id in self.remembered

    def commit(self, function: Function) -> bytes:
        """Make the entry of a create, and remember its control id."""
        entry = self._entry(function)
        for part in entry.parts:
            twins = [one.reference for one in self.live() if part in one.parts]
            if twins:
                raise Violation(f"DOUBLE: {part} is on {twins[0]} and on {entry.reference}")
        entry.state = "Submitted" if self.approval else "Posted"
        self.entries[entry.record_no] = entry
        if not self.forgetful:
            self.remembered.add(function.control_id)
        return succeeded(function, f"<data><glbatch><RECORDNO>{entry.record_no}</RECORDNO></glbatch></data>")

    def closed_for(self, function: Function) -> bool:
        """Return True if a create is dated in a closed period."""
        month, day, year = function.text("GLBATCH/BATCH_DATE").split("/")
        return date(int(year), int(month), int(day)) <= self.closed

    def live(self) -> list[Entry]:
        """All that revrec made and that is in the ledger, or may still be."""
        return [entry for entry in self.entries.values() if not entry.foreign and entry.state in LIVE]

    def of(self, reference: str) -> list[Entry]:
        """All entries of a reference, whoever made them."""
        named = (entry for entry in self.entries.values() if reference in (entry.reference, entry.sent_as))
        return [entry for entry in named if entry.state != "Deleted"]

    def has_live(self, reference: str) -> bool:
        """Return True if there is an entry with this reference that revrec made."""
        return any(not entry.foreign and entry.state in LIVE for entry in self.of(reference))

    def note_sent(self, function: Function, one_history: bool) -> None:
        """One reference has one control id for ever, and in one history of the books one content.

        In another one, after an older copy was put back, the same lines may be dated or repaired otherwise. They keep
        their control id: by that the gateway refuses what it has.
        """
        entry = self._entry(function)
        identity: tuple[str, object] = (function.control_id, entry.content if one_history else None)
        if not one_history and entry.reference in self.sent_as:
            identity = (function.control_id, self.sent_as[entry.reference][1])
        if self.sent_as.setdefault(entry.reference, identity) != identity:
            raise Violation(f"IDENTITY: {entry.reference} was sent under another control id or content")

    def claim(self, function: Function, known_words: bool) -> bytes:
        """Record the control ids of reads that only claim them."""
        results = []
        for control_id in (function.control_id, *function.more):
            one = replace(function, control_id=control_id)
            results.append(_duplicate(one, known_words) if self.known(one) else _success(one, "<data/>"))
            if not self.forgetful:
                self.remembered.add(control_id)
        return _answer(function.control_id, function.control_id, *results)

    def read(self, function: Function) -> bytes:
        """Answer a query for entries (by reference, by what they were made since, by date) or for their lines."""
        where = {_field(one): [value.text or "" for value in one.iter("value")] for one in function.element.iter(*OPS)}
        if function.kind == "get_closedbooksdate":
            day = "".join(f"<{unit}>{getattr(self.closed, unit):02}</{unit}>" for unit in ("year", "month", "day"))
            return succeeded(function, f"<data><closedbooksdate>{day}</closedbooksdate></data>")
        if function.text("object") == "GLBATCH":
            found = [one for one in self._visible() if all(_meets(one, *condition) for condition in where.items())]
            for reference in where.get(("REFERENCENO", "equalto"), ()):
                self.shown.setdefault(reference, []).append(len(found))
            for one in found if ("RECORDNO", "in") in where else ():
                self.shown.setdefault(one.sent_as or one.reference, []).append(1)
            rows = "".join(map(_batch, found))
        else:
            of = [self.entries[number] for values in where.values() for number in values]
            for entry in of:
                self.shown.setdefault(entry.sent_as or entry.reference, []).append(entry.content)
            rows = "".join(_line(entry, at, line) for entry in of for at, line in enumerate(entry.lines, 1))
        return succeeded(function, f'<data numremaining="0">{rows}</data>')

    def _visible(self) -> list[Entry]:
        now = self.clock()
        return [one for one in self.entries.values() if one.visible_at <= now and one.state != "Deleted"]

    def _entry(self, function: Function) -> Entry:
        batch = function.element.find("GLBATCH")
        assert batch is not None
        rows = batch.findall("ENTRIES/GLENTRY")
        return Entry(
            str(len(self.entries) + 1),
            batch.findtext("REFERENCENO") or "",
            batch.findtext("JOURNAL") or "",
            batch.findtext("BATCH_DATE") or "",
            [_of(row) for row in rows],
            [row.findtext("DESCRIPTION") or "" for row in rows if row.findtext("TR_TYPE") == "1"],
            self.clock() + timedelta(seconds=self.delay),
            self.clock(),
            [row.findtext("DOCUMENT") or "" for row in rows],
        )


OPS = ("equalto", "in", "greaterthan", "greaterthanorequalto", "lessthanorequalto")


def _field(condition: etree._Element) -> tuple[str, str]:
    return condition.findtext("field") or "", str(condition.tag)


def _meets(entry: Entry, field_and_op: tuple[str, str], values: list[str]) -> bool:
    """Return True if an entry meets one condition of a query."""
    name, op = field_and_op
    shown = {"RECORDNO": entry.record_no, "JOURNAL": entry.journal, "REFERENCENO": entry.reference}
    if name in shown and op in ("equalto", "in"):
        return shown[name] in values
    if name == "RECORDNO":
        return int(entry.record_no) > int(values[0])
    mine = _sortable(entry.date) if name == "BATCH_DATE" else entry.created.strftime("%Y/%m/%d %H:%M:%S")
    given = _sortable(values[0])
    return mine >= given if op == "greaterthanorequalto" else mine <= given


def _sortable(text: str) -> str:
    """A date, or a time, as Intacct writes it, with the year first."""
    return f"{text[6:10]}/{text[:5]}{text[10:]}"


def _of(row: etree._Element) -> Line:
    side, account, amount, currency = (row.findtext(name) or "" for name in LINE)
    return side, account, amount, currency


LINE = ("TR_TYPE", "ACCOUNTNO", "TRX_AMOUNT", "CURRENCY")


def _batch(entry: Entry) -> str:
    return (
        f"<GLBATCH><RECORDNO>{entry.record_no}</RECORDNO><JOURNAL>{entry.journal}</JOURNAL><BATCH_DATE>{entry.date}"
        f"</BATCH_DATE><REFERENCENO>{entry.reference}</REFERENCENO><STATE>{entry.state}</STATE></GLBATCH>"
    )


def _line(entry: Entry, at: int, line: Line) -> str:
    values = "".join(f"<{name}>{value}</{name}>" for name, value in zip(LINE, line, strict=True))
    document = entry.documents[at - 1] if entry.documents else ""
    named = f"<BATCHNO>{entry.record_no}</BATCHNO><LINE_NO>{at}</LINE_NO><DOCUMENT>{document}</DOCUMENT>"
    return f"<GLENTRY><RECORDNO>{entry.record_no}{at:03}</RECORDNO>{named}{values}</GLENTRY>"


def succeeded(function: Function, data: str) -> bytes:
    """The answer of a function that did its work."""
    return _answer(function.control_id, function.control_id, _success(function, data))


def _success(function: Function, data: str) -> str:
    return f"<status>success</status>{_named(function)}{data}"


def failed(function: Function, errorno: str, text: str) -> bytes:
    """The answer of a function that was refused and saved nothing."""
    return _answer(function.control_id, function.control_id, _failure(function, errorno, text))


def _failure(function: Function, errorno: str, text: str) -> str:
    error = f"<error><errorno>{errorno}</errorno><description2>{escape(text)}</description2></error>"
    return f"<status>failure</status>{_named(function)}<errormessage>{error}</errormessage>"


def duplicate(function: Function, known_words: bool = True) -> bytes:
    """The refusal of a control id that is recorded; in the words of a language that revrec may not know."""
    return _answer(function.control_id, function.control_id, _duplicate(function, known_words))


def _duplicate(function: Function, known_words: bool) -> str:
    if not known_words:
        return _failure(function, "SIM-UNKNOWN", "Cette transaction a d\u00e9j\u00e0 \u00e9t\u00e9 enregistr\u00e9e")
    text = f"A successful transaction has already been recorded with the control id {function.control_id}"
    return _failure(function, "SIM-DUPLICATE", text)


def refused(function: Function) -> bytes:
    """A refusal that says nothing about the reason."""
    return failed(function, "BL01001973", "Currently, we can't create the transaction")


def account_unknown(function: Function) -> bytes:
    """A refusal for which there is a repair."""
    return failed(function, "BL01001973", "Invalid GL Account '4000' specified.")


def period_closed(function: Function) -> bytes:
    """The refusal of a date in a closed period."""
    return failed(
        function, "BL01001973", "Periods are closed. Your transaction date is within a period that's been closed."
    )


def session(function: Function, endpoint: str) -> bytes:
    """The answer to a sign-in."""
    api = f"<api><sessionid>s-1</sessionid><endpoint>{endpoint}</endpoint></api>"
    return succeeded(function, f"<data>{api}</data>")


def session_ended(function: Function) -> bytes:
    """The answer to a session that is over: nothing ran."""
    error = "<error><errorno>XL03000006</errorno><description2>Invalid session</description2></error>"
    block = f"<authentication><status>failure</status></authentication><errormessage>{error}</errormessage>"
    control = f"<control><status>success</status><controlid>{function.control_id}</controlid></control>"
    return f"<response>{control}<operation>{block}</operation></response>".encode()


def _named(function: Function) -> str:
    return f"<function>{function.kind}</function><controlid>{function.control_id}</controlid>"


_AUTHENTICATION = "<authentication><status>success</status><userid>u</userid><companyid>C</companyid></authentication>"


def _answer(control_id: str, _of: str, *results: str) -> bytes:
    control = f"<control><status>success</status><controlid>{control_id}</controlid></control>"
    description = "".join(f"<result>{one}</result>" for one in results)
    return f"<response>{control}<operation>{_AUTHENTICATION}{description}</operation></response>".encode()


def contents(entries: Iterable[Entry]) -> Counter[str]:
    """How often each schedule line is in the ledger."""
    return Counter(part for entry in entries for part in entry.parts)
