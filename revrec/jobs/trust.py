"""Check that a configuration file sends passwords only to servers that its user confirmed with ``revrec trust``.

A configuration found in a folder decides where passwords of the environment, ``~/.pgpass``, credentials files and the
keychain go, so one from someone else could collect them. It may name Intacct's own hosts and the built-in sandbox. Any
other server must be confirmed once, for this file and this address. Addresses from the environment or the command
line come from the user and need no confirmation.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from revrec.core.errors import BadConfiguration
from revrec.files import write_text
from revrec.jobs.file_owners import check_ownership
from revrec.jobs.settings import ENDPOINT_NAMES, Settings

DATABASE, GATEWAY, ALERTS = "database", "gateway", "alerts"
LOCAL = "folder"
"""The transport that connects to no server."""

NOT_THE_SERVER = frozenset({
    "transport", "map", "format", "events", "keep_good", "largest", "timeout", "files", "settle_seconds", "after",
    "refused", "path", "folder", "senders", "subject", "body", "next",
})  # fmt: skip
"""Keys of a source that change neither the server nor how the secret is sent to it."""

_by_this_process: dict[Path, set["Destination"]] = {}


class CommandContext(Protocol):
    """The part of a command's context that decides what is trusted."""

    @property
    def settings(self) -> Settings: ...
    @property
    def environment(self) -> Mapping[str, str]: ...
    def timestamp(self) -> str: ...


class Destination(NamedTuple):
    """A server that receives a password: which part of the configuration names it, and its address, without secrets."""

    name: str
    address: str


class Confirmation(NamedTuple):
    """A file and the destinations that its user confirmed, at a time in UTC (ISO 8601)."""

    file: Path
    at: str
    destinations: tuple[Destination, ...]


def source_name(name: str) -> str:
    """Return the name of a source among the destinations."""
    return f"source {name}"


def check(context: CommandContext, name: str) -> None:
    """Check that the configuration file is the user's own, and that the destination of this name is confirmed.

    Raises:
        BadConfiguration: others can change the file, or it names a server that was not confirmed.
    """
    file = context.settings.file
    if file is None:
        return
    check_ownership(file)
    for one in destinations(context):
        if one.name == name and not _is_confirmed(file, one):
            raise BadConfiguration(
                f"{file}: you have not confirmed the {name} that it names, {one.address}; no password is sent there. "
                f"If the address is right, run: revrec trust '{file}'"
            )


def destinations(context: CommandContext) -> Iterator[Destination]:
    """Yield the servers other than Intacct's that the configuration file itself names and that receive a password."""
    settings = context.settings
    url = settings.database.url
    if ("database", "url") in settings.from_file and url and not url.startswith("sqlite"):
        from revrec.store.database.engine import backend

        yield Destination(DATABASE, backend(url).where)
    if ("gateway", "endpoint") in settings.from_file and not any(map(context.environment.get, ENDPOINT_NAMES)):
        yield from _gateway(settings.gateway.endpoint)
    for name, config in settings.free.get("source", {}).items():
        if isinstance(config, dict) and config.get("transport") != LOCAL:
            yield Destination(source_name(name), _source_address(config))
    if ("alerts", "host") in settings.from_file and settings.alerts.user:
        alerts = settings.alerts
        yield Destination(ALERTS, f"smtp://{alerts.host}:{alerts.port} tls={alerts.tls}")


def confirm(context: CommandContext) -> Confirmation | None:
    """Confirm the destinations that the configuration file names now, in place of those confirmed before.

    Returns None if there is no file, or it names no destination.

    Raises:
        BadConfiguration: others can change the file, or the confirmation cannot be stored.
    """
    file, found = context.settings.file, tuple(destinations(context))
    if file is None or not found:
        return None
    check_ownership(file)
    one = Confirmation(file.resolve(), context.timestamp(), found)
    _store([*(other for other in confirmations() if other.file != one.file), one])
    return one


def remove(file: Path) -> bool:
    """Remove the confirmation of a file, which need not exist any more; return whether there was one."""
    known = confirmations()
    left = [one for one in known if one.file != file.resolve()]
    if len(left) < len(known):
        _store(left)
    return len(left) < len(known)


def confirmations() -> list[Confirmation]:
    """Return all confirmations.

    Raises:
        BadConfiguration: others can change the file that holds them, or it cannot be read.
    """
    place = _place()
    try:
        text = place.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{place}: cannot be read: {error}; delete it, then run revrec trust again") from error
    check_ownership(place)
    try:
        return [_read(one) for one in json.loads(text)["trusted"]]
    except (ValueError, KeyError, TypeError) as error:
        raise BadConfiguration(f"{place}: is damaged; delete it, then run revrec trust again") from error


def vouch(context: CommandContext, *names: str) -> None:
    """Confirm destinations for the time of this process alone, which wrote them into the file itself."""
    assert context.settings.file is not None
    own = {one for one in destinations(context) if one.name in names}
    _by_this_process.setdefault(context.settings.file.resolve(), set()).update(own)


def _is_confirmed(file: Path, one: Destination) -> bool:
    real = file.resolve()
    # Whoever can write to the user's own configuration folder could confirm everything.
    if real.parent == _place().parent.resolve() or one in _by_this_process.get(real, ()):
        return True
    return any(one in known.destinations for known in confirmations() if known.file == real)


def _gateway(endpoint: str) -> Iterator[Destination]:
    """Yield a gateway on this machine that is not the built-in sandbox: it may be another user's server."""
    from revrec.core.loopback import is_loopback_url
    from revrec.intacct.endpoint import checked_endpoint

    if endpoint and endpoint != "sandbox" and is_loopback_url(checked_endpoint(endpoint)):
        yield Destination(GATEWAY, endpoint)


def _source_address(config: Mapping[str, Any]) -> str:
    """Return what decides on the server of a source, and on how the secret is sent, in a fixed order."""
    parts = {key: _without_secrets(value) for key, value in config.items() if key not in NOT_THE_SERVER}
    return " ".join([str(config.get("transport")), *(f"{key}={parts[key]}" for key in sorted(parts))])


def _without_secrets(value: Any) -> str:
    """Return a value without the parts of a URL that may hold a secret: its user and its query."""
    text = str(value)
    try:
        parts = urlsplit(text)
    except ValueError:
        return text
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else text


def _place() -> Path:
    import platformdirs

    return platformdirs.user_config_path("revrec") / "trusted.json"


def _store(all: list[Confirmation]) -> None:
    place = _place()
    rows = [{**one._asdict(), "file": str(one.file)} for one in all]
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_text(place, json.dumps({"trusted": rows}, indent=2) + "\n")
    except OSError as error:
        why = error.strerror or error
        raise BadConfiguration(f"{place}: cannot be written: {why}; give this user write permission there") from error


def _read(row: Mapping[str, Any]) -> Confirmation:
    found = tuple(Destination(str(name), str(address)) for name, address in row["destinations"])
    return Confirmation(Path(row["file"]), str(row["at"]), found)
