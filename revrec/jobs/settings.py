"""Settings: ``revrec.toml``, overridden by ``REVREC_SECTION_KEY`` in the environment.

Each section is a frozen dataclass whose fields declare the keys: kind, default and description. Reading, the
configuration that ``revrec init`` writes, and the documentation all follow from these classes. Passwords are not
settings: they come from the environment, a keychain or a protected file when revrec connects to Intacct (see
``revrec.intacct``).
"""

# ruff: noqa: RUF009 - setting() returns a dataclass field, not a shared default.

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from revrec.core.errors import BadConfiguration, BadInput
from revrec.core.keys import (
    ANY_TEXT,
    ConfigKey,
    KeyProblem,
    RejectedValue,
    ValueKind,
    choice,
    nearest,
    read_tables,
)
from revrec.core.money import to_minor
from revrec.core.periods import OPEN_DAYS, POLICIES
from revrec.core.summary import KEPT, LINE

CONFIG_NAME = "revrec.toml"
LONGEST_SHOWN = 60
FREE_SECTIONS = ("mapping", "cleaning", "entities", "entry_fields", "line_fields", "source", "invoice")
"""Sections whose keys the user names: column mappings, cleaning for all sources, facts about entities, custom fields of
entries and of their lines, sources, and which sources of charge lines are invoiced."""

SECRET_VARIABLES = (
    "REVREC_ALERTS_PASSWORD",
    "REVREC_ALERTS_URLS",
    "REVREC_SANDBOX_SENDER_PASSWORD",
    "REVREC_SANDBOX_USER_PASSWORD",
)
"""Variables that are named like settings but are not: secrets never belong in the configuration."""

ENDPOINT_NAMES = ("REVREC_GATEWAY_ENDPOINT", "REVREC_INTACCT_ENDPOINT_URL", "INTACCT_ENDPOINT_URL")
"""Variables that name the gateway. The first one that is set wins; Intacct's own name comes last."""

_UNITS = {"ms": 0.001, "s": 1, "sec": 1, "min": 60, "h": 3600, "hour": 3600, "hours": 3600, "day": 86400, "days": 86400}


MISSING = ("hold", "create")
"""The policies for an invoice whose customer or item is missing in Intacct."""
CREDIT_MEMOS = ("by_hand", "post")
"""The policies for credit memos that are due: a person enters them, or a run posts them."""


def shown(raw: Any) -> str:
    """Return a value as an error message shows it: at most 60 characters."""
    text = repr(raw)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."


def duration(text: str) -> timedelta:
    """Return a duration from text such as ``15 min``, ``2 s``, ``1 h`` or ``250 ms``.

    Raises:
        ValueError: The text is not a duration.
    """
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)\s*", text)
    if not match or match[2] not in _UNITS:
        raise ValueError(f"expected a duration such as '15 min' or '2 s', found {text!r}")
    try:
        return timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    except OverflowError:
        raise ValueError(f"expected a duration that a clock can hold, found {text[:40]!r}") from None


def _duration(raw: Any) -> timedelta:
    try:
        return duration(raw) if isinstance(raw, str) else duration("")
    except ValueError:
        raise RejectedValue() from None


def _whole(raw: Any, least: int) -> int:
    # The environment holds text only, so digits in quotes are accepted here, unlike in rule files.
    if isinstance(raw, bool) or not re.fullmatch(r"[0-9]{1,9}", str(raw)) or int(raw) < least:
        raise RejectedValue()
    return int(raw)


def _path(raw: Any) -> Path:
    try:
        return Path(ANY_TEXT.read(raw)).expanduser()
    except RuntimeError:
        raise RejectedValue("the home folder of this user is not known; write the whole path") from None


def _optional_path(raw: Any) -> Path | None:
    return None if raw == "" else _path(raw)


