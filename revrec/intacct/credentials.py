"""Lookup of credentials, and the places where they are refused.

Each value is searched in this order: the environment (``REVREC_INTACCT_SENDER_ID`` before Intacct's own
``INTACCT_SENDER_ID``, and so on), ``revrec.toml`` (never passwords), the credentials file named in ``revrec.toml``,
``~/.intacct/credentials.ini`` as used by Intacct's SDKs, and the system's keychain.
"""

import configparser
import importlib
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from revrec.core.errors import BadConfiguration
from revrec.intacct.endpoint import INTACCT_ENDPOINT, checked_endpoint

SENDER = ("sender_id", "sender_password")
COMPANY = ("company_id", "entity_id", "user_id", "user_password", "endpoint_url")
PASSWORDS = ("sender_password", "user_password")
REQUIRED = ("sender_id", "sender_password", "company_id", "user_id", "user_password")
KEYCHAIN_SERVICE = "revrec"

Keychain = Callable[[str, str], str | None]


@dataclass(frozen=True)
class Credentials:
    """Everything that a sign-in needs. ``repr`` and ``str`` do not show the passwords."""

    sender_id: str
    sender_password: str = field(repr=False)
    company_id: str
    user_id: str
    user_password: str = field(repr=False)
    entity_id: str = ""
    endpoint: str = INTACCT_ENDPOINT

    @property
    def secrets(self) -> tuple[str, str]:
        """Return the values that must never be stored or shown."""
        return (self.sender_password, self.user_password)


def resolve_credentials(
    environment: Mapping[str, str],
    home: Path,
    settings: Mapping[str, str] | None = None,
    credentials_file: Path | None = None,
    keychain: Keychain | None = None,
) -> Credentials:
    """Find all credentials.

    ``settings``: the plain values of ``revrec.toml`` (``sender_id``, ``company_id``, ``user_id``, ``entity_id``,
    ``endpoint_url``). ``keychain``: returns a password for a service and a name; by default the ``keyring`` library, if
    it is installed.

    Raises:
        BadConfiguration: a value is missing (the message names it and where to put it), a password is in the settings,
            or a credentials file is unreadable or readable by others.
    """
    return _credentials(_resolve(environment, home, settings, credentials_file, keychain)[0])


def credential_origins(
    environment: Mapping[str, str],
    home: Path,
    settings: Mapping[str, str] | None = None,
    credentials_file: Path | None = None,
    keychain: Keychain | None = None,
) -> dict[str, str]:
    """Return the origin of each credential, never its value. Same arguments as :func:`resolve_credentials`."""
    return _resolve(environment, home, settings, credentials_file, keychain)[1]


