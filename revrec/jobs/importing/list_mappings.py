"""``revrec mappings``: the mappings that files can be imported with, shipped with revrec or configured."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.errors import BadInput
from revrec.core.keys import suggestion
from revrec.sources import shipped

if TYPE_CHECKING:
    from revrec.jobs.context import Context


class ListedMapping(NamedTuple):
    """A mapping in a list: ``reads`` is ``charges``, ``events`` or both, ``origin`` ``shipped`` or ``configured``."""

    name: str
    origin: str
    format: str
    reads: str
    about: str


class ShownMapping(NamedTuple):
    """A mapping as a whole: its table with the ones that it builds on, and the text of its file if it is shipped."""

    name: str
    origin: str
    table: Mapping[str, Any]
    text: str


def list_mappings(context: "Context") -> list[ListedMapping]:
    """Return all mappings by name. A configured mapping replaces a shipped one of the same name."""
    configured = context.settings.free.get("mapping", {})
    where = str(context.settings.file or "revrec.toml")
    names = sorted({*configured, *shipped.names()})
    return [_listed(name, shipped.resolved(name, configured, where), name in configured) for name in names]


def _listed(name: str, table: Mapping[str, Any], is_configured: bool) -> ListedMapping:
    reads = [rows for rows in ("charges", "events") if rows in table] or [str(table.get("rows", "charges"))]
    origin = "configured" if is_configured else "shipped"
    about = "" if is_configured else shipped.description(name)
    return ListedMapping(name, origin, str(table.get("format", "")), " and ".join(reads), about)


def show_mapping(context: "Context", name: str) -> ShownMapping:
    """Return one mapping.

    Raises:
        BadInput: There is no mapping of that name.
    """
    configured = context.settings.free.get("mapping", {})
    known = sorted({*configured, *shipped.names()})
    if name not in known:
        hint = suggestion(name, known)
        raise BadInput(f"there is no mapping named {name!r}; {hint}list them with `revrec mappings list`")
    table = shipped.resolved(name, configured, str(context.settings.file or "revrec.toml"))
    text = "" if name in configured else shipped.text(name)
    return ShownMapping(name, "configured" if name in configured else "shipped", table, text)