def _limits(raw: Any) -> Mapping[str, int]:
    """Return amounts such as ``250000 USD, 200,000 EUR`` in minor units by currency."""
    limits: dict[str, int] = {}
    # A comma after a currency separates two amounts; a comma after a digit groups thousands.
    for one in filter(None, re.split(r"(?<=[A-Z])\s*,|;", ANY_TEXT.read(raw).strip())):
        match = re.fullmatch(r"\s*(\d[\d,]*(?:\.\d+)?)\s*([A-Z]{3})\s*", one)
        if not match:
            raise RejectedValue()
        if match[2] in limits:
            raise RejectedValue(f"{match[2]} has two amounts; keep one of them")
        try:
            limits[match[2]] = to_minor(Decimal(match[1].replace(",", "")), match[2])
        except BadInput as error:
            raise RejectedValue(str(error)) from None
    return limits


def _accounts(raw: Any) -> Mapping[str, str]:
    """Return an account for every deferred account, such as ``1200``, or pairs such as ``2400: 1200, 2410: 1210``."""
    accounts: dict[str, str] = {}
    for one in filter(None, (part.strip() for part in ANY_TEXT.read(raw).split(","))):
        deferred, colon, account = (part.strip() for part in one.rpartition(":"))
        if not account or bool(colon) != bool(deferred) or " " in one.replace(": ", ":").replace(" :", ":"):
            raise RejectedValue()
        if deferred in accounts:
            raise RejectedValue(f"{deferred or 'every account'} is named twice; keep one of them")
        accounts[deferred] = account
    return accounts


def _names(raw: Any) -> frozenset[str]:
    return frozenset(ANY_TEXT.read(raw).replace(",", " ").split())


TEXT = ANY_TEXT._replace(wanted="text in quotes")
NAMES = ValueKind("text in quotes", _names, {"type": "string"})
PATH = ValueKind("a path in quotes", _path, {"type": "string"})
OPTIONAL_PATH = ValueKind("a path in quotes", _optional_path, {"type": "string"})
LIMITS = ValueKind("amounts with their currencies, such as '250000 USD, 200000 EUR'", _limits, {"type": "string"})
ACCOUNTS = ValueKind(
    "an account, or pairs of a deferred account and its account, such as '2400: 1200, 2410: 1210'",
    _accounts,
    {"type": "string"},
)
NUMBER = ValueKind("a whole number above zero", partial(_whole, least=1), {"type": "integer", "minimum": 1})
COUNT = ValueKind("a whole number from 0", partial(_whole, least=0), {"type": "integer", "minimum": 0})
DURATION = ValueKind("a duration such as '15 min' or '2 s'", _duration, {"type": "string"})


def setting(kind: ValueKind, default: str | int, doc: str, key: str = "") -> Any:
    """Declare a field of a section as a setting; ``key`` is its name in the file if that differs from the field's."""
    return field(metadata={"key": ConfigKey(key, kind, doc, default)})


@dataclass(frozen=True)
class DatabaseSettings:
    """The place of the books."""

    url: str = setting(TEXT, "", "SQLAlchemy URL of the database; empty: the file revrec.db next to this one")


@dataclass(frozen=True)
class RuleSettings:
    """The place of the rules."""

    folder: Path = setting(PATH, "rules", "folder of the rule files (*.toml)")


@dataclass(frozen=True)
class GatewaySettings:
    """The Intacct company that revrec posts to."""

    endpoint: str = setting(
        TEXT, "sandbox", "sandbox: the built-in Intacct simulator; otherwise the URL of the XML gateway"
    )
    company_id: str = setting(TEXT, "", "Intacct company")
    user_id: str = setting(TEXT, "", "Web Services user")
    sender_id: str = setting(TEXT, "", "Web Services sender")
    entity_id: str = setting(TEXT, "", "entity to sign in to; empty: top level")
    credentials_file: Path | None = setting(OPTIONAL_PATH, "", "file with the passwords, readable only by its owner")
    base_currency: str = setting(TEXT, "USD", "the company's base currency")
    rate_type: str = setting(TEXT, "Intacct Daily Rate", "exchange rate type for other currencies")
    rate_date: str = setting(
        choice("billed", "recognized", former={"recognised": "recognized"}),
        "billed",
        "which day's exchange rate applies to other currencies: billed or recognized",
    )
    rates: Path | None = setting(
        OPTIONAL_PATH, "", "CSV file with exchange rates for revrec report exchange: currency, date, rate"
    )
    omit: frozenset[str] = setting(NAMES, "", "dimensions that are not sent, such as: customer, item")


