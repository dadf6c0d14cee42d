"""Reads from Intacct: entries one by one and in bulk, lines of accounts, account balances, closed books.

Reads change nothing, so they are retried after temporary failures, a few times and with a pause. A read that cannot be
understood raises an error instead of returning less: "the entry is not there" leads to posting it again.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import NamedTuple
from uuid import uuid4

from lxml import etree

from revrec.core.batching import batched
from revrec.core.errors import BadInput, RevrecError
from revrec.core.money import to_minor
from revrec.intacct import requests_xml
from revrec.intacct.catalog import TOO_MANY_REQUESTS, FailureMeaning, meaning_of, meaning_of_no_answer
from revrec.intacct.errors import GatewayUnreachable, ReadRefused, SignInFailed
from revrec.intacct.gateway import (
    ClaimOutcome,
    CompanySetup,
    ErrorClass,
    FoundEntry,
    FoundLine,
    GatewayError,
    MasterKind,
    ReportedBalance,
    errors_in_words,
)
from revrec.intacct.glbatch import EntrySettings, dimension_element, format_date
from revrec.intacct.judgment import request_refusal, result_for
from revrec.intacct.redact import Redactor
from revrec.intacct.responses import FunctionResult, GatewayResponse
from revrec.intacct.transport import HttpExchange

PAGE = 1000
PAGES_LIMIT = 10_000
FUNCTIONS_PER_REQUEST = 50
PAUSE_LIMIT = 120.0
IDS_PER_QUERY = 200
ID_FIELDS = {
    kind: {
        MasterKind.JOURNAL: "SYMBOL",
        MasterKind.ACCOUNT: "ACCOUNTNO",
        MasterKind.TERM: "NAME",
        MasterKind.DEFINITION: "DOCID",
    }.get(kind, f"{kind}ID")
    for kind in MasterKind
}
"""The field with the id that people use, by kind of record."""
TEMPORARY_CLASSES = (ErrorClass.RETRY_NOW, ErrorClass.RETRY_LATER)
"""Classes of failures after which the same read may succeed later."""
NOT_A_REFERENCE = "revrec doctor"
LONG_FROM_NOW = datetime(9000, 1, 1, tzinfo=UTC)

ENTRIES_PER_QUERY = 50
"""Entries whose lines are read in one query; with 500 lines each, that is 25 pages."""

GLBATCH_FIELDS = (
    "RECORDNO", "BATCHNO", "JOURNAL", "BATCH_DATE", "BATCH_TITLE", "REFERENCENO", "STATE", "WHENCREATED", "REVERSEDKEY",
    "REVERSEDFROM",
)  # fmt: skip
GLENTRY_FIELDS = (
    "RECORDNO", "BATCHNO", "LINE_NO", "TR_TYPE", "ENTRY_DATE", "ACCOUNTNO", "AMOUNT", "TRX_AMOUNT", "CURRENCY",
    "DOCUMENT", "DESCRIPTION", "LOCATION", "DEPARTMENT",
)  # fmt: skip


class ParsedAnswer(NamedTuple):
    """The result of a request: the exchange, and the parsed answer or the reason why it is missing."""

    exchange: HttpExchange
    reason: str
    response: GatewayResponse | None


SendFunctions = Callable[[str, bytes, str, bool], ParsedAnswer]
"""Sends functions (control id, bytes, entity, uniqueid), signing in as needed, and parses the answer."""


BuildFunctions = Callable[[Sequence[str]], list[bytes]]
"""Builds the functions for these control ids. Called for each attempt, because each attempt has new ids."""


class ReadPolicy(NamedTuple):
    """The number of attempts of a read, and the pause between them in seconds, which doubles each time."""

    attempts: int = 3
    pause: float = 2.0
    sleep: Callable[[float], None] = time.sleep


class _ReadFailure(NamedTuple):
    meaning: FailureMeaning
    errors: tuple[GatewayError, ...]
    detail: str
    answered: bool
    retry_after: int | None

    @property
    def temporary(self) -> bool:
        """Return True if the same read may succeed later."""
        return self.meaning.read_class in TEMPORARY_CLASSES


class IntacctReader:
    """The gateway's reads. Amounts are in minor units of the line's currency, or of the base currency of its location.

    The lines that Intacct adds to entries between entities are left out of entries, so that what was sent is compared
    with what was saved of it.
    """

    def __init__(self, send: SendFunctions, redactor: Redactor, entries: EntrySettings, policy: ReadPolicy) -> None:
        self._send = send
        self._redactor = redactor
        self.entries = entries
        self.base_currency = entries.base_currency
        self._policy = policy

    def find_entries(self, journal: str, reference: str) -> list[FoundEntry]:
        """Return a journal's entries with a reference and their lines, by record number."""
        where = (("JOURNAL", journal), ("REFERENCENO", reference))
        return list(self.with_lines(map(_header, self.query("GLBATCH", GLBATCH_FIELDS, where))))

    def entries_since(self, journal: str, since: datetime) -> Iterator[FoundEntry]:
        """Return headers of a journal's entries created at or after a time, page by page."""
        created = ("WHENCREATED", "greaterthanorequalto", since.strftime("%m/%d/%Y %H:%M:%S"))
        return map(_header, self._pages("GLBATCH", GLBATCH_FIELDS, (("JOURNAL", journal), created)))

    def entries_dated(self, journal: str, start: date, end: date) -> Iterator[FoundEntry]:
        """Return headers of a journal's entries dated from ``start`` to ``end``, page by page."""
        where = (("JOURNAL", journal), *date_range("BATCH_DATE", start, end))
        return map(_header, self._pages("GLBATCH", GLBATCH_FIELDS, where))

    def entries_numbered(self, record_nos: Iterable[str]) -> list[FoundEntry]:
        """Return headers of the entries with these record numbers."""
        return self._find_headers("RECORDNO", record_nos)

    def entries_referenced(self, references: Iterable[str]) -> list[FoundEntry]:
        """Return headers of the entries with these references."""
        return self._find_headers("REFERENCENO", references)

    def _find_headers(self, field: str, values: Iterable[str]) -> list[FoundEntry]:
        found: list[FoundEntry] = []
        for some in batched(list(dict.fromkeys(values)), IDS_PER_QUERY):
            found += map(_header, self.query("GLBATCH", GLBATCH_FIELDS, ((field, some),)))
        return found

    def with_lines(self, headers: Iterable[FoundEntry], dimensions: Iterable[str] = ()) -> Iterator[FoundEntry]:
        """Add lines in order, with these dimensions, to entries. Reads the lines of several entries at a time."""
        elements = {dimension_element(name): name for name in dimensions}
        fields = tuple(dict.fromkeys((*GLENTRY_FIELDS, *elements)))
        for some in batched(headers, ENTRIES_PER_QUERY):
            numbers = [header.record_no for header in some]
            lines: dict[str, list[FoundLine]] = {number: [] for number in numbers}
            where: requests_xml.Where = (("BATCHNO", numbers[0] if len(numbers) == 1 else numbers),)
            for row in self.query("GLENTRY", fields, where):
                known = {name: row[element] for element, name in elements.items() if row.get(element)}
                line = self._line(row)._replace(dimensions=known)
                owner = lines[_entry_of_line(line, numbers)]
                if line.account not in self.entries.inter_entity:
                    owner.append(line)
            for header in some:
                in_order = sorted(lines[header.record_no], key=lambda line: line.line_no)
                yield header._replace(lines=tuple(in_order))

    def lines_on(self, accounts: Iterable[str], start: date, end: date) -> Iterator[FoundLine]:
        """Return lines on accounts dated from ``start`` to ``end``, page by page."""
        for some in batched(list(dict.fromkeys(accounts)), IDS_PER_QUERY):
            where = (("ACCOUNTNO", some), *date_range("ENTRY_DATE", start, end))
            for row in self._pages("GLENTRY", GLENTRY_FIELDS, where):
                yield self._line(row)

    def _line(self, row: dict[str, str]) -> FoundLine:
        return _line(row, self.entries.currency_of(row.get("LOCATION", "")).base)

    def account_balances(
        self, accounts: Iterable[str], start: date, end: date, entity: str, currency: str
    ) -> list[ReportedBalance]:
        """Return balances of accounts from ``start`` to ``end``; accounts without a balance row are left out."""
        currency = currency or self.entries.currency_of(entity).base
        balances: list[ReportedBalance] = []
        for some in batched(list(dict.fromkeys(accounts)), FUNCTIONS_PER_REQUEST):
            for result in self._read(_balances_of(some, start, end, entity), len(some), ""):
                balances += [_balance(row, currency) for row in _rows(result, "accountbalance")]
        return balances

    def closed_through(self, entity: str) -> date | None:
        """Return the last closed day of an entity's books, read in its own session; None if it is not reported."""
        try:
            result = self._read(lambda ids: [requests_xml.get_closed_books_date(ids[0])], 1, entity)[0]
        except ReadRefused:
            return None
        rows = _rows(result, "closedbooksdate")
        return _day(rows[0]) if rows else None

    def masters(self, kind: MasterKind, ids: Iterable[str]) -> dict[str, bool]:
        """Return the ids that exist, each with True if active. Does not read names: their field differs by kind."""
        key = ID_FIELDS[kind]
        found: dict[str, bool] = {}
        for some in batched(list(dict.fromkeys(filter(None, ids))), IDS_PER_QUERY):
            for row in self.query(kind, ("RECORDNO", key, "STATUS"), ((key, some),)):
                found[row.get(key, "")] = row.get("STATUS", "").lower() == "active"
        return found

    def locations_within(self, entity: str) -> set[str]:
        """Return a location and all locations below it, reading level by level."""
        found, above = {entity}, [entity]
        while above:
            below = [
                row.get("LOCATIONID", "")
                for some in batched(above, IDS_PER_QUERY)
                for row in self.query("LOCATION", ("RECORDNO", "LOCATIONID", "PARENTID"), (("PARENTID", some),))
            ]
            above = [location for location in dict.fromkeys(below) if location not in found]
            found.update(above)
        return found

    def entities(self) -> list[str]:
        """Return the locations that are not below another one."""
        rows = self._pages("LOCATION", ("RECORDNO", "LOCATIONID", "PARENTID"), ())
        return [row.get("LOCATIONID", "") for row in rows if not row.get("PARENTID")]

    def company_setup(self) -> CompanySetup:
        """Return the financial set-up of the company.

        Raises:
            ReadRefused: the user may not read it, or the answer has none.
        """
        rows = self.call(requests_xml.get_financial_setup, "financialSetup")
        if not rows:
            raise ReadRefused("Intacct's answer has no financial set-up")
        switched_on = (
            rows[0].get(name) == "true" for name in ("MULTICURRENCY", "MULTIENTITYSHARED", "MULTIBASECURRENCY")
        )
        return CompanySetup(rows[0].get("BASECURRENCY", ""), *switched_on)

    def check_reading(self, journal: str) -> None:
        """Run the queries that recovery needs, with values that match nothing."""
        self.query("GLBATCH", GLBATCH_FIELDS, (("JOURNAL", journal), ("REFERENCENO", NOT_A_REFERENCE)))
        list(self.entries_since(journal, LONG_FROM_NOW))
        self.query("GLENTRY", GLENTRY_FIELDS, (("BATCHNO", "0"),))

    def claim(self, control_ids: Sequence[str]) -> list[ClaimOutcome]:
        """Claim control ids in their order, without retries.

        Raises:
            SignInFailed, GatewayUnreachable, ReadRefused: certainly none of them was recorded.
        """
        nothing = (("RECORDNO", "0"),)
        functions = [requests_xml.query(one, "GLBATCH", ("RECORDNO",), nothing, 0, 1) for one in control_ids]
        answer = self._send(f"revrec-claim-{uuid4()}", b"".join(functions), "", True)
        exchange, _reason, response = answer
        refused = None if response is None else request_refusal(response, exchange.status)
        if refused is not None or not exchange.sent or exchange.status == TOO_MANY_REQUESTS:
            _, failed = _results(answer, control_ids)
            assert failed is not None
            raise self._refused(failed)
        if response is None:
            return [ClaimOutcome.UNCLEAR] * len(control_ids)
        return [self._claim_outcome(result_for(response, one)[0], exchange) for one in control_ids]

    def _claim_outcome(self, result: FunctionResult | None, exchange: HttpExchange) -> ClaimOutcome:
        if result is None:
            return ClaimOutcome.UNCLEAR
        if result.status == "success":
            return ClaimOutcome.WON
        meaning = meaning_of("function", exchange.status, result.errors)
        if meaning.name == "already-recorded" or not meaning.known:
            # An unknown text may be "already recorded" in another language; as won, it would let two copies post.
            return ClaimOutcome.TAKEN
        if meaning.name == "concurrent-request":
            return ClaimOutcome.IN_PROCESS
        if meaning.error_class is ErrorClass.IN_DOUBT:
            return ClaimOutcome.UNCLEAR
        detail, pause = f"status {result.status!r}", exchange.retry_after_seconds
        raise self._refused(_ReadFailure(meaning, result.errors, detail, True, pause))

    def _pages(self, name: str, fields: Sequence[str], where: requests_xml.Where) -> Iterator[dict[str, str]]:
        """Return records page by page, each page starting after the last RECORDNO of the page before.

        With offsets, a record that another user deletes in between would shift the next page, and a record would be
        skipped without notice.
        """
        last = "0"
        for _ in range(PAGES_LIMIT):
            after = ("RECORDNO", "greaterthan", last)
            result = self._read(_query_page(name, fields, (*where, after), 0), 1, "")[0]
            page = _rows(result, name.lower())
            yield from page
            remaining = "0" if result.data is None else result.data.get("numremaining", "0")
            if not page or remaining == "0":
                return
            if page[-1].get("RECORDNO", last) == last:
                raise ReadRefused(f"reading {name} did not end: Intacct repeated the page before record {last}")
            last = page[-1]["RECORDNO"]
        raise ReadRefused(f"reading {name} did not end after {PAGES_LIMIT} pages of {PAGE} records")

    def call(self, build: Callable[[str], bytes], element: str) -> list[dict[str, str]]:
        """Run a function without parameters, such as getDimensions, and return its records by element name."""
        return _rows(self._read(lambda ids: [build(ids[0])], 1, "")[0], element.lower())

    def query(
        self, name: str, fields: Sequence[str], where: requests_xml.Where, order: str = "RECORDNO"
    ) -> list[dict[str, str]]:
        """Return the records of all pages of a query."""
        records: list[dict[str, str]] = []
        for _ in range(PAGES_LIMIT):
            offset = len(records)
            result = self._read(_query_page(name, fields, where, offset, order), 1, "")[0]
            page = _rows(result, name.lower())
            records += page
            remaining = "0" if result.data is None else result.data.get("numremaining", "0")
            if not page or remaining == "0":
                return records
        raise ReadRefused(f"reading {name} did not end after {PAGES_LIMIT} pages of {PAGE} records")

    def _read(self, build: BuildFunctions, count: int, entity: str) -> list[FunctionResult]:
        """Run functions, with retries, and return their results in order; raise an error unless all succeed."""
        failed: _ReadFailure | None = None
        for attempt in range(self._policy.attempts):
            control_id = f"revrec-read-{uuid4()}"
            control_ids = [f"{control_id}-{at}" for at in range(count)]
            answer = self._send(control_id, b"".join(build(control_ids)), entity, False)
            results, failed = _results(answer, control_ids)
            if failed is None:
                return results
            if not failed.temporary:
                break
            if attempt + 1 < self._policy.attempts:
                self._policy.sleep(_pause(answer.exchange, self._policy.pause * 2**attempt))
        assert failed is not None
        raise self._refused(failed)

    def _refused(self, failed: _ReadFailure) -> RevrecError:
        said, advice = errors_in_words(failed.errors) or failed.detail, failed.meaning.read_advice
        if failed.meaning.read_class is ErrorClass.NEEDS_SIGN_IN:
            return SignInFailed(self._redactor.text(f"Intacct refused a read: {said}. {advice}"))
        if not failed.answered or failed.meaning.read_class is ErrorClass.RETRY_LATER:
            text = self._redactor.text(f"Intacct gave no usable answer to a read: {said}")
            return GatewayUnreachable(text, failed.temporary, failed.retry_after)
        return ReadRefused(self._redactor.text(f"Intacct refused a read: {said}. {advice}"))


