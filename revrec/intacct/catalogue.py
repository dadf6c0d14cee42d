"""What each failure means and what the accountant should do, from the table in ``catalogue.toml``."""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from revrec.intacct.gateway import ErrorClass, GatewayError

TEXT_LIMIT = 2000
"""Characters of an error text that patterns look at; Intacct's own are far shorter."""


TOO_MANY_REQUESTS = 429
UNKNOWN = "unknown"
UNKNOWN_ADVICE = (
    "revrec does not know this failure and does not try it again by itself. Read its text; Sage's support can look it "
    "up by the Support ID. The next run looks for the entry in Intacct before anything is sent."
)


class KnownFailure(NamedTuple):
    """One row of the catalogue; ``catalogue.toml`` explains the fields."""

    name: str
    error_class: ErrorClass
    read_class: ErrorClass
    advice: str
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
        """The advice where no text has named anything yet."""
        return re.sub(r"\{\w+\}", "...", self.advice)

    @property
    def signs(self) -> tuple[str, ...]:
        """By what people may know it: error numbers, error ids, HTTP statuses, or why there was no answer."""
        return (*self.errornos, *self.ids, *(f"HTTP {status}" for status in self.http), *self.reason)


class FailurePolicy(NamedTuple):
    """What a class of failure leads to: tried again ``in_run``, ``later`` by itself; ``says`` it to people."""

    in_run: bool
    later: bool
    says: str


class FailureMeaning(NamedTuple):
    """What a failure was found to mean.

    ``name`` is the row's, or ``unknown``. ``known`` is False for that and for wrappers. ``named`` holds what the text
    named: ``account``, ``dimension``, ``value`` and the like.
    """

    name: str
    error_class: ErrorClass
    read_class: ErrorClass
    advice: str
    known: bool
    named: Mapping[str, str] = {}


@cache
def catalogue() -> tuple[KnownFailure, ...]:
    """All rows, in their order in the file."""
    return tuple(_row(row) for row in _data()["failure"])


@cache
def policies() -> Mapping[ErrorClass, FailurePolicy]:
    """What each class leads to."""
    return {ErrorClass(name): FailurePolicy(**policy) for name, policy in _data()["policy"].items()}


@cache
def failure_named(name: str) -> KnownFailure | None:
    """The row of that name."""
    return next((row for row in catalogue() if row.name == name), None)


def explain_failure(text: str) -> list[FailureMeaning]:
    """What an error number, error id, HTTP status, a row's name or an error's text can mean, the likeliest first.

    A number or a text may mean different things at different levels. Empty if nothing is known of it.
    """
    text = text.strip()
    error = GatewayError(text, description2=text, error_id=text)
    status = int(text) if text.isascii() and text.isdigit() and len(text) == 3 else 0
    named = [
        row for row in catalogue() if text == row.name or text in row.reason or (row.reason and status in row.http)
    ]
    found = [_meaning(row, {})._replace(advice=row.general_advice) for row in named]
    found += [meaning_of(level, status, [error]) for level in ("function", "authentication", "control")]
    unique: dict[str, FailureMeaning] = {}
    for one in found:
        if one.name != UNKNOWN:
            unique.setdefault(one.name, one)
    return list(unique.values())


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(files("revrec.intacct").joinpath("catalogue.toml").read_text(encoding="utf-8"))


def meaning_of(level: str, http_status: int, errors: Sequence[GatewayError]) -> FailureMeaning:
    """What an answered failure means; ``level`` is ``control``, ``authentication`` or ``function``.

    Looks at the level, the HTTP status, the error ids, the texts of every error and the error numbers, in this
    order; a text that says that the entry may have landed comes before all. Unknown failures need a person.
    """
    rows = [row for row in catalogue() if not row.reason and row.level in ("", level)]
    for row, groups in _matches(rows, http_status, errors):
        if not row.only or _says_nothing_else(row, errors):
            return _meaning(row, groups)
    return FailureMeaning(UNKNOWN, ErrorClass.NEEDS_PERSON, ErrorClass.NEEDS_PERSON, UNKNOWN_ADVICE, known=False)


def meaning_of_no_answer(reason: str, http_status: int = 0) -> FailureMeaning:
    """What the lack of a usable answer means; ``reason`` is one of the catalogue's."""
    if http_status == TOO_MANY_REQUESTS:
        return meaning_of("control", http_status, ())
    rows = [row for row in catalogue() if reason in row.reason]
    best = next((row for row in rows if http_status in row.http), None)
    row = best or next(row for row in rows if not row.http)
    return _meaning(row, {})


Match = tuple[KnownFailure, dict[str, str]]


def _matches(rows: Sequence[KnownFailure], http_status: int, errors: Sequence[GatewayError]) -> Iterator[Match]:
    """Every row that matches, the most trustworthy sign first."""
    certain = [row for row in rows if not row.wrapper]
    doubt = [row for row in certain if row.error_class is ErrorClass.IN_DOUBT]
    yield from _by(doubt, errors, _text_groups)
    yield from ((row, {}) for row in certain if http_status in row.http)
    yield from _by(certain, errors, _id_groups)
    yield from _by(certain, errors, _text_groups)
    yield from _by(certain, errors, _errorno_groups)
    wrappers = [row for row in rows if row.wrapper]
    for sign in (_id_groups, _text_groups, _errorno_groups):
        yield from _by(wrappers, errors, sign)


MatchGroups = Callable[[KnownFailure, GatewayError], dict[str, str] | None]


def _by(rows: Iterable[KnownFailure], errors: Sequence[GatewayError], sign: MatchGroups) -> Iterator[Match]:
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
    """Whether all descriptions are empty, the row's own, or a wrapper's."""
    vague = [*row.texts, *(text for other in catalogue() if other.wrapper for text in other.texts)]
    texts = [text[:TEXT_LIMIT] for error in errors for text in (error.description, error.description2) if text]
    return all(any(pattern.search(text) for pattern in vague) for text in texts)


class _AdviceValues(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"(no {name} named)"


def _meaning(row: KnownFailure, groups: dict[str, str]) -> FailureMeaning:
    advice = row.advice.format_map(_AdviceValues(groups))
    named = {name: value for name, value in groups.items() if name != "errorno"}
    return FailureMeaning(row.name, row.error_class, row.read_class, advice, not row.wrapper, named)


def _row(row: dict[str, object]) -> KnownFailure:
    def several(key: str) -> tuple[str, ...]:
        value = row.get(key, [])
        assert isinstance(value, list)
        return tuple(str(one) for one in value)

    error_class = ErrorClass(str(row["class"]))
    return KnownFailure(
        name=str(row["name"]),
        error_class=error_class,
        read_class=ErrorClass(str(row.get("read", error_class))),
        advice=str(row["advice"]),
        level=str(row.get("level", "")),
        reason=several("reason"),
        http=tuple(int(status) for status in several("http")),
        ids=several("id"),
        texts=tuple(re.compile(text, re.IGNORECASE) for text in several("text")),
        errornos=several("errorno"),
        only=bool(row.get("only", False)),
        wrapper=bool(row.get("wrapper", False)),
    )