@dataclass(frozen=True)
class SandboxSettings:
    """The built-in Intacct simulator."""

    data: Path = setting(PATH, "sandbox.db", "the simulator's own data file")
    company: str = setting(
        TEXT, "", 'CSV or XLSX with your accounts, journals and other records, or "rules" for what the rules post to'
    )


@dataclass(frozen=True)
class AccountSettings:
    """The accounts of rules that name none. ``accrued`` is the revenue account."""

    deferred: str = setting(TEXT, "", "deferred revenue account for rules that do not name one")
    accrued: str = setting(TEXT, "", "revenue account for rules that do not name one")
    deferred_location: str = setting(
        TEXT, "", "location of lines on the deferred account; empty: the location of the charge line"
    )
    accrued_location: str = setting(
        TEXT, "", "location of lines on the revenue account; empty: the location of the charge line"
    )


@dataclass(frozen=True)
class PostingSettings:
    """The way journal entries are sent to Intacct."""

    journal: str = setting(TEXT, "RR", "journal symbol; a journal used only by revrec keeps recovery simple")
    state: str = setting(
        choice("posted", "draft"), "posted", "posted, or draft: entries are created as drafts and posted in Intacct"
    )
    inter_entity: frozenset[str] = setting(
        NAMES,
        "",
        "accounts of the lines that Intacct adds to entries between entities, such as: 1900, 2900",
    )
    attachment: str = setting(TEXT, "", "id of an attachment in Intacct for entries of rules that do not name one")
    lines_per_entry: int = setting(
        NUMBER, 500, "most journal lines on one entry (two for each schedule line, or for what `summarize` adds up)"
    )
    summarize: str = setting(
        choice(*KEPT),
        LINE,
        f"what one pair of journal lines adds up for rules that do not say: {', '.join(KEPT)}",
    )
    timeout: timedelta = setting(DURATION, "300 s", "how long to wait for an answer; must be shorter than the lease")
    lease: timedelta = setting(DURATION, "10 min", "how long a worker may hold an entry that it is sending")
    quarantine: timedelta = setting(
        DURATION, "16 min", "how long to wait before reading Intacct again after an answer was lost"
    )
    attempts: int = setting(NUMBER, 3, "how often an entry is sent before a person must review it")
    max_in_flight: int = setting(
        NUMBER, 1, "most requests to Intacct at the same time, over all runs on one database; see your company's limit"
    )
    requests_per_minute: int = setting(COUNT, 0, "most requests to Intacct per minute; 0: no limit")
    retries: int = setting(
        COUNT, 4, "how often a run retries a failure that passes by itself (not connected, too many requests)"
    )
    retry_within: timedelta = setting(DURATION, "2 min", "how long a run waits for such retries in total")
    retry_every: timedelta = setting(DURATION, "15 min", "how often `run --retry-for` retries what is left")
    clock_difference: timedelta = setting(
        DURATION, "5 min", "most that this machine's clock may differ from Intacct's; beyond that a run posts nothing"
    )
    refusals: int = setting(
        NUMBER, 5, "how often the same error may reject an entry's lines before a person must review it"
    )
    closed_period: str = setting(
        choice(*POLICIES), "hold", "what to do with revenue recognized in a closed period: hold, next_open or fail"
    )
    closed_period_date: str = setting(
        choice(*OPEN_DAYS), "first", "how next_open dates an entry: the first or the last day of the first open month"
    )


@dataclass(frozen=True)
class ExchangeSettings:
    """The posting of exchange differences (revrec report exchange --post); without an account, nothing is posted."""

    gain_or_loss_account: str = setting(TEXT, "", "account of exchange gains and losses; empty: they are not posted")
    journal: str = setting(TEXT, "", "journal symbol; empty: the journal of [posting]")