def _header(batch: dict[str, str]) -> FoundEntry:
    return FoundEntry(
        record_no=batch.get("RECORDNO", ""),
        batch_no=batch.get("BATCHNO", ""),
        journal=batch.get("JOURNAL", ""),
        date=parse_date(batch.get("BATCH_DATE", "")),
        title=batch.get("BATCH_TITLE", ""),
        reference=batch.get("REFERENCENO", ""),
        state=batch.get("STATE", ""),
        created=batch.get("WHENCREATED", ""),
        reversed_by=batch.get("REVERSEDKEY", ""),
        reverses=batch.get("REVERSEDFROM", ""),
    )


def _entry_of_line(line: FoundLine, numbers: Sequence[str]) -> str:
    """Return which of these entries a line belongs to.

    Raises:
        ReadRefused: the line belongs to another entry. Ignoring it, or guessing, would compare wrong amounts.
    """
    owner = line.entry or (numbers[0] if len(numbers) == 1 else "")
    if owner not in numbers:
        raise ReadRefused(f"Intacct's answer, GLENTRY {line.record_no}: BATCHNO {owner!r} was not asked for")
    return owner


def date_range(field: str, start: date, end: date) -> requests_xml.Where:
    """Return the conditions that a date field is from ``start`` to ``end``."""
    return (
        (field, "greaterthanorequalto", format_date(start)),
        (field, "lessthanorequalto", format_date(end)),
    )


