"""``revrec init``: a folder with configuration, rules and database, ready for the sandbox."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from revrec.core.errors import BadConfiguration, BadInput
from revrec.core.keys import ConfigKey
from revrec.files import write_text
from revrec.jobs.context import make_context
from revrec.jobs.settings import CONFIG_NAME, KEYS
from revrec.jobs.trust import confirm
from revrec.store.database.engine import Database

PACKAGE = Path(__file__).resolve().parents[2]

SANDBOX_SETTINGS = {("accounts", "deferred"): "2400", ("accounts", "accrued"): "4000", ("posting", "quarantine"): "2 s"}
"""What differs from the defaults for a first try: accounts that the sandbox has, and a simulator that settles fast."""


def shipped(name: str, beside: str = "") -> Path:
    """A folder that ships with revrec (``rules``, ``sample_data``): in the package, or ``beside`` it in a checkout."""
    installed = PACKAGE / f"_{name}"
    return installed if installed.is_dir() else PACKAGE.parent / (beside or name)


def init(folder: Path, url: str = "") -> list[Path | str]:
    """Make configuration, rules and database in ``folder``; returns what was made.

    With the ``url`` of a database the tables are made there, and the configuration names it; its server is confirmed,
    as with ``revrec trust``.

    Raises:
        BadInput: there is a configuration already, the folder cannot be written to, or the URL holds a password.
        BadConfiguration: the database cannot be used.
    """
    config = folder / CONFIG_NAME
    if config.exists():
        raise BadInput(f"{config}: exists already and is not overwritten; choose another folder, or edit it")
    made: list[Path | str] = []
    if url:
        made.append(_database(url))
    try:
        made = [*_files(folder, config, url), *made]
    except OSError as error:
        raise unwritable(folder, error) from error
    if not url:
        return [*made, _own_database(folder)]
    # Whoever ran the command named the server; if the folder is not safe, the next command says so.
    with suppress(BadConfiguration):
        confirm(make_context("init", config, environment={}))
    return made


def _database(url: str) -> str:
    database = Database(url)
    if database.backend.secrets:
        mend = "leave it out of the URL, and give it by PGPASSWORD or a .pgpass file"
        raise BadInput(f"{database.where}: the password would stand in {CONFIG_NAME}; {mend}")
    database.create()
    return database.where


def _own_database(folder: Path) -> Path:
    file = folder / "revrec.db"
    Database(f"sqlite:///{file}").create()
    return file


def add_samples(folder: Path) -> None:
    """Copy the sample data that ships with revrec into ``folder``; what is there stays as it is.

    Raises:
        BadInput: the folder cannot be written to.
    """
    target = folder / "sample_data"
    try:
        target.mkdir(exist_ok=True)
        ours = shipped("sample_data")
        for source in sorted(ours.rglob("*")):
            place = target / source.relative_to(ours)
            if source.is_file() and not os.path.lexists(place):
                place.parent.mkdir(exist_ok=True)
                shutil.copyfile(source, place)
    except OSError as error:
        raise unwritable(target, error) from error


def unwritable(place: Path, error: OSError) -> BadInput:
    """That a folder cannot be written to, with the mend."""
    return BadInput(f"{place}: cannot be written to ({error.strerror or error}); choose another folder")


def _files(folder: Path, config: Path, url: str) -> list[Path]:
    rules, ours = folder / "rules", shipped("rules")
    made = []
    for source in sorted(ours.rglob("*.toml")):
        target = rules / source.relative_to(ours)
        if not os.path.lexists(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            made.append(Path(shutil.copyfile(source, target)))
    write_text(config, "\n".join(config_lines(url)) + "\n")
    return [config, *made]


def config_lines(url: str = "") -> Iterator[str]:
    """A configuration that names every key with its meaning and default; those in force for the sandbox are set."""
    yield "# revrec: every key is listed; a commented-out key has its default value."
    yield "# REVREC_SECTION_KEY in the environment overrides a key. Passwords do not belong here: see docs/intacct.md."
    for section, keys in KEYS.items():
        yield f"\n[{section}]"
        for key in keys.values():
            yield f"# {key.doc}"
            yield _line(section, key, url)


def _line(section: str, key: ConfigKey, url: str) -> str:
    own = (url or None) if (section, key.name) == ("database", "url") else SANDBOX_SETTINGS.get((section, key.name))
    value = key.default if own is None else own
    return f"{'# ' if own is None else ''}{key.name} = {json.dumps(value, ensure_ascii=False)}"
