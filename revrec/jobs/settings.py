"""Settings: ``revrec.toml``, overridden by ``REVREC_SECTION_KEY`` in the environment.

One table, :data:`KEYS`, says which keys there are, what they mean and what they are if left out; reading,
the configuration that ``revrec init`` writes, and the documentation all follow it. Passwords are no settings: they
come from the environment, a keychain or a protected file when Intacct is spoken to (see ``revrec.intacct``).
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from revrec.core.errors import BadConfiguration
from revrec.core.periods import POLICIES

CONFIG_NAME = "revrec.toml"
LONGEST_SHOWN = 60
FREE_SECTIONS = ("mapping", "cleaning", "entities", "source", "invoice")
"""Sections whose keys the user names: column mappings, cleaning of all sources, what is known of entities, sources, and
which of the charge lines' sources are invoiced."""

SECRET_VARIABLES = (
    "REVREC_ALERTS_PASSWORD",
    "REVREC_ALERTS_URLS",
    "REVREC_SANDBOX_SENDER_PASSWORD",
    "REVREC_SANDBOX_USER_PASSWORD",
)
"""Variables that are named like settings and are none: secrets never stand in the configuration."""

ENDPOINT_NAMES = ("REVREC_GATEWAY_ENDPOINT", "REVREC_INTACCT_ENDPOINT_URL", "INTACCT_ENDPOINT_URL")
"""Variables that name the gateway, the first that is set wins; Intacct's own name comes last."""

_UNITS = {"ms": 0.001, "s": 1, "sec": 1, "min": 60, "h": 3600, "hour": 3600, "hours": 3600, "day": 86400, "days": 86400}


MISSING = ("hold", "create")
"""What may become of an invoice whose customer or item is missing."""


class Key(NamedTuple):
    """One setting: its kind (text, path, number, count, duration or a word of those allowed), default and meaning.

    A number is above zero; a count may be zero.
    """

    kind: str
    default: Any
    doc: str
    words: tuple[str, ...] = ()


KEYS: dict[str, dict[str, Key]] = {
    "database": {
        "url": Key("text", "", "SQLAlchemy URL of the database; empty: the file revrec.db beside this one"),
    },
    "rules": {
        "folder": Key("path", "rules", "folder of the rule files (*.toml)"),
    },
    "gateway": {
        "endpoint": Key("text", "sandbox", "sandbox: the built-in Intacct simulator; else the URL of the XML gateway"),
        "company_id": Key("text", "", "Intacct company"),
        "user_id": Key("text", "", "Web Services user"),
        "sender_id": Key("text", "", "Web Services sender"),
        "entity_id": Key("text", "", "entity to sign in to; empty: top level"),
        "credentials_file": Key("path", "", "file with the passwords, readable by its owner alone"),
        "base_currency": Key("text", "USD", "the company's base currency"),
        "rate_type": Key("text", "Intacct Daily Rate", "exchange rate type for other currencies"),
        "rate_date": Key(
            "word", "billed", "whose day's rate is for other currencies: billed or recognised", ("billed", "recognised")
        ),
        "omit": Key("text", "", "dimensions that are not sent, such as: customer, item"),
    },
    "sandbox": {
        "data": Key("path", "sandbox.db", "the simulator's own data file"),
    },
    "accounts": {
        "deferred": Key("text", "", "deferred revenue account, where a rule names none"),
        "accrued": Key("text", "", "revenue account, where a rule names none"),
    },
    "posting": {
        "journal": Key("text", "RR", "journal symbol; a journal of revrec's own keeps recovery simple"),
        "lines_per_entry": Key("number", 500, "most journal lines on one entry (two for each schedule line)"),
        "timeout": Key("duration", "300 s", "how long to wait for an answer; shorter than the lease"),
        "lease": Key("duration", "10 min", "how long a worker may hold an entry it is sending"),
        "quarantine": Key("duration", "16 min", "how long to wait before reading Intacct back after a lost answer"),
        "attempts": Key("number", 3, "how often an entry is sent before a person must look"),
        "max_in_flight": Key("number", 1, "requests at the same time, over all runs on one PostgreSQL", ()),
        "requests_per_minute": Key("count", 0, "most requests to Intacct a minute; 0: no bound of ours"),
        "retries": Key(
            "count", 4, "how often a run tries again what passes by itself (not connected, too many requests)"
        ),
        "retry_within": Key("duration", "2 min", "for how long in all a run waits to do so"),
        "retry_every": Key("duration", "15 min", "how often `run --retry-for` tries again what is left"),
        "clock_difference": Key(
            "duration", "5 min", "how far this machine's clock may be from Intacct's; a run posts nothing beyond that"
        ),
        "refusals": Key("number", 5, "how often the same error may refuse an entry's lines before a person must look"),
        "closed_period": Key(
            "word", "hold", "what becomes of what is recognized in a closed period: hold, next_open or fail", POLICIES
        ),
    },
    "invoicing": {
        "missing_customer": Key("word", "hold", "a customer that Intacct does not have: hold or create", MISSING),
        "missing_item": Key("word", "hold", "an item that Intacct does not have: hold or create", MISSING),
        "item_group": Key("text", "", "GL group of the items that are created"),
        "default_term": Key("text", "", "payment term of customers that have none in Intacct, such as: Net 30"),
        "order_definition": Key("text", "Sales Order", "Intacct's transaction definition of orders"),
        "invoice_definition": Key("text", "Sales Invoice", "and of the invoices that are made from them"),
        "unit": Key("text", "", "unit of measure of all items, to the letter; empty: each item's own"),
    },
    "sources": {
        "received": Key("path", "received", "folder for a copy of each document that was fetched; empty: none is kept"),
    },
    "alerts": {
        "when": Key(
            "word", "problems", "which runs are told: problems, always or never", ("problems", "always", "never")
        ),
        "host": Key("text", "", "mail server (SMTP); empty: no mail"),
        "port": Key("number", 587, "its port: usually 587 with starttls, 465 with implicit"),
        "tls": Key(
            "word", "starttls", "starttls, implicit, or none (to this machine alone)", ("starttls", "implicit", "none")
        ),
        "user": Key("text", "", "user of the mail server; its password: REVREC_ALERTS_PASSWORD, never here"),
        "from": Key("text", "", "sender's address"),
        "to": Key("text", "", "receivers' addresses, with commas between"),
        "timeout": Key("duration", "30 s", "how long to wait for an answer of a mail server or a chat channel"),
    },
}