def _query_page(
    name: str, fields: Sequence[str], where: requests_xml.Where, offset: int, order: str = "RECORDNO"
) -> BuildFunctions:
    return lambda control_ids: [requests_xml.query(control_ids[0], name, fields, where, offset, PAGE, order)]


def _balances_of(accounts: Sequence[str], start: date, end: date, entity: str) -> BuildFunctions:
    return lambda control_ids: [
        requests_xml.get_account_balances(control_id, account, start, end, entity)
        for control_id, account in zip(control_ids, accounts, strict=True)
    ]


def _results(answer: ParsedAnswer, control_ids: Sequence[str]) -> tuple[list[FunctionResult], _ReadFailure | None]:
    exchange, reason, response = answer
    said = exchange.detail or f"HTTP {exchange.status}"
    if response is None:
        meaning = meaning_of_no_answer(reason, exchange.status)
        return [], _ReadFailure(meaning, (), said, exchange.status == 429, exchange.retry_after_seconds)
    refused = request_refusal(response, exchange.status)
    if refused is not None:
        return [], _ReadFailure(*refused, said, True, exchange.retry_after_seconds)
    results = []
    for control_id in control_ids:
        result, reason = result_for(response, control_id)
        if result is None:
            meaning = meaning_of_no_answer(reason, exchange.status)
            return [], _ReadFailure(meaning, (), f"{said}, {reason}", True, None)
        if result.status != "success":
            meaning = meaning_of("function", exchange.status, result.errors)
            return [], _ReadFailure(
                meaning, result.errors, f"{said}, status {result.status!r}", True, exchange.retry_after_seconds
            )
        results.append(result)
    return results, None


