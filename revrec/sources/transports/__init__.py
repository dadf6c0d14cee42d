"""Transports: one module for each way that documents arrive, named after it.

A transport lists the documents that the other side offers, reads one, and then moves, marks or deletes it there. It
keeps no record itself: the database knows which documents were received before (``revrec fetch``).
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from revrec.core.keys import ConfigKey, choice
from revrec.sources.transports.settings import read_settings
from revrec.sources.transports.transport import (
    LONGEST_PAUSE,
    Document,
    DocumentUnreachable,
    SignInRefused,
    SourceTransport,
    TransportFailed,
)

__all__ = [
    "LONGEST_PAUSE",
    "Document",
    "DocumentUnreachable",
    "SignInRefused",
    "SourceTransport",
    "TransportFailed",
    "open_transport",
    "transports",
]

Secret = Callable[[str], str]
"""Returns a secret of a source by its key (``password``); empty if it is not set."""


@cache
def transports() -> dict[str, type[SourceTransport]]:
    """Return every transport by its name."""
    found = {}
    for module in iter_modules(__path__):
        for one in vars(import_module(f"{__name__}.{module.name}")).values():
            if isinstance(one, type) and issubclass(one, SourceTransport) and vars(one).get("name"):
                found[one.name] = one
    return dict(sorted(found.items()))


def open_transport(source: str, config: Mapping[str, Any], secret: Secret) -> SourceTransport:
    """Return the transport that ``[source.NAME]`` describes. It connects when it is entered as a context.

    Raises:
        BadConfiguration: keys are missing, unknown or wrong; the message lists all of them.
    """
    known = transports()
    # It decides which other keys there are, so that it is read first.
    key = ConfigKey("transport", choice(*known), "How its documents arrive.", required=True)
    name = read_settings(source, [key], {one: value for one, value in config.items() if one == key.name})[key.name]
    rest = {one: value for one, value in config.items() if one != key.name}
    return known[name](read_settings(source, known[name].keys, rest), secret)