@dataclass(frozen=True)
class Settings:
    """All settings by section and key, already of their kinds; ``home`` is the folder relative paths start from."""

    home: Path
    file: Path | None
    values: Mapping[str, Mapping[str, Any]]
    free: Mapping[str, Mapping[str, Any]]
    from_file: frozenset[tuple[str, str]] = frozenset()
    """Section and key of each setting that the file decides on, not the environment or the command line."""

    def text(self, section: str, key: str) -> str:
        """A setting of kind text or word."""
        return str(self.values[section][key])

    def number(self, section: str, key: str) -> int:
        """A setting of kind number or count."""
        return int(self.values[section][key])

    def path(self, section: str, key: str) -> Path:
        """A setting of kind path, made absolute from the folder of the configuration."""
        return self.home / Path(self.values[section][key]).expanduser()

    def duration(self, section: str, key: str) -> timedelta:
        """A setting of kind duration."""
        found: timedelta = self.values[section][key]
        return found

    @property
    def database_url(self) -> str:
        """The database's URL; by default the SQLite file ``revrec.db`` beside the configuration."""
        return self.text("database", "url") or f"sqlite:///{self.home / 'revrec.db'}"

    @contextmanager
    def named(self) -> Iterator[None]:
        """Name the configuration file at the start of each line of a ``BadConfiguration`` raised inside the block."""
        try:
            yield
        except BadConfiguration as error:
            file = str(self.file or CONFIG_NAME)
            lines = [line if line.startswith(file) else f"{file}: {line}" for line in str(error).splitlines()]
            raise BadConfiguration("\n".join(lines)) from None

    def mapping(self, name: str) -> Mapping[str, Any]:
        """A named column mapping of ``[mapping.NAME]``.

        Raises:
            BadConfiguration: there is none of that name.
        """
        mappings = self.free.get("mapping", {})
        if not isinstance(mappings.get(name), dict):
            known = ", ".join(sorted(mappings)) or "none"
            where = self.file or CONFIG_NAME
            raise BadConfiguration(f"{where}: no mapping named {name!r} (known: {known}); add a [mapping.{name}] table")
        found: Mapping[str, Any] = mappings[name]
        return found


