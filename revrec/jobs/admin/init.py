"""``revrec init``: create a folder with configuration, rules and database, ready for the sandbox."""

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
"""Settings for a first try that differ from the defaults: the sandbox's accounts, and a short quarantine."""


def shipped(name: str, beside: str = "") -> Path:
    """Return a folder that ships with revrec, such as ``rules``: in the package, or ``beside`` it in a checkout."""
    installed = PACKAGE / f"_{name}"
    return installed if installed.is_dir() else PACKAGE.parent / (beside or name)


def init(folder: Path, url: str = "") -> list[Path | str]:
    """Create configuration, rules and database in ``folder``; return what was created.

    With the ``url`` of a database, create the tables there and name it in the configuration; its server is confirmed,
    as by ``revrec trust``.

    Raises:
        BadInput: A configuration exists already, the folder cannot be written to, or the URL contains a password.
        BadConfiguration: The database cannot be used.
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
    # The user of this command named the server. If the folder is not safe, the next command reports it.
    with suppress(BadConfiguration):
        confirm(make_context("init", config, environment={}))
    return made


def _database(url: str) -> str:
    database = Database(url)
    if database.backend.secrets:
        fix = "leave it out of the URL, and set PGPASSWORD or use a .pgpass file"
        raise BadInput(f"{database.where}: the password would be stored in {CONFIG_NAME}; {fix}")
    database.create()
    return database.where


def _own_database(folder: Path) -> Path:
    file = folder / "revrec.db"
    Database(f"sqlite:///{file}").create()
    return file


def add_samples(folder: Path) -> Path:
    """Copy the sample data that ships with revrec into ``folder``; existing files are not changed.

    Return the folder of the copies.

    Raises:
        BadInput: The folder cannot be written to.
    """
    target = folder / "sample_data"
    try:
        target.mkdir(exist_ok=True)
        ours = shipped("sample_data")
        for source in sorted(ours.rglob("*")):
            place = target / source.relative_to(ours)
            if source.is_file() and not os.path.lexists(place):
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, place)
    except OSError as error:
        raise unwritable(target, error) from error
    return target


def unwritable(place: Path, error: OSError) -> BadInput:
    """Return the error for a folder that cannot be written to, with the fix."""
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
    """Yield a configuration that lists every key with its meaning and default; keys that the sandbox needs are set."""
    yield "# revrec: every key is listed; a commented-out key has its default value."
    yield "# REVREC_SECTION_KEY in the environment overrides a key. Keep passwords out of it: revrec docs intacct"
    for section, keys in KEYS.items():
        yield f"\n[{section}]"
        for key in keys.values():
            yield f"# {key.doc}"
            yield _line(section, key, url)


def _line(section: str, key: ConfigKey, url: str) -> str:
    own = (url or None) if (section, key.name) == ("database", "url") else SANDBOX_SETTINGS.get((section, key.name))
    value = key.default if own is None else own
    return f"{'# ' if own is None else ''}{key.name} = {json.dumps(value, ensure_ascii=False)}"