@dataclass(frozen=True)
class PresentationSettings:
    """The entries that present what belongs on other accounts of the balance sheet; none without accounts."""

    contract_assets: Mapping[str, str] = setting(
        ACCOUNTS, "", "account of contract assets, or pairs such as 2400: 1200, 2410: 1210; empty: not posted"
    )
    noncurrent_assets: Mapping[str, str] = setting(
        ACCOUNTS, "", "account of noncurrent contract assets, or pairs; empty: not posted"
    )
    noncurrent_deferred: Mapping[str, str] = setting(
        ACCOUNTS, "", "account of noncurrent deferred revenue, or pairs such as 2400: 2500; empty: not posted"
    )
    refund_liabilities: Mapping[str, str] = setting(
        ACCOUNTS, "", "account of refund liabilities, or pairs such as 2400: 2450; empty: not posted"
    )
    return_assets: Mapping[str, str] = setting(
        ACCOUNTS, "", "account of return assets, or pairs such as 1300: 1350; empty: not posted"
    )
    journal: str = setting(TEXT, "", "journal symbol; empty: journal of [posting]")
    by: str = setting(TEXT, "contract", "what forms a contract, as in report balance --by")
    post: str = setting(
        choice("command", "run"),
        "command",
        "command: only report balance --post posts them; run: revrec run at the end of a month, too",
    )


@dataclass(frozen=True)
class RunSettings:
    """Limits of a run, beyond which a person must confirm it."""

    largest: Mapping[str, int] = setting(
        LIMITS, "", "most that a run posts without confirmation, such as 250000 USD, 200000 EUR; empty: no limit"
    )


def _date_format(raw: Any) -> str:
    if ANY_TEXT.read(raw):
        from revrec.sources.dates import compile_format

        try:
            compile_format(raw)
        except ValueError as error:
            raise RejectedValue(str(error)) from None
    return str(raw)


DATE_FORMAT = ValueKind('a date format such as "%d/%m/%Y"', _date_format, {"type": "string"})


@dataclass(frozen=True)
class DateSettings:
    """The format of dates on the command line."""

    format: str = setting(
        DATE_FORMAT, "", "a format for dates in options, beside 2024-03-28, such as %d/%m/%Y; empty: no other format"
    )


@dataclass(frozen=True)
class InvoicePolicySettings:
    """The way documents are invoiced in Intacct."""

    missing_customer: str = setting(
        choice(*MISSING), "hold", "if Intacct does not have the customer: hold the invoice, or create the customer"
    )
    missing_item: str = setting(
        choice(*MISSING), "hold", "if Intacct does not have the item: hold the invoice, or create the item"
    )
    item_group: str = setting(TEXT, "", "GL group of items that revrec creates")
    default_term: str = setting(TEXT, "", "payment term of customers without one in Intacct, such as: Net 30")
    order_definition: str = setting(TEXT, "Sales Order", "Intacct's transaction definition for orders")
    invoice_definition: str = setting(
        TEXT, "Sales Invoice", "Intacct's transaction definition for invoices made from orders"
    )
    credit_memos: str = setting(
        choice(*CREDIT_MEMOS),
        "by_hand",
        "if the price of an invoiced line falls: by_hand (a person enters the credit memo) or post",
    )
    credit_definition: str = setting(
        TEXT, "Sales Credit Memo", "Intacct's transaction definition for credit memos of order entry"
    )
    unit: str = setting(TEXT, "", "unit of measure for all items, exactly as in Intacct; empty: each item's own")


@dataclass(frozen=True)
class FetchSettings:
    """The place of fetched documents."""

    received: Path | None = setting(
        OPTIONAL_PATH, "received", "folder for a copy of each fetched document; empty: no copies"
    )


