"""Ways by which documents arrive: one module a transport, found by its name.

A transport lists the documents that the other side offers, reads one, and afterwards moves, marks or deletes it there.
It keeps no record of its own: what was taken before is known to the store (``revrec fetch``).
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from revrec.core.errors import BadConfiguration
from revrec.core.keys import did_you_mean
from revrec.sources.transports.settings import read_settings
from revrec.sources.transports.transport import Document, SignInRefused, Transport, TransportFailed

__all__ = ["Document", "SignInRefused", "Transport", "TransportFailed", "open_transport", "transports"]

Secret = Callable[[str], str]
"""A secret of a source by its key (``password``); empty if there is none."""


@cache
def transports() -> dict[str, type[Transport]]:
    """Every transport by its name."""
    found = {}
    for module in iter_modules(__path__):
        for one in vars(import_module(f"{__name__}.{module.name}")).values():
            if isinstance(one, type) and issubclass(one, Transport) and vars(one).get("name"):
                found[one.name] = one
    return dict(sorted(found.items()))


def open_transport(source: str, config: Mapping[str, Any], secret: Secret) -> Transport:
    """The transport that ``[source.NAME]`` describes, not yet connected; enter it to connect.

    Raises:
        BadConfiguration: a key is missing, unknown or wrong; each of them is told.
    """
    name, known = config.get("transport"), transports()
    if not isinstance(name, str) or name not in known:
        mend = did_you_mean(name, tuple(known)) if name else ""
        raise BadConfiguration(f"[source.{source}] transport = {name!r}: expected one of {', '.join(known)}{mend}")
    settings = read_settings(
        source, known[name].keys, {key: value for key, value in config.items() if key != "transport"}
    )
    return known[name](settings, secret)
