"""Meaning of failures, and advice for the accountant, from the table in ``catalog.toml``."""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from revrec.intacct.gateway import ErrorClass, GatewayError

TEXT_LIMIT = 2000
"""Characters of an error text that patterns are matched against; Intacct's own texts are far shorter."""

TOO_MANY_REQUESTS = 429
UNKNOWN = "unknown"
UNKNOWN_ADVICE = (
    "Intacct reported a failure that revrec does not know. As far as Intacct reports, nothing was saved. Read the "
    "error text and fix the cause; Sage support can look it up by the Support ID. revrec does not retry it on its own; "
    "the next run first checks whether the entry is in Intacct."
)
READ_ADVICE = (
    "A read changes nothing in Intacct. Check the permissions of the Web Services user, then run again; Sage support "
    "can look up the error text."
)
_SAVED = re.compile(r"(Nothing( more)? was (saved|sent)|The entry may have been saved)\. ")


class KnownFailure(NamedTuple):
    """One failure of the catalog. ``catalog.toml`` explains the fields."""

    name: str
    error_class: ErrorClass
    read_class: ErrorClass
    advice: str
    read_advice: str
    level: str
    reason: tuple[str, ...]
    http: tuple[int, ...]
    ids: tuple[str, ...]
    texts: tuple[re.Pattern[str], ...]
    errornos: tuple[str, ...]
    only: bool
    wrapper: bool

    @property
    def general_advice(self) -> str:
        """Return the advice with ``...`` in place of values that an error text would name."""
        return re.sub(r"\{\w+\}", "...", self.advice)

    @property
    def signs(self) -> tuple[str, ...]:
        """Return what identifies it: error numbers, error ids, HTTP statuses, or reasons for a missing answer."""
        return (*self.errornos, *self.ids, *(f"HTTP {status}" for status in self.http), *self.reason)


class FailurePolicy(NamedTuple):
    """The response of revrec to a class of failures.

    ``in_run``: retry within the run. ``later``: retry by ``--retry-for``. ``says``: the explanation for people.
    """

    in_run: bool
    later: bool
    says: str


class FailureMeaning(NamedTuple):
    """The meaning of a failure that occurred.

    ``name``: its name in the catalog, or ``unknown``. ``known``: False for ``unknown`` and for wrappers. ``named``:
    values named in the error text, such as ``account``, ``dimension`` and ``value``. ``read_advice``: the advice if the
    request was a read, which says nothing about saved entries.
    """

    name: str
    error_class: ErrorClass
    read_class: ErrorClass
    advice: str
    known: bool
    named: Mapping[str, str] = {}
    read_advice: str = READ_ADVICE


@cache
def catalog() -> tuple[KnownFailure, ...]:
    """Return all failures, in the order of the file."""
    return tuple(_known_failure(row) for row in _data()["failure"])


@cache
def policies() -> Mapping[ErrorClass, FailurePolicy]:
    """Return what revrec does about each class of failures."""
    return {ErrorClass(name): FailurePolicy(**policy) for name, policy in _data()["policy"].items()}


@cache
def failure_named(name: str) -> KnownFailure | None:
    """Return the failure with this name, or None."""
    return next((row for row in catalog() if row.name == name), None)


def explain_failure(text: str) -> list[FailureMeaning]:
    """Return the possible meanings of an error number, error id, HTTP status, failure name or error text.

    The most likely meaning comes first. A number or text can have several, at different levels. Empty if it is unknown.
    """
    text = text.strip()
    error = GatewayError(text, description2=text, error_id=text)
    status = int(text) if text.isascii() and text.isdigit() and len(text) == 3 else 0
    named = [row for row in catalog() if text == row.name or text in row.reason or (row.reason and status in row.http)]
    found = [_to_meaning(row, {})._replace(advice=row.general_advice) for row in named]
    found += [meaning_of(level, status, [error]) for level in ("function", "authentication", "control")]
    unique: dict[str, FailureMeaning] = {}
    for one in found:
        if one.name != UNKNOWN:
            unique.setdefault(one.name, one)
    return list(unique.values())


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(files("revrec.intacct").joinpath("catalog.toml").read_text(encoding="utf-8"))


def meaning_of(level: str, http_status: int, errors: Sequence[GatewayError]) -> FailureMeaning:
    """Return the meaning of a failure that Intacct reported at a level (control, authentication or function).

    Checks HTTP status, error ids, the texts of all errors and error numbers, in this order. A text saying that the
    entry may have been saved wins over all of them. Unknown failures need a person.
    """
    rows = [row for row in catalog() if not row.reason and row.level in ("", level)]
    for row, groups in _matches(rows, http_status, errors):
        if not row.only or _says_nothing_else(row, errors):
            return _to_meaning(row, groups)
    return FailureMeaning(UNKNOWN, ErrorClass.NEEDS_PERSON, ErrorClass.NEEDS_PERSON, UNKNOWN_ADVICE, known=False)