@dataclass(frozen=True)
class AlertSettings:
    """The recipients of alerts after a run, and the channels. ``sender`` is the key ``from``."""

    when: str = setting(
        choice("problems", "always", "never"), "problems", "which runs send an alert: problems, always or never"
    )
    host: str = setting(TEXT, "", "mail server (SMTP); empty: no mail")
    port: int = setting(NUMBER, 587, "port of the mail server: usually 587 with starttls, 465 with implicit")
    tls: str = setting(
        choice("starttls", "implicit", "none"), "starttls", "starttls, implicit, or none (only for this machine)"
    )
    user: str = setting(TEXT, "", "user of the mail server; its password goes in REVREC_ALERTS_PASSWORD, not here")
    sender: str = setting(TEXT, "", "sender's address", key="from")
    to: str = setting(TEXT, "", "recipients' addresses, separated by commas")
    timeout: timedelta = setting(
        DURATION, "30 s", "how long to wait for an answer from a mail server or a chat channel"
    )
    waiting_after: timedelta = setting(
        DURATION,
        "90 days",
        "how long a charge line may wait for an event before revrec run and status --check report it",
    )


@dataclass(frozen=True)
class Settings:
    """All settings by section. ``home`` is the folder that relative paths start from."""

    home: Path
    file: Path | None
    free: Mapping[str, Mapping[str, Any]]
    database: DatabaseSettings
    rules: RuleSettings
    gateway: GatewaySettings
    sandbox: SandboxSettings
    accounts: AccountSettings
    posting: PostingSettings
    exchange: ExchangeSettings
    presentation: PresentationSettings
    run: RunSettings
    dates: DateSettings
    invoicing: InvoicePolicySettings
    sources: FetchSettings
    alerts: AlertSettings
    from_file: frozenset[tuple[str, str]] = frozenset()
    """Section and key of each setting that the file decides on, not the environment or the command line."""

    @property
    def database_url(self) -> str:
        """The database's URL; by default the SQLite file ``revrec.db`` next to the configuration."""
        return self.database.url or f"sqlite:///{self.home / 'revrec.db'}"

    @property
    def invoiced_sources(self) -> dict[str, str]:
        """The sources whose documents revrec invoices, with the first post date as ISO text; empty for all."""
        tables = self.free.get("invoice", {})
        asking = {name: one for name, one in tables.items() if isinstance(one, dict)}
        return {name: str(one.get("from", "")) for name, one in asking.items() if one.get("as", "none") != "none"}

    @contextmanager
    def named(self) -> Iterator[None]:
        """Name the configuration file at the start of each line of a ``BadConfiguration`` raised inside the block."""
        try:
            yield
        except BadConfiguration as error:
            file = str(self.file or CONFIG_NAME)
            lines = [line if line.startswith(file) else f"{file}: {line}" for line in str(error).splitlines()]
            raise BadConfiguration("\n".join(lines)) from None

    def reject(self, problems: Iterable[KeyProblem]) -> None:
        """Raise the problems of a section whose keys the user names, if there are any.

        Raises:
            BadConfiguration: one line for each problem, which begins with the name of the file.
        """
        lines = [f"{self.file or CONFIG_NAME}: {one.message}" for one in problems]
        if lines:
            raise BadConfiguration("\n".join(lines))

    def mapping(self, name: str) -> Mapping[str, Any]:
        """Return the column mapping of ``[mapping.NAME]``.

        Raises:
            BadConfiguration: No mapping has that name.
        """
        mappings = self.free.get("mapping", {})
        if not isinstance(mappings.get(name), dict):
            known = ", ".join(sorted(mappings)) or "none"
            where = self.file or CONFIG_NAME
            raise BadConfiguration(f"{where}: no mapping named {name!r} (known: {known}); add a [mapping.{name}] table")
        found: Mapping[str, Any] = mappings[name]
        return found


SECTIONS: dict[str, Any] = {
    "database": DatabaseSettings,
    "rules": RuleSettings,
    "gateway": GatewaySettings,
    "sandbox": SandboxSettings,
    "accounts": AccountSettings,
    "posting": PostingSettings,
    "exchange": ExchangeSettings,
    "presentation": PresentationSettings,
    "run": RunSettings,
    "dates": DateSettings,
    "invoicing": InvoicePolicySettings,
    "sources": FetchSettings,
    "alerts": AlertSettings,
}