def _resolve(
    environment: Mapping[str, str],
    home: Path,
    settings: Mapping[str, str] | None,
    credentials_file: Path | None,
    keychain: Keychain | None,
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the values and their origins, both by name. The first place that has a value wins."""
    plain = {name: value for name, value in (settings or {}).items() if value}
    _refuse_passwords(plain)
    own = home / ".intacct" / "credentials.ini"
    sources = {"environment": _from_environment(environment), "configuration": plain}
    if credentials_file is not None:
        sources[str(credentials_file)] = _from_file(credentials_file, environment, must_exist=True)
    if own != credentials_file:
        sources[str(own)] = _from_file(own, environment, must_exist=False)
    found: dict[str, str] = {}
    origins: dict[str, str] = {}
    for origin, source in sources.items():
        found = source | found
        origins = dict.fromkeys(source, origin) | origins
    _ask_keychain(found, keychain or keyring_password)
    return found, dict.fromkeys(found, "keychain") | origins


def private_value(path: Path, section: str, key: str) -> str:
    """Return a value of any section of a credentials file, or an empty text if it is missing.

    Raises:
        BadConfiguration: the file does not exist, others can read it, or it is not an INI file.
    """
    return _section_values(_parser(path, _private_text(path, must_exist=True) or ""), section, (key,)).get(key, "")


def keyring_password(service: str, name: str) -> str | None:
    """Return a password from the system's keychain; None without the ``keyring`` library, a keychain or this item."""
    try:
        keyring = importlib.import_module("keyring")
        password = keyring.get_password(service, name)
    except Exception:
        # A locked or missing keychain must not block the other places. A value found nowhere is reported later.
        return None
    return None if password is None else str(password)


def _refuse_passwords(settings: Mapping[str, str]) -> None:
    for name in PASSWORDS:
        if settings.get(name):
            raise BadConfiguration(
                f"{name} must not be in the configuration file; remove it and put it in INTACCT_{name.upper()}, in the "
                "keychain, or in a credentials file that only you can read"
            )


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name in (*SENDER, *COMPANY):
        for prefix in ("INTACCT_", "REVREC_INTACCT_"):
            value = environment.get(prefix + name.upper())
            if value:
                found[name] = value
    return found


def _from_file(path: Path, environment: Mapping[str, str], must_exist: bool) -> dict[str, str]:
    text = _private_text(path, must_exist)
    if text is None:
        return {}
    parser = _parser(path, text)
    profile = environment.get("INTACCT_PROFILE") or "default"
    sender = environment.get("INTACCT_SENDER_PROFILE") or profile
    company = environment.get("INTACCT_COMPANY_PROFILE") or profile
    named = {environment.get(f"INTACCT_{kind}PROFILE") for kind in ("", "SENDER_", "COMPANY_")} - {None, ""}
    for name in (sender, company):
        if name in named and not parser.has_section(name):
            raise BadConfiguration(f"{path}: there is no section [{name}], which INTACCT_..PROFILE names")
    return _section_values(parser, sender, SENDER) | _section_values(parser, company, COMPANY)


def _parser(path: Path, text: str) -> configparser.ConfigParser:
    """Parse an INI file. Drops the parser's own errors: they quote the line, which may contain a password."""
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(text)
        return parser
    except configparser.Error:
        pass
    raise BadConfiguration(
        f"{path}: this is not an INI file; write a [default] section with lines like sender_id = ..."
    )


def _section_values(parser: configparser.ConfigParser, name: str, keys: tuple[str, ...]) -> dict[str, str]:
    if not parser.has_section(name):
        return {}
    return {key: value for key in keys if (value := parser[name].get(key, ""))}


def _private_text(path: Path, must_exist: bool) -> str | None:
    """Return the text of a file that only its owner can read; None if it is missing and not needed."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise BadConfiguration(f"{path}: others can read this file; run: chmod 600 '{path}'")
            content = file.read()
    except FileNotFoundError:
        if must_exist:
            raise BadConfiguration(
                f"{path}: this credentials file does not exist; correct its name in the configuration"
            ) from None
        return None
    except OSError as reason:
        raise BadConfiguration(f"{path}: cannot be read ({reason.strerror})") from None
    text = content.decode("utf-8-sig", "replace")
    if "\ufffd" in text:
        raise BadConfiguration(f"{path}: the file is not UTF-8 text; save it as UTF-8")
    return text


def _ask_keychain(found: dict[str, str], keychain: Keychain) -> None:
    """Look up missing passwords in the keychain, by the sender's id and by ``user@company``."""
    names = {"sender_password": found.get("sender_id", "")}
    if found.get("user_id") and found.get("company_id"):
        names["user_password"] = f"{found['user_id']}@{found['company_id']}"
    for key, name in names.items():
        if name and key not in found and (password := keychain(KEYCHAIN_SERVICE, name)):
            found[key] = password


def _credentials(found: Mapping[str, str]) -> Credentials:
    missing = [name for name in REQUIRED if not found.get(name)]
    if missing:
        names = ", ".join(f"INTACCT_{name.upper()}" for name in missing)
        raise BadConfiguration(
            f"Intacct credentials are missing: {', '.join(missing)}; set {names} in the environment, or write them to "
            "~/.intacct/credentials.ini (chmod 600), or keep the passwords in the keychain under the service 'revrec'"
        )
    return Credentials(
        sender_id=found["sender_id"],
        sender_password=found["sender_password"],
        company_id=found["company_id"],
        user_id=found["user_id"],
        user_password=found["user_password"],
        entity_id=found.get("entity_id", ""),
        endpoint=checked_endpoint(found.get("endpoint_url") or INTACCT_ENDPOINT),
    )