def meaning_of_no_answer(reason: str, http_status: int = 0) -> FailureMeaning:
    """Return the meaning of a missing or unusable answer; ``reason`` is one of the catalog's."""
    if http_status == TOO_MANY_REQUESTS:
        return meaning_of("control", http_status, ())
    rows = [row for row in catalog() if reason in row.reason]
    best = next((row for row in rows if http_status in row.http), None)
    row = best or next(row for row in rows if not row.http)
    return _to_meaning(row, {})


Match = tuple[KnownFailure, dict[str, str]]


def _matches(rows: Sequence[KnownFailure], http_status: int, errors: Sequence[GatewayError]) -> Iterator[Match]:
    """Return every failure that matches, by the most reliable evidence first.

    Texts that mean "may have been saved" come first: error numbers are coarse (BL01001973 covers almost everything),
    and an "already recorded" that counts as a rejection would be posted again.
    """
    certain = [row for row in rows if not row.wrapper]
    doubt = [row for row in certain if row.error_class is ErrorClass.IN_DOUBT]
    yield from _match_each(doubt, errors, _text_groups)
    yield from ((row, {}) for row in certain if http_status in row.http)
    yield from _match_each(certain, errors, _id_groups)
    yield from _match_each(certain, errors, _text_groups)
    yield from _match_each(certain, errors, _errorno_groups)
    wrappers = [row for row in rows if row.wrapper]
    for sign in (_id_groups, _text_groups, _errorno_groups):
        yield from _match_each(wrappers, errors, sign)


MatchGroups = Callable[[KnownFailure, GatewayError], dict[str, str] | None]


def _match_each(rows: Iterable[KnownFailure], errors: Sequence[GatewayError], sign: MatchGroups) -> Iterator[Match]:
    for row in rows:
        for error in errors:
            groups = sign(row, error)
            if groups is not None:
                yield row, {"errorno": error.errorno} | groups


def _id_groups(row: KnownFailure, error: GatewayError) -> dict[str, str] | None:
    return {} if error.error_id and any(fnmatchcase(error.error_id, known) for known in row.ids) else None


def _errorno_groups(row: KnownFailure, error: GatewayError) -> dict[str, str] | None:
    return {} if any(fnmatchcase(error.errorno, known) for known in row.errornos) else None


def _text_groups(row: KnownFailure, error: GatewayError) -> dict[str, str] | None:
    for text in (error.description2, error.description, error.correction):
        for pattern in row.texts if text else ():
            match = pattern.search(text[:TEXT_LIMIT])
            if match:
                return {name: value.strip() for name, value in match.groupdict().items() if value}
    return None


def _says_nothing_else(row: KnownFailure, errors: Sequence[GatewayError]) -> bool:
    """Return True if every description is empty, or matches this failure or a wrapper."""
    vague = [*row.texts, *(text for other in catalog() if other.wrapper for text in other.texts)]
    texts = [text[:TEXT_LIMIT] for error in errors for text in (error.description, error.description2) if text]
    return all(any(pattern.search(text) for pattern in vague) for text in texts)


class _AdviceValues(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"(no {name} named)"


def _to_meaning(row: KnownFailure, groups: dict[str, str]) -> FailureMeaning:
    advice, read_advice = (one.format_map(_AdviceValues(groups)) for one in (row.advice, row.read_advice))
    named = {name: value for name, value in groups.items() if name != "errorno"}
    return FailureMeaning(row.name, row.error_class, row.read_class, advice, not row.wrapper, named, read_advice)


def _known_failure(row: dict[str, object]) -> KnownFailure:
    def texts_of(key: str) -> tuple[str, ...]:
        value = row.get(key, [])
        assert isinstance(value, list)
        return tuple(str(one) for one in value)

    error_class = ErrorClass(str(row["class"]))
    return KnownFailure(
        name=str(row["name"]),
        error_class=error_class,
        read_class=ErrorClass(str(row.get("read", error_class))),
        advice=str(row["advice"]),
        read_advice=str(row.get("read_advice", _derived_read_advice(row))),
        level=str(row.get("level", "")),
        reason=texts_of("reason"),
        http=tuple(int(status) for status in texts_of("http")),
        ids=texts_of("id"),
        texts=tuple(re.compile(text, re.IGNORECASE) for text in texts_of("text")),
        errornos=texts_of("errorno"),
        only=bool(row.get("only", False)),
        wrapper=bool(row.get("wrapper", False)),
    )


def _derived_read_advice(row: Mapping[str, object]) -> str:
    """Return the advice without what was saved; the general one if the advice is about the content of an entry."""
    if row.get("wrapper") or row["class"] in (ErrorClass.IN_DOUBT, ErrorClass.NEEDS_DATA):
        return READ_ADVICE
    return _SAVED.sub("", str(row["advice"]))