def _keys_by_field(section: Any) -> dict[str, ConfigKey]:
    return {
        one.name: one.metadata["key"]._replace(name=one.metadata["key"].name or one.name) for one in fields(section)
    }


KEYS: dict[str, dict[str, ConfigKey]] = {
    name: {key.name: key for key in _keys_by_field(section).values()} for name, section in SECTIONS.items()
}
"""The keys of each section, by name."""

_ANY = ConfigKey("*", None, "A name that the user chooses.")
DOCUMENT = (
    *(
        ConfigKey(name, None, one.__doc__, table=tuple(key._replace(kind=None) for key in KEYS[name].values()))
        for name, one in SECTIONS.items()
    ),
    *(ConfigKey(name, None, "A section whose keys the user names.", table=(_ANY,)) for name in FREE_SECTIONS),
)
"""The sections of the file, whose keys accept any value here."""


def load(file: Path | None, home: Path, environment: Mapping[str, str], database: str | None = None) -> Settings:
    """Read the configuration file (None: only defaults), then the environment, then the command line's database.

    Raises:
        BadConfiguration: Every problem found, with file, section and key.
    """
    document = _read(file) if file else {}
    problems: list[str] = []
    values = {
        section: {name: _value(section, key, document, environment, file, problems) for name, key in keys.items()}
        for section, keys in KEYS.items()
    }
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
    home = file.parent if file else home
    free = {name: document.get(name, {}) for name in FREE_SECTIONS}
    sections = {name: _section(name, values[name], home) for name in SECTIONS}
    return Settings(home, file, free, **sections, from_file=frozenset(from_file))


def _section(name: str, values: Mapping[str, Any], home: Path) -> Any:
    """Return the section with its values by field; relative paths start from ``home``."""
    by_field = {}
    for name_of_field, key in _keys_by_field(SECTIONS[name]).items():
        value = values[key.name]
        by_field[name_of_field] = home / value if isinstance(value, Path) else value
    return SECTIONS[name](**by_field)


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
        raise BadConfiguration(f"{file}: not valid TOML: {error}; fix it there") from None
    except RecursionError:
        raise BadConfiguration(f"{file}: not TOML that can be read: nested too deeply; fix it there") from None


def _value(
    section: str,
    key: ConfigKey,
    document: Mapping[str, Any],
    environment: Mapping[str, str],
    file: Path | None,
    problems: list[str],
) -> Any:
    """Return the value that is in force as its kind reads it: environment before file before default."""
    table, variable = document.get(section), _variable(section, key.name)
    raw, where = key.default, "default"
    if isinstance(table, dict) and key.name in table:
        raw, where = table[key.name], f"{file}: [{section}] {key.name}"
    if variable in environment:
        raw, where = environment[variable], f"environment variable {variable}"
    assert key.kind is not None
    try:
        return key.kind.read(raw)
    except RejectedValue as rejected:
        advice = f"; {rejected}" if str(rejected) else ""
        problems.append(f"{where}: expected {key.kind.wanted}, found {shown(raw)}{advice}")
        return None


def _unknown(document: Mapping[str, Any], file: Path | None) -> list[str]:
    """Return the sections and keys that do not exist; values are read later, because a variable may replace them."""
    problems: list[KeyProblem] = []
    read_tables(document, DOCUMENT, (), problems)
    return [f"{file}: {one.message}" for one in problems]


def _unknown_variables(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield a problem for each variable that is named like a setting but is not one: a typo would go unnoticed."""
    known = {_variable(section, key): section for section, keys in KEYS.items() for key in keys}
    prefixes = tuple(f"REVREC_{section}_".upper() for section in KEYS)
    for name in sorted(environment):
        if name.startswith(prefixes) and name not in known and name not in SECRET_VARIABLES:
            yield f"environment variable {name}: there is no such setting{_meant(name, known)}"


def _meant(word: str, known: Any) -> str:
    close = nearest(word, known)
    return f"; did you mean {close}?" if close else f" (known: {', '.join(known)})"
