"""The keys of ``[source.NAME]``. Each transport declares its keys, and all of them are checked at once."""

from collections.abc import Mapping, Sequence
from typing import Any

from revrec.core.errors import BadConfiguration
from revrec.core.keys import (
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


TEXTS = ValueKind("a text or a list of texts", _several, {"anyOf": [{"type": "string"}, {"type": "array"}]})

COMMON = (
    ConfigKey("map", TEXT, "The mapping for its documents; by default they are native files."),
    ConfigKey("format", TEXT, "The format of its documents, if neither their names nor the mapping determine it."),
    ConfigKey("events", YES_OR_NO, "Its documents are fulfillment events, not charge lines.", False),
    ConfigKey("timezone", ZONE_NAME, "The time zone in which the day of a time is found; it replaces the mapping's."),
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
    ConfigKey("after", TEXT, 'What to do with an imported document: "keep", "delete" or "move:FOLDER".', "keep"),
    ConfigKey("refused", TEXT, 'What to do with a refused document: "keep", "delete" or "move:FOLDER".', "keep"),
)
"""Keys of transports whose documents are files in a folder."""

TLS = choice("explicit", "implicit", "none")


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
