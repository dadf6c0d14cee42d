"""Open the sources of the configuration: ``[source.NAME]``, each a transport with its keys and its secret."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from revrec.core.errors import BadConfiguration
from revrec.jobs import trust
from revrec.sources.transports import SourceTransport, open_transport

if TYPE_CHECKING:
    from revrec.jobs.context import Context


RESERVED = ("dismiss", "list", "retry")


def source_names(context: "Context") -> list[str]:
    """Return the names of all sources, in the order of the configuration."""
    return list(context.settings.free.get("source", {}))


def transport_of(context: "Context", name: str) -> SourceTransport:
    """Return the transport of a source, not yet connected.

    Raises:
        BadConfiguration: The source does not exist, its keys are wrong, or its secret may not be sent to its server.
    """
    config = _config(context, name)
    if config.get("transport") == "folder" and isinstance(config.get("path"), str):
        config["path"] = str(context.settings.home / Path(config["path"]).expanduser())
    if isinstance(config.get("ca_file"), str):
        config["ca_file"] = str(context.settings.home / Path(config["ca_file"]).expanduser())
    with context.settings.named():
        transport = open_transport(name, config, lambda key: secret_of(context, name, key))
    if transport.name != trust.LOCAL:
        trust.check(context, trust.source_name(name))
    return transport


def settings_of(context: "Context", name: str) -> Mapping[str, Any]:
    """Return the checked keys of a source.

    Raises:
        BadConfiguration: The source does not exist, or its keys are wrong.
    """
    with context.settings.named():
        return open_transport(name, _config(context, name), lambda _key: "").settings


def _config(context: "Context", name: str) -> dict[str, Any]:
    sources = context.settings.free.get("source", {})
    config = sources.get(name)
    if name in RESERVED:
        raise BadConfiguration(f"[source.{name}]: revrec fetch {name} is a command; give the source another name")
    if not isinstance(config, dict):
        known = ", ".join(sources) or "none"
        where = context.settings.file or "revrec.toml"
        raise BadConfiguration(f"{where}: no source named {name!r} (known: {known}); add a [source.{name}] table")
    if any("password" in key or "secret" in key for key in config):
        raise BadConfiguration(
            f"[source.{name}]: a password does not belong here; put it into {variable(name)}, the section "
            f"[source.{name}] of the credentials file, or the keychain under source:{name}"
        )
    return dict(config)


def variable(name: str) -> str:
    """Return the name of the environment variable that holds a source's secret."""
    return f"REVREC_SOURCE_{name}_PASSWORD".upper().replace("-", "_")


def secret_of(context: "Context", name: str, key: str) -> str:
    """Return a source's secret: from the environment, ``[source.NAME]`` of the credentials file, or the keychain."""
    from revrec.intacct.credentials import KEYCHAIN_SERVICE, keyring_password, private_value

    if found := context.environment.get(variable(name)):
        return found
    file = context.settings.gateway.credentials_file
    if file and (found := private_value(file, f"source.{name}", key)):
        return found
    return keyring_password(KEYCHAIN_SERVICE, f"source:{name}") or ""