def _pause(exchange: HttpExchange, pause: float) -> float:
    """Return the pause that Intacct asked for, or the usual one, up to a limit."""
    return min(pause if exchange.retry_after_seconds is None else float(exchange.retry_after_seconds), PAUSE_LIMIT)


def _rows(result: FunctionResult, name: str) -> list[dict[str, str]]:
    """Return the records of a result by element name in any case, with field names in upper case."""
    if result.data is None:
        return []
    return [_fields(row) for row in result.data.iter() if isinstance(row.tag, str) and row.tag.lower() == name]


def _fields(row: etree._Element) -> dict[str, str]:
    return {child.tag.upper(): (child.text or "").strip() for child in row if isinstance(child.tag, str)}


def _line(row: dict[str, str], base_currency: str) -> FoundLine:
    currency = row.get("CURRENCY", "") or base_currency
    place = f"GLENTRY {row.get('RECORDNO', '?')}"
    return FoundLine(
        record_no=row.get("RECORDNO", ""),
        line_no=_number(row.get("LINE_NO", ""), f"{place}, LINE_NO"),
        side="credit" if row.get("TR_TYPE", "").startswith("-") else "debit",
        account=row.get("ACCOUNTNO", ""),
        amount=abs(parse_amount(row.get("TRX_AMOUNT", "") or row.get("AMOUNT", ""), currency, place)),
        currency=currency,
        document=row.get("DOCUMENT", ""),
        memo=row.get("DESCRIPTION", ""),
        location=row.get("LOCATION", ""),
        department=row.get("DEPARTMENT", ""),
        entry=row.get("BATCHNO", ""),
        day=parse_date(row.get("ENTRY_DATE", "")),
        base_amount=abs(parse_amount(row.get("AMOUNT", ""), base_currency, place)),
        base_currency=base_currency,
    )