def load(file: Path | None, home: Path, environment: Mapping[str, str], database: str | None = None) -> Settings:
    """Read the configuration file (None: defaults alone), then the environment, then the command line's database.

    Raises:
        BadConfiguration: every problem found, with file, section and key.
    """
    document = _read(file) if file else {}
    problems: list[str] = []
    values = {section: dict.fromkeys(keys) for section, keys in KEYS.items()}
    for section, keys in KEYS.items():
        given = document.get(section, {})
        for key, about in keys.items():
            values[section][key] = _value(section, key, about, given, environment, file, problems)
    problems += _unknown(document, file)
    problems += _unknown_variables(environment)
    if problems:
        raise BadConfiguration("\n".join(problems))
    from_file = {
        (section, key)
        for section in KEYS
        for key in document.get(section, {})
        if _variable(section, key) not in environment
    }
    if database:
        values["database"]["url"] = database
        from_file.discard(("database", "url"))
    free = {name: document.get(name, {}) for name in FREE_SECTIONS}
    return Settings(file.parent if file else home, file, values, free, frozenset(from_file))


def _variable(section: str, key: str) -> str:
    return f"REVREC_{section}_{key}".upper()


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise BadConfiguration(f"{file}: no such configuration; make one with: revrec init") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{file}: cannot be read: {error}; save it as UTF-8, readable by you") from None
    except tomllib.TOMLDecodeError as error:
        raise BadConfiguration(f"{file}: not valid TOML: {error}; mend it there") from None
    except RecursionError:
        raise BadConfiguration(f"{file}: not TOML that can be read: nested too deeply; mend it there") from None


def _value(
    section: str,
    key: str,
    about: Key,
    given: Any,
    environment: Mapping[str, str],
    file: Path | None,
    problems: list[str],
) -> Any:
    variable = _variable(section, key)
    raw, where = about.default, "default"
    if isinstance(given, dict) and key in given:
        raw, where = given[key], f"{file}: [{section}] {key}"
    if variable in environment:
        raw, where = environment[variable], f"environment variable {variable}"
    try:
        return _of_kind(about, raw)
    except ValueError as error:
        problems.append(f"{where}: {error}")
        return None


def shown(raw: Any) -> str:
    """Return a value as an error message shows it: at most 60 characters."""
    text = repr(raw)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."


def _of_kind(about: Key, raw: Any) -> Any:
    if about.kind in ("number", "count"):
        return _number(raw, least=0 if about.kind == "count" else 1)
    if not isinstance(raw, str):
        raise ValueError(f"expected text in quotes, found {shown(raw)}")
    if about.kind == "duration":
        return duration(raw)
    if about.kind == "word" and raw not in about.words:
        raise ValueError(f"expected one of {', '.join(about.words)}, found {shown(raw)}")
    return raw


def _number(raw: Any, least: int) -> int:
    if isinstance(raw, bool) or not re.fullmatch(r"[0-9]{1,9}", str(raw)) or int(raw) < least:
        raise ValueError(f"expected a whole number {'above zero' if least else 'from 0'}, found {shown(raw)}")
    return int(raw)


def duration(text: str) -> timedelta:
    """A duration as people write it: ``15 min``, ``2 s``, ``1 h``, ``250 ms``.

    Raises:
        ValueError: it is not one.
    """
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)\s*", text)
    if not match or match[2] not in _UNITS:
        raise ValueError(f"expected a duration such as '15 min' or '2 s', found {text!r}")
    try:
        return timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    except OverflowError:
        raise ValueError(f"expected a duration that a clock can hold, found {text[:40]!r}") from None


def _unknown(document: Mapping[str, Any], file: Path | None) -> list[str]:
    problems = []
    for section, table in document.items():
        if section not in KEYS and section not in FREE_SECTIONS:
            problems.append(f"{file}: unknown section [{section}]{_meant(section, [*KEYS, *FREE_SECTIONS])}")
        elif not isinstance(table, dict):
            problems.append(f"{file}: {section} must be a table: [{section}]")
        elif section in KEYS:
            names = [key for key in table if key not in KEYS[section]]
            problems += [f"{file}: [{section}] unknown key {key}{_meant(key, KEYS[section])}" for key in names]
    return problems


def _unknown_variables(environment: Mapping[str, str]) -> Iterator[str]:
    """Variables that look like a setting of a section and are none: a slip that would go unnoticed."""
    known = {_variable(section, key): section for section, keys in KEYS.items() for key in keys}
    prefixes = tuple(f"REVREC_{section}_".upper() for section in KEYS)
    for name in sorted(environment):
        if name.startswith(prefixes) and name not in known and name not in SECRET_VARIABLES:
            yield f"environment variable {name}: there is no such setting{_meant(name, known)}"


def _meant(word: str, known: Any) -> str:
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else f" (known: {', '.join(known)})"
