"""The keys of ``[source.NAME]``. Each transport declares its keys, and all of them are checked at once."""

import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from revrec.core.errors import BadConfiguration
from revrec.core.keys import (
    DATE,
    YES_OR_NO,
    ConfigKey,
    KeyProblem,
    RejectedValue,
    SectionName,
    ValueKind,
    choice,
    read_table,
    text,
    whole_number,
)
from revrec.sources.time_zones import ZONE_NAME

TEXT = text()
HOST = text("the name of the server in quotes")
USER = text("the name of the user in quotes")
PORT = whole_number(1, 65_535)
SECONDS = whole_number(1, 3_600)
MOST_BYTES = 100_000_000
"""Bytes of the largest document that is read unless ``largest`` allows more."""


def _several(value: Any) -> tuple[str, ...]:
    many = value if isinstance(value, list) else [value]
    if not many:
        raise RejectedValue()
    return tuple(TEXT.read(one) for one in many)


def action(*words: str) -> ValueKind:
    """Return the kind of what happens to a document at its source: one of the words, or ``move:FOLDER``."""

    def read(value: Any) -> str:
        line: str = TEXT.read(value)
        kind, _, folder = line.partition(":")
        if line not in words and (kind != "move" or not folder.strip()):
            raise RejectedValue()
        return line

    shown = ", ".join(f'"{word}"' for word in words)
    return ValueKind(f'{shown} or "move:FOLDER"', read, {"type": "string", "pattern": f"^({'|'.join(words)}|move:.+)$"})


TEXTS = ValueKind("a text or a list of texts", _several, {"anyOf": [{"type": "string"}, {"type": "array"}]})

FILE_ACTION = action("keep", "delete")

COMMON = (
    ConfigKey("map", TEXT, "The mapping for its documents; by default they are native files."),
    ConfigKey("format", TEXT, "The format of its documents, if neither their names nor the mapping determine it."),
    ConfigKey("events", YES_OR_NO, "Its documents are fulfillment events, not charge lines.", False),
    ConfigKey("timezone", ZONE_NAME, "The time zone in which the day of a time is found; it replaces the mapping's."),
    ConfigKey(
        "on_changed",
        choice("event", "refuse"),
        "What to do with a charge line that arrives again with other figures; it replaces the mapping's.",
    ),
    ConfigKey(
        "cutover",
        DATE,
        "The first day that revrec recognizes of lines in progress, for rows that have no cutover; without quotes.",
    ),
    ConfigKey("keep_good", YES_OR_NO, "Import the good rows of a document and quarantine the others.", False),
    ConfigKey("largest", whole_number(1, 2_000_000_000), "Bytes of the largest document that is read.", MOST_BYTES),
    ConfigKey("timeout", SECONDS, "Seconds to wait for the other side.", 30),
)
"""Keys of every source."""

FILES = (
    ConfigKey("files", TEXTS, "Names of files to read; * and ? are wildcards.", ("*",)),
    ConfigKey(
        "settle_seconds", whole_number(0, 86_400), "Seconds that a file must be unchanged before it is read.", 10
    ),
    ConfigKey("after", FILE_ACTION, 'What to do with an imported document: "keep", "delete" or "move:FOLDER".', "keep"),
    ConfigKey("refused", FILE_ACTION, 'What to do with a refused document: "keep", "delete" or "move:FOLDER".', "keep"),
    ConfigKey(
        "compare",
        choice("time", "content"),
        "How to notice that a file of a known name changed: by its size and time, or by reading it again.",
        "time",
    ),
)
"""Keys of transports whose documents are files in a folder."""

TLS = choice("explicit", "implicit", "none")
CA_FILE = ConfigKey(
    "ca_file", TEXT, "A PEM file with the certificates of the authorities to trust, instead of the system's."
)


def ca_file(settings: Mapping[str, Any]) -> str | None:
    """Return the file with the authorities that a source trusts; None for the system's authorities.

    Raises:
        BadConfiguration: the file does not exist or has no certificate.
    """
    if not settings["ca_file"]:
        return None
    file = Path(settings["ca_file"]).expanduser()
    try:
        ssl.create_default_context(cafile=file)
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror if isinstance(error, FileNotFoundError) else "it has no certificate in PEM format"
        raise BadConfiguration(f"ca_file {file}: {reason}; name the file that your network team provides") from None
    return str(file)


def tls_context(settings: Mapping[str, Any]) -> ssl.SSLContext:
    """Return a TLS context that verifies certificates by the authorities of the system, or of ``ca_file``."""
    return ssl.create_default_context(cafile=ca_file(settings))


def read_settings(source: str, keys: Sequence[ConfigKey], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a source's table, with defaults filled in.

    Raises:
        BadConfiguration: every key that is unknown, missing or wrong.
    """
    problems: list[KeyProblem] = []
    values, _ = read_table(config, keys, (SectionName(f"source.{source}"),), problems)
    if problems:
        raise BadConfiguration("\n".join(problem.message for problem in problems))
    return {key.name: values.get(key.name) for key in keys}