def _balance(row: dict[str, str], currency: str) -> ReportedBalance:
    account = row.get("GLACCOUNTNO", "")

    def amount(*names: str) -> int:
        return sum(parse_amount(row.get(name, ""), currency, f"account {account}, {name.lower()}") for name in names)

    return ReportedBalance(
        account, currency, amount("STARTBALANCE"), amount("DEBITS", "ADJDEBITS"), amount("CREDITS", "ADJCREDITS"),
        amount("ENDBALANCE"),
    )  # fmt: skip


def parse_amount(text: str, currency: str, place: str) -> int:
    """Convert decimal text to minor units. Intacct writes ``1250``, ``1250.00`` or more zeros; empty means 0.

    Raises:
        ReadRefused: the text is not an amount, or has more decimals than the currency.
    """
    figures = text.rstrip("0").rstrip(".") if "." in text else text
    try:
        return to_minor(Decimal(figures or "0"), currency)
    except (BadInput, InvalidOperation) as reason:
        said = str(reason) if isinstance(reason, BadInput) else f"{text[:40]!r} is not an amount"
    raise ReadRefused(f"Intacct's answer, {place}: {said}")


def _number(text: str, place: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ReadRefused(f"Intacct's answer, {place}: {text[:40]!r} is not a number")
    return int(text)


def parse_date(text: str) -> date | None:
    """Parse a date of a query, mm/dd/yyyy; None if it is in another format."""
    try:
        return datetime.strptime(text[:10], "%m/%d/%Y").date()  # noqa: DTZ007 - a date without a time
    except ValueError:
        return None


def _day(row: dict[str, str]) -> date | None:
    try:
        return date(int(row.get("YEAR", "")), int(row.get("MONTH", "")), int(row.get("DAY", "")))
    except (ValueError, OverflowError):
        return None
